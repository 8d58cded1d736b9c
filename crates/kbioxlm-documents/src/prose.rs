use std::ops::Range;

/// Text put together from the pieces between XML tags: paragraphs with an empty line between them, white space as one space.
#[derive(Default)]
pub(crate) struct Prose {
    text: String,
    /// Where the paragraph begins that is being written.
    start: usize,
    /// White space was read, and stands for something once a character follows.
    space: bool,
    /// Numbers in the paragraph that refer to the literature.
    citations: Vec<Range<usize>>,
    /// What is set as a superscript in the paragraph.
    raised: Vec<Range<usize>>,
}

impl Prose {
    pub fn push(&mut self, piece: &str) {
        // What XML has as white space; a no-break space is a character.
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let mut words = piece.split(is_space).peekable();
        while let Some(word) = words.next() {
            if !word.is_empty() {
                self.mark();
                self.text.push_str(word);
            }
            self.space |= words.peek().is_some();
        }
    }

    /// Where the next character will stand.
    pub fn mark(&mut self) -> usize {
        if self.is_between() {
            // The mark of something that turned out to be empty has begun it already.
            if self.start > 0 && !self.text.ends_with("\n\n") {
                self.text.push_str("\n\n");
            }
            self.start = self.text.len();
        } else if self.space {
            self.text.push(' ');
        }
        self.space = false;
        self.text.len()
    }

    /// Whether no paragraph has been begun.
    fn is_between(&self) -> bool {
        self.text.len() <= self.start
    }

    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Ends the paragraph.
    pub fn end_paragraph(&mut self) {
        self.drop_citations();
        // A paragraph of which nothing is left leaves what separated it from the one before.
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        self.start = kept;
        self.citations.clear();
        self.raised.clear();
        self.space = false;
    }

    /// Ends what begins the paragraph as its label, with a colon; whether there is any.
    pub fn end_label(&mut self) -> bool {
        let label = self.text.get(self.start..).unwrap_or_default().trim_end();
        let kept = self.start + label.len();
        let mark = if label.ends_with([':', '：', '.', '。']) { " " } else { ": " };
        if self.is_between() || label.is_empty() {
            return false;
        }
        self.text.truncate(kept);
        self.push(mark);
        true
    }

    /// Says that what was pushed since `mark` is a superscript: `10<sup>9</sup>` would read as another number. It may be
    /// part of a citation that is not ended yet.
    pub fn raise(&mut self, mark: usize, cited: bool) {
        let (before, raised) = self.text.split_at_checked(mark).unwrap_or((&self.text, ""));
        let digits = raised.trim_start_matches(['-', '−', '–', '+']);
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if cited || self.citations.last().is_some_and(|c| c.end > mark) {
            self.raised.push(mark..self.text.len());
        } else if number && before.ends_with(|c: char| c.is_ascii_digit()) {
            self.text.insert(mark, '^');
        }
    }

    /// Says that what was pushed since `mark` refers to the literature. Numbers are left out where they are in brackets or
    /// raised; names are part of a sentence, as a rule, and stay.
    pub fn cite(&mut self, mark: usize) {
        let cited = self.text.get(mark..).unwrap_or_default();
        if !cited.is_empty() && cited.chars().all(|c| c.is_ascii_digit() || is_separator(c) || is_bracket(c)) {
            self.citations.push(mark..self.text.len());
        }
    }

    /// The text, its last paragraph ended.
    pub fn finish(mut self) -> String {
        self.end_paragraph();
        self.text
    }

    fn drop_citations(&mut self) {
        if self.citations.is_empty() {
            return;
        }
        let separators = |range: Range<usize>| self.text.get(range).is_some_and(|t| t.chars().all(is_separator));
        let mut groups: Vec<Range<usize>> = Vec::new();
        for citation in &self.citations {
            match groups.last_mut() {
                Some(last) if separators(last.end..citation.start) => last.end = citation.end,
                _ => groups.push(citation.clone()),
            }
        }
        let mut kept = String::with_capacity(self.text.len());
        let mut done = 0;
        for range in groups.into_iter().filter_map(|group| self.dropped(group)) {
            kept.push_str(self.text.get(done..range.start).unwrap_or_default());
            done = range.end.max(done);
        }
        kept.push_str(self.text.get(done..).unwrap_or_default());
        self.text = kept;
    }

