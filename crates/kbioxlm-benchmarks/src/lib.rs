//! Readers of annotated benchmarks: [CoNLL](read_conll) as running text with gold spans, JSONL with [one](read_classification) or
//! [several](read_multilabel) labels a document. A file that is not as it should be is an error with its line.

mod bio;
mod conll;
pub mod fuzz;
mod jsonl;

pub use bio::{NotATag, Orphan, Tag, TokenSpan, spans};
pub use conll::{Conll, Document, Join, Token, read_conll};
pub use jsonl::{Labelled, read_classification, read_multilabel};
