use kbioxlm_files::FileError;
use std::path::PathBuf;

/// Why a knowledge base could not be built, opened or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// A source or table is missing, unreadable or not what it has to be; the message names file and line.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing to build from.
    #[error("found no lexicon, expected at least one; name the files that hold the terms")]
    NoLexicon,
    /// A table could not be written as Parquet.
    #[error("{path}: cannot write the table: {message}", path = path.display())]
    Table {
        /// The table's file.
        path: PathBuf,
        /// What the Parquet library said.
        message: String,
    },
    /// More entries than their numbers can count.
    #[error("found more than {limit} {what}, expected fewer; leave some of the sources out")]
    TooMany {
        /// What there is too much of: `concepts`, `terms`, `relations`.
        what: &'static str,
        /// The largest number possible.
        limit: u64,
    },
    /// There is nothing to look for in this language.
    #[error(
        "found no terms in the language `{lang}` that text can be searched for, expected one of {known}; \
         choose one of these or build the knowledge base with a lexicon of `{lang}`"
    )]
    NoTerms {
        /// The language asked for.
        lang: String,
        /// The languages that the knowledge base has.
        known: String,
    },
}

/// Result of an operation on knowledge.
pub type Result<T, E = KnowledgeError> = std::result::Result<T, E>;
