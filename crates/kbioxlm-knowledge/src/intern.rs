//! Numbers for strings and for sets of them, compact: a string is kept once, in a [`Pool`], and a set is its number.

use crate::content::{Pool, Text};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::hash::BuildHasher;

/// The hash of a string, the same in every run.
pub(crate) fn hash(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

/// Distinct strings, numbered in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    pool: Pool,
    /// Numbers by the hash of their string, which is looked up in the pool: four bytes a string instead of a copy of it.
    table: HashTable<u32>,
}

impl Interner {
    /// The number of a string that is there.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.table.find(hash(text), |&n| self.pool.get(Text(n)) == text).copied()
    }

    /// The number of a string, new if need be; `None` when there would be more than 4 GiB of text.
    pub(crate) fn number(&mut self, text: &str) -> Option<u32> {
        let hash_of_text = hash(text);
        let pool = &mut self.pool;
        if let Some(&number) = self.table.find(hash_of_text, |&n| pool.get(Text(n)) == text) {
            return Some(number);
        }
        let number = pool.push(text)?.0;
        self.table.insert_unique(hash_of_text, number, |&n| hash(pool.get(Text(n))));
        Some(number)
    }

    /// Takes the next number for something that is no string, in whose place the empty one stands.
    pub(crate) fn reserve(&mut self) -> Option<u32> {
        Some(self.pool.push("")?.0)
    }

    /// The strings behind one another and where each begins, with the end of the last.
    pub(crate) fn parts(&self) -> (&str, &[u32]) {
        self.pool.parts()
    }

    /// The string of a number; panics when there is none.
    pub(crate) fn get(&self, number: u32) -> &str {
        self.pool.get(Text(number))
    }

    pub(crate) fn len(&self) -> usize {
        self.pool.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|n| self.get(n))
    }
}

/// Sets of numbers in the order in which their elements were added, each known by its number; number 0 is the empty set.
#[derive(Debug)]
pub(crate) struct Sets {
    sets: Vec<Vec<u32>>,
    /// The set that an element makes of a set.
    with: HashMap<(u32, u32), u32, FixedState>,
}

impl Default for Sets {
    fn default() -> Self {
        Self { sets: vec![Vec::new()], with: HashMap::default() }
    }
}

impl Sets {
    /// The set `set` with `element` in it.
    pub(crate) fn with(&mut self, set: u32, element: u32) -> u32 {
        if let Some(&known) = self.with.get(&(set, element)) {
            return known;
        }
        let former = self.get(set);
        let number = if former.contains(&element) {
            set
        } else {
            let mut larger = former.to_vec();
            larger.push(element);
            self.sets.push(larger);
            self.sets.len() as u32 - 1
        };
        self.with.insert((set, element), number);
        number
    }

    /// The elements of a set.
    pub(crate) fn get(&self, set: u32) -> &[u32] {
        self.sets.get(set as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.sets.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_sets_have_one_number() {
        let mut names = Interner::default();
        let numbers: Vec<_> = ["b", "a", "", "b", "a"].map(|n| names.number(n).unwrap()).to_vec();
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        assert_eq!((names.find("a"), names.find("c"), names.get(0), names.len()), (Some(1), None, "b", 3));
        let mut sets = Sets::default();
        let one = sets.with(0, 7);
        let two = sets.with(one, 3);
        assert_eq!((sets.with(two, 7), sets.with(0, 7), sets.with(one, 3)), (two, one, two));
        assert_eq!((sets.get(0), sets.get(two)), (&[][..], &[7, 3][..]));
    }
}
