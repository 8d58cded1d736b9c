use kbioxlm_files::FileError;
use kbioxlm_knowledge::KnowledgeError;
use std::path::{Path, PathBuf};

/// Result of building or reading a corpus.
pub type Result<T, E = CorpusError> = std::result::Result<T, E>;

/// Why a corpus could not be built or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file is missing, unreadable or not what it has to be; the message names file and line.
    #[error(transparent)]
    File(#[from] FileError),
    /// The knowledge base cannot be searched in a language.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// A setting that cannot be followed.
    #[error("{key}: found {found}, expected {expected}; {help}")]
    Setting {
        /// The key in [`AnchorConfig`](crate::AnchorConfig).
        key: &'static str,
        /// Its value, or what stands in its way.
        found: String,
        /// What it should be.
        expected: String,
        /// What to do.
        help: String,
    },
    /// The tokens of an example could not be counted.
    #[error("example `{id}`: {message}; use the tokenizer of the model that is to be trained")]
    Tokens {
        /// The example.
        id: String,
        /// What the tokenizer said.
        message: String,
    },
    /// The Parquet library could not write or read the examples.
    #[error("{path}: cannot {action} the examples: {message}", path = path.display())]
    Table {
        /// The Parquet file.
        path: PathBuf,
        /// `write` or `read`.
        action: &'static str,
        /// What the library said.
        message: String,
    },
}

impl CorpusError {
    pub(crate) fn setting(
        key: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Setting { key, found: found.into(), expected: expected.into(), help: help.into() }
    }

    pub(crate) fn table(path: &Path, action: &'static str, message: impl ToString) -> Self {
        Self::Table { path: path.to_owned(), action, message: message.to_string() }
    }
}
