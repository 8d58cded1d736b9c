//! Benchmark files of any task as training items and as sequences to predict.

use crate::encode::{Window, parts, windows};
use crate::leak::Fingerprint;
use crate::relation::text;
use crate::task::{Task, TaskOptions};
use crate::{EvalError, Tag};
use kbioxlm_benchmarks::{Conll, Document, read_entities};
use kbioxlm_benchmarks::{Labelled, read_classification, read_multilabel};
use kbioxlm_files::FileError;
use kbioxlm_model::Tokenizer;
use kbioxlm_train::{FinetuneConfig, Target, TrainingItem};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// The content of a benchmark file.
pub(crate) enum Dataset {
    Ner(Conll),
    Classification(Vec<Labelled<String>>),
    Multilabel(Vec<Labelled<Vec<bool>>>),
}

/// What the model reads of a [`Dataset`].
pub(crate) enum Encoded {
    /// The windows of each document.
    Windows(Vec<Vec<Window>>),
    /// The sequences that each document is read in.
    Documents(Vec<Vec<Vec<u32>>>),
}

impl Dataset {
    pub(crate) fn read(path: &Path, options: TaskOptions) -> Result<Self, FileError> {
        Ok(match options.task {
            Task::Ner => Self::Ner(read_entities(path, options.join)?),
            Task::Classification => Self::Classification(read_classification(path)?),
            Task::Multilabel => Self::Multilabel(read_multilabel(path)?),
        })
    }

