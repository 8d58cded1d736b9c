//! Documents as sub-token sequences with tags, and back: always running text, never character by character.

use crate::EvalError;
use kbioxlm_benchmarks::Document;
use kbioxlm_benchmarks::{Orphan, Tag, TokenSpan, spans};
use kbioxlm_model::Tokenizer;
use std::ops::Range;

/// A part of a document that the model reads at once: whole sentences where possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// `<s>`, sub-tokens, `</s>`.
    pub ids: Vec<u32>,
    /// The tokens of the document in this window.
    pub tokens: Range<usize>,
    /// Byte range in the document's text of each of `ids`; empty where no text is behind it (`<s>`, `</s>`, a lone `▁`).
    pieces: Vec<Range<usize>>,
}

/// Cuts a document into windows of at most `max_length` sub-tokens (with `<s>` and `</s>`).
///
/// A document that fits is one window; a longer one is cut between sentences, as many a window as fit; a sentence
/// longer than a window is cut between tokens. Every token is in exactly one window.
///
/// # Errors
/// The tokenizer fails.
pub fn windows(document: &Document, tokenizer: &Tokenizer, max_length: usize) -> Result<Vec<Window>, EvalError> {
    let budget = max_length.saturating_sub(2).max(1);
    let encode = |tokens: Range<usize>| encode(document, tokenizer, tokens);
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

fn encode(document: &Document, tokenizer: &Tokenizer, tokens: Range<usize>) -> Result<Window, EvalError> {
    let bytes = document.bytes(&tokens);
    let encoding = tokenizer.encode(&document.text[bytes.clone()])?;
    let pieces = encoding.offsets.iter().map(|o| o.start + bytes.start..o.end + bytes.start).collect();
    Ok(Window { ids: encoding.ids, tokens, pieces })
}

impl Window {
    fn framed(mut self, tokenizer: &Tokenizer) -> Self {
        let special = tokenizer.special();
        self.ids.insert(0, special.bos);
        self.ids.push(special.eos);
        let end = self.pieces.last().map_or(0, |p| p.end);
        self.pieces.insert(0, 0..0);
        self.pieces.push(end..end);
        self
    }

    /// The gold tag of each of `ids`; `None` where no text is behind it.
    ///
    /// Every sub-token has a tag, not only the first of a word: in text without spaces there are no words to be first in.
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
        self.pieces.iter().map(|piece| (!piece.is_empty()).then(|| tag(piece))).collect()
    }

    /// The tag of each token in [`Self::tokens`], given the tag of each of `ids`.
    ///
    /// A token has the tag of the sub-token that covers its first character (of the first that overlaps it, where the
    /// tokenizer drops that character). Where several tokens share a sub-token tagged `B`, the first begins the entity.
    /// A token without any sub-token is outside.
    pub fn decode(&self, document: &Document, tags: &[Tag]) -> Vec<Tag> {
        let mut former = None;
        document.tokens[self.tokens.clone()]
            .iter()
            .map(|token| {
                let covers = |p: &Range<usize>| !p.is_empty() && p.start < token.bytes.end && token.bytes.start < p.end;
                let from = self.pieces.partition_point(|p| p.end <= token.bytes.start);
                let piece = self.pieces[from..].iter().position(covers).map(|p| p + from);
                let shared = piece.is_some() && piece == former;
                former = piece;
                match piece.and_then(|p| tags.get(p)).unwrap_or(&Tag::Outside) {
                    Tag::Begin(label) if shared => Tag::Inside(label.clone()),
                    tag => tag.clone(),
                }
            })
            .collect()
    }
}

/// The entities that the tags of all tokens of a document describe, sentence by sentence.
pub fn entities(document: &Document, tags: &[Tag], orphan: Orphan) -> Vec<TokenSpan> {
    let of_sentence =
        |s: &Range<usize>| tags.get(s.clone()).map(|tags| spans(tags, s.start, orphan).0).unwrap_or_default();
    document.sentences.iter().flat_map(of_sentence).collect()
}

/// The tags of all tokens when the model answers each sub-token with its gold tag: the best that can be reached.
pub fn oracle(document: &Document, windows: &[Window]) -> Vec<Tag> {
    let answer = |w: &Window| {
        let tags: Vec<Tag> = w.tags(document).into_iter().map(|t| t.unwrap_or(Tag::Outside)).collect();
        w.decode(document, &tags)
    };
    windows.iter().flat_map(answer).collect()
}
