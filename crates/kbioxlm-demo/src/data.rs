//! The embedded knowledge: concepts with names in three languages, and facts among them.

use anyhow::{Context, Result, ensure};
use kbioxlm_files::{create_dir, write_atomic};
use kbioxlm_knowledge::Description;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The languages of the embedded data; the first is the one that benchmarks are annotated in.
pub const LANGUAGES: [&str; 3] = ["en", "zh", "es"];

const LEXICON: &str = include_str!("../data/lexicon.tsv");
const FACTS: &str = include_str!("../data/facts.tsv");
const RELATIONS: &str = include_str!("../data/relations.tsv");

/// What kind of thing a concept is.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Kind {
    /// Something one falls ill with.
    Disease,
    /// A substance given against diseases.
    Drug,
    /// A complaint or finding, also as an unwanted effect of a drug.
    Symptom,
}

impl Kind {
    /// The name in the lexicon's column `semantic_type`, also the benchmark's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disease => "Disease",
            Self::Drug => "Drug",
            Self::Symptom => "Symptom",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Disease, Self::Drug, Self::Symptom].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How two concepts are related.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Relation {
    /// Drug against disease.
    MayTreat,
    /// Drug with an unwanted effect.
    MayCause,
    /// Disease with a complaint.
    HasSymptom,
    /// Disease and the group it belongs to.
    IsA,
    /// Disease and what may follow from it.
    MayLeadTo,
    /// Drug and a disease in which it does harm.
    ContraindicatedIn,
}

impl Relation {
    /// All relations, in the order of the table of facts.
    pub const ALL: [Self; 6] =
        [Self::HasSymptom, Self::IsA, Self::MayLeadTo, Self::MayTreat, Self::MayCause, Self::ContraindicatedIn];

    /// The name in the table of facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MayTreat => "may_treat",
            Self::MayCause => "may_cause",
            Self::HasSymptom => "has_symptom",
            Self::IsA => "is_a",
            Self::MayLeadTo => "may_lead_to",
            Self::ContraindicatedIn => "contraindicated_in",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text)
    }
}

/// A concept of the embedded lexicon.
#[derive(Clone, Debug)]
pub struct Concept {
    /// `DIS:0001`, `DRG:0001`, `SYM:0001`.
    pub id: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Names by language, the preferred one first.
    pub names: BTreeMap<&'static str, Vec<&'static str>>,
}

/// A statement about two concepts, given by their positions.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Fact {
    /// What it is about.
    pub head: usize,
    /// How they are related.
    pub relation: Relation,
    /// What the head is related to.
    pub tail: usize,
}

/// The embedded knowledge, parsed.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// In the order of the lexicon.
    pub concepts: Vec<Concept>,
    /// In the order of the table.
    pub facts: Vec<Fact>,
}

impl Embedded {
    /// Parses the embedded tables.
    ///
    /// # Errors
    /// A row that the tests of this crate would have refused.
    pub fn load() -> Result<Self> {
        let mut concepts: Vec<Concept> = Vec::new();
        let mut positions = BTreeMap::new();
        for [id, lang, term, _preferred, kind, _flags] in rows(LEXICON) {
            let kind = Kind::parse(kind).with_context(|| format!("lexicon: semantic type `{kind}` of {id}"))?;
            let position = *positions.entry(id).or_insert_with(|| {
                concepts.push(Concept { id, kind, names: BTreeMap::new() });
                concepts.len() - 1
            });
            if let Some(concept) = concepts.get_mut(position) {
                // The table names the preferred term of a language first; a test holds it to that.
                concept.names.entry(lang).or_default().push(term);
            }
        }
        let find = |id: &str| positions.get(id).copied().with_context(|| format!("facts: no concept `{id}`"));
        let mut facts = Vec::new();
        for [head, relation, tail] in rows(FACTS) {
            let relation = Relation::parse(relation).with_context(|| format!("facts: relation `{relation}`"))?;
            facts.push(Fact { head: find(head)?, relation, tail: find(tail)? });
        }
        ensure!(!concepts.is_empty() && !facts.is_empty(), "the embedded tables are empty");
        Ok(Self { concepts, facts })
    }

    /// Positions of the concepts of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        self.concepts.iter().enumerate().filter(move |(_, c)| c.kind == kind).map(|(i, _)| i)
    }

    /// Heads or tails of the facts that say `relation` of `concept`.
    pub fn related(&self, concept: usize, relation: Relation) -> impl Iterator<Item = usize> {
        let of_head = move |f: &&Fact| f.head == concept && f.relation == relation;
        self.facts.iter().filter(of_head).map(|f| f.tail)
    }

    /// Heads of the facts that say `relation` about `concept`.
    pub fn related_from(&self, concept: usize, relation: Relation) -> impl Iterator<Item = usize> {
        let of_tail = move |f: &&Fact| f.tail == concept && f.relation == relation;
        self.facts.iter().filter(of_tail).map(|f| f.head)
    }
}

