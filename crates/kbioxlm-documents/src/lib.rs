//! Documents and their readers, normalisation with offsets, sentences, languages.
//!
//! A [`TextSource`] names a file or directory and what it holds; [`TextSource::documents`] reads it as a stream of [`Document`]s.

mod archive;
mod cirrus;
mod document;
mod documents;
mod files;
mod format;
pub mod fuzz;
mod jats;
mod jsonl;
mod language;
mod medline;
pub mod normalise;
mod plain;
mod prose;
mod reader;
mod sentences;
mod source;

pub use document::Document;
pub use documents::{Documents, Skipped};
pub use format::Format;
pub use language::detect as detect_language;
pub use normalise::OffsetMap;
pub use sentences::sentences;
pub use source::TextSource;
