//! `kbioxlm eval compare`

use crate::progress::print_json;
use anyhow::{Result, bail};
use clap::Args;
use kbioxlm_eval::{Bootstrap, Comparison, DocumentCounts, Evaluation, Interval};
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct CompareArgs {
    /// Evaluations of model A, as `evaluate --json` prints them: one a seed
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    a: Vec<PathBuf>,
    /// Evaluations of model B on the same test data, seed by seed beside those of A
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    b: Vec<PathBuf>,
    /// How often the test documents are drawn anew
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().resamples)]
    resamples: usize,
    /// Seed of the drawing
    #[arg(long, default_value_t = Bootstrap::default().seed)]
    seed: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &CompareArgs) -> Result<()> {
    let read = |paths: &[PathBuf]| -> Result<Vec<Evaluation>> {
        paths.iter().map(|path| Ok(kbioxlm_files::read_json(path, "what `evaluate --json` prints")?)).collect()
    };
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let Some(first) = a.first() else { return Ok(()) };
    for (path, other) in args.a.iter().chain(&args.b).zip(a.iter().chain(&b)) {
        if (&other.data.blake3, &other.main_score) != (&first.data.blake3, &first.main_score) {
            bail!(
                "{}: found a model's {} on {}, expected {} on {}, as in {}; evaluate all models on the same file",
                path.display(),
                other.metric,
                other.data.path,
                first.metric,
                first.data.path,
                args.a.first().unwrap_or(path).display()
            );
        }
    }
    let bootstrap = Bootstrap { resamples: args.resamples, seed: args.seed, ..Bootstrap::default() };
    let comparison = bootstrap.compare(&first.main_score, &counts(&a), &counts(&b))?;
    if args.json {
        return print_json(&comparison);
    }
    let Comparison { a, b, difference, p } = comparison;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}, {} run(s) of each, {} documents", first.metric, args.a.len(), first.documents)?;
    let share = 100.0 * bootstrap.confidence;
    for (name, Interval { value, low, high }) in [("A", a), ("B", b), ("A - B", difference)] {
        let [value, low, high] = [value, low, high].map(|x| 100.0 * x);
        writeln!(out, "{name:<6} {value:>7.2}   {share:.0} % of resamples from {low:.2} to {high:.2}")?;
    }
    writeln!(out, "p      {p:>7.4}   one-sided, of A beats B (paired bootstrap)")?;
    Ok(())
}

fn counts(runs: &[Evaluation]) -> Vec<&[DocumentCounts]> {
    runs.iter().map(|run| run.by_document.as_slice()).collect()
}
