//! The commands on small files, one after the other, as a user would run them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn mentions_have_byte_and_character_ranges_of_the_text_as_it_came() {
    let place = Place::new();
    place.knowledge();
    place.write("note.txt", "Größe — ASTHMA, not asthmatic; ALL but not all.");
    let out = place.run("knowledge match --kb kb --lang en --json note.txt").ok();
    let rows: Vec<Value> = out.lines().map(json).collect();
    let seen: Vec<_> = rows.iter().map(|r| (r["text"].as_str().unwrap(), r["concept"].as_str().unwrap())).collect();
    assert_eq!(seen, [("ASTHMA", "C1"), ("ALL", "C3")]);
    assert_eq!(rows[0]["bytes"], serde_json::json!([12, 18]));
    assert_eq!(rows[0]["chars"], serde_json::json!([8, 14]));
    assert_eq!(rows[0]["term"], "asthma");
}

#[test]
fn from_tables_to_a_pretrained_and_a_fine_tuned_model() {
    let place = Place::new();
    place.knowledge();
    let report = place
        .run("corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --passages en-zh=passages.jsonl --levels entity,fact,passage --seed 3 --out corpus --json")
        .ok();
    assert!(json(&report).is_object());
    let shown = place.run("corpus show corpus --kind entity -n 3").ok();
    assert!(shown.contains("哮喘") && shown.contains("switched entity"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours where stdout is no terminal");

    let base = place.model("base");
    let texts = "en.jsonl zh.jsonl";
    let trimmed = place.run(&format!("model trim --model base --text {texts} --out trimmed --json")).ok();
    assert!(json(&trimmed).is_object());
    let info = |dir: &str| json(&place.run(&format!("model info {dir} --json")).ok());
    assert!(info("trimmed")["pieces"].as_u64() <= info("base")["pieces"].as_u64());

    let pretrain = "pretrain --model base --corpus corpus --out pretrained --set train.budget={steps=3} \
                    --set train.max_length=16 --set train.tokens_per_batch=64 --json";
    let summary = json(&place.run(pretrain).ok());
    assert_eq!(summary["steps"], 3);
    assert_eq!(summary["interrupted"], false);
    let metrics = std::fs::read_to_string(place.path("pretrained/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 3);
    let again = json(&place.run(pretrain).ok());
    assert_eq!(again["resumed_from"], 3, "a finished run is not repeated");

    for model in [base.file_name().unwrap().to_str().unwrap(), "pretrained"] {
        let out = format!("tagger-{model}");
        place
            .run(&format!("finetune --task ner --model {model} --train train.conll --dev train.conll --out {out} --set max_length=16"))
            .ok();
        let scores = json(&place.run(&format!("evaluate --model {out} --data train.conll --json")).ok());
        assert!(scores["score"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s)), "{scores}");
        assert_eq!(scores["documents"], 2);
        assert!(scores["leaks"].as_array().is_some_and(|l| !l.is_empty()), "evaluation on training data is reported");
    }
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for command in [
        "",
        "demo",
        "knowledge build",
        "knowledge match",
        "corpus build",
        "corpus show",
        "model trim",
        "model info",
        "pretrain",
        "finetune",
        "evaluate",
        "experiment run",
    ] {
        let help = place.run(&format!("{command} --help")).ok();
        assert!(help.contains("Usage: kbioxlm"), "{help}");
    }
}
