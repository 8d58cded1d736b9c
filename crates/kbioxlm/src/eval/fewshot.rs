//! `kbioxlm eval fewshot-sample`

use crate::progress::print_json;
use anyhow::Result;
use clap::Args;
use kbioxlm_eval::{FewshotOptions, Join, Task, TaskOptions, fewshot_samples};
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct FewshotArgs {
    /// Task of the data: ner, classification or multilabel
    #[arg(long)]
    task: Task,
    /// Data to draw from, most often the training data of the target language
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Documents of a sample; each smaller sample is part of the larger ones of its draw
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10,50,100")]
    k: Vec<usize>,
    /// How many samples of each size
    #[arg(long, value_name = "N", default_value_t = 3)]
    draws: usize,
    /// Seed of the choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Directory to write: the samples, and manifest.json with ids and hashes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What stands between CoNLL tokens: auto, space or nothing
    #[arg(long, default_value = "auto")]
    join: Join,
    /// Print the manifest as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &FewshotArgs) -> Result<()> {
    let options = FewshotOptions { sizes: args.k.clone(), draws: args.draws, seed: args.seed };
    let task = TaskOptions { task: args.task, join: args.join };
    let manifest = fewshot_samples(task, &args.data, &options, &args.out)?;
    if args.json {
        return print_json(&manifest);
    }
    let mut out = std::io::stdout().lock();
    for sample in &manifest.samples {
        let labels: Vec<String> = sample.labels.iter().map(|(label, n)| format!("{label} {n}")).collect();
        writeln!(out, "{}  documents with {}", args.out.join(&sample.file).display(), labels.join(", "))?;
    }
    Ok(())
}
