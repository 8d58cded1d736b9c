//! What a pretraining run learns, writes and repeats.

use crate::common::{World, config};
use kbioxlm_corpus::Level;
use kbioxlm_files::read_jsonl;
use kbioxlm_train::{
    Budget, Observer, Precision, PretrainConfig, PretrainInput, PretrainSummary, StepMetrics, TaskMetrics, TrainError,
    pretrain,
};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const STEPS: u64 = 300;
const LEVELS: [Level; 3] = [Level::Entity, Level::Fact, Level::Passage];

fn run(config: &PretrainConfig, world: &World, corpus: &Path, out: &str) -> Result<PretrainSummary, TrainError> {
    watched(config, world, corpus, out, &AtomicBool::new(false), &mut ())
}

fn watched(
    config: &PretrainConfig,
    world: &World,
    corpus: &Path,
    out: &str,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<PretrainSummary, TrainError> {
    let input = PretrainInput { model: &world.model, corpora: &[corpus.into()], knowledge: None };
    pretrain(config, &input, &world.path(out), stop, observer)
}

fn metrics(dir: &Path) -> Vec<StepMetrics> {
    read_jsonl(&dir.join("metrics.jsonl"), "metrics").unwrap().map(|line| line.unwrap().1).collect()
}

fn weights(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

/// Does something when a step is done.
struct At<F: FnMut(u64)>(F);

impl<F: FnMut(u64)> Observer for At<F> {
    fn step(&mut self, metrics: &StepMetrics) {
        (self.0)(metrics.step);
    }
}

#[test]
fn all_three_losses_fall_by_a_real_margin() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let summary = run(&config(STEPS), &world, &corpus, "out").unwrap();
    assert_eq!((summary.steps, summary.total_steps, summary.interrupted), (STEPS, STEPS, false));
    assert_eq!(summary.initialised, ["prp.weight", "prp.bias"]);
    assert_eq!((summary.cut_tokens, summary.cut_facts), (0, 0));
    let metrics = metrics(&world.path("out"));
    assert_eq!(metrics.len() as u64, STEPS);
    let mean = |steps: &[StepMetrics], task: fn(&StepMetrics) -> Option<TaskMetrics>| {
        let tasks: Vec<TaskMetrics> = steps.iter().filter_map(task).collect();
        let n = tasks.len() as f64;
        (tasks.iter().map(|t| t.loss).sum::<f64>() / n, tasks.iter().map(|t| t.accuracy).sum::<f64>() / n)
    };
    for (name, task, most, least) in [
        ("entity", (|m| m.entity_mlm) as fn(&StepMetrics) -> Option<TaskMetrics>, 0.75, 0.1),
        ("relation", |m| m.relation_mlm, 0.3, 0.9),
        ("prp", |m| m.prp, 0.7, 0.55),
    ] {
        let (first, _) = mean(&metrics[..5], task);
        let (last, accuracy) = mean(&metrics[metrics.len() - 20..], task);
        assert!(last < most * first, "{name}: {first} -> {last}");
        assert!(accuracy > least, "{name}: {accuracy}");
    }
    let tokens: u64 = metrics.iter().map(|m| m.tokens).sum();
    assert_eq!(summary.tokens, tokens);
    assert!(metrics.iter().all(|m| m.tokens <= 2 * 384 && m.learning_rate > 0.0 && m.learning_rate <= 5e-3));
    let settings = fs::read_to_string(world.path("out/pretrain.toml")).unwrap();
    assert_eq!(toml::from_str::<PretrainConfig>(&settings).unwrap(), config(STEPS));
}

#[test]
fn trap_05_the_mlm_head_is_trained_and_kept_and_its_decoder_stays_tied() {
    // Trap 5: the head's dense layer and layer norm were dropped and its decoder untied.
    let world = World::new();
    let corpus = world.corpus("corpus", &[Level::Entity], 1);
    run(&config(2), &world, &corpus, "out").unwrap();
    let (before, after) = (weights(&world.model), weights(&world.path("out")));
    for name in ["lm_head.dense.weight", "lm_head.layer_norm.weight", "lm_head.bias"] {
        assert_ne!(before[name], after[name], "{name}");
    }
    assert!(!after.contains_key("lm_head.decoder.weight"));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "no pairs, no prp head");
}

