use crate::TrainError;
use kbioxlm_files::rng_for;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One of the corpora that a model is trained on. In TOML: `[[corpus]]` with `path` and `weight`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusPart {
    /// Directory, as `corpus build` writes it.
    pub path: PathBuf,
    /// Share of the tokens that come from this corpus, relative to the other weights. Either all corpora have a weight
    /// or none; without weights each counts by its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl From<&Path> for CorpusPart {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), weight: None }
    }
}

/// Checks the weights: all or none, and numbers above 0.
///
/// # Errors
/// There is no corpus, or the weights cannot work.
pub(crate) fn check_weights(parts: &[CorpusPart]) -> Result<(), TrainError> {
    let wrong = |found: String, expected: &str| {
        let (expected, help) = (expected.to_owned(), "correct it".to_owned());
        Err(TrainError::Setting { key: "corpus.weight", found, expected, help })
    };
    if parts.is_empty() {
        return Err(TrainError::Setting {
            key: "corpus",
            found: "an empty list".to_owned(),
            expected: "one corpus or several".to_owned(),
            help: "name one".to_owned(),
        });
    }
    if let Some(weight) = parts.iter().filter_map(|p| p.weight).find(|w| !(w.is_finite() && *w > 0.0)) {
        return wrong(weight.to_string(), "a number above 0");
    }
    match parts.iter().find(|p| p.weight.is_none()) {
        Some(part) if parts.iter().any(|p| p.weight.is_some()) => {
            wrong(format!("missing for {}", part.path.display()), "a weight for each corpus or for none")
        }
        _ => Ok(()),
    }
}

/// An example in an epoch.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Draw {
    /// Number of the example, over all corpora.
    pub(crate) example: usize,
    /// How often its corpus has been gone through before.
    pub(crate) pass: u64,
}

/// What share of each epoch comes from which corpus.
///
/// An epoch has as many tokens as all corpora together, and each corpus its share of them. A corpus is gone through from
/// beginning to end in an order of its own, again and again in another one each time; where an epoch leaves it, the next goes on.
/// So a corpus whose share is larger than its size comes more than once in an epoch, one whose share is smaller in
/// part, and after any number of epochs each example has come as often as any other of its corpus, or once less.
#[derive(Debug)]
pub(crate) struct Mixture {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// Numbers of its examples.
    examples: Range<usize>,
    /// Tokens of a pass.
    tokens: u64,
    /// Tokens of an epoch: not whole where weights make the share.
    share: f64,
}

impl Mixture {
    /// `parts`: the examples of each corpus with its weight; every one has tokens. Weights are as [`check_weights`] wants them.
    pub(crate) fn new(lengths: &[usize], parts: &[(Range<usize>, Option<f64>)]) -> Self {
        let size = |range: &Range<usize>| lengths.get(range.clone()).unwrap_or_default().iter().sum::<usize>() as u64;
        let all: u64 = parts.iter().map(|(range, _)| size(range)).sum();
        let weights: f64 = parts.iter().filter_map(|(_, weight)| *weight).sum();
        let part = |(range, weight): &(Range<usize>, Option<f64>)| {
            let tokens = size(range);
            let share = weight.map_or(tokens as f64, |weight| all as f64 * weight / weights);
            Part { examples: range.clone(), tokens, share }
        };
        Self { parts: parts.iter().map(part).collect() }
    }

    /// The examples of an epoch, corpus by corpus, within each pass by their number.
    pub(crate) fn epoch(&self, lengths: &[usize], seed: u64, epoch: u64) -> Vec<Draw> {
        let mut draws = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            // An example belongs to the epoch in whose stretch of the corpus's tokens it begins: this needs no memory of the epochs before.
            let [start, end] = [epoch, epoch + 1].map(|e| (e as f64 * part.share).round() as u64);
            let passes = start.checked_div(part.tokens).unwrap_or(0)..end.div_ceil(part.tokens.max(1));
            for pass in passes {
                let before = draws.len();
                let mut at = pass * part.tokens;
                for example in part.order(start, end, seed, number, pass) {
                    if (start..end).contains(&at) {
                        draws.push(Draw { example, pass });
                    }
                    at += lengths.get(example).copied().unwrap_or_default() as u64;
                }
                draws.get_mut(before..).unwrap_or_default().sort_unstable();
            }
        }
        draws
    }
}

impl Part {
    /// The order of a pass of which the tokens `start..end` are wanted.
    fn order(&self, start: u64, end: u64, seed: u64, number: usize, pass: u64) -> Vec<usize> {
        let mut order: Vec<usize> = self.examples.clone().collect();
        let first = pass * self.tokens;
        // All of it is wanted: in whatever order.
        if first < start || end < first + self.tokens {
            order.shuffle(&mut rng_for(seed, &["pass", &number.to_string(), &pass.to_string()]));
        }
        order
    }
}

#[cfg(test)]
mod tests;
