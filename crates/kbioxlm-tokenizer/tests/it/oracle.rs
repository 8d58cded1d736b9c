//! What HF's `tokenizers` gives, corrected where it loses count of characters removed at the beginning of a text.

use kbioxlm_tokenizer::Encoding;
use std::ops::Range;
use std::str::FromStr;
use tokenizers::tokenizer::NormalizedString;
use tokenizers::{Normalizer, Tokenizer};

/// HF's tokenizer for a `tokenizer.json`, with special tokens in texts taken for text.
pub fn load(json: &str) -> Tokenizer {
    let mut tokenizer = Tokenizer::from_str(json).unwrap();
    tokenizer.with_truncation(None).unwrap();
    tokenizer.with_padding(None);
    tokenizer.set_encode_special_tokens(true);
    tokenizer
}

/// The encoding of a text by HF's tokenizer.
pub fn encode(tokenizer: &Tokenizer, text: &str) -> Encoding {
    let removed = removed_prefix(tokenizer, text);
    let found = tokenizer.encode(&text[removed..], false).unwrap();
    let mut encoding = Encoding { ids: found.get_ids().to_vec(), ..Encoding::default() };
    for (piece, &(start, end)) in found.get_tokens().iter().zip(found.get_offsets()) {
        encoding.offsets.push(word_range(text, removed + start..removed + end, piece));
        encoding.word_starts.push(piece.starts_with('▁'));
    }
    encoding
}

fn removed_prefix(tokenizer: &Tokenizer, text: &str) -> usize {
    let Some(normalizer) = tokenizer.get_normalizer() else { return 0 };
    let is_removed = |c: &char| {
        if c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ' {
            return false;
        }
        let mut normalized = NormalizedString::from(c.to_string());
        normalizer.normalize(&mut normalized).is_ok() && normalized.get().is_empty()
    };
    text.chars().take_while(is_removed).map(char::len_utf8).sum()
}

fn word_range(text: &str, range: Range<usize>, piece: &str) -> Range<usize> {
    let word = text[range.clone()].trim_start();
    let start = range.end - word.len();
    let end = if piece.chars().all(|c| c == '▁') { start } else { start + word.trim_end().len() };
    start..end
}