    /// Number of documents.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ner(conll) => conll.documents.len(),
            Self::Classification(rows) => rows.len(),
            Self::Multilabel(rows) => rows.len(),
        }
    }

    /// The outputs that a model for this data needs: `O` and a `B-`, `I-` pair for each entity type; the classes; the
    /// numbers of the labels. Sorted.
    pub(crate) fn labels(&self) -> Vec<String> {
        match self {
            Self::Ner(conll) => {
                let tags = conll.documents.iter().flat_map(|d| &d.tokens);
                let types: BTreeSet<&str> = tags.filter_map(|t| t.tag.label()).collect();
                let pairs = types.iter().flat_map(|t| [format!("B-{t}"), format!("I-{t}")]);
                std::iter::once("O".to_owned()).chain(pairs).collect()
            }
            Self::Classification(rows) => {
                rows.iter().map(|r| r.label.clone()).collect::<BTreeSet<_>>().into_iter().collect()
            }
            Self::Multilabel(rows) => (0..rows.first().map_or(0, |r| r.label.len())).map(|i| i.to_string()).collect(),
        }
    }

    /// Checks that the model can give every gold label of this data.
    pub(crate) fn check_labels(&self, path: &Path, labels: &[String]) -> Result<(), FileError> {
        let known = |label: &str| labels.iter().any(|l| l == label);
        // Of a directory, the line alone would not say where.
        let unknown = |line: usize, what: &str, label: &str, id: &str| {
            let expected = format!("one of those that the model knows: {}", labels.join(", "));
            let help = format!("rename it in the file, or fine-tune a model on data with this {what}");
            Err(FileError::content(path, line, format!("the {what} `{label}` in document `{id}`"), expected, help))
        };
        match self {
            Self::Ner(conll) => {
                let mut tokens = conll.documents.iter().flat_map(|d| d.tokens.iter().map(move |t| (d, t)));
                match tokens.find(|(_, t)| !known(&t.tag.to_string())) {
                    Some((d, token)) => unknown(token.line, "tag", &token.tag.to_string(), &d.id),
                    None => Ok(()),
                }
            }
            Self::Classification(rows) => match rows.iter().find(|r| !known(&r.label)) {
                Some(row) => unknown(row.line, "label", &row.label, &row.id),
                None => Ok(()),
            },
            Self::Multilabel(rows) => match rows.iter().find(|r| r.label.len() != labels.len()) {
                Some(row) => Err(FileError::content(
                    path,
                    row.line,
                    format!("{} labels", row.label.len()),
                    format!("{}, as the model has", labels.len()),
                    "use data with the labels that the model was fine-tuned on",
                )),
                None => Ok(()),
            },
        }
    }

    /// Of each document the id, and which entity types, class or labels it has.
    pub(crate) fn id_labels(&self) -> Vec<(String, BTreeSet<String>)> {
        let numbers =
            |labels: &[bool]| labels.iter().enumerate().filter(|(_, has)| **has).map(|(i, _)| i.to_string()).collect();
        match self {
            Self::Ner(conll) => {
                let types = |d: &Document| d.entities.iter().map(|e| e.label.clone()).collect();
                conll.documents.iter().map(|d| (d.id.clone(), types(d))).collect()
            }
            Self::Classification(rows) => rows.iter().map(|r| (r.id.clone(), [r.label.clone()].into())).collect(),
            Self::Multilabel(rows) => rows.iter().map(|r| (r.id.clone(), numbers(&r.label))).collect(),
        }
    }

    pub(crate) fn fingerprints(&self) -> Vec<Fingerprint> {
        match self {
            Self::Ner(conll) => conll.documents.iter().map(|d| Fingerprint::new(&d.id, &d.text)).collect(),
            Self::Classification(rows) => rows.iter().map(|r| Fingerprint::new(&r.id, &r.text)).collect(),
            Self::Multilabel(rows) => rows.iter().map(|r| Fingerprint::new(&r.id, &r.text)).collect(),
        }
    }

    /// Encodes all documents into sequences of at most `max_length` sub-tokens, `<s>` and `</s>` among them.
    /// `path` is where the data are from.
    pub(crate) fn encode(
        &self,
        path: &Path,
        tokenizer: &Tokenizer,
        settings: &FinetuneConfig,
    ) -> Result<Encoded, EvalError> {
        match self {
            Self::Ner(conll) => {
                let of_document = |d: &Document| windows(d, tokenizer, settings);
                Ok(Encoded::Windows(conll.documents.par_iter().map(of_document).collect::<Result<_, _>>()?))
            }
            Self::Classification(rows) => encode_texts(rows, path, tokenizer, settings),
            Self::Multilabel(rows) => encode_texts(rows, path, tokenizer, settings),
        }
    }

    /// The items to train on; all labels must be in `labels`.
    pub(crate) fn items(&self, encoded: &Encoded, labels: &[String]) -> Vec<TrainingItem> {
        let number = |label: &str| labels.iter().position(|l| l == label).unwrap_or_default() as u32;
        let pairs = |targets: Vec<Target>, documents: &[Vec<Vec<u32>>]| {
            let item = |(windows, target): (&Vec<_>, _)| TrainingItem { windows: windows.clone(), target };
            documents.iter().zip(targets).map(item).collect()
        };
        match (self, encoded) {
            (Self::Ner(conll), Encoded::Windows(windows)) => {
                let tags =
                    |tags: Vec<Option<Tag>>| tags.into_iter().map(|t| t.map(|t| number(&t.to_string()))).collect();
                let mut items = Vec::new();
                for (document, windows) in conll.documents.iter().zip(windows) {
                    for window in windows {
                        let target = Target::Tags(tags(window.tags(document)));
                        items.push(TrainingItem { windows: vec![window.ids.clone()], target });
                    }
                }
                items
            }
            (Self::Classification(rows), Encoded::Documents(documents)) => {
                pairs(rows.iter().map(|r| Target::Class(number(&r.label))).collect(), documents)
            }
            (Self::Multilabel(rows), Encoded::Documents(documents)) => {
                pairs(rows.iter().map(|r| Target::Labels(r.label.clone())).collect(), documents)
            }
            // `encode` makes the kind that belongs to the task.
            _ => Vec::new(),
        }
    }
}

impl Encoded {
    /// Number of sequences.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Windows(windows) => windows.iter().map(Vec::len).sum(),
            Self::Documents(documents) => documents.iter().map(Vec::len).sum(),
        }
    }
}

fn encode_texts<L: Sync>(
    rows: &[Labelled<L>],
    path: &Path,
    tokenizer: &Tokenizer,
    settings: &FinetuneConfig,
) -> Result<Encoded, EvalError> {
    let of_row = |row: &Labelled<L>| parts(&text(row, path, settings.relation)?, tokenizer, settings.max_length);
    Ok(Encoded::Documents(rows.par_iter().map(of_row).collect::<Result<_, _>>()?))
}
