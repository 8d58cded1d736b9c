//! What a knowledge base holds while it is built: compact, so that five million terms fit into a laptop's memory.

use crate::Fact;
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A string in a [`Pool`], by its number.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct Text(pub u32);

/// Many short strings, one behind the other.
#[derive(Debug)]
pub(crate) struct Pool {
    bytes: String,
    /// Where each string begins, and the end of the last.
    starts: Vec<u32>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { bytes: String::new(), starts: vec![0] }
    }
}

impl Pool {
    /// Appends a string; `None` when the pool would exceed 4 GiB.
    pub(crate) fn push(&mut self, text: &str) -> Option<Text> {
        let number = Text(u32::try_from(self.len()).ok()?);
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        self.bytes.push_str(text);
        self.starts.push(end);
        Some(number)
    }

    /// One string; panics when it is none of this pool.
    pub(crate) fn get(&self, text: Text) -> &str {
        let at = text.0 as usize;
        &self.bytes[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Number of strings.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The strings behind one another and where each begins, with the end of the last.
    pub(crate) fn parts(&self) -> (&str, &[u32]) {
        (&self.bytes, &self.starts)
    }
}

/// A concept: its members' ids, the first of which it is known by, and its semantic types.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct ConceptRow {
    /// Number of the first member in [`Content::members`]; its members end where the next concept's begin.
    pub first_member: u32,
    /// Number in [`Content::type_sets`].
    pub types: u32,
}

/// A name of a concept.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct TermRow {
    /// Number of the concept.
    pub concept: u32,
    /// In [`Content::texts`].
    pub text: Text,
    /// Number in [`Content::languages`].
    pub lang: u16,
    /// Number in [`Content::flag_sets`].
    pub flags: u16,
    /// How it may be used: bits of [`TermRow::PREFERRED`] and the others.
    pub usage: u32,
}

impl TermRow {
    /// See [`Term::preferred`](crate::Term::preferred).
    pub(crate) const PREFERRED: u32 = 1;
    /// See [`Term::case_sensitive`](crate::Term::case_sensitive).
    pub(crate) const CASE_SENSITIVE: u32 = 2;
    /// See [`Term::translation`](crate::Term::translation).
    pub(crate) const TRANSLATION: u32 = 4;
    /// See [`Term::matched`](crate::Term::matched).
    pub(crate) const MATCHED: u32 = 8;
}

/// A relation and how it is said.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Relation {
    pub id: String,
    /// Labels by language.
    pub labels: BTreeMap<String, String>,
}

/// The content of a knowledge base.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// In the order of the sources.
    pub concepts: Vec<ConceptRow>,
    /// Ids of the concepts' members, concept after concept.
    pub members: Pool,
    /// Distinct.
    pub semantic_types: Vec<String>,
    /// Distinct sets of numbers of semantic types; number 0 is the empty set.
    pub type_sets: Vec<Vec<u32>>,
    /// Sorted by concept and language, the preferred one of a language first.
    pub terms: Vec<TermRow>,
    /// The terms' texts, in any order.
    pub texts: Pool,
    /// Sorted, distinct: so that the order of the numbers is that of the tags.
    pub languages: Vec<String>,
    /// Distinct; number 0 is the empty set.
    pub flag_sets: Vec<Vec<String>>,
    /// Sorted by (head, tail, relation), distinct; head and tail differ.
    pub facts: Vec<Fact>,
    pub relations: Vec<Relation>,
}
