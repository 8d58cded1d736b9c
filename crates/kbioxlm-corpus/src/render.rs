//! An example as pieces of text with a tint each, for a terminal or a page to colour.

use crate::{Example, Role};

/// What a piece of an example is.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub enum Tint {
    /// Running text.
    Plain,
    /// A mention that stands as it stood.
    Entity,
    /// A mention replaced by a term in another language.
    Switched,
    /// Head of a fact.
    Head,
    /// Relation of a fact.
    Relation,
    /// Tail of a fact.
    Tail,
    /// The mark between two segments.
    Separator,
}

/// A stretch of text of one tint.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it is.
    pub tint: Tint,
}

/// The pieces of an example; without the separators they are the texts of its segments.
pub fn pieces(example: &Example) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut push = |text: &str, tint| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), tint });
        }
    };
    for (number, segment) in example.segments.iter().enumerate() {
        if number > 0 {
            push(" </s> ", Tint::Separator);
        }
        let mut rest = 0;
        for span in example.spans.iter().filter(|span| span.segment == number) {
            // A span that does not follow the one before it is not drawn, rather than its text twice.
            let (Some(before), Some(text)) =
                (segment.text.get(rest..span.bytes.start), segment.text.get(span.bytes.clone()))
            else {
                continue;
            };
            push(before, Tint::Plain);
            push(text, tint(span.role, span.switched));
            rest = span.bytes.end;
        }
        push(segment.text.get(rest..).unwrap_or_default(), Tint::Plain);
    }
    pieces
}

fn tint(role: Role, switched: bool) -> Tint {
    match role {
        Role::Entity if switched => Tint::Switched,
        Role::Entity => Tint::Entity,
        Role::Head => Tint::Head,
        Role::Relation => Tint::Relation,
        Role::Tail => Tint::Tail,
    }
}
