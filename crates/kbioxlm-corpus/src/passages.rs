//! Aligned passages: pairs of texts on the same subject, one a language.

use crate::documents::{Place, sample_key};
use crate::filter::Filtered;
use crate::{PassageSource, Result};
use kbioxlm_files::{FileError, read_jsonl};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Two passages of one article.
pub(crate) struct Pair {
    pub id: String,
    /// In the order of the source's languages.
    pub texts: [Arc<str>; 2],
    /// Where they come from.
    pub places: [Place; 2],
    /// Number of the article, counted in the order in which the file names them.
    pub topic: usize,
    /// Pairs of the article that were left out before this one: what lies around a gap is not consecutive.
    pub gaps: usize,
}

impl Filtered for Pair {
    fn id(&self) -> &str {
        &self.id
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|text| &**text).collect()
    }
}

/// The pairs of one file.
pub(crate) struct Pairs {
    pub pairs: Vec<Pair>,
    pub read: u64,
    pub empty: u64,
}

/// Reads a whole file of pairs: consecutive and unrelated passages can only be told with all of them at hand.
///
/// # Errors
/// Bad input or a second pair of the same id, with file and line.
pub(crate) fn read(source: &PassageSource, seed: u64, limit: Option<usize>) -> Result<Pairs> {
    let mut found = Pairs { pairs: Vec::new(), read: 0, empty: 0 };
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut topics: HashMap<String, usize> = HashMap::new();
    for row in read_jsonl::<Map<String, Value>>(&source.path, "an object with two passages")? {
        let (line, row) = row?;
        let text_of = |key: &str| match row.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(FileError::content(
                &source.path,
                line,
                other.map_or_else(|| format!(r#"no "{key}""#), |value| format!(r#"{value} as "{key}""#)),
                format!(r#"the strings "id", "{}" and "{}""#, source.langs[0], source.langs[1]),
                "correct the line, or the languages that you named for the file",
            )),
        };
        let id = text_of("id")?;
        let texts = [text_of(&source.langs[0])?, text_of(&source.langs[1])?];
        if let Some(before) = lines.insert(id.clone(), line) {
            return Err(FileError::content(
                &source.path,
                line,
                format!("the id `{id}` a second time (first in line {before})"),
                "an id of its own for each pair",
                "remove or rename one of the two",
            )
            .into());
        }
        found.read += 1;
        if texts.iter().any(|text| text.trim().is_empty()) {
            found.empty += 1;
            continue;
        }
        // A row without a topic is an article of its own; the mark keeps its id apart from named topics.
        let name = if row.contains_key("topic") { text_of("topic")? } else { format!("\u{0}{id}") };
        let next = topics.len();
        let topic = *topics.entry(name).or_insert(next);
        let places = [Place::whole(&id), Place::whole(&id)];
        found.pairs.push(Pair { id, texts: texts.map(Arc::from), places, topic, gaps: 0 });
    }
    if let Some(limit) = limit.filter(|&limit| found.pairs.len() > limit) {
        sample(&mut found.pairs, &source.langs, seed, limit);
    }
    Ok(found)
}

/// The pairs that `kept` says; the others leave a gap in their article.
pub(crate) fn only(pairs: Vec<Pair>, kept: &[bool]) -> Vec<Pair> {
    let mut gaps: HashMap<usize, usize> = HashMap::new();
    let mut only = Vec::with_capacity(pairs.len());
    for (pair, kept) in pairs.into_iter().zip(kept) {
        let gaps = gaps.entry(pair.topic).or_default();
        if *kept {
            only.push(Pair { gaps: pair.gaps + *gaps, ..pair });
        } else {
            *gaps += 1;
        }
    }
    only
}

/// Keeps whole articles while they fit, since consecutive passages must stay together.
fn sample(pairs: &mut Vec<Pair>, langs: &[String; 2], seed: u64, limit: usize) {
    let mut articles: BTreeMap<usize, (u128, usize)> = BTreeMap::new();
    for pair in pairs.iter() {
        let key = || sample_key(seed, &["sample", &langs[0], &langs[1], &pair.id]);
        articles.entry(pair.topic).or_insert_with(|| (key(), 0)).1 += 1;
    }
    let mut order: Vec<(u128, usize, usize)> = articles.into_iter().map(|(topic, (key, n))| (key, topic, n)).collect();
    order.sort_unstable();
    let mut left = limit;
    let mut kept: Vec<usize> = Vec::new();
    for (_, topic, size) in order {
        if size <= left {
            left -= size;
            kept.push(topic);
        }
    }
    kept.sort_unstable();
    pairs.retain(|pair| kept.binary_search(&pair.topic).is_ok());
}
