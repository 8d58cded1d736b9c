mod stats;
mod text;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use stats::{AmbiguousName, LanguageStats, Stats};

/// How many examples are kept of what was dropped.
const EXAMPLES: usize = 3;

/// What a build read, kept and dropped, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildReport {
    /// Each source, in their order.
    pub sources: Vec<SourceReport>,
    /// How many names carry each flag that the sources give.
    pub flags: BTreeMap<String, usize>,
    /// Those of the flags whose meaning is not known here; the names are used as if they had none.
    pub unknown_flags: Vec<String>,
    /// Joining of concepts.
    pub merge: MergeReport,
    /// Concepts left out because their semantic type says that they are no entities.
    pub not_entities: Dropped,
    /// Concepts left out because a list of the description says so.
    pub excluded_concepts: Dropped,
    /// Names that a concept has already in the same language and spelling.
    pub repeated_terms: usize,
    /// Names that are not used as they could be, by the reason.
    pub names: BTreeMap<NameRule, Dropped>,
    /// Entries of the description's lists that are no name or concept of any source.
    pub unused_entries: Dropped,
    /// Facts dropped because of a concept that no source has.
    pub unknown_facts: Dropped,
    /// Relations of facts that have a label in no language.
    pub unlabelled_relations: Vec<String>,
    /// What came out.
    pub knowledge: Stats,
}

/// Why a name is not used as it could be.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NameRule {
    /// A list of the description says so.
    Excluded,
    /// It is in characters that its language does not use.
    ForeignScript,
    /// It spells out how a Chinese name is read.
    Pinyin,
    /// It is a function word of its language.
    StopWord,
    /// It belongs to too many concepts.
    Ambiguous,
    /// It is also an English name of the concept.
    Equal,
    /// It has too few characters, or no letter among them.
    Short,
}

/// What was dropped for one reason.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Dropped {
    /// How often.
    pub count: usize,
    /// The first few.
    pub examples: Vec<String>,
}

impl Dropped {
    pub(crate) fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            let example = example();
            if self.examples.last() != Some(&example) {
                self.examples.push(example);
            }
        }
    }
}

/// What was read from a source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceReport {
    /// File or directory as it was named.
    pub path: String,
    /// The format that it was read in.
    pub format: String,
    /// Names.
    pub terms: usize,
    /// Names that are in the result: the others are repeated or of concepts that were left out.
    pub kept_terms: usize,
    /// Concepts that no source before it has.
    pub concepts: usize,
    /// Facts.
    pub facts: FactReport,
    /// Statements that two ids mean the same.
    pub links: usize,
    /// Labels of relations.
    pub labels: usize,
    /// What the reader left out, by the reason.
    pub dropped: BTreeMap<String, Dropped>,
}

/// What became of the facts of a source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FactReport {
    /// Facts read.
    pub read: usize,
    /// Facts kept.
    pub kept: usize,
    /// Dropped: no source has head or tail.
    pub unknown_concept: usize,
    /// Dropped: head or tail was left out, as no entity or by a list of the description.
    pub left_out: usize,
    /// Dropped: head and tail are the same concept, most often since they were joined.
    pub self_facts: usize,
    /// Dropped: said before, most often since concepts were joined.
    pub repeated: usize,
}

/// What was joined.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MergeReport {
    /// By cross-references.
    pub xrefs: LinkReport,
    /// By tables of links.
    pub links: LinkReport,
    /// By names that are equal in several languages.
    pub names: LinkReport,
    /// Concepts of the sources that are now members of another one.
    pub joined: usize,
    /// The concepts with the most members, largest first: their ids.
    pub largest: Vec<Vec<String>>,
}

/// What one kind of statement that two concepts are the same has done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LinkReport {
    /// Statements.
    pub read: usize,
    /// Those that joined what was not joined before.
    pub joined: usize,
    /// Dropped: they name a concept that no source has. (A cross-reference to one may still join two that name it.)
    pub unknown_concept: Dropped,
    /// Dropped: they would join, through a third, concepts that one vocabulary keeps apart.
    pub refused: Dropped,
}
