//! Times encoding on one thread, ours and HF's by turns on the same texts:
//! `cargo bench -p kbioxlm-tokenizer --bench encoding -- tokenizer.json TEXT.jsonl…`.
//!
//! Texts are the `"text"` of each JSON line. Each file gives a line with and one without offsets: medians in MB/s of
//! [`ROUNDS`] rounds over all its texts, and the median of the rounds' ratios. HF's tokenizer is at its best: one batch without
//! special tokens, its cache of words warm, `encode_batch_fast` where no offsets are wanted.
#![allow(missing_docs, clippy::unwrap_used)]

use kbioxlm_tokenizer::{Encoding, Unigram};
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;
use tokenizers::Tokenizer;

const ROUNDS: usize = 5;
/// Of each file so much is read: HF's tokenizer takes seconds for it.
const BYTES: usize = 8_000_000;

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Takes turns and prints a line.
fn compare(what: &str, bytes: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (seconds(&mut ours), seconds(&mut theirs))).collect();
    let speed = |seconds: f64| bytes as f64 / 1e6 / seconds;
    println!(
        r#"{{"what": "{what}", "bytes": {bytes}, "mb_per_s": {:.2}, "hf_mb_per_s": {:.2}, "ratio": {:.1}}}"#,
        median(rounds.iter().map(|(ours, _)| speed(*ours)).collect()),
        median(rounds.iter().map(|(_, theirs)| speed(*theirs)).collect()),
        median(rounds.iter().map(|(ours, theirs)| theirs / ours).collect()),
    );
}

fn main() {
    // Batches of HF's crate would otherwise run on all cores.
    tokenizers::utils::parallelism::set_parallelism(false);
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [json, files @ ..] = args.as_slice() else {
        eprintln!("usage: encoding tokenizer.json TEXT.jsonl…");
        return;
    };
    let json = std::fs::read_to_string(json).unwrap();
    let (mut ours, mut hf) = (None, None);
    let load_ours = seconds(|| ours = Some(Unigram::from_json(&json).unwrap()));
    let load_hf = seconds(|| hf = Some(Tokenizer::from_str(&json).unwrap()));
    let (ours, hf) = (ours.unwrap(), hf.unwrap());
    println!(r#"{{"what": "load", "seconds": {load_ours:.3}, "hf_seconds": {load_hf:.3}}}"#);
    for file in files {
        let texts = std::fs::read_to_string(file).unwrap();
        let texts = texts.lines().map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["text"].as_str().unwrap_or_default().to_owned()
        });
        let mut bytes = 0;
        let texts: Vec<String> = texts.take_while(|text| (bytes < BYTES, bytes += text.len()).0).collect();
        let bytes = texts.iter().map(String::len).sum();
        let (mut encoding, mut ids) = (Encoding::default(), Vec::new());
        compare(
            &format!("{file}, ids and offsets"),
            bytes,
            || {
                for text in &texts {
                    ours.encode_into(text, &mut encoding);
                    black_box(&encoding);
                }
            },
            || drop(black_box(hf.encode_batch(texts.iter().map(String::as_str).collect(), false).unwrap())),
        );
        compare(
            &format!("{file}, ids"),
            bytes,
            || {
                for text in &texts {
                    ours.ids_into(text, &mut ids);
                    black_box(&ids);
                }
            },
            || drop(black_box(hf.encode_batch_fast(texts.iter().map(String::as_str).collect(), false).unwrap())),
        );
    }
}
