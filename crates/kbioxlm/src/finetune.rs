//! `kbioxlm finetune` and `kbioxlm evaluate`

use crate::progress::print_json;
use crate::settings;
use crate::training::TrainingBar;
use anyhow::Result;
use clap::Args;
use kbioxlm_eval::{FinetuneData, Join, Task, TaskOptions};
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use kbioxlm_train::FinetuneConfig;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

#[derive(Args)]
#[command(after_long_help = settings::described("Settings, with the defaults", &FinetuneConfig::default()))]
pub struct FinetuneArgs {
    /// What to learn: ner (CoNLL, JSONL with spans, BRAT, PubTator, BioC), classification or multilabel (JSONL)
    #[arg(long)]
    task: Task,
    /// Model directory to start from
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Training data; the content tells its format, a directory holds BRAT standoff
    #[arg(long, value_name = "PATH")]
    train: PathBuf,
    /// Data on which the best epoch is chosen; without them the last epoch is kept
    #[arg(long, value_name = "PATH")]
    dev: Option<PathBuf>,
    /// Data scored after each epoch and never chosen by, for instance those of the target language
    #[arg(long, value_name = "NAME=PATH", value_parser = settings::named_file)]
    watch: Vec<(String, PathBuf)>,
    /// Directory to write; it holds everything that `evaluate` needs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What stands between CoNLL tokens: auto, space or nothing
    #[arg(long, default_value = "auto")]
    join: Join,
    /// Settings in TOML
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any key of the settings, for example --set epochs=3 --set learning_rate=1e-4
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct EvaluateArgs {
    /// Directory that `finetune` wrote
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Data of the model's task
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// What stands between CoNLL tokens: auto, space or nothing
    #[arg(long, default_value = "auto")]
    join: Join,
    /// Knowledge base of whose names predicted entities become the whole, where they are a part of one
    #[arg(long, value_name = "DIR", requires = "lang")]
    kb: Option<PathBuf>,
    /// Language of the data, with --kb
    #[arg(long, requires = "kb")]
    lang: Option<String>,
    /// Print the scores as JSON
    #[arg(long)]
    json: bool,
    /// Write what was predicted too, a document a line as JSON: id, text, gold labels and predicted ones
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
}

pub fn run(args: &FinetuneArgs) -> Result<()> {
    let config: FinetuneConfig = settings::read(args.config.as_deref(), &args.set)?;
    let mut bar = TrainingBar::new("fine-tuning");
    let task = TaskOptions { task: args.task, join: args.join };
    let watched = args.watch.iter().cloned().collect();
    let data = FinetuneData { train: args.train.clone(), dev: args.dev.clone(), watched };
    let report =
        kbioxlm_eval::finetune_task(&config, task, &args.model, &data, &args.out, &AtomicBool::new(false), &mut bar)?;
    bar.finish();
    if args.json {
        return print_json(&report);
    }
    writeln!(std::io::stdout(), "{report}model           {}", args.out.display())?;
    Ok(())
}

pub fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let named = args.kb.as_ref().zip(args.lang.as_ref());
    let names = named.map(|(kb, lang)| Matcher::new(&KnowledgeBase::open(kb)?, lang)).transpose()?;
    let evaluation = kbioxlm_eval::evaluate_widened(&args.model, &args.data, args.join, names.as_ref())?;
    if let Some(path) = &args.predictions {
        evaluation.write_predictions(path)?;
    }
    if args.json { print_json(&evaluation) } else { Ok(write!(std::io::stdout(), "{evaluation}")?) }
}
