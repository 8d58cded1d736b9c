//! `kbioxlm pretrain`

use crate::interrupt::{INTERRUPTED, stop_on_interrupt};
use crate::processes;
use crate::progress::print_json;
use crate::settings;
use crate::training::{TrainingBar, names_found};
use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use clap::Args;
use kbioxlm_model::DeviceChoice;
use kbioxlm_train::{
    BestCheckpoint, CorpusPart, EvaluationConfig, HeldOutMetrics, PretrainConfig, PretrainInput, PretrainSummary,
    RetrievalConfig, StepMetrics, TaskMetrics, pretrain_on, pretrain_together,
};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Continue the pretraining of a model on anchored corpora
///
/// Everything can stand in a TOML file: `model`, `corpus`, `knowledge`, `out`, and the settings under `[train]`. Several corpora
/// are mixed by their size, or, where the file has `[[corpus]]` with `path` and `weight`, by weight: an epoch has as many tokens as
/// all of them together, and each corpus its share of them. The run saves checkpoints and goes
/// on from the last one when it is called again with the same settings; Ctrl-C and SIGTERM finish the step and save, and the exit code
/// then is 130. With several devices (`--device cuda:0,cuda:1`), each computes `accumulation` micro-batches of every step. Built with
/// `--features mpi`, it trains in the processes that `mpirun -n N kbioxlm pretrain …` starts: each likewise, on the device in `--device`
/// that its number on its machine points to, in turns; all read the same files and share the directory `out`.
#[derive(Args)]
#[command(after_long_help = settings_help())]
pub struct PretrainArgs {
    /// Settings in TOML; arguments go before them
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Base model directory
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Anchored corpora, as `corpus build` writes them
    #[arg(long, value_name = "DIR", num_args = 1..)]
    corpus: Vec<PathBuf>,
    /// Knowledge base that the corpora were built with, for `train.retrieval`
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
    /// Directory to write: the model, metrics.jsonl, evaluations.jsonl, checkpoints
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
    #[serde(default, deserialize_with = "corpora")]
    corpus: Vec<CorpusPart>,
    knowledge: Option<PathBuf>,
    out: Option<PathBuf>,
    #[serde(default)]
    train: PretrainConfig,
}

