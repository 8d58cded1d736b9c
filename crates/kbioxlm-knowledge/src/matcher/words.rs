//! The tokens of a lexicon and their numbers: a hash table that lies in the file as it is searched.
//!
//! Written by hand because it must be searched where it is mapped, and by the folded form of a word that is never written down:
//! short words are compared as two numbers, longer ones by hash and then byte by byte.

use crate::fold::{Key, LOWER, SHORT};
use bytemuck::{Pod, Zeroable};

/// A place of the table; the first number of its key is 0: free.
#[derive(Copy, Clone, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Slot {
    /// A short word of ASCII itself, zero-padded; of another word the hash, its highest bit set, and the length.
    pub key: [u64; 2],
    /// What the word is.
    pub token: Token,
}

/// A token of the lexicon, or [`Token::UNKNOWN`].
#[derive(Copy, Clone, Eq, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Token {
    /// Its number.
    pub number: u32,
    /// The node to which it leads from the root of the trie; 0: no name begins with it.
    pub root: u32,
}

impl Token {
    /// A token that no name has.
    pub(crate) const UNKNOWN: Self = Self { number: u32::MAX >> 1, root: 0 };
}

impl Default for Token {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Bit of a key that is a hash; no ASCII character has it.
const HASHED: u64 = 1 << 63;

fn load64(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        Some(Ok(b)) => u64::from_le_bytes(b),
        _ => 0,
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

const K: u64 = 0x9E37_79B9_7F4A_7C15;

/// The key of a word that is not its own; its bytes become folded by `| fold`.
#[inline]
fn hash(bytes: &[u8], fold: u64) -> [u64; 2] {
    let length = bytes.len() as u64;
    let mut hash = length;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        hash = mix(hash ^ (load64(chunk, 0) | fold), K);
    }
    let rest = match bytes.len().checked_sub(8) {
        // The last eight bytes overlap what was read before, rather than a loop over the rest.
        Some(at) => load64(bytes, at),
        None => chunks.remainder().iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)),
    };
    [mix(hash ^ (rest | fold), K) | HASHED, length]
}

/// The key of a short word.
#[inline]
fn inline(word: u128) -> [u64; 2] {
    [word as u64, (word >> 64) as u64]
}

/// The key of a folded word. What was full-width may now be a short word of ASCII.
fn key_of(word: &str) -> [u64; 2] {
    let bytes = word.as_bytes();
    if bytes.len() <= SHORT && bytes.iter().all(u8::is_ascii_alphanumeric) {
        inline(bytes.iter().rev().fold(0, |n, &b| n << 8 | u128::from(b)))
    } else {
        hash(bytes, 0)
    }
}

/// The first place to look at in a table of 2^`bits` places.
#[inline]
fn place(key: [u64; 2], bits: u32) -> usize {
    // The highest bits of the last product depend on all bits of the key.
    let spread = (key[0].wrapping_mul(K) ^ key[1].wrapping_mul(K.rotate_left(32) | 1)).wrapping_mul(K);
    (spread >> (64 - bits)) as usize
}

/// A Bloom filter of the short words that names begin with: tells most words of a text from them without a look at the table, of which
/// less fits into the fastest cache.
pub(crate) struct Beginnings {
    /// Two to the power of `bits` bits.
    filter: Vec<u64>,
    bits: u32,
}

impl Beginnings {
    /// Bits for each word.
    const SHARE: usize = 8;

    pub(crate) fn new(slots: &[Slot]) -> Self {
        // Longer words are never asked for.
        let begins = || slots.iter().filter(|slot| slot.token.root != 0 && slot.key[0] & HASHED == 0);
        let bits = (begins().count() * Self::SHARE).next_power_of_two().max(64).ilog2();
        let mut filter = vec![0; 1 << (bits - 6)];
        for slot in begins() {
            let at = place(slot.key, bits);
            filter[at / 64] |= 1 << (at % 64);
        }
        Self { filter, bits }
    }

    /// False for most words that no name begins with, true for all others.
    #[inline(always)]
    pub(crate) fn may_have(&self, word: u128) -> bool {
        let at = place(inline(word), self.bits);
        self.filter.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 != 0)
    }
}

/// A table as it lies in the file.
#[derive(Copy, Clone)]
pub(crate) struct Words<'a> {
    pub slots: &'a [Slot],
    /// The table has two to the power of this slots.
    pub bits: u32,
    /// The folded words behind one another, and where each begins.
    pub bytes: &'a [u8],
    pub starts: &'a [u32],
    /// The token of each character of the Basic Multilingual Plane, up to the last that is used.
    pub chars: &'a [Token],
}

impl Words<'_> {
    /// The token of a key.
    #[inline(always)]
    pub(crate) fn find(&self, key: Key) -> Token {
        match key {
            Key::Short(word, _) => self.search(inline(word), |_| true),
            Key::Char(c) => self.chars.get(c as usize).copied().unwrap_or(Token::UNKNOWN),
            Key::Ascii(bytes) => self.long(hash(bytes, LOWER), bytes, LOWER),
            Key::Text(text) => self.long(key_of(text), text.as_bytes(), 0),
        }
    }

    #[cold]
    fn long(&self, key: [u64; 2], bytes: &[u8], fold: u64) -> Token {
        self.search(key, |number| self.is(number, bytes, fold))
    }

    #[inline(always)]
    fn search(&self, key: [u64; 2], is: impl Fn(u32) -> bool) -> Token {
        // The length is a power of two, and 2 at least.
        let mask = self.slots.len() - 1;
        let mut at = place(key, self.bits);
        loop {
            let slot = self.slots[at & mask];
            let (found, free) = ((slot.key[0] ^ key[0]) | (slot.key[1] ^ key[1]) == 0, slot.key[0] == 0);
            // One branch that is nearly always taken; whether the word was found is no branch, for nobody could foretell it.
            if found | free && (free || is(slot.token.number)) {
                return if found { slot.token } else { Token::UNKNOWN };
            }
            at += 1;
        }
    }

    /// Is the token the word that `bytes` fold to?
    fn is(&self, number: u32, bytes: &[u8], fold: u64) -> bool {
        let start = |number: usize| self.starts.get(number).map(|&s| s as usize);
        let number = number as usize;
        let (Some(from), Some(to)) = (start(number), start(number + 1)) else { return false };
        let fold = fold as u8;
        self.bytes
            .get(from..to)
            .is_some_and(|word| word.len() == bytes.len() && word.iter().zip(bytes).all(|(w, b)| *w == b | fold))
    }
}

/// The table for words and what each is; at most a quarter full, so that nearly all searches end where they begin.
pub(crate) fn table<'a>(words: impl ExactSizeIterator<Item = (&'a str, Token)>) -> Vec<Slot> {
    let mut slots = vec![Slot::default(); (4 * words.len()).next_power_of_two().max(2)];
    let (bits, mask) = (slots.len().ilog2(), slots.len() - 1);
    for (word, token) in words {
        let key = key_of(word);
        let mut at = place(key, bits);
        while slots[at & mask].key[0] != 0 {
            at += 1;
        }
        slots[at & mask] = Slot { key, token };
    }
    slots
}
