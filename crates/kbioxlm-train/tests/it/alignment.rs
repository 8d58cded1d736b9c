//! Term alignment beside the other losses.

use crate::common::{self, World};
use kbioxlm_corpus::Level;
use kbioxlm_files::read_jsonl;
use kbioxlm_train::{
    AlignmentConfig, CorpusPart, MaskingConfig, Observer, PretrainConfig, PretrainInput, PretrainSummary,
    RetrievalConfig, StepMetrics, TrainError, pretrain,
};
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};

fn aligned(steps: u64, held_out: f64) -> PretrainConfig {
    let concepts = NonZeroUsize::new(12).unwrap();
    PretrainConfig {
        accumulation: NonZeroUsize::MIN,
        alignment: Some(AlignmentConfig { concepts, held_out, ..AlignmentConfig::default() }),
        ..common::config(steps)
    }
}

fn run_until(world: &World, config: &PretrainConfig, out: &str, after: u64) -> Result<PretrainSummary, TrainError> {
    struct Stop(AtomicBool, u64);
    impl Observer for &Stop {
        fn step(&mut self, metrics: &StepMetrics) {
            self.0.store(metrics.step >= self.1, Ordering::Relaxed);
        }
    }
    let stop = Stop(AtomicBool::new(false), after);
    let (kb, path) = (world.path("kb"), world.path("corpus"));
    if !path.exists() {
        world.corpus("corpus", &[Level::Entity], 1);
    }
    let corpora = [CorpusPart { path, weight: None }];
    let input = PretrainInput { model: &world.model, corpora: &corpora, knowledge: Some(&kb) };
    pretrain(config, &input, &world.path(out), &stop.0, &mut &stop)
}

fn run(world: &World, config: &PretrainConfig, out: &str) -> PretrainSummary {
    run_until(world, config, out, u64::MAX).unwrap()
}

#[test]
fn names_alone_are_learned_and_then_found_across_languages() {
    let world = World::new();
    let retrieval = RetrievalConfig { every: NonZeroU64::new(40).unwrap(), ..RetrievalConfig::default() };
    let masking = MaskingConfig { ratio: 0.0, ..MaskingConfig::default() };
    let config = PretrainConfig { retrieval: Some(retrieval), masking, ..aligned(80, 0.0) };
    let summary = run(&world, &config, "out");
    let found = summary.evaluation.unwrap().retrieval;
    assert_eq!(found.len(), 2);
    for direction in found {
        assert!(direction.held_out.is_none(), "all concepts are aligned: {direction:?}");
        assert!(direction.anchored.unwrap().accuracy_at_1 > 0.9, "{direction:?}");
    }
    let metrics: Vec<StepMetrics> =
        read_jsonl(&world.path("out/metrics.jsonl"), "metrics").unwrap().map(|line| line.unwrap().1).collect();
    let (first, last) = (metrics[0].alignment.unwrap(), metrics[79].alignment.unwrap());
    assert_eq!(first.count, 24, "two names of each concept");
    assert!(last.loss < 0.3 * first.loss, "{first:?} {last:?}");
    assert!(metrics.iter().all(|m| m.entity_mlm.is_none() && (m.loss - m.alignment.unwrap().loss).abs() < 1e-12));
}

#[test]
fn it_adds_to_the_loss_by_its_weight_and_resumes_to_the_same_result() {
    let world = World::new();
    let mut config = aligned(8, 0.0);
    config.alignment.as_mut().unwrap().weight = 0.5;
    config.head_warmup_steps = 2;
    run(&world, &config, "straight");
    let metrics: Vec<StepMetrics> =
        read_jsonl(&world.path("straight/metrics.jsonl"), "metrics").unwrap().map(|line| line.unwrap().1).collect();
    for (i, step) in metrics.iter().enumerate() {
        let names = step.alignment.map_or(0.0, |a| 0.5 * a.loss);
        assert_eq!(step.alignment.is_some(), i >= 2, "a frozen body cannot move its names");
        assert!((step.loss - step.entity_mlm.unwrap().loss - names).abs() < 1e-9, "{step:?}");
    }
    assert!(run_until(&world, &config, "stopped", 5).unwrap().interrupted);
    assert_eq!(run(&world, &config, "stopped").resumed_from, Some(5));
    let weights = |out: &str| fs::read(world.path(out).join("model.safetensors")).unwrap();
    assert!(weights("straight") == weights("stopped"));
    // The weight is not for show.
    config.alignment.as_mut().unwrap().weight = 5.0;
    run(&world, &config, "heavy");
    assert!(weights("straight") != weights("heavy"));
}

#[test]
fn concepts_held_out_stay_held_out_for_retrieval() {
    let world = World::new();
    // The corpus switches all concepts, so only what alignment adds is seen here: nothing may become held out by it.
    let retrieval = RetrievalConfig { every: NonZeroU64::new(40).unwrap(), ..RetrievalConfig::default() };
    let config = PretrainConfig { retrieval: Some(retrieval), ..aligned(1, 0.5) };
    let summary = run(&world, &config, "out");
    let step = summary.last.unwrap().alignment.unwrap();
    assert!(step.count < 24 && step.count > 0, "about half of sixteen concepts are left: {step:?}");
}

#[test]
fn it_needs_a_knowledge_base() {
    let world = World::new();
    let path = world.corpus("corpus", &[Level::Entity], 1);
    let corpora = [CorpusPart { path, weight: None }];
    let input = PretrainInput { model: &world.model, corpora: &corpora, knowledge: None };
    let stop = AtomicBool::new(false);
    let error = pretrain(&aligned(1, 0.0), &input, &world.path("out"), &stop, &mut ()).unwrap_err().to_string();
    assert!(error.contains("alignment") && error.contains("knowledge base"), "{error}");
    let world = World::new();
    let message = run_until(&world, &aligned(1, 0.999), "out", 9).unwrap_err().to_string();
    assert!(message.contains("concepts to align") && message.contains("en, zh"), "{message}");
}

#[test]
fn mentions_are_aligned_in_their_contexts() {
    let world = World::new();
    let mut config = aligned(6, 0.0);
    run(&world, &config, "names");
    config.alignment.as_mut().unwrap().contexts = 5;
    let names = run(&world, &config, "straight").last.unwrap().alignment.unwrap();
    assert!(names.count > 24, "two names of each concept, and mentions besides: {names:?}");
    assert!(run_until(&world, &config, "stopped", 4).unwrap().interrupted);
    assert_eq!(run(&world, &config, "stopped").resumed_from, Some(4));
    let weights = |out: &str| fs::read(world.path(out).join("model.safetensors")).unwrap();
    assert!(weights("straight") == weights("stopped") && weights("straight") != weights("names"));

    let world = World::new();
    world.corpus("corpus", &[Level::Plain], 1);
    let message = run_until(&world, &config, "out", 9).unwrap_err().to_string();
    assert!(message.contains("alignment.contexts") && message.contains("level entity"), "{message}");
}
