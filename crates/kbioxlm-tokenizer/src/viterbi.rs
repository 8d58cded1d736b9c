//! The best way to cut a word into pieces.

use crate::trie::{State, Trie};
use std::ops::Range;

/// SentencePiece's mark for the white space before a word.
pub(crate) const METASPACE: char = '▁';
pub(crate) const METASPACE_LEN: usize = METASPACE.len_utf8();
/// What an unknown character costs beyond the least likely piece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Pieces with their log probabilities.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    trie: Trie,
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    /// After `▁`.
    behind_metaspace: Option<State>,
    /// The piece for each byte of an unknown character, if the model falls back to them.
    bytes: Option<Box<[Option<u32>; 256]>>,
}

/// The best way to a place in a word.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Step {
    score: f64,
    piece: u32,
    /// Bytes of the last piece.
    len: u32,
}

const UNREACHED: Step = Step { score: f64::NEG_INFINITY, piece: 0, len: 0 };

impl Step {
    #[inline]
    fn improve(&mut self, score: f64, piece: u32, len: usize) {
        // Of equal ways the first one stays, as in HF.
        if score > self.score {
            *self = Self { score, piece, len: len as u32 };
        }
    }
}

/// A piece of a word.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) id: u32,
    /// In the word, of which `▁` is part.
    pub(crate) range: Range<usize>,
    /// One of several pieces for the bytes of an unknown character.
    pub(crate) is_byte: bool,
}

impl Model {
    /// `bytes`: unknown characters fall back to the pieces `<0x00>` to `<0xFF>`. Scores are finite.
    pub(crate) fn new<'a>(
        pieces: impl Iterator<Item = &'a str>,
        scores: Vec<f64>,
        unknown: u32,
        byte_fallback: bool,
    ) -> Self {
        let trie = Trie::new(pieces);
        let bytes = byte_fallback.then(|| {
            let find = |byte: usize| trie.walk(trie.root(), format!("<0x{byte:02X}>").as_bytes())?.piece();
            Box::new(std::array::from_fn(find))
        });
        let unknown_score = scores.iter().copied().fold(f64::INFINITY, f64::min) - UNKNOWN_PENALTY;
        let behind_metaspace = trie.walk(trie.root(), METASPACE.encode_utf8(&mut [0; 4]).as_bytes());
        Self { behind_metaspace, scores, unknown, unknown_score, bytes, trie }
    }

    /// The number of pieces.
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    /// The id of a piece.
    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        self.trie.walk(self.trie.root(), piece.as_bytes())?.piece()
    }

    /// Cuts a word, which is `body` behind `▁` if `marked`; the pieces come in order.
    pub(crate) fn cut(&self, body: &str, marked: bool, steps: &mut Vec<Step>, cuts: &mut Vec<Cut>) {
        let mark = if marked { METASPACE_LEN } else { 0 };
        self.search(body, mark, steps);
        cuts.clear();
        let mut end = mark + body.len();
        // The search leaves a way to every character, so this ends.
        while let Some(&Step { piece, len, .. }) = steps.get(end).filter(|step| step.len > 0) {
            let begin = end - len as usize;
            match cuts.last_mut() {
                // Neighbouring unknown characters are one piece.
                Some(next) if piece == self.unknown && next.id == self.unknown => next.range.start = begin,
                _ => cuts.push(Cut { id: piece, range: begin..end, is_byte: false }),
            }
            end = begin;
        }
        cuts.reverse();
        if cuts.iter().any(|cut| cut.id == self.unknown) {
            self.resolve_unknown(body, mark, cuts);
        }
    }

    fn search(&self, body: &str, mark: usize, steps: &mut Vec<Step>) {
        steps.clear();
        steps.resize(mark + body.len() + 1, UNREACHED);
        steps[0].score = 0.0;
        if mark > 0 {
            if let Some(state) = self.behind_metaspace {
                if let Some(piece) = state.piece() {
                    steps[mark].improve(self.scores[piece as usize], piece, mark);
                }
                self.extend(state, 0.0, mark, body.as_bytes(), &mut steps[mark..]);
            }
            if self.behind_metaspace.and_then(State::piece).is_none() {
                steps[mark].improve(self.unknown_score, self.unknown, mark);
            }
        }
        let steps = &mut steps[mark..];
        let root = self.trie.root();
        for (begin, c) in body.char_indices() {
            let score = steps[begin].score;
            let len = c.len_utf8();
            let is_known = self.extend(root, score, 0, &body.as_bytes()[begin..], &mut steps[begin..]) & 1 << len != 0;
            if !is_known {
                steps[begin + len].improve(score + self.unknown_score, self.unknown, len);
            }
        }
    }

    /// Improves `steps` by all pieces that go on from `state` with the beginning of `bytes`; `before` bytes of them were read.
    /// The result has a bit for each of the lengths up to four that is a piece's.
    #[inline]
    fn extend(&self, mut state: State, score: f64, before: usize, bytes: &[u8], steps: &mut [Step]) -> u32 {
        let mut lengths = 0;
        for (i, (&byte, step)) in bytes.iter().zip(&mut steps[1..]).enumerate() {
            let Some(next) = self.trie.next(state, byte) else { break };
            if let Some(piece) = next.piece() {
                step.improve(score + self.scores[piece as usize], piece, before + i + 1);
                lengths |= if i < 4 { 2 << i } else { 0 };
            }
            state = next;
        }
        lengths
    }

    /// What was joined may be a piece after all, or be spelt with bytes.
    fn resolve_unknown(&self, body: &str, mark: usize, cuts: &mut Vec<Cut>) {
        let resolve = |cut: Cut| {
            if cut.id != self.unknown {
                return vec![cut];
            }
            let letters = &body.as_bytes()[cut.range.start.saturating_sub(mark)..cut.range.end.saturating_sub(mark)];
            let begins_with_mark = cut.range.start < mark;
            let begin = if begins_with_mark { self.behind_metaspace } else { Some(self.trie.root()) };
            if let Some(id) = begin.and_then(|state| self.trie.walk(state, letters)).and_then(State::piece) {
                return vec![Cut { id, ..cut }];
            }
            let mut buffer = [0; 4];
            let mark = if begins_with_mark { METASPACE.encode_utf8(&mut buffer).as_bytes() } else { &[] };
            let spelt = self.bytes.as_deref().and_then(|ids| {
                let bytes = mark.iter().chain(letters);
                bytes
                    .map(|byte| Some(Cut { id: ids[*byte as usize]?, range: cut.range.clone(), is_byte: true }))
                    .collect()
            });
            spelt.unwrap_or_else(|| vec![cut])
        };
        *cuts = std::mem::take(cuts).into_iter().flat_map(resolve).collect();
    }
}
