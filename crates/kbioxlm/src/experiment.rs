//! `kbioxlm experiment …`

use crate::interrupt::stop_on_interrupt;
use crate::progress::{counter, print_json};
use crate::training::TrainingBar;
use anyhow::Result;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use kbioxlm_eval::{Experiment, ExperimentObserver, run_experiment};
use kbioxlm_train::Observer;
use std::io::Write;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum ExperimentCommand {
    Run(RunArgs),
}

/// Run what an experiment file describes; steps that are finished are not repeated
///
/// The environment variables KBIOXLM_DATA and KBIOXLM_BASE override the places of the data and of the base model
/// that the file names.
#[derive(Args)]
pub struct RunArgs {
    /// Experiment in TOML, for example experiments/en-zh-small.toml
    file: PathBuf,
    /// Directory of the steps and of report.md and report.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: ExperimentCommand) -> Result<()> {
    let ExperimentCommand::Run(args) = command;
    let experiment = Experiment::read(&args.file)?;
    let stop = stop_on_interrupt()?;
    let report = run_experiment(&experiment, &args.out, &stop, &mut Steps::new())?;
    if args.json {
        return print_json(&report);
    }
    writeln!(std::io::stdout(), "{report}\nreport: {}", args.out.join("report.md").display())?;
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

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.training
    }

    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync) {
        &*self.count
    }
}
