use super::units::{hash, windows};
use std::ops::Range;

/// Bits of the first test for each entry: with one in 32 set, it lets one of 32 foreign windows through.
const BITS: usize = 32;

/// Sequences to be looked for in others, each known by its hash.
///
/// A text is read with one window, as long as the beginning that all sequences have in common; only where a sequence may
/// begin is the rest looked at. So sequences of different lengths cost no more than those of one.
/// Memory: 24 bytes a sequence and 4 to 8 for the first test.
#[derive(Debug)]
pub(crate) struct Grams {
    /// Units by which a sequence is found; none is shorter.
    beginning: usize,
    /// Sorted.
    entries: Vec<Entry>,
    /// Bit of every beginning's hash: decides nearly always, and stays in the cache.
    bits: Vec<u64>,
}

#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
struct Entry {
    beginning: u64,
    length: u32,
    /// Whose sequence it is; of several texts with one sequence the first.
    text: u32,
    whole: u64,
}

impl Grams {
    /// For sequences of at least `beginning` units, which must not be 0.
    pub fn new(beginning: usize) -> Self {
        Self { beginning, entries: Vec::new(), bits: Vec::new() }
    }

    /// Units that a sequence must have.
    pub fn shortest(&self) -> usize {
        self.beginning
    }

    /// Adds a sequence of text number `text`; one that is too short is never found.
    pub fn insert(&mut self, units: &[u64], text: u32) {
        if let Some(beginning) = units.get(..self.beginning) {
            let length = u32::try_from(units.len()).unwrap_or(u32::MAX);
            self.entries.push(Entry { beginning: hash(beginning), length, text, whole: hash(units) });
        }
    }

    /// To be called once after the last sequence.
    pub fn finish(&mut self) {
        self.entries.sort_unstable_by_key(|e| (e.beginning, e.length, e.whole, e.text));
        self.entries.dedup_by_key(|e| (e.beginning, e.length, e.whole));
        self.entries.shrink_to_fit();
        self.bits = vec![0; (self.entries.len() * BITS).next_power_of_two().div_ceil(64)];
        for entry in &self.entries {
            let (word, bit) = place(entry.beginning, self.bits.len());
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// The first sequence in `units`: where it lies, and whose it is.
    pub fn find(&self, units: &[u64]) -> Option<(Range<usize>, u32)> {
        if self.entries.is_empty() {
            return None;
        }
        windows(units, self.beginning).enumerate().find_map(|(at, beginning)| {
            let (word, bit) = place(beginning, self.bits.len());
            if self.bits.get(word).is_none_or(|bits| bits & bit == 0) {
                return None;
            }
            let (length, text) = self.begins(beginning, units.get(at..).unwrap_or_default())?;
            Some((at..at + length, text))
        })
    }

    /// The length and text of a sequence with which `rest` begins.
    #[cold]
    fn begins(&self, beginning: u64, rest: &[u64]) -> Option<(usize, u32)> {
        let mut from = self.entries.partition_point(|e| e.beginning < beginning);
        loop {
            // Common beginnings have many sequences, but these few lengths.
            let length = self.entries.get(from).filter(|e| e.beginning == beginning)?.length;
            if let Some(units) = rest.get(..length as usize) {
                let key = (beginning, length, hash(units));
                let at = self.entries.partition_point(|e| (e.beginning, e.length, e.whole) < key);
                if let Some(e) = self.entries.get(at).filter(|e| (e.beginning, e.length, e.whole) == key) {
                    return Some((length as usize, e.text));
                }
            }
            from = self.entries.partition_point(|e| (e.beginning, e.length) <= (beginning, length));
        }
    }
}

fn place(hash: u64, words: usize) -> (usize, u64) {
    // `words` is a power of two.
    ((hash >> 6) as usize & (words - 1), 1 << (hash & 63))
}
