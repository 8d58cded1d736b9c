//! `kbioxlm bench …`

use crate::progress::{memory, print_json};
use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use kbioxlm_files::write_json_atomic;
use kbioxlm_train::PretrainConfig;
use kbioxlm_train::bench::{StepKind, Workload, time_steps};
use serde::Serialize;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum BenchCommand {
    TrainStep(TrainStepArgs),
}

/// Time training steps: forward, backward, AdamW, on random batches or on those of an anchored corpus
///
/// `benchmarks/train_step.py` runs the same batches in PyTorch, in turns with this command. Measure on a quiet machine.
#[derive(Args)]
pub struct TrainStepArgs {
    /// Size of the model and of its random batch
    #[arg(long, default_value = "small")]
    shape: Shape,
    /// Instead of random batches: those of this corpus, for a model of the size of --model
    #[arg(long, value_name = "DIR", requires = "model")]
    corpus: Option<PathBuf>,
    /// Model directory, of which sizes and tokenizer are used; the weights are random
    #[arg(long, value_name = "DIR", requires = "corpus")]
    model: Option<PathBuf>,
    /// Sequences in a random batch [default: of the shape]
    #[arg(long, value_name = "N")]
    sequences: Option<NonZeroUsize>,
    /// Pieces in each of them [default: of the shape], or the longest example of the corpus [default: 128]
    #[arg(long, value_name = "N")]
    length: Option<NonZeroUsize>,
    /// The hidden states only: no loss, no gradient, no update
    #[arg(long)]
    forward_only: bool,
    /// Compute activations again in the backward pass instead of keeping them
    #[arg(long, conflicts_with = "forward_only")]
    recompute: bool,
    /// Steps that are timed
    #[arg(long, default_value = "7", value_name = "N")]
    steps: NonZeroUsize,
    /// Steps before them
    #[arg(long, default_value_t = 2, value_name = "N")]
    warm_up: usize,
    /// Write the model's configuration and the batches, for the peer
    #[arg(long, value_name = "FILE")]
    batches_out: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Copy, Clone, ValueEnum)]
enum Shape {
    /// 12 layers, 384 wide; 8 sequences of 128 pieces (forward only: 16 of 64)
    Small,
    /// 12 layers, 768 wide; 4 sequences of 128 pieces
    Base,
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    threads: usize,
    /// Layers, width and pieces of the model.
    model: [usize; 3],
    median_ms: f64,
    tokens_per_second: f64,
    /// Largest resident memory of this process so far; `null` where the system does not say.
    peak_memory_mib: Option<u64>,
    milliseconds: Vec<f64>,
    losses: Vec<f64>,
}

pub fn run(command: BenchCommand) -> Result<()> {
    let BenchCommand::TrainStep(args) = command;
    let workload = workload(&args)?;
    if workload.batches.is_empty() {
        bail!("the corpus gives no batch; build it from more text");
    }
    if let Some(path) = &args.batches_out {
        write_json_atomic(path, &workload)?;
    }
    let kind = if args.forward_only { StepKind::Forward } else { StepKind::Train { recompute: args.recompute } };
    let times = time_steps(&workload, kind, args.warm_up, args.steps.get());
    let mut sorted = times.milliseconds.clone();
    sorted.sort_by(f64::total_cmp);
    let tokens: usize = times.tokens.iter().sum();
    let config = &workload.config;
    let report = Report {
        threads: rayon::current_num_threads(),
        model: [config.num_hidden_layers, config.hidden_size, config.vocab_size],
        median_ms: sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
        tokens_per_second: tokens as f64 / times.milliseconds.iter().sum::<f64>() * 1e3,
        peak_memory_mib: memory("VmHWM").map(|bytes| bytes >> 20),
        milliseconds: times.milliseconds,
        losses: times.losses,
    };
    if args.json {
        return print_json(&report);
    }
    let [layers, width, pieces] = report.model;
    let mut out = std::io::stdout().lock();
    writeln!(out, "model    {layers} layers, {width} wide, {pieces} pieces; {} threads", report.threads)?;
    writeln!(out, "step     {:.1} ms (median of {})", report.median_ms, report.milliseconds.len())?;
    writeln!(out, "speed    {:.0} tokens/s", report.tokens_per_second)?;
    if let Some(memory) = report.peak_memory_mib {
        writeln!(out, "memory   {memory} MiB at most")?;
    }
    Ok(())
}

fn workload(args: &TrainStepArgs) -> Result<Workload> {
    if let (Some(model), Some(corpus)) = (&args.model, &args.corpus) {
        let defaults = PretrainConfig::default();
        let max_length = args.length.map_or(defaults.max_length, NonZeroUsize::get);
        let config =
            PretrainConfig { max_length, tokens_per_batch: defaults.tokens_per_batch.max(max_length), ..defaults };
        let steps = args.warm_up + args.steps.get();
        return Ok(Workload::of_corpus(&config, model, corpus, steps)?);
    }
    let (width, sequences, length) = match (args.shape, args.forward_only) {
        (Shape::Small, false) => (384, 8, 128),
        (Shape::Small, true) => (384, 16, 64),
        (Shape::Base, _) => (768, 4, 128),
    };
    let sequences = args.sequences.map_or(sequences, NonZeroUsize::get);
    let length = args.length.map_or(length, NonZeroUsize::get);
    Ok(Workload::random(width, sequences, length, 0))
}
