use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Kind of an example: the level of knowledge that was anchored in it.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A document as it is, with the spans of its mentions: text for domain adaptation.
    Plain,
    /// A document, original or code-switched.
    Entity,
    /// A chunk of a document followed by facts about the concepts that it mentions.
    Fact,
    /// Two passages whose relation is to be predicted.
    Passage,
}

impl Level {
    /// All levels, in the order in which a corpus holds them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Entity, Self::Fact, Self::Passage];

    /// Name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Entity => "entity",
            Self::Fact => "fact",
            Self::Passage => "passage",
        }
    }
}

/// What a span is within its example.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A mention of a concept in running text.
    Entity,
    /// The head of a fact.
    Head,
    /// The relation of a fact.
    Relation,
    /// The tail of a fact.
    Tail,
}

impl Role {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Head => "head",
            Self::Relation => "relation",
            Self::Tail => "tail",
        }
    }
}

/// How the two passages of an example belong together. The number is the class that a model predicts;
/// all three are classes: an example without a label has `None`, never 0.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PassageLabel {
    /// Both are about the same subject, one in each language.
    Link = 0,
    /// The second follows the first in one document.
    Context = 1,
    /// They come from unrelated documents.
    Random = 2,
}

impl PassageLabel {
    /// All labels in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Link, Self::Context, Self::Random];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Context => "context",
            Self::Random => "random",
        }
    }

    /// The class number.
    pub fn index(self) -> u8 {
        self as u8
    }
}

macro_rules! named {
    ($type:ty, $what:literal, [$($variant:ident),+]) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                let all = [$(Self::$variant),+];
                all.into_iter().find(|v| v.as_str() == name).ok_or_else(|| UnknownName {
                    what: $what,
                    found: name.to_owned(),
                    expected: all.map(Self::as_str).join(", "),
                })
            }
        }
    };
}

named!(Level, "level", [Plain, Entity, Fact, Passage]);
named!(Role, "role", [Entity, Head, Relation, Tail]);
named!(PassageLabel, "label", [Link, Context, Random]);

/// A name that is none of those known.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} `{found}`; give one of {expected}")]
pub struct UnknownName {
    /// What the name should have named.
    pub what: &'static str,
    /// The name given.
    pub found: String,
    /// The names known.
    pub expected: String,
}

/// One text of an example. Segments are separated by `</s>` when they are encoded.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct Segment {
    /// Language of the running text. In an entity or fact segment single terms may be in others.
    pub lang: String,
    /// The text.
    pub text: String,
    /// Where it was taken from; of a fact none.
    pub source: Option<Source>,
}

/// A stretch of a document.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// The document's id (of a file of passages, the row's).
    pub document: String,
    /// Byte range in the document as its file has it: before it was normalised, and before anything was switched.
    pub bytes: Range<usize>,
}

/// A stretch of a segment that knowledge marks.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// Number of the segment.
    pub segment: usize,
    /// Byte range within the segment's text, at character boundaries.
    pub bytes: Range<usize>,
    /// The same range in characters (Unicode scalar values).
    pub chars: Range<usize>,
    /// What the span is.
    pub role: Role,
    /// Id of the concept; of a relation none.
    pub concept: Option<String>,
    /// Number of the fact within the example, counted from 0; of a mention none.
    pub fact: Option<u32>,
    /// The text of the span is in another language than the document's: put there by code-switching,
    /// or part of a fact told in another language.
    pub switched: bool,
    /// Byte range, in the document of the segment's [`Source`], of the mention that stands or stood here; of a part of a fact none.
    pub source: Option<Range<usize>>,
}

/// A training text together with the spans that knowledge put into it.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct Example {
    /// Unique within a corpus: level, language and document, and which of the document's examples it is.
    pub id: String,
    /// Kind of the example.
    pub level: Level,
    /// Plain and entity: one. Fact: the chunk, then one a fact ("head relation tail"). Passage: two.
    pub segments: Vec<Segment>,
    /// Ordered by segment and place.
    pub spans: Vec<Span>,
    /// Relation of the two passages; on other levels none.
    pub label: Option<PassageLabel>,
}

impl Example {
    /// The segments that are text of a source: all but facts.
    pub fn running_text(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().take(if self.level == Level::Fact { 1 } else { usize::MAX })
    }

    /// The text of one of the example's spans; `None` if the span does not fit its segment.
    pub fn text_of(&self, span: &Span) -> Option<&str> {
        self.segments.get(span.segment)?.text.get(span.bytes.clone())
    }
}
