//! `kbioxlm experiment …`

use crate::interrupt::stop_on_interrupt;
use crate::progress::{counter, print_json};
use crate::training::TrainingBar;
use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use kbioxlm_experiment::{Experiment, ExperimentError, ExperimentObserver, Extent, run_experiment};
use kbioxlm_train::Observer;
use std::io::Write;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum ExperimentCommand {
    Run(RunArgs),
    Report(ReportArgs),
}

/// Run what an experiment file describes; steps that are finished are not repeated
///
/// A step that fails does not stop the others; the report names it, and the exit code is 1. The environment variables KBIOXLM_DATA and KBIOXLM_BASE override the places of the data and of the base model
/// that the file names.
#[derive(Args)]
pub struct RunArgs {
    /// Experiment in TOML, for example experiments/en-zh-small.toml
    file: PathBuf,
    /// Directory of the steps and of report.html, report.md, report.tex and report.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Keep no fine-tuned model once it is tested, and no checkpoint of a model once it is pretrained; one that is needed later is
    /// fine-tuned again
    #[arg(long)]
    discard_models: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Write the report of an experiment from the steps that are finished, without running any; also while it runs
#[derive(Args)]
pub struct ReportArgs {
    /// Experiment in TOML
    file: PathBuf,
    /// Directory of the steps
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: ExperimentCommand) -> Result<()> {
    let (file, out, json, extent) = match command {
        ExperimentCommand::Run(RunArgs { file, out, json, discard_models }) => {
            (file, out, json, Extent::All { discard_models })
        }
        ExperimentCommand::Report(ReportArgs { file, out, json }) => (file, out, json, Extent::Finished),
    };
    let experiment = Experiment::read(&file)?;
    let stop = stop_on_interrupt()?;
    let report = run_experiment(&experiment, &out, extent, &stop, &mut Steps::new())?;
    if json {
        print_json(&report)?;
    } else {
        writeln!(std::io::stdout(), "{report}\nreport: {}", out.join("report.html").display())?;
    }
    ensure!(report.failures.is_empty(), "{} steps failed; the report says which and why", report.failures.len());
    Ok(())
}

/// Follows the steps of an experiment on stderr.
struct Steps {
    training: TrainingBar,
    reading: ProgressBar,
    count: Box<dyn Fn(u64, u64) + Sync>,
}

impl Steps {
    fn new() -> Self {
        let reading = counter("documents and passage pairs anchored");
        let shown = reading.clone();
        let count = Box::new(move |done, _| shown.set_position(done));
        Self { training: TrainingBar::new("training"), reading, count }
    }
}

impl ExperimentObserver for Steps {
    fn step_started(&mut self, step: &str, number: usize, total: usize) {
        tracing::info!("step {number} of {total}: {step}");
    }

    fn step_finished(&mut self, step: &str, seconds: f64, reused: bool) {
        self.training.finish();
        self.reading.finish_and_clear();
        self.reading.reset();
        let how = if reused { "finished before, in" } else { "done in" };
        tracing::info!("{step}: {how} {seconds:.0} s");
    }

    fn step_failed(&mut self, step: &str, error: &ExperimentError) {
        self.training.finish();
        self.reading.finish_and_clear();
        tracing::error!("{step}: {error}");
    }

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.training
    }

    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync) {
        &*self.count
    }
}
