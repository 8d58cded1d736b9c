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
//! | `equal_in_english` (given by the build: the concept has the same name in English) | yes | no: nothing would be translated |
//! | `ambiguous` (given by the build: a name of many concepts) | no: which is meant? | yes |
//! | `pinyin`, `stop_word`, `excluded` (given by the build, see [`TermOptions`](crate::TermOptions)) | no | no |
//! | any other | yes | yes, and the build report counts it |
//!
//! The form of a name, whatever its flags:
//!
//! - a name of one character (of fewer than [`TermOptions::min_length`](crate::TermOptions::min_length)) or without any letter (`7`, `654-2`)
//!   is not looked for: such matches mean nothing;
//! - nor is a word of two letters unless both are capitals (`RA`; but not `An`, which is English for "one");
//! - a word of at most five characters whose letters are all capitals (`WHO`, `G6PD`) is taken for an abbreviation:
//!   sources flag only some of theirs;
//! - a name with Chinese, Japanese or Korean characters in a language that does not use them is no name in it.

use crate::script::{is_cjk, is_mark, is_word};

/// Flags whose meaning is known (see the [module](self)); others are allowed and counted.
pub const KNOWN: [&str; 25] = [
    "abbreviation",
    "ambiguous",
    "brand_or_alt",
    "broad",
    "candidate",
    "category_title",
    "disambiguated",
    "dosage_form",
    "equal_in_english",
    "excluded",
    "from_alias",
    "from_parenthesis",
    "latin_subject",
    "layperson",
    "narrow",
    "pinyin",
    "plural_form",
    "related",
    "same_as_english",
    "single_source",
    "space_lost",
    "stop_word",
    "uk_spelling",
    "untranslated",
    "variant_or_misspelling",
];

/// The name is the English one.
const COPIES: [&str; 2] = ["same_as_english", "untranslated"];
/// The name is no exact and well-written name of the concept.
const INEXACT: [&str; 6] = ["broad", "latin_subject", "narrow", "related", "space_lost", "variant_or_misspelling"];
/// The name is of no use.
const UNUSED: [&str; 3] = ["excluded", "pinyin", "stop_word"];
/// The name means too many things to be found in text.
const AMBIGUOUS: [&str; 1] = ["ambiguous"];
/// The name is also the English one.
const EQUAL: [&str; 1] = ["equal_in_english"];
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
    /// The name is too short, or has no letter.
    pub short: bool,
}

/// The language of a tag, without region or script: `zh` of `zh-Hant`.
pub(crate) fn language_of(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// Decides from a name's language, form and flags how it may be used.
pub(crate) fn usage(lang: &str, text: &str, flags: &[&str], min_length: usize) -> Usage {
    let has = |set: &[&str]| flags.iter().any(|f| set.contains(f));
    let language = language_of(lang);
    let copy = has(&COPIES);
    let copied_elsewhere = copy && language != "en";
    let foreign_script = !CJK_LANGUAGES.contains(&language) && text.chars().any(is_cjk);
    let short = !is_searchable(text, min_length);
    let unused = has(&UNUSED) || foreign_script;
    Usage {
        case_sensitive: has(&["abbreviation"]) || is_acronym(text),
        translation: !copy && !has(&INEXACT) && !has(&EQUAL) && !unused,
        matched: !copied_elsewhere && !unused && !short && !has(&AMBIGUOUS),
        foreign_script,
        short,
    }
}

fn is_acronym(text: &str) -> bool {
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    capitals >= 2
        && text.chars().count() <= LONGEST_ACRONYM
        && text.chars().all(|c| !c.is_whitespace() && (!c.is_alphabetic() || c.is_uppercase()))
}

fn is_searchable(text: &str, min_length: usize) -> bool {
    let mut bases = text.chars().filter(|&c| !is_mark(c));
    let (first, second, third) = (bases.next(), bases.next(), bases.next());
    let Some(first) = first else { return false };
    let length = [Some(first), second, third].iter().flatten().count() + bases.count();
    let two_letters = second
        .filter(|_| third.is_none())
        .filter(|&second| [first, second].iter().all(|&c| c.is_alphabetic() && is_word(c)));
    length >= min_length
        // A name cannot begin in the middle of a character.
        && !text.starts_with(is_mark)
        && text.chars().any(char::is_alphabetic)
        && two_letters.is_none_or(|second| !first.is_lowercase() && !second.is_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lang: &str, text: &str, flags: &[&str]) -> Usage {
        usage(lang, text, flags, 2)
    }

    #[test]
    fn flags_decide() {
        let plain = of("en", "Fever", &[]);
        assert_eq!(
            plain,
            Usage { case_sensitive: false, translation: true, matched: true, foreign_script: false, short: false }
        );
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
        for flag in UNUSED {
            let unused = of("en", "Fever", &[flag]);
            assert!(!unused.translation && !unused.matched, "{flag}");
        }
        assert!(!of("en", "Cold", &AMBIGUOUS).matched && of("en", "Cold", &AMBIGUOUS).translation);
        assert!(of("zh", "HIV", &EQUAL).matched && !of("zh", "HIV", &EQUAL).translation);
        assert_eq!(of("en", "Fever", &["candidate", "never heard of"]), plain);
        assert!(KNOWN.is_sorted() && [&UNUSED[..], &EQUAL, &AMBIGUOUS].concat().iter().all(|f| KNOWN.contains(f)));
    }

    #[test]
    fn form_decides() {
        for text in ["A", "血", "7", "654-2", "e\u{301}", "An", "af", "\u{301}ab", "🧬"] {
            assert!(!of("zh", text, &[]).matched, "{text}");
        }
        assert!(
            usage("zh", "血", &[], 1).matched
                && !usage("zh", "7", &[], 1).matched
                && !usage("zh", "贫血", &[], 3).matched
        );
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
