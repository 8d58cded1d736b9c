//! Configuration, encoder, heads; reading and writing HF directories; tokenizer and vocabulary trimming.
//!
//! A model is read from and written to a directory as `transformers` lays it out (`config.json`,
//! `model.safetensors`, `tokenizer.json`). Two layouts are understood: XLM-RoBERTa and BERT.
//! Batches are *packed*: the rows of all sequences stand one behind the other, and no padding
//! exists that could influence a result.

mod config;
mod device;
mod encoder;
mod error;
mod heads;
mod hf_tokenizer;
mod info;
mod model;
mod names;
mod read;
mod save;
mod store;
mod tokenizer;
mod trim;
mod vocabulary;

pub use config::{Layout, ModelConfig};
pub use device::{DeviceChoice, DeviceName, compute_on, device, has_bf16, select_device};
pub use encoder::{DropoutSeeds, Encoder, Layer, LayerNorm, Linear, PackedBatch};
pub use error::{ModelError, Result};
pub use heads::{Crf, MlmHead, SequenceHead};
pub use info::{ModelInfo, info};
pub use model::{Heads, Model, init};
pub use names::{NamedParameter, named_parameters};
pub use read::{Pretrained, heads_in, load};
pub use save::save;
pub use store::WEIGHTS_FILE;
pub use tokenizer::{Encoding, SpecialTokens, TOKENIZER_FILE, Tokenizer};
pub use trim::{KEPT_IDS, TrimReport, trim};
