//! Times the whole entity level (read, match, replace, write): `cargo bench -p kbioxlm-corpus --bench anchoring -- KB LANG=FILE…`.
//!
//! Builds a corpus several times, each time into an empty directory, and prints input bytes by wall time and by CPU time; on a
//! machine that does other things only the latter says something. Options: `--runs 5`, `--levels entity`, `--languages en,zh`,
//! `--threads` (all).
#![allow(missing_docs, clippy::unwrap_used)]

use kbioxlm_corpus::{AnchorConfig, Level, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_knowledge::KnowledgeBase;
use std::path::Path;
use std::time::Instant;

/// Seconds of processor time so far, user and system, of all threads.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    // In hundredths of a second on every Linux there is.
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut option = |name: &str, default: &str| {
        let Some(at) = args.iter().position(|a| a == name) else { return default.to_owned() };
        args.remove(at);
        args.remove(at)
    };
    let runs: usize = option("--runs", "5").parse().unwrap();
    let threads = option("--threads", "0").parse().unwrap();
    let levels: Vec<Level> = option("--levels", "entity").split(',').map(|level| level.parse().unwrap()).collect();
    let languages = option("--languages", "en,zh").split(',').map(str::to_owned).collect();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let [kb, texts @ ..] = args.as_slice() else {
        eprintln!("usage: anchoring [--runs 5] [--threads N] [--levels entity] [--languages en,zh] KB LANG=FILE…");
        return;
    };
    let kb = KnowledgeBase::open(Path::new(kb)).unwrap();
    let source = |text: &String| {
        let (lang, path) = text.split_once('=').unwrap();
        Texts::from(TextSource { lang: Some(lang.to_owned()), ..TextSource::new(path) })
    };
    let texts: Vec<Texts> = texts.iter().map(source).collect();
    let bytes: u64 = texts.iter().map(|text| std::fs::metadata(&text.source.path).unwrap().len()).sum();
    let megabytes = bytes as f64 / 1e6;
    let config = AnchorConfig { levels, languages, ..AnchorConfig::default() };
    let dir = tempfile::tempdir().unwrap();
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let (start, cpu_start) = (Instant::now(), cpu_seconds());
        let out = dir.path().join(run.to_string());
        let report = kbioxlm_corpus::build(&kb, &texts, &[], &config, &out, &|_, _| ()).unwrap();
        wall.push(start.elapsed().as_secs_f64());
        cpu.push(cpu_seconds() - cpu_start);
        println!("{} examples, {megabytes:.1} MB: {:.3} s, {:.2} s of CPU", report.total(), wall[run], cpu[run]);
        std::fs::remove_dir_all(&out).unwrap();
    }
    let speeds = [wall, cpu].map(|seconds| megabytes / median(seconds));
    println!("medians: {:.1} MB/s, {:.1} MB per second of CPU", speeds[0], speeds[1]);
}
