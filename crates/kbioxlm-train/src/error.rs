use kbioxlm_corpus::CorpusError;
use kbioxlm_files::FileError;
use kbioxlm_model::ModelError;
use std::path::PathBuf;

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The anchored corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The model or its tokenizer cannot be read, written or used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A setting has a value that cannot work.
    #[error("`{key}` is {found}, expected {expected}; {help}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// Its value.
        found: String,
        /// What would work.
        expected: String,
        /// What to do, as an imperative.
        help: String,
    },
    /// An example of the corpus does not hold together.
    #[error("example `{id}`: found {found}, expected {expected}; build the corpus again")]
    Example {
        /// Id of the example.
        id: String,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A training item does not fit the task or the model.
    #[error("training item {index} (counted from 0): found {found}, expected {expected}")]
    Item {
        /// Number of the item in the slice given.
        index: usize,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A corpus or a list of items without content.
    #[error("{what}: found nothing to train on, expected at least one example; {help}")]
    Nothing {
        /// What is empty.
        what: String,
        /// What to do, as an imperative.
        help: &'static str,
    },
    /// The output directory holds a checkpoint of another run.
    #[error(
        "{path}: found a checkpoint of another run ({differences}), expected one of this configuration, model and \
         corpus; give another output directory, restore the former settings, or delete the directory to start anew",
        path = path.display()
    )]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// Which settings differ, with both values.
        differences: String,
    },
    /// The loss or the gradient is no longer a number.
    #[error("step {step}: found a {what} that is not a finite number; lower the learning rate or lengthen the warm-up")]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// `loss` or `gradient norm`.
        what: &'static str,
    },
}
