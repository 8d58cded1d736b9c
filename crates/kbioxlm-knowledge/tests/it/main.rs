//! From sources to a knowledge base and back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod build;
mod common;
mod compatibility;
mod merge;
