//! The sections of an experiment file as they are written, and its errors.

use super::plan::{KnowledgeFiles, TrimPlan};
use crate::EvalError;
use crate::task::Task;
use kbioxlm_benchmarks::Join;
use kbioxlm_files::FileError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
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
    #[serde(default)]
    pub finetune: Table,
    pub task: Vec<TaskSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataSection {
    pub root: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelSection {
    pub base: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnchoredSection {
    pub name: String,
    pub from: Option<String>,
    #[serde(default)]
    pub corpus: Table,
    #[serde(default)]
    pub pretrain: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskSection {
    pub name: String,
    pub task: Task,
    #[serde(default)]
    pub join: Join,
    pub train: PathBuf,
    pub dev: PathBuf,
    pub tests: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub finetune: Table,
}

/// `[corpus]` is `AnchorConfig` and these two keys.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CorpusFiles {
    #[serde(default)]
    pub texts: BTreeMap<String, PathBuf>,
    #[serde(default)]
    pub passages: BTreeMap<String, PathBuf>,
}

/// The experiment file, for errors.
pub(super) struct Place<'a> {
    pub path: &'a Path,
}

impl Place<'_> {
    pub fn error(&self, line: Option<usize>, found: String, expected: String, help: &str) -> EvalError {
        FileError::content(self.path, line, found, expected, help).into()
    }

    pub fn section<T: DeserializeOwned>(&self, name: &str, table: Table) -> Result<T, EvalError> {
        Value::Table(table).try_into().map_err(|e: toml::de::Error| {
            self.error(None, format!("[{name}]: {}", e.message()), "the keys of this section".into(), "correct the key")
        })
    }

    pub fn unique<'a>(&self, what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), EvalError> {
        let mut seen = BTreeSet::new();
        for name in names {
            if name.trim().is_empty() || !seen.insert(name) {
                return Err(self.error(
                    None,
                    format!("{what} `{name}` twice, or empty"),
                    "different names".into(),
                    "rename one",
                ));
            }
        }
        Ok(())
    }
}

/// The directory that paths are relative to.
pub(super) struct Root {
    pub root: PathBuf,
}

impl Root {
    pub fn one(&self, path: PathBuf) -> PathBuf {
        self.root.join(path)
    }

    pub fn all(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        paths.into_iter().map(|p| self.one(p)).collect()
    }
}

/// `base` with the keys of `over` in place of its own.
pub(super) fn merged(base: &Table, over: &Table) -> Table {
    let mut table = base.clone();
    table.extend(over.iter().map(|(k, v)| (k.clone(), v.clone())));
    table
}
