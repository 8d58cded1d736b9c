//! A normalised text as words.

use crate::viterbi::{METASPACE, METASPACE_LEN};
use std::ops::Range;

/// Where words begin, and which of them are marked with `▁`.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Splitter {
    /// White space separates words and vanishes; otherwise every space is the mark of a word.
    pub(crate) split_whitespace: bool,
    /// Several spaces are as one, the last.
    pub(crate) collapse_spaces: bool,
    pub(crate) mark: Mark,
}

/// Which words get a mark that have none.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// Those at the beginning, or behind white space that vanished.
    All,
    /// That at the beginning of the original text.
    First,
    /// None.
    None,
}

/// A word in the normalised text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Word {
    /// The space or `▁` that marks it; empty if the mark was added, `None` if there is none.
    pub(crate) mark: Option<Range<usize>>,
    /// The rest.
    pub(crate) body: Range<usize>,
}

impl Splitter {
    /// The words in `range` of `text`. `is_first`: whether the character at a place is the first of the original.
    pub(crate) fn words<'a, F: FnMut(usize) -> bool>(
        self,
        text: &'a str,
        range: Range<usize>,
        is_first: F,
    ) -> Words<'a, F> {
        Words { splitter: self, text: &text[..range.end], at: range.start, is_behind_gap: true, is_first }
    }
}

/// See [`Splitter::words`].
pub(crate) struct Words<'a, F> {
    splitter: Splitter,
    text: &'a str,
    at: usize,
    /// At the beginning, or behind white space that vanished.
    is_behind_gap: bool,
    is_first: F,
}

impl<F: FnMut(usize) -> bool> Iterator for Words<'_, F> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let Splitter { split_whitespace, collapse_spaces, mark } = self.splitter;
        if split_whitespace {
            let rest = self.text[self.at..].trim_start();
            self.is_behind_gap |= self.at + rest.len() < self.text.len();
            self.at = self.text.len() - rest.len();
        }
        let rest = &self.text[self.at..];
        let mark = match rest.chars().next()? {
            ' ' => {
                let spaces = if collapse_spaces { rest.len() - rest.trim_start_matches(' ').len() } else { 1 };
                Some(self.at + spaces - 1..self.at + spaces)
            }
            METASPACE => Some(self.at..self.at + METASPACE_LEN),
            _ => {
                let is_added = match mark {
                    Mark::All => self.is_behind_gap,
                    Mark::First => self.is_behind_gap && (self.is_first)(self.at),
                    Mark::None => false,
                };
                is_added.then_some(self.at..self.at)
            }
        };
        let begin = mark.as_ref().map_or(self.at, |mark| mark.end);
        let ends_word = |c: char| c == METASPACE || if split_whitespace { c.is_whitespace() } else { c == ' ' };
        let end = self.text[begin..].find(ends_word).map_or(self.text.len(), |len| begin + len);
        self.at = end;
        self.is_behind_gap = false;
        Some(Word { mark, body: begin..end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(splitter: Splitter, text: &str) -> Vec<String> {
        let mark = |mark: Range<usize>| if mark.is_empty() { "+".to_owned() } else { format!("[{}]", &text[mark]) };
        let word = |word: Word| word.mark.map_or(String::new(), mark) + &text[word.body];
        splitter.words(text, 0..text.len(), |at| at == 0).map(word).collect()
    }

    #[test]
    fn spaces_mark_words() {
        let splitter = Splitter { split_whitespace: false, collapse_spaces: false, mark: Mark::All };
        assert_eq!(words(splitter, "a bc  d ▁▁e "), ["+a", "[ ]bc", "[ ]", "[ ]d", "[ ]", "[▁]", "[▁]e", "[ ]"]);
        assert_eq!(words(splitter, " a\tb"), ["[ ]a\tb"]);
        let collapsed = Splitter { collapse_spaces: true, ..splitter };
        assert_eq!(words(collapsed, "a   b  "), ["+a", "[ ]b", "[ ]"]);
        assert_eq!(words(Splitter { mark: Mark::None, ..splitter }, "a b"), ["a", "[ ]b"]);
        assert!(words(splitter, "").is_empty());
    }

    #[test]
    fn white_space_vanishes() {
        let splitter = Splitter { split_whitespace: true, collapse_spaces: false, mark: Mark::All };
        assert_eq!(words(splitter, " a\t b▁c ▁d\u{3000}"), ["+a", "+b", "[▁]c", "[▁]d"]);
        assert_eq!(words(Splitter { mark: Mark::First, ..splitter }, "a b"), ["+a", "b"]);
        assert!(words(splitter, " \n").is_empty());
    }
}
