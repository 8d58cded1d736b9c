//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic or a hang is none.

use crate::{Obo, Reason, Record, Result, Sink, babelon, mesh, skos, umls, wikidata};

/// Counts what a reader gives.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct Count {
    /// Statements.
    pub records: usize,
    /// What was left out.
    pub dropped: usize,
}

impl Sink for Count {
    fn record(&mut self, _line: usize, _record: Record<'_>) -> Result<()> {
        self.records += 1;
        Ok(())
    }

    fn dropped(&mut self, _line: usize, _reason: Reason, _what: &str) {
        self.dropped += 1;
    }
}

fn count(read: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<Count> {
    let mut count = Count::default();
    read(&mut count)?;
    Ok(count)
}

/// The tables of the UMLS: MRCONSO, MRSTY, MRRANK and MRREL, separated by `%`.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn umls(bytes: &[u8]) -> Result<Count> {
    count(|sink| umls::read_bytes(bytes, sink))
}

/// Medical Subject Headings in XML.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn mesh(bytes: &[u8]) -> Result<Count> {
    count(|sink| mesh::read_bytes(bytes, sink))
}

/// SKOS as N-Triples.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn skos(bytes: &[u8]) -> Result<Count> {
    count(|sink| skos::read_bytes(bytes, sink))
}

/// An ontology as an OBO flat file.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn obo(bytes: &[u8]) -> Result<Count> {
    count(|sink| Obo::new("fuzz.obo").read_twice(|| Ok(bytes), sink))
}

/// A babelon table.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn babelon(bytes: &[u8]) -> Result<Count> {
    count(|sink| babelon::read_bytes(bytes, sink))
}

/// Entities of Wikidata, one a line.
///
/// # Errors
/// As of [`Source::read`](crate::Source::read).
pub fn wikidata(bytes: &[u8]) -> Result<Count> {
    count(|sink| wikidata::read_bytes(bytes, sink))
}
