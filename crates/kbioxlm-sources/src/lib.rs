//! Readers of knowledge sources: each turns one format into a stream of records.
//!
//! A [`Source`] names a file (or directory) and its format; [`Source::read`] gives what it says, one [`Record`] after
//! the other, to a [`Sink`]. Readers stream: their memory does not grow with the file. They decide what a row *says*, and drop what
//! they were told to leave out, each with a [`Reason`]; what is done with it (joining, ranking, filtering of names) is the sink's business.

mod babelon;
pub mod curie;
pub mod fuzz;
mod labels;
mod lang;
mod list;
mod mesh;
mod obo;
mod record;
mod relation;
mod skos;
mod source;
mod text;
mod tsv;
mod umls;
mod wikidata;

pub use babelon::{Babelon, Status};
pub use kbioxlm_files::{FileError, Result};
pub use labels::relation_labels;
pub use mesh::Mesh;
pub use obo::{Obo, Scope};
pub use record::{LinkReason, Reason, Record, Sink};
pub use skos::Skos;
pub use source::{Source, TsvFile};
pub use umls::Umls;
pub use wikidata::Wikidata;
