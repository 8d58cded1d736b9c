//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic, a hang, or a record that
//! is not as [`Record`] promises is none.

use crate::{Obo, Reason, Record, Result, Sink, babelon, mesh, skos, tsv, umls, wikidata};
use std::path::Path;

/// Counts what a reader gives, and checks it.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct Count {
    /// Statements.
    pub records: usize,
    /// What was left out.
    pub dropped: usize,
}

impl Sink for Count {
    fn record(&mut self, _line: usize, record: Record<'_>) -> Result<()> {
        self.records += 1;
        let (ids, names) = match record {
            Record::Type { concept, semantic_type } => ([concept; 2], [semantic_type; 2]),
            Record::Term { concept, lang, text, .. } => ([concept, lang], [text; 2]),
            Record::Fact { head, relation, tail } => ([head, tail], [relation; 2]),
            Record::Link { a, b, .. } => ([a, b], [a; 2]),
            Record::Label { relation, lang, label } => ([relation, lang], [label; 2]),
        };
        for id in ids {
            assert!(!id.is_empty() && !id.contains(char::is_whitespace), "an id: {record:?}");
        }
        for name in names {
            assert!(!name.is_empty() && name.trim() == name && !name.contains('\n'), "a name: {record:?}");
        }
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

macro_rules! entries {
    ($($(#[$doc:meta])+ $name:ident: |$bytes:ident, $sink:ident| $read:expr;)+) => {
        $(
            $(#[$doc])+
            ///
            /// # Errors
            /// As of [`Source::read`](crate::Source::read).
            pub fn $name($bytes: &[u8]) -> Result<Count> {
                count(|$sink| $read)
            }
        )+
    };
}

entries! {
    /// The tables of the UMLS: MRCONSO, MRSTY, MRRANK, MRREL and MRDOC, separated by `%`.
    umls: |bytes, sink| umls::read_bytes(bytes, sink);
    /// Medical Subject Headings in XML.
    mesh: |bytes, sink| mesh::read_bytes(bytes, sink);
    /// SKOS as N-Triples.
    skos: |bytes, sink| skos::read_bytes(bytes, sink);
    /// An ontology as an OBO flat file.
    obo: |bytes, sink| Obo::new("fuzz.obo").read_twice(|| Ok(bytes), sink);
    /// A babelon table.
    babelon: |bytes, sink| babelon::read_bytes(bytes, sink);
    /// Entities of Wikidata, one a line.
    wikidata: |bytes, sink| wikidata::read_bytes(bytes, sink);
    /// A table of terms.
    lexicon: |bytes, sink| tsv::lexicon(Path::new("fuzz.tsv"), bytes, sink);
    /// A table of facts.
    facts: |bytes, sink| tsv::facts(Path::new("fuzz.tsv"), bytes, sink);
    /// A table of relation labels.
    labels: |bytes, sink| tsv::labels(Path::new("fuzz.tsv"), bytes, sink);
    /// A table of links.
    links: |bytes, sink| tsv::links(Path::new("fuzz.tsv"), bytes, sink);
}
