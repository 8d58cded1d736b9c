use crate::append::Append;
use kbioxlm_files::{FileError, Lines, write_atomic};
use serde::{Deserialize, Deserializer, Serialize};
use std::io::Write;
use std::path::Path;

/// One of the losses of a step.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// Mean cross-entropy.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Share of right predictions.
    pub accuracy: f64,
    /// Masked or tagged tokens, labelled pairs, names.
    pub count: u64,
}

/// What a step did: one line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Number of the step, from 1.
    pub step: u64,
    /// Number of the pass through the data, from 0.
    pub epoch: u64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Loss of the step: in pretraining the mean over all masked tokens, plus that over all passage pairs, plus that over all tokens
    /// tagged, plus that over the names aligned by its weight; 0 if the step had none of them and changed nothing.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Masked words and mentions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entity_mlm: Option<TaskMetrics>,
    /// Masked relations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relation_mlm: Option<TaskMetrics>,
    /// Passage pairs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prp: Option<TaskMetrics>,
    /// Tokens of running text: begin, inside or outside of a mention.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tagging: Option<TaskMetrics>,
    /// Names of concepts, each to be told from those of the others by its translation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alignment: Option<TaskMetrics>,
    /// Norm of the gradient over all parameters, before clipping.
    #[serde(deserialize_with = "number")]
    pub grad_norm: f64,
    /// Whether the update was left out, because loss or norm is no number.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub skipped: bool,
    /// Tokens of the step, special tokens counted.
    pub tokens: u64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Wall-clock time of the step.
    pub seconds: f64,
}

/// JSON has no name for what is no number, and writes `null`.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Sums from which a [`TaskMetrics`] is made.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskSum {
    pub(crate) loss: f64,
    pub(crate) correct: u64,
    pub(crate) count: u64,
}

impl TaskSum {
    pub(crate) fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.count += other.count;
    }

    /// `None` if nothing was predicted: a mean over nothing is not 0.
    pub(crate) fn mean(self) -> Option<TaskMetrics> {
        let n = self.count as f64;
        (self.count > 0).then(|| TaskMetrics {
            loss: self.loss / n,
            accuracy: self.correct as f64 / n,
            count: self.count,
        })
    }
}

/// A file of records, one a line, each with the number of its `step`.
#[derive(Debug)]
pub(crate) struct StepLines {
    file: Append,
}

impl StepLines {
    /// Opens the file for appending, after removing everything behind `last_step`: lines of steps that a killed run had
    /// done since its last checkpoint, perhaps half a line, would otherwise stand there twice.
    pub(crate) fn open(path: &Path, last_step: u64) -> Result<Self, FileError> {
        #[derive(Deserialize)]
        struct Numbered {
            step: u64,
        }
        let mut kept = Vec::new();
        if last_step > 0 && path.exists() {
            for line in Lines::open(path)? {
                let (_, line) = line?;
                match serde_json::from_str::<Numbered>(&line) {
                    Ok(record) if record.step <= last_step => kept.push(line),
                    _ => break,
                }
            }
        }
        write_atomic(path, |w| kept.iter().try_for_each(|line| writeln!(w, "{line}")))?;
        Ok(Self { file: Append::open(path)? })
    }

    pub(crate) fn write(&mut self, record: &impl Serialize) -> Result<(), FileError> {
        // Numbers under fixed names always are JSON.
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        self.file.write(&line)
    }

    /// Flushes all lines to the disk: those of a checkpoint's steps must not be lost before the checkpoint is.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> StepMetrics {
        StepMetrics {
            step,
            epoch: 0,
            learning_rate: 1e-4,
            loss: 2.0,
            entity_mlm: TaskSum { loss: 6.0, correct: 1, count: 3 }.mean(),
            relation_mlm: TaskSum::default().mean(),
            prp: None,
            tagging: None,
            alignment: None,
            grad_norm: 1.0,
            skipped: false,
            tokens: 100,
            tokens_per_second: 50.0,
            seconds: 2.0,
        }
    }

    #[test]
    fn a_resumed_file_has_each_step_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut file = StepLines::open(&path, 0).unwrap();
        (1..=5).for_each(|s| file.write(&step(s)).unwrap());
        file.file.write(b"{\"step\": 6, \"ep").unwrap();
        let mut file = StepLines::open(&path, 3).unwrap();
        (4..=6).for_each(|s| file.write(&step(s)).unwrap());
        let steps: Vec<u64> = kbioxlm_files::read_jsonl::<StepMetrics>(&path, "metrics")
            .unwrap()
            .map(|line| line.unwrap().1.step)
            .collect();
        assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn means_are_over_what_was_predicted() {
        let metrics = step(1);
        assert_eq!(metrics.entity_mlm, Some(TaskMetrics { loss: 2.0, accuracy: 1.0 / 3.0, count: 3 }));
        assert_eq!(metrics.relation_mlm, None);
        let line = serde_json::to_string(&metrics).unwrap();
        assert!(!line.contains("prp") && !line.contains("skipped"), "{line}");
    }

    #[test]
    fn what_is_no_number_survives_the_file() {
        let line = serde_json::to_string(&StepMetrics { loss: f64::NAN, skipped: true, ..step(1) }).unwrap();
        assert!(line.contains("\"loss\":null") && line.contains("\"skipped\":true"), "{line}");
        let read: StepMetrics = serde_json::from_str(&line).unwrap();
        assert!(read.loss.is_nan() && read.skipped);
    }
}
