//! Plain text: a document a file.

use crate::format::stem;
use crate::reader::{Raw, Reader};
use kbioxlm_files::{FileError, Result, utf8};
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// Largest file, in bytes: a document is held in memory.
const MAX_SIZE: usize = 64 << 20;

pub(crate) struct Plain<R> {
    path: PathBuf,
    id: String,
    reader: Option<R>,
}

impl<R: BufRead> Plain<R> {
    /// `name` is the path below the source's directory.
    pub(crate) fn new(path: &Path, name: &str, reader: R) -> Self {
        Self { path: path.to_owned(), id: stem(name).to_owned(), reader: Some(reader) }
    }
}

impl<R: BufRead> Reader for Plain<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        let Some(reader) = self.reader.take() else { return Ok(None) };
        let mut bytes = Vec::new();
        reader.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes).map_err(|e| FileError::io(&self.path, "read", e))?;
        if bytes.len() > MAX_SIZE {
            let found = format!("a text of more than {} MiB", MAX_SIZE >> 20);
            return Err(FileError::content(&self.path, None, found, "a document a file", "cut it into several files"));
        }
        // A byte-order mark would become part of the first word.
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let text = utf8(&self.path, bytes)?;
        Ok(Some(Raw { id: std::mem::take(&mut self.id), lang: None, text, subject: None, line: 1 }))
    }
}
