use crate::OffsetMap;
use std::ops::Range;

/// A text in one language.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Document {
    /// Unique within its source and language: what the source has (PMID, PMCID, page id, `"id"`), or the file's name.
    pub id: String,
    /// Language tag: `en`, `zh`.
    pub lang: String,
    /// The whole text.
    pub text: String,
    /// What the document is about, the same in every language: a Wikidata id (`Q12136`), a PMID. Documents of two languages with
    /// one subject are versions of one article.
    pub subject: Option<String>,
    /// The paragraphs of `text` in bytes: in order, not overlapping, none empty, without the white space around them.
    /// Lines without text separate them; a document without structure has one, an empty one none.
    pub paragraphs: Vec<Range<usize>>,
    /// Leads from `text` back to the text as the source had it, after its escapes (JSON's, XML's) are undone. Changes nothing
    /// unless the text was normalised.
    pub origin: OffsetMap,
}

/// What lines without text separate.
pub(crate) fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut paragraphs = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut start = 0;
    // Most texts are one line: they are not cut into pieces.
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = text.get(start..end).unwrap_or_default();
        let trimmed = line.trim();
        if trimmed.is_empty() {
            paragraphs.extend(open.take());
        } else {
            let from = start + line.len() - line.trim_start().len();
            let to = from + trimmed.len();
            open = Some(open.map_or(from, |o| o.start)..to);
        }
        start = end + 1;
    }
    paragraphs.extend(open);
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_separate_paragraphs() {
        let cut = |text: &'static str| -> Vec<&str> { paragraphs(text).into_iter().map(|r| &text[r]).collect() };
        assert_eq!(cut("one"), ["one"]);
        assert_eq!(cut(" one\ntwo \n \u{a0}\r\n\nthree\n"), ["one\ntwo", "three"]);
        assert!(cut("").is_empty() && cut(" \n\n").is_empty());
    }
}
