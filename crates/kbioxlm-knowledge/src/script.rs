//! Which characters make words: the classes by which text is cut into tokens.

use std::sync::LazyLock;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// What a character does to the token it stands in or beside.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    /// A letter or digit of a script that separates words: joins others to one token.
    Word,
    /// A letter of a script that does not separate words: a token of its own.
    Unspaced,
    /// Punctuation, symbols, controls: a token of its own.
    Other,
    /// White space: part of no token.
    Space,
    /// A combining mark or conjoining letter: part of the token before it.
    Extend,
    /// Invisible (zero-width, soft hyphen, variation selector): part of the token before it, and without meaning.
    Ignorable,
}

/// The classes of the Basic Multilingual Plane.
static CLASSES: LazyLock<Box<[Class]>> =
    LazyLock::new(|| (0..=0xFFFF_u32).map(|c| char::from_u32(c).map_or(Class::Other, class_of)).collect());

/// The class of a character.
pub(crate) fn class(c: char) -> Class {
    CLASSES.get(c as usize).copied().unwrap_or_else(|| class_of(c))
}

fn class_of(c: char) -> Class {
    if c.is_ascii_alphanumeric() {
        Class::Word
    } else if is_ignorable(c) {
        Class::Ignorable
    } else if c.is_whitespace() {
        Class::Space
    } else if is_mark(c) || is_conjoining(c) {
        Class::Extend
    } else if !c.is_alphanumeric() || is_enclosed(c) {
        Class::Other
    } else if is_unspaced(c) {
        Class::Unspaced
    } else {
        Class::Word
    }
}

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
    c >= '\u{300}' && c.general_category_group() == GeneralCategoryGroup::Mark && !is_ignorable(c)
}

/// Hangul vowels and finals: with the letters before them they make one syllable.
fn is_conjoining(c: char) -> bool {
    matches!(u32::from(c), 0x1161..=0x11FF | 0xD7B0..=0xD7FF)
}

/// Characters that are not seen: soft hyphens, zero-width spaces and joiners, directions, variation selectors.
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFE00..=0xFE0F | 0xFEFF | 0xE0100..=0xE01EF)
}

/// Enclosed numbers (①) are list marks, not parts of words.
fn is_enclosed(c: char) -> bool {
    matches!(u32::from(c), 0x2460..=0x24FF | 0x2776..=0x2793)
}

/// A letter or digit of a script that separates words: beside another one there is no word boundary.
pub(crate) fn is_word(c: char) -> bool {
    class(c) == Class::Word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_characters() {
        let check = |class_name: Class, list: &[char]| {
            for &c in list {
                assert_eq!(class(c), class_name, "{c:?}");
            }
        };
        check(Class::Word, &['a', 'Z', '7', 'é', 'β', 'Ж', 'Ａ', '５', '²', 'µ', 'ß', '𝐀']);
        check(Class::Unspaced, &['高', 'の', 'カ', 'ｶ', '々', '한', 'ท', '𠀀', '\u{1100}']);
        check(Class::Other, &['①', '-', '_', '。', '（', '🧬', '\0', '\u{1F3FB}']);
        check(Class::Space, &[' ', '\t', '\n', '\u{A0}', '\u{3000}', '\u{2029}']);
        check(Class::Extend, &['\u{301}', '\u{20DD}', '\u{3099}', '\u{93F}', '\u{E31}', '\u{1161}']);
        check(Class::Ignorable, &['\u{AD}', '\u{FE0F}', '\u{E0100}', '\u{200D}', '\u{FEFF}', '\u{34F}']);
    }
}
