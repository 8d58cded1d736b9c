use crate::{FileError, Lines, Result, open};
use serde::de::DeserializeOwned;
use std::io::{BufRead, Read};
use std::path::Path;

pub(crate) const TO_UTF8: &str = "convert the file to UTF-8 (for example with `iconv -t UTF-8`)";

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
    Ok(jsonl_rows(path, Lines::open(path)?, expected))
}

/// As [`read_jsonl`], of lines from anywhere; errors name `path`.
pub fn jsonl_rows<T: DeserializeOwned, R: BufRead>(
    path: &Path,
    lines: Lines<R>,
    expected: &'static str,
) -> impl Iterator<Item = Result<(usize, T)>> + use<T, R> {
    let owned = path.to_owned();
    lines.filter(|l| !matches!(l, Ok((_, t)) if t.trim().is_empty())).map(move |line| {
        let (number, text) = line?;
        serde_json::from_str(&text)
            .map(|value| (number, value))
            .map_err(|e| json_line_error(&owned, number, &e, expected))
    })
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

/// The error about a line that is not the JSON that it has to be; `expected` says in words what it holds.
pub fn json_line_error(path: &Path, line: usize, error: &serde_json::Error, expected: &str) -> FileError {
    FileError::content(path, line, json_message(error), expected, "correct or remove this line")
}

/// serde_json ends its message with a position within the line, which here would read as one in the file.
fn json_message(e: &serde_json::Error) -> String {
    let message = e.to_string();
    match message.rfind(" at line ") {
        Some(end) => format!("{} (column {})", &message[..end], e.column()),
        None => message,
    }
}

/// Reads a whole UTF-8 file, decompressed as by [`open`].
///
/// # Errors
/// The file cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|e| FileError::io(path, "read", e))?;
    utf8(path, bytes)
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
