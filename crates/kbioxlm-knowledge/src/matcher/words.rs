//! The tokens of a lexicon and their numbers: a hash table that lies in the file as it is searched.
//!
//! Written by hand because it must be searched where it is mapped, and by the folded form of a word that is never written down:
//! short words are compared as two numbers, longer ones by hash and then byte by byte.

use crate::fold::{Key, LOWER, SHORT, is_visible};
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

#[inline(always)]
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

/// The key of a folded word or sign. What was full-width may now be short and of ASCII.
fn key_of(word: &str) -> [u64; 2] {
    let bytes = word.as_bytes();
    let is_sign = bytes.len() == 1 && is_visible(bytes[0]);
    if is_sign || bytes.len() <= SHORT && bytes.iter().all(u8::is_ascii_alphanumeric) {
        let mut key = [[0; 8]; 2];
        key.as_flattened_mut().iter_mut().zip(bytes).for_each(|(to, &byte)| *to = byte);
        key.map(u64::from_le_bytes)
    } else {
        hash(bytes, 0)
    }
}

/// What stands for a token where it need not be told from all others.
#[derive(Copy, Clone)]
pub(crate) struct Hash(u64);

impl Hash {
    /// Of no token.
    pub(crate) const NONE: Self = Self(0);

    #[inline(always)]
    fn of(key: [u64; 2]) -> Self {
        Self(mix(key[0] ^ K, key[1] ^ K.rotate_left(32)))
    }

    /// Of a token of the lexicon: its folded text.
    pub(crate) fn of_token(text: &str) -> Self {
        Self::of(key_of(text))
    }

    /// Of a character that is a token.
    #[inline(always)]
    pub(crate) fn of_char(c: char) -> Self {
        Self::of([c.into(), 0])
    }

    /// Of two tokens, one behind the other.
    #[inline(always)]
    fn and(self, next: Self) -> Self {
        Self(self.0.rotate_left(32) ^ next.0)
    }

    /// The first place to look at in a table of 2^`bits` places.
    #[inline(always)]
    fn place(self, bits: u32) -> usize {
        (self.0 >> (64 - bits)) as usize
    }

    /// Two bits of 64.
    #[inline(always)]
    fn bits(self) -> u64 {
        1 << (self.0 % 64) | 1 << (self.0 / 64 % 64)
    }
}

/// With which tokens names begin, as a Bloom filter of the first two tokens of each, and of the names of one: tells most places of a
/// text from those where a name begins without a look at the table, which does not fit into the fast caches.
#[derive(Copy, Clone)]
pub(crate) struct Beginnings<'a> {
    filter: &'a [u64],
    bits: u32,
}

/// What names begin with: one token that is a name, or two.
#[derive(Default)]
pub(crate) struct BeginningsBuilder {
    hashes: Vec<Hash>,
}

impl BeginningsBuilder {
    /// Bits of the filter for each beginning, at least: of the other pairs two in a hundred pass.
    const SHARE: usize = 16;

    /// Adds a name of one token.
    pub(crate) fn name(&mut self, token: Hash) {
        self.hashes.push(token);
    }

    /// Adds the first two tokens of a name.
    pub(crate) fn pair(&mut self, first: Hash, second: Hash) {
        self.hashes.push(first.and(second));
    }

    /// The filter.
    pub(crate) fn build(self) -> Vec<u64> {
        let mut filter = vec![0; (self.hashes.len() * Self::SHARE).div_ceil(64).next_power_of_two().max(2)];
        let bits = filter.len().ilog2();
        for hash in self.hashes {
            filter[hash.place(bits)] |= hash.bits();
        }
        filter
    }
}

impl<'a> Beginnings<'a> {
    pub(crate) fn new(filter: &'a [u64]) -> Self {
        Self { filter, bits: filter.len().max(2).ilog2() }
    }

    /// False for most pairs of tokens of which the first begins no name that is it alone or goes on with the second, true for
    /// all others.
    #[inline(always)]
    pub(crate) fn may_have(self, first: Hash, second: Hash) -> bool {
        let has = |hash: Hash| {
            let bits = hash.bits();
            self.filter.get(hash.place(self.bits)).is_some_and(|word| word & bits == bits)
        };
        has(first) | has(first.and(second))
    }
}

/// What a [`Key`] is to the table.
pub(crate) enum Looked {
    /// A word to search for.
    Word([u64; 2], Hash),
    /// The token itself.
    Up(Token, Hash),
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
    /// What is asked for a key, or the answer where it costs no more than the question.
    #[inline(always)]
    pub(crate) fn look(self, key: Key) -> Looked {
        match key {
            Key::Short(word, _) => Looked::Word(word, Hash::of(word)),
            Key::Char(c) => Looked::Up(self.chars.get(c as usize).copied().unwrap_or(Token::UNKNOWN), Hash::of_char(c)),
            Key::Ascii(bytes) => self.long(hash(bytes, LOWER), bytes, LOWER),
            Key::Text(text) => self.long(key_of(text), text.as_bytes(), 0),
        }
    }

    #[cold]
    fn long(self, key: [u64; 2], bytes: &[u8], fold: u64) -> Looked {
        let hash = Hash::of(key);
        Looked::Up(self.search(key, hash, |number| self.is(number, bytes, fold)), hash)
    }

    /// The token of a short word.
    #[inline(always)]
    pub(crate) fn short(self, key: [u64; 2], hash: Hash) -> Token {
        self.search(key, hash, |_| true)
    }

    #[inline(always)]
    fn search(self, key: [u64; 2], hash: Hash, is: impl Fn(u32) -> bool) -> Token {
        // The length is a power of two, and 2 at least.
        let mask = self.slots.len() - 1;
        let mut at = hash.place(self.bits);
        loop {
            let slot = &self.slots[at & mask];
            let (found, free) = ((slot.key[0] ^ key[0]) | (slot.key[1] ^ key[1]) == 0, slot.key[0] == 0);
            // One branch that is nearly always taken; whether the word was found is no branch, for nobody could foretell it.
            if found | free && (free || is(slot.token.number)) {
                return if found { slot.token } else { Token::UNKNOWN };
            }
            at += 1;
        }
    }

    /// Is the token the word that `bytes` fold to?
    fn is(self, number: u32, bytes: &[u8], fold: u64) -> bool {
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
        let mut at = Hash::of(key).place(bits);
        while slots[at & mask].key[0] != 0 {
            at += 1;
        }
        slots[at & mask] = Slot { key, token };
    }
    slots
}