#[test]
fn a_killed_run_resumes_to_the_very_same_result() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let config = PretrainConfig { save_every: NonZeroU64::new(2).unwrap(), head_warmup_steps: 1, ..config(8) };
    run(&config, &world, &corpus, "straight").unwrap();
    let straight = fs::read(world.path("straight/model.safetensors")).unwrap();

    // Killed in its fifth step; the last checkpoint is that of the fourth.
    let never = AtomicBool::new(false);
    let out = world.path("killed");
    let killed = catch_unwind(AssertUnwindSafe(|| {
        let mut die = At(|step| assert!(step < 5, "killed"));
        watched(&config, &world, &corpus, "killed", &never, &mut die)
    }));
    assert!(killed.is_err() && !out.join("model.safetensors").exists());
    let summary = run(&config, &world, &corpus, "killed").unwrap();
    assert_eq!((summary.resumed_from, summary.steps), (Some(4), 8));
    assert!(straight == fs::read(out.join("model.safetensors")).unwrap(), "weights differ after a kill");

    // Stopped after three steps, off the rhythm of the checkpoints.
    let stop = AtomicBool::new(false);
    let out = world.path("stopped");
    let mut at = At(|step| stop.store(step == 3, Ordering::Relaxed));
    let summary = watched(&config, &world, &corpus, "stopped", &stop, &mut at).unwrap();
    assert_eq!((summary.interrupted, summary.steps), (true, 3));
    let summary = run(&config, &world, &corpus, "stopped").unwrap();
    assert_eq!((summary.resumed_from, summary.interrupted), (Some(3), false));
    assert!(straight == fs::read(out.join("model.safetensors")).unwrap(), "weights differ after a stop");

    let without_time = |name: &str| {
        let lines = metrics(&world.path(name)).into_iter();
        lines.map(|m| StepMetrics { seconds: 0.0, tokens_per_second: 0.0, ..m }).collect::<Vec<_>>()
    };
    assert_eq!(without_time("straight"), without_time("killed"));
    assert_eq!(without_time("straight"), without_time("stopped"));
    let mut kept: Vec<_> = fs::read_dir(out.join("checkpoints")).unwrap().map(|e| e.unwrap().file_name()).collect();
    kept.sort();
    assert_eq!(kept, ["step-6", "step-8"]);
    // A finished run has nothing left to do.
    assert_eq!(run(&config, &world, &corpus, "stopped").unwrap().last, None);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_with_what_differs() {
    let world = World::new();
    let corpus = world.corpus("corpus", &[Level::Entity], 1);
    run(&config(2), &world, &corpus, "out").unwrap();
    let other = PretrainConfig { learning_rate: 0.5, ..config(2) };
    let message = run(&other, &world, &corpus, "out").unwrap_err().to_string();
    assert!(message.contains("`learning_rate` is 0.005 there, 0.5 here"), "{message}");
    assert!(message.contains("step-2") && message.contains("delete the directory"), "{message}");
    let corpus = world.corpus("other", &[Level::Plain], 1);
    let message = run(&config(2), &world, &corpus, "out").unwrap_err().to_string();
    assert!(message.contains("`corpus` is") && !message.contains("learning_rate"), "{message}");
}

#[test]
fn the_number_of_threads_does_not_change_the_result() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let result = |threads: usize| {
        let out = format!("threads-{threads}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&config(4), &world, &corpus, &out).unwrap());
        fs::read(world.path(&out).join("model.safetensors")).unwrap()
    };
    assert!(result(1) == result(3), "weights differ between one and three threads");
}

#[test]
fn head_warm_up_leaves_the_body_as_it_is() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let stop = AtomicBool::new(false);
    let out = world.path("out");
    let config = PretrainConfig { head_warmup_steps: 3, head_learning_rate: 0.02, ..config(4) };
    let mut at = At(|step| stop.store(step == 3, Ordering::Relaxed));
    watched(&config, &world, &corpus, "out", &stop, &mut at).unwrap();
    let (before, warm) = (weights(&world.model), weights(&out.join("checkpoints/step-3")));
    for (name, values) in &before {
        assert_eq!(values != &warm[name], name.starts_with("lm_head"), "{name}");
    }
    assert!(metrics(&out).iter().all(|m| m.learning_rate == 0.02));
    run(&config, &world, &corpus, "out").unwrap();
    let after = weights(&out);
    assert!(before.iter().all(|(name, values)| values != &after[name]), "then everything is trained");
}

#[test]
fn a_token_budget_fixes_the_number_of_steps() {
    let world = World::new();
    let corpus = world.corpus("corpus", &[Level::Plain], 1);
    let epoch = PretrainConfig { budget: Budget::Epochs(NonZeroU64::MIN), ..config(1) };
    let epoch = run(&epoch, &world, &corpus, "epoch").unwrap();
    let all = PretrainConfig { budget: Budget::Tokens(NonZeroU64::new(epoch.tokens).unwrap()), ..config(1) };
    assert_eq!(run(&all, &world, &corpus, "all").unwrap().steps, epoch.steps);
    let more = PretrainConfig { budget: Budget::Tokens(NonZeroU64::new(epoch.tokens + 1).unwrap()), ..config(1) };
    let more = run(&more, &world, &corpus, "more").unwrap();
    assert_eq!(more.steps, epoch.steps + 1);
    assert_eq!(more.last.unwrap().epoch, 1);
}

#[test]
fn settings_that_do_not_fit_the_model_are_named() {
    let world = World::new();
    let corpus = world.corpus("corpus", &[Level::Plain], 1);
    let long = PretrainConfig { max_length: 65, ..config(1) };
    let message = run(&long, &world, &corpus, "out").unwrap_err().to_string();
    assert!(message.contains("`max_length` is 65, expected at most 64"), "{message}");
    let warm = PretrainConfig { head_warmup_steps: 1, ..config(1) };
    assert!(run(&warm, &world, &corpus, "out").unwrap_err().to_string().contains("head_warmup_steps"));
    let bf16 = PretrainConfig { precision: Precision::Bf16, ..config(1) };
    let message = run(&bf16, &world, &corpus, "out").unwrap_err().to_string();
    assert!(message.contains("`precision` is bf16, expected f32, because the device does not"), "{message}");
    assert!(!world.path("out").exists());
}
