//! Training in several processes, which here are threads.

use crate::common::{self, World};
use burn::tensor::Device;
use kbioxlm_corpus::Level;
use kbioxlm_files::read_jsonl;
use kbioxlm_train::{
    AlignmentConfig, Budget, CorpusPart, Evaluation, EvaluationConfig, Observer, OnDivergence, PretrainConfig,
    PretrainInput, PretrainSummary, Processes, StepMetrics, Threads, TrainError, pretrain, pretrain_on,
    pretrain_together,
};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const LEVELS: [Level; 3] = [Level::Entity, Level::Fact, Level::Passage];

/// Stops after a step, and counts what it is told.
struct Watch<'a> {
    stop: &'a AtomicBool,
    after: u64,
    steps: usize,
    warnings: Vec<String>,
}

impl<'a> Watch<'a> {
    fn new(stop: &'a AtomicBool, after: u64) -> Self {
        Self { stop, after, steps: 0, warnings: Vec::new() }
    }
}

impl Observer for Watch<'_> {
    fn step(&mut self, metrics: &StepMetrics) {
        self.steps += 1;
        self.stop.store(metrics.step >= self.after, Ordering::Relaxed);
    }

    fn warning(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

struct Run {
    world: World,
    corpora: Vec<CorpusPart>,
}

impl Run {
    fn new() -> Self {
        let world = World::new();
        let corpora = vec![CorpusPart { path: world.corpus("corpus", &LEVELS, 1), weight: None }];
        Self { world, corpora }
    }

    fn alone(&self, config: &PretrainConfig, out: &str, after: u64) -> Result<PretrainSummary, TrainError> {
        let (kb, stop) = (self.world.path("kb"), AtomicBool::new(false));
        let input = PretrainInput { model: &self.world.model, corpora: &self.corpora, knowledge: Some(&kb) };
        pretrain(config, &input, &self.world.path(out), &stop, &mut Watch::new(&stop, after))
    }

    /// The results of all, whose settings and corpora `of` makes of their ranks. The first one stops after a step.
    fn together(
        &self,
        size: usize,
        of: impl Fn(usize) -> (PretrainConfig, Vec<CorpusPart>) + Sync,
        out: &str,
        after: u64,
    ) -> Vec<Result<PretrainSummary, TrainError>> {
        let (kb, out) = (self.world.path("kb"), self.world.path(out));
        let train = |member: Threads| {
            let (config, corpora) = of(member.rank());
            let stop = AtomicBool::new(false);
            let input = PretrainInput { model: &self.world.model, corpora: &corpora, knowledge: Some(&kb) };
            let mut watch = Watch::new(&stop, after);
            let result = pretrain_together(&member, &config, &input, &out, &stop, &mut watch);
            assert!(member.rank() == 0 || (watch.steps == 0 && watch.warnings.is_empty()), "only the first one speaks");
            result
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                Threads::on(&vec![Device::flex(); size]).into_iter().map(|m| scope.spawn(|| train(m))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        })
    }

    fn same(&self, size: usize, config: &PretrainConfig, out: &str, after: u64) -> Vec<PretrainSummary> {
        let results = self.together(size, |_| (config.clone(), self.corpora.clone()), out, after);
        results.into_iter().map(Result::unwrap).collect()
    }

    fn lines<T: serde::de::DeserializeOwned>(&self, out: &str, file: &str) -> Vec<T> {
        let lines = read_jsonl(&self.world.path(out).join(file), "a line").unwrap();
        lines.map(|line| line.unwrap().1).collect()
    }

    /// How far the weights in `a` are from those in `b`, in parts of the way from those of the base model.
    ///
    /// Without the biases of keys: their gradient is 0, and what is computed of it rounding, which AdamW makes steps of.
    fn distance(&self, a: &str, b: &str) -> f64 {
        let [base, a, b] = [&self.world.model, &self.world.path(a), &self.world.path(b)].map(|dir| weights(dir));
        let (mut apart, mut way) = (0.0, 0.0);
        for (name, b) in b.iter().filter(|(name, _)| !name.ends_with("key.bias")) {
            let zeros = vec![0.0; b.len()];
            let square = |x: &[f32]| x.iter().zip(b).map(|(x, b)| f64::from(x - b).powi(2)).sum::<f64>();
            apart += square(&a[name]);
            way += square(base.get(name).unwrap_or(&zeros));
        }
        (apart / way).sqrt()
    }
}

fn weights(dir: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |data: &[u8]| data.as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect();
    file.iter().map(|(name, view)| (name.to_owned(), values(view.data()))).collect()
}

/// All there is to train, with so many micro-batches a step in each process.
fn config(accumulation: usize) -> PretrainConfig {
    let alignment =
        AlignmentConfig { concepts: NonZeroUsize::new(6).unwrap(), contexts: 3, ..AlignmentConfig::default() };
    let every = NonZeroU64::new(2).unwrap();
    PretrainConfig {
        tokens_per_batch: 128,
        accumulation: NonZeroUsize::new(accumulation).unwrap(),
        // To the end of it: the last step has what remains, which is nothing for some processes.
        budget: Budget::Epochs(NonZeroU64::MIN),
        head_warmup_steps: 1,
        save_every: NonZeroU64::new(3).unwrap(),
        tag_mentions: true,
        alignment: Some(alignment),
        evaluation: Some(EvaluationConfig { every, held_out: 0.1, ..EvaluationConfig::default() }),
        ..common::config(8)
    }
}

/// The same numbers but for the order of additions.
fn assert_close(ours: &[StepMetrics], theirs: &[StepMetrics]) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert_eq!((a.step, a.epoch, a.tokens, a.learning_rate), (b.step, b.epoch, b.tokens, b.learning_rate));
        let tasks = |m: &StepMetrics| [m.entity_mlm, m.relation_mlm, m.prp, m.alignment];
        assert_eq!(tasks(a).map(|t| t.map(|t| t.count)), tasks(b).map(|t| t.map(|t| t.count)));
        let losses =
            |m: &StepMetrics| [m.loss, m.grad_norm].into_iter().chain(tasks(m).map(|t| t.map_or(0.0, |t| t.loss)));
        for (x, y) in losses(a).zip(losses(b)) {
            assert!((x - y).abs() <= TOLERANCE * y.abs(), "{a:?} {b:?}");
        }
    }
}

