//! Our tokenizer against HF's, and against broken files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod charsmap;
mod equality;
mod hostile;
mod oracle;
