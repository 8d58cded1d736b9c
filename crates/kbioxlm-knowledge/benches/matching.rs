//! Times the matcher on one thread: `cargo bench -p kbioxlm-knowledge --bench matching -- KB LANG TEXT.jsonl…`.
//!
//! Each line on standard input starts a run over all texts (`"text"` of each JSON line), so that a script can take turns with a
//! peer; each run is answered with one JSON line. `benchmarks/matching.py` is such a script.
#![allow(missing_docs, clippy::unwrap_used)]

use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use std::path::Path;
use std::time::Instant;

/// Resident memory in MiB, of which anonymous: what is mapped from the file can be dropped at any time.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (field("VmRSS:"), field("RssAnon:"))
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [kb, lang, texts @ ..] = args.as_slice() else {
        eprintln!("usage: matching KB LANG TEXT.jsonl…; each line on standard input starts a run");
        return;
    };
    let start = Instant::now();
    let kb = KnowledgeBase::open(Path::new(kb)).unwrap();
    let opened = start.elapsed().as_secs_f64();
    let matcher = Matcher::new(&kb, lang).unwrap();
    let mut documents = Vec::new();
    for path in texts {
        for row in kbioxlm_files::read_jsonl::<serde_json::Value>(Path::new(path), "an object with `text`").unwrap() {
            documents.push(row.unwrap().1["text"].as_str().unwrap_or_default().to_owned());
        }
    }
    let bytes: usize = documents.iter().map(String::len).sum();
    for _ in std::io::stdin().lines() {
        let start = Instant::now();
        let mentions: usize = documents.iter().map(|text| matcher.find(text).len()).sum();
        let seconds = start.elapsed().as_secs_f64();
        let (resident, anonymous) = memory();
        let speed = bytes as f64 / 1e6 / seconds;
        println!(
            r#"{{"bytes": {bytes}, "documents": {}, "mentions": {mentions}, "seconds": {seconds:.6}, "mb_per_s": {speed:.1}, "open_s": {opened:.3}, "resident_mib": {resident}, "anonymous_mib": {anonymous}}}"#,
            documents.len()
        );
    }
}