/// Relative, of losses and weights: they are `f32`, which a dozen steps have gone through.
const TOLERANCE: f64 = 1e-5;

#[test]
fn several_processes_give_what_one_gives_with_as_many_batches_a_step() {
    let run = Run::new();
    let one = run.alone(&config(4), "one", u64::MAX).unwrap();
    let metrics: Vec<StepMetrics> = run.lines("one", "metrics.jsonl");
    assert!(metrics.len() > 6, "{} steps", metrics.len());
    let masked = |m: &StepMetrics| m.entity_mlm.unwrap().count;
    assert!(masked(metrics.last().unwrap()) < masked(&metrics[0]) * 2 / 3, "the last step has fewer batches");
    assert!(metrics.iter().any(|m| m.tagging.is_some()));
    assert!(metrics.iter().any(|m| m.prp.is_some()) && metrics.iter().any(|m| m.relation_mlm.is_some()));
    let evaluations = |out: &str| run.lines::<Evaluation>(out, "evaluations.jsonl");
    for size in [2, 4] {
        let out = format!("{size}");
        let summaries = run.same(size, &config(4 / size), &out, u64::MAX);
        for summary in &summaries {
            let figures = |s: &PretrainSummary| (s.steps, s.tokens, s.examples, s.held_out, s.cut_tokens);
            assert_eq!(figures(summary), figures(&one));
        }
        assert_eq!(summaries.iter().filter(|s| s.evaluation.is_some()).count(), 1);
        assert_close(&run.lines(&out, "metrics.jsonl"), &metrics);
        let distance = run.distance(&out, "one");
        assert!(distance < TOLERANCE, "{size} processes: {distance}");
        assert_eq!(evaluations(&out).len(), evaluations("one").len());
        for (a, b) in evaluations(&out).iter().zip(evaluations("one")) {
            let loss = |e: &Evaluation| e.held_out.as_ref().unwrap().all.entity_mlm.unwrap().loss;
            assert!(a.step == b.step && (loss(a) - loss(&b)).abs() < TOLERANCE * loss(&b), "{a:?} {b:?}");
        }
        let again = format!("{size}-again");
        run.same(size, &config(4 / size), &again, u64::MAX);
        assert!(weights(&run.world.path(&out)) == weights(&run.world.path(&again)), "not the same bits again");
    }
    // The test can fail: another batch a step is another result.
    run.alone(&config(5), "other", u64::MAX).unwrap();
    assert!(run.distance("other", "one") > 10.0 * TOLERANCE);
}

#[test]
fn a_stopped_run_goes_on_in_as_many_processes_or_in_others() {
    let run = Run::new();
    run.same(2, &config(3), "straight", u64::MAX);
    for summary in run.same(2, &config(3), "stopped", 4) {
        assert!(summary.interrupted && summary.steps == 4, "{summary:?}");
    }
    for summary in run.same(2, &config(3), "stopped", u64::MAX) {
        assert_eq!((summary.resumed_from, summary.interrupted), (Some(4), false));
    }
    let [straight, stopped] = ["straight", "stopped"].map(|out| weights(&run.world.path(out)));
    assert!(straight == stopped, "not the same bits");

    run.same(2, &config(3), "alone", 4);
    assert_eq!(run.alone(&config(6), "alone", u64::MAX).unwrap().resumed_from, Some(4));
    run.alone(&config(6), "three", 4).unwrap();
    run.same(3, &config(2), "three", u64::MAX);
    for out in ["alone", "three"] {
        let distance = run.distance(out, "straight");
        assert!(distance < TOLERANCE, "{out}: {distance}");
    }
    let message = run.alone(&config(3), "alone", u64::MAX).unwrap_err().to_string();
    assert!(message.contains("`accumulation` is 6 there, 3 here"), "{message}");
}

