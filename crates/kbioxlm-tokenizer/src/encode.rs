use crate::LoadError;
use crate::cache::Cache;
use crate::normalize::{Normalized, Normalizer};
use crate::read::{Parts, read};
use crate::viterbi::{Cut, METASPACE_LEN, Model, Step};
use crate::words::{Splitter, Word};
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The pieces of a text; the three lists are equally long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Encoding {
    /// Ids of the pieces.
    pub ids: Vec<u32>,
    /// What each piece stands for, in bytes of the original text, without white space around it.
    /// A piece that stands for white space alone has an empty range where the next word begins. Characters that
    /// normalisation removes or merges into the one before (accents, zero-width ones) may belong to no piece.
    pub offsets: Vec<Range<usize>>,
    /// Whether a piece begins a word: white space or the beginning of the text is before it.
    pub word_starts: Vec<bool>,
}

/// Memory that is used again for the next text.
#[derive(Debug, Default)]
struct Buffers {
    normalized: Normalized,
    steps: Vec<Step>,
    cuts: Vec<Cut>,
    cache: Cache,
}

/// After texts longer than this, memory is given back.
const KEPT_FOR: usize = 1 << 20;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Numbers tokenizers, so that none takes the cached words of another.
static TOKENIZERS: AtomicU64 = AtomicU64::new(1);

/// A Unigram tokenizer.
#[derive(Clone)]
pub struct Unigram {
    normalizer: Normalizer,
    splitter: Splitter,
    model: Model,
    number: u64,
    /// Pieces one behind the other.
    names: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl fmt::Debug for Unigram {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Unigram").field("pieces", &self.len()).finish_non_exhaustive()
    }
}

impl Unigram {
    /// Reads the text of a `tokenizer.json`. Its truncation and padding are not used.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn from_json(json: &str) -> Result<Self, LoadError> {
        let Parts { normalizer, splitter, pieces, unknown, byte_fallback, special } = read(json)?;
        let (mut names, mut ends, mut scores) = (String::new(), Vec::new(), Vec::new());
        for (piece, score) in &pieces {
            names.push_str(piece);
            ends.push(names.len());
            scores.push(*score);
        }
        let model = Model::new(pieces.iter().map(|(piece, _)| piece.as_str()), scores, unknown, byte_fallback);
        // Tokens that are no pieces have the ids behind these.
        let number = TOKENIZERS.fetch_add(1, Ordering::Relaxed);
        let mut tokenizer = Self { normalizer, splitter, model, number, names, ends };
        for token in special.iter().filter(|token| !token.is_empty()) {
            if tokenizer.id(token).is_none() {
                tokenizer.names.push_str(token);
                tokenizer.ends.push(tokenizer.names.len());
            }
        }
        Ok(tokenizer)
    }

    /// The number of pieces, special ones included.
    #[allow(clippy::len_without_is_empty)] // There is always an unknown piece.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a piece, `▁` for white space.
    pub fn piece(&self, id: u32) -> Option<&str> {
        let id = id as usize;
        let end = *self.ends.get(id)?;
        let begin = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.names.get(begin..end)
    }

    /// The id of a piece.
    pub fn id(&self, piece: &str) -> Option<u32> {
        let added = || (self.model.len()..self.len()).map(|id| id as u32).find(|id| self.piece(*id) == Some(piece));
        self.model.id(piece).or_else(added)
    }

    /// Splits a text into pieces. Special tokens that stand in it are text; none are added.
    pub fn encode(&self, text: &str) -> Encoding {
        let mut encoding = Encoding::default();
        self.encode_into(text, &mut encoding);
        encoding
    }

    /// [`Unigram::encode`] in place of what `out` held.
    pub fn encode_into(&self, text: &str, out: &mut Encoding) {
        out.ids.clear();
        out.offsets.clear();
        out.word_starts.clear();
        let mut cursor = 0;
        self.each(text, |removed, normalized, word, cut| {
            let mark = if word.mark.is_some() { METASPACE_LEN } else { 0 };
            let is_marked = cut.range.start < mark && !cut.is_byte;
            let origin = normalized.original(place(normalized.text(&text[removed..]), word, &cut.range), &mut cursor);
            let origin = removed + origin.start..removed + origin.end;
            out.ids.push(cut.id);
            out.offsets.push(without_whitespace(text, origin, is_marked && cut.range.end == mark));
            out.word_starts.push(is_marked);
        });
    }

    /// Puts the ids of [`Unigram::encode`] in place of what `out` held.
    pub fn ids_into(&self, text: &str, out: &mut Vec<u32>) {
        out.clear();
        self.each(text, |_, _, _, cut| out.push(cut.id));
    }

    /// Calls `each` with every piece, its word, the normalised text that has it, and the bytes before that text.
    fn each(&self, text: &str, each: impl FnMut(usize, &Normalized, &Word, &Cut)) {
        BUFFERS.with_borrow_mut(|buffers| {
            self.each_with(text, buffers, each);
            if text.len() > KEPT_FOR {
                *buffers = Buffers::default();
            }
        });
    }

    fn each_with(&self, text: &str, buffers: &mut Buffers, mut each: impl FnMut(usize, &Normalized, &Word, &Cut)) {
        let Buffers { normalized, steps, cuts, cache } = buffers;
        cache.claim(self.number);
        let removed = self.normalizer.removed_prefix(text, normalized);
        let text = &text[removed..];
        let range = self.normalizer.apply(text, normalized);
        let normalized = &*normalized;
        let text = normalized.text(text);
        for word in self.splitter.words(text, range, |at| normalized.original(at..at + 1, &mut 0).start == 0) {
            let body = &text[word.body.clone()];
            if word.mark.is_some() {
                cache.cut(body, cuts, |cuts| self.model.cut(body, true, steps, cuts));
            } else {
                self.model.cut(body, false, steps, cuts);
            }
            for cut in &*cuts {
                each(removed, normalized, &word, cut);
            }
        }
    }
}

/// The place in the normalised text of a range of a word.
fn place(normalized: &str, word: &Word, range: &Range<usize>) -> Range<usize> {
    let Some(mark) = &word.mark else { return word.body.start + range.start..word.body.start + range.end };
    let begin = match range.start.checked_sub(METASPACE_LEN) {
        Some(begin) => word.body.start + begin,
        None => mark.start,
    };
    let end = match range.end - METASPACE_LEN {
        // An added mark stands where the first character does.
        0 if mark.is_empty() => {
            word.body.start + normalized[word.body.start..].chars().next().map_or(0, char::len_utf8)
        }
        end => word.body.start + end,
    };
    begin..end
}

/// The part of `range` without white space around it; empty for a piece that is a mark alone.
fn without_whitespace(text: &str, range: Range<usize>, is_mark: bool) -> Range<usize> {
    let part = &text[range.clone()];
    if let ([b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'], false) = (part.as_bytes(), is_mark) {
        return range;
    }
    let word = part.trim_start();
    let start = range.end - word.len();
    let end = if is_mark { start } else { start + word.trim_end().len() };
    start..end
}
