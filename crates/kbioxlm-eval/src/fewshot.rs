//! Fixed samples of a few documents, to be published and fine-tuned on.

use crate::EvalError;
use crate::dataset::Dataset;
use crate::outcome::char_span;
use crate::task::{DataFile, Task, TaskOptions};
use kbioxlm_benchmarks::{Conll, Document, Format, write_conll};
use kbioxlm_files::{FileError, StagedDir, hash_bytes, hash_file, read_text, write_atomic, write_json_atomic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

/// Which samples to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FewshotOptions {
    /// Documents of each sample.
    pub sizes: Vec<usize>,
    /// How many samples of each size.
    pub draws: usize,
    /// Seed of the choice.
    pub seed: u64,
}

/// What was drawn: `manifest.json` beside the samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FewshotManifest {
    /// Version of this file.
    pub format: u32,
    /// How the samples were drawn, in words.
    pub procedure: String,
    /// Task of the data.
    pub task: Task,
    /// The data drawn from.
    pub data: DataFile,
    /// Seed of the choice.
    pub seed: u64,
    /// The samples, by draw and size.
    pub samples: Vec<FewshotSample>,
}

/// A sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FewshotSample {
    /// Name of its file.
    pub file: String,
    /// Number of the draw, from 1.
    pub draw: usize,
    /// Number of documents.
    pub size: usize,
    /// BLAKE3 hash of the file.
    pub blake3: String,
    /// Documents with each entity type, class or label.
    pub labels: BTreeMap<String, usize>,
    /// Ids of the documents, in the order in which they were drawn.
    pub ids: Vec<String>,
}

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const PROCEDURE: &str = "Each draw puts the documents into an order, and a sample of k is the first k of it, so that a smaller sample \
    is part of every larger one of the same draw. The order is that of the BLAKE3 hashes of `seed<TAB>draw<TAB>id`, except that \
    documents are moved to the front so that every entity type (class, label) occurs: the labels are gone through from the rarest in the data \
    to the most frequent, and for one that no document moved so far has, the first document with it is moved.";

/// Draws samples of the documents in `data` and writes them to the directory `out`, with a [`FewshotManifest`].
///
/// A document is what the file has as one: in CoNLL what a `-DOCSTART-` line begins, in data like ADE a sentence. CoNLL stays CoNLL, JSONL lines are
/// copied as they are; other formats become JSONL with spans. The choice depends on the seed and the ids only: translations
/// with the same ids and labels give the same sample.
///
/// # Errors
/// The data cannot be read, a sample would need more documents than there are, or `out` cannot be written.
pub fn fewshot_samples(
    task: impl Into<TaskOptions>,
    data: &Path,
    options: &FewshotOptions,
    out: &Path,
) -> Result<FewshotManifest, EvalError> {
    let task = task.into();
    let dataset = Dataset::read(data, task)?;
    let mut sizes = options.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    if let Some(size) = sizes.iter().find(|&&size| size == 0 || size > dataset.len()) {
        let expected = format!("1 to {}, the documents of {}", dataset.len(), data.display());
        return Err(EvalError::setting("k", size.to_string(), expected, "ask for fewer, or draw from more data"));
    }
    let documents = dataset.id_labels();
    let content = Content::new(&dataset, data)?;
    let staged = StagedDir::new(out)?;
    let mut samples = Vec::new();
    for draw in 1..=options.draws {
        let order = order(&documents, options.seed, draw);
        for &size in &sizes {
            let chosen = order.get(..size).unwrap_or_default();
            let file = format!("k{size}-draw{draw}.{}", content.ending());
            let path = staged.path().join(&file);
            // In the order of the data: nothing about the choice leaks into the order of training.
            let mut sorted = chosen.to_vec();
            sorted.sort_unstable();
            write_atomic(&path, |w| content.write(w, &sorted))?;
            let mut labels: BTreeMap<String, usize> = BTreeMap::new();
            let chosen: Vec<_> = chosen.iter().filter_map(|&i| documents.get(i)).collect();
            chosen.iter().flat_map(|(_, l)| l).for_each(|l| *labels.entry(l.clone()).or_default() += 1);
            let ids = chosen.iter().map(|(id, _)| id.clone()).collect();
            samples.push(FewshotSample { file, draw, size, blake3: hash_file(&path)?, labels, ids });
        }
    }
    let manifest = FewshotManifest {
        format: FORMAT,
        procedure: PROCEDURE.to_owned(),
        task: task.task,
        data: DataFile::of(data)?,
        seed: options.seed,
        samples,
    };
    write_json_atomic(&staged.path().join(MANIFEST), &manifest)?;
    staged.commit()?;
    Ok(manifest)
}

