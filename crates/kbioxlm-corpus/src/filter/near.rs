//! Near duplicates by MinHash and locality-sensitive hashing.
//!
//! Written by hand: the crates for it are dormant or keep whole sets in memory, and their hashes are not specified, so that
//! another version of theirs would leave other documents in a corpus.

use super::units::{Units, hash, windows};
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes of a signature; their number bounds the standard error of an estimate to `0.5 / sqrt(128)` = 0.044.
const BINS: usize = 128;
/// Words of a shingle: two texts on one subject share many words, but few phrases.
const WORDS: usize = 5;
/// Characters of a shingle, of scripts without spaces: about as much as five words.
const CHARACTERS: usize = 8;
/// The share of pairs at the threshold that must be found.
const FOUND: f64 = 0.99;
/// Longest band: more would not make a search any faster.
const MAX_ROWS: usize = 16;
/// Documents of a band that one is compared with at most, the latest first: texts from one template, alike but not alike
/// enough, must not make the search quadratic.
const MAX_COMPARED: usize = 256;
const NONE: u32 = u32::MAX;

/// A sketch of the set of a document's shingles: the share of equal bytes of two sketches estimates the share of
/// shingles that the documents have in common (Jaccard).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Signature([u8; BINS]);

impl Signature {
    /// `None` of a document without words.
    pub fn new(units: &Units) -> Option<Self> {
        let (units, length) = if units.is_unspaced() { (&units.characters, CHARACTERS) } else { (&units.words, WORDS) };
        if units.is_empty() {
            return None;
        }
        // One permutation: each shingle belongs to one bin, in which the smallest stays. One hash a shingle instead of 128.
        let mut least = [u64::MAX; BINS];
        let mut put = |shingle: u64| {
            if let Some(bin) = least.get_mut((shingle >> 57) as usize) {
                *bin = (*bin).min(shingle);
            }
        };
        if units.len() < length {
            put(hash(units))
        } else {
            windows(units, length).for_each(put)
        }
        Some(Self(std::array::from_fn(|bin| borrowed(&least, bin))))
    }

    fn similarity(&self, other: &[u8]) -> f64 {
        let equal = self.0.iter().zip(other).filter(|(a, b)| a == b).count();
        equal as f64 / BINS as f64
    }
}

/// The content of a bin; of an empty one that of another, the same in every document (optimal densification, Shrivastava 2017).
fn borrowed(least: &[u64; BINS], bin: usize) -> u8 {
    let mut from = bin;
    let mut attempt = 0_u64;
    loop {
        match least.get(from) {
            // The upper bits are the bin's number, and being the smallest the next ones are nearly always zero.
            Some(&shingle) if shingle != u64::MAX => return (shingle.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8,
            _ => {}
        }
        attempt += 1;
        from = hash(&[bin as u64, attempt]) as usize % BINS;
    }
}

/// The documents kept so far, by their signatures.
///
/// Memory for each of them, at a threshold of 0.8: 128 bytes of signature and some 16 for each of 21 bands, less than half a kilobyte.
#[derive(Debug)]
pub(crate) struct NearDuplicates {
    threshold: f64,
    /// Bytes of a band.
    rows: usize,
    /// By band, the latest document with each content of it.
    latest: Vec<HashTable<u32>>,
    /// By document and band, the one before it with the same content.
    before: Vec<u32>,
    /// By document.
    signatures: Vec<u8>,
    ids: Vec<Box<str>>,
}

impl NearDuplicates {
    /// For documents that share `threshold` of their shingles (0 to 1) or more.
    pub fn new(threshold: f64) -> Self {
        let rows = (1..=MAX_ROWS).rev().find(|&rows| chance(threshold, rows) >= FOUND).unwrap_or(1);
        let latest = (0..BINS / rows).map(|_| HashTable::new()).collect();
        Self { threshold, rows, latest, before: Vec::new(), signatures: Vec::new(), ids: Vec::new() }
    }

    /// The id of a document kept before that is nearly the same; if there is none, this one is kept.
    pub fn insert(&mut self, id: &str, signature: &Signature) -> Option<&str> {
        match self.find(signature) {
            Some(document) => self.ids.get(document as usize).map(AsRef::as_ref),
            None => {
                self.add(id, signature);
                None
            }
        }
    }

    fn find(&self, signature: &Signature) -> Option<u32> {
        let bands = self.latest.len();
        let mut best: Option<(f64, u32)> = None;
        for (band, (table, content)) in self.latest.iter().zip(signature.0.chunks_exact(self.rows)).enumerate() {
            let equal = |&document: &u32| self.band(document, band) == content;
            let mut next = table.find(band_hash(content), equal).copied();
            for _ in 0..MAX_COMPARED {
                let Some(document) = next.filter(|&document| document != NONE) else { break };
                let similarity = signature.similarity(self.signature(document));
                // The most similar, of several the first.
                let better = best.is_none_or(|(most, first)| (similarity, first) > (most, document));
                if similarity >= self.threshold && better {
                    best = Some((similarity, document));
                }
                next = self.before.get(document as usize * bands + band).copied();
            }
        }
        best.map(|(_, document)| document)
    }

    fn add(&mut self, id: &str, signature: &Signature) {
        let document = u32::try_from(self.ids.len()).unwrap_or(NONE);
        if document == NONE {
            return;
        }
        self.ids.push(id.into());
        self.signatures.extend(signature.0);
        let (rows, signatures) = (self.rows, &self.signatures);
        let content = |document: u32, band: usize| band_of(signatures, rows, document, band);
        for (band, table) in self.latest.iter_mut().enumerate() {
            let own = content(document, band);
            let entry = table.entry(
                band_hash(own),
                |&other| content(other, band) == own,
                |&other| band_hash(content(other, band)),
            );
            match entry {
                hashbrown::hash_table::Entry::Occupied(mut entry) => {
                    self.before.push(std::mem::replace(entry.get_mut(), document));
                }
                hashbrown::hash_table::Entry::Vacant(entry) => {
                    self.before.push(NONE);
                    entry.insert(document);
                }
            }
        }
    }

    fn signature(&self, document: u32) -> &[u8] {
        let start = document as usize * BINS;
        self.signatures.get(start..start + BINS).unwrap_or_default()
    }

    fn band(&self, document: u32, band: usize) -> &[u8] {
        band_of(&self.signatures, self.rows, document, band)
    }
}

fn band_of(signatures: &[u8], rows: usize, document: u32, band: usize) -> &[u8] {
    let start = document as usize * BINS + band * rows;
    signatures.get(start..start + rows).unwrap_or_default()
}

fn band_hash(content: &[u8]) -> u64 {
    xxh3_64_with_seed(content, 0)
}

/// The chance that two documents of this similarity have one of the bands of `rows` bytes in common.
fn chance(similarity: f64, rows: usize) -> f64 {
    1.0 - (1.0 - similarity.powi(rows as i32)).powi((BINS / rows) as i32)
}
