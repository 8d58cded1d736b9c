use bytemuck::{Pod, Zeroable};

/// Number of a concept in its knowledge base.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct ConceptIndex(pub u32);

/// Number of a term in its knowledge base.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct TermIndex(pub u32);

/// Number of a relation in its knowledge base.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct RelationIndex(pub u32);

/// One biomedical meaning.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Concept<'a> {
    /// The id by which it is known here: of all its members the one that the sources name first.
    pub id: &'a str,
    /// What kind of thing it is, as the source says: `Drug ingredient`, `Phenotype: Neoplasm`; empty where none says. The first
    /// where there are [several](crate::KnowledgeBase::semantic_types).
    pub semantic_type: &'a str,
}

/// One surface name of a concept in one language.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Term<'a> {
    /// Whose name it is.
    pub concept: ConceptIndex,
    /// Language tag as in the source: `en`, `zh`.
    pub lang: &'a str,
    /// The name itself.
    pub text: &'a str,
    /// The one name a language to use first; all others are synonyms.
    pub preferred: bool,
    /// Matches only text of exactly this case.
    pub case_sensitive: bool,
    /// May stand for the concept in text of its language, that is, replace a mention.
    pub translation: bool,
    /// Is looked for in text of its language.
    pub matched: bool,
    /// The source's remarks on this name (see [`flags`](crate::flags)).
    pub flags: &'a [String],
}

/// A statement: head, relation, tail. Head and tail are never the same concept. Facts are ordered by head, tail, relation.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Fact {
    /// What the statement is about.
    pub head: ConceptIndex,
    /// What it is related to.
    pub tail: ConceptIndex,
    /// How it is related.
    pub relation: RelationIndex,
}