/// The order of the documents (id, labels) in a draw: see [`PROCEDURE`].
fn order(documents: &[(String, BTreeSet<String>)], seed: u64, draw: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..documents.len()).collect();
    let hash = |&i: &usize| documents.get(i).map(|(id, _)| hash_bytes(format!("{seed}\t{draw}\t{id}").as_bytes()));
    // Stable: documents of one id stay in the order of the data.
    order.sort_by_cached_key(hash);
    let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
    documents.iter().flat_map(|(_, labels)| labels).for_each(|l| *frequency.entry(l).or_default() += 1);
    let mut labels: Vec<(usize, &str)> = frequency.into_iter().map(|(label, n)| (n, label)).collect();
    labels.sort_unstable();
    let has = |i: usize, label: &str| documents.get(i).is_some_and(|(_, labels)| labels.contains(label));
    let mut first: Vec<usize> = Vec::new();
    for (_, label) in labels {
        if !first.iter().any(|&i| has(i, label)) {
            first.extend(order.iter().copied().find(|&i| has(i, label)));
        }
    }
    order.retain(|i| !first.contains(i));
    first.extend(order);
    first
}

/// The documents of a file as they are written again.
enum Content<'a> {
    Conll(&'a Conll),
    /// One a document.
    Lines(Vec<String>),
}

impl<'a> Content<'a> {
    fn new(dataset: &'a Dataset, data: &Path) -> Result<Self, FileError> {
        let lines = |numbers: Vec<usize>| -> Result<Self, FileError> {
            let text = read_text(data)?;
            let lines: Vec<&str> = text.lines().collect();
            let line =
                |n: usize| lines.get(n.saturating_sub(1)).map(|line| line.trim_start_matches('\u{feff}').to_owned());
            Ok(Self::Lines(numbers.into_iter().filter_map(line).collect()))
        };
        match dataset {
            Dataset::Ner(conll) if Format::of(data)? == Format::Conll => Ok(Self::Conll(conll)),
            Dataset::Ner(conll) => Ok(Self::Lines(conll.documents.iter().map(spans_line).collect())),
            Dataset::Classification(rows) => lines(rows.iter().map(|r| r.line).collect()),
            Dataset::Multilabel(rows) => lines(rows.iter().map(|r| r.line).collect()),
        }
    }

    fn ending(&self) -> &'static str {
        match self {
            Self::Conll(_) => "conll",
            Self::Lines(_) => "jsonl",
        }
    }

    fn write(&self, out: &mut dyn Write, chosen: &[usize]) -> io::Result<()> {
        match self {
            Self::Conll(conll) => write_conll(out, chosen.iter().filter_map(|&i| conll.documents.get(i))),
            Self::Lines(lines) => chosen.iter().filter_map(|&i| lines.get(i)).try_for_each(|l| writeln!(out, "{l}")),
        }
    }
}

/// A document as a line of JSONL with spans.
fn spans_line(document: &Document) -> String {
    let entities: Vec<_> = document.entities.iter().map(|e| char_span(document, e)).collect();
    json!({ "id": document.id, "text": document.text, "entities": entities }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(n: usize) -> Vec<(String, BTreeSet<String>)> {
        let labels = |i: usize| match i {
            _ if i % 40 == 7 => ["rare", "common"].map(str::to_owned).into(),
            _ if i % 25 == 3 => ["seldom".to_owned()].into(),
            _ if i.is_multiple_of(2) => ["common".to_owned()].into(),
            _ => BTreeSet::new(),
        };
        (0..n).map(|i| (format!("d{i}"), labels(i))).collect()
    }

    #[test]
    fn each_label_comes_first_and_the_rest_is_by_chance() {
        let documents = documents(200);
        let has = |i: &usize, label: &str| documents[*i].1.contains(label);
        for draw in 1..20 {
            let found = order(&documents, 1, draw);
            let mut all = found.clone();
            all.sort_unstable();
            assert_eq!(all, (0..200).collect::<Vec<_>>(), "every document once");
            for label in ["rare", "seldom", "common"] {
                assert!(found.iter().take(2).any(|i| has(i, label)), "{label}: {:?}", &found[..2]);
            }
            assert!(found.iter().take(60).filter(|i| has(i, "common")).count() < 50, "not by label further on");
        }
        assert_ne!(order(&documents, 1, 1), order(&documents, 1, 2));
        assert_ne!(order(&documents, 1, 1), order(&documents, 2, 1));
    }

    #[test]
    fn the_choice_is_that_of_the_ids() {
        let forth = documents(50);
        let back: Vec<_> = forth.iter().rev().cloned().collect();
        let ids = |documents: &[(String, BTreeSet<String>)]| -> Vec<String> {
            order(documents, 3, 1).into_iter().map(|i| documents[i].0.clone()).collect()
        };
        assert_eq!(ids(&forth), ids(&back), "not that of their places in the file");
    }
}
