//! Any tokenizer in HF's format, by HF's own crate.

use kbioxlm_tokenizer::Encoding;
use std::ops::Range;
use std::str::FromStr;
use tokenizers::tokenizer::NormalizedString;
use tokenizers::{Error, Normalizer, Tokenizer};

/// SentencePiece's mark for the white space before a piece.
const METASPACE: char = '▁';

/// See [`crate::Tokenizer`].
#[derive(Debug)]
pub(crate) struct HfTokenizer {
    inner: Tokenizer,
    metaspace: bool,
}

impl HfTokenizer {
    pub(crate) fn from_json(json: &str) -> Result<Self, Error> {
        let mut inner = Tokenizer::from_str(json)?;
        // Cutting is the business of whoever builds sequences, and nothing is ever padded.
        inner.with_truncation(None)?;
        inner.with_padding(None);
        // `<mask>` in a text is text.
        inner.set_encode_special_tokens(true);
        let metaspace = json.contains("\"Metaspace\"") || inner.token_to_id("▁").is_some();
        Ok(Self { inner, metaspace })
    }

    /// The number of pieces, special ones included.
    pub(crate) fn len(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        self.inner.token_to_id(piece)
    }

    pub(crate) fn piece(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        Ok(self.inner.encode_fast(text, false)?.get_ids().to_vec())
    }

    pub(crate) fn encode(&self, text: &str) -> Result<Encoding, Error> {
        // `tokenizers` loses count of characters that normalisation removes at the very beginning, and
        // all offsets would be shifted by them.
        let removed = self.removed_prefix(text);
        let rest = text.get(removed..).unwrap_or_default();
        let pieces = self.inner.encode(rest, false)?;
        let mut encoding = Encoding { ids: pieces.get_ids().to_vec(), ..Encoding::default() };
        for (piece, &(start, end)) in pieces.get_tokens().iter().zip(pieces.get_offsets()) {
            let range = word_range(text, removed + start..removed + end, piece);
            let word_start = if self.metaspace {
                piece.starts_with(METASPACE)
            } else {
                text.get(..range.start).is_none_or(|before| before.is_empty() || before.ends_with(char::is_whitespace))
            };
            encoding.offsets.push(range);
            encoding.word_starts.push(word_start);
        }
        Ok(encoding)
    }

    /// Bytes at the beginning of the text that normalisation removes.
    fn removed_prefix(&self, text: &str) -> usize {
        let Some(normalizer) = self.inner.get_normalizer() else { return 0 };
        let is_removed = |c: &char| {
            if c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ' {
                return false;
            }
            let mut normalized = NormalizedString::from(c.to_string());
            normalizer.normalize(&mut normalized).is_ok() && normalized.get().is_empty()
        };
        text.chars().take_while(is_removed).map(char::len_utf8).sum()
    }
}

/// The part of `range` without white space around it; empty for a piece that is white space alone.
fn word_range(text: &str, range: Range<usize>, piece: &str) -> Range<usize> {
    // Normalisation maps characters to characters, but nothing promises that its ranges are sound.
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let Some(part) = text.get(start..end) else { return start..start };
    let word = part.trim_start();
    let start = end - word.len();
    // `▁` before the first character is inserted and carries the range of that character.
    let end = if piece.chars().all(|c| c == METASPACE) { start } else { start + word.trim_end().len() };
    start..end
}
