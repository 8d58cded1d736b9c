//! Documents cut into chunks.

use crate::anchor::Marked;
use kbioxlm_documents::sentences;
use std::ops::Range;

/// A document cut at sentence ends into chunks of at least `min_chunk` characters, as trimmed byte ranges.
///
/// A rest of at least `min_tail` characters is a chunk of its own, a shorter one joins the chunk before it; a document
/// shorter than `min_tail` has no chunk. No cut goes through a mention.
pub(crate) fn chunks(text: &str, mentions: &[Marked], min_chunk: usize, min_tail: usize) -> Vec<Range<usize>> {
    let length = |range: Range<usize>| text.get(range).unwrap_or_default().trim().chars().count();
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for sentence in sentences(text) {
        let cut = sentence.end;
        let torn = mentions.partition_point(|m| m.bytes.end <= cut);
        if mentions.get(torn).is_some_and(|m| m.bytes.start < cut) || length(start..cut) < min_chunk {
            continue;
        }
        chunks.push(start..cut);
        start = cut;
    }
    if length(start..text.len()) >= min_tail {
        chunks.push(start..text.len());
    } else if let Some(last) = chunks.last_mut() {
        last.end = text.len();
    }
    chunks.into_iter().map(|chunk| trimmed(text, chunk)).collect()
}

/// The range without the white space at its ends.
pub(crate) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = text.get(range.clone()).unwrap_or_default();
    let start = range.start + piece.len() - piece.trim_start().len();
    start..start + piece.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_keep_their_lengths() {
        let text = "Aa bb. ".repeat(10);
        let ranges = chunks(&text, &[], 20, 10);
        let pieces: Vec<usize> = ranges.iter().map(|r| text[r.clone()].chars().count()).collect();
        // 20 characters are three sentences; the tenth sentence is shorter than a tail and joins its neighbour.
        assert_eq!(pieces, [20, 20, 27]);
        assert!(chunks("Too short.", &[], 20, 11).is_empty());
        assert_eq!(chunks("A tail only.", &[], 20, 11).len(), 1);
    }
}
