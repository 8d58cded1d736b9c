//! Documents as sub-token sequences with tags.

use crate::EvalError;
use kbioxlm_benchmarks::{Document, Tag, Token, TokenSpan};
use kbioxlm_model::Tokenizer;
use kbioxlm_train::{FinetuneConfig, LabelledPieces, TextEncoding};
use std::ops::Range;

/// SentencePiece's mark for the white space before a piece.
const METASPACE: char = '▁';

/// A part of a document that the model reads at once: whole sentences where possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// `<s>`, sub-tokens, `</s>`.
    pub ids: Vec<u32>,
    /// The tokens of the document in this window.
    pub tokens: Range<usize>,
    /// Byte range in the document's text of each of `ids`; empty where no text is behind it (`<s>`, `</s>`, a lone `▁`).
    pieces: Vec<Range<usize>>,
    label: LabelledPieces,
}

/// Cuts a document into windows of at most [`max_length`](FinetuneConfig::max_length) sub-tokens (with `<s>` and `</s>`),
/// encoded as the settings say.
///
/// A document that fits is one window; a longer one is cut between sentences, as many a window as fit; a sentence
/// longer than a window is cut between tokens. Every token is in exactly one window.
///
/// # Errors
/// The tokenizer fails.
pub fn windows(
    document: &Document,
    tokenizer: &Tokenizer,
    settings: &FinetuneConfig,
) -> Result<Vec<Window>, EvalError> {
    let budget = settings.max_length.saturating_sub(2).max(1);
    let encode = |tokens: Range<usize>| encode(document, tokenizer, tokens, settings);
    let whole = encode(0..document.tokens.len())?;
    if whole.pieces.len() <= budget {
        return Ok(vec![whole.framed(tokenizer)]);
    }
    let ends: Vec<usize> = document.sentences.iter().map(|s| s.end).collect();
    let mut result = Vec::new();
    let (mut start, mut sentence) = (0, 0);
    while let Some(&end) = ends.get(sentence) {
        let mut window = encode(start..end)?;
        if window.pieces.len() > budget {
            // The first piece that does not fit says where to cut. Encoding the shorter text anew can give other pieces, hence the loop.
            let limit = window.pieces[budget].start;
            let fitting = document.tokens[start..end].partition_point(|t| t.bytes.end <= limit);
            let mut cut = start + fitting.max(1);
            window = encode(start..cut)?;
            while window.pieces.len() > budget && cut > start + 1 {
                cut -= 1;
                window = encode(start..cut)?;
            }
            // What is left now is one token longer than a window: its first sub-tokens speak for it.
            window.ids.truncate(budget);
            window.pieces.truncate(budget);
            start = cut;
            sentence += usize::from(start == end);
        } else {
            while let Some(&next) = ends.get(sentence + 1) {
                let longer = encode(start..next)?;
                if longer.pieces.len() > budget {
                    break;
                }
                window = longer;
                sentence += 1;
            }
            start = window.tokens.end;
            sentence += 1;
        }
        result.push(window.framed(tokenizer));
    }
    Ok(result)
}

/// A text in sequences of at most `max_length` sub-tokens, with `<s>` and `</s>`: one if it fits, else overlapping ones.
pub(crate) fn parts(text: &str, tokenizer: &Tokenizer, max_length: usize) -> Result<Vec<Vec<u32>>, EvalError> {
    let budget = max_length.saturating_sub(2).max(1);
    let ids = tokenizer.encode(text)?.ids;
    let special = tokenizer.special();
    let framed = |inner: Range<usize>| {
        std::iter::once(special.bos).chain(ids[inner].iter().copied()).chain([special.eos]).collect()
    };
    Ok(cuts(ids.len(), budget).into_iter().map(framed).collect())
}

/// Cuts `length` into as few ranges of `budget` as overlap by at least a quarter of it, all equally far apart: a sentence that
/// is cut in one is mostly whole in another.
fn cuts(length: usize, budget: usize) -> Vec<Range<usize>> {
    let rest = length.saturating_sub(budget);
    let steps = rest.div_ceil(budget - budget / 4);
    let start = |i: usize| (rest * i).checked_div(steps).unwrap_or_default();
    (0..=steps).map(|i| start(i)..length.min(start(i) + budget)).collect()
}

fn encode(
    document: &Document,
    tokenizer: &Tokenizer,
    tokens: Range<usize>,
    settings: &FinetuneConfig,
) -> Result<Window, EvalError> {
    let bytes = document.bytes(&tokens);
    let mut window = Window { ids: Vec::new(), tokens, pieces: Vec::new(), label: settings.label };
    match settings.encoding {
        TextEncoding::Text => window.push(document, tokenizer, bytes)?,
        TextEncoding::MarkedWords => {
            for token in &document.tokens[window.tokens.clone()] {
                let first = window.ids.len();
                window.push(document, tokenizer, token.bytes.clone())?;
                // A lone `▁` speaks for its token.
                if let Some(mark) = window.pieces.get_mut(first).filter(|p| p.start == p.end) {
                    let text = &document.text[token.bytes.clone()];
                    *mark = token.bytes.start..token.bytes.start + text.chars().next().map_or(0, char::len_utf8);
                }
            }
        }
        TextEncoding::Words => {
            for token in &document.tokens[window.tokens.clone()] {
                let first = window.ids.len();
                window.push(document, tokenizer, token.bytes.clone())?;
                let before = &document.text[..token.bytes.start];
                if !before.is_empty() && !before.ends_with(char::is_whitespace) {
                    window.unmark(first, tokenizer);
                }
            }
        }
    }
    Ok(window)
}

