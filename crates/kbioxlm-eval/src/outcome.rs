//! What a model answers of each document, and the counts from which its scores follow.

use crate::dataset::Dataset;
use crate::decode::entities;
use crate::metrics::{Counts, CountsByLabel, count_class, count_entities, count_labels, mean, total};
use crate::score::Answers;
use kbioxlm_benchmarks::{Document, Labelled, Mention, Orphan, TokenSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A document with its gold labels and those predicted: a line of `predictions.jsonl`, which itself is a benchmark file with one key more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Id of the document.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Gold and predicted labels.
    #[serde(flatten)]
    pub answer: Answer,
}

/// The labels of a document, gold and predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Named entities.
    Entities {
        /// Gold entities, in the order of the text.
        entities: Vec<CharSpan>,
        /// Predicted ones.
        predicted: Vec<CharSpan>,
    },
    /// One class.
    Class {
        /// Gold class.
        label: String,
        /// Predicted one.
        predicted: String,
        /// Entities that the file marks in the text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entities: Vec<CharSpan>,
    },
    /// Several labels: 1 where the document has the label, else 0.
    Labels {
        /// Gold labels.
        label: Vec<u8>,
        /// Predicted ones.
        predicted: Vec<u8>,
        /// Entities that the file marks in the text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entities: Vec<CharSpan>,
    },
}

/// An entity as its type and its place in the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CharSpan {
    /// First character (Unicode scalar value), counted from 0.
    pub start: usize,
    /// Character after the last one.
    pub end: usize,
    /// Entity type.
    pub label: String,
}

/// The counts of a document, which is all that scores need of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentCounts {
    /// Id of the document.
    pub id: String,
    /// Counts by entity type, class or label number; without those that occur neither in gold nor in prediction.
    pub counts: BTreeMap<String, Counts>,
}

/// The score by which models of a task are compared, as a function of summed counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MainScore {
    /// F1 of all counts together. Where each document has one right answer and gets one, this is accuracy.
    #[default]
    MicroF1,
    /// Mean of the F1 of the labels that occur.
    MacroF1,
    /// F1 of one label: the positive class.
    F1Of(String),
}

impl MainScore {
    /// The score of these counts.
    pub fn of<'a>(&self, counts: impl Iterator<Item = (&'a str, Counts)>) -> f64 {
        let occurs = |c: &Counts| c.predicted + c.gold > 0;
        match self {
            Self::MicroF1 => total(counts.map(|(_, c)| c)).scores().f1,
            Self::MacroF1 => {
                let f1: Vec<f64> = counts.filter(|(_, c)| occurs(c)).map(|(_, c)| c.scores().f1).collect();
                mean(f1.into_iter())
            }
            Self::F1Of(label) => counts.filter(|(l, _)| l == label).map(|(_, c)| c.scores().f1).sum(),
        }
    }
}

impl Prediction {
    /// The counts of this document.
    pub fn counts(&self) -> DocumentCounts {
        let flags = |labels: &[u8]| labels.iter().map(|&l| l == 1).collect::<Vec<_>>();
        let counts: CountsByLabel = match &self.answer {
            Answer::Entities { entities, predicted } => count_entities(entities, predicted, |s| &s.label),
            Answer::Class { label, predicted, .. } => count_class(label, predicted),
            Answer::Labels { label, predicted, .. } => count_labels(&flags(label), &flags(predicted)),
        };
        DocumentCounts { id: self.id.clone(), counts }
    }
}

/// Lays answers beside gold labels.
pub(crate) fn predictions(dataset: &Dataset, answers: &Answers) -> Vec<Prediction> {
    let prediction = |id: &str, text: &str, answer| Prediction { id: id.to_owned(), text: text.to_owned(), answer };
    let numbers = |labels: &[bool]| labels.iter().map(|&l| u8::from(l)).collect();
    match (dataset, answers) {
        (Dataset::Ner(conll), Answers::Tags(tags)) => {
            let of_document = |(d, tags): (&Document, &Vec<_>)| {
                let spans = |spans: &[TokenSpan]| spans.iter().map(|span| char_span(d, span)).collect();
                let predicted = spans(&entities(d, tags, Orphan::Opens));
                prediction(&d.id, &d.text, Answer::Entities { entities: spans(&d.entities), predicted })
            };
            conll.documents.iter().zip(tags).map(of_document).collect()
        }
        (Dataset::Classification(rows), Answers::Classes(classes)) => rows
            .iter()
            .zip(classes)
            .map(|(r, class)| {
                let (label, predicted) = (r.label.clone(), class.clone());
                prediction(&r.id, &r.text, Answer::Class { label, predicted, entities: marked(r) })
            })
            .collect(),
        (Dataset::Multilabel(rows), Answers::Labels(answers)) => rows
            .iter()
            .zip(answers)
            .map(|(r, answer)| {
                let (label, predicted) = (numbers(&r.label), numbers(answer));
                prediction(&r.id, &r.text, Answer::Labels { label, predicted, entities: marked(r) })
            })
            .collect(),
        _ => unreachable!("a data set is answered in the way of its task"),
    }
}

/// The entities that a file marks in a text, with their places in characters.
fn marked<L>(row: &Labelled<L>) -> Vec<CharSpan> {
    let chars = |end: usize| row.text[..end].chars().count();
    let span = |Mention { bytes, label }: &Mention| CharSpan {
        start: chars(bytes.start),
        end: chars(bytes.end),
        label: label.clone(),
    };
    row.entities.iter().map(span).collect()
}

/// A gold or predicted entity with its place in characters.
pub(crate) fn char_span(document: &Document, span: &TokenSpan) -> CharSpan {
    let chars = document.chars(&(span.start..span.end));
    CharSpan { start: chars.start, end: chars.end, label: span.label.clone() }
}
