use crate::events::EventFile;
use crate::figures::{Means, figures};
use crate::metrics::StepLines;
use crate::{Evaluation, StepMetrics, TrainError};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes down what a run does, step by step: for programs, for TensorBoard, and for the next checkpoint.
#[derive(Debug)]
pub(crate) struct Recorder {
    metrics: StepLines,
    events: EventFile,
    means: Means,
}

impl Recorder {
    /// Goes on behind `last_step`; what stands there of later steps, lost with a killed run, does not count any more.
    pub(crate) fn open(out: &Path, last_step: u64) -> Result<Self, TrainError> {
        let metrics = StepLines::open(&out.join("metrics.jsonl"), last_step)?;
        Ok(Self { metrics, events: EventFile::new(&out.join("tensorboard")), means: Means::default() })
    }

    pub(crate) fn step(&mut self, metrics: &StepMetrics) -> Result<(), TrainError> {
        self.metrics.write(metrics)?;
        let figures = figures(metrics);
        self.events.write(metrics.step, &figures)?;
        self.means.add(&figures);
        Ok(())
    }

    /// What the model after the last step is worth.
    pub(crate) fn evaluation(&mut self, evaluation: &Evaluation) -> Result<(), TrainError> {
        Ok(self.events.write(evaluation.step, &evaluation.figures())?)
    }

    /// For a checkpoint: the means of its metrics since the one before, with all lines up to it safe on the disk.
    pub(crate) fn take_means(&mut self) -> Result<BTreeMap<String, f64>, TrainError> {
        self.metrics.sync()?;
        Ok(self.means.take())
    }
}
