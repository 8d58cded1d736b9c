use std::collections::BTreeMap;
use std::path::PathBuf;

/// Number of a concept in its knowledge base: the position in [`KnowledgeBase::concepts`](crate::KnowledgeBase::concepts).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct ConceptIndex(pub u32);

/// Number of a term in its knowledge base: the position in [`KnowledgeBase::terms`](crate::KnowledgeBase::terms).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct TermIndex(pub u32);

/// Number of a relation in its knowledge base.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct RelationIndex(pub u16);

/// One biomedical meaning.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Concept {
    /// The id by which it is known here: of all its members the one that the lexica name first.
    pub id: String,
    /// The ids of the sources' concepts that links joined into it, `id` among them, in the lexica's order.
    pub members: Vec<String>,
    /// What kind of thing it is, as the lexicon says: `Drug ingredient`, `Phenotype: Neoplasm`.
    pub semantic_type: String,
}

/// One surface name of a concept in one language.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Term {
    /// Whose name it is.
    pub concept: ConceptIndex,
    /// Language tag as in the lexicon: `en`, `zh`.
    pub lang: String,
    /// The name itself.
    pub text: String,
    /// The one name a language to use first; all others are synonyms.
    pub preferred: bool,
    /// Matches only text of exactly this case.
    pub case_sensitive: bool,
    /// May stand for the concept in text of its language, that is, replace a mention.
    pub translation: bool,
    /// Is looked for in text of its language.
    pub matched: bool,
    /// The lexicon's remarks on this name (see [`flags`](crate::flags)).
    pub flags: Vec<String>,
}

/// A statement: head, relation, tail. Head and tail are never the same concept. Facts are ordered by head, tail, relation.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct Fact {
    /// What the statement is about.
    pub head: ConceptIndex,
    /// What it is related to.
    pub tail: ConceptIndex,
    /// How it is related.
    pub relation: RelationIndex,
}

/// A relation and how it is said.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Relation {
    pub id: String,
    /// Labels by language.
    pub labels: BTreeMap<String, String>,
}

/// The content of a knowledge base. Terms are sorted by concept and language, the preferred one first; facts by
/// (head, tail, relation), no two equal.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub(crate) struct Tables {
    pub concepts: Vec<Concept>,
    pub terms: Vec<Term>,
    pub facts: Vec<Fact>,
    pub relations: Vec<Relation>,
}

/// The tab-separated files a knowledge base is built from; columns are found by the name in the header line.
#[derive(Clone, Default, Debug)]
pub struct Sources {
    /// `concept_id, lang, term, preferred (0 or 1), semantic_type, flags (comma separated, may be empty)`.
    /// Their order decides the numbers and ids of concepts; at least one.
    pub lexicons: Vec<PathBuf>,
    /// `head_concept_id, relation, tail_concept_id`.
    pub facts: Vec<PathBuf>,
    /// `relation, lang, label`: how a relation is said in a language.
    pub relations: Option<PathBuf>,
    /// `concept_id_a, concept_id_b, same_name_in` (languages joined by `+`): concepts that are the same.
    pub links: Vec<PathBuf>,
}
