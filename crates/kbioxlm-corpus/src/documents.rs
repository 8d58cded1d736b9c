//! Monolingual documents: read twice, so that a sample can be drawn without holding the texts.

use crate::filter::Filtered;
use crate::{AnchorConfig, Result, TextSource};
use kbioxlm_files::{FileError, read_jsonl, rng_for};
use rand::Rng;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A text of one language.
pub(crate) struct Document {
    pub id: String,
    pub lang: String,
    pub text: String,
}

impl Filtered for Document {
    fn id(&self) -> &str {
        &self.id
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.text]
    }
}

#[derive(Deserialize)]
struct Row {
    id: String,
    text: String,
}

/// What a first reading found out about the documents of one language.
#[derive(Default)]
pub(crate) struct Survey {
    pub read: u64,
    pub empty: u64,
    pub selected: u64,
    /// Documents with a greater key are not in the sample.
    last_key: Option<u128>,
}

/// Where a document or passage stands in the order of a sample: depends on the seed and its name only.
pub(crate) fn sample_key(seed: u64, scope: &[&str]) -> u128 {
    let mut rng = rng_for(seed, scope);
    (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
}

fn key(config: &AnchorConfig, lang: &str, id: &str) -> u128 {
    sample_key(config.seed, &["sample", lang, id])
}

fn rows(path: &Path) -> Result<impl Iterator<Item = Result<(usize, Row), FileError>> + use<>> {
    Ok(read_jsonl(path, r#"an object with the strings "id" and "text""#)?)
}

/// Reads all documents once: counts them, refuses a second one of the same id, draws the sample.
///
/// # Errors
/// Bad input, with file and line. An id is refused a second time within a language, since random choices and
/// the names of the examples depend on it.
pub(crate) fn survey(texts: &[TextSource], config: &AnchorConfig) -> Result<BTreeMap<String, Survey>> {
    let mut surveys: BTreeMap<String, Survey> = BTreeMap::new();
    // The keys stand for the ids: 16 bytes a document instead of a string.
    let mut seen: HashMap<u128, (usize, usize)> = HashMap::new();
    let mut keys: BTreeMap<&str, Vec<u128>> = BTreeMap::new();
    for (source, text) in texts.iter().enumerate() {
        let survey = surveys.entry(text.lang.clone()).or_default();
        for row in rows(&text.path)? {
            let (line, row) = row?;
            if row.id.is_empty() {
                let help = "give each document an id of its own";
                return Err(FileError::content(&text.path, line, r#"an empty "id""#, "a name", help).into());
            }
            let key = key(config, &text.lang, &row.id);
            if let Some((source, line_before)) = seen.insert(key, (source, line)) {
                let before = texts.get(source).map(|t| t.path.display().to_string()).unwrap_or_default();
                return Err(FileError::content(
                    &text.path,
                    line,
                    format!("the id `{}` a second time (first in {before}:{line_before})", row.id),
                    "an id of its own for each document of a language",
                    "remove or rename one of the two",
                )
                .into());
            }
            survey.read += 1;
            if row.text.trim().is_empty() {
                survey.empty += 1;
            } else {
                survey.selected += 1;
                if config.max_documents.is_some() {
                    keys.entry(&text.lang).or_default().push(key);
                }
            }
        }
    }
    for (lang, mut keys) in keys {
        let limit = config.max_documents.unwrap_or(usize::MAX);
        if let Some(survey) = surveys.get_mut(lang).filter(|_| keys.len() > limit) {
            survey.selected = limit as u64;
            keys.sort_unstable();
            // With a limit of zero no key is small enough.
            survey.last_key = Some(limit.checked_sub(1).and_then(|last| keys.get(last).copied()).unwrap_or(0));
        }
    }
    Ok(surveys)
}

/// The documents of one file that are not empty and in the sample, in the file's order.
pub(crate) fn selected<'a>(
    source: &'a TextSource,
    survey: Option<&'a Survey>,
    config: &'a AnchorConfig,
) -> Result<impl Iterator<Item = Result<Document>> + use<'a>> {
    let last_key = survey.and_then(|s| s.last_key);
    let in_sample = move |row: &Row| {
        !row.text.trim().is_empty() && last_key.is_none_or(|last| key(config, &source.lang, &row.id) <= last)
    };
    Ok(rows(&source.path)?.filter_map(move |row| match row {
        Ok((_, row)) => in_sample(&row).then(|| Ok(Document { id: row.id, lang: source.lang.clone(), text: row.text })),
        Err(e) => Some(Err(e.into())),
    }))
}
