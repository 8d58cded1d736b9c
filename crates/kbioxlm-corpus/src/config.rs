use crate::{CorpusError, Level, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Documents of one language: JSONL, a line `{"id": "…", "text": "…"}`; other keys are passed over.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct TextSource {
    /// Language of the texts, as the knowledge base names it.
    pub lang: String,
    /// The file.
    pub path: PathBuf,
}

/// Aligned passages: JSONL, a line `{"id": "…", "<lang>": "…", "<lang>": "…", "topic": "…"}`; other keys are passed over.
///
/// Rows of one `topic` come from one article, in its order; without a topic each row is an article of its own.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct PassageSource {
    /// The two languages, each the key of its passage.
    pub langs: [String; 2],
    /// The file.
    pub path: PathBuf,
}

/// How a corpus is anchored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnchorConfig {
    /// Seed of every random choice.
    pub seed: u64,
    /// Levels to build; default entity, fact, passage.
    pub levels: Vec<Level>,
    /// Languages to switch to and to tell facts in; empty: the languages of the texts and passages.
    pub languages: Vec<String>,
    /// Mentions of a document that are switched at most.
    pub max_switches: usize,
    /// Characters of a chunk at least.
    pub min_chunk: usize,
    /// Characters of a document's last chunk at least; a shorter rest joins the chunk before it.
    pub min_tail: usize,
    /// Facts that are appended to a chunk at most.
    pub max_facts: usize,
    /// Documents a language at most, and rows of a passage file at most: a seeded sample.
    pub max_documents: Option<usize>,
    /// Ids of concepts that are never switched and never in a fact; their mentions remain marked.
    pub held_out: BTreeSet<String>,
    /// Documents that share this part of their phrases (Jaccard, 0 to 1) or more with one before them are left out, and
    /// likewise passage pairs; estimated to ±0.04. Half a kilobyte of memory for each that is kept. `None`: they stay.
    pub near_duplicates: Option<f64>,
    /// Files of texts, for example benchmarks, that the corpus must not contain: JSONL with `text`, CoNLL, or a text a line.
    pub exclude: Vec<PathBuf>,
    /// Consecutive words that a document may not share with an excluded text; a shorter text counts as a whole.
    pub exclude_words: usize,
    /// The same in characters, for scripts without spaces.
    pub exclude_characters: usize,
}

impl Default for AnchorConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            levels: vec![Level::Entity, Level::Fact, Level::Passage],
            languages: Vec::new(),
            max_switches: 10,
            min_chunk: 256,
            min_tail: 128,
            // A chunk of 256 characters and 16 facts of some 12 tokens stay below 512 tokens in either script.
            max_facts: 16,
            max_documents: None,
            held_out: BTreeSet::new(),
            near_duplicates: None,
            exclude: Vec::new(),
            exclude_words: 13,
            exclude_characters: 20,
        }
    }
}

impl AnchorConfig {
    /// The configuration with nothing left to guess: levels in order, languages named.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] names the key that cannot be followed.
    pub(crate) fn resolved(&self, texts: &[TextSource], passages: &[PassageSource]) -> Result<Self> {
        let levels: BTreeSet<Level> = self.levels.iter().copied().collect();
        if levels.is_empty() {
            return Err(CorpusError::setting(
                "levels",
                "none",
                "at least one of plain, entity, fact, passage",
                "name the levels to build",
            ));
        }
        let of_documents = levels.iter().find(|&&l| l != Level::Passage);
        if let (Some(level), true) = (of_documents, texts.is_empty()) {
            return Err(CorpusError::setting(
                "levels",
                format!("{level} without texts"),
                "texts",
                "name a text file for each language",
            ));
        }
        if levels.contains(&Level::Passage) && passages.is_empty() {
            let help = "name a file of aligned passages or leave this level out";
            return Err(CorpusError::setting("levels", "passage without passages", "aligned passages", help));
        }
        for source in passages {
            if source.langs[0] == source.langs[1] {
                let found = format!("the language pair {}-{}", source.langs[0], source.langs[1]);
                return Err(CorpusError::setting(
                    "passages",
                    found,
                    "two different languages",
                    "name the language of each side",
                ));
            }
        }
        if self.min_chunk == 0 || self.min_tail == 0 || self.min_tail > self.min_chunk {
            let found = format!("{} with min_chunk {}", self.min_tail, self.min_chunk);
            return Err(CorpusError::setting(
                "min_tail",
                found,
                "a number from 1 to min_chunk",
                "correct one of the two",
            ));
        }
        if levels.contains(&Level::Fact) && self.max_facts == 0 {
            return Err(CorpusError::setting("max_facts", "0", "at least 1", "raise it or leave the level fact out"));
        }
        let languages: BTreeSet<String> = if self.languages.is_empty() {
            let named = texts.iter().map(|t| &t.lang).chain(passages.iter().flat_map(|p| &p.langs));
            named.cloned().collect()
        } else {
            self.languages.iter().cloned().collect()
        };
        let switching = levels.contains(&Level::Entity) || levels.contains(&Level::Fact);
        for lang in texts.iter().map(|t| &t.lang) {
            if switching && !languages.iter().any(|l| l != lang) {
                return Err(CorpusError::setting(
                    "languages",
                    format!("no language beside `{lang}`"),
                    "another language to switch to",
                    "name it in `languages`, or build the level plain only",
                ));
            }
        }
        Ok(Self { levels: levels.into_iter().collect(), languages: languages.into_iter().collect(), ..self.clone() })
    }

    pub(crate) fn has(&self, level: Level) -> bool {
        self.levels.contains(&level)
    }
}
