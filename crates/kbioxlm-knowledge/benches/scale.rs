//! Measures a knowledge base of the UMLS's size: `cargo bench -p kbioxlm-knowledge --bench scale -- TEXT.jsonl [TERMS]`.
//!
//! Of five million made-up terms (see `examples/synthetic_lexicon.rs`), none ruled out for its number of concepts: the time and the
//! peak memory of building; the time of opening it and making a matcher; the memory that opening and matching add, mapped pages
//! counted; the speed on English text, one thread. Each build and each opening is a process of its own, so that none profits from another's
//! memory; the medians are printed with all values. Needs 3 GB beside the temporary directory's files.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../examples/synthetic_lexicon.rs"]
mod synthetic_lexicon;

use kbioxlm_knowledge::{Description, KnowledgeBase, Matcher, build};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const BUILDS: usize = 3;
const OPENINGS: usize = 7;
/// Readings of all texts by each process that opened it; the first, which maps what it meets, is timed apart.
const READINGS: usize = 4;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["build", lexicon, out] => build_once(Path::new(lexicon), Path::new(out)),
        ["match", kb, text] => match_once(Path::new(kb), Path::new(text)),
        [text] => measure(text, 5_000_000),
        [text, terms] => measure(text, terms.parse().unwrap()),
        _ => eprintln!("usage: scale TEXT.jsonl [TERMS]"),
    }
}

fn measure(text: &str, terms: usize) {
    let dir = std::env::temp_dir().join(format!("kbioxlm-scale-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (lexicon, kb) = (dir.join("lexicon.tsv"), dir.join("kb"));
    synthetic_lexicon::write(terms, &lexicon).unwrap();
    let builds = repeat(BUILDS, || {
        let _ = std::fs::remove_dir_all(&kb);
        run(&["build".as_ref(), &lexicon, &kb])
    });
    print("build, s", &builds, 0);
    print("build, peak MiB", &builds, 1);
    let size = std::fs::metadata(kb.join("knowledge.bin")).unwrap().len();
    println!("{:28}{:8.0}", "knowledge.bin, MiB", size as f64 / MIB);
    let openings = repeat(OPENINGS, || run(&["match".as_ref(), &kb, text.as_ref()]));
    let names = ["open, s", "memory, MiB", "first reading, MB/s", "then, MB/s"];
    names.iter().enumerate().for_each(|(column, name)| print(name, &openings, column));
    std::fs::remove_dir_all(&dir).unwrap();
}

fn repeat(times: usize, mut once: impl FnMut() -> Vec<f64>) -> Vec<Vec<f64>> {
    (0..times).map(|_| once()).collect()
}

/// Runs this program and gives the numbers that it prints.
fn run(arguments: &[&Path]) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|number| number.parse().unwrap()).collect()
}

fn print(name: &str, runs: &[Vec<f64>], column: usize) {
    let mut values: Vec<f64> = runs.iter().map(|run| run[column]).collect();
    let all: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
    values.sort_by(f64::total_cmp);
    println!("{name:28}{:8.2}  of {}", values[values.len() / 2], all.join(" "));
}

fn build_once(lexicon: &Path, out: &Path) {
    let mut description = Description::of_tables(vec![lexicon.to_owned()], vec![], None, vec![]);
    description.terms.max_concepts_per_name = 0;
    let start = Instant::now();
    build(&description, out).unwrap();
    println!("{} {}", start.elapsed().as_secs_f64(), memory("VmHWM:"));
}

fn match_once(kb: &Path, text: &Path) {
    let rows = kbioxlm_files::read_jsonl::<serde_json::Value>(text, "an object with `text`").unwrap();
    let documents: Vec<String> =
        rows.map(|row| row.unwrap().1["text"].as_str().unwrap_or_default().to_owned()).collect();
    let megabytes = documents.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let before = memory("VmRSS:");
    let start = Instant::now();
    let kb = KnowledgeBase::open(kb).unwrap();
    let matcher = Matcher::new(&kb, "en").unwrap();
    let opened = start.elapsed().as_secs_f64();
    let mut speeds: Vec<f64> = (0..READINGS)
        .map(|_| {
            let start = Instant::now();
            let mentions: usize = documents.iter().map(|text| matcher.find(text).len()).sum();
            assert!(mentions > 0);
            megabytes / start.elapsed().as_secs_f64()
        })
        .collect();
    let first = speeds.remove(0);
    speeds.sort_by(f64::total_cmp);
    println!("{opened} {} {first} {}", memory("VmRSS:") - before, speeds[speeds.len() / 2]);
}

const MIB: f64 = (1 << 20) as f64;

/// What the system says of this process, in MiB: `VmRSS:` is resident, `VmHWM:` the most that ever was.
fn memory(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
