use std::ops::Range;

/// Leads from the byte ranges of a normalised text to those of its original, and back.
///
/// Holds what was changed only: the default, of a text that is its own original, is empty and costs nothing.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct OffsetMap {
    /// In order, not overlapping; between them both texts are the same.
    edits: Vec<Edit>,
}

/// `original` became `text`.
#[derive(Clone, Eq, PartialEq, Debug)]
struct Edit {
    text: Range<usize>,
    original: Range<usize>,
}

impl OffsetMap {
    /// Whether the text is its original.
    pub fn is_identity(&self) -> bool {
        self.edits.is_empty()
    }

    /// The smallest range of the original from which the range of the normalised text came. A range that ends inside of
    /// what was changed as one is widened to the whole of it.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        self.map(range, |edit| (&edit.text, &edit.original))
    }

    /// The smallest range of the normalised text that holds what became of the range of the original; empty if it was removed.
    pub fn text(&self, range: Range<usize>) -> Range<usize> {
        self.map(range, |edit| (&edit.original, &edit.text))
    }

    fn map(&self, range: Range<usize>, sides: impl Fn(&Edit) -> (&Range<usize>, &Range<usize>)) -> Range<usize> {
        // An edit that leaves nothing on this side lies before a range that starts there, and behind one that ends there.
        let behind = self.edits.partition_point(|edit| sides(edit).0.end <= range.start);
        let start = match self.edits.get(behind).map(&sides) {
            Some((from, to)) if from.start <= range.start => to.start,
            _ => self.shifted(behind, range.start, &sides),
        };
        if range.is_empty() {
            return start..start;
        }
        let before = self.edits.partition_point(|edit| sides(edit).0.start < range.end);
        let end = match before.checked_sub(1).and_then(|i| self.edits.get(i)).map(&sides) {
            Some((from, to)) if from.end >= range.end => to.end,
            _ => self.shifted(before, range.end, &sides),
        };
        start..end
    }

    /// Where an offset between the edits `count - 1` and `count` lies on the other side.
    fn shifted(&self, count: usize, at: usize, sides: impl Fn(&Edit) -> (&Range<usize>, &Range<usize>)) -> usize {
        let last = count.checked_sub(1).and_then(|i| self.edits.get(i)).map(sides);
        last.map_or(at, |(from, to)| to.end + (at - from.end))
    }
}

/// A normalised text that grows along its original; copies nothing before the first change.
pub(super) struct Builder<'a> {
    original: &'a str,
    text: String,
    /// Up to here the original is in `text`.
    done: usize,
    edits: Vec<Edit>,
}

impl<'a> Builder<'a> {
    pub fn new(original: &'a str) -> Self {
        Self { original, text: String::new(), done: 0, edits: Vec::new() }
    }

    /// Says that `range` of the original becomes `piece`. Ranges come in order; what is between them stays as it is.
    pub fn put(&mut self, range: Range<usize>, piece: &str) {
        if self.original.get(range.clone()) == Some(piece) {
            return;
        }
        self.text.push_str(self.original.get(self.done..range.start).unwrap_or_default());
        let start = self.text.len();
        self.text.push_str(piece);
        self.done = range.end;
        self.edits.push(Edit { text: start..self.text.len(), original: range });
    }

    /// The text and its map; `None` if nothing was changed.
    pub fn finish(mut self) -> Option<(String, OffsetMap)> {
        if self.edits.is_empty() {
            return None;
        }
        self.text.push_str(self.original.get(self.done..).unwrap_or_default());
        self.edits.shrink_to_fit();
        Some((self.text, OffsetMap { edits: self.edits }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lead_there_and_back() {
        // `a&amp;b` + soft hyphen + `c`
        let original = "a&amp;b\u{ad}c";
        let mut builder = Builder::new(original);
        builder.put(1..6, "&");
        builder.put(6..7, "b");
        builder.put(7..9, "");
        let (text, map) = builder.finish().unwrap();
        assert_eq!(text, "a&bc");
        assert_eq!(map.original(0..4), 0..10);
        assert_eq!(map.original(1..2), 1..6);
        assert_eq!((map.original(2..3), map.original(3..4)), (6..7, 9..10));
        assert_eq!((map.original(3..3), map.original(0..0)), (9..9, 0..0));
        assert_eq!((map.text(2..3), map.text(7..9), map.text(6..10)), (1..2, 3..3, 2..4));
        assert_eq!(OffsetMap::default().original(3..7), 3..7);
        assert!(OffsetMap::default().is_identity() && !map.is_identity());
    }
}
