//! Characters that need no grapheme segmentation.

use std::sync::LazyLock;
use unicode_segmentation::UnicodeSegmentation;

/// Characters from here on count as not plain: few texts have them, and the table stays small.
const SIZE: u32 = 0x1_0000;

/// A set of characters below [`SIZE`].
#[derive(Clone, Debug)]
pub(crate) struct CharSet {
    bits: Box<[u64]>,
    /// [`CharSet::contains`] for the commonest characters, in one look.
    ascii: [bool; 0x80],
}

impl CharSet {
    pub(crate) fn new(contains: impl Fn(char) -> bool) -> Self {
        let mut bits = vec![0; SIZE as usize / 64].into_boxed_slice();
        for c in (0..SIZE).filter_map(char::from_u32).filter(|c| contains(*c)) {
            bits[c as usize / 64] |= 1 << (c as u32 % 64);
        }
        Self { bits, ascii: std::array::from_fn(|byte| contains(byte as u8 as char)) }
    }

    pub(crate) fn contains(&self, c: char) -> bool {
        self.bits.get(c as usize / 64).is_some_and(|word| word >> (c as u32 % 64) & 1 == 1)
    }

    /// The position of the first character from `from` on that is not in the set.
    pub(crate) fn skip(&self, text: &str, from: usize) -> usize {
        let bytes = text.as_bytes();
        let mut at = from;
        while let Some(&byte) = bytes.get(at) {
            if byte < 0x80 {
                if !self.ascii[byte as usize] {
                    return at;
                }
                at += 1;
            } else {
                match text[at..].chars().next() {
                    Some(c) if self.contains(c) => at += c.len_utf8(),
                    _ => return at,
                }
            }
        }
        at
    }
}

/// Characters that never share a grapheme with another *plain* one.
pub(crate) static PLAIN: LazyLock<CharSet> = LazyLock::new(|| {
    CharSet::new(|c| {
        match c {
            '\r' | '\n' => return false,
            // Known without asking, which takes its time: ideographs, and Korean syllables.
            '\u{3400}'..='\u{9fff}' => return true,
            '\u{ac00}'..='\u{d7a3}' => return false,
            _ => {}
        }
        // One partner for each rule that joins characters (Unicode Standard Annex 29, GB3 to GB13), line feeds between.
        let probes =
            format!("a{c}a\nक\u{94d}{c}\n\u{a9}\u{200d}{c}\n\u{1100}{c}\n\u{11a8}{c}\n{c}\u{1160}\n{c}\u{11a8}");
        probes.graphemes(true).count() == 3 + 6 + 2 + 2 + 2 + 2 + 2 + 2
    })
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_ideographs_and_punctuation_are_plain() {
        for c in "aZ09 .,;é中ァ。，αЖ\u{2019}\t".chars() {
            assert!(PLAIN.contains(c), "{c:?}");
        }
        for c in "\r\n\u{301}\u{200d}\u{fe0f}क\u{94d}ᄀ각\u{600}©🙂🇩".chars() {
            assert!(!PLAIN.contains(c), "{c:?}");
        }
    }

    fn plain() -> impl Strategy<Value = char> {
        (0..SIZE).prop_filter_map("plain", |c| char::from_u32(c).filter(|c| PLAIN.contains(*c)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn two_plain_characters_are_two_graphemes(before in ".{0,4}", a in plain(), b in plain(), after in ".{0,4}") {
            let text = format!("{before}{a}{b}{after}");
            let boundary = before.len() + a.len_utf8();
            prop_assert!(text.grapheme_indices(true).any(|(at, _)| at == boundary));
        }
    }
}
