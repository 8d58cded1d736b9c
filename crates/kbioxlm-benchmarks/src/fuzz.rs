//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic, a hang, or a span that is
//! not of its text is none.

use crate::conll::{self, Conll, Join};
use crate::jsonl;
use kbioxlm_files::{Lines, Result};
use std::path::Path;

const PATH: &str = "memory";

/// CoNLL, joined as the file suggests; gives the number of tokens.
///
/// # Errors
/// As of [`read_conll`](crate::read_conll).
pub fn conll(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    let Conll { documents, .. } = conll::read(path, Lines::new(path, bytes), Join::Auto)?;
    for document in &documents {
        let mut before = (0, 0);
        for token in &document.tokens {
            let text = document.text.get(token.bytes.clone()).unwrap_or_default();
            assert!(!text.is_empty() && text.chars().count() == token.chars.len(), "{token:?}");
            assert!(before <= (token.bytes.start, token.chars.start), "{token:?}");
            before = (token.bytes.end, token.chars.end);
        }
        assert_eq!(document.sentences.iter().map(|sentence| sentence.len()).sum::<usize>(), document.tokens.len());
        for entity in &document.entities {
            assert!(entity.start < entity.end && entity.end <= document.tokens.len(), "{entity:?}");
        }
    }
    Ok(documents.iter().map(|document| document.tokens.len()).sum())
}

/// JSONL with a label a document, or else with several; gives the number of documents.
///
/// # Errors
/// As of [`read_multilabel`](crate::read_multilabel).
pub fn jsonl(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    jsonl::classification(path, Lines::new(path, bytes))
        .map(|rows| rows.len())
        .or_else(|_| jsonl::multilabel(path, Lines::new(path, bytes)).map(|rows| rows.len()))
}