    /// What goes with a group of citations: their brackets, and the space before.
    fn dropped(&self, group: Range<usize>) -> Option<Range<usize>> {
        let is_part = |raised: &&Range<usize>| {
            let rest = [raised.start..group.start.max(raised.start), group.end.min(raised.end)..raised.end];
            raised.start < group.end
                && group.start < raised.end
                && rest.iter().all(|r| {
                    self.text.get(r.clone()).is_some_and(|t| t.chars().all(|c| is_separator(c) || is_bracket(c)))
                })
        };
        let mut range = group.clone();
        let near = self.raised.partition_point(|raised| raised.end <= group.start);
        if let Some(raised) = self.raised.get(near).filter(is_part) {
            range = range.start.min(raised.start)..range.end.max(raised.end);
        } else {
            let inner = self.text.get(group.clone())?;
            let bracketed = inner.starts_with(is_bracket) && inner.ends_with(is_bracket);
            if !bracketed {
                let before = self.text.get(self.start..group.start)?.trim_end_matches(is_separator);
                let after = self.text.get(group.end..)?;
                let closing = after.trim_start_matches(is_separator);
                if !before.ends_with(['[', '(']) || !closing.starts_with([']', ')']) {
                    return None;
                }
                range = self.start + before.len() - 1..group.end + after.len() - closing.len() + 1;
            }
        }
        let before = self.text.get(self.start..range.start)?;
        let goes_on = self.text.get(range.end..)?.starts_with(|c: char| c.is_alphanumeric());
        if !goes_on {
            range.start = self.start + before.trim_end_matches(' ').len();
        }
        Some(range)
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';' | '-' | '–' | '—' | ' ' | '\u{a0}' | '\u{2009}')
}

fn is_bracket(c: char) -> bool {
    matches!(c, '[' | ']' | '(' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{1}` is a citation, `<9>` a superscript.
    fn prose(marked: &str) -> String {
        let mut prose = Prose::default();
        let mut marks = Vec::new();
        for piece in marked.split_inclusive(['{', '}', '<', '>', '|']) {
            prose.push(piece.trim_end_matches(['{', '}', '<', '>', '|']));
            match piece.chars().next_back() {
                Some('{' | '<') => marks.push(prose.mark()),
                Some('}') => prose.cite(marks.pop().unwrap()),
                Some('>') => prose.raise(marks.pop().unwrap(), marked.contains("{<")),
                Some('|') => prose.end_paragraph(),
                _ => {}
            }
        }
        prose.finish()
    }

    #[test]
    fn white_space_and_paragraphs() {
        assert_eq!(prose("  a\n\t b|  | c \u{a0}d|"), "a b\n\nc \u{a0}d");
        assert_eq!(prose(""), "");
        // Marks of what is empty begin nothing.
        assert_eq!(prose("a|<><>b|<>|{}c<>|<>"), "a\n\nb\n\nc");
    }

    #[test]
    fn powers_stay_powers() {
        assert_eq!(prose("10<9>/L, 10<-3> m<2> Ca<2+> 5<th>"), "10^9/L, 10^-3 m2 Ca2+ 5th");
    }

    #[test]
    fn citations_by_number_go_with_their_brackets() {
        assert_eq!(prose("It is known [{1}, {2}–{5}]. Yes [{6}]."), "It is known. Yes.");
        assert_eq!(prose("It is known {[1]} and {(2)}."), "It is known and.");
        assert_eq!(prose("It is known.<{1},{2}> So it is.{<3>} Yes <{4}>, no"), "It is known. So it is. Yes, no");
        assert_eq!(
            prose("In 2019<{12}> it rose, see ref. {3} and {Smith et al. (2019)}."),
            "In 2019 it rose, see ref. 3 and Smith et al. (2019)."
        );
        assert_eq!(prose("It rose (see {3}).|[{5}]|c"), "It rose (see 3).\n\nc");
    }
}
