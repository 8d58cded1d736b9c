//! Names as they are compared: by the hash of what the matcher sees of them.

use crate::content::{Pool, TermRow};
use crate::fold;
use rayon::prelude::*;

/// A name of a concept. Two names are the same to the matcher when their hashes are (of 64 bits: among five million
/// names, two others meet by chance once in a million lexica).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) struct Name {
    pub concept: u32,
    pub lang: u16,
    pub hash: u64,
}

/// The names that are `wanted`, sorted.
pub(super) fn names(terms: &[TermRow], texts: &Pool, wanted: impl Fn(&TermRow) -> bool + Sync) -> Vec<Name> {
    let name = |scratch: &mut String, row: &TermRow| {
        wanted(row).then(|| {
            let hash = fold::fingerprint(texts.get(row.text), scratch);
            Name { concept: row.concept, lang: row.lang, hash }
        })
    };
    let mut names: Vec<Name> = terms.par_iter().map_init(String::new, |s, row| name(s, row)).flatten().collect();
    names.par_sort_unstable();
    names
}

/// The hash of each name.
pub(super) fn hashes(terms: &[TermRow], texts: &Pool) -> Vec<u64> {
    let hash = |scratch: &mut String, row: &TermRow| fold::fingerprint(texts.get(row.text), scratch);
    terms.par_iter().map_init(String::new, hash).collect()
}
