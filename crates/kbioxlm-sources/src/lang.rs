//! Languages as the knowledge base names them.

use std::borrow::Cow;

/// What a language tag says.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Language {
    /// Primary language, with the script where that is not the usual one: `en`, `zh-Hant`, `sr-Latn`.
    pub tag: Cow<'static, str>,
    /// English as it is spelt outside America.
    pub british: bool,
}

impl Language {
    /// Of a tag such as `en-GB`, `zh_TW` or `sr-latn`. Regions are left out, except that some tell the script of Chinese and the
    /// spelling of English.
    pub fn of(tag: &str) -> Self {
        let lower = tag.trim().to_ascii_lowercase();
        let mut parts = lower.split(['-', '_']);
        let primary = parts.next().unwrap_or_default().to_owned();
        let rest: Vec<&str> = parts.collect();
        let has = |any: &[&str]| rest.iter().any(|part| any.contains(part));
        let british = primary == "en" && has(&["gb", "au", "nz", "ie", "za", "in"]);
        let tag = if primary == "zh" && has(&["hant", "tw", "hk", "mo"]) {
            Cow::Borrowed("zh-Hant")
        } else if primary == "zh" {
            Cow::Borrowed("zh")
        } else {
            match rest.iter().find(|part| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphabetic())) {
                // `sr-Latn` is written otherwise than `sr`.
                Some(script) => {
                    let (first, others) = script.split_at(1);
                    Cow::Owned(format!("{primary}-{}{others}", first.to_ascii_uppercase()))
                }
                None => Cow::Owned(primary),
            }
        };
        Self { tag, british }
    }

    /// Whether it is among those asked for; `zh` also asks for `zh-Hant`, and none at all for every one.
    pub fn is_among(&self, asked: &[String]) -> bool {
        let primary = self.tag.split('-').next().unwrap_or_default();
        asked.is_empty() || asked.iter().any(|l| *l == self.tag || l == primary)
    }

    /// Whether the tag has the form of one.
    pub fn is_tag(tag: &str) -> bool {
        tag.len() <= 40
            && tag.starts_with(|c: char| c.is_ascii_alphabetic())
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_languages() {
        for (tag, expected, british) in [
            ("en", "en", false),
            ("en-US", "en", false),
            ("en_GB", "en", true),
            ("zh-Hans-CN", "zh", false),
            ("zh-TW", "zh-Hant", false),
            ("zh-hant", "zh-Hant", false),
            ("sr-latn", "sr-Latn", false),
            ("pt-BR", "pt", false),
            (" FR ", "fr", false),
        ] {
            assert_eq!(Language::of(tag), Language { tag: expected.into(), british }, "{tag}");
        }
    }

    #[test]
    fn tags_begin_with_a_letter() {
        assert!(Language::is_tag("en") && Language::is_tag("zh_Hant"));
        for tag in ["", "-", "-en", "1", "e n", "é", &"a".repeat(41)] {
            assert!(!Language::is_tag(tag), "{tag}");
        }
    }

    #[test]
    fn chinese_asks_for_both_scripts() {
        let asked = |tags: &[&str]| tags.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert!(Language::of("zh-TW").is_among(&asked(&["zh"])));
        assert!(!Language::of("zh").is_among(&asked(&["zh-Hant", "en"])));
        assert!(Language::of("fr").is_among(&[]));
    }
}
