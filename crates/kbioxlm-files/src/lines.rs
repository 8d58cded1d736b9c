use crate::input::TO_UTF8;
use crate::{FileError, Input, Result, open};
use std::fmt;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes: input without line ends must not fill the memory.
const MAX_LINE: usize = 64 << 20;

/// The lines of a UTF-8 file as (line number from 1, text without its line end).
///
/// A byte that is not UTF-8 and an over-long line end the reading with an error that names the line.
pub struct Lines<R = Input> {
    path: PathBuf,
    reader: R,
    number: usize,
    buffer: Vec<u8>,
    failed: bool,
}

impl Lines {
    /// Opens `path` for reading line by line; compressed files are decompressed as by [`open`].
    ///
    /// # Errors
    /// [`FileError::Io`] when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::new(path, open(path)?))
    }
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`; errors name `path`.
    pub fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), reader, number: 0, buffer: Vec::new(), failed: false }
    }

    /// The next line, without an allocation of its own; `None` at the end and after an error.
    ///
    /// # Errors
    /// The line cannot be read, is too long or is not UTF-8.
    pub fn next_line(&mut self) -> Result<Option<(usize, &str)>> {
        if self.failed {
            return Ok(None);
        }
        // Until the line is known to be good: a reader that has failed might give the same error for ever.
        self.failed = true;
        self.buffer.clear();
        let read = (&mut self.reader)
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|e| FileError::io(&self.path, "read", e))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read > MAX_LINE {
            return Err(FileError::content(
                &self.path,
                self.number,
                format!("a line of more than {} MiB", MAX_LINE >> 20),
                "text in lines",
                "check that this is the file you meant",
            ));
        }
        let mut line = self.buffer.as_slice();
        if let [rest @ .., b'\n'] = line {
            line = rest;
        }
        if let [rest @ .., b'\r'] = line {
            line = rest;
        }
        if self.number == 1 {
            // A byte-order mark would otherwise become part of the first column's name.
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let text = std::str::from_utf8(line).map_err(|e| {
            let at = e.valid_up_to();
            FileError::content(
                &self.path,
                self.number,
                format!("byte 0x{:02x} at column {}", line.get(at).copied().unwrap_or_default(), at + 1),
                "UTF-8 text",
                TO_UTF8,
            )
        })?;
        self.failed = false;
        Ok(Some((self.number, text)))
    }
}

impl<R> fmt::Debug for Lines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("path", &self.path).field("number", &self.number).finish_non_exhaustive()
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(usize, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map(|line| line.map(|(number, text)| (number, text.to_owned()))).transpose()
    }
}
