//! Every kind of document file, read as its publisher writes it, and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cirrus;
mod common;
mod documents;
mod jats;
mod medline;
mod normalise;
mod robust;
mod sentences;
