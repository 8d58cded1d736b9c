//! Reading and writing files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod files;
mod open;
