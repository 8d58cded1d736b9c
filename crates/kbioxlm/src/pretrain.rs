//! `kbioxlm pretrain`

use crate::interrupt::{INTERRUPTED, stop_on_interrupt};
use crate::progress::print_json;
use crate::settings;
use crate::training::TrainingBar;
use anyhow::{Context, Result};
use clap::Args;
use kbioxlm_train::{BestCheckpoint, PretrainConfig, PretrainSummary, StepMetrics, TaskMetrics};
use serde::Deserialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Continue the pretraining of a model on an anchored corpus
///
/// Everything can stand in a TOML file: `model`, `corpus`, `out`, and the settings under `[train]`. The run saves checkpoints and goes
/// on from the last one when it is called again with the same settings; Ctrl-C and SIGTERM finish the step and save, and the exit code
/// then is 130.
#[derive(Args)]
#[command(after_long_help = settings::defaults("[train], with the defaults", &PretrainConfig::default()))]
pub struct PretrainArgs {
    /// Settings in TOML; arguments go before them
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Base model directory
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Anchored corpus, as `corpus build` writes it
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Directory to write: the model, metrics.jsonl, checkpoints
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Set any key, for example --set train.learning_rate=1e-4 --set 'train.budget={tokens=600000}'
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    model: Option<PathBuf>,
    corpus: Option<PathBuf>,
    out: Option<PathBuf>,
    #[serde(default)]
    train: PretrainConfig,
}

pub fn run(args: &PretrainArgs) -> Result<ExitCode> {
    let job: Job = settings::read(args.config.as_deref(), &args.set)?;
    let named = |argument: &Option<PathBuf>, key: Option<PathBuf>, name: &str| {
        argument
            .clone()
            .or(key)
            .with_context(|| format!("no {name}: pass --{name} DIR or set `{name}` in the settings"))
    };
    let model = named(&args.model, job.model, "model")?;
    let corpus = named(&args.corpus, job.corpus, "corpus")?;
    let out = named(&args.out, job.out, "out")?;
    let stop = stop_on_interrupt()?;
    let mut bar = TrainingBar::new("pretraining");
    let summary = kbioxlm_train::pretrain(&job.train, &model, &corpus, &out, &stop, &mut bar)?;
    bar.finish();
    if args.json {
        print_json(&summary)?;
    } else {
        print_summary(&summary, &out)?;
    }
    Ok(if summary.interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

fn print_summary(summary: &PretrainSummary, out: &std::path::Path) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let PretrainSummary { steps, total_steps, tokens, seconds, .. } = summary;
    writeln!(stdout, "steps     {steps} of {total_steps}, {tokens} tokens, {seconds:.0} s in this call")?;
    if let Some(last) = &summary.last {
        let StepMetrics { entity_mlm, relation_mlm, prp, .. } = last;
        for (name, task) in [("entity", entity_mlm), ("relation", relation_mlm), ("passage", prp)] {
            if let Some(TaskMetrics { loss, accuracy, count }) = task {
                writeln!(
                    stdout,
                    "{name:<9} loss {loss:.3}, accuracy {:.1} % of {count} (last step)",
                    100.0 * accuracy
                )?;
            }
        }
    }
    if summary.skipped > 0 {
        writeln!(stdout, "skipped   {} steps whose loss or gradient was no number", summary.skipped)?;
    }
    if let Some(BestCheckpoint { path, metric, value, .. }) = &summary.best {
        writeln!(stdout, "best      {}, {metric} {value:.4}", path.display())?;
    }
    if summary.cut_tokens > 0 || summary.cut_facts > 0 {
        writeln!(stdout, "cut off   {} tokens and {} facts beyond max_length", summary.cut_tokens, summary.cut_facts)?;
    }
    if summary.interrupted {
        writeln!(stdout, "interrupted: run the same command again to go on")?;
    } else {
        writeln!(stdout, "model     {}", out.display())?;
    }
    Ok(())
}
