//! Tasks, and what a fine-tuned directory says about its own.

use crate::{EvalError, MainScore};
use kbioxlm_benchmarks::Join;
use kbioxlm_files::{FileError, read_json};
use kbioxlm_train::FinetuneConfig;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// What a model is fine-tuned for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Named entities, from CoNLL, JSONL, BRAT, PubTator or BioC; scored by strict entity F1.
    Ner,
    /// One class a document, from JSONL; scored by macro F1, or by the F1 of class `1` where the classes are `0` and `1`.
    Classification,
    /// Any number of labels a document, from JSONL; scored by micro F1.
    Multilabel,
}

impl Task {
    const ALL: [Self; 3] = [Self::Ner, Self::Classification, Self::Multilabel];

    /// The name in commands and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ner => "ner",
            Self::Classification => "classification",
            Self::Multilabel => "multilabel",
        }
    }

    /// Name of the score by which models are chosen and compared.
    pub(crate) fn metric(self, labels: &[String]) -> &'static str {
        match self {
            Self::Ner => "strict entity F1",
            Self::Classification if is_binary(labels) => "F1 of class 1",
            Self::Classification => "macro F1",
            Self::Multilabel => "micro F1",
        }
    }

    /// That score as a function of counts.
    pub(crate) fn main_score(self, labels: &[String]) -> MainScore {
        match self {
            Self::Ner | Self::Multilabel => MainScore::MicroF1,
            Self::Classification if is_binary(labels) => MainScore::F1Of("1".to_owned()),
            Self::Classification => MainScore::MacroF1,
        }
    }
}

/// Whether the classes are `0` and `1`, so that `1` is the positive one.
pub(crate) fn is_binary(labels: &[String]) -> bool {
    labels == ["0", "1"]
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|t| t.as_str() == text)
            .ok_or_else(|| format!("found the task `{text}`, expected one of {}", known()))
    }
}

/// A task and how its files are read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TaskOptions {
    /// The task.
    pub task: Task,
    /// What stands between the tokens of CoNLL files (for [`Task::Ner`]).
    pub join: Join,
}

impl From<Task> for TaskOptions {
    fn from(task: Task) -> Self {
        Self { task, join: Join::Auto }
    }
}

/// Name of the file that makes a model directory a fine-tuned one.
pub(crate) const INFO_FILE: &str = "kbioxlm.json";
/// Name of the list of epochs beside it.
pub(crate) const HISTORY_FILE: &str = "history.json";
/// Name of the table of the documents that a model was trained and chosen on.
pub(crate) const DOCUMENTS_FILE: &str = "documents.tsv";
const FORMAT: u32 = 1;

/// A file that a model was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path as it was given.
    pub path: String,
    /// BLAKE3 hash of the content (of a directory: of the names and contents in it).
    pub blake3: String,
}

impl DataFile {
    pub(crate) fn of(path: &Path) -> Result<Self, FileError> {
        Ok(Self { path: path.display().to_string(), blake3: kbioxlm_files::hash_path(path)? })
    }
}

/// Everything that evaluation needs beside the HF files: `kbioxlm.json` in a fine-tuned directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Version of this file.
    pub format: u32,
    /// What the model does.
    pub task: Task,
    /// Names of its outputs, in their order: BIO tags (`O` first), classes, or label numbers.
    pub labels: Vec<String>,
    /// Sub-tokens it reads at once, with `<s>` and `</s>`.
    pub max_length: usize,
    /// The model it was made from.
    pub base: String,
    /// Name of the score it was chosen by.
    pub metric: String,
    /// That score on the dev data, if there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dev_score: Option<f64>,
    /// The epoch (from 1) that it is from.
    pub best_epoch: u32,
    /// Training data.
    pub train: DataFile,
    /// Data on which the epoch was chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dev: Option<DataFile>,
    /// Settings of the training.
    pub settings: FinetuneConfig,
}

impl TaskInfo {
    /// Reads what the model in `dir` was fine-tuned for.
    ///
    /// # Errors
    /// The directory does not exist or no fine-tuned model is in it.
    pub fn read(dir: &Path) -> Result<Self, EvalError> {
        let path = dir.join(INFO_FILE);
        if dir.is_dir() && !path.exists() {
            let found = format!("no {INFO_FILE}, that is, a model that was not fine-tuned for a task");
            let help = "fine-tune it first (`kbioxlm finetune`) and pass the directory that it wrote";
            return Err(FileError::content(dir, None, found, "a fine-tuned model", help).into());
        }
        let info: Self = read_json(&path, "the description of a fine-tuned model")?;
        if info.format != FORMAT {
            let found = format!("format {}", info.format);
            return Err(FileError::content(
                &path,
                None,
                found,
                format!("format {FORMAT}"),
                "fine-tune the model with this version",
            )
            .into());
        }
        Ok(info)
    }

    pub(crate) const FORMAT: u32 = FORMAT;
}
