use kbioxlm_corpus::CorpusError;
use kbioxlm_files::FileError;
use kbioxlm_model::ModelError;
use kbioxlm_train::TrainError;

/// Why a model could not be fine-tuned or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A file is missing, unreadable or not what it has to be; the message names file and line.
    #[error(transparent)]
    File(#[from] FileError),
    /// The anchored corpus.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The model, its directory or its tokenizer.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Fine-tuning.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A setting that cannot be followed.
    #[error("{key}: found {found}, expected {expected}; {help}")]
    Setting {
        /// The key.
        key: String,
        /// Its value, or what stands in its way.
        found: String,
        /// What it should be.
        expected: String,
        /// What to do.
        help: String,
    },
}

impl EvalError {
    pub(crate) fn setting(
        key: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Setting { key: key.into(), found: found.into(), expected: expected.into(), help: help.into() }
    }
}
