//! Training and evaluation on another device than the processor: `cargo test -p kbioxlm --features webgpu --test devices` (or
//! `vulkan`); a software driver such as Mesa's lavapipe will do.
#![cfg(any(feature = "vulkan", feature = "webgpu"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use serde_json::Value;
use std::fs;

const DEVICE: &str = if cfg!(feature = "webgpu") { "webgpu" } else { "vulkan" };

/// The lines of a run's file.
fn lines(place: &Place, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.path(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn pretraining_finetuning_and_evaluation_agree_with_the_processor() {
    let place = Place::new();
    place.knowledge();
    place.run("corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --passages en-zh=passages.jsonl --seed 3 --out corpus")
        .ok();
    place.model("base");
    let mut scores = Vec::new();
    for device in ["cpu", DEVICE] {
        let pretrain = format!(
            "--device {device} pretrain --model base --corpus corpus --knowledge kb --out {device} --json --set train.budget={{steps=4}} \
             --set train.max_length=16 --set train.tokens_per_batch=64 --set train.learning_rate=1e-3 --set train.save_every=2 \
             --set train.head_warmup_steps=1 --set train.evaluation={{every=2,held_out=0.3}} --set train.retrieval={{every=4}} \
             --set train.alignment={{concepts=3}}"
        );
        place.run(&pretrain).ok();
        // It goes on from a checkpoint on this device, too.
        fs::remove_dir_all(place.path(device).join("checkpoints/step-4")).unwrap();
        let summary: Value = serde_json::from_str(&place.run(&pretrain).ok()).unwrap();
        assert_eq!((&summary["resumed_from"], &summary["steps"]), (&2.into(), &4.into()));
        place
            .run(&format!(
                "--device {device} finetune --task ner --model {device} --train train.conll --dev train.conll --out {device}-tagger \
                 --set epochs=1 --set max_length=16"
            ))
            .ok();
        let line = format!("--device {device} evaluate --model {device}-tagger --data train.conll --json");
        scores.push(place.run(&line).ok());
    }
    let figures = |line: &Value| ["loss", "grad_norm"].map(|key| line[key].as_f64().unwrap());
    let [ours, theirs] = [DEVICE, "cpu"].map(|device| lines(&place, &format!("{device}/metrics.jsonl")));
    assert_eq!((ours.len(), theirs.len()), (4, 4));
    for (a, b) in ours.iter().flat_map(figures).zip(theirs.iter().flat_map(figures)) {
        assert!((a - b).abs() < 1e-2 * b, "{a} on {DEVICE}, {b} on the processor");
    }
    let [ours, theirs] = [DEVICE, "cpu"].map(|device| lines(&place, &format!("{device}/evaluations.jsonl")));
    for (a, b) in ours.iter().zip(&theirs) {
        let loss = |e: &Value| e["held_out"]["all"]["entity_mlm"]["loss"].as_f64().unwrap();
        assert!((loss(a) - loss(b)).abs() < 1e-2 * loss(b), "{a} {b}");
    }
    let documents = |text: &String| serde_json::from_str::<Value>(text).unwrap()["documents"].clone();
    assert_eq!(documents(&scores[0]), documents(&scores[1]));
}
