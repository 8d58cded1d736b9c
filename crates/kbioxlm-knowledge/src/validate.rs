//! What a compiled file must be for nothing behind it to panic: every number in it is one of something that is there.
//!
//! The checksum tells damage, not malice: a file from elsewhere may have the right one and be nonsense. So all numbers are
//! looked at once when it is opened, in parallel: a tenth of a second with five million names.

use crate::content::{ConceptRow, TermRow};
use crate::matcher::compile::{CASED, LAST, Node};
use crate::matcher::words::Slot;
use crate::store::{Section, Store};
use bytemuck::Pod;
use rayon::prelude::*;

/// Do the values never fall, and is the last at most (`exactly`: precisely) `end`?
pub(crate) fn rises(values: &[u32], end: usize, exactly: bool) -> bool {
    let last = values.last().map(|&last| last as usize);
    last.is_some_and(|last| last <= end && (last == end || !exactly)) && values.par_windows(2).all(|w| w[0] <= w[1])
}

/// Are all values below `end`?
pub(crate) fn below(values: &[u32], end: usize) -> bool {
    values.par_iter().all(|&value| (value as usize) < end)
}

/// How many there are of what terms and concepts name.
#[derive(Copy, Clone)]
pub(crate) struct Counts {
    pub concepts: usize,
    pub members: usize,
    pub texts: usize,
    pub languages: usize,
    pub flag_sets: usize,
    pub type_sets: usize,
}

pub(crate) fn concepts(rows: &[ConceptRow], counts: Counts) -> bool {
    let last = rows.last().map(|row| row.first_member as usize);
    // Every concept has a member: the one it is known by.
    last == Some(counts.members)
        && rows.par_windows(2).all(|w| w[0].first_member < w[1].first_member)
        && rows[..rows.len() - 1].par_iter().all(|row| (row.types as usize) < counts.type_sets)
}

pub(crate) fn terms(rows: &[TermRow], counts: Counts) -> bool {
    rows.par_iter().all(|row| {
        (row.concept as usize) < counts.concepts
            && (row.text.0 as usize) < counts.texts
            && usize::from(row.lang) < counts.languages
            && usize::from(row.flags) < counts.flag_sets
    })
}

/// The parts of the matcher of a language; `None` when one is missing.
pub(crate) fn matcher(store: &Store, lang: &str, terms: usize) -> Option<bool> {
    fn get<'s, T: Pod>(store: &'s Store, lang: &str, part: &str) -> Option<&'s [T]> {
        let section: Section = store.find::<T>(&format!("matcher/{lang}/{part}"))?;
        Some(store.get(section))
    }
    let slots: &[Slot] = get(store, lang, "slots")?;
    let nodes: &[Node] = get(store, lang, "nodes")?;
    let candidates: &[u32] = get(store, lang, "candidates")?;
    let term = |candidate: &u32| (candidate & !(CASED | LAST)) as usize;
    // A search of the table ends at a free slot, one for a pattern's candidates at the last of them.
    let searches_end = slots.len() >= 2
        && slots.len().is_power_of_two()
        && slots.par_iter().any(|slot| slot.key[0] == 0)
        && candidates.last().is_none_or(|c| c & LAST != 0);
    Some(
        searches_end
            && candidates.par_iter().all(|candidate| term(candidate) < terms)
            && nodes.par_iter().all(|node| {
                node.terminal == 0 || (1..=candidates.len()).contains(&((node.terminal & !CASED) as usize))
            }),
    )
}
