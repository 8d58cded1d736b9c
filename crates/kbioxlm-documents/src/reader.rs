use kbioxlm_files::{FileError, Result};
use std::path::Path;

/// Longest text of a document that is put together from pieces, in bytes: one document is held in memory.
pub(crate) const MAX_DOCUMENT: usize = 64 << 20;

/// A document as its file says it: language and paragraphs are settled later, in one place for all formats.
#[derive(Default)]
pub(crate) struct Raw {
    pub id: String,
    pub lang: Option<String>,
    /// Empty lines separate paragraphs.
    pub text: String,
    pub subject: Option<String>,
    /// The line that it begins in.
    pub line: usize,
}

/// The documents of one file.
pub(crate) trait Reader {
    fn next(&mut self) -> Result<Option<Raw>>;

    /// Pages that are no articles, up to now.
    fn passed_over(&self) -> u64 {
        0
    }
}

pub(crate) fn too_long(path: &Path, line: impl Into<Option<usize>>) -> FileError {
    let found = format!("a document of more than {} MiB", MAX_DOCUMENT >> 20);
    FileError::content(path, line, found, "an article", "check that this is the file you meant")
}
