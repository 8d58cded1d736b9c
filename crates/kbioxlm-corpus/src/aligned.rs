//! Passages from documents on the same subject in two languages.

use crate::chunks::trimmed;
use crate::documents::{Place, is_empty, sample_key};
use crate::passages::{Pair, Pairs};
use crate::{AnchorConfig, CorpusError, Result, Texts};
use kbioxlm_documents::Document;
use kbioxlm_knowledge::Matcher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Passages of a version at most: where versions of an article begin they are most alike, and a long one should not outweigh many.
const PASSAGES: usize = 8;

/// Languages that are told apart, one a bit.
const LANGUAGES: usize = 64;

/// The articles of which there are versions in several languages.
pub(crate) struct Articles<'a> {
    languages: Vec<&'a str>,
    /// By article and language.
    versions: BTreeMap<(u128, usize), Version>,
    /// By pair of languages: the articles, in the order of their keys.
    pairs: BTreeMap<(usize, usize), Vec<u128>>,
}

/// A document, cut into passages.
struct Version {
    subject: String,
    passages: Vec<(Arc<str>, Place)>,
}

impl<'a> Articles<'a> {
    /// Reads the texts twice: to find the articles that have versions in two languages, and to take these.
    ///
    /// Where a source has several documents on one subject in one language, the first is the version.
    ///
    /// # Errors
    /// Bad input, with file and line; no article in two languages.
    pub fn read(texts: &[Texts], config: &AnchorConfig, matchers: &'a BTreeMap<String, Matcher>) -> Result<Self> {
        let languages: Vec<&str> = matchers.keys().map(String::as_str).take(LANGUAGES).collect();
        let key = |document: &Document| {
            let lang = languages.binary_search(&document.lang.as_str()).ok()?;
            let subject = document.subject.as_deref().filter(|_| !is_empty(document))?;
            Some((sample_key(config.seed, &["article", subject]), lang))
        };
        let mut found: HashMap<u128, u64> = HashMap::new();
        for text in texts {
            for document in text.source.documents()? {
                if let Some((article, lang)) = key(&document?) {
                    *found.entry(article).or_default() |= 1 << lang;
                }
            }
        }
        let mut pairs = BTreeMap::new();
        for first in 0..languages.len() {
            for second in first + 1..languages.len() {
                let both = (1 << first) | (1 << second);
                let mut common: Vec<u128> =
                    found.iter().filter(|&(_, langs)| langs & both == both).map(|(&article, _)| article).collect();
                common.sort_unstable();
                common.truncate(config.aligned_articles);
                if !common.is_empty() {
                    pairs.insert((first, second), common);
                }
            }
        }
        if pairs.is_empty() {
            let found = "no two documents in two languages with the same subject";
            let help = "name texts whose documents have subjects (cirrus, JSONL with \"subject\"), or set it to 0";
            return Err(CorpusError::setting("aligned_articles", found, "texts on the same subjects", help));
        }
        let wanted: BTreeSet<(u128, usize)> = pairs
            .iter()
            .flat_map(|(&(a, b), articles)| articles.iter().flat_map(move |&article| [(article, a), (article, b)]))
            .collect();
        let mut versions = BTreeMap::new();
        for text in texts {
            for document in text.source.documents()? {
                let document = document?;
                if let Some(key) = key(&document).filter(|key| wanted.contains(key)) {
                    versions.entry(key).or_insert_with(|| Version::new(document, config));
                }
            }
        }
        Ok(Self { languages, versions, pairs })
    }

    /// For each pair of languages the passages of the articles that have versions in both: the first of one version with the
    /// first of the other, and so on.
    pub fn pairs(&self) -> impl Iterator<Item = ([&'a str; 2], Pairs)> {
        self.pairs.iter().map(|(&(first, second), articles)| {
            let mut pairs = Vec::new();
            for (topic, &article) in articles.iter().enumerate() {
                let version = |lang| self.versions.get(&(article, lang));
                let (Some(a), Some(b)) = (version(first), version(second)) else { continue };
                for (number, ((a_text, a_place), (b_text, b_place))) in a.passages.iter().zip(&b.passages).enumerate() {
                    pairs.push(Pair {
                        id: format!("{}#{number}", a.subject),
                        texts: [a_text.clone(), b_text.clone()],
                        places: [a_place.clone(), b_place.clone()],
                        topic,
                        gaps: 0,
                    });
                }
            }
            let read = pairs.len() as u64;
            ([self.languages[first], self.languages[second]], Pairs { pairs, read, empty: 0 })
        })
    }
}

impl Version {
    fn new(document: Document, config: &AnchorConfig) -> Self {
        let ranges = passages(&document.text, &document.paragraphs, config.min_chunk, config.min_tail);
        let texts: Vec<(Range<usize>, Arc<str>)> = ranges
            .into_iter()
            .take(PASSAGES)
            .filter_map(|range| Some((range.clone(), document.text.get(range)?.into())))
            .collect();
        let subject = document.subject.clone().unwrap_or_default();
        let whole = Place::new(document);
        let passages = texts.into_iter().map(|(range, text)| (text, whole.at(range.start))).collect();
        Self { subject, passages }
    }
}

/// Paragraphs, joined until they have `min_chunk` characters; a rest of less than `min_tail` joins the passage before it, or is
/// none if there is no other.
fn passages(text: &str, paragraphs: &[Range<usize>], min_chunk: usize, min_tail: usize) -> Vec<Range<usize>> {
    let long =
        |range: &Range<usize>, least: usize| text.get(range.clone()).unwrap_or_default().chars().count() >= least;
    let mut passages: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for paragraph in paragraphs {
        let passage = open.take().map_or(paragraph.start, |open| open.start)..paragraph.end;
        if long(&passage, min_chunk) {
            passages.push(passage);
        } else {
            open = Some(passage);
        }
    }
    if let Some(rest) = open {
        match passages.last_mut() {
            Some(last) if !long(&rest, min_tail) => last.end = rest.end,
            None if !long(&rest, min_tail) => {}
            _ => passages.push(rest),
        }
    }
    passages.into_iter().map(|passage| trimmed(text, passage)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_to_a_length() {
        let text = "one\n\ntwo\n\nthree is long\n\nfour\n\nfive";
        let mut at = 0;
        let paragraphs: Vec<Range<usize>> = text
            .split("\n\n")
            .map(|p| {
                let range = at..at + p.len();
                at = range.end + 2;
                range
            })
            .collect();
        let cut = |min_chunk, min_tail| -> Vec<&str> {
            passages(text, &paragraphs, min_chunk, min_tail).into_iter().map(|r| &text[r]).collect()
        };
        assert_eq!(cut(1, 1), ["one", "two", "three is long", "four", "five"]);
        assert_eq!(cut(8, 5), ["one\n\ntwo", "three is long", "four\n\nfive"]);
        assert_eq!(cut(10, 10), ["one\n\ntwo\n\nthree is long", "four\n\nfive"]);
        assert_eq!(cut(12, 11), ["one\n\ntwo\n\nthree is long\n\nfour\n\nfive"]);
        assert!(cut(60, 50).is_empty());
    }
}
