//! The command line of KBioXLM: parses, calls, prints; what is computed lives in the other crates.

mod bench;
mod corpus;
mod demo;
mod eval;
mod experiment;
mod finetune;
mod interrupt;
mod knowledge;
mod model;
mod pretrain;
mod processes;
mod progress;
mod runs;
mod settings;
mod training;

use anyhow::Result;
use clap::{Parser, Subcommand};
use kbioxlm_model::DeviceChoice;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Turns a multilingual encoder into a biomedical one by anchoring it in knowledge that several languages share.
///
/// Start with `kbioxlm demo`: the whole pipeline on embedded data, in a few minutes, without network.
#[derive(Parser)]
#[command(name = "kbioxlm", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Number of threads; results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Where models are computed: cpu, or what was built in of cuda, rocm, metal, vulkan and webgpu, with a number as in `cuda:1`
    /// for another than the first; for `pretrain` also several, as in `cuda:0,cuda:1`
    #[arg(long, global = true, value_name = "NAME", default_value = "cpu", value_delimiter = ',')]
    device: Vec<DeviceChoice>,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    /// Build a knowledge base from lexica and facts, and find its terms in text
    #[command(subcommand)]
    Knowledge(knowledge::KnowledgeCommand),
    /// Build an anchored corpus from text and a knowledge base, and look at it
    #[command(subcommand)]
    Corpus(corpus::CorpusCommand),
    /// Look at a model directory, or cut its vocabulary to the languages in use
    #[command(subcommand)]
    Model(model::ModelCommand),
    Pretrain(pretrain::PretrainArgs),
    /// Look at pretraining runs
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// Fine-tune a model on one task: ner, classification or multilabel
    Finetune(finetune::FinetuneArgs),
    /// Score a fine-tuned model on a data set
    Evaluate(finetune::EvaluateArgs),
    /// Prepare and judge evaluations: samples for few-shot runs, leaks between data sets, comparisons of models
    #[command(subcommand)]
    Eval(eval::EvalCommand),
    /// Run the whole chain, from files to a table of scores, as one TOML file describes it
    #[command(subcommand)]
    Experiment(experiment::ExperimentCommand),
    /// Measure how fast this machine is
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

fn run(cli: Cli) -> Result<ExitCode> {
    if let Some(threads) = cli.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    let several = cli.device.len() > 1;
    if !several {
        kbioxlm_model::select_device(cli.device.first().copied().unwrap_or_default())?;
    }
    match cli.command {
        Command::Pretrain(args) => return pretrain::run(&args, &cli.device, cli.threads),
        _ if several => {
            anyhow::bail!("found several devices, expected one: only `pretrain` uses several; leave one of them")
        }
        Command::Demo(args) => demo::run(&args)?,
        Command::Knowledge(command) => knowledge::run(command)?,
        Command::Corpus(command) => corpus::run(command)?,
        Command::Model(command) => model::run(command)?,
        Command::Runs(command) => runs::run(command)?,
        Command::Finetune(args) => finetune::run(&args)?,
        Command::Evaluate(args) => finetune::evaluate(&args)?,
        Command::Eval(command) => eval::run(command)?,
        Command::Experiment(command) => experiment::run(command)?,
        Command::Bench(command) => bench::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    kbioxlm_train::keep_memory();
    // Logs go to stderr: stdout belongs to results.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).without_time();
    log.with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    match run(cli) {
        Ok(code) => code,
        // `kbioxlm … | head` closes our output early: that is the reader's right, not a failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let (red, plain) = (progress::RED.render(), progress::RED.render_reset());
            anstream::eprintln!("{red}error:{plain} {}", explained(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, except those whose words stand in it already.
fn explained(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !message.contains(&cause) {
            message += if message.is_empty() { "" } else { ": " };
            message += &cause;
        }
    }
    message
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
}
