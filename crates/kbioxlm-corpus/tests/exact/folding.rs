//! When two spellings are one to the matcher, as its documentation says.

use unicode_normalization::UnicodeNormalization;

pub fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFE00..=0xFE0F | 0xFEFF | 0xE0100..=0xE01EF)
}

/// Letters of scripts that are written without spaces between words (as far as these tests have any).
pub fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1100..=0x11FF | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7A3 | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF)
}

/// Letters and digits of scripts that separate words: two of them side by side are one word.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_unspaced(c)
}

/// A mark of the character before it.
pub fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36F | 0x3099..=0x309A)
}

/// Width, composition, invisible characters and white space as one; case too unless it counts.
pub fn folded(text: &str, case_counts: bool) -> String {
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap(),
        _ => c,
    };
    let visible = text.chars().filter(|&c| !is_invisible(c)).map(narrow);
    let cased: String = if case_counts {
        visible.collect()
    } else {
        let lower = visible.flat_map(char::to_lowercase);
        lower
            .map(|c| {
                if c == 'ς' {
                    'σ'
                } else if c == 'µ' {
                    'μ'
                } else {
                    c
                }
            })
            .collect()
    };
    let composed: Vec<char> = cased.nfc().collect();
    let mut result = String::new();
    let mut rest = composed.as_slice();
    while let Some((&c, behind)) = rest.split_first() {
        if !c.is_whitespace() {
            result.push(c);
            rest = behind;
            continue;
        }
        rest = &rest[rest.iter().take_while(|c| c.is_whitespace()).count()..];
        let before = result.chars().rev().find(|&c| !is_mark(c));
        let typography = match (before, rest.first()) {
            (Some(a), Some(&b)) => (is_unspaced(a) && is_word(b)) || (is_word(a) && is_unspaced(b)),
            _ => true,
        };
        if !typography {
            result.push(' ');
        }
    }
    result
}

/// Whether two names are one but for case and form: in the place of one, the other switches nothing.
pub fn same_name(a: &str, b: &str) -> bool {
    folded(a, false) == folded(b, false)
}
