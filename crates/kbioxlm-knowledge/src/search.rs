//! Questions of people: what is called so, what is called nearly so, and all that is known of it.

use crate::content::TermRow;
use crate::fold::{fingerprint, folded};
use crate::{Concept, ConceptIndex, Fact, KnowledgeBase, TermIndex};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// Characters up to which a name may be misspelt in one place only; longer ones may be in two.
const SHORT: usize = 5;

/// All that is known of a concept, for people and other programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ConceptSummary<'a> {
    /// The id by which it is known.
    pub id: &'a str,
    /// The ids of the sources' concepts that were joined into it, its own first.
    pub members: Vec<&'a str>,
    /// What kinds of thing it is.
    pub semantic_types: Vec<&'a str>,
    /// Its names by language, the preferred one first.
    pub names: BTreeMap<&'a str, Vec<Name<'a>>>,
    /// Facts that it is head or tail of: the first, as many as were asked for.
    pub facts: Vec<Statement<'a>>,
    /// How many facts there are.
    pub fact_count: usize,
}

/// A name of a concept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Name<'a> {
    /// The name itself.
    pub name: &'a str,
    /// The name to use first.
    pub preferred: bool,
    /// It is looked for in text.
    pub looked_for: bool,
    /// It may replace a mention.
    pub written: bool,
    /// Remarks, also why it is not used; see [`flags`](crate::flags).
    pub flags: &'a [String],
}

/// A fact in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Statement<'a> {
    /// Id of the concept that it is about.
    pub head: &'a str,
    /// Id of the relation.
    pub relation: &'a str,
    /// Id of the other concept.
    pub tail: &'a str,
    /// Name of the head, how the relation is said, name of the tail.
    pub words: [&'a str; 3],
}

impl KnowledgeBase {
    /// The terms in `lang`, or in any language, that are `name` but for case and form, also those that are not looked for.
    ///
    /// Reads all names: a moment with millions.
    pub fn terms_named(&self, name: &str, lang: Option<&str>) -> Vec<TermIndex> {
        let wanted = fingerprint(name, &mut String::new());
        let is = |scratch: &mut String, (number, row): (usize, &TermRow)| {
            (self.is_in(row, lang) && fingerprint(self.text(row), scratch) == wanted)
                .then_some(TermIndex(number as u32))
        };
        self.term_rows().par_iter().enumerate().map_init(String::new, is).flatten().collect()
    }

    /// Terms that are nearly `name`, one of each spelling, at most `most`: first those that differ in a letter or two, then
    /// those that begin with it, the shortest first.
    pub fn terms_like(&self, name: &str, lang: Option<&str>, most: usize) -> Vec<TermIndex> {
        let (mut scratch, mut wanted) = (String::new(), String::new());
        folded(name, &mut scratch, &mut wanted);
        let length = wanted.chars().count();
        let edits = if length <= SHORT { 1 } else { 2 };
        let near = |buffers: &mut (String, String), (number, row): (usize, &TermRow)| {
            if length == 0 || !self.is_in(row, lang) {
                return None;
            }
            let text = folded(self.text(row), &mut buffers.0, &mut buffers.1);
            let more = text.chars().count();
            if more.abs_diff(length) <= edits {
                let distance = strsim::osa_distance(text, &wanted);
                if distance <= edits && distance < length {
                    return Some((0, distance, number as u32));
                }
            }
            text.starts_with(&wanted).then_some((1, more, number as u32))
        };
        let rows = self.term_rows().par_iter().enumerate();
        let mut found: Vec<(u8, usize, u32)> =
            rows.map_init(|| (String::new(), String::new()), near).flatten().collect();
        found.par_sort_unstable();
        let mut seen = HashSet::new();
        let terms = found.into_iter().map(|(.., number)| TermIndex(number));
        terms.filter(|&term| seen.insert(fingerprint(self.term(term).text, &mut scratch))).take(most).collect()
    }

    fn is_in(&self, row: &TermRow, lang: Option<&str>) -> bool {
        lang.is_none_or(|lang| self.lang(row) == lang)
    }

    /// All that is known of a concept, with its first `facts` facts told in `lang` where they can be.
    pub fn summary(&self, concept: ConceptIndex, lang: &str, facts: usize) -> ConceptSummary<'_> {
        let mut names: BTreeMap<&str, Vec<Name>> = BTreeMap::new();
        for term in self.terms_of(concept) {
            let term = self.term(term);
            names.entry(term.lang).or_default().push(Name {
                name: term.text,
                preferred: term.preferred,
                looked_for: term.matched,
                written: term.translation,
                flags: term.flags,
            });
        }
        // What is said of it goes before what is said with it of others.
        let own = self.facts_of(concept);
        let others = |f: &&Fact| f.tail == concept;
        let fact_count = own.len() + self.facts().par_iter().filter(others).count();
        let told = own.iter().chain(self.facts().iter().filter(others)).take(facts.min(fact_count));
        let Concept { id, .. } = self.concept(concept);
        ConceptSummary {
            id,
            members: self.members(concept).collect(),
            semantic_types: self.semantic_types(concept).collect(),
            names,
            facts: told.map(|fact| self.statement(fact, lang)).collect(),
            fact_count,
        }
    }

    /// A fact in words of `lang`; what has none there is told in English, or else by any name it has.
    pub fn statement(&self, fact: &Fact, lang: &str) -> Statement<'_> {
        let id = |concept| self.concept(concept).id;
        let label = |lang| self.relation_label(fact.relation, lang);
        let relation = self.relation_id(fact.relation);
        let said = label(lang).or_else(|| label("en")).unwrap_or(relation);
        let words = [self.name(fact.head, lang), said, self.name(fact.tail, lang)];
        Statement { head: id(fact.head), relation, tail: id(fact.tail), words }
    }

    /// A name of a concept: in `lang`, else in English, else in any language.
    pub fn name(&self, concept: ConceptIndex, lang: &str) -> &str {
        let term = self.preferred(concept, lang).or_else(|| self.preferred(concept, "en"));
        let term = term.or_else(|| self.terms_of(concept).next());
        term.map_or_else(|| self.concept(concept).id, |term| self.term(term).text)
    }
}