/// The rows below the header line; a row of another width does not exist (a test counts).
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

/// Writes the embedded tables into `dir`, as any user's sources would lie there.
///
/// # Errors
/// A file cannot be written.
pub fn write_sources(dir: &Path) -> Result<Description> {
    create_dir(dir)?;
    let write = |name: &str, text: &str| -> Result<_> {
        let path = dir.join(name);
        write_atomic(&path, |w| w.write_all(text.as_bytes()))?;
        Ok(path)
    };
    let (lexicons, facts) = (vec![write("lexicon.tsv", LEXICON)?], vec![write("facts.tsv", FACTS)?]);
    let relations = write("relations.tsv", RELATIONS)?;
    Ok(Description::of_tables(lexicons, facts, Some(relations), Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashMap};

    #[test]
    fn every_row_has_its_cells() {
        for (table, width) in [(LEXICON, 6), (FACTS, 3), (RELATIONS, 3)] {
            for line in table.lines() {
                assert_eq!(line.split('\t').count(), width, "{line}");
                assert!(line.split('\t').all(|cell| cell == cell.trim()), "{line}");
            }
        }
    }

    #[test]
    fn a_concept_has_one_preferred_name_in_each_language_and_it_comes_first() {
        let mut preferred: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
        for [id, lang, _, is_preferred, _, _] in rows(LEXICON) {
            preferred.entry((id, lang)).or_default().push(is_preferred);
        }
        let knowledge = Embedded::load().unwrap();
        assert!((280..=340).contains(&knowledge.concepts.len()), "{} concepts", knowledge.concepts.len());
        for concept in &knowledge.concepts {
            for lang in LANGUAGES {
                let marks = &preferred[&(concept.id, lang)];
                assert_eq!(marks[0], "1", "{} {lang}", concept.id);
                assert!(marks[1..].iter().all(|&m| m == "0"), "{} {lang}", concept.id);
            }
            assert_eq!(concept.names.len(), LANGUAGES.len());
        }
    }

    #[test]
    fn no_name_belongs_to_two_concepts_or_stands_twice() {
        let mut owner: HashMap<(String, &str), &str> = HashMap::new();
        let mut concept_of: HashMap<String, &str> = HashMap::new();
        for [id, lang, term, ..] in rows::<6>(LEXICON) {
            let name = term.to_lowercase();
            assert_eq!(owner.insert((name.clone(), lang), id), None, "{term} twice in {lang}");
            assert_eq!(*concept_of.entry(name).or_insert(id), id, "{term} names two concepts");
        }
    }

    #[test]
    fn names_are_in_their_script_and_flags_are_right() {
        let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        let mut english: HashMap<&str, BTreeSet<String>> = HashMap::new();
        for [id, lang, term, ..] in rows::<6>(LEXICON) {
            if lang == "en" {
                english.entry(id).or_default().insert(term.to_lowercase());
            }
        }
        for [id, lang, term, _, _, flags] in rows(LEXICON) {
            assert_eq!(term.chars().any(han), lang == "zh", "{term}");
            let same = lang != "en" && english[id].contains(&term.to_lowercase());
            assert_eq!(flags == "same_as_english", same, "{id} {lang} {term}");
        }
    }

    #[test]
    fn facts_join_concepts_of_the_right_kinds_and_are_told_once() {
        use {Kind::*, Relation::*};
        let knowledge = Embedded::load().unwrap();
        assert!(knowledge.facts.len() >= 900, "{} facts", knowledge.facts.len());
        let mut seen = BTreeSet::new();
        for fact in &knowledge.facts {
            assert!(seen.insert((fact.head, fact.relation, fact.tail)), "{fact:?} twice");
            assert_ne!(fact.head, fact.tail);
            let kinds = (knowledge.concepts[fact.head].kind, knowledge.concepts[fact.tail].kind);
            let expected = match fact.relation {
                MayTreat | ContraindicatedIn => (Drug, Disease),
                MayCause => (Drug, Symptom),
                HasSymptom => (Disease, Symptom),
                IsA | MayLeadTo => (Disease, Disease),
            };
            assert_eq!(kinds, expected, "{fact:?}");
        }
        // No drug is said to treat what it must be avoided in.
        for fact in knowledge.facts.iter().filter(|f| f.relation == ContraindicatedIn) {
            assert!(!seen.contains(&(fact.head, MayTreat, fact.tail)), "{fact:?}");
        }
        let told = |i| knowledge.facts.iter().any(|f| f.head == i || f.tail == i);
        assert!((0..knowledge.concepts.len()).all(told), "a concept without a fact has no document");
    }

    #[test]
    fn every_relation_has_a_label_in_every_language() {
        let labels: BTreeSet<(&str, &str)> = rows(RELATIONS).map(|[relation, lang, _]| (relation, lang)).collect();
        for relation in Relation::ALL {
            assert!(LANGUAGES.iter().all(|&lang| labels.contains(&(relation.as_str(), lang))), "{relation:?}");
        }
    }
}
