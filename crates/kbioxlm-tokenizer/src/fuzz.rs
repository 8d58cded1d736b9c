//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic or a hang is none.

use crate::charsmap::Charsmap;
use crate::normalize::{Mapping, Normalized, Normalizer};
use crate::plain::CharSet;
use crate::{LoadError, Unigram};

/// What a table of replacements may know.
const TEXT: &str =
    "Several  words,\u{200b} ｅtc.\u{301}e\u{301} \r\n\u{1}中文▁ﬁ，\u{3000}\u{1f469}\u{200d}\u{2695}\u{fe0f}";

/// A `tokenizer.json`, and behind a line feed and a zero a text for it; returns the number of pieces.
///
/// # Errors
/// As of [`Unigram::from_json`].
pub fn tokenizer(bytes: &[u8]) -> Result<usize, LoadError> {
    let text = String::from_utf8_lossy(bytes);
    let (json, text) = text.split_once("\n\0").unwrap_or((&text, TEXT));
    let encoding = Unigram::from_json(json)?.encode(text);
    Ok(encoding.ids.len())
}

/// A `precompiled_charsmap`, decoded; returns the length of a text that it was used on.
///
/// # Errors
/// As of [`Unigram::from_json`].
pub fn charsmap(bytes: &[u8]) -> Result<usize, LoadError> {
    // That every character is looked up gives the same text, and the table of those that need not be takes its time.
    let mapping = Mapping::Charsmap { map: Charsmap::new(bytes)?, unchanged: CharSet::new(|_| false) };
    let normalizer = Normalizer { mapping, strip_left: true, strip_right: true, collapse_spaces: true };
    let mut normalized = Normalized::default();
    let range = normalizer.apply(TEXT, &mut normalized);
    let mut cursor = 0;
    for (at, c) in normalized.text(TEXT)[range.clone()].char_indices() {
        let begin = range.start + at;
        let _ = &TEXT[normalized.original(begin..begin + c.len_utf8(), &mut cursor)];
    }
    Ok(range.len())
}
