//! Normalisation that remembers where everything came from.

use crate::charsmap::Charsmap;
use crate::plain::{CharSet, PLAIN};
use std::ops::Range;
use unicode_normalization_alignments::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// What a tokenizer does to a text before it cuts it.
#[derive(Clone, Debug)]
pub(crate) struct Normalizer {
    pub(crate) mapping: Mapping,
    pub(crate) strip_left: bool,
    pub(crate) strip_right: bool,
    /// Several spaces become the last of them.
    pub(crate) collapse_spaces: bool,
}

/// What becomes of the characters themselves.
#[derive(Clone, Debug)]
pub(crate) enum Mapping {
    None,
    Nfkc,
    Charsmap {
        map: Charsmap,
        /// Plain characters that the map does not change: nearly all of most texts.
        unchanged: CharSet,
    },
}

impl Mapping {
    pub(crate) fn charsmap(map: Charsmap) -> Self {
        let unchanged = |c: char| PLAIN.contains(c) && map.replacement(c.encode_utf8(&mut [0; 4])).is_none();
        Self::Charsmap { unchanged: CharSet::new(unchanged), map }
    }

    fn apply(&self, text: &str, out: &mut Normalized) {
        out.clear();
        match self {
            Self::None => {}
            Self::Nfkc => {
                if !text.is_ascii() {
                    out.transform(text, text.nfkc());
                }
            }
            Self::Charsmap { map, unchanged } => apply_charsmap(text, map, unchanged, out),
        }
    }
}

impl Normalizer {
    /// Normalises `text`, except that the spaces to collapse are still in `out`; returns the part that stripping leaves.
    pub(crate) fn apply(&self, text: &str, out: &mut Normalized) -> Range<usize> {
        self.mapping.apply(text, out);
        let all = out.text(text);
        let start = if self.strip_left { all.len() - all.trim_start().len() } else { 0 };
        let end = if self.strip_right { start + all[start..].trim_end().len() } else { all.len() };
        start..end
    }

    /// Bytes at the beginning of a text whose characters normalisation would remove if they stood alone.
    ///
    /// HF loses count of such characters, and all offsets would be shifted by them; so they are taken off before.
    pub(crate) fn removed_prefix(&self, text: &str, scratch: &mut Normalized) -> usize {
        let mut is_removed = |c: &char| {
            if c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ' {
                return false;
            }
            self.apply(c.encode_utf8(&mut [0; 4]), scratch).is_empty()
        };
        text.chars().take_while(|c| is_removed(c)).map(char::len_utf8).sum()
    }
}

/// A normalised text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Normalized {
    /// Whether `text` and `segments` hold anything; otherwise the text is as it was.
    changed: bool,
    text: String,
    /// In ascending order.
    segments: Vec<Segment>,
    /// The last character stands for no character of the original of its own.
    last_is_extra: bool,
    /// Characters removed before the first one that stayed.
    removed_first: usize,
}

/// A part of the normalised text, up to the next segment.
#[derive(Copy, Clone, Debug)]
struct Segment {
    /// Where it begins in the normalised text.
    begin: usize,
    /// Where the original of its first character begins.
    original: usize,
    /// Bytes of the original character that all of the segment stands for, or [`COPY`].
    width: usize,
}

/// The segment is a copy of the original, character by character.
const COPY: usize = usize::MAX;

impl Normalized {
    fn clear(&mut self) {
        self.changed = false;
        self.text.clear();
        self.segments.clear();
        self.last_is_extra = false;
        self.removed_first = 0;
    }

    pub(crate) fn text<'a>(&'a self, original: &'a str) -> &'a str {
        if self.changed { &self.text } else { original }
    }

    /// Where what stands in the normalised text comes from. Asked in ascending order, `cursor` saves the search.
    pub(crate) fn original(&self, range: Range<usize>, cursor: &mut usize) -> Range<usize> {
        if !self.changed {
            return range;
        }
        let (begin, start, width) = self.segment(range.start, cursor);
        let start = if width == COPY { start + (range.start - begin) } else { start };
        let (begin, end, width) = self.segment(range.end.saturating_sub(1), cursor);
        let end = if width == COPY { end + (range.end - begin) } else { end + width };
        start..end
    }

    fn segment(&self, at: usize, cursor: &mut usize) -> (usize, usize, usize) {
        while *cursor > 0 && self.segments.get(*cursor).is_none_or(|segment| segment.begin > at) {
            *cursor -= 1;
        }
        while self.segments.get(*cursor + 1).is_some_and(|next| next.begin <= at) {
            *cursor += 1;
        }
        self.segments.get(*cursor).map_or((0, 0, COPY), |s| (s.begin, s.original, s.width))
    }

