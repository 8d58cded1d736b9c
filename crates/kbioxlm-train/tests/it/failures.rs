//! What can go wrong in a pretraining run has an outcome that is written down.

use crate::common::{self, World};
use kbioxlm_corpus::{Corpus, Level};
use kbioxlm_files::read_jsonl;
use kbioxlm_model::Tokenizer;
use kbioxlm_train::{
    KeepConfig, Observer, OnDivergence, PretrainConfig, PretrainInput, PretrainSummary, StepMetrics, TrainError,
    encode_example, pretrain,
};
use std::collections::BTreeMap;
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

static NEVER: AtomicBool = AtomicBool::new(false);

fn config(steps: u64) -> PretrainConfig {
    PretrainConfig { save_every: NonZeroU64::MIN, ..common::config(steps) }
}

/// Writes down what it is told, and does something after each step.
#[derive(Default)]
struct Log<F: FnMut(u64)> {
    warnings: Vec<String>,
    after: F,
}

impl<F: FnMut(u64)> Observer for Log<F> {
    fn warning(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }

    fn step(&mut self, metrics: &StepMetrics) {
        (self.after)(metrics.step);
    }
}

struct Run {
    world: World,
    corpus: PathBuf,
}

impl Run {
    fn new() -> Self {
        let world = World::new();
        let corpus = world.corpus("corpus", &[Level::Entity, Level::Passage], 1);
        Self { world, corpus }
    }

    /// Trains into `out`; returns the warnings too.
    fn run(&self, config: &PretrainConfig, out: &str) -> (Result<PretrainSummary, TrainError>, Vec<String>) {
        let mut log = Log { warnings: Vec::new(), after: |_| () };
        let result = self.watched(config, out, &NEVER, &mut log);
        (result, log.warnings)
    }

