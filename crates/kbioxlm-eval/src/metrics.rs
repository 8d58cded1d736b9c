//! Scores, with the conventions of seqeval and scikit-learn: what cannot be divided is 0.

use kbioxlm_benchmarks::TokenSpan;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

/// Precision, recall, F1 and the number of gold items.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Right ones among the predicted.
    pub precision: f64,
    /// Found ones among the gold.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Gold items.
    pub support: usize,
}

/// Counts from which [`Scores`] follow; in files `[right, predicted, gold]`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[usize; 3]", into = "[usize; 3]")]
pub struct Counts {
    /// Predicted items that are gold.
    pub right: usize,
    /// Predicted items.
    pub predicted: usize,
    /// Gold items.
    pub gold: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, predicted: bool, gold: bool) {
        self.right += usize::from(predicted && gold);
        self.predicted += usize::from(predicted);
        self.gold += usize::from(gold);
    }

    /// The scores of these counts.
    pub fn scores(self) -> Scores {
        Scores {
            precision: ratio(self.right, self.predicted),
            recall: ratio(self.right, self.gold),
            f1: ratio(2 * self.right, self.predicted + self.gold),
            support: self.gold,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.predicted += other.predicted;
        self.gold += other.gold;
    }
}

impl From<[usize; 3]> for Counts {
    fn from([right, predicted, gold]: [usize; 3]) -> Self {
        Self { right, predicted, gold }
    }
}

impl From<Counts> for [usize; 3] {
    fn from(c: Counts) -> Self {
        [c.right, c.predicted, c.gold]
    }
}

/// Counts by entity type, class or label.
pub(crate) type CountsByLabel = BTreeMap<String, Counts>;

/// The counts of one document with entities.
pub(crate) fn count_entities<S: Ord>(gold: &[S], predicted: &[S], label: impl Fn(&S) -> &str) -> CountsByLabel {
    let gold: BTreeSet<&S> = gold.iter().collect();
    let predicted: BTreeSet<&S> = predicted.iter().collect();
    let mut counts = CountsByLabel::new();
    for &span in gold.union(&predicted) {
        counts.entry(label(span).to_owned()).or_default().add(predicted.contains(span), gold.contains(span));
    }
    counts
}

/// The counts of one document with a class.
pub(crate) fn count_class(gold: &str, predicted: &str) -> CountsByLabel {
    let mut counts = CountsByLabel::new();
    counts.entry(gold.to_owned()).or_default().add(gold == predicted, true);
    if gold != predicted {
        counts.entry(predicted.to_owned()).or_default().add(true, false);
    }
    counts
}

/// The counts of one document with labels, of those labels that occur on either side.
pub(crate) fn count_labels(gold: &[bool], predicted: &[bool]) -> CountsByLabel {
    let mut counts = CountsByLabel::new();
    for (label, (&gold, &predicted)) in gold.iter().zip(predicted).enumerate().filter(|(_, (g, p))| **g || **p) {
        counts.entry(label.to_string()).or_default().add(predicted, gold);
    }
    counts
}

pub(crate) fn sum(counts: &mut CountsByLabel, more: CountsByLabel) {
    for (label, more) in more {
        let sum = counts.entry(label).or_default();
        *sum = total([*sum, more].into_iter());
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len();
    if n == 0 { 0.0 } else { values.sum::<f64>() / n as f64 }
}

/// Strict entity scores: an entity counts as found only with the same type and the same two ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntityScores {
    /// Over all entities of all types.
    pub micro: Scores,
    /// Apart by entity type.
    pub by_type: BTreeMap<String, Scores>,
}

/// Scores the `predicted` entities of each document against its `gold` ones; one item a document, in the same order.
///
/// Every gold entity counts, also one whose text never reached the model.
pub fn entity_scores<'a>(documents: impl Iterator<Item = (&'a [TokenSpan], &'a [TokenSpan])>) -> EntityScores {
    let mut counts = CountsByLabel::new();
    documents.for_each(|(gold, predicted)| sum(&mut counts, count_entities(gold, predicted, |s| &s.label)));
    EntityScores {
        micro: total(counts.values().copied()).scores(),
        by_type: counts.into_iter().map(|(label, c)| (label, c.scores())).collect(),
    }
}

pub(crate) fn total(counts: impl Iterator<Item = Counts>) -> Counts {
    let mut total = Counts::default();
    counts.for_each(|c| total += c);
    total
}

/// Scores of single-label classification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Share of right answers.
    pub accuracy: f64,
    /// Unweighted mean of the F1 of the classes that occur in gold or prediction.
    pub macro_f1: f64,
    /// Each of these classes against all others: the binary scores where it is the positive class.
    pub by_class: BTreeMap<String, Scores>,
}

/// Scores pairs of (gold class, predicted class).
pub fn class_scores<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> ClassScores {
    let mut counts = CountsByLabel::new();
    let (mut right, mut all) = (0, 0);
    for (gold, predicted) in pairs {
        sum(&mut counts, count_class(gold, predicted));
        right += usize::from(gold == predicted);
        all += 1;
    }
    let by_class: BTreeMap<String, Scores> = counts.into_iter().map(|(class, c)| (class, c.scores())).collect();
    ClassScores { accuracy: ratio(right, all), macro_f1: mean(by_class.values().map(|s| s.f1)), by_class }
}

/// Scores of multi-label classification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelScores {
    /// Over all (document, label) decisions.
    pub micro: Scores,
    /// Unweighted mean of the F1 of all labels.
    pub macro_f1: f64,
    /// Each label apart, in the order of the data.
    pub by_label: Vec<Scores>,
}

/// Scores pairs of (gold, predicted) for `labels` labels.
pub fn label_scores<'a>(labels: usize, pairs: impl Iterator<Item = (&'a [bool], &'a [bool])>) -> LabelScores {
    let mut counts = vec![Counts::default(); labels];
    for (gold, predicted) in pairs {
        for (count, (&g, &p)) in counts.iter_mut().zip(gold.iter().zip(predicted)) {
            count.add(p, g);
        }
    }
    let by_label: Vec<Scores> = counts.iter().map(|c| c.scores()).collect();
    LabelScores {
        micro: total(counts.iter().copied()).scores(),
        macro_f1: mean(by_label.iter().map(|s| s.f1)),
        by_label,
    }
}
