//! Entity, fact and passage anchoring of documents; anchored examples on disk.
//!
//! [`build`] reads monolingual documents and aligned passages, finds the concepts of a knowledge base in them,
//! and writes one Parquet row an [`Example`]; [`Corpus`] reads them back. Every random choice belongs to one document
//! and depends on the seed and the document's id only, so the same input gives the same bytes on any number of threads.

mod aligned;
mod anchor;
mod build;
mod chunks;
mod config;
mod corpus;
mod documents;
mod entity;
mod error;
mod example;
mod fact;
mod filter;
mod passage;
mod passages;
mod read;
pub mod render;
mod report;
mod select;
pub mod stats;
mod switch;
mod table;
mod text;

pub use build::build;
pub use config::{Ambiguity, AnchorConfig, Balance, Languages, MinChars, Names, PassageSource, Synonyms, Texts};
pub use corpus::{Corpus, FORMAT_VERSION};
pub use error::{CorpusError, Result};
pub use example::{Example, Level, PassageLabel, Role, Segment, Source, Span, UnknownName};
pub use filter::SharedSequences;
pub use report::{CorpusReport, DocumentCounts, ExampleCounts, FilterCounts, LeftOut, PassageCounts, Reason};
pub use select::{Selection, sample};
pub use switch::{CodeSwitcher, Switched};
