//! Fine-tuning on a benchmark's files.

use crate::EvalError;
use crate::dataset::{Dataset, Encoded};
use crate::leak;
use crate::score::{Answers, Scored, answers, score};
use crate::task::{DOCUMENTS_FILE, DataFile, INFO_FILE, Task, TaskInfo, TaskOptions};
use kbioxlm_files::{StagedDir, write_atomic, write_json_atomic};
use kbioxlm_model::{Heads, Model, ModelConfig, load, save};
use kbioxlm_train::{FinetuneConfig, Observer, finetune, predict_sequences, predict_tokens};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::Path;

/// Sub-tokens that are predicted at once: bounds the memory, not the result.
const TOKENS_PER_BATCH: usize = 4096;

/// What fine-tuning did.
#[derive(Clone, Debug, Serialize)]
pub struct FinetuneReport {
    /// What stands in `kbioxlm.json`.
    #[serde(flatten)]
    pub info: TaskInfo,
    /// All scores on the dev data, at the epoch chosen.
    pub dev: Scored,
    /// Training documents.
    pub train_documents: usize,
    /// Sequences they were read in.
    pub train_sequences: usize,
}

impl fmt::Display for FinetuneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskInfo { task, metric, dev_score, best_epoch, labels, .. } = &self.info;
        writeln!(f, "task            {task}, outputs {}", labels.join(" "))?;
        writeln!(f, "trained on      {} documents in {} sequences", self.train_documents, self.train_sequences)?;
        writeln!(f, "best epoch      {best_epoch} of at most {}", self.info.settings.epochs)?;
        writeln!(f, "dev             {metric} {:.2}", 100.0 * dev_score)
    }
}

/// Fine-tunes the model in `model_dir` on `train`, keeps the epoch that scores best on `dev`, and writes an HF directory
/// to `out` with everything that [`evaluate`](crate::evaluate) needs: `kbioxlm.json` (task, labels, settings, hashes of
/// the data), `finetune.toml` (resolved settings), `history.json` (loss and dev score of each epoch), `documents.tsv`
/// (fingerprints of the training and dev documents).
///
/// The outputs of the model follow from the training data: see [`TaskInfo::labels`].
///
/// # Errors
/// A file or the model cannot be read, dev has labels that train has not, the settings cannot be followed.
pub fn finetune_task(
    config: &FinetuneConfig,
    task: impl Into<TaskOptions>,
    model_dir: &Path,
    train: &Path,
    dev: &Path,
    out: &Path,
    observer: &mut dyn Observer,
) -> Result<FinetuneReport, EvalError> {
    let options = task.into();
    let task = options.task;
    let (train_data, dev_data) = (Dataset::read(train, options)?, Dataset::read(dev, options)?);
    let labels = train_data.labels();
    dev_data.check_labels(dev, &labels)?;

    let pretrained = load(model_dir, &heads(task, labels.len()), config.seed, &kbioxlm_model::device())?;
    check_length(config.max_length, &pretrained.config)?;
    let train_encoded = train_data.encode(&pretrained.tokenizer, config)?;
    let dev_encoded = dev_data.encode(&pretrained.tokenizer, config)?;
    let items = train_data.items(&train_encoded, &labels);
    let score_dev = |model: &Model, labels: &[String]| {
        score(&dev_data, &dev_encoded, labels, &predict(model, task, &dev_data, &dev_encoded, labels))
    };
    let mut dev_score = |model: &Model| Ok(score_dev(model, &labels).score(&labels));
    let tuned = finetune(config, pretrained.model, &items, &mut dev_score, observer)?;

    let info = TaskInfo {
        format: TaskInfo::FORMAT,
        task,
        max_length: config.max_length,
        base: model_dir.display().to_string(),
        metric: task.metric(&labels).to_owned(),
        dev_score: tuned.best_score,
        best_epoch: tuned.best_epoch,
        train: DataFile::of(train)?,
        dev: DataFile::of(dev)?,
        settings: config.clone(),
        labels,
    };
    let staged = StagedDir::new(out)?;
    let dir = staged.path();
    save(dir, &pretrained.config, &tuned.model, &pretrained.tokenizer, Some(&info.labels))?;
    write_json_atomic(&dir.join(INFO_FILE), &info)?;
    write_json_atomic(&dir.join("history.json"), &tuned.history)?;
    leak::write(&dir.join(DOCUMENTS_FILE), &[("train", train_data.fingerprints()), ("dev", dev_data.fingerprints())])?;
    write_toml(&dir.join("finetune.toml"), config)?;
    staged.commit()?;
    Ok(FinetuneReport {
        dev: score_dev(&tuned.model, &info.labels),
        train_documents: train_data.len(),
        train_sequences: items.len(),
        info,
    })
}

/// The head that a task needs.
pub(crate) fn heads(task: Task, labels: usize) -> Heads {
    match task {
        Task::Ner => Heads { tokens: Some(labels), ..Heads::default() },
        Task::Classification | Task::Multilabel => Heads { sequence: Some(labels), ..Heads::default() },
    }
}

/// What the model answers of a data set.
pub(crate) fn predict(model: &Model, task: Task, data: &Dataset, encoded: &Encoded, labels: &[String]) -> Answers {
    let sequences = encoded.sequences();
    let logits = match task {
        Task::Ner => predict_tokens(model, &sequences, TOKENS_PER_BATCH),
        Task::Classification | Task::Multilabel => {
            predict_sequences(model, &sequences, TOKENS_PER_BATCH).into_iter().map(|row| vec![row]).collect()
        }
    };
    answers(data, encoded, labels, &logits)
}

fn check_length(max_length: usize, model: &ModelConfig) -> Result<(), EvalError> {
    let limit = model.max_length();
    if (3..=limit).contains(&max_length) {
        return Ok(());
    }
    let help = "set it to what the documents need; longer documents are read in parts";
    Err(EvalError::setting(
        "max_length",
        max_length.to_string(),
        format!("a number from 3 to {limit}, as the model can read"),
        help,
    ))
}

fn write_toml(path: &Path, config: &FinetuneConfig) -> Result<(), EvalError> {
    let text = toml::to_string(config)
        .map_err(|e| EvalError::setting("finetune", e.to_string(), "settings", "report this"))?;
    write_atomic(path, |w| w.write_all(text.as_bytes()))?;
    Ok(())
}
