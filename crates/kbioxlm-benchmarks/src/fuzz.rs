//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic, a hang, or a span that is
//! not of its text is none.

use crate::annotated::Collector;
use crate::conll::{self, Conll, Join};
use crate::{bioc, brat, jsonl, pubtator, spans};
use kbioxlm_files::{Lines, Result, utf8};
use std::path::Path;

const PATH: &str = "memory";

/// CoNLL, joined as the file suggests; gives the number of tokens.
///
/// # Errors
/// As of [`read_conll`](crate::read_conll).
pub fn conll(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    conll::read(path, Lines::new(path, bytes), Join::Auto).map(|conll| check(&conll))
}

/// PubTator; gives the number of tokens.
///
/// # Errors
/// As of [`read_entities`](crate::read_entities).
pub fn pubtator(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    pubtator::read(path, Lines::new(path, bytes)).map(|conll| check(&conll))
}

/// BioC XML; gives the number of tokens.
///
/// # Errors
/// As of [`read_entities`](crate::read_entities).
pub fn bioc(bytes: &[u8]) -> Result<usize> {
    bioc::read(Path::new(PATH), bytes).map(|conll| check(&conll))
}

/// JSONL with spans; gives the number of tokens.
///
/// # Errors
/// As of [`read_entities`](crate::read_entities).
pub fn entities(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    spans::read(path, Lines::new(path, bytes)).map(|conll| check(&conll))
}

/// A pair of BRAT's files: the text, a zero byte, the annotations; gives the number of tokens.
///
/// # Errors
/// As of [`read_entities`](crate::read_entities).
pub fn brat(bytes: &[u8]) -> Result<usize> {
    let path = Path::new(PATH);
    let (text, annotations) = bytes.split_at(bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()));
    let annotations = annotations.strip_prefix(&[0]).unwrap_or(annotations);
    let mut collector = Collector::default();
    let text = utf8(path, text.to_vec())?;
    brat::read_pair(&mut collector, "1".to_owned(), text, path, Lines::new(path, annotations))?;
    collector.finish(path).map(|conll| check(&conll))
}

/// What is promised of documents with entities; gives the number of tokens.
pub(crate) fn check(conll: &Conll) -> usize {
    for document in &conll.documents {
        let mut before = (0, 0);
        for token in &document.tokens {
            let text = document.text.get(token.bytes.clone()).unwrap_or_default();
            assert!(!text.is_empty() && text.chars().count() == token.chars.len(), "{token:?}");
            assert!(before <= (token.bytes.start, token.chars.start), "{token:?}");
            before = (token.bytes.end, token.chars.end);
        }
        let mut next = 0;
        for sentence in &document.sentences {
            assert!(sentence.start == next && sentence.end > next, "{sentence:?}");
            next = sentence.end;
        }
        assert_eq!(next, document.tokens.len());
        let mut free = 0;
        for entity in &document.entities {
            assert!(
                free <= entity.start && entity.start < entity.end && entity.end <= document.tokens.len(),
                "{entity:?}"
            );
            free = entity.end;
        }
    }
    conll.documents.iter().map(|document| document.tokens.len()).sum()
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
