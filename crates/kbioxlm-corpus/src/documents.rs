//! Monolingual documents: which of them are used, and where their texts come from.

use crate::filter::Filtered;
use crate::{AnchorConfig, Result, Source, Texts};
use kbioxlm_documents::{Document, OffsetMap};
use kbioxlm_files::rng_for;
use rand::Rng;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

impl Filtered for Document {
    fn id(&self) -> &str {
        &self.id
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.text]
    }
}

/// Where a document or passage stands in the order of a sample: depends on the seed and its name only.
pub(crate) fn sample_key(seed: u64, scope: &[&str]) -> u128 {
    let mut rng = rng_for(seed, scope);
    (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
}

pub(crate) fn key(config: &AnchorConfig, document: &Document) -> u128 {
    sample_key(config.seed, &["sample", &document.lang, &document.id])
}

pub(crate) fn is_empty(document: &Document) -> bool {
    document.text.trim().is_empty()
}

/// Which documents are used, where only some are.
#[derive(Default)]
pub(crate) struct Sample {
    /// By source and by language: the first key that is not in the sample.
    sources: BTreeMap<usize, u128>,
    languages: BTreeMap<String, u128>,
    /// Number of documents in the sample.
    pub size: u64,
}

impl Sample {
    /// Draws the sample in a reading of its own, so that the texts need not be held. `None`: no limit is set.
    ///
    /// # Errors
    /// Bad input, with file and line.
    pub fn draw(texts: &[Texts], config: &AnchorConfig) -> Result<Option<Self>> {
        if config.max_documents.is_none() && texts.iter().all(|t| t.max_documents.is_none()) {
            return Ok(None);
        }
        let mut sample = Self::default();
        let mut languages: BTreeMap<String, Vec<u128>> = BTreeMap::new();
        for (source, text) in texts.iter().enumerate() {
            let mut keys: Vec<(u128, String)> = Vec::new();
            for document in text.source.documents()? {
                let document = document?;
                if !is_empty(&document) {
                    keys.push((key(config, &document), document.lang));
                }
            }
            if let Some(limit) = text.max_documents.filter(|&limit| limit < keys.len()) {
                keys.sort_unstable();
                sample.sources.extend(keys.get(limit).map(|(key, _)| (source, *key)));
                keys.truncate(limit);
            }
            for (key, lang) in keys {
                languages.entry(lang).or_default().push(key);
            }
        }
        for (lang, mut keys) in languages {
            let limit = config.max_documents.unwrap_or(usize::MAX).min(keys.len());
            sample.size += limit as u64;
            if limit < keys.len() {
                let (_, first_out, _) = keys.select_nth_unstable(limit);
                sample.languages.insert(lang, *first_out);
            }
        }
        Ok(Some(sample))
    }

    /// Whether the document of this key, from the source of this number, is used.
    pub fn has(&self, source: usize, lang: &str, key: u128) -> bool {
        let below = |bound: Option<&u128>| bound.is_none_or(|&bound| key < bound);
        below(self.sources.get(&source)) && below(self.languages.get(lang))
    }
}

/// The stretch of a document's source that a stretch of its text was.
pub(crate) fn source_of(document: &Document, bytes: Range<usize>) -> Range<usize> {
    document.origin.original(bytes)
}

/// [`source_of`], with the document's name.
pub(crate) fn source(document: &Document, bytes: Range<usize>) -> Source {
    Source { document: document.id.clone(), bytes: source_of(document, bytes) }
}

/// Where a text that was taken out of a document begins in it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    document: Arc<str>,
    start: usize,
    origin: Arc<OffsetMap>,
}

impl Place {
    /// The whole of a document that was not normalised.
    pub fn whole(document: &str) -> Self {
        Self { document: document.into(), start: 0, origin: Arc::default() }
    }

    /// The whole of a document.
    pub fn new(document: Document) -> Self {
        Self { document: document.id.into(), start: 0, origin: Arc::new(document.origin) }
    }

    /// What begins `bytes` behind it.
    pub fn at(&self, bytes: usize) -> Self {
        Self { start: self.start + bytes, ..self.clone() }
    }

    /// As [`source_of`], for a stretch of the text.
    pub fn source_of(&self, bytes: Range<usize>) -> Range<usize> {
        self.origin.original(bytes.start + self.start..bytes.end + self.start)
    }

    /// As [`source`], for a stretch of the text.
    pub fn source(&self, bytes: Range<usize>) -> Source {
        Source { document: self.document.to_string(), bytes: self.source_of(bytes) }
    }
}
