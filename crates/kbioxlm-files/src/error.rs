use crate::open::damage;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Result of reading or writing a file.
pub type Result<T, E = FileError> = std::result::Result<T, E>;

/// What went wrong with a file: where, what was found, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}{help}", path = path.display(), help = remedy(source))]
    Io {
        /// File or directory concerned.
        path: PathBuf,
        /// What was attempted, as a verb: `read`, `write`, `rename`.
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The content is not what it has to be.
    #[error("{path}{at}: found {found}, expected {expected}; {help}", path = path.display(), at = place(*line))]
    Content {
        /// File concerned.
        path: PathBuf,
        /// Line, counted from 1, where the content has lines.
        line: Option<usize>,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
        /// What the user can do about it, as an imperative: `re-export the table as UTF-8`.
        help: String,
    },
}

fn place(line: Option<usize>) -> String {
    line.map(|l| format!(":{l}")).unwrap_or_default()
}

/// What helps against a full disk: a run that has to stop there can be repeated, since nothing half-written remains.
fn remedy(source: &std::io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::StorageFull => "; make room on the disk, then run the same command again",
        ErrorKind::QuotaExceeded => "; make room within your quota, then run the same command again",
        ErrorKind::FileTooLarge => {
            "; raise the limit on the size of files (`ulimit -f`), then run the same command again"
        }
        _ => "",
    }
}

impl FileError {
    /// An [`FileError::Io`] for `path`; `action` is a verb. Where `source` says that what [`open`](crate::open)
    /// decompresses is damaged, a [`FileError::Content`] that says so.
    pub fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        if let Some(damaged) = damage(path, &source) {
            return damaged;
        }
        Self::Io { path: path.to_owned(), action, source }
    }

    /// A [`FileError::Content`]: `path:line: found …, expected …; help`.
    pub fn content(
        path: &Path,
        line: impl Into<Option<usize>>,
        found: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Content {
            path: path.to_owned(),
            line: line.into(),
            found: found.into(),
            expected: expected.into(),
            help: help.into(),
        }
    }
}
