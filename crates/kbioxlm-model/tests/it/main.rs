//! Models on the processor: numerics, directories, trimming.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod directories;
mod golden;
mod neighbours;
mod trimming;
