//! Documents and their readers, normalisation with offsets, sentences, languages.

mod document;

pub use document::{Document, Format, TextSource};