impl Window {
    fn push(&mut self, document: &Document, tokenizer: &Tokenizer, bytes: Range<usize>) -> Result<(), EvalError> {
        let encoding = tokenizer.encode(&document.text[bytes.clone()])?;
        self.ids.extend(encoding.ids);
        self.pieces.extend(encoding.offsets.iter().map(|o| o.start + bytes.start..o.end + bytes.start));
        Ok(())
    }

    /// Takes the `▁` from a piece, if there is one and the vocabulary has the piece without it.
    fn unmark(&mut self, piece: usize, tokenizer: &Tokenizer) {
        let Some(name) = self.ids.get(piece).and_then(|id| tokenizer.id_to_piece(*id)) else { return };
        match name.strip_prefix(METASPACE) {
            Some("") => {
                self.ids.remove(piece);
                self.pieces.remove(piece);
            }
            Some(rest) => self.ids[piece] = tokenizer.piece_to_id(rest).unwrap_or(self.ids[piece]),
            None => (),
        }
    }

    fn framed(mut self, tokenizer: &Tokenizer) -> Self {
        let special = tokenizer.special();
        self.ids.insert(0, special.bos);
        self.ids.push(special.eos);
        let end = self.pieces.last().map_or(0, |p| p.end);
        self.pieces.insert(0, 0..0);
        self.pieces.push(end..end);
        self
    }

    /// The gold tag of each of `ids`; `None` where no text is behind it and, if only first sub-tokens are labelled, where
    /// [`decode`](crate::decode) does not look.
    ///
    /// A sub-token of two entities belongs to the one it shares more bytes with.
    pub fn tags(&self, document: &Document) -> Vec<Option<Tag>> {
        let entities: Vec<(&TokenSpan, Range<usize>)> =
            document.entities.iter().map(|e| (e, document.bytes(&(e.start..e.end)))).collect();
        let mut begun: Option<&TokenSpan> = None;
        let mut tag = |piece: &Range<usize>| {
            let first = entities.partition_point(|(_, bytes)| bytes.end <= piece.start);
            let overlapping = entities[first..].iter().take_while(|(_, bytes)| bytes.start < piece.end);
            let shared = |bytes: &Range<usize>| bytes.end.min(piece.end) - bytes.start.max(piece.start);
            // `rev`: of several maxima `max_by_key` takes the last, and here the first is wanted.
            let best = overlapping.collect::<Vec<_>>().into_iter().rev().max_by_key(|(_, bytes)| shared(bytes));
            let Some((entity, _)) = best else { return Tag::Outside };
            let continues = begun == Some(*entity) || entity.start < self.tokens.start;
            begun = Some(*entity);
            let label = entity.label.clone();
            if continues { Tag::Inside(label) } else { Tag::Begin(label) }
        };
        let labelled = self.labelled(document);
        self.pieces.iter().zip(labelled).map(|(piece, labelled)| labelled.then(|| tag(piece))).collect()
    }

    /// Whether each of `ids` carries a label.
    fn labelled(&self, document: &Document) -> Vec<bool> {
        match self.label {
            LabelledPieces::All => self.pieces.iter().map(|p| !p.is_empty()).collect(),
            LabelledPieces::First => {
                let mut labelled = vec![false; self.pieces.len()];
                for piece in self.answering(document).into_iter().flatten() {
                    labelled[piece] = true;
                }
                labelled
            }
        }
    }

    /// The sub-token that answers for a token: the one that covers its first character, or the first that overlaps it,
    /// where the tokenizer drops that character.
    fn first_piece(&self, token: &Token) -> Option<usize> {
        let covers = |p: &Range<usize>| !p.is_empty() && p.start < token.bytes.end && token.bytes.start < p.end;
        let from = self.pieces.partition_point(|p| p.end <= token.bytes.start);
        self.pieces[from..].iter().position(covers).map(|p| p + from)
    }

    /// Of each token in [`Self::tokens`] the place among `ids` of the sub-token that answers for it, if any does.
    pub(crate) fn answering(&self, document: &Document) -> Vec<Option<usize>> {
        document.tokens[self.tokens.clone()].iter().map(|token| self.first_piece(token)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::cuts;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_overlap_by_a_quarter_and_cover_all(length in 0usize..3000, budget in 1usize..300) {
            let cuts = cuts(length, budget);
            prop_assert_eq!((cuts[0].start, cuts[cuts.len() - 1].end), (0, length));
            if length > budget {
                prop_assert!(cuts.iter().all(|c| c.len() == budget));
                prop_assert!(cuts.windows(2).all(|pair| pair[0].end - pair[1].start >= budget / 4));
                let reached = |parts: usize| budget + (parts - 1) * (budget - budget / 4);
                prop_assert!(reached(cuts.len() - 1) < length, "one fewer would do");
            } else {
                prop_assert_eq!(cuts.len(), 1);
            }
        }
    }
}
