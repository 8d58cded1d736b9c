use crate::Result;
use std::fmt;

/// One statement of a source. Ids are as in [`Source`](crate::Source): with the vocabulary before a colon (`HP:0000822`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Record<'a> {
    /// What kind of thing a concept is. A concept may have several types, or none.
    Type {
        /// Id of the concept.
        concept: &'a str,
        /// As the source says it: `Disease or Syndrome`.
        semantic_type: &'a str,
    },
    /// A name of a concept.
    Term {
        /// Id of the concept.
        concept: &'a str,
        /// Language tag: `en`, `zh`, `zh-Hant`.
        lang: &'a str,
        /// The name; neither empty nor with white space around it.
        text: &'a str,
        /// The source's first choice among the names of this concept in this language.
        preferred: bool,
        /// Remarks on the name, in the words of the knowledge base's `flags`.
        flags: &'a [&'a str],
    },
    /// A statement about two concepts.
    Fact {
        /// Id of the concept that it is about.
        head: &'a str,
        /// Id of the relation: `may_treat`, `is_a`.
        relation: &'a str,
        /// Id of the other concept.
        tail: &'a str,
    },
    /// Two ids that mean the same. Either may be of a vocabulary that is not read: then it ties together those that name it.
    Link {
        /// One id.
        a: &'a str,
        /// The other id.
        b: &'a str,
        /// Why they are said to be the same.
        reason: LinkReason<'a>,
    },
    /// How a relation is said in a language.
    Label {
        /// Id of the relation.
        relation: &'a str,
        /// Language tag.
        lang: &'a str,
        /// The label: `may treat`.
        label: &'a str,
    },
}

/// Why two ids are said to be the same concept.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LinkReason<'a> {
    /// They have an equal name in these languages.
    SameName(&'a [&'a str]),
    /// One source gives the other's id as its own.
    Xref,
}

/// Why a reader left something out, for the report.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A language that was not asked for.
    Language,
    /// A vocabulary that was not asked for.
    Vocabulary,
    /// A semantic type that was not asked for.
    SemanticType,
    /// The source says that it is obsolete or deprecated.
    Obsolete,
    /// The source says that it is to be suppressed.
    Suppressed,
    /// A translation whose status was not asked for.
    Status,
    /// A synonym of a scope that was not asked for.
    Scope,
    /// An entity without any of the properties or classes asked for.
    Subset,
    /// A relation that was not asked for, or says nothing (`other`, `related to` of unspecified kind).
    Relation,
    /// An empty name or id.
    Empty,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Language => "in a language that was not asked for",
            Self::Vocabulary => "of a vocabulary that was not asked for",
            Self::SemanticType => "of a semantic type that was not asked for",
            Self::Obsolete => "obsolete",
            Self::Suppressed => "suppressed by the source",
            Self::Status => "a translation of a status that was not asked for",
            Self::Scope => "a synonym of a scope that was not asked for",
            Self::Subset => "outside the subset asked for",
            Self::Relation => "a relation that was not asked for or says nothing",
            Self::Empty => "empty",
        })
    }
}

/// Takes what a source says.
pub trait Sink {
    /// One statement, found in `line` (from 1; for formats without lines the number of the entry) of `file`.
    ///
    /// # Errors
    /// What the sink cannot take ends the reading.
    fn record(&mut self, line: usize, record: Record<'_>) -> Result<()>;

    /// Something was left out; `what` says what, for an example in the report.
    fn dropped(&mut self, line: usize, reason: Reason, what: &str);
}
