//! The whole chain on tiny files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

// The tiny model of the evaluation tests.
#[path = "../../kbioxlm-eval/tests/it/tiny.rs"]
mod tiny;

use kbioxlm_corpus::Level;
use kbioxlm_experiment::{
    AnchoredModel, Experiment, ExperimentError, ExperimentObserver, ExperimentReport, Extent, Method, Outcome,
    run_experiment,
};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{Heads, load};
use kbioxlm_train::{Observer, StepMetrics, name_retrieval};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tiny::file;

#[derive(Default)]
struct Recorder<'a> {
    done: Vec<(String, bool)>,
    failed: Vec<String>,
    begun: usize,
    stop_after: Option<(&'a str, &'a AtomicBool)>,
    training: Training<'a>,
}

#[derive(Default)]
struct Training<'a> {
    /// Raised at the first step of a training, if it is there.
    stop: Option<&'a AtomicBool>,
    steps: usize,
}

impl Observer for Training<'_> {
    fn step(&mut self, _: &StepMetrics) {
        self.steps += 1;
        if let Some(stop) = self.stop {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

impl ExperimentObserver for Recorder<'_> {
    fn step_started(&mut self, _: &str, number: usize, total: usize) {
        assert!(self.begun < number && number <= total, "{number} of {total} after {}", self.begun);
        self.begun = number;
    }

    fn step_finished(&mut self, step: &str, _: f64, reused: bool) {
        self.done.push((step.to_owned(), reused));
        if let Some((name, stop)) = self.stop_after.filter(|(name, _)| *name == step) {
            assert!(!name.is_empty());
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn step_failed(&mut self, step: &str, _: &ExperimentError) {
        self.failed.push(step.to_owned());
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
levels = ["entity", "fact", "passage"]
texts = { en = "en.jsonl", zh = "zh.jsonl" }
passages = { en-zh = "passages.jsonl" }
[pretrain]
max_length = 32
tokens_per_batch = 64
budget = { steps = 2 }
evaluation = { held_out = 0.4 }
[retrieval]
languages = ["en", "zh"]
[finetune]
epochs = 2
max_length = 32
learning_rate = 1e-2
[fewshot]
epochs = 1
[[task]]
name = "ADE"
task = "ner"
train = { en = "train.conll", zh = "zh.conll" }
dev = { en = "dev.conll", zh = "zh.conll" }
test = { en = "dev.conll", zh = "zh.conll" }
[[matrix]]
directions = ["en-zh"]
seeds = [1, 2]
shots = [1]
draws = 2
[[matrix]]
directions = ["en-zh"]
models = ["base"]
methods = ["code-switch", "widened", "translate-train"]
"#;

fn write_data(dir: &Path) {
    tiny::write_model(dir);
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
    let pair = |i: usize| {
        let (en, zh) = if i.is_multiple_of(2) {
            ("aspirin and fever.", "阿司匹林和发热。")
        } else {
            ("severe headache.", "严重的头痛。")
        };
        format!("{{\"id\":\"p{i}\",\"en\":\"{en}\",\"zh\":\"{zh}\",\"topic\":\"t{}\"}}\n", i / 2)
    };
    file(dir, "data/passages.jsonl", &(0..16).map(pair).collect::<String>());
    file(dir, "data/train.conll", "-DOCSTART-\t10\n\naspirin\tB-Drug\ncauses\tO\nfever\tB-ADE\n");
    file(dir, "data/dev.conll", "-DOCSTART-\t20\n\naspirin\tB-Drug\ncauses\tO\nheadache\tB-ADE\n");
    file(
        dir,
        "data/zh.conll",
        "-DOCSTART-\t20\n\n阿\tB-Drug\n司\tI-Drug\n匹\tI-Drug\n林\tI-Drug\n引\tO\n起\tO\n头\tB-ADE\n痛\tI-ADE\n",
    );
}

fn run(
    dir: &Path,
    text: &str,
    extent: Extent,
    recorder: &mut Recorder,
    stop: &AtomicBool,
) -> Result<ExperimentReport, Box<ExperimentError>> {
    let experiment = Experiment::read(&file(dir, "experiment.toml", text))?;
    Ok(run_experiment(&experiment, &dir.join("out"), extent, stop, recorder)?)
}

const EVERYTHING: Extent = Extent::All { discard_models: false };

fn all(dir: &Path, text: &str) -> (ExperimentReport, Vec<(String, bool)>) {
    finished(dir, text, EVERYTHING)
}

fn finished(dir: &Path, text: &str, extent: Extent) -> (ExperimentReport, Vec<(String, bool)>) {
    let mut recorder = Recorder::default();
    let report = run(dir, text, extent, &mut recorder, &AtomicBool::new(false)).unwrap();
    assert!(recorder.failed.is_empty(), "{:?}", report.failures);
    (report, recorder.done)
}

fn key(o: &Outcome) -> (&str, Method, usize, &str, usize) {
    (o.model.as_str(), o.method, o.shots, o.test.as_str(), o.runs.len())
}

#[test]
fn the_chain_runs_is_not_repeated_and_ends_in_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);

    // Stopped by the user after the corpus, then taken up again.
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder { stop_after: Some(("corpus", &stop)), ..Recorder::default() };
    let error = run(dir, EXPERIMENT, EVERYTHING, &mut recorder, &stop).unwrap_err();
    assert!(matches!(&*error, ExperimentError::Stopped { step } if step == "pretrain anchored"), "{error}");
    // What there is can be reported on: nothing yet.
    let go = AtomicBool::new(false);
    let mut recorder = Recorder::default();
    let report = run(dir, EXPERIMENT, Extent::Finished, &mut recorder, &go).unwrap();
    assert!(recorder.done.iter().all(|(_, reused)| *reused) && report.outcomes.is_empty());
    assert!(report.missing.contains(&"evaluate ADE en-zh base 1 zh".to_owned()), "{:?}", report.missing);

    let (report, done) = all(dir, EXPERIMENT);
    let reused: Vec<&str> = done.iter().filter(|(_, reused)| *reused).map(|(step, _)| step.as_str()).collect();
    // The samples are the same for all models and seeds.
    assert_eq!(reused[..3], ["trim", "knowledge", "corpus"]);
    let (samples, others): (Vec<&str>, Vec<&str>) = reused[3..].iter().partition(|step| **step == "samples ADE zh");
    // What is widened is what the zero-shot model finds.
    assert!(samples.len() == 3 && others == ["finetune ADE en-zh base 1"], "{reused:?}");
    // trim, knowledge, corpus, pretrain, 2 × retrieval; 2 models × 2 seeds × (fine-tune, 2 tests, samples, 2 draws × 2);
    // code-switched data, 3 × (fine-tune, 2 tests).
    assert_eq!(done.len(), 6 + 4 * 8 + 1 + 3 * 3);

    let cells: Vec<_> = report.outcomes.iter().map(key).collect();
    let zero = Method::ZeroShot;
    assert_eq!(
        cells,
        [
            ("base", zero, 0, "en", 2),
            ("base", zero, 0, "zh", 2),
            ("base", zero, 1, "zh", 4),
            ("anchored", zero, 0, "en", 2),
            ("anchored", zero, 0, "zh", 2),
            ("anchored", zero, 1, "zh", 4),
            ("base", Method::CodeSwitch, 0, "en", 1),
            ("base", Method::CodeSwitch, 0, "zh", 1),
            ("base", Method::Widened, 0, "en", 1),
            ("base", Method::Widened, 0, "zh", 1),
            ("base", Method::TranslateTrain, 0, "en", 1),
            ("base", Method::TranslateTrain, 0, "zh", 1),
        ]
    );
    for outcome in &report.outcomes {
        let scores: Vec<f64> = outcome.runs.iter().map(|r| r.score).collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        assert!((outcome.mean - mean).abs() < 1e-12);
        if let [a, b] = scores[..] {
            assert!((outcome.std.unwrap() - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12, "{outcome:?}");
        }
        let base = (outcome.model.as_str(), outcome.method) == ("base", zero);
        assert_eq!(outcome.against_base.is_none(), base, "{outcome:?}");
        let dev = outcome.runs.iter().all(|r| r.dev.is_some());
        assert_eq!(dev, outcome.shots == 0, "the last epoch is kept where there is no dev data");
        let oracle = outcome.runs.iter().all(|r| r.oracle.is_some());
        let other = outcome.shots == 0 && outcome.test == "zh" && [zero, Method::CodeSwitch].contains(&outcome.method);
        assert_eq!(oracle, other, "{outcome:?}");
    }
    assert_eq!(report.retrieval.iter().map(|r| r.model.as_str()).collect::<Vec<_>>(), ["base", "anchored"]);
    let found = report.retrieval[0].directions[0].anchored.unwrap();
    assert!(found.concepts == 3 && found.accuracy_at_5 == 1.0 && found.mrr >= found.accuracy_at_1);
    // Trap 15: the Chinese test document is a translation of the dev document (same id).
    assert!(report.warnings.iter().any(|w| w.starts_with("ADE, zh: ") && w.contains("dev")), "{:?}", report.warnings);
    let table = report.to_string();
    for part in ["ADE, en → zh", "− base", "few-shot", "Term retrieval", " ± ", "base, code-switch"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    let read = |name: &str| std::fs::read_to_string(dir.join("out").join(name)).unwrap();
    assert!(read("report.md").contains("| model | dev | test en | test zh | oracle zh |"), "{}", read("report.md"));
    assert!(read("report.tex").contains("\\begin{tabular}{lrrrrrrrr}"), "{}", read("report.tex"));
    let page = read("report.html");
    for part in
        ["Pretraining: loss", "ADE, en-zh: F1 by type", "zh, gold", "头痛<small>ADE</small>", "<summary>Settings"]
    {
        assert!(page.contains(part), "{part}");
    }
    let json: serde_json::Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(json["experiment"]["jobs"][2]["seed"], 2);

    // Everything is there: nothing is done again, and the report is the same.
    let (again, done) = all(dir, EXPERIMENT);
    assert!(done.iter().all(|(_, reused)| *reused), "{done:?}");
    assert_eq!(again.to_string(), table);

    evaluations_are_enough(dir, &table);
    code_switched(&dir.join("out").join(step(&report, "code-switch ADE en-zh")).join("train.jsonl"));
    names_are_found(
        &dir.join("out").join(step(&report, "knowledge")),
        &dir.join("out").join(step(&report, "pretrain anchored")),
    );
}

/// What evaluations were made from can be removed; what is missing later brings back what it needs, and nothing else.
fn evaluations_are_enough(dir: &Path, table: &str) {
    let aside = dir.join("aside");
    std::fs::create_dir(&aside).unwrap();
    for entry in std::fs::read_dir(dir.join("out")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && !name.starts_with("evaluate") && !name.starts_with("retrieval") {
            std::fs::rename(entry.path(), aside.join(&name)).unwrap();
        }
    }
    let (report, done) = all(dir, EXPERIMENT);
    assert!(done.iter().all(|(step, _)| step.starts_with("evaluate") || step.starts_with("retrieval")), "{done:?}");
    assert_eq!(report.to_string(), table);
    std::fs::remove_dir_all(dir.join("out").join(step(&report, "evaluate ADE en-zh base 2 zh"))).unwrap();
    let (report, done) = all(dir, EXPERIMENT);
    let done: Vec<&str> = done.iter().filter(|(_, reused)| !reused).map(|(step, _)| step.as_str()).collect();
    let few = |draw: usize| format!("finetune ADE en-zh base 2 k1 draw {draw}");
    let needed = ["trim", "knowledge", "finetune ADE en-zh base 2", "evaluate ADE en-zh base 2 zh", "samples ADE zh"];
    assert_eq!(done[..5], needed);
    assert_eq!(done[5..], [few(1), few(2)]);
    assert_eq!(report.to_string(), table);
    for entry in std::fs::read_dir(&aside).unwrap().map(Result::unwrap) {
        let there = dir.join("out").join(entry.file_name());
        if !there.exists() {
            std::fs::rename(entry.path(), there).unwrap();
        }
    }
}

#[test]
fn models_that_are_tested_can_be_discarded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    let text = EXPERIMENT.replace("seeds = [1, 2]\n", "").replace("draws = 2\n", "");
    let discard = Extent::All { discard_models: true };
    let (report, done) = finished(dir, &text, discard);
    let table = report.to_string();
    let new = |done: &[(String, bool)]| -> Vec<String> {
        done.iter().filter(|(_, reused)| !reused).map(|(step, _)| step.clone()).collect()
    };
    // What is widened is what the zero-shot model finds, which is not trained twice.
    let steps = new(&done);
    assert_eq!(steps.iter().collect::<BTreeSet<_>>().len(), steps.len(), "{steps:?}");
    let files = |prefix: &str| -> BTreeSet<String> {
        let dirs = std::fs::read_dir(dir.join("out")).unwrap().map(|e| e.unwrap().path());
        let dirs = dirs.filter(|d| d.file_name().unwrap().to_str().unwrap().starts_with(prefix));
        let files = dirs.flat_map(|d| std::fs::read_dir(d).unwrap().collect::<Vec<_>>());
        files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
    };
    let discarded =
        |files: &BTreeSet<String>| !files.contains("model.safetensors") && !files.contains("tokenizer.json");
    let tuned = files("finetune");
    assert!(discarded(&tuned) && tuned.contains("history.json"), "{tuned:?}");
    let pretrained = files("pretrain");
    assert!(pretrained.contains("model.safetensors") && !pretrained.contains("checkpoints"), "{pretrained:?}");

    // The report is whole, also that of a run that keeps the models.
    let (again, done) = finished(dir, &text, EVERYTHING);
    assert_eq!((again.to_string(), new(&done)), (table.clone(), Vec::new()));
    assert_eq!(step(&again, "finetune ADE en-zh base 1"), step(&report, "finetune ADE en-zh base 1"));
    // What is missing later brings its model back, and no other; kept first, then discarded though nothing is left to be run.
    let lost = dir.join("out").join(step(&report, "evaluate ADE en-zh base widened 1 zh"));
    std::fs::remove_dir_all(lost).unwrap();
    let (again, done) = finished(dir, &text, EVERYTHING);
    assert_eq!(new(&done), ["finetune ADE en-zh base 1", "evaluate ADE en-zh base widened 1 zh"]);
    assert_eq!(again.to_string(), table);
    assert!(files("finetune-ade-en-zh-base-1").contains("model.safetensors"));
    let (again, done) = finished(dir, &text, discard);
    assert_eq!((again.to_string(), new(&done)), (table, Vec::new()));
    assert!(discarded(&files("finetune")));
}

/// Directory of a step.
fn step(report: &ExperimentReport, name: &str) -> String {
    report.steps.iter().find(|s| s.step == name).unwrap().directory.clone()
}

fn code_switched(path: &Path) {
    let rows = std::fs::read_to_string(path).unwrap();
    let rows: Vec<serde_json::Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows[0]["text"], "aspirin causes fever");
    assert_eq!(rows[1]["id"], "10:zh");
    let text: Vec<char> = rows[1]["text"].as_str().unwrap().chars().collect();
    for (entity, original) in rows[1]["entities"].as_array().unwrap().iter().zip(["aspirin", "fever"]) {
        let [start, end] = ["start", "end"].map(|k| entity[k].as_u64().unwrap() as usize);
        let name: String = text[start..end].iter().collect();
        assert!(name == original || ["阿司匹林", "发热"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn what_has_changed_is_done_again_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    let small = EXPERIMENT.replace("seeds = [1, 2]\nshots = [1]\ndraws = 2\n", "");
    all(dir, &small);
    // Other settings of fine-tuning repeat fine-tuning and evaluation only; other test data the evaluation only.
    let other = small.replace("epochs = 2", "epochs = 3");
    let (_, done) = all(dir, &other);
    // Zero-shot and widened share a fine-tuning: when it comes again, it is there.
    let mut seen = BTreeSet::new();
    let mut first = done.iter().filter(|(step, _)| seen.insert(step));
    assert!(first.all(|(s, reused)| *reused != (s.starts_with("finetune") || s.starts_with("evaluate"))), "{done:?}");
    file(dir, "data/dev.conll", "-DOCSTART-\t21\n\nheadache\tB-ADE\n");
    let tests_only = other.replace("dev = { en = \"dev.conll\"", "dev = { en = \"train.conll\"");
    all(dir, &tests_only);
    file(dir, "data/dev.conll", "-DOCSTART-\t22\n\nheadache\tB-ADE\n");
    let (_, done) = all(dir, &tests_only);
    let done: Vec<&str> = done.iter().filter(|(_, reused)| !reused).map(|(step, _)| step.as_str()).collect();
    let tested = ["base 1", "anchored 1", "base code-switch 1", "base widened 1", "base translate-train 1"];
    assert_eq!(done, tested.map(|what| format!("evaluate ADE en-zh {what} en")));
    // Stopped in the midst of a fine-tuning, which is no failure.
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder { training: Training { stop: Some(&stop), steps: 0 }, ..Recorder::default() };
    let longer = tests_only.replace("epochs = 3", "epochs = 4");
    let error = run(dir, &longer, EVERYTHING, &mut recorder, &stop).unwrap_err();
    assert!(matches!(&*error, ExperimentError::Stopped { step } if step == "finetune ADE en-zh base 1"), "{error}");
    assert!(recorder.failed.is_empty() && recorder.training.steps == 1, "{:?}", recorder.failed);
}

#[test]
fn a_step_that_fails_stops_only_what_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    let broken = EXPERIMENT.to_owned()
        + "[[task]]\nname = \"broken\"\ntask = \"ner\"\ntrain = { en = \"no.conll\" }\ndev = { en = \"dev.conll\" }\n\
           test = { zh = \"zh.conll\" }\n";
    let broken = broken
        .replace("shots = [1]\ndraws = 2\n", "")
        .replace("directions = [\"en-zh\"]\nmodels", "tasks = [\"ADE\"]\nmodels");
    let mut recorder = Recorder::default();
    let report = run(dir, &broken, EVERYTHING, &mut recorder, &AtomicBool::new(false)).unwrap();
    let failed = ["base 1", "anchored 1", "base 2", "anchored 2"].map(|what| format!("finetune broken en-zh {what}"));
    assert_eq!(recorder.failed, failed);
    assert!(report.failures.iter().all(|f| f.error.contains("no.conll")), "{:?}", report.failures);
    assert!(report.outcomes.iter().any(|o| o.task == "ADE" && o.model == "anchored"));
    assert!(std::fs::read_to_string(dir.join("out/report.md")).unwrap().contains("## Failed"));
    // Without a base nothing can be run, and the report says so.
    let nowhere = broken.replace("base = \"model\"", "base = \"nowhere\"");
    let mut recorder = Recorder::default();
    let report = run(dir, &nowhere, EVERYTHING, &mut recorder, &AtomicBool::new(false)).unwrap();
    assert_eq!((recorder.failed, report.outcomes.len()), (vec!["base".to_owned()], 0));
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
fn the_files_that_come_along_can_be_read() {
    for (name, jobs) in [("en-zh-small", 3 + 1), ("claim", 2 * 30 + 9 + 3 + 4 + 3 + 1 + 2), ("variations", 6 + 2 * 3)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../experiments/{name}.toml"));
        assert_eq!(Experiment::read(&path).unwrap().jobs.len(), jobs, "{name}");
    }
}

#[test]
fn a_model_can_be_like_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let models = "[[anchored]]\nname = \"a\"\ncorpus = { seed = 5, levels = [\"fact\"] }\npretrain = { tag_mentions = true }\n\
        [[anchored]]\nname = \"b\"\nlike = \"a\"\ncorpus = { levels = [\"plain\"] }\npretrain = { seed = 7 }\n\
        [[anchored]]\nname = \"c\"\nlike = \"b\"\n[[anchored]]\nname = \"d\"\n";
    let experiment = Experiment::read(&file(dir.path(), "e.toml", &format!("{EXPERIMENT}\n{models}"))).unwrap();
    let of = |m: &AnchoredModel| (m.corpus.seed, m.corpus.levels.clone(), m.pretrain.seed, m.pretrain.tag_mentions);
    let models: Vec<_> = experiment.anchored.iter().map(of).collect();
    let (all, plain) = (vec![Level::Entity, Level::Fact, Level::Passage], vec![Level::Plain]);
    let expected =
        [(5, vec![Level::Fact], 0, true), (5, plain.clone(), 7, true), (5, plain, 7, true), (1, all, 0, false)];
    assert_eq!(models, expected);
}

#[test]
fn mistakes_in_the_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let message = |text: &str| Experiment::read(&file(dir, "e.toml", text)).unwrap_err().to_string();
    let cases = [
        (EXPERIMENT.replace("[knowledge]", "[knowlege]"), "e.toml:6: "),
        (EXPERIMENT.replace("epochs = 2", "epoch = 1"), "unknown field `epoch`"),
        (EXPERIMENT.replace("seed = 1\n", "sed = 1\n"), "unknown field `sed`"),
        (EXPERIMENT.replace("max_length = 32\ntokens", "max_len = 32\ntokens"), "unknown field `max_len`"),
        (EXPERIMENT.replace("\"ner\"", "\"pos\""), "`pos`"),
        (EXPERIMENT.replace("base = \"model\"", ""), "KBIOXLM_BASE"),
        (EXPERIMENT.replace("epochs = 2", "seed = 2"), "in the matrix only"),
        (EXPERIMENT.replace("\"en-zh\"]\nseeds", "\"enzh\"]\nseeds"), "two languages as in en-zh"),
        (EXPERIMENT.replace("\"en-zh\"]\nseeds", "\"en-fr\"]\nseeds"), "train = { fr = "),
        (EXPERIMENT.replace("dev = { en = \"dev.conll\", ", "dev = { "), "without dev data in en"),
        (EXPERIMENT.replace("models = [\"base\"]", "models = [\"bass\"]"), "one of base, anchored"),
        (EXPERIMENT.replace("task = \"ner\"", "task = \"multilabel\""), "which it widens"),
        (EXPERIMENT.replace("models = [\"base\"]", "tasks = [\"ADR\"]"), "one of ADE"),
        (format!("{EXPERIMENT}\n[[anchored]]\nname = \"a\"\nfrom = \"b\"\n"), "`a` from `b`"),
        (format!("{EXPERIMENT}\n[[anchored]]\nname = \"a\"\nlike = \"a\"\n"), "`a` like `a`"),
        (format!("{EXPERIMENT}\n[[anchored]]\nname = \"base\"\n"), "`base` twice"),
        (EXPERIMENT.replace("passages = { en-zh", "passages = { enzh"), "en-zh"),
    ];
    for (text, expected) in cases {
        let message = message(&text);
        assert!(message.contains(expected), "{message}\nlacks {expected}");
    }
}