    /// Takes over a part of the original.
    fn keep(&mut self, original: &str, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let goes_on = self
            .segments
            .last()
            .is_some_and(|last| last.width == COPY && last.original + (self.text.len() - last.begin) == range.start);
        if !goes_on {
            self.segments.push(Segment { begin: self.text.len(), original: range.start, width: COPY });
        }
        self.text.push_str(&original[range]);
        self.last_is_extra = false;
    }

    /// Puts a character for `range` of the original.
    fn put(&mut self, c: char, range: Range<usize>) {
        self.segments.push(Segment { begin: self.text.len(), original: range.start, width: range.len() });
        self.text.push(c);
    }

    /// Puts `new` for the characters of `range`: the first for the first and so on; what is over stands for the last.
    fn replace(&mut self, original: &str, range: Range<usize>, new: &str) {
        let mut old =
            original[range.clone()].char_indices().map(|(at, c)| range.start + at..range.start + at + c.len_utf8());
        if new.is_empty() {
            if self.text.is_empty() {
                self.removed_first += old.count();
            } else if let (true, Some(last), Some(first)) = (self.last_is_extra, self.segments.last_mut(), old.next()) {
                // As HF counts, a character that had no original of its own takes the place of the first removed one.
                let begin = self.text.char_indices().next_back().map_or(0, |(at, _)| at);
                let segment = Segment { begin, original: first.start, width: first.len() };
                if last.begin == begin {
                    *last = segment;
                } else {
                    self.segments.push(segment);
                }
                self.last_is_extra = false;
            }
            return;
        }
        let mut at = range.start..range.start;
        for c in new.chars() {
            let own = old.next();
            self.last_is_extra = own.is_none();
            at = own.unwrap_or(at);
            self.put(c, at.clone());
        }
    }

    /// Puts characters in HF's notation: each comes with 1 if it is inserted, otherwise with minus the number of
    /// original characters that vanish behind the one it stands for.
    fn transform(&mut self, original: &str, changes: impl Iterator<Item = (char, isize)>) {
        self.changed = true;
        let mut old = original.char_indices().map(|(at, c)| at..at + c.len_utf8());
        let mut at = 0..0;
        for (c, change) in changes {
            let mut put = at.clone();
            if change <= 0 {
                put = old.next().unwrap_or(at.clone());
                at = put.clone();
                if change < 0 {
                    at = old.nth(change.unsigned_abs() - 1).unwrap_or(at);
                }
            }
            self.put(c, put);
        }
    }

    /// HF forgets characters removed before the first that stays, and takes for the origin of each character the one that
    /// stands as many characters before.
    fn shift(&mut self, original: &str) {
        let places: Vec<usize> = original.char_indices().map(|(at, _)| at).chain([original.len()]).collect();
        let mut cursor = 0;
        let mut segments = Vec::new();
        for (begin, c) in self.text.char_indices() {
            let from = self.original(begin..begin + c.len_utf8(), &mut cursor).start;
            let place = places.binary_search(&from).unwrap_or(0).saturating_sub(self.removed_first);
            segments.push(Segment { begin, original: places[place], width: places[place + 1] - places[place] });
        }
        self.segments = segments;
    }
}

/// HF's reading of the table: graphemes of less than six bytes as a whole, all else character by character.
fn apply_charsmap(text: &str, map: &Charsmap, unchanged: &CharSet, out: &mut Normalized) {
    let mut done = 0;
    loop {
        let at = unchanged.skip(text, done);
        let Some(first) = text[at..].chars().next() else { break };
        out.changed = true;
        // From here to where two plain characters meet: there, a grapheme is certain to end.
        let is_plain = PLAIN.contains(first);
        let before = if is_plain { None } else { text[done..at].chars().next_back() };
        let begin = at - before.map_or(0, char::len_utf8);
        let mut end = at + first.len_utf8();
        let mut last_is_plain = is_plain;
        for c in text[end..].chars() {
            let is_plain = PLAIN.contains(c);
            if last_is_plain && is_plain {
                break;
            }
            last_is_plain = is_plain;
            end += c.len_utf8();
        }
        out.keep(text, done..begin);
        if is_plain && end == at + first.len_utf8() {
            put_characters(text, begin..end, map, out);
        } else {
            for (i, grapheme) in text[begin..end].grapheme_indices(true) {
                let range = begin + i..begin + i + grapheme.len();
                match map.replacement(grapheme).filter(|_| grapheme.len() < 6) {
                    Some(new) => out.replace(text, range, new),
                    None => put_characters(text, range, map, out),
                }
            }
        }
        done = end;
    }
    if out.changed {
        out.keep(text, done..text.len());
        if out.removed_first > 0 {
            out.shift(text);
        }
    }
}

fn put_characters(text: &str, range: Range<usize>, map: &Charsmap, out: &mut Normalized) {
    let mut begin = range.start;
    for c in text[range].chars() {
        let part = begin..begin + c.len_utf8();
        begin = part.end;
        match map.replacement(&text[part.clone()]) {
            Some(new) => out.replace(text, part, new),
            None => out.keep(text, part),
        }
    }
}
