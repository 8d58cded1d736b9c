use crate::{ModelError, Result};
use kbioxlm_files::read_text;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use tokenizers::Normalizer;
use tokenizers::tokenizer::NormalizedString;

/// Name of the tokenizer in a model directory.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";
/// SentencePiece's mark for the white space before a piece.
const METASPACE: char = '▁';

/// Ids of the pieces with a meaning of their own.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct SpecialTokens {
    /// Begins a sequence: `<s>` or `[CLS]`.
    pub bos: u32,
    /// Ends a sequence and separates segments: `</s>` or `[SEP]`.
    pub eos: u32,
    /// Fills up; never computed.
    pub pad: u32,
    /// Stands for a piece to predict.
    pub mask: u32,
    /// Stands for what the vocabulary does not have.
    pub unk: u32,
}

/// The names of the special tokens: those of SentencePiece models, or those of BERT.
const NAMES: [SpecialNames; 2] = [
    SpecialNames { bos: "<s>", eos: "</s>", pad: "<pad>", mask: "<mask>", unk: "<unk>" },
    SpecialNames { bos: "[CLS]", eos: "[SEP]", pad: "[PAD]", mask: "[MASK]", unk: "[UNK]" },
];

#[derive(Copy, Clone, Debug)]
pub(crate) struct SpecialNames {
    pub(crate) bos: &'static str,
    pub(crate) eos: &'static str,
    pub(crate) pad: &'static str,
    pub(crate) mask: &'static str,
    pub(crate) unk: &'static str,
}

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

/// A tokenizer in HF's format. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    json: Arc<str>,
    special: SpecialTokens,
    names: SpecialNames,
    metaspace: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a model directory.
    ///
    /// # Errors
    /// As [`Tokenizer::from_file`].
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join(TOKENIZER_FILE);
        if !path.exists() && dir.join("sentencepiece.bpe.model").exists() {
            return Err(ModelError::content(
                &dir.join("sentencepiece.bpe.model"),
                "a SentencePiece model alone",
                TOKENIZER_FILE,
                "write one in Python: AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)",
            ));
        }
        Self::from_file(&path)
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// The file is missing or not a tokenizer, or lacks one of the special tokens.
    pub fn from_file(path: &Path) -> Result<Self> {
        let json = read_text(path)?;
        let broken = |e: Box<dyn std::error::Error + Send + Sync>| {
            ModelError::content(
                path,
                e.to_string(),
                "a tokenizer in HF's format",
                "restore the file from where it came from",
            )
        };
        let mut inner = tokenizers::Tokenizer::from_str(&json).map_err(broken)?;
        // Cutting is the business of whoever builds sequences, and nothing is ever padded.
        inner.with_truncation(None).map_err(broken)?;
        inner.with_padding(None);
        // `<mask>` in a text is text.
        inner.set_encode_special_tokens(true);
        let found = NAMES.iter().find_map(|names| {
            let id = |name: &str| inner.token_to_id(name);
            let special = SpecialTokens {
                bos: id(names.bos)?,
                eos: id(names.eos)?,
                pad: id(names.pad)?,
                mask: id(names.mask)?,
                unk: id(names.unk)?,
            };
            Some((*names, special))
        });
        let Some((names, special)) = found else {
            let missing: Vec<&str> = {
                let SpecialNames { bos, eos, pad, mask, unk } = NAMES[0];
                [bos, eos, pad, mask, unk].into_iter().filter(|name| inner.token_to_id(name).is_none()).collect()
            };
            return Err(ModelError::content(
                path,
                format!("no piece {}", missing.join(", ")),
                "the pieces <s> </s> <pad> <unk> <mask>, or [CLS] [SEP] [PAD] [UNK] [MASK]",
                "use the tokenizer of an XLM-RoBERTa or BERT model",
            ));
        };
        let metaspace = json.contains("\"Metaspace\"") || inner.token_to_id("▁").is_some();
        Ok(Self { inner: Arc::new(inner), json: json.into(), special, names, metaspace })
    }

    /// The number of pieces, special ones included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The special tokens.
    pub fn special(&self) -> &SpecialTokens {
        &self.special
    }

    pub(crate) fn special_names(&self) -> &SpecialNames {
        &self.names
    }

    /// The text of a piece, `▁` for white space; `None` for an id that does not exist.
    pub fn id_to_piece(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The tokenizer as it stood in its file.
    pub fn to_json(&self) -> String {
        self.json.to_string()
    }

    /// Only the ids of [`Tokenizer::encode`].
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| refused(text, &*e))?;
        Ok(encoding.get_ids().iter().map(|&id| self.plain(id)).collect())
    }

    /// Splits a text into pieces, without `<s>` and `</s>`.
    ///
    /// Special tokens that stand in the text as text (`"<mask>"`) become the unknown piece: a text cannot
    /// give commands to the model.
    ///
    /// # Errors
    /// The tokenizer has no unknown piece and the text needs it.
    pub fn encode(&self, text: &str) -> Result<Encoding> {
        // `tokenizers` loses count of characters that normalisation removes at the very beginning, and
        // all offsets would be shifted by them.
        let removed = self.removed_prefix(text);
        let rest = text.get(removed..).unwrap_or_default();
        let pieces = self.inner.encode(rest, false).map_err(|e| refused(text, &*e))?;
        let mut encoding = Encoding::default();
        for ((&id, piece), &(start, end)) in pieces.get_ids().iter().zip(pieces.get_tokens()).zip(pieces.get_offsets())
        {
            let range = word_range(text, removed + start..removed + end, piece);
            let word_start = if self.metaspace {
                piece.starts_with(METASPACE)
            } else {
                text.get(..range.start).is_none_or(|before| before.is_empty() || before.ends_with(char::is_whitespace))
            };
            encoding.ids.push(self.plain(id));
            encoding.offsets.push(range);
            encoding.word_starts.push(word_start);
        }
        Ok(encoding)
    }

    /// SentencePiece vocabularies contain `<s>` and the like as pieces, which match the same letters in a text.
    fn plain(&self, id: u32) -> u32 {
        let SpecialTokens { bos, eos, pad, mask, unk } = self.special;
        if [bos, eos, pad, mask].contains(&id) { unk } else { id }
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

fn refused(text: &str, e: &(dyn std::error::Error + Send + Sync)) -> ModelError {
    ModelError::Tokenize { text: text.chars().take(40).collect(), message: e.to_string() }
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

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
