//! The tokens of a lexicon and their numbers: a hash table that lies in the file as it is searched.
//!
//! Written by hand because it must be searched where it is mapped, and by the folded form of a word that is never written down:
//! words of up to eight bytes are compared as one number, longer ones by hash and then byte by byte.

use crate::fold::{Key, LOWER};
use bytemuck::{Pod, Zeroable};

/// A place of the table; `length` 0: free.
#[derive(Copy, Clone, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Slot {
    /// The folded word itself, zero-padded, or the hash of a longer one.
    pub key: u64,
    /// Number of the token.
    pub token: u32,
    /// Bytes of the folded word.
    pub length: u32,
}

/// Longest word that is its own key.
const INLINE: usize = 8;

fn load32(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 4).map_or(0, |b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
}

fn load64(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        Some(Ok(b)) => u64::from_le_bytes(b),
        _ => 0,
    }
}

/// At most eight bytes as one number; two overlapping loads instead of a loop.
fn pack(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    match n {
        0 => 0,
        1..=3 => {
            let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
            byte(0) | byte(n / 2) | byte(n - 1)
        }
        4..=7 => load32(bytes, 0) | load32(bytes, n - 4) << (8 * (n - 4)),
        _ => load64(bytes, 0),
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

const K: u64 = 0x9E37_79B9_7F4A_7C15;

/// The key of a word whose bytes become folded by `| fold`.
#[inline]
fn key(bytes: &[u8], fold: u64) -> u64 {
    let n = bytes.len();
    if n <= INLINE {
        let used = u64::MAX.checked_shr(64 - 8 * n as u32).unwrap_or(0);
        return pack(bytes) | (fold & used);
    }
    let mut hash = n as u64;
    for chunk in bytes.chunks_exact(8) {
        hash = mix(hash ^ (load64(chunk, 0) | fold), K);
    }
    // The last eight bytes overlap what was read before, rather than a loop over the rest.
    mix(hash ^ (load64(bytes, n - 8) | fold), K)
}

#[inline]
fn place(key: u64, slots: usize) -> usize {
    // The upper half of the product scaled to the table: needs no power of two, and no division.
    ((u128::from(key.wrapping_mul(K) ^ (key >> 32).wrapping_mul(K)) * slots as u128) >> 64) as usize
}

/// A table as it lies in the file.
#[derive(Copy, Clone)]
pub(crate) struct Words<'a> {
    pub slots: &'a [Slot],
    /// The folded words behind one another, and where each begins.
    pub bytes: &'a [u8],
    pub starts: &'a [u32],
    /// For each character of the Basic Multilingual Plane, up to the last that is used, the number of its token plus one.
    pub chars: &'a [u32],
}

impl Words<'_> {
    /// The number of a token.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        match key {
            Key::Short(key, length) => self.search(key, length, |_| true),
            Key::Ascii(bytes) => self.word(bytes, LOWER),
            Key::Text(text) => self.word(text.as_bytes(), 0),
            Key::Char(c) => self.chars.get(c as usize)?.checked_sub(1),
        }
    }

    #[inline]
    fn word(&self, bytes: &[u8], fold: u64) -> Option<u32> {
        self.search(key(bytes, fold), bytes.len(), |token| bytes.len() <= INLINE || self.is(token, bytes, fold))
    }

    #[inline]
    fn search(&self, key: u64, length: usize, is: impl Fn(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = place(key, self.slots.len());
        loop {
            let slot = self.slots.get(at)?;
            if slot.length == 0 {
                return None;
            }
            if slot.key == key && slot.length as usize == length && is(slot.token) {
                return Some(slot.token);
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }

    /// Is `token` the word that `bytes` fold to?
    fn is(&self, token: u32, bytes: &[u8], fold: u64) -> bool {
        let start = self.starts.get(token as usize).map_or(0, |&s| s as usize);
        let fold = fold as u8;
        self.bytes
            .get(start..start + bytes.len())
            .is_some_and(|word| word.iter().zip(bytes).all(|(w, b)| *w == b | fold))
    }
}

/// The table for words, each with its number; at most half full, so that searches end soon.
pub(crate) fn table<'a>(words: impl ExactSizeIterator<Item = (&'a str, u32)>) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); 2 * words.len() + 1];
    let count = slots.len();
    for (word, token) in words {
        let key = key(word.as_bytes(), 0);
        let mut at = place(key, count);
        while slots[at].length != 0 {
            at = if at + 1 == count { 0 } else { at + 1 };
        }
        slots[at] = Slot { key, token, length: word.len() as u32 };
    }
    slots
}
