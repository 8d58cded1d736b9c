use crate::types::Tables;
use crate::{Concept, ConceptIndex, Fact, RelationIndex, Result, Stats, Term, TermIndex, tables};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;

/// Concepts, their terms in any number of languages, facts between them, and labels of the relations.
///
/// Indices are those of one knowledge base; methods that take one panic when it is larger than what this one has.
#[derive(Debug)]
pub struct KnowledgeBase {
    tables: Tables,
    /// Every member id of every concept.
    by_id: HashMap<String, ConceptIndex>,
    /// The terms of each concept: terms are sorted by concept.
    terms_of: Vec<Range<usize>>,
    /// All term indices in order, to be lent out in slices.
    indices: Vec<TermIndex>,
}

impl KnowledgeBase {
    /// Opens the directory that [`build`](crate::build()) wrote.
    ///
    /// # Errors
    /// The directory is none of a knowledge base, of another version of the format, incomplete or changed since it was
    /// written; the message names the file and what to do.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self::new(tables::read(dir)?))
    }

    /// `tables` must hold what its type promises.
    pub(crate) fn new(tables: Tables) -> Self {
        let mut by_id = HashMap::with_capacity(tables.concepts.len());
        for (concept, number) in tables.concepts.iter().zip(0..) {
            by_id.extend(concept.members.iter().map(|id| (id.clone(), ConceptIndex(number))));
        }
        let mut terms_of = Vec::with_capacity(tables.concepts.len());
        let mut start = 0;
        for (_, number) in tables.concepts.iter().zip(0..) {
            let own = tables.terms[start..].iter().take_while(|t| t.concept == ConceptIndex(number)).count();
            terms_of.push(start..start + own);
            start += own;
        }
        let indices = tables.terms.iter().zip(0..).map(|(_, number)| TermIndex(number)).collect();
        Self { tables, by_id, terms_of, indices }
    }

    /// All concepts, in the order of the lexica.
    pub fn concepts(&self) -> &[Concept] {
        &self.tables.concepts
    }

    /// One concept.
    pub fn concept(&self, concept: ConceptIndex) -> &Concept {
        &self.tables.concepts[concept.0 as usize]
    }

    /// The concept known by `id`, which may be that of any of its members.
    pub fn find_concept(&self, id: &str) -> Option<ConceptIndex> {
        self.by_id.get(id).copied()
    }

    /// All terms, sorted by concept and language.
    pub fn terms(&self) -> &[Term] {
        &self.tables.terms
    }

    /// One term.
    pub fn term(&self, term: TermIndex) -> &Term {
        &self.tables.terms[term.0 as usize]
    }

    /// The terms of a concept, sorted by language; in each language the preferred one first, then in the lexica's order.
    pub fn terms_of(&self, concept: ConceptIndex) -> &[TermIndex] {
        &self.indices[self.terms_of[concept.0 as usize].clone()]
    }

    /// The terms in `lang` that may stand for the concept in text of this language, the preferred one first.
    pub fn translations(&self, concept: ConceptIndex, lang: &str) -> impl Iterator<Item = TermIndex> {
        self.terms_of(concept).iter().copied().filter(move |&index| {
            let term = self.term(index);
            term.translation && term.lang == lang
        })
    }

    /// The term to use first in `lang`: the preferred one or, where the lexicon prefers none, the first.
    pub fn preferred(&self, concept: ConceptIndex, lang: &str) -> Option<TermIndex> {
        self.translations(concept, lang).next()
    }

    /// In how many languages the concept has a name that may stand for it.
    pub(crate) fn named_languages(&self, concept: ConceptIndex) -> BTreeSet<&str> {
        let terms = self.terms_of(concept).iter().map(|&t| self.term(t));
        terms.filter(|t| t.translation).map(|t| t.lang.as_str()).collect()
    }

    /// All facts, sorted by (head, tail, relation).
    pub fn facts(&self) -> &[Fact] {
        &self.tables.facts
    }

    /// The facts that say something of `head` and `tail`, in this direction.
    pub fn facts_between(&self, head: ConceptIndex, tail: ConceptIndex) -> &[Fact] {
        let facts = self.facts();
        let start = facts.partition_point(|f| (f.head, f.tail) < (head, tail));
        let length = facts[start..].partition_point(|f| (f.head, f.tail) == (head, tail));
        &facts[start..start + length]
    }

    /// The id of a relation, as the sources have it: `may_treat`.
    pub fn relation_id(&self, relation: RelationIndex) -> &str {
        &self.tables.relations[usize::from(relation.0)].id
    }

    /// How a relation is said in `lang`.
    pub fn relation_label(&self, relation: RelationIndex, lang: &str) -> Option<&str> {
        self.tables.relations[usize::from(relation.0)].labels.get(lang).map(String::as_str)
    }

    /// The languages of the terms, sorted.
    pub fn languages(&self) -> Vec<&str> {
        self.terms().iter().map(|t| t.lang.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Counts for a summary.
    pub fn stats(&self) -> Stats {
        Stats::of(self)
    }
}