#[test]
fn an_error_in_one_process_is_the_error_of_all_and_names_it() {
    let run = Run::new();
    let messages = |of: &(dyn Fn(usize) -> (PretrainConfig, Vec<CorpusPart>) + Sync), out: &str| {
        let results = run.together(3, of, out, u64::MAX);
        let messages: Vec<String> = results.into_iter().map(|r| r.unwrap_err().to_string()).collect();
        assert!(messages.iter().all(|m| *m == messages[0]), "{messages:?}");
        messages[0].clone()
    };
    let other = CorpusPart { path: run.world.corpus("other", &[Level::Plain], 1), weight: None };
    let missing = CorpusPart { path: run.world.path("missing"), weight: None };
    let with = |part: &CorpusPart, rank| if rank == 2 { vec![part.clone()] } else { run.corpora.clone() };
    let message = messages(&|rank| (config(1), with(&missing, rank)), "out");
    assert!(message.starts_with("process 2 of 3") && message.contains("missing"), "{message}");
    let message = messages(&|rank| (config(1), with(&other, rank)), "out");
    assert!(message.starts_with("process 2 of 3") && message.contains("`corpus` is"), "{message}");
    let skips = |rank| PretrainConfig { max_skips: if rank == 1 { 3 } else { 4 }, ..config(1) };
    let message = messages(&|rank| (skips(rank), run.corpora.clone()), "out");
    assert!(message.starts_with("process 1 of 3") && message.contains("from call to call"), "{message}");
    assert!(!run.world.path("out").exists());

    // What the first process cannot write stops the others too.
    run.same(3, &config(1), "full", 4);
    let path = run.world.path("full/evaluations.jsonl");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let message = messages(&|_| (config(1), run.corpora.clone()), "full");
    assert!(message.starts_with("process 0 of 3") && message.contains("evaluations.jsonl"), "{message}");
}

#[test]
fn all_processes_skip_the_same_steps_or_stop_at_the_same() {
    let run = Run::new();
    // The position of the longest examples' ends has no number: steps without them are sound.
    let path = run.world.model.join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let data = file.tensor("roberta.embeddings.position_embeddings.weight").unwrap().data();
    let start = data.as_ptr() as usize - bytes.as_ptr() as usize + 4 * 32 * 36;
    (0..32).for_each(|i| bytes[start + 4 * i..][..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    fs::write(&path, bytes).unwrap();
    let config = |accumulation| PretrainConfig {
        alignment: None,
        evaluation: None,
        on_divergence: OnDivergence::Skip,
        max_skips: 100,
        ..config(accumulation)
    };
    let one = run.alone(&config(2), "one", u64::MAX).unwrap();
    assert!(one.skipped > 0 && one.skipped < one.steps, "{one:?}");
    for summary in run.same(2, &config(1), "two", u64::MAX) {
        assert_eq!(summary.skipped, one.skipped);
    }
    let skipped = |out: &str| {
        run.lines::<StepMetrics>(out, "metrics.jsonl")
            .into_iter()
            .filter(|m| m.skipped)
            .map(|m| m.step)
            .collect::<Vec<_>>()
    };
    assert_eq!(skipped("one"), skipped("two"));

    let stop = |accumulation| PretrainConfig { on_divergence: OnDivergence::Stop, ..config(accumulation) };
    let message = run.alone(&stop(2), "stop-one", u64::MAX).unwrap_err().to_string();
    assert!(message.starts_with("step ") && message.contains("batch"), "{message}");
    for result in run.together(2, |_| (stop(1), run.corpora.clone()), "stop-two", u64::MAX) {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}

#[test]
fn several_devices_of_one_program_train_one_model_and_end_together() {
    let run = Run::new();
    let one = run.alone(&config(4), "one", u64::MAX).unwrap();
    let on_two = |config: &PretrainConfig, corpora: &[CorpusPart], after: u64| {
        let (kb, stop) = (run.world.path("kb"), AtomicBool::new(false));
        let input = PretrainInput { model: &run.world.model, corpora, knowledge: Some(&kb) };
        let devices = [Device::flex(), Device::flex()];
        pretrain_on(&devices, config, &input, &run.world.path("two"), &stop, &mut Watch::new(&stop, after))
    };
    assert!(on_two(&config(2), &run.corpora, 4).unwrap().interrupted);
    let two = on_two(&config(2), &run.corpora, u64::MAX).unwrap();
    assert_eq!((two.resumed_from, two.steps, two.tokens), (Some(4), one.steps, one.tokens));
    assert!(two.evaluation.is_some());
    assert_close(&run.lines("two", "metrics.jsonl"), &run.lines("one", "metrics.jsonl"));
    let distance = run.distance("two", "one");
    assert!(distance < TOLERANCE, "{distance}");
    let missing = CorpusPart { path: run.world.path("missing"), weight: None };
    assert!(on_two(&config(2), &[missing], 4).unwrap_err().to_string().contains("missing"));
}
