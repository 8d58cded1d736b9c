//! Concepts, terms, facts; readers for their sources; the knowledge base on disk; the mention matcher.
//!
//! [`build`](build()) reads the [`Source`]s of a [`Description`], joins the concepts that are the same, rules out names that would
//! do harm, and writes a directory: a file that [`KnowledgeBase::open`] maps into memory, the same content as Parquet tables
//! that any tool reads, and a report. A [`Matcher`] finds the terms of one language in text.

mod base;
mod build;
mod content;
mod error;
pub mod flags;
mod fold;
pub mod fuzz;
mod intern;
mod matcher;
mod report;
#[cfg(test)]
mod roundtrip;
mod script;
mod search;
mod store;
mod tables;
mod types;
mod validate;

pub use base::KnowledgeBase;
pub use build::{Description, MergeOptions, TermOptions, build, build_observed, read_report};
pub use error::{KnowledgeError, Result};
pub use fold::{TokenKind, folded_tokens, is_one_word, is_same_name};
pub use kbioxlm_sources::Source;
pub use matcher::{Matcher, Mention};
pub use report::{
    AmbiguousName, BuildReport, Dropped, FactReport, LanguageStats, LinkReport, MergeReport, NameRule, SourceReport,
    Stats,
};
pub use search::{ConceptSummary, Name, Statement};
pub use types::{Concept, ConceptIndex, Fact, RelationIndex, Term, TermIndex};
