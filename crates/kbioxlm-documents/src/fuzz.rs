//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic or a hang is none.

use crate::archive::Archive;
use crate::cirrus::Cirrus;
use crate::document::paragraphs;
use crate::jats::Jats;
use crate::jsonl::Jsonl;
use crate::language;
use crate::medline::Medline;
use crate::normalise::{Normalised, normalise};
use crate::plain::Plain;
use crate::reader::{Raw, Reader};
use crate::sentences;
use kbioxlm_files::Result;
use std::path::Path;

/// Counts what a reader gives.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct Count {
    /// Documents.
    pub documents: usize,
    /// Bytes of their texts.
    pub bytes: usize,
}

fn count(mut reader: impl Reader) -> Result<Count> {
    let mut count = Count::default();
    while let Some(Raw { text, .. }) = reader.next()? {
        count.documents += 1;
        count.bytes += text.len();
        assert!(paragraphs(&text).iter().all(|p| text.get(p.clone()).is_some_and(|p| !p.trim().is_empty())));
    }
    Ok(count)
}

/// JSON lines.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn jsonl(bytes: &[u8]) -> Result<Count> {
    count(Jsonl::new(Path::new("fuzz.jsonl"), bytes))
}

/// PubMed's XML.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn medline(bytes: &[u8]) -> Result<Count> {
    count(Medline::new(Path::new("fuzz.xml"), bytes))
}

/// Articles in JATS.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn jats(bytes: &[u8]) -> Result<Count> {
    count(Jats::new(Path::new("fuzz.nxml"), "fuzz.nxml", bytes))
}

/// A package of articles.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn archive(bytes: &[u8]) -> Result<Count> {
    count(Archive::new(Path::new("fuzz.tar"), bytes))
}

/// A dump of CirrusSearch.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn cirrus(bytes: &[u8]) -> Result<Count> {
    count(Cirrus::new(Path::new("fuzz.json"), bytes))
}

/// Plain text, and what is done with any text: language, normalisation, sentences.
///
/// # Errors
/// As of [`Documents`](crate::Documents).
pub fn text(bytes: &[u8]) -> Result<Count> {
    let mut reader = Plain::new(Path::new("fuzz.txt"), "fuzz.txt", bytes);
    let Some(raw) = reader.next()? else { return Ok(Count::default()) };
    language::detect(&raw.text);
    let original = raw.text.len();
    let Normalised { text, map } = normalise(raw.text);
    let covered: usize = sentences(&text).into_iter().map(|sentence| map.text(map.original(sentence)).len()).sum();
    assert!(covered >= text.len() && map.original(0..text.len()).end <= original);
    Ok(Count { documents: 1, bytes: text.len() })
}
