//! BIO tags and the entity spans they describe.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A BIO tag: outside, first token of an entity, further token of an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// `O`
    Outside,
    /// `B-label`
    Begin(String),
    /// `I-label`
    Inside(String),
}

impl Tag {
    /// The entity type, where the tag has one.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Outside => None,
            Self::Begin(label) | Self::Inside(label) => Some(label),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("O"),
            Self::Begin(label) => write!(f, "B-{label}"),
            Self::Inside(label) => write!(f, "I-{label}"),
        }
    }
}

/// The text is no BIO tag.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no BIO tag (O, B-type, I-type)")]
pub struct NotATag(pub String);

impl FromStr for Tag {
    type Err = NotATag;

    fn from_str(text: &str) -> Result<Self, NotATag> {
        let label = |label: &str| Some(label.to_owned()).filter(|l| !l.is_empty() && l.trim() == l);
        let tag = match text.split_at_checked(2) {
            _ if text == "O" => Some(Self::Outside),
            Some(("B-", rest)) => label(rest).map(Self::Begin),
            Some(("I-", rest)) => label(rest).map(Self::Inside),
            _ => None,
        };
        tag.ok_or_else(|| NotATag(text.to_owned()))
    }
}

/// What an `I-` tag means that does not continue an entity of its type.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// It starts an entity, as in conlleval (and in seqeval by default). Used for all spans.
    Opens,
    /// It belongs to no entity, as in seqeval's `mode="strict", scheme=IOB2`. For comparison only.
    Ignored,
}

/// An entity as its type and the range of its tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenSpan {
    /// Entity type.
    pub label: String,
    /// First token.
    pub start: usize,
    /// Token after the last one.
    pub end: usize,
}

/// The entities that the tags of one sentence describe, and the number of orphaned `I-` tags among them.
///
/// `offset` is added to the token numbers.
pub fn spans(tags: &[Tag], offset: usize, orphan: Orphan) -> (Vec<TokenSpan>, usize) {
    let mut found: Vec<TokenSpan> = Vec::new();
    let mut orphans = 0;
    let mut open = false;
    for (i, tag) in tags.iter().enumerate() {
        let at = offset + i;
        let continued = open.then(|| found.last_mut()).flatten();
        match (tag, continued) {
            (Tag::Outside, _) => open = false,
            (Tag::Inside(label), Some(last)) if last.label == *label => last.end = at + 1,
            (Tag::Begin(label), _) => {
                found.push(TokenSpan { label: label.clone(), start: at, end: at + 1 });
                open = true;
            }
            (Tag::Inside(label), _) => {
                orphans += 1;
                open = orphan == Orphan::Opens;
                if open {
                    found.push(TokenSpan { label: label.clone(), start: at, end: at + 1 });
                }
            }
        }
    }
    (found, orphans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Tag> {
        text.split(' ').map(|t| t.parse().unwrap()).collect()
    }

    fn shown(text: &str, orphan: Orphan) -> String {
        let (found, _) = spans(&read(text), 0, orphan);
        found.iter().map(|s| format!("{}:{}-{}", s.label, s.start, s.end)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn orphans_open_entities_as_in_conlleval() {
        assert_eq!(shown("I-A I-A O B-A I-B I-B", Orphan::Opens), "A:0-2 A:3-4 B:4-6");
        assert_eq!(spans(&read("I-A I-A O B-A I-B I-B"), 0, Orphan::Opens).1, 2);
        assert_eq!(shown("I-A I-A O B-A I-B I-A B-A B-A", Orphan::Ignored), "A:3-4 A:6-7 A:7-8");
    }

    #[test]
    fn tags_are_read_strictly() {
        for bad in ["", "B", "B-", "b-A", "S-A", "0", "B_A", "I-A ", "é"] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
        assert_eq!("I-x-y".parse::<Tag>().unwrap(), Tag::Inside("x-y".into()));
    }
}
