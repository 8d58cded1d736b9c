use crate::hf_tokenizer::HfTokenizer;
use crate::{ModelError, Result};
use kbioxlm_files::read_text;
use kbioxlm_tokenizer::{LoadError, Unigram};
use std::path::Path;
use std::sync::Arc;

pub use kbioxlm_tokenizer::Encoding;

/// Name of the tokenizer in a model directory.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

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

/// A tokenizer in HF's format. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Inner,
    json: Arc<str>,
    special: SpecialTokens,
    names: SpecialNames,
}

/// What does the work. Both give the same ids and offsets; ours is many times as fast, HF's knows all kinds of tokenizers.
#[derive(Clone, Debug)]
enum Inner {
    Unigram(Arc<Unigram>),
    Hf(Arc<HfTokenizer>),
}

impl Inner {
    fn id(&self, piece: &str) -> Option<u32> {
        match self {
            Self::Unigram(inner) => inner.id(piece),
            Self::Hf(inner) => inner.id(piece),
        }
    }
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
        let broken = |found: String| {
            ModelError::content(path, found, "a tokenizer in HF's format", "restore the file from where it came from")
        };
        let inner = match Unigram::from_json(&json) {
            Ok(inner) => Inner::Unigram(Arc::new(inner)),
            Err(LoadError::Unsupported { .. }) => {
                Inner::Hf(Arc::new(HfTokenizer::from_json(&json).map_err(|e| broken(e.to_string()))?))
            }
            Err(LoadError::Broken { found, .. }) => return Err(broken(found)),
        };
        let found = NAMES.iter().find_map(|names| {
            let id = |name: &str| inner.id(name);
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
                [bos, eos, pad, mask, unk].into_iter().filter(|name| inner.id(name).is_none()).collect()
            };
            return Err(ModelError::content(
                path,
                format!("no piece {}", missing.join(", ")),
                "the pieces <s> </s> <pad> <unk> <mask>, or [CLS] [SEP] [PAD] [UNK] [MASK]",
                "use the tokenizer of an XLM-RoBERTa or BERT model",
            ));
        };
        Ok(Self { inner, json: json.into(), special, names })
    }

    /// The number of pieces, special ones included.
    pub fn vocab_size(&self) -> usize {
        match &self.inner {
            Inner::Unigram(inner) => inner.len(),
            Inner::Hf(inner) => inner.len(),
        }
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
        match &self.inner {
            Inner::Unigram(inner) => inner.piece(id).map(str::to_owned),
            Inner::Hf(inner) => inner.piece(id),
        }
    }

    /// The id of a piece, given as [`Tokenizer::id_to_piece`] gives it.
    pub fn piece_to_id(&self, piece: &str) -> Option<u32> {
        self.inner.id(piece)
    }

    /// The tokenizer as it stood in its file.
    pub fn to_json(&self) -> String {
        self.json.to_string()
    }

    /// Only the ids of [`Tokenizer::encode`].
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = match &self.inner {
            Inner::Unigram(inner) => {
                let mut ids = Vec::new();
                inner.ids_into(text, &mut ids);
                ids
            }
            Inner::Hf(inner) => inner.ids(text).map_err(|e| refused(text, &*e))?,
        };
        ids.iter_mut().for_each(|id| *id = self.plain(*id));
        Ok(ids)
    }

    /// Splits a text into pieces, without `<s>` and `</s>`.
    ///
    /// Special tokens that stand in the text as text (`"<mask>"`) become the unknown piece: a text cannot
    /// give commands to the model.
    ///
    /// # Errors
    /// The tokenizer has no unknown piece and the text needs it.
    pub fn encode(&self, text: &str) -> Result<Encoding> {
        let mut encoding = match &self.inner {
            Inner::Unigram(inner) => inner.encode(text),
            Inner::Hf(inner) => inner.encode(text).map_err(|e| refused(text, &*e))?,
        };
        encoding.ids.iter_mut().for_each(|id| *id = self.plain(*id));
        Ok(encoding)
    }

    /// SentencePiece vocabularies contain `<s>` and the like as pieces, which match the same letters in a text.
    fn plain(&self, id: u32) -> u32 {
        let SpecialTokens { bos, eos, pad, mask, unk } = self.special;
        if [bos, eos, pad, mask].contains(&id) { unk } else { id }
    }
}

fn refused(text: &str, e: &(dyn std::error::Error + Send + Sync)) -> ModelError {
    ModelError::Tokenize { text: text.chars().take(40).collect(), message: e.to_string() }
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
