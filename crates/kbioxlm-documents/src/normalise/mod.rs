//! Normalised text that knows where it comes from.

mod map;
mod unit;

pub use map::OffsetMap;

use map::Builder;
use std::ops::Range;
use unicode_normalization::{IsNormalized, UnicodeNormalization, char::decompose_canonical, is_nfc_quick};
use unit::{Chars, What, unit};

/// A normalised text and its map to the original.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Normalised {
    /// The text.
    pub text: String,
    /// Leads to the original.
    pub map: OffsetMap,
}

/// Normalises a text; takes time and memory in proportion to it.
///
/// - Entities of HTML that were left in it become what they stand for (`&amp;`, `&#x3b1;`, `&alpha;`, also escaped twice).
/// - Control characters, soft hyphens, zero-width spaces and marks of direction are removed.
/// - White space of any kind and length becomes one space; with one line end in it a line end, with more of them an empty line.
/// - Characters are composed (Unicode NFC).
///
/// Case, full-width forms and punctuation stay as they are.
pub fn normalise(text: String) -> Normalised {
    let mut builder = Builder::new(&text);
    let mut cluster = Cluster::default();
    let mut at = 0;
    while let Some(unit) = unit(&text, at) {
        at = unit.range.end;
        match unit.what {
            What::Invisible => cluster.gap(unit.range, &mut builder),
            What::Space(breaks) => {
                cluster.close(&mut builder);
                let (range, breaks) = space(&text, unit.range, breaks);
                at = range.end;
                builder.put(range, [" ", "\n", "\n\n"].get(breaks.min(2)).unwrap_or(&" "));
            }
            What::Chars(Chars::One(c)) => cluster.push(unit.range, c, &mut builder),
            What::Chars(Chars::Named(chars)) => {
                chars.chars().for_each(|c| cluster.push(unit.range.clone(), c, &mut builder));
            }
        }
        at += plain(&text, at);
    }
    cluster.close(&mut builder);
    match builder.finish() {
        Some((text, map)) => Normalised { text, map },
        None => Normalised { text, map: OffsetMap::default() },
    }
}

/// The white space that begins with `first`, and how many line ends there are in it. What is not seen is part of it, unless it ends it.
fn space(text: &str, first: Range<usize>, breaks: usize) -> (Range<usize>, usize) {
    let (mut range, mut breaks) = (first, breaks);
    let mut at = range.end;
    while let Some(unit) = unit(text, at) {
        at = unit.range.end;
        match unit.what {
            What::Space(more) => (range.end, breaks) = (at, breaks + more),
            What::Invisible => {}
            What::Chars(_) => break,
        }
    }
    (range, breaks)
}

/// Length of the letters at `at` that surely stay as they are, the last aside, which may be composed with what follows.
fn plain(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().take_while(|&&b| b.is_ascii_graphic() && b != b'&').count().saturating_sub(1)
}

/// Characters that are composed with each other at most: nothing composes across its ends.
#[derive(Default)]
struct Cluster {
    range: Range<usize>,
    chars: String,
    /// What was removed behind it, while what follows may still be composed with it.
    gaps: Vec<Range<usize>>,
}

impl Cluster {
    fn push(&mut self, range: Range<usize>, c: char, builder: &mut Builder<'_>) {
        // An entity of several characters is one piece of the original.
        if begins(c) && range.start >= self.range.end {
            self.close(builder);
        }
        if self.chars.is_empty() {
            self.close(builder);
            self.range = range;
        } else {
            self.gaps.clear();
            self.range.end = range.end;
        }
        self.chars.push(c);
    }

    fn gap(&mut self, range: Range<usize>, builder: &mut Builder<'_>) {
        if self.chars.is_empty() {
            builder.put(range, "");
        } else {
            self.gaps.push(range);
        }
    }

    fn close(&mut self, builder: &mut Builder<'_>) {
        if !self.chars.is_empty() {
            if is_nfc_quick(self.chars.chars()) == IsNormalized::Yes {
                builder.put(self.range.clone(), &self.chars);
            } else {
                builder.put(self.range.clone(), &self.chars.nfc().collect::<String>());
            }
            self.chars.clear();
        }
        self.gaps.drain(..).for_each(|gap| builder.put(gap, ""));
    }
}

/// Whether nothing before `c` is composed with it.
fn begins(c: char) -> bool {
    if c < '\u{300}' {
        return true;
    }
    let mut first = None;
    decompose_canonical(c, |c| first = first.or(Some(c)));
    let first = first.unwrap_or(c);
    unicode_normalization::char::canonical_combining_class(first) == 0
        && is_nfc_quick(std::iter::once(first)) == IsNormalized::Yes
}
