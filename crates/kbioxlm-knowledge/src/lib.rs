//! Concepts, terms, facts; readers for their sources; the knowledge base on disk; the mention matcher.
//!
//! [`build`](build()) reads tab-separated [`Sources`], joins the concepts that links declare the same, and writes a directory of
//! Parquet tables that any tool reads, with a manifest that holds the version of the format and the tables' hashes.
//! [`KnowledgeBase::open`] reads it back. A [`Matcher`] finds the terms of one language in text.

mod base;
mod build;
mod content;
mod error;
pub mod flags;
mod fold;
mod join;
mod matcher;
mod report;
mod script;
mod source;
mod store;
mod tables;
mod types;

pub use base::KnowledgeBase;
pub use build::build;
pub use error::{KnowledgeError, Result};
pub use fold::{TokenKind, folded_tokens, is_one_word, is_same_name};
pub use matcher::{Matcher, Mention};
pub use report::{BuildReport, FactReport, LanguageStats, LexiconReport, LinkReport, Stats};
pub use types::{Concept, ConceptIndex, Fact, RelationIndex, Sources, Term, TermIndex};
