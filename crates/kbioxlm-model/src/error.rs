use kbioxlm_files::FileError;
use std::path::Path;

/// Result of an operation on models.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

/// What went wrong with a model directory, its tokenizer or its tensors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file is missing, unreadable, or holds something else than it should; the message names file and key.
    #[error(transparent)]
    File(#[from] FileError),
    /// The tokenizer refused a text.
    #[error("the tokenizer cannot encode the text {text:?}: {message}")]
    Tokenize {
        /// The beginning of the text.
        text: String,
        /// The tokenizer's own words.
        message: String,
    },
    /// The heads asked for cannot stand in one model directory.
    #[error(
        "found a token classification head and a sequence classification head, expected at most one of them: \
         both are stored under `classifier`; use one model directory per task"
    )]
    TwoTaskHeads,
    /// The labels do not fit the classification head.
    #[error(
        "found {labels} labels, expected {outputs}, one for each output of the classification head; pass one name per output"
    )]
    Labels {
        /// Number of names passed.
        labels: usize,
        /// Outputs of the head.
        outputs: usize,
    },
    /// The device is not in this build.
    #[error(
        "device `{name}`: found a program that was built without it; build it with `cargo build --release --features {name}` or \
         use the device `cpu`"
    )]
    Device {
        /// Name of the device and of the feature.
        name: &'static str,
    },
    /// What stands for a device is none.
    #[error(
        "found the device `{0}`, expected `cpu`, or `cuda`, `rocm`, `metal`, `vulkan` or `webgpu`, with a number as in `cuda:1` \
         for another than the first; correct it"
    )]
    DeviceChoice(String),
    /// The device was chosen too late.
    #[error("the device was to be chosen after another one was in use; choose it first")]
    DeviceInUse,
}

impl ModelError {
    /// `path: found …, expected …; help`
    pub(crate) fn content(
        path: &Path,
        found: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        FileError::content(path, None, found, expected, help).into()
    }
}
