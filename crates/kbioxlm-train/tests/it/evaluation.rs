//! Evaluation beside training, and training on mixtures.

use crate::common::{self, World};
use kbioxlm_corpus::{Corpus, Level};
use kbioxlm_files::read_jsonl;
use kbioxlm_train::{
    Budget, CorpusPart, Evaluation, EvaluationConfig, KeepConfig, Observer, PretrainConfig, PretrainInput,
    PretrainSummary, RetrievalConfig, StepMetrics, TrainError, pretrain,
};
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

const LEVELS: [Level; 3] = [Level::Entity, Level::Fact, Level::Passage];

fn number(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).unwrap()
}

fn config(steps: u64) -> PretrainConfig {
    PretrainConfig { accumulation: NonZeroUsize::MIN, ..common::config(steps) }
}

/// Everything evaluated every `every` steps.
fn evaluated(steps: u64, every: u64) -> PretrainConfig {
    let every = number(every);
    PretrainConfig {
        evaluation: Some(EvaluationConfig { every, held_out: 0.2, ..EvaluationConfig::default() }),
        retrieval: Some(RetrievalConfig { every, ..RetrievalConfig::default() }),
        ..config(steps)
    }
}

struct Run<'a> {
    world: &'a World,
    corpora: Vec<CorpusPart>,
}

impl<'a> Run<'a> {
    fn new(world: &'a World, corpora: &[(&Path, Option<f64>)]) -> Self {
        let part = |(path, weight): &(&Path, Option<f64>)| CorpusPart { path: path.to_path_buf(), weight: *weight };
        Self { world, corpora: corpora.iter().map(part).collect() }
    }

    fn run(&self, config: &PretrainConfig, out: &str) -> Result<PretrainSummary, TrainError> {
        self.stopped(config, out, u64::MAX)
    }

    fn stopped(&self, config: &PretrainConfig, out: &str, after: u64) -> Result<PretrainSummary, TrainError> {
        struct Stop(AtomicBool, u64);
        impl Observer for &Stop {
            fn step(&mut self, metrics: &StepMetrics) {
                self.0.store(metrics.step >= self.1, Ordering::Relaxed);
            }
        }
        let stop = Stop(AtomicBool::new(false), after);
        let kb = self.world.path("kb");
        let input = PretrainInput { model: &self.world.model, corpora: &self.corpora, knowledge: Some(&kb) };
        pretrain(config, &input, &self.world.path(out), &stop.0, &mut &stop)
    }

    fn weights(&self, out: &str) -> Vec<u8> {
        fs::read(self.world.path(out).join("model.safetensors")).unwrap()
    }

    fn evaluations(&self, out: &str) -> Vec<Evaluation> {
        let path = self.world.path(out).join("evaluations.jsonl");
        let lines = read_jsonl(&path, "an evaluation").unwrap().map(|line| line.unwrap().1);
        lines.map(|e: Evaluation| Evaluation { seconds: 0.0, ..e }).collect()
    }
}

