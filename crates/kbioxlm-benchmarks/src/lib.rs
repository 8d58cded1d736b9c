//! Readers of annotated benchmarks: [texts with entities](read_entities) in CoNLL, JSONL, BRAT standoff, PubTator or BioC XML, as
//! running text with gold spans; JSONL with [one](read_classification) or [several](read_multilabel) labels a document. A file that
//! is not as it should be is an error with its line.

mod annotated;
mod bio;
mod bioc;
mod brat;
mod conll;
mod entities;
pub mod fuzz;
mod jsonl;
mod pubtator;
mod spans;

pub use annotated::Simplified;
pub use bio::{NotATag, Orphan, Tag, TokenSpan, spans};
pub use conll::{Conll, Document, Join, Token, read_conll, write_conll};
pub use entities::{Format, read_benchmark_texts, read_entities};
pub use jsonl::{Labelled, Mention, read_classification, read_multilabel};
