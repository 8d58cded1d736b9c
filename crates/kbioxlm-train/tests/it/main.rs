//! Pretraining runs of a tiny model, in one process and in several.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alignment;
mod common;
mod evaluation;
mod failures;
mod pretrain;
mod together;