#[test]
fn what_is_held_out_is_not_trained_on_and_is_learned_all_the_same() {
    let world = World::new();
    let corpus = world.corpus_without("corpus", &LEVELS, 1, &["C3", "C9"]);
    let run = Run::new(&world, &[(&corpus, None)]);
    let accumulation = NonZeroUsize::new(2).unwrap();
    let config = PretrainConfig { accumulation, tag_mentions: true, ..evaluated(300, 120) };
    let summary = run.run(&config, "out").unwrap();
    assert_eq!(summary.examples + summary.held_out, Corpus::open(&corpus).unwrap().len());
    assert!(summary.held_out * 20 > summary.examples, "{} of {}", summary.held_out, summary.examples);
    let evaluations = run.evaluations("out");
    assert_eq!(evaluations.iter().map(|e| e.step).collect::<Vec<_>>(), [0, 120, 240, 300]);
    let (first, last) = (&evaluations[0], &evaluations[3]);
    assert_eq!((first.tokens, last.tokens), (0, summary.tokens));
    assert_eq!(summary.evaluation.map(|e| e.step), Some(300));

    let [before, after] = [first, last].map(|e| e.held_out.as_ref().unwrap());
    assert_eq!(before.all.examples as usize, summary.held_out);
    assert_eq!(before.languages.keys().collect::<Vec<_>>(), ["en", "en-zh", "zh"]);
    for lang in ["en", "zh"] {
        let [before, after] = [before, after].map(|m| m.languages[lang]);
        let tasks = [
            (before.entity_mlm, after.entity_mlm, 0.85),
            (before.relation_mlm, after.relation_mlm, 0.3),
            (before.tagging, after.tagging, 0.5),
        ];
        for (before, after, most) in tasks {
            let (before, after) = (before.unwrap(), after.unwrap());
            assert_eq!(before.count, after.count, "the same masks each time");
            assert!(after.loss < most * before.loss && after.accuracy > before.accuracy, "{before:?} {after:?}");
        }
    }
    let (prp, confusion) = (after.all.prp.unwrap(), after.all.prp_confusion.unwrap());
    assert!(prp.count > 0 && confusion.iter().flatten().sum::<u64>() == prp.count, "{confusion:?}");
    let right: u64 = (0..3).map(|i| confusion[i][i]).sum();
    assert!((right as f64 - prp.accuracy * prp.count as f64).abs() < 1e-6, "{confusion:?} {prp:?}");
    assert!(confusion.iter().all(|row| row.iter().sum::<u64>() > 0), "pairs of every label: {confusion:?}");
    assert_eq!(after.languages["en"].prp_confusion.is_some(), after.languages["en"].prp.is_some());

    for e in &evaluations {
        let directions: Vec<_> = e.retrieval.iter().map(|r| (r.from.as_str(), r.to.as_str(), r.names)).collect();
        assert_eq!(directions, [("en", "zh", 16), ("zh", "en", 16)]);
        for r in &e.retrieval {
            let (held_out, anchored) = (r.held_out.unwrap(), r.anchored.unwrap());
            assert_eq!((held_out.concepts, anchored.concepts), (2, 14));
            for found in [held_out, anchored] {
                assert!(found.accuracy_at_1 <= found.accuracy_at_5 && found.accuracy_at_5 <= 1.0);
            }
        }
    }
}

#[test]
fn evaluation_does_not_touch_training_and_resumes_with_it() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let run = Run::new(&world, &[(&corpus, None)]);
    run.run(&evaluated(8, 2), "often").unwrap();
    run.run(&evaluated(8, 1000), "seldom").unwrap();
    assert!(run.weights("often") == run.weights("seldom"), "evaluating changed the result");
    assert_eq!(run.evaluations("seldom").len(), 2);

    for after in [4, 5] {
        let out = format!("stopped-{after}");
        assert_eq!(run.stopped(&evaluated(8, 2), &out, after).unwrap().steps, after);
        assert_eq!(run.run(&evaluated(8, 2), &out).unwrap().resumed_from, Some(after));
        assert!(run.weights("often") == run.weights(&out));
        assert_eq!(run.evaluations(&out), run.evaluations("often"));
    }
    // TensorBoard has the figures too.
    let events = fs::read(world.path("often/tensorboard/events.out.tfevents.000000")).unwrap();
    let events = String::from_utf8_lossy(&events);
    for (tag, evaluations) in [
        ("\u{a}\u{1a}evaluation/entity_mlm/loss", 5),
        ("evaluation/en/relation_mlm/accuracy", 5),
        ("retrieval/en-zh/anchored/accuracy_at_1", 5),
    ] {
        assert_eq!(events.matches(tag).count(), evaluations, "{tag}");
    }
    // A reader of the steps' lines finds nothing else among them.
    let lines = read_jsonl::<StepMetrics>(&world.path("often/metrics.jsonl"), "a step").unwrap();
    assert_eq!(lines.map(|l| l.unwrap().1.step).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    // Without anything to evaluate there is no such file.
    let summary = run.run(&config(2), "bare").unwrap();
    assert!(!world.path("bare/evaluations.jsonl").exists());
    assert_eq!((summary.held_out, summary.evaluation), (0, None));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let world = World::new();
    let corpus = world.corpus("corpus", &[Level::Entity], 1);
    let run = Run::new(&world, &[(&corpus, None)]);
    let with = |held_out| PretrainConfig {
        evaluation: Some(EvaluationConfig { held_out, ..EvaluationConfig::default() }),
        ..config(2)
    };
    let message = run.run(&with(1.0), "out").unwrap_err().to_string();
    assert!(message.contains("`evaluation.held_out` is 1"), "{message}");
    let message = run.run(&with(1e-9), "out").unwrap_err().to_string();
    assert!(message.contains("raise it"), "{message}");
    let input = PretrainInput { model: &world.model, corpora: &run.corpora, knowledge: None };
    let message = pretrain(&evaluated(2, 1), &input, &world.path("out"), &AtomicBool::new(false), &mut ()).unwrap_err();
    assert!(message.to_string().contains("`retrieval` is set without a knowledge base"), "{message}");
    assert!(!world.path("out").exists());
}

