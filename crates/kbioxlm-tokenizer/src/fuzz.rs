//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic or a hang is none.

use crate::{LoadError, Unigram};

/// A `tokenizer.json`, and behind a line feed and a zero a text for it; returns the number of pieces.
///
/// # Errors
/// As of [`Unigram::from_json`].
pub fn tokenizer(bytes: &[u8]) -> Result<usize, LoadError> {
    let text = String::from_utf8_lossy(bytes);
    let (json, text) = text.split_once("\n\0").unwrap_or((&text, "Several  words,\u{200b} ｅtc.\u{301} 中文▁"));
    let encoding = Unigram::from_json(json)?.encode(text);
    Ok(encoding.ids.len())
}
