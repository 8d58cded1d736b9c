mod check;
mod languages;
mod names;
mod sources;

use crate::Level;
use documented::DocumentedFields;
pub use languages::Languages;
pub use names::Names;
use serde::{Deserialize, Serialize};
pub use sources::{PassageSource, Texts};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How a corpus is anchored.
///
/// A mention is *marked* when the examples have a span for it, and *used* when moreover it may be switched and its concept be
/// told of in facts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct AnchorConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// Levels to build; default entity, fact, passage.
    pub levels: Vec<Level>,
    /// Languages to switch to and to tell facts in; empty: the declared languages of the texts and those of the passages.
    ///
    /// A list, or a table of weights: with `{ zh = 2, es = 1 }` Chinese is chosen twice as often as Spanish where a
    /// concept has a name in both.
    pub languages: Languages,
    /// Mentions of a document that are switched at most.
    pub max_switches: usize,
    /// Share of a document's marked mentions that is switched, 0 to 1, as long as `max_switches` and the names in other
    /// languages allow it. What is not whole is rounded at random, so that short documents have their share too.
    pub switch_share: f64,
    /// Which names are put in the place of mentions and told in facts: the `preferred` one of the language, or one
    /// `sampled` from all that may stand for the concept in text of the language.
    pub synonyms: Synonyms,
    /// What becomes of a mention whose name belongs to several concepts: it is used as the `first` of them (as the matcher
    /// orders them), marked as the first but not used (`skip`), or not marked at all (`drop`).
    pub ambiguous: Ambiguity,
    /// Characters of a term at least; shorter ones are neither marked nor put in.
    pub min_term_chars: MinChars,
    /// Semantic types of the concepts whose mentions are marked, by the beginning of their names:
    /// `{ include = ["Phenotype"], exclude = ["Phenotype: Neoplasm"] }`; nothing to include means all.
    pub mark_types: Names,
    /// Semantic types of the concepts whose mentions are used; those of others are only marked.
    pub use_types: Names,
    /// Ids of concepts whose mentions are marked but never used.
    pub held_out: BTreeSet<String>,
    /// Share of all concepts, 0 to 1, that is held out besides, by a hash of their ids: the same ones in every corpus.
    pub held_out_share: f64,
    /// Levels at which a text without a marked mention is kept: `plain` as it is, `entity` as its original, `passage` as one
    /// side of a pair or both. At the level fact there is nothing to tell of it.
    pub keep_without_mentions: BTreeSet<Level>,
    /// Characters of a chunk at least, and of a passage that is made from paragraphs.
    pub min_chunk: usize,
    /// Characters of a document's last chunk at least; a shorter rest joins the chunk before it.
    pub min_tail: usize,
    /// Facts that are appended to a chunk at most.
    pub max_facts: usize,
    /// Relations whose facts are told, by the beginning of their ids.
    pub relations: Names,
    /// Weights of the classes of passage pairs: as many pairs are made as the rarest class allows; 0 leaves a class out.
    pub passage_balance: Balance,
    /// Share of the `random` pairs, 0 to 1, whose two articles are near each other: they share a concept that few articles
    /// mention. The others are unrelated as far as the concepts tell.
    pub hard_random_share: f64,
    /// Articles a language pair at most from whose versions in the text files passages are made, a seeded sample: documents of
    /// two languages with the same subject (a Wikidata id, a PMID) are versions of one. They are taken from all documents, whatever
    /// `max_documents` says; their first passages are held, some 10 kB an article. 0: passages come from passage files only.
    pub aligned_articles: usize,
    /// Documents a language at most, and rows of a passage file at most: a seeded sample.
    pub max_documents: Option<usize>,
    /// Documents that share this part of their phrases (Jaccard, 0 to 1) or more with one before them are left out, and
    /// likewise passage pairs; estimated to ±0.04. Half a kilobyte of memory for each that is kept. `None`: they stay.
    pub near_duplicates: Option<f64>,
    /// Files of texts, for example benchmarks, that the corpus must not contain: JSONL with `text`, CoNLL, PubTator, BioC XML, a
    /// directory of BRAT standoff, or a text a line.
    pub exclude: Vec<PathBuf>,
    /// Consecutive words that a document may not share with an excluded text; a shorter text counts as a whole.
    pub exclude_words: usize,
    /// The same in characters, for scripts without spaces.
    pub exclude_characters: usize,
}

/// Which names are put in.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synonyms {
    /// The preferred name.
    #[default]
    Preferred,
    /// Any name, drawn anew each time.
    Sampled,
}

/// What becomes of a mention whose name belongs to several concepts.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ambiguity {
    /// It is a mention of the first.
    #[default]
    First,
    /// It is marked but not used.
    Skip,
    /// It is not marked.
    Drop,
}

/// Shortest terms by script: two characters are a word in Chinese and an abbreviation in English.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinChars {
    /// Of terms with a Chinese, Japanese or Korean character.
    pub cjk: usize,
    /// Of all others.
    pub other: usize,
}

impl Default for MinChars {
    fn default() -> Self {
        Self { cjk: 1, other: 1 }
    }
}

/// Weights of the classes of passage pairs.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Balance {
    /// Of [`PassageLabel::Link`](crate::PassageLabel::Link).
    pub link: u32,
    /// Of [`PassageLabel::Context`](crate::PassageLabel::Context).
    pub context: u32,
    /// Of [`PassageLabel::Random`](crate::PassageLabel::Random).
    pub random: u32,
}

impl Default for Balance {
    fn default() -> Self {
        Self { link: 1, context: 1, random: 1 }
    }
}

impl Default for AnchorConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            levels: vec![Level::Entity, Level::Fact, Level::Passage],
            languages: Languages::default(),
            max_switches: 10,
            switch_share: 1.0,
            synonyms: Synonyms::default(),
            ambiguous: Ambiguity::default(),
            min_term_chars: MinChars::default(),
            mark_types: Names::default(),
            use_types: Names::default(),
            held_out: BTreeSet::new(),
            held_out_share: 0.0,
            keep_without_mentions: BTreeSet::from([Level::Plain, Level::Passage]),
            min_chunk: 256,
            min_tail: 128,
            // A chunk of 256 characters and 16 facts of some 12 tokens stay below 512 tokens in either script.
            max_facts: 16,
            relations: Names::default(),
            passage_balance: Balance::default(),
            hard_random_share: 0.0,
            aligned_articles: 0,
            max_documents: None,
            near_duplicates: None,
            exclude: Vec::new(),
            exclude_words: 13,
            exclude_characters: 20,
        }
    }
}

impl AnchorConfig {
    pub(crate) fn has(&self, level: Level) -> bool {
        self.levels.contains(&level)
    }
}
