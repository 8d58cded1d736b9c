//! The whole chain on tiny files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::file;
use kbioxlm_eval::{EvalError, Experiment, ExperimentObserver, ExperimentReport, run_experiment};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{Heads, load};
use kbioxlm_train::{Observer, name_retrieval};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
struct Recorder<'a> {
    done: Vec<(String, bool)>,
    stop_after: Option<(&'a str, &'a AtomicBool)>,
    training: (),
}

impl ExperimentObserver for Recorder<'_> {
    fn step_started(&mut self, _: &str, number: usize, total: usize) {
        assert_eq!((number, number <= total), (self.done.len() + 1, true));
    }

    fn step_finished(&mut self, step: &str, _: f64, reused: bool) {
        self.done.push((step.to_owned(), reused));
        if let Some((name, stop)) = self.stop_after.filter(|(name, _)| *name == step) {
            assert!(!name.is_empty());
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.training
    }

    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync) {
        &|_, _| ()
    }
}

const EXPERIMENT: &str = r#"
[data]
root = "data"
[model]
base = "model"
[knowledge]
lexicons = ["lexicon.tsv"]
facts = ["facts.tsv"]
relations = "relations.tsv"
[trim]
texts = ["en.jsonl", "zh.jsonl", "lexicon.tsv"]
[corpus]
seed = 1
levels = ["entity", "fact"]
texts = { en = "en.jsonl", zh = "zh.jsonl" }
[pretrain]
max_length = 32
tokens_per_batch = 64
budget = { steps = 2 }
[finetune]
epochs = 1
max_length = 32
seeds = [1, 2]
[[task]]
name = "ADE"
task = "ner"
train = "train.conll"
dev = "dev.conll"
tests = { en = "dev.conll", zh = "zh.conll" }
"#;

fn write_data(dir: &Path) {
    common::write_model(dir);
    let lexicon = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n\
        D1\ten\taspirin\t1\tDrug\t\nD1\tzh\t阿司匹林\t1\tDrug\t\n\
        S1\ten\theadache\t1\tSymptom\t\nS1\tzh\t头痛\t1\tSymptom\t\nS2\ten\tfever\t1\tSymptom\t\nS2\tzh\t发热\t1\tSymptom\t\n";
    file(dir, "data/lexicon.tsv", lexicon);
    file(dir, "data/facts.tsv", "head_concept_id\trelation\ttail_concept_id\nD1\ttreats\tS1\nD1\ttreats\tS2\n");
    file(dir, "data/relations.tsv", "relation\tlang\tlabel\ntreats\ten\ttreats\ntreats\tzh\t治疗\n");
    let rows = |texts: [&str; 2]| {
        let row = |i: usize| format!("{{\"id\":\"{i}\",\"text\":\"{}\"}}\n", texts[i % 2]);
        (0..6).map(row).collect::<String>()
    };
    file(dir, "data/en.jsonl", &rows(["aspirin treats headache and fever.", "severe headache and fever."]));
    file(dir, "data/zh.jsonl", &rows(["阿司匹林治疗头痛和发热。", "严重的头痛和发热。"]));
    file(dir, "data/train.conll", "-DOCSTART-\t10\n\naspirin\tB-Drug\ncauses\tO\nfever\tB-ADE\n");
    file(dir, "data/dev.conll", "-DOCSTART-\t20\n\naspirin\tB-Drug\ncauses\tO\nheadache\tB-ADE\n");
    file(
        dir,
        "data/zh.conll",
        "-DOCSTART-\t20\n\n阿\tB-Drug\n司\tI-Drug\n匹\tI-Drug\n林\tI-Drug\n引\tO\n起\tO\n头\tB-ADE\n痛\tI-ADE\n",
    );
}

fn run(dir: &Path, text: &str, recorder: &mut Recorder, stop: &AtomicBool) -> Result<ExperimentReport, Box<EvalError>> {
    let experiment = Experiment::read(&file(dir, "experiment.toml", text))?;
    Ok(run_experiment(&experiment, &dir.join("out"), stop, recorder)?)
}

