//! The beginning of a text in ASCII, sixteen bytes at once.

use crate::script::Class;
use wide::i8x16;

/// The lower case of an ASCII letter; digits stay what they are, since they have this bit already.
pub(crate) const fn lower(byte: u8) -> u8 {
    byte | 0x20
}

/// [`lower`] for eight bytes.
pub(crate) const LOWER: u64 = u64::from_le_bytes([lower(0); 8]);

/// Is it a character of ASCII, but no white space or control?
pub(crate) const fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte.is_ascii()
}

/// The token with which sixteen bytes begin, if the first is [visible](is_visible).
pub(super) struct Leading {
    /// Its bytes; 16 if it may have more.
    pub length: usize,
    /// These bytes in lower case, zeros behind; none, if there are 16.
    pub word: [u64; 2],
    /// Is it of letters and digits?
    pub is_word: bool,
    /// The first byte is visible, and the token ends before the sixteenth byte, for what is behind it is of ASCII.
    pub is_whole: bool,
}

impl Leading {
    pub fn class(&self) -> Class {
        if self.is_word { Class::Word } else { Class::Other }
    }
}

/// Looks at sixteen bytes at once, since a loop that ends somewhere costs more than all the rest of matching.
#[inline(always)]
pub(super) fn leading(bytes: i8x16) -> Leading {
    // Bytes beyond ASCII are negative, hence in neither range.
    let between = |bytes: i8x16, first: u8, last: u8| {
        bytes.simd_gt(i8x16::splat(first as i8 - 1)) & bytes.simd_lt(i8x16::splat(last as i8 + 1))
    };
    let is = between(bytes | i8x16::splat(lower(0) as i8), b'a', b'z') | between(bytes, b'0', b'9');
    let letters = (!is.to_bitmask()).trailing_zeros() as usize;
    let length = letters.max(1);
    let lower = bytes | (is & i8x16::splat(lower(0) as i8));
    let word: [u64; 2] = bytemuck::cast(lower & bytemuck::cast::<_, i8x16>(LOWEST[length & 0xF]));
    let beyond = bytes.to_bitmask() as usize;
    Leading {
        length,
        word,
        is_word: letters > 0,
        is_whole: (word[0] as u8 as i8) > b' ' as i8 && length <= SHORT && beyond >> length & 1 == 0,
    }
}

/// All bits of the lowest bytes, by their number.
const LOWEST: [[u8; 16]; 16] = {
    let mut masks = [[0; 16]; 16];
    let mut count = 0;
    while count < 16 {
        let mut at = 0;
        while at < count {
            masks[count][at] = 0xFF;
            at += 1;
        }
        count += 1;
    }
    masks
};

/// Most letters of a [`Key::Short`](super::Key::Short): longer words are rare, and cost a loop.
pub(crate) const SHORT: usize = 15;

/// The sixteen bytes from `at` on; zeros behind the end.
#[inline(always)]
pub(super) fn sixteen(bytes: &[u8], at: usize) -> i8x16 {
    let all = bytes.get(at..at + 16).and_then(|chunk| <[u8; 16]>::try_from(chunk).ok());
    bytemuck::cast(all.unwrap_or_else(|| {
        let mut end = [0; 16];
        end.iter_mut().zip(bytes.get(at..).unwrap_or_default()).for_each(|(to, &from)| *to = from);
        end
    }))
}
