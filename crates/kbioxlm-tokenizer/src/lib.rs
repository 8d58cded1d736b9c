//! Fast Unigram tokenizer with the ids and offsets of HF's.
//!
//! [`Unigram`] reads a `tokenizer.json` of XLM-R's kind (a SentencePiece normaliser, `▁` for white space, a Unigram model) and
//! gives what HF's `tokenizers` gives for it, many times as fast on one core: the pieces are a double array, the search walks it
//! behind an implied `▁`, normalisation copies what it does not change, frequent words are remembered, and no piece costs an
//! allocation.
//! HF's crate stays the oracle of the tests. What a file asks for beyond that is answered with [`LoadError::Unsupported`],
//! never with other ids.
//!
//! Own code, because no crate had both speed and offsets. In MB of English and of Chinese abstracts per second of one core,
//! with XLM-R's vocabulary: this one makes 55 and 75 with offsets; `tokenizers` 0.23 1.2 and 2.1, its 1.0.0-rc.3 10 and 4
//! without (it has none); `tokie` 0.1.4 23 and 17 (55 and 75 for texts it has seen) without, for its offsets are into the
//! normalised text; `kitoken` 0.11 has none.
//!
//! ```
//! # fn main() -> Result<(), kbioxlm_tokenizer::LoadError> {
//! let json = r#"{"normalizer": null, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁"}, "model":
//!     {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁drug", -3.0], ["s", -2.0], ["▁", -4.0]]}}"#;
//! let tokenizer = kbioxlm_tokenizer::Unigram::from_json(json)?;
//! let encoding = tokenizer.encode(" drugs");
//! assert_eq!(encoding.ids, [1, 2]);
//! assert_eq!(encoding.offsets, [1..5, 5..6]);
//! assert_eq!(encoding.word_starts, [true, false]);
//! # Ok(())
//! # }
//! ```

mod cache;
mod charsmap;
mod encode;
pub mod fuzz;
mod normalize;
mod plain;
mod read;
mod trie;
mod viterbi;
mod words;

pub use encode::{Encoding, Unigram};

/// Why a `tokenizer.json` cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Nothing need be wrong, but ids would not be certain to be right.
    #[error("found {what}, which is not supported")]
    Unsupported {
        /// What was found.
        what: String,
    },
    /// The file is damaged.
    #[error("found {found}, expected {expected}")]
    Broken {
        /// What was found.
        found: String,
        /// What should have been there.
        expected: &'static str,
    },
}

fn unsupported(what: impl Into<String>) -> LoadError {
    LoadError::Unsupported { what: what.into() }
}
