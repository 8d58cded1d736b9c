//! From gold data to scores: encoding, decoding, metrics against the field's own, tiny models fine-tuned.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bootstrap;
mod decode;
mod encode;
mod fewshot;
mod marked;
mod metrics;
mod task;
mod tiny;
