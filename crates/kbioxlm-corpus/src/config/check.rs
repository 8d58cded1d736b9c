use super::{AnchorConfig, Balance, Languages, Names, PassageSource, Texts};
use crate::{CorpusError, Level, PassageLabel, Result};
use kbioxlm_knowledge::KnowledgeBase;
use std::collections::BTreeSet;

impl AnchorConfig {
    /// The configuration with nothing left to guess: levels in order, languages named.
    ///
    /// # Errors
    /// [`CorpusError::Setting`] names the key that cannot be followed.
    pub(crate) fn resolved(&self, kb: &KnowledgeBase, texts: &[Texts], passages: &[PassageSource]) -> Result<Self> {
        let levels = self.levels(texts, passages)?;
        self.check_numbers()?;
        self.check_passages(&levels, passages)?;
        self.check_names(kb)?;
        if levels.contains(&Level::Fact) && self.max_facts == 0 {
            return Err(CorpusError::setting("max_facts", "0", "at least 1", "raise it or leave the level fact out"));
        }
        let languages = self.languages(kb, texts, passages)?;
        let switching = levels.contains(&Level::Entity) || levels.contains(&Level::Fact);
        for lang in texts.iter().filter_map(|t| t.source.lang.as_deref()) {
            if switching && !languages.iter().any(|(l, _)| l != lang) {
                return Err(CorpusError::setting(
                    "languages",
                    format!("no language beside `{lang}`"),
                    "another language to switch to",
                    "name it in `languages`, or build the level plain only",
                ));
            }
        }
        Ok(Self { levels, languages, ..self.clone() })
    }

    /// Checks the settings of code-switching texts in `lang` that are no corpus.
    pub(crate) fn check_switching(&self, kb: &KnowledgeBase, lang: &str) -> Result<()> {
        self.check_numbers()?;
        self.check_names(kb)?;
        self.languages(kb, &[], &[])?;
        if self.languages.iter().all(|(l, _)| l == lang) {
            let found = format!("no language beside `{lang}`");
            let help = "name it in `languages`";
            return Err(CorpusError::setting("languages", found, "another language to switch to", help));
        }
        Ok(())
    }

    fn levels(&self, texts: &[Texts], passages: &[PassageSource]) -> Result<Vec<Level>> {
        let levels: BTreeSet<Level> = self.levels.iter().copied().collect();
        let refused =
            |found: String, expected: &str, help: &str| Err(CorpusError::setting("levels", found, expected, help));
        if levels.is_empty() {
            return refused("none".into(), "at least one of plain, entity, fact, passage", "name the levels to build");
        }
        let of_documents = levels.iter().find(|&&l| l != Level::Passage);
        if let (Some(level), true) = (of_documents, texts.is_empty()) {
            return refused(format!("{level} without texts"), "texts", "name a text file for each language");
        }
        let from_texts = self.aligned_articles > 0 && !texts.is_empty();
        if levels.contains(&Level::Passage) && passages.is_empty() && !from_texts {
            let help = "name a file of aligned passages, make them from the texts (`aligned_articles`) or leave this level out";
            return refused("passage without passages".into(), "aligned passages", help);
        }
        Ok(levels.into_iter().collect())
    }

    fn check_numbers(&self) -> Result<()> {
        if self.min_chunk == 0 || self.min_tail == 0 || self.min_tail > self.min_chunk {
            let found = format!("{} with min_chunk {}", self.min_tail, self.min_chunk);
            return Err(CorpusError::setting(
                "min_tail",
                found,
                "a number from 1 to min_chunk",
                "correct one of the two",
            ));
        }
        for (key, share) in [
            ("switch_share", self.switch_share),
            ("hard_random_share", self.hard_random_share),
            ("held_out_share", self.held_out_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(CorpusError::setting(key, share.to_string(), "a share from 0 to 1", "correct it"));
            }
        }
        Ok(())
    }

    fn check_passages(&self, levels: &[Level], passages: &[PassageSource]) -> Result<()> {
        for source in passages {
            if source.langs[0] == source.langs[1] {
                let found = format!("the language pair {}-{}", source.langs[0], source.langs[1]);
                let help = "name the language of each side";
                return Err(CorpusError::setting("passages", found, "two different languages", help));
            }
        }
        if levels.contains(&Level::Passage) && PassageLabel::ALL.iter().all(|&l| self.passage_balance.of(l) == 0) {
            let help = "raise one or leave the level passage out";
            return Err(CorpusError::setting("passage_balance", "0 for each class", "a weight above 0", help));
        }
        if self.keep_without_mentions.contains(&Level::Fact) {
            let help = "take it out, or build the level plain, which has texts without facts";
            return Err(CorpusError::setting("keep_without_mentions", "fact", "plain, entity or passage", help));
        }
        Ok(())
    }

    /// What a name should select has to be there: a misspelt one would pass over without a word.
    fn check_names(&self, kb: &KnowledgeBase) -> Result<()> {
        let known = |key: &'static str, selection: &Names, names: &[String], what: &str| {
            let missing = selection.beginnings().find(|b| !names.iter().any(|name| name.starts_with(b)));
            missing.map_or(Ok(()), |missing| {
                let help = "correct it; `knowledge stats` lists them";
                Err(CorpusError::setting(key, format!("`{missing}`"), format!("the beginning of {what}"), help))
            })
        };
        let types = kb.all_semantic_types();
        known("mark_types", &self.mark_types, types, "a semantic type of the knowledge base")?;
        known("use_types", &self.use_types, types, "a semantic type of the knowledge base")?;
        let relations: Vec<String> = kb.relations().map(str::to_owned).collect();
        known("relations", &self.relations, &relations, "the id of a relation of the knowledge base")
    }

    fn languages(&self, kb: &KnowledgeBase, texts: &[Texts], passages: &[PassageSource]) -> Result<Languages> {
        let known = kb.languages();
        for (lang, weight) in self.languages.iter() {
            if !known.contains(&lang) {
                let (found, expected) =
                    (format!("`{lang}`"), format!("a language of the knowledge base ({})", known.join(", ")));
                return Err(CorpusError::setting("languages", found, expected, "correct it or leave it out"));
            }
            if !(weight.is_finite() && weight > 0.0) {
                let found = format!("{lang} = {weight}");
                return Err(CorpusError::setting(
                    "languages",
                    found,
                    "a weight above 0",
                    "raise it or leave the language out",
                ));
            }
        }
        if !self.languages.is_empty() {
            return Ok(self.languages.clone());
        }
        if texts.iter().any(|t| t.source.lang.is_none()) {
            return Ok(known.into_iter().collect());
        }
        let named = texts.iter().filter_map(|t| t.source.lang.as_ref()).chain(passages.iter().flat_map(|p| &p.langs));
        Ok(named.cloned().collect())
    }
}

impl Balance {
    pub(crate) fn of(&self, label: PassageLabel) -> u32 {
        match label {
            PassageLabel::Link => self.link,
            PassageLabel::Context => self.context,
            PassageLabel::Random => self.random,
        }
    }
}