    fn watched(
        &self,
        config: &PretrainConfig,
        out: &str,
        stop: &AtomicBool,
        observer: &mut dyn Observer,
    ) -> Result<PretrainSummary, TrainError> {
        let corpora = [self.corpus.as_path().into()];
        let input = PretrainInput { model: &self.world.model, corpora: &corpora, knowledge: None };
        pretrain(config, &input, &self.path(out), stop, observer)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    fn checkpoint(&self, out: &str, step: u64, file: &str) -> PathBuf {
        self.path(out).join("checkpoints").join(format!("step-{step}")).join(file)
    }

    fn checkpoints(&self, out: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(out).join("checkpoints")).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn metrics(&self, out: &str) -> Vec<StepMetrics> {
        let lines = read_jsonl(&self.path(out).join("metrics.jsonl"), "metrics").unwrap();
        lines.map(|line| line.unwrap().1).collect()
    }

    /// Writes a number over those of a tensor of the base model from element `from` on.
    fn spoil(&self, tensor: &str, from: usize, count: usize, value: f32) {
        let path = self.world.model.join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let data = file.tensor(tensor).unwrap().data();
        let start = data.as_ptr() as usize - bytes.as_ptr() as usize + 4 * from;
        for i in 0..count {
            bytes[start + 4 * i..][..4].copy_from_slice(&value.to_le_bytes());
        }
        fs::write(path, bytes).unwrap();
    }

    /// Tokens of the examples by their ids.
    fn lengths(&self) -> BTreeMap<String, usize> {
        let tokenizer = Tokenizer::load(&self.world.model).unwrap();
        let examples = Corpus::open(&self.corpus).unwrap().examples().unwrap();
        let encoded = examples.map(|e| encode_example(&e.unwrap(), &tokenizer, 64).unwrap());
        encoded.map(|e| (e.id, e.ids.len())).collect()
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_named_set_aside_and_passed_over() {
    let run = Run::new();
    let config = PretrainConfig {
        keep: KeepConfig { last: NonZeroUsize::new(3).unwrap(), ..KeepConfig::default() },
        ..config(4)
    };
    run.run(&config, "out").0.unwrap();
    let result = fs::read(run.path("out/model.safetensors")).unwrap();
    let files = ["model.safetensors", "config.json", "trainer/optimizer.safetensors", "trainer/state.json"];
    for file in files {
        flip(&run.checkpoint("out", 4, file));
        let (summary, warnings) = run.run(&config, "out");
        assert_eq!(summary.unwrap().resumed_from, Some(3), "{file}");
        let place = format!("step-4/{file}: found content of hash");
        assert!(warnings.len() == 1 && warnings[0].contains(&place), "{warnings:?}");
        assert!(warnings[0].contains("step-4.damaged") && warnings[0].contains("goes on after step 3"), "{warnings:?}");
        assert_eq!(run.checkpoints("out"), ["step-2", "step-3", "step-4", "step-4.damaged"]);
        assert!(result == fs::read(run.path("out/model.safetensors")).unwrap(), "{file}");
    }
    // Two at once, one of them cut off, one without its list of files; the third is intact.
    let moments = run.checkpoint("out", 4, "trainer/optimizer.safetensors");
    let bytes = fs::read(&moments).unwrap();
    fs::write(&moments, &bytes[..bytes.len() / 2]).unwrap();
    fs::remove_file(run.checkpoint("out", 3, "trainer/manifest.json")).unwrap();
    let (summary, warnings) = run.run(&config, "out");
    assert_eq!(summary.unwrap().resumed_from, Some(2));
    assert!(warnings.len() == 2 && warnings[1].contains("step-3/trainer/manifest.json"), "{warnings:?}");
    assert!(result == fs::read(run.path("out/model.safetensors")).unwrap());

    (2..=4).for_each(|step| flip(&run.checkpoint("out", step, "model.safetensors")));
    let message = run.run(&config, "out").0.unwrap_err().to_string();
    assert!(
        message.contains("found 3 damaged checkpoints") && message.contains("step-4/model.safetensors"),
        "{message}"
    );
    assert!(run.checkpoint("out", 4, "model.safetensors").exists(), "without a way on, all stays as it is");
}

#[test]
fn unfinished_checkpoints_are_removed() {
    let run = Run::new();
    run.run(&config(3), "out").0.unwrap();
    let checkpoints = run.path("out/checkpoints");
    fs::rename(checkpoints.join("step-3"), checkpoints.join("step-3.tmp")).unwrap();
    assert_eq!(run.run(&config(3), "out").0.unwrap().resumed_from, Some(2));
    assert_eq!(run.checkpoints("out"), ["step-2", "step-3"]);
}

#[test]
fn the_settings_say_which_checkpoints_are_kept() {
    let run = Run::new();
    let keep =
        KeepConfig { last: NonZeroUsize::MIN, best: 1, metric: "prp.loss".to_owned(), every: NonZeroU64::new(5) };
    let config = PretrainConfig { keep, learning_rate: 0.05, ..config(12) };
    let summary = run.run(&config, "out").0.unwrap();
    let losses = run.metrics("out").into_iter().filter_map(|m| Some((m.step, m.prp?.loss)));
    let (step, loss) = losses.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let best = summary.best.unwrap();
    assert_eq!((best.step, best.value, best.metric.as_str()), (step, loss, "prp.loss"));
    assert!(best.path.join("model.safetensors").exists());
    let mut kept = vec!["step-12".to_owned(), "step-10".into(), "step-5".into(), format!("step-{step}")];
    kept.sort();
    kept.dedup();
    assert_eq!(run.checkpoints("out"), kept);
    assert!(
        ![5, 10, 12].contains(&step),
        "step {step} is kept for nothing but its loss: choose another rate for this test"
    );
}

#[test]
fn a_rate_that_is_far_too_high_ends_the_run_with_step_and_examples() {
    let run = Run::new();
    let config = PretrainConfig { learning_rate: 1e30, warmup_ratio: 0.0, ..config(9) };
    let (result, warnings) = run.run(&config, "out");
    let Err(TrainError::Diverged(found)) = result else { panic!("{result:?}") };
    assert!(warnings.is_empty() && !found.value.is_finite() && !found.examples.is_empty());
    assert_eq!(run.metrics("out").len() as u64, found.step - 1);
    assert!(!run.path("out/model.safetensors").exists());
    let message = TrainError::Diverged(found).to_string();
    assert!(message.contains("lower the learning rate") && message.contains("`entity:"), "{message}");
}

#[test]
fn steps_without_a_number_are_named_skipped_and_counted() {
    let run = Run::new();
    let lengths = run.lengths();
    let longest = *lengths.values().max().unwrap();
    // The last position of the longest examples has no number: only their batches are hit.
    run.spoil("roberta.embeddings.position_embeddings.weight", 32 * (longest - 1 + 2), 32, f32::NAN);
    let stop = config(12);
    let result = run.run(&stop, "stop").0;
    let Err(TrainError::Diverged(found)) = result else { panic!("{result:?}") };
    let hit = |ids: &[String]| ids.iter().any(|id| lengths[id] == longest);
    assert!(found.what == "loss" && hit(&found.examples), "{found}");
    assert!(found.batches.len() == 1 || found.batches == [1, 2], "{found}");

    let keep = KeepConfig { every: Some(NonZeroU64::MIN), ..KeepConfig::default() };
    let skip = PretrainConfig { on_divergence: OnDivergence::Skip, keep, ..stop };
    let (summary, warnings) = run.run(&skip, "skip");
    let summary = summary.unwrap();
    let metrics = run.metrics("skip");
    let skipped: Vec<u64> = metrics.iter().filter(|m| m.skipped).map(|m| m.step).collect();
    assert_eq!(skipped.first(), Some(&found.step));
    assert!(skipped.len() as u64 == summary.skipped && skipped.len() < 12 && warnings.len() == skipped.len());
    assert!(warnings[0].starts_with(&found.to_string()) && warnings[0].contains("changes nothing"), "{warnings:?}");
    assert!(metrics.iter().all(|m| m.skipped != (m.loss.is_finite() && m.grad_norm.is_finite())));
    for step in 2..=12 {
        for file in ["model.safetensors", "trainer/optimizer.safetensors"] {
            let content = |step| fs::read(run.checkpoint("skip", step, file)).unwrap();
            assert_eq!(content(step) == content(step - 1), skipped.contains(&step), "step {step}, {file}");
        }
    }

    // Interrupted behind a skipped step, the run remembers it.
    let flag = AtomicBool::new(false);
    let mut log = Log { warnings: Vec::new(), after: |step| flag.store(step == found.step, Ordering::Relaxed) };
    run.watched(&skip, "again", &flag, &mut log).unwrap();
    let again = run.run(&skip, "again").0.unwrap();
    assert_eq!((again.resumed_from, again.skipped), (Some(found.step), summary.skipped));
    let result = |out: &str| fs::read(run.path(out).join("model.safetensors")).unwrap();
    assert!(result("skip") == result("again"));
    // A run that stopped may go on with the other policy.
    assert_eq!(run.run(&skip, "stop").0.unwrap().skipped, summary.skipped);
    assert!(result("skip") == result("stop"));
}

#[test]
fn too_many_skips_in_a_row_end_the_run() {
    let run = Run::new();
    run.spoil("roberta.embeddings.LayerNorm.bias", 0, 1, f32::INFINITY);
    let config = PretrainConfig { on_divergence: OnDivergence::Skip, max_skips: 3, ..config(12) };
    let (result, warnings) = run.run(&config, "out");
    let Err(TrainError::TooManySkips { last, count, most }) = result else { panic!("{result:?}") };
    assert_eq!((last.step, count, most, warnings.len()), (4, 4, 3, 3));
    // Called again it counts on from its last checkpoint, and ends at the same step.
    let message = run.run(&config, "out").0.unwrap_err().to_string();
    assert!(message.starts_with("step 4 (") && message.contains("4 steps in a row"), "{message}");
}

#[test]
fn two_runs_in_one_directory_are_refused() {
    let run = Run::new();
    let (config, flag) = (config(2), AtomicBool::new(false));
    let mut refused = Vec::new();
    let mut log =
        Log { warnings: Vec::new(), after: |_| refused.push(run.run(&config, "out").0.unwrap_err().to_string()) };
    run.watched(&config, "out", &flag, &mut log).unwrap();
    assert!(refused.len() == 2 && refused[0].contains("another process"), "{refused:?}");
}