#[test]
fn the_chain_runs_is_not_repeated_and_ends_in_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);

    // Stopped by the user after the corpus, then taken up again.
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder { stop_after: Some(("corpus anchored", &stop)), ..Recorder::default() };
    let error = run(dir, EXPERIMENT, &mut recorder, &stop).unwrap_err();
    assert!(matches!(&*error, EvalError::Stopped { step } if step == "pretrain anchored"), "{error}");

    let go = AtomicBool::new(false);
    let mut recorder = Recorder::default();
    let report = run(dir, EXPERIMENT, &mut recorder, &go).unwrap();
    let reused: Vec<&str> = recorder.done.iter().filter(|(_, reused)| *reused).map(|(step, _)| step.as_str()).collect();
    assert_eq!(reused, ["trim", "knowledge", "corpus anchored"]);
    // trim, knowledge, corpus, pretrain; 2 models × 2 seeds × (fine-tune, 2 tests)
    assert_eq!(recorder.done.len(), 4 + 2 * 2 * 3);

    let cells: Vec<(&str, &str, usize)> =
        report.outcomes.iter().map(|o| (o.model.as_str(), o.test.as_str(), o.seeds.len())).collect();
    assert_eq!(cells, [("base", "en", 2), ("base", "zh", 2), ("anchored", "en", 2), ("anchored", "zh", 2)]);
    for outcome in &report.outcomes {
        let [a, b] = [outcome.seeds[0].test, outcome.seeds[1].test];
        assert!((outcome.mean - (a + b) / 2.0).abs() < 1e-12);
        assert!((outcome.std.unwrap() - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12, "{outcome:?}");
    }
    let table = report.to_string();
    let columns: Vec<&str> =
        table.lines().next().unwrap().split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
    assert_eq!(columns, ["model", "ADE dev", "ADE en", "ADE zh"]);
    assert!(table.contains(" ± ") && table.contains("over 2 seeds"), "{table}");
    // Trap 15: the Chinese test document is a translation of the dev document (same id).
    assert!(report.warnings.iter().any(|w| w.starts_with("ADE, zh: ") && w.contains("dev")), "{:?}", report.warnings);
    let page = std::fs::read_to_string(dir.join("out/report.md")).unwrap();
    assert!(page.contains("| model | ADE dev | ADE en | ADE zh |"), "{page}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("out/report.json")).unwrap()).unwrap();
    assert_eq!(json["experiment"]["tasks"][0]["settings"][1]["seed"], 2);

    // Everything is there: nothing is done again, and the table is the same.
    let mut recorder = Recorder::default();
    let again = run(dir, EXPERIMENT, &mut recorder, &go).unwrap();
    assert!(recorder.done.iter().all(|(_, reused)| *reused), "{:?}", recorder.done);
    assert_eq!(again.to_string(), table);

    // Other settings of fine-tuning repeat fine-tuning and evaluation only; other test data the evaluation only.
    let mut recorder = Recorder::default();
    let other = EXPERIMENT.replace("epochs = 1", "epochs = 2").replace("[1, 2]", "[1]");
    run(dir, &other, &mut recorder, &go).unwrap();
    assert!(
        recorder.done.iter().all(|(s, reused)| *reused != (s.starts_with("finetune") || s.starts_with("evaluate")))
    );
    file(dir, "data/zh.conll", "-DOCSTART-\t21\n\n头\tB-ADE\n痛\tI-ADE\n");
    let mut recorder = Recorder::default();
    run(dir, &other, &mut recorder, &go).unwrap();
    let done: Vec<&str> = recorder.done.iter().filter(|(_, reused)| !reused).map(|(step, _)| step.as_str()).collect();
    assert_eq!(done, ["evaluate ADE base 1 zh", "evaluate ADE anchored 1 zh"]);

    let find = |step: &str| dir.join("out").join(&report.steps.iter().find(|s| s.step == step).unwrap().directory);
    names_are_found(&find("knowledge"), &find("pretrain anchored"));
}

/// On a knowledge base and a model that stand there already.
fn names_are_found(kb: &Path, model: &Path) {
    let kb = KnowledgeBase::open(kb).unwrap();
    let pretrained = load(model, &Heads::default(), 0, &burn::tensor::Device::flex()).unwrap();
    let across = name_retrieval(&pretrained, &kb, "en", "zh").unwrap();
    assert_eq!((across.candidates, across.hits.len()), (3, 3));
    let concepts: Vec<(&str, &str)> = across.hits.iter().map(|h| (h.concept.as_str(), h.query.as_str())).collect();
    assert_eq!(concepts, [("D1", "aspirin"), ("S1", "headache"), ("S2", "fever")]);
    assert!(across.hits.iter().all(|h| ["阿司匹林", "头痛", "发热"].contains(&h.answer.as_str())));
    let names = BTreeMap::from([("D1", "阿司匹林"), ("S1", "头痛"), ("S2", "发热")]);
    assert!(
        across.hits.iter().all(|h| (1..=3).contains(&h.rank) && h.found() == (h.answer == names[h.concept.as_str()]))
    );
    assert_eq!(across.accuracy_at(3, |_| true), Some(1.0), "there are no more than three names");
    // Within one language each name is nearest to itself.
    let same = name_retrieval(&pretrained, &kb, "en", "en").unwrap();
    assert_eq!(same.accuracy(), 1.0, "{same:?}");
    assert_eq!(same.accuracy_where(|hit| hit.concept == "D1"), Some(1.0));
    assert_eq!(same.accuracy_where(|_| false), None);
}

#[test]
fn mistakes_in_the_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let message = |text: &str| Experiment::read(&file(dir, "e.toml", text)).unwrap_err().to_string();
    let cases = [
        (EXPERIMENT.replace("[knowledge]", "[knowlege]"), "e.toml:6: "),
        (EXPERIMENT.replace("epochs = 1", "epoch = 1"), "unknown field `epoch`"),
        (EXPERIMENT.replace("seed = 1\n", "sed = 1\n"), "unknown field `sed`"),
        (EXPERIMENT.replace("max_length = 32\ntokens", "max_len = 32\ntokens"), "unknown field `max_len`"),
        (EXPERIMENT.replace("\"ner\"", "\"pos\""), "`pos`"),
        (EXPERIMENT.replace("base = \"model\"", ""), "KBIOXLM_BASE"),
        (EXPERIMENT.replace("[1, 2]", "[]"), "without seeds"),
        (EXPERIMENT.replace("[1, 2]", "\"1\""), "a list of numbers"),
        (format!("{EXPERIMENT}\n[[anchored]]\nname = \"a\"\nfrom = \"b\"\n"), "`a` from `b`"),
        (format!("{EXPERIMENT}\n[[anchored]]\nname = \"base\"\n"), "`base` twice"),
        (EXPERIMENT.replace("texts = { en", "passages = { enzh = \"x\" }\ntexts = { en"), "en-zh"),
    ];
    for (text, expected) in cases {
        let message = message(&text);
        assert!(message.contains(expected), "{message}\nlacks {expected}");
    }
}
