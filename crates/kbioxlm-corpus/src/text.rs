use crate::{Role, Span};
use kbioxlm_knowledge::is_one_word;
use std::ops::Range;

/// A text that grows piece by piece and knows where each piece lies, in bytes and in characters.
#[derive(Default)]
pub(crate) struct TextBuilder {
    text: String,
    chars: usize,
}

impl TextBuilder {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), chars: 0 }
    }

    pub fn push(&mut self, piece: &str) -> (Range<usize>, Range<usize>) {
        let (byte, char) = (self.text.len(), self.chars);
        self.text.push_str(piece);
        self.chars += piece.chars().count();
        (byte..self.text.len(), char..self.chars)
    }

    /// Appends `piece` and returns the span that covers it.
    pub fn push_span(&mut self, piece: &str, segment: usize, role: Role) -> Span {
        let (bytes, chars) = self.push(piece);
        Span { segment, bytes, chars, role, concept: None, fact: None, switched: false, source: None }
    }

    /// A space if `next` would otherwise read as one word with what stands before it.
    pub fn part(&mut self, next: &str) {
        if is_one_word(&self.text, next) {
            self.push(" ");
        }
    }

    pub fn finish(self) -> String {
        self.text
    }
}
