//! Documents and their readers, normalisation with offsets, sentences, languages.
//!
//! A [`TextSource`] names a file or directory and what it holds; [`TextSource::documents`] reads it as a stream of [`Document`]s.

mod document;
mod documents;
mod files;
mod format;
mod jsonl;
mod language;
pub mod normalise;
mod plain;
mod reader;
mod source;

pub use document::Document;
pub use documents::{Documents, Skipped};
pub use format::Format;
pub use normalise::OffsetMap;
pub use source::TextSource;
