//! Input errors that name their place, atomic output, hashes and seeds: what every crate does with files.

mod error;
mod hash;
mod input;
mod lines;
mod open;
mod output;
mod table;
pub mod xml;

pub use error::{FileError, Result};
pub use hash::{hash_bytes, hash_file, hash_path, is_in_share, rng_for};
pub use input::{create_dir, json_line_error, jsonl_rows, read_json, read_jsonl, read_text, utf8};
pub use lines::Lines;
pub use open::{Input, decompress, open};
pub use output::{StagedDir, remove, write_atomic, write_json_atomic};
pub use table::{Row, Table};
