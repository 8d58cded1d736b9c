use crate::{FileError, Result};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes: input without line ends must not fill the memory.
const MAX_LINE: usize = 64 << 20;

const TO_UTF8: &str = "convert the file to UTF-8 (for example with `iconv -t UTF-8`)";

/// The lines of a UTF-8 file as (line number from 1, text without its line end).
///
/// A byte that is not UTF-8 and an over-long line end the reading with an error that names the line.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: usize,
    buffer: Vec<u8>,
}

impl Lines {
    /// Opens `path` for reading line by line.
    ///
    /// # Errors
    /// [`FileError::Io`] when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| FileError::io(path, "open", e))?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 18, file),
            number: 0,
            buffer: Vec::new(),
        })
    }

    fn read(&mut self) -> Result<Option<(usize, String)>> {
        use std::io::Read;
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
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Some((self.number, text.to_owned()))),
            Err(e) => {
                let at = e.valid_up_to();
                Err(FileError::content(
                    &self.path,
                    self.number,
                    format!("byte 0x{:02x} at column {}", line.get(at).copied().unwrap_or_default(), at + 1),
                    "UTF-8 text",
                    TO_UTF8,
                ))
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<(usize, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A tab-separated table with a header line; columns are found by name, never by position.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    lines: Lines,
    width: usize,
    columns: Vec<usize>,
}

impl Table {
    /// Opens a table that has (at least) the `columns` named; rows yield their cells in this order.
    ///
    /// # Errors
    /// The file cannot be read, is empty, or lacks a column.
    pub fn open(path: &Path, columns: &[&str]) -> Result<Self> {
        let mut lines = Lines::open(path)?;
        let wanted = || format!("a header line with the tab-separated columns {}", columns.join(", "));
        let Some(header) = lines.next() else {
            return Err(FileError::content(
                path,
                None,
                "an empty file",
                wanted(),
                "check that the file was written completely",
            ));
        };
        let (number, header) = header?;
        let names: Vec<&str> = header.split('\t').collect();
        let position = |column: &&str| {
            names.iter().position(|n| n == column).ok_or_else(|| {
                FileError::content(
                    path,
                    number,
                    format!("the columns {}", names.join(", ")),
                    format!("a column `{column}`"),
                    "add the column or rename the one that holds it",
                )
            })
        };
        let columns = columns.iter().map(position).collect::<Result<Vec<_>>>()?;
        Ok(Self { path: path.to_owned(), lines, width: names.len(), columns })
    }
}

impl Iterator for Table {
    /// (line number, cells in the order of the columns asked for)
    type Item = Result<(usize, Vec<String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, line) = match self.lines.next()? {
            Ok(line) => line,
            Err(e) => return Some(Err(e)),
        };
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != self.width {
            return Some(Err(FileError::content(
                &self.path,
                number,
                format!("{} cells", cells.len()),
                format!("{} cells, as in the header line", self.width),
                "separate the cells by single tabs, also empty ones",
            )));
        }
        Some(Ok((number, self.columns.iter().map(|&c| cells[c].to_owned()).collect())))
    }
}

/// The rows of a JSONL file as (line number, value); empty lines are passed over.
///
/// `expected` says in words what a line holds, for the error: `an object with "id" and "text"`.
///
/// # Errors
/// The file cannot be opened; each item: the line is not UTF-8, not JSON, or not a `T`.
pub fn read_jsonl<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
) -> Result<impl Iterator<Item = Result<(usize, T)>> + use<T>> {
    let owned = path.to_owned();
    Ok(Lines::open(path)?.filter(|l| !matches!(l, Ok((_, t)) if t.trim().is_empty())).map(move |line| {
        let (number, text) = line?;
        serde_json::from_str(&text)
            .map(|value| (number, value))
            .map_err(|e| FileError::content(&owned, number, json_message(&e), expected, "correct or remove this line"))
    }))
}

/// Reads a JSON file into `T`; `expected` says in words what it holds.
///
/// # Errors
/// The file cannot be read, is not JSON, or not a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path, expected: &str) -> Result<T> {
    serde_json::from_str(&read_text(path)?).map_err(|e| {
        FileError::content(path, e.line(), json_message(&e), expected, "restore the file from where it came from")
    })
}

/// serde_json ends its message with a position within the line, which here would read as one in the file.
fn json_message(e: &serde_json::Error) -> String {
    let message = e.to_string();
    match message.rfind(" at line ") {
        Some(end) => format!("{} (column {})", &message[..end], e.column()),
        None => message,
    }
}

/// Reads a whole UTF-8 file.
///
/// # Errors
/// The file cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    utf8(path, std::fs::read(path).map_err(|e| FileError::io(path, "read", e))?)
}

/// Takes bytes that came from `path` as UTF-8.
///
/// # Errors
/// A byte that is not UTF-8, with its line.
pub fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1;
        let found = format!("byte 0x{:02x}", e.as_bytes()[at]);
        FileError::content(path, line, found, "UTF-8 text", TO_UTF8)
    })
}

/// Creates a directory and its parents.
///
/// # Errors
/// [`FileError::Io`].
pub fn create_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| FileError::io(path, "create", e))
}
