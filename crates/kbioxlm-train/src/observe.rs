use crate::{Evaluation, StepMetrics};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Is told how training goes on, for instance to draw a progress bar. All methods do nothing by default.
pub trait Observer {
    /// `done` of `total` examples are tokenised.
    fn encoding(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Training begins (or goes on) after `done` of `total` steps.
    fn start(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// The base model lacked these tensors; they have new random values.
    fn initialised(&mut self, tensors: &[String]) {
        let _ = tensors;
    }

    /// A step was done.
    fn step(&mut self, metrics: &StepMetrics) {
        let _ = metrics;
    }

    /// Something that the user should know, and that does not end the run.
    fn warning(&mut self, message: &str) {
        let _ = message;
    }

    /// The model was evaluated on what it is not trained on.
    fn evaluation(&mut self, evaluation: &Evaluation) {
        let _ = evaluation;
    }

    /// A checkpoint was written.
    fn checkpoint(&mut self, path: &Path) {
        let _ = path;
    }

    /// An epoch of fine-tuning was scored.
    fn epoch(&mut self, epoch: &EpochScore) {
        let _ = epoch;
    }
}

/// Nobody watches.
impl Observer for () {}

/// How good a model is after an epoch of fine-tuning; a number is a score alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Score on the development set, higher is better; without one the last epoch is taken.
    pub score: Option<f64>,
    /// Scores on other data by name, which decide nothing.
    pub watched: BTreeMap<String, f64>,
}

impl From<f64> for Judgement {
    fn from(score: f64) -> Self {
        Self { score: Some(score), ..Self::default() }
    }
}

/// What an epoch of fine-tuning gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochScore {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// Mean loss of its steps.
    pub loss: f64,
    /// Score on the development set, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub score: Option<f64>,
    /// Whether it is the best so far; without a development set each is.
    pub best: bool,
    /// Scores on other data by name, which decide nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub watched: BTreeMap<String, f64>,
}
