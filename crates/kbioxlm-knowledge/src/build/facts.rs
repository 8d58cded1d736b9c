//! The facts of all sources: tens of millions in the UMLS, so they are rows of 16 bytes, sorted to find what is said twice.

use super::draft::Draft;
use super::merge::{Numbers, Unresolved};
use crate::report::{Dropped, SourceReport};
use crate::{Fact, RelationIndex};
use rayon::prelude::*;

/// From so many facts on, room is first looked for among those said twice.
const MANY: usize = 1 << 20;

/// A fact between ids, and where it stands.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) struct DraftFact {
    pub head: u32,
    pub tail: u32,
    pub relation: u16,
    pub source: u16,
    pub line: u32,
}

impl DraftFact {
    fn said(&self) -> (u32, u32, u16) {
        (self.head, self.tail, self.relation)
    }
}

/// Facts as they come.
#[derive(Debug, Default)]
pub(super) struct DraftFacts {
    rows: Vec<DraftFact>,
    /// For each source how many facts were said before.
    repeated: Vec<usize>,
}

impl DraftFacts {
    pub fn push(&mut self, fact: DraftFact) {
        if self.rows.len() == self.rows.capacity() && self.rows.len() >= MANY {
            self.sort();
        }
        self.rows.push(fact);
    }

    /// Sorts and drops what is said twice: what the first source says first stays.
    fn sort(&mut self) {
        self.rows.par_sort_unstable();
        let repeated = &mut self.repeated;
        self.rows.dedup_by(|again, first| {
            let is = again.said() == first.said();
            if is {
                let source = usize::from(again.source);
                repeated.resize(repeated.len().max(source + 1), 0);
                repeated[source] += 1;
            }
            is
        });
    }
}

/// The facts between concepts of the knowledge base, sorted; what was dropped is counted in the reports of the sources.
pub(super) fn facts(
    draft: &mut Draft,
    numbers: &Numbers,
    sources: &mut [SourceReport],
    unknown: &mut Dropped,
) -> Vec<Fact> {
    let mut facts = std::mem::take(&mut draft.facts);
    facts.sort();
    facts.rows.retain_mut(|fact| {
        let report = &mut sources[usize::from(fact.source)];
        let resolved = numbers.of_id(fact.head).and_then(|head| Ok((head, numbers.of_id(fact.tail)?)));
        match resolved {
            Ok((head, tail)) if head == tail => report.facts.self_facts += 1,
            Ok((head, tail)) => {
                (fact.head, fact.tail) = (head.0, tail.0);
                return true;
            }
            Err(Unresolved::LeftOut) => report.facts.left_out += 1,
            Err(Unresolved::Unknown(id)) => {
                report.facts.unknown_concept += 1;
                unknown.add(|| {
                    format!("{}:{}: no source has the concept `{}`", report.path, fact.line, draft.ids.get(id))
                });
            }
        }
        false
    });
    facts.sort();
    for fact in &facts.rows {
        sources[usize::from(fact.source)].facts.kept += 1;
    }
    for (source, repeated) in sources.iter_mut().zip(&facts.repeated) {
        source.facts.repeated = *repeated;
    }
    let relation = |fact: &DraftFact| RelationIndex(u32::from(fact.relation));
    let concept = crate::ConceptIndex;
    facts.rows.iter().map(|f| Fact { head: concept(f.head), tail: concept(f.tail), relation: relation(f) }).collect()
}
