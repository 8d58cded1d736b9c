use crate::files::files;
use crate::{Documents, Format};
use kbioxlm_files::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A file of texts.
#[derive(Clone, Eq, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSource {
    /// The file, or a directory whose files are read in the order of their names, with those of the directories in it.
    /// May be compressed with gzip, bzip2 or Zstandard.
    pub path: PathBuf,
    /// What it holds; without it, what the file's name says (`.jsonl`, `.txt`, `.xml`, `.nxml`, …). Of a directory, the files of other
    /// names are passed over.
    pub format: Option<Format>,
    /// Language of the texts as the knowledge base names it; without it each document's own, as the file declares it or as it is
    /// detected, which is slower than reading. [`Documents::skipped`] counts those of which it remains unknown.
    pub lang: Option<String>,
    /// Normalise the texts (see [`normalise`](crate::normalise::normalise)). Default: they stay as they came.
    #[serde(default)]
    pub normalise: bool,
}

impl TextSource {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The files that are read, in their order, with their names below the directory.
    ///
    /// # Errors
    /// The file is missing, or its format cannot be told.
    pub fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        Ok(files(&self.path, self.format)?.into_iter().map(|file| (file.name, file.path)).collect())
    }

    /// The documents, in the order of the files and in them; memory does not grow with the files.
    ///
    /// # Errors
    /// The file is missing, or its format cannot be told; each item: bad input with file and line. Nothing follows an error.
    pub fn documents(&self) -> Result<Documents> {
        Documents::open(self)
    }
}
