//! The result of an experiment.

use crate::matrix::{Direction, Method};
use crate::tables;
use kbioxlm_eval::Comparison;
use kbioxlm_train::RetrievalMetrics;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A step of an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// What was done.
    pub step: String,
    /// Directory of its result, below the experiment's.
    pub directory: String,
    /// Hash of everything that went into it.
    pub key: String,
    /// How long it took, when it was done; if it was resumed, from then on.
    pub seconds: f64,
    /// Whether it was done before and not repeated.
    pub reused: bool,
}

/// A step that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The step.
    pub step: String,
    /// Why.
    pub error: String,
}

/// The score of one fine-tuned model.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunScore {
    /// Seed of the fine-tuning.
    pub seed: u64,
    /// Number of the sample of a few documents, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<usize>,
    /// Score on the dev data by which the epoch was chosen.
    pub dev: Option<f64>,
    /// Score on the test data.
    pub score: f64,
    /// What it would have been with the epoch that is best on the target's dev data; never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oracle: Option<f64>,
    /// Directory of the evaluation, below the experiment's.
    pub directory: String,
}

/// The score of an entity type, class or label: means over the runs.
#[derive(Clone, Debug, Serialize)]
pub struct LabelScore {
    /// Its name.
    pub label: String,
    /// Share of the predicted ones that are right.
    pub precision: f64,
    /// Share of the gold ones that are found.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Gold ones.
    pub support: usize,
}

impl LabelScore {
    pub(crate) fn new(label: &str, support: usize) -> Self {
        Self { label: label.to_owned(), precision: 0.0, recall: 0.0, f1: 0.0, support }
    }
}

/// A cell of the matrix: a model, fine-tuned in one way, on one test file.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Name of the task.
    pub task: String,
    /// What was trained and tested on.
    pub direction: Direction,
    /// Name of the model.
    pub model: String,
    /// What it learned from.
    pub method: Method,
    /// Documents of the target language that it was tuned on besides.
    pub shots: usize,
    /// Language of the test data: the target, or the source.
    pub test: String,
    /// Name of the score.
    pub metric: String,
    /// Documents of the test data.
    pub documents: usize,
    /// Mean score over the runs.
    pub mean: f64,
    /// Standard deviation over the runs (of a sample: n - 1); `None` for one run.
    pub std: Option<f64>,
    /// Each seed and draw apart.
    pub runs: Vec<RunScore>,
    /// By entity type, class or label.
    pub by_label: Vec<LabelScore>,
    /// Against the base model with the same seeds and draws.
    pub against_base: Option<Comparison>,
}

/// Names that a model found across languages.
#[derive(Clone, Debug, Serialize)]
pub struct TermsFound {
    /// Name of the model.
    pub model: String,
    /// From each language to each other.
    pub directions: Vec<RetrievalMetrics>,
}

/// Where a model was pretrained.
#[derive(Clone, Debug, Serialize)]
pub struct PretrainedRun {
    /// Name of the model.
    pub model: String,
    /// Directory of the run, below the experiment's.
    pub directory: String,
}

/// The result of an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct ExperimentReport {
    /// Version of this program.
    pub version: String,
    /// Names of the models, in the order of the file.
    pub models: Vec<String>,
    /// Scores, in the order of the jobs.
    pub outcomes: Vec<Outcome>,
    /// Term retrieval.
    pub retrieval: Vec<TermsFound>,
    /// Pretraining runs.
    pub pretrained: Vec<PretrainedRun>,
    /// Steps that failed.
    pub failures: Vec<Failure>,
    /// Steps that have not been run.
    pub missing: Vec<String>,
    /// What to keep in mind when reading the scores.
    pub warnings: Vec<String>,
    /// What was done, in its order.
    pub steps: Vec<StepReport>,
    /// BLAKE3 hashes of the input files.
    pub data: BTreeMap<String, String>,
    /// The experiment with all settings resolved.
    pub experiment: Value,
}

impl fmt::Display for ExperimentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(tables::text(self).trim_end())?;
        writeln!(f)?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "failed: {}: {}", failure.step, failure.error))?;
        match self.missing.len() {
            0 => Ok(()),
            n => writeln!(f, "not run yet: {n} steps, and what needs them"),
        }?;
        self.warnings.iter().try_for_each(|w| writeln!(f, "warning: {w}"))
    }
}

/// Mean, and standard deviation where there is more than one value.
pub(crate) fn mean_std(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}
