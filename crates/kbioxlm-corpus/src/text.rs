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

/// Han, kana, bopomofo, Hangul and full-width forms: scripts in which a foreign term needs no space around it.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
