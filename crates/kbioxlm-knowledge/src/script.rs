//! Which characters make words, and where a word may end.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Han, Kana, Bopomofo and Hangul: scripts whose names run into the words beside them.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11FF                       // Hangul Jamo
        | 0x2E80..=0x2FDF                     // Han radicals
        | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3038..=0x303C
        | 0x3040..=0x31BF | 0x31F0..=0x31FF   // Kana, Bopomofo, Hangul compatibility
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF   // Han
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF   // Hangul
        | 0xF900..=0xFAFF                     // Han compatibility
        | 0xFF66..=0xFFDC                     // half-width Katakana and Hangul
        | 0x1AFF0..=0x1B16F                   // Kana supplements
        | 0x20000..=0x3FFFF) // Han extensions
}

/// Thai, Lao, Myanmar and Khmer, like Chinese and Japanese, are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    is_cjk(c) || matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF)
}

/// A combining mark: belongs to the character before it. Variation selectors choose a glyph only and do not count.
pub(crate) fn is_mark(c: char) -> bool {
    // Below U+0300 there are none; most text never gets to the table.
    c >= '\u{300}'
        && c.general_category_group() == GeneralCategoryGroup::Mark
        && !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// A letter or digit of a script that separates words: beside another one there is no word boundary.
/// Enclosed numbers (①) are list marks, not parts of words.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && !is_unspaced(c) && !is_mark(c) && !matches!(u32::from(c), 0x2460..=0x24FF | 0x2776..=0x2793)
}

/// May a mention stand at `start..end` of `text` (both character boundaries, `start < end`)?
///
/// An edge that [is a word character](is_word) must not have another one beside it; combining marks count as
/// part of the character before them, and a mention never ends before one. Other edges are free.
pub(crate) fn at_boundaries(text: &str, start: usize, end: usize) -> bool {
    let base = |s: &str| s.chars().rev().find(|&c| !is_mark(c));
    let inner = &text[start..end];
    let after = text[end..].chars().next();
    if after.is_some_and(is_mark) {
        return false;
    }
    let open_left = inner.chars().next().is_some_and(is_word) && base(&text[..start]).is_some_and(is_word);
    let open_right = base(inner).is_some_and(is_word) && after.is_some_and(is_word);
    !open_left && !open_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_characters() {
        for c in ['a', 'Z', '7', 'é', 'β', 'Ж', 'Ａ', '５', '²', 'µ'] {
            assert!(is_word(c), "{c}");
        }
        for c in ['高', 'の', 'カ', 'ｶ', '々', '한', 'ท', '①', '-', '_', '。', ' ', '\u{301}', '🧬'] {
            assert!(!is_word(c), "{c}");
        }
        for c in ['\u{301}', '\u{20DD}', '\u{3099}', '\u{93F}', '\u{E31}'] {
            assert!(is_mark(c), "{c:?}");
        }
        for c in ['a', '\u{FE0F}', '\u{E0100}', '\u{200D}', '高'] {
            assert!(!is_mark(c), "{c:?}");
        }
    }

    #[test]
    fn boundaries_hold_for_letters_and_digits_only() {
        let check = |before: &str, term: &str, after: &str| {
            at_boundaries(&format!("{before}{term}{after}"), before.len(), before.len() + term.len())
        };
        assert!(check("", "fever", ""));
        assert!(check("有", "fever", "的"));
        assert!(check("(", "fever", ","));
        assert!(!check("a", "fever", ""));
        assert!(!check("", "fever", "s"));
        assert!(!check("", "fever", "2"));
        assert!(!check("е", "fever", ""), "a Cyrillic letter");
        assert!(check("新", "高血压", "病"));
        assert!(check("a", "高血压", "b"));
        assert!(!check("", "维生素B1", "2"));
        assert!(check("抗", "维生素B1", "和"));
        assert!(!check("e\u{301}", "fever", ""), "the mark belongs to a letter");
        assert!(!check("", "fever", "\u{301}"), "the mark belongs to the term's last letter");
        assert!(!check("", "カ", "\u{3099}"), "the mark makes another character");
        assert!(!check("", "cafe\u{301}", "s"), "the last letter has a mark");
        assert!(check("", "葛", "\u{E0100}"));
    }
}
