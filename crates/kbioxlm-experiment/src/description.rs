//! The sections of an experiment file as they are written, and its errors.

use crate::ExperimentError;
use crate::matrix::MatrixBlock;
use crate::plan::{KnowledgeFiles, TrimPlan};
use kbioxlm_eval::{Join, Task};
use kbioxlm_files::FileError;
use kbioxlm_train::TermSample;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    #[serde(default)]
    pub data: DataSection,
    #[serde(default)]
    pub model: ModelSection,
    pub knowledge: Option<KnowledgeFiles>,
    pub trim: Option<TrimPlan>,
    pub corpus: Option<Table>,
    pub pretrain: Option<Table>,
    #[serde(default)]
    pub anchored: Vec<AnchoredSection>,
    pub retrieval: Option<TermSample>,
    #[serde(default)]
    pub finetune: Table,
    #[serde(default)]
    pub fewshot: Table,
    #[serde(default)]
    pub switch: Table,
    #[serde(default)]
    pub task: Vec<TaskSection>,
    #[serde(default)]
    pub matrix: Vec<MatrixBlock>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSection {
    pub root: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSection {
    pub base: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnchoredSection {
    pub name: String,
    pub from: Option<String>,
    pub like: Option<String>,
    #[serde(default)]
    pub corpus: Table,
    #[serde(default)]
    pub pretrain: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskSection {
    pub name: String,
    pub task: Task,
    #[serde(default)]
    pub join: Join,
    #[serde(default)]
    pub train: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub dev: BTreeMap<String, PathBuf>,
    pub test: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub finetune: Table,
    #[serde(default)]
    pub fewshot: Table,
}

/// `[corpus]` is `AnchorConfig` and these two keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorpusFiles {
    #[serde(default)]
    pub texts: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub passages: BTreeMap<String, PathBuf>,
}

/// The experiment file, for errors.
pub(crate) struct Place<'a> {
    pub path: &'a Path,
}

impl Place<'_> {
    /// An error about this file.
    pub fn error(&self, found: impl Into<String>, expected: impl Into<String>, help: &str) -> ExperimentError {
        FileError::content(self.path, None, found.into(), expected.into(), help).into()
    }

    /// Reads a section from its table.
    pub fn section<T: DeserializeOwned>(&self, name: &str, table: Table) -> Result<T, ExperimentError> {
        Value::Table(table).try_into().map_err(|e: toml::de::Error| {
            self.error(format!("[{name}]: {}", e.message()), "the keys of this section", "correct the key")
        })
    }

    /// Checks that names differ and are not empty.
    pub fn unique<'a>(&self, what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), ExperimentError> {
        let mut seen = BTreeSet::new();
        for name in names {
            if name.trim().is_empty() || !seen.insert(name) {
                return Err(self.error(format!("{what} `{name}` twice, or empty"), "different names", "rename one"));
            }
        }
        Ok(())
    }
}

/// The directory that paths are relative to.
pub(crate) struct Root {
    pub root: PathBuf,
}

impl Root {
    pub fn one(&self, path: PathBuf) -> PathBuf {
        self.root.join(path)
    }

    pub fn all(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        paths.into_iter().map(|p| self.one(p)).collect()
    }

    pub fn named(&self, paths: BTreeMap<String, PathBuf>) -> BTreeMap<String, PathBuf> {
        paths.into_iter().map(|(name, path)| (name, self.one(path))).collect()
    }
}

/// `base` with the keys of `over` in place of its own.
pub(crate) fn merged(base: &Table, over: &Table) -> Table {
    let mut table = base.clone();
    table.extend(over.iter().map(|(k, v)| (k.clone(), v.clone())));
    table
}
