//! From the model's outputs to scores.

use crate::Tag;
use crate::dataset::{Dataset, Encoded};
use crate::decode::{decode, entities, oracle};
use crate::encode::Window;
use crate::metrics::{ClassScores, EntityScores, LabelScores, class_scores, entity_scores, label_scores};
use crate::task::is_binary;
use kbioxlm_benchmarks::{Conll, Document, Labelled, Orphan, Simplified, TokenSpan};
use kbioxlm_train::Chain;
use serde::{Deserialize, Serialize};

/// All scores of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase")]
pub enum Scored {
    /// Named entities.
    Ner {
        /// Strict scores; an `I-` tag without a `B-` opens an entity, in gold and prediction (as conlleval).
        #[serde(flatten)]
        entities: EntityScores,
        /// Micro F1 when such tags count as no entity (seqeval's `mode="strict", scheme=IOB2`), to compare with other work.
        f1_iob2: f64,
        /// Gold entities that would be found if the model answered every sub-token rightly: the limit that the
        /// tokenizer and the windows set to recall.
        oracle_recall: f64,
        /// Gold `I-` tags without a `B-`.
        orphans: usize,
        /// Gold entities that tags cannot express: what became of them.
        #[serde(default)]
        simplified: Simplified,
        /// Parts that the documents were read in.
        windows: usize,
    },
    /// One class a document.
    Classification {
        /// Scores.
        #[serde(flatten)]
        classes: ClassScores,
        /// Parts that the documents were read in.
        #[serde(default)]
        windows: usize,
    },
    /// Any number of labels a document.
    Multilabel {
        /// Scores.
        #[serde(flatten)]
        labels: LabelScores,
        /// Parts that the documents were read in.
        #[serde(default)]
        windows: usize,
    },
}

impl Scored {
    /// The score by which models of this task are compared.
    pub fn score(&self, labels: &[String]) -> f64 {
        match self {
            Self::Ner { entities, .. } => entities.micro.f1,
            Self::Classification { classes, .. } if is_binary(labels) => {
                classes.by_class.get("1").map_or(0.0, |s| s.f1)
            }
            Self::Classification { classes, .. } => classes.macro_f1,
            Self::Multilabel { labels, .. } => labels.micro.f1,
        }
    }
}

/// What the model answers: of each document, in the order of the data.
pub(crate) enum Answers {
    /// The tags of all tokens.
    Tags(Vec<Vec<Tag>>),
    /// The class.
    Classes(Vec<String>),
    /// Whether it has each label.
    Labels(Vec<Vec<bool>>),
}

/// Reads the model's outputs: for each window of `encoded` the logits of each sub-token, or for each document its own as the only row.
/// `chain`: scores of neighbouring tags, if the model has learnt some.
pub(crate) fn answers(
    dataset: &Dataset,
    encoded: &Encoded,
    labels: &[String],
    logits: &[Vec<Vec<f32>>],
    chain: Option<&Chain>,
) -> Answers {
    match (dataset, encoded) {
        (Dataset::Ner(conll), Encoded::Windows(windows)) => Answers::Tags(tags(conll, windows, labels, logits, chain)),
        (Dataset::Multilabel(_), _) => {
            Answers::Labels(logits.iter().map(|l| l.iter().flatten().map(|&x| x > 0.0).collect()).collect())
        }
        _ => {
            let class = |rows: &Vec<Vec<f32>>| rows.first().and_then(|row| labels.get(best(row)).cloned());
            Answers::Classes(logits.iter().map(|rows| class(rows).unwrap_or_default()).collect())
        }
    }
}

/// The tags of all tokens of each document.
fn tags(
    conll: &Conll,
    windows: &[Vec<Window>],
    labels: &[String],
    logits: &[Vec<Vec<f32>>],
    chain: Option<&Chain>,
) -> Vec<Vec<Tag>> {
    let outputs: Vec<Tag> = labels.iter().map(|l| l.parse().unwrap_or(Tag::Outside)).collect();
    let mut rest = logits;
    let of_document = |(document, windows): (&Document, &Vec<Window>)| {
        let (scores, others) = rest.split_at(windows.len().min(rest.len()));
        rest = others;
        decode(document, windows, &outputs, scores, chain)
    };
    conll.documents.iter().zip(windows).map(of_document).collect()
}

/// Scores the answers of a model with these `labels`.
pub(crate) fn score(dataset: &Dataset, encoded: &Encoded, labels: &[String], answers: &Answers) -> Scored {
    match (dataset, encoded, answers) {
        (Dataset::Ner(conll), Encoded::Windows(windows), Answers::Tags(tags)) => score_entities(conll, windows, tags),
        (Dataset::Classification(rows), Encoded::Documents(_), Answers::Classes(classes)) => {
            let pairs = rows.iter().zip(classes).map(|(row, class)| (row.label.as_str(), class.as_str()));
            Scored::Classification { classes: class_scores(pairs), windows: encoded.len() }
        }
        (Dataset::Multilabel(rows), Encoded::Documents(_), Answers::Labels(answers)) => {
            let pairs = rows
                .iter()
                .zip(answers)
                .map(|(row, answer): (&Labelled<Vec<bool>>, _)| (row.label.as_slice(), answer.as_slice()));
            Scored::Multilabel { labels: label_scores(labels.len(), pairs), windows: encoded.len() }
        }
        _ => unreachable!("a data set is encoded and answered in the way of its task"),
    }
}

fn score_entities(conll: &Conll, windows: &[Vec<Window>], tags: &[Vec<Tag>]) -> Scored {
    let gold_tags = |d: &Document| d.tokens.iter().map(|t| t.tag.clone()).collect::<Vec<_>>();
    let gold: Vec<&[TokenSpan]> = conll.documents.iter().map(|d| d.entities.as_slice()).collect();
    let spans = |tags: &[Vec<Tag>], orphan| -> Vec<Vec<TokenSpan>> {
        conll.documents.iter().zip(tags).map(|(d, tags)| entities(d, tags, orphan)).collect()
    };
    let against = |gold: &[&[TokenSpan]], predicted: &[Vec<TokenSpan>]| {
        entity_scores(gold.iter().copied().zip(predicted.iter().map(Vec::as_slice)))
    };
    let all_gold_tags: Vec<Vec<Tag>> = conll.documents.iter().map(gold_tags).collect();
    let gold_iob2 = spans(&all_gold_tags, Orphan::Ignored);
    let gold_iob2: Vec<&[TokenSpan]> = gold_iob2.iter().map(Vec::as_slice).collect();
    let best_tags: Vec<Vec<Tag>> = conll.documents.iter().zip(windows).map(|(d, w)| oracle(d, w)).collect();
    Scored::Ner {
        entities: against(&gold, &spans(tags, Orphan::Opens)),
        f1_iob2: against(&gold_iob2, &spans(tags, Orphan::Ignored)).micro.f1,
        oracle_recall: against(&gold, &spans(&best_tags, Orphan::Opens)).micro.recall,
        orphans: conll.orphans,
        simplified: conll.simplified,
        windows: windows.iter().map(Vec::len).sum(),
    }
}

/// Position of the largest value, the first of equal ones.
fn best(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}
