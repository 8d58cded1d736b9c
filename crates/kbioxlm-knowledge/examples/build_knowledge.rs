//! Builds a knowledge base from lexica, for measuring: `cargo run --release -p kbioxlm-knowledge --example build_knowledge -- OUT LEXICON…`

use kbioxlm_knowledge::{Description, build_observed};
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("expected the directory to write and the lexica to read")?;
    let description = Description::of_tables(arguments.collect(), Vec::new(), None, Vec::new());
    let start = Instant::now();
    let report = build_observed(&description, &out, &mut |records| {
        if records % (1 << 20) == 0 {
            eprintln!("{:6.1} s: {records} records", start.elapsed().as_secs_f64());
        }
    })?;
    println!("{report}");
    eprintln!("{:6.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
