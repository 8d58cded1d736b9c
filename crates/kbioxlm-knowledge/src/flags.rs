//! How a name may be used: what the flags of a lexicon mean, and what a name's own form says.
//!
//! | flag | looked for in text | may replace a mention |
//! |---|---|---|
//! | none, `layperson`, `plural_form`, `uk_spelling`, `from_alias`, `from_parenthesis`, `brand_or_alt`, `dosage_form`, `category_title`, `single_source`, `disambiguated` | yes | yes: true names, if not the most usual ones |
//! | `candidate` (translated, not yet reviewed) | yes | yes: often the only name in its language |
//! | `abbreviation` | yes, in exactly this case | yes |
//! | `untranslated`, `same_as_english` | no, except in English | no: not a name in that language |
//! | `broad`, `narrow`, `related` | yes | no: names something wider, narrower or beside the concept |
//! | `variant_or_misspelling`, `space_lost` | yes | no: found in text, but nothing to write |
//! | `latin_subject` | yes | no: a name made of two languages |
//! | any other | yes | yes, and the build report counts it |
//!
//! The form of a name, whatever its flags:
//!
//! - a name of one character or without any letter (`7`, `654-2`) is not looked for: such matches mean nothing;
//! - nor is a word of two letters unless both are capitals (`RA`; but not `An`, which is English for "one");
//! - a word of at most five characters whose letters are all capitals (`WHO`, `G6PD`) is taken for an abbreviation:
//!   sources flag only some of theirs;
//! - a name with Chinese, Japanese or Korean characters in a language that does not use them is no name in it.

use crate::script::{is_cjk, is_mark, is_word};

/// Flags whose meaning is known (see the [module](self)); others are allowed and counted.
pub const KNOWN: [&str; 20] = [
    "abbreviation",
    "brand_or_alt",
    "broad",
    "candidate",
    "category_title",
    "disambiguated",
    "dosage_form",
    "from_alias",
    "from_parenthesis",
    "latin_subject",
    "layperson",
    "narrow",
    "plural_form",
    "related",
    "same_as_english",
    "single_source",
    "space_lost",
    "uk_spelling",
    "untranslated",
    "variant_or_misspelling",
];

/// The name is the English one.
const COPIES: [&str; 2] = ["same_as_english", "untranslated"];
/// The name is no exact and well-written name of the concept.
const INEXACT: [&str; 6] = ["broad", "latin_subject", "narrow", "related", "space_lost", "variant_or_misspelling"];
/// Longest word in capitals that is taken for an abbreviation; longer ones are mostly brands.
const LONGEST_ACRONYM: usize = 5;
/// Languages written with the characters of [`is_cjk`].
const CJK_LANGUAGES: [&str; 5] = ["ja", "ko", "lzh", "yue", "zh"];

/// How a name may be used.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Usage {
    pub case_sensitive: bool,
    pub translation: bool,
    pub matched: bool,
    /// The name is in characters that its language does not use.
    pub foreign_script: bool,
}

/// Decides from a name's language, form and flags how it may be used.
pub(crate) fn usage(lang: &str, text: &str, flags: &[String]) -> Usage {
    let has = |set: &[&str]| flags.iter().any(|f| set.contains(&f.as_str()));
    let language = lang.split('-').next().unwrap_or(lang);
    let copy = has(&COPIES);
    let copied_elsewhere = copy && language != "en";
    let foreign_script = !CJK_LANGUAGES.contains(&language) && text.chars().any(is_cjk);
    Usage {
        case_sensitive: has(&["abbreviation"]) || is_acronym(text),
        translation: !copy && !has(&INEXACT) && !foreign_script,
        matched: !copied_elsewhere && !foreign_script && is_searchable(text),
        foreign_script,
    }
}

fn is_acronym(text: &str) -> bool {
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    capitals >= 2
        && text.chars().count() <= LONGEST_ACRONYM
        && text.chars().all(|c| !c.is_whitespace() && (!c.is_alphabetic() || c.is_uppercase()))
}

fn is_searchable(text: &str) -> bool {
    let mut bases = text.chars().filter(|&c| !is_mark(c));
    let (first, second, third) = (bases.next(), bases.next(), bases.next());
    let (Some(first), Some(second)) = (first, second) else { return false };
    let two_letters = third.is_none() && [first, second].iter().all(|&c| c.is_alphabetic() && is_word(c));
    // A name cannot begin in the middle of a character.
    !text.starts_with(is_mark)
        && text.chars().any(char::is_alphabetic)
        && !(two_letters && [first, second].iter().any(|c| c.is_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lang: &str, text: &str, flags: &[&str]) -> Usage {
        usage(lang, text, &flags.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn flags_decide() {
        let plain = of("en", "Fever", &[]);
        assert_eq!(plain, Usage { case_sensitive: false, translation: true, matched: true, foreign_script: false });
        assert!(of("en", "Low ALP", &["abbreviation"]).case_sensitive);
        for flag in COPIES {
            let copy = of("es", "Insulinoma", &[flag]);
            assert!(!copy.translation && !copy.matched, "{flag}");
            assert!(of("en", "Insulinoma", &[flag]).matched, "{flag}");
        }
        for flag in INEXACT {
            let inexact = of("en", "Hydrocele", &["layperson", flag]);
            assert!(!inexact.translation && inexact.matched, "{flag}");
        }
        assert_eq!(of("en", "Fever", &["candidate", "never heard of"]), plain);
    }

    #[test]
    fn form_decides() {
        for text in ["A", "血", "7", "654-2", "e\u{301}", "An", "af", "\u{301}ab", "🧬"] {
            assert!(!of("zh", text, &[]).matched, "{text}");
        }
        for text in ["RA", "贫血", "B1", "flu", "5-HT", "T4"] {
            assert!(of("zh", text, &[]).matched, "{text}");
        }
        for text in ["WHO", "G6PD", "RA", "AIDS"] {
            assert!(of("en", text, &[]).case_sensitive, "{text}");
        }
        for text in ["SERMION", "Fever", "HIV感染", "B12", "OF THE"] {
            assert!(!of("en", text, &[]).case_sensitive, "{text}");
        }
        assert!(of("en", "Devic病", &[]).foreign_script && !of("en", "Devic病", &[]).translation);
        assert!(of("zh-Hant", "Devic病", &[]).translation && of("ja", "川崎病", &[]).matched);
    }
}