/// `corpus = "DIR"`, or `[[corpus]]` with `path` and `weight`.
fn corpora<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CorpusPart>, D::Error> {
    struct Corpora;
    impl<'de> Visitor<'de> for Corpora {
        type Value = Vec<CorpusPart>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a directory, or a list of tables with `path` and `weight`")
        }

        fn visit_str<E>(self, path: &str) -> Result<Self::Value, E> {
            Ok(vec![Path::new(path).into()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(part) = parts.next_element()? {
                all.push(part);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Corpora)
}

fn settings_help() -> String {
    let config = PretrainConfig::default();
    let evaluated = PretrainConfig {
        evaluation: Some(EvaluationConfig::default()),
        retrieval: Some(RetrievalConfig::default()),
        ..config.clone()
    };
    let off = "`evaluation` and `retrieval` are off unless set, if only as `evaluation = {}`. The one holds documents out, by \
               their ids, and reports how well their masked tokens and pairs are predicted; the other looks names of concepts up \
               across languages by their embeddings, of concepts that the corpora hold out and of others. Their results are in \
               evaluations.jsonl.";
    format!("{}\n{off}", settings::defaults("[train], with the defaults", &evaluated))
}

pub fn run(args: &PretrainArgs, devices: &[DeviceChoice], threads: Option<usize>) -> Result<ExitCode> {
    let devices: Vec<Device> = devices.iter().map(|device| device.open()).collect::<Result<_, _>>()?;
    let job: Job = settings::read(args.config.as_deref(), &args.set)?;
    let missing = |name: &str| format!("no {name}: pass --{name} DIR or set `{name}` in the settings");
    let model = args.model.clone().or(job.model).with_context(|| missing("model"))?;
    let named: Vec<CorpusPart> = args.corpus.iter().map(|dir| dir.as_path().into()).collect();
    let corpora = if named.is_empty() { job.corpus } else { named };
    ensure!(!corpora.is_empty(), missing("corpus"));
    let knowledge = args.knowledge.clone().or(job.knowledge);
    let out = args.out.clone().or(job.out).with_context(|| missing("out"))?;
    let stop = stop_on_interrupt()?;
    let mut bar = TrainingBar::new("pretraining");
    let input = PretrainInput { model: &model, corpora: &corpora, knowledge: knowledge.as_deref() };
    // Joined when nothing can fail any more in one process and not in the others, and left when everything is said.
    let job_processes = processes::join(&devices, threads)?;
    let result = match &job_processes {
        Some(processes) => pretrain_together(&**processes, &job.train, &input, &out, &stop, &mut bar),
        None => pretrain_on(&devices, &job.train, &input, &out, &stop, &mut bar),
    };
    bar.finish();
    if job_processes.is_some_and(|processes| processes.rank() > 0) {
        // The first process says it all, with its exit code too.
        return Ok(ExitCode::SUCCESS);
    }
    let summary = result?;
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
    if let Some(StepMetrics { entity_mlm, relation_mlm, prp, tagging, alignment, .. }) = &summary.last {
        print_tasks(&mut stdout, "last step", [entity_mlm, relation_mlm, prp, tagging])?;
        if let Some(names) = alignment {
            writeln!(
                stdout,
                "aligned   {:.1} % of {} names, loss {:.4}",
                100.0 * names.accuracy,
                names.count,
                names.loss
            )?;
        }
    }
    if let Some(evaluation) = &summary.evaluation {
        if let Some(HeldOutMetrics { all, .. }) = &evaluation.held_out {
            print_tasks(&mut stdout, "held out", [&all.entity_mlm, &all.relation_mlm, &all.prp, &all.tagging])?;
        }
        for line in evaluation.retrieval.iter().map(names_found) {
            writeln!(stdout, "names     {line}")?;
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

fn print_tasks(out: &mut impl Write, of: &str, tasks: [&Option<TaskMetrics>; 4]) -> Result<()> {
    for (name, task) in ["entity", "relation", "passage", "mentions"].into_iter().zip(tasks) {
        if let Some(TaskMetrics { loss, accuracy, count }) = task {
            writeln!(out, "{name:<9} loss {loss:.3}, accuracy {:.1} % of {count} ({of})", 100.0 * accuracy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_both_stages_can_be_used() {
        for (stage, corpora) in [("stage-one", 2), ("stage-two", 3)] {
            let path = format!("{}/../../experiments/{stage}.toml", env!("CARGO_MANIFEST_DIR"));
            let job: Job = settings::read(Some(Path::new(&path)), &[]).unwrap();
            job.train.check().unwrap();
            assert!(job.model.is_some() && job.knowledge.is_some() && job.out.is_some());
            assert_eq!(job.corpus.len(), corpora);
            assert!(job.corpus.iter().all(|c| c.weight.is_some()));
            assert!(job.train.evaluation.is_some() && job.train.retrieval.is_some());
        }
    }

    #[test]
    fn a_corpus_is_a_directory_or_a_list_with_weights() {
        let corpora = |text: &str| {
            let settings: Result<Job> = settings::parse(text.parse().unwrap(), None);
            settings.map(|job| job.corpus).map_err(|e| format!("{e:#}"))
        };
        assert_eq!(corpora("corpus = 'a'").unwrap(), [Path::new("a").into()]);
        let part = |path: &str, weight| CorpusPart { path: path.into(), weight };
        let two = "corpus = [{ path = 'a', weight = 2 }, { path = 'b', weight = 0.5 }]";
        assert_eq!(corpora(two).unwrap(), [part("a", Some(2.0)), part("b", Some(0.5))]);
        assert_eq!(corpora("[[corpus]]\npath = 'a'").unwrap(), [part("a", None)]);
        assert!(corpora("corpus = [{ path = 'a', wieght = 2 }]").unwrap_err().contains("wieght"));
        let message = corpora("corpus = 3").unwrap_err();
        assert!(message.contains("a directory, or a list of tables with `path` and `weight`"), "{message}");
    }

    #[test]
    fn the_help_names_every_setting() {
        let help = settings_help();
        for key in ["budget", "[masking]", "[evaluation]", "held_out", "max_examples", "[retrieval]", "max_names"] {
            assert!(help.contains(key), "{key} is not in:\n{help}");
        }
    }
}
