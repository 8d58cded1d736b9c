//! The whole crate from files to files, on a small knowledge base of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod disk;
mod filters;
mod input;
mod mentions;
mod names;
mod passages;
mod sources;
mod spans;
mod stats;
mod switch;
mod traps;
mod world;
