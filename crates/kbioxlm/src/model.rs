//! `kbioxlm model …`

use crate::progress::{counter, print_json};
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum ModelCommand {
    /// Cut the vocabulary to what some texts use: embeddings, output bias and tokenizer together
    Trim(TrimArgs),
    /// Describe a model directory: layout, sizes, heads, vocabulary
    Info(InfoArgs),
}

#[derive(Args)]
pub struct TrimArgs {
    /// Model directory (config.json, model.safetensors, tokenizer.json)
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Texts whose pieces are kept: documents (.jsonl), benchmarks (.conll, .jsonl), lexica (.tsv)
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    text: Vec<PathBuf>,
    /// Of files in several languages, use these only, for example en,zh
    #[arg(long, value_delimiter = ',', value_name = "LANGS")]
    lang: Vec<String>,
    /// Directory to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct InfoArgs {
    /// Model directory
    model: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: ModelCommand) -> Result<()> {
    match command {
        ModelCommand::Trim(args) => {
            let counter = counter("texts tokenised");
            let texts = kbioxlm_eval::read_texts(&args.text, &args.lang).inspect(|_| counter.inc(1));
            let report = kbioxlm_model::trim(&args.model, texts, &args.out)?;
            counter.finish_and_clear();
            if args.json { print_json(&report) } else { Ok(writeln!(std::io::stdout(), "{report}")?) }
        }
        ModelCommand::Info(args) => {
            let info = kbioxlm_model::info(&args.model)?;
            if args.json { print_json(&info) } else { Ok(writeln!(std::io::stdout(), "{info}")?) }
        }
    }
}