/// Two corpora: `small` with 16 passage documents' pairs, `large` with the texts.
fn two(world: &World) -> [PathBuf; 2] {
    [world.corpus("small", &[Level::Passage], 1), world.corpus("large", &[Level::Plain, Level::Entity], 1)]
}

#[test]
fn a_mixture_has_its_shares_and_goes_on_exactly_where_it_stopped() {
    let world = World::new();
    let [small, large] = two(&world);
    let run = Run::new(&world, &[(&small, Some(3.0)), (&large, Some(1.0))]);
    let config = PretrainConfig { accumulation: NonZeroUsize::new(2).unwrap(), ..config(40) };
    let straight = run.run(&config, "straight").unwrap();
    let metrics: Vec<StepMetrics> =
        read_jsonl(&world.path("straight/metrics.jsonl"), "a step").unwrap().map(|l| l.unwrap().1).collect();
    assert!(metrics.last().unwrap().epoch >= 1, "more than an epoch");
    let pairs = metrics.iter().take_while(|m| m.epoch == 0).filter_map(|m| m.prp).map(|prp| prp.count);
    let [pairs, once] = [pairs.sum::<u64>() as usize, Corpus::open(&small).unwrap().len()];
    assert!(pairs > once, "{pairs} pairs in the first epoch, {once} in the corpus");
    assert!(metrics.chunks(10).all(|steps| steps.iter().any(|m| m.prp.is_some())), "pairs come all the time");

    for after in [7, 23] {
        let out = format!("stopped-{after}");
        run.stopped(&config, &out, after).unwrap();
        let summary = run.run(&config, &out).unwrap();
        assert_eq!((summary.resumed_from, summary.tokens), (Some(after), straight.tokens));
        assert!(run.weights("straight") == run.weights(&out), "weights differ after a stop");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    pool.install(|| run.run(&config, "threads").unwrap());
    assert!(run.weights("straight") == run.weights("threads"));

    // Other weights, another order, one corpus less: another run.
    for (corpora, differs) in [
        (
            vec![(small.as_path(), Some(1.0)), (large.as_path(), Some(1.0))],
            "`weights` is [3.0,1.0] there, [1.0,1.0] here",
        ),
        (vec![(large.as_path(), Some(3.0)), (small.as_path(), Some(1.0))], "`corpus` is"),
        (vec![(small.as_path(), Some(3.0))], "`corpus` is"),
    ] {
        let message = Run::new(&world, &corpora).run(&config, "straight").unwrap_err().to_string();
        assert!(message.contains(differs), "{message}");
    }
}

#[test]
fn an_epoch_has_the_tokens_of_all_corpora() {
    let world = World::new();
    let [small, large] = two(&world);
    let epoch = PretrainConfig { budget: Budget::Epochs(number(1)), ..config(1) };
    let tokens =
        |corpora: &[(&Path, Option<f64>)], out: &str| Run::new(&world, corpora).run(&epoch, out).unwrap().tokens;
    let each = [tokens(&[(&small, None)], "a"), tokens(&[(&large, None)], "b")];
    assert_eq!(tokens(&[(&small, None), (&large, None)], "both"), each[0] + each[1]);
    let weighted = tokens(&[(&small, Some(0.9)), (&large, Some(0.1))], "weighted");
    assert!(weighted.abs_diff(each[0] + each[1]) <= 2 * 64, "{weighted} of {each:?}");
}

#[test]
fn checkpoints_are_kept_by_what_their_own_models_were_evaluated_at() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let run = Run::new(&world, &[(&corpus, None)]);
    let by = |metric: &str| {
        let keep = KeepConfig { last: NonZeroUsize::MIN, best: 1, metric: metric.to_owned(), every: None };
        PretrainConfig { keep, save_every: number(1), learning_rate: 0.03, ..evaluated(12, 3) }
    };
    for metric in ["evaluation.zh.entity_mlm.loss", "evaluation.prp.accuracy", "retrieval.zh-en.anchored.accuracy_at_1"]
    {
        let config = by(metric);
        let stopped = run.stopped(&config, metric, 7).unwrap().best.unwrap();
        assert!(stopped.step == 3 || stopped.step == 6, "{stopped:?}");
        let best = run.run(&config, metric).unwrap().best.unwrap();
        // There is no checkpoint of step 0, and of equals the first is the better.
        let figures = run.evaluations(metric).into_iter().filter(|e| e.step > 0).map(|e| (e.step, e.figures()[metric]));
        let sign = if metric.ends_with("loss") { -1.0 } else { 1.0 };
        let better = |a: (u64, f64), b: (u64, f64)| if sign * b.1 > sign * a.1 { b } else { a };
        let (step, value) = figures.reduce(better).unwrap();
        assert_eq!((best.step, best.value, best.metric.as_str()), (step, value, metric));
        assert!(best.path.join("model.safetensors").exists());
    }

    // The list of what there is has all that the evaluations have.
    let names: Vec<String> = run.evaluations("evaluation.prp.accuracy").remove(1).figures().into_keys().collect();
    let message = run.run(&by("evaluation.fr.prp.loss"), "out").unwrap_err().to_string();
    assert!(message.contains(&format!(", {}; correct it", names.join(", "))), "{message}");
    for (metric, known) in [
        ("evaluation.fr.entity_mlm.loss", "evaluation.en-zh.prp.loss, evaluation.en.entity_mlm.accuracy, "),
        ("evaluation.prp", "entity_mlm.loss, "),
        ("retrieval.en-zh.accuracy", "retrieval.en-zh.accuracy_at_1, "),
    ] {
        let message = run.run(&by(metric), "out").unwrap_err().to_string();
        assert!(message.contains(&format!("`keep.metric` is {metric}")) && message.contains(known), "{message}");
    }
    let without = PretrainConfig { evaluation: None, ..by("evaluation.prp.loss") };
    let message = run.run(&without, "out").unwrap_err().to_string();
    assert!(message.contains("there is no `evaluation`"), "{message}");
    assert!(!world.path("out").exists());
}

#[test]
fn evaluations_of_steps_that_are_done_again_are_removed() {
    let world = World::new();
    let corpus = world.corpus("corpus", &LEVELS, 1);
    let run = Run::new(&world, &[(&corpus, None)]);
    let config = PretrainConfig { save_every: number(3), ..evaluated(8, 1) };
    run.run(&config, "straight").unwrap();
    run.run(&config, "out").unwrap();
    // The last checkpoint is damaged: the run goes on after step 6, whose evaluation stays.
    fs::write(world.path("out/checkpoints/step-8/model.safetensors"), "").unwrap();
    assert_eq!(run.run(&config, "out").unwrap().resumed_from, Some(6));
    assert_eq!(run.evaluations("out").iter().map(|e| e.step).collect::<Vec<_>>(), (0..=8).collect::<Vec<_>>());
    assert_eq!(run.evaluations("out"), run.evaluations("straight"));

    // Without any checkpoint and with nothing to evaluate, the former run's are none of this one.
    fs::remove_dir_all(world.path("out/checkpoints")).unwrap();
    run.run(&self::config(2), "out").unwrap();
    assert!(!world.path("out/evaluations.jsonl").exists());
}
