//! Fine-tuning and evaluating a tiny model on tiny files.

use crate::tiny::{self, file};
use kbioxlm_eval::{
    Answer, Bootstrap, Evaluation, FinetuneData, FinetuneReport, Join, Prediction, Scored, Task, evaluate,
    finetune_task,
};
use kbioxlm_model::{Heads, load};
use kbioxlm_train::{FinetuneConfig, LabelledPieces, Observer, RelationText, TokenHead};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

static NEVER: AtomicBool = AtomicBool::new(false);

fn settings(epochs: u32) -> FinetuneConfig {
    FinetuneConfig {
        seed: 1,
        epochs: NonZeroU32::new(epochs).unwrap(),
        learning_rate: 1e-2,
        batch_size: NonZeroUsize::new(4).unwrap(),
        max_length: 24,
        ..FinetuneConfig::default()
    }
}

fn tune(dir: &Path, task: Task, train: &Path, dev: &Path, epochs: u32) -> FinetuneReport {
    let model = tiny::write_model(dir);
    finetune_task(&settings(epochs), task, &model, &FinetuneData::new(train, dev), &dir.join("tuned"), &NEVER, &mut ())
        .unwrap()
}

const ENGLISH: [&str; 4] = [
    "aspirin\tB-Drug\ncauses\tO\nsevere\tB-ADE\nheadache\tI-ADE\n",
    "fever\tB-ADE\nand\tO\nnausea\tB-ADE\n",
    "aspirin\tB-Drug\ntreats\tO\nfever\tO\n",
    "aspirin\tB-Drug\ncauses\tO\nnausea\tB-ADE\n\nfever\tB-ADE\nand\tO\nsevere\tB-ADE\nnausea\tI-ADE\n",
];

fn english(dir: &Path, name: &str, ids: usize) -> PathBuf {
    let documents: Vec<String> =
        ENGLISH.iter().enumerate().map(|(i, d)| format!("-DOCSTART-\t{}\n\n{d}\n", 1000 * (i + ids))).collect();
    file(dir, name, &documents.concat())
}

#[test]
fn a_tagger_learns_and_its_directory_is_enough_to_evaluate_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (train, dev) = (english(dir, "train.conll", 1), english(dir, "dev.conll", 11));
    let report = tune(dir, Task::Ner, &train, &dev, 30);
    assert_eq!(report.info.labels, ["O", "B-ADE", "I-ADE", "B-Drug", "I-Drug"]);
    assert!(report.info.dev_score > Some(0.9), "{report}");
    for name in ["kbioxlm.json", "finetune.toml", "history.json", "documents.tsv", "config.json", "model.safetensors"] {
        assert!(dir.join("tuned").join(name).exists(), "{name}");
    }
    let config = std::fs::read_to_string(dir.join("tuned/config.json")).unwrap();
    assert!(config.contains("I-Drug"), "id2label: {config}");

    let evaluation: Evaluation = evaluate(&dir.join("tuned"), &dev, Join::Auto).unwrap();
    assert_eq!(Some(evaluation.score), report.info.dev_score, "the model that was saved is the one that was chosen");
    assert_eq!(Some(&evaluation.scored), report.dev.as_ref());
    let Scored::Ner { oracle_recall, entities, .. } = &evaluation.scored else { panic!("{evaluation}") };
    assert_eq!((*oracle_recall, entities.micro.support), (1.0, 9));
    assert_eq!(
        evaluation.leaks.iter().map(|l| (l.with.as_str(), l.same_id, l.same_text)).collect::<Vec<_>>(),
        [("train", 0, 4), ("dev", 4, 4)]
    );
    assert!(evaluation.to_string().contains("strict entity F1"), "{evaluation}");
    assert_is_the_score(&evaluation);
}

#[derive(Default)]
struct Warnings(Vec<String>);

impl Observer for Warnings {
    fn warning(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }
}

#[test]
fn a_conditional_random_field_is_kept_with_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (train, dev) = (english(dir, "train.conll", 1), english(dir, "dev.conll", 11));
    let config = FinetuneConfig { head: TokenHead::Crf, label: LabelledPieces::First, ..settings(30) };
    let model = tiny::write_model(dir);
    let out = dir.join("tuned");
    let report =
        finetune_task(&config, Task::Ner, &model, &FinetuneData::new(&train, &dev), &out, &NEVER, &mut ()).unwrap();
    assert!(report.info.dev_score > Some(0.9), "{report}");
    assert!(std::fs::read_to_string(out.join("finetune.toml")).unwrap().contains("head = \"crf\""));
    let evaluation = evaluate(&out, &dev, Join::Auto).unwrap();
    assert_eq!((Some(evaluation.score), Some(evaluation.scored)), (report.info.dev_score, report.dev));
    // Whoever drops them on purpose is told so.
    let mut warnings = Warnings::default();
    for (head, expected) in [(TokenHead::Crf, 0), (TokenHead::Softmax, 1)] {
        let again = FinetuneConfig { head, label: LabelledPieces::First, ..settings(1) };
        finetune_task(
            &again,
            Task::Ner,
            &out,
            &FinetuneData::new(&train, &dev),
            &dir.join("again"),
            &NEVER,
            &mut warnings,
        )
        .unwrap();
        assert_eq!(warnings.0.len(), expected, "{:?}", warnings.0);
    }
    assert!(warnings.0[0].contains("head = \"softmax\""), "{:?}", warnings.0);
    // Without the scores of neighbours the model is not the one that was trained.
    let info = std::fs::read_to_string(out.join("kbioxlm.json")).unwrap();
    tune(dir, Task::Ner, &train, &dev, 1);
    std::fs::write(out.join("kbioxlm.json"), info).unwrap();
    let message = evaluate(&out, &dev, Join::Auto).unwrap_err().to_string();
    assert!(message.contains("no tensor `crf."), "{message}");
}

#[test]
fn the_same_benchmark_in_another_format_gives_the_same_score() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let train = english(dir, "train.conll", 1);
    tune(dir, Task::Ner, &train, &train, 30);
    let expected = evaluate(&dir.join("tuned"), &train, Join::Auto).unwrap();
    // What was predicted is itself JSONL with spans.
    let spans = dir.join("train.jsonl");
    expected.write_predictions(&spans).unwrap();
    std::fs::create_dir(dir.join("brat")).unwrap();
    let mut pubtator = String::new();
    for Prediction { id, text, answer } in &expected.predictions {
        let Answer::Entities { entities, .. } = answer else { panic!("{answer:?}") };
        let mention = |e: &kbioxlm_eval::CharSpan| &text[e.start..e.end];
        let rows: String =
            entities.iter().map(|e| format!("T1\t{} {} {}\t{}\n", e.label, e.start, e.end, mention(e))).collect();
        file(dir, &format!("brat/{id}.txt"), text);
        file(dir, &format!("brat/{id}.ann"), &rows);
        let (title, rest) = text.split_once(' ').unwrap();
        let rows: String = entities
            .iter()
            .map(|e| format!("{id}\t{}\t{}\t{}\t{}\tD1\n", e.start, e.end, mention(e), e.label))
            .collect();
        pubtator += &format!("{id}|t|{title}\n{id}|a|{rest}\n{rows}\n");
    }
    let pubtator = file(dir, "train.txt", &pubtator);
    for path in [spans, dir.join("brat"), pubtator] {
        let evaluation = evaluate(&dir.join("tuned"), &path, Join::Auto).unwrap();
        assert_eq!(evaluation.by_document.len(), expected.by_document.len(), "{}", path.display());
        assert_eq!(evaluation.score, expected.score, "{}", path.display());
        assert_eq!(evaluation.data.blake3, kbioxlm_files::hash_path(&path).unwrap());
        let Scored::Ner { entities, .. } = evaluation.scored else { panic!() };
        assert_eq!(entities.micro.support, 9);
    }
}

/// The score of the summed counts of the documents is the one that is reported, and the predictions say the same.
fn assert_is_the_score(evaluation: &Evaluation) {
    let interval = Bootstrap { resamples: 10, ..Bootstrap::default() };
    let interval = interval.interval(&evaluation.main_score, &[&evaluation.by_document]).unwrap();
    assert_eq!(interval.value, evaluation.score);
    assert_eq!(evaluation.by_document.len(), evaluation.documents);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("predictions.jsonl");
    evaluation.write_predictions(&path).unwrap();
    let lines: Vec<Prediction> =
        std::fs::read_to_string(&path).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines, evaluation.predictions);
    for (prediction, counts) in lines.iter().zip(&evaluation.by_document) {
        assert_eq!(prediction.counts(), *counts);
        if let Answer::Entities { entities, predicted } = &prediction.answer {
            let length = prediction.text.chars().count();
            assert!(entities.iter().chain(predicted).all(|e| e.start < e.end && e.end <= length), "{prediction:?}");
        }
    }
    let read: Evaluation = serde_json::from_value(serde_json::to_value(evaluation).unwrap()).unwrap();
    assert_eq!((read.by_document, read.main_score), (evaluation.by_document.clone(), evaluation.main_score.clone()));
}

/// Trap 14: gold entities behind the model's length left the score.
#[test]
fn trap_14_all_gold_entities_of_a_long_document_are_in_the_score() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let train = english(dir, "train.conll", 1);
    let report = tune(dir, Task::Ner, &train, &train, 30);
    assert!(report.info.dev_score > Some(0.9), "{report}");
    let long = format!("-DOCSTART-\tlong\n\n{}", "fever\tB-ADE\nand\tO\nnausea\tB-ADE\n\n".repeat(50));
    let evaluation = evaluate(&dir.join("tuned"), &file(dir, "long.conll", &long), Join::Auto).unwrap();
    let Scored::Ner { entities, windows, oracle_recall, .. } = &evaluation.scored else { panic!("{evaluation}") };
    assert_eq!(entities.micro.support, 100);
    assert_is_the_score(&evaluation);
    assert_eq!(*oracle_recall, 1.0);
    assert!(*windows >= 7, "150 sub-tokens do not fit into fewer windows of 22: {windows}");
    assert!(entities.micro.recall > 0.9, "entities far behind the model's length are found: {evaluation}");
}

#[test]
fn a_tag_that_the_model_does_not_know_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let train = english(dir, "train.conll", 1);
    tune(dir, Task::Ner, &train, &train, 1);
    let test = file(dir, "test.conll", "a\tO\nb\tB-Gene\n");
    let message = evaluate(&dir.join("tuned"), &test, Join::Auto).unwrap_err().to_string();
    for part in ["test.conll:2: ", "`B-Gene`", "O, B-ADE, I-ADE, B-Drug, I-Drug", "fine-tune a model"] {
        assert!(message.contains(part), "{message}\nlacks {part}");
    }
    let model = dir.join("model");
    let message = finetune_task(
        &settings(1),
        Task::Ner,
        &model,
        &FinetuneData::new(&train, &test),
        &dir.join("x"),
        &NEVER,
        &mut (),
    )
    .unwrap_err();
    assert!(message.to_string().contains("test.conll:2: "), "dev is checked too: {message}");
}

#[test]
fn directories_and_settings_that_cannot_work_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let model = tiny::write_model(dir);
    let data = english(dir, "a.conll", 1);
    let message = evaluate(&model, &data, Join::Auto).unwrap_err().to_string();
    assert!(message.contains("not fine-tuned") && message.contains("kbioxlm finetune"), "{message}");
    let message = evaluate(&dir.join("nowhere"), &data, Join::Auto).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
    let config = FinetuneConfig { max_length: 65, ..settings(1) };
    let message =
        finetune_task(&config, Task::Ner, &model, &FinetuneData::new(&data, &data), &dir.join("x"), &NEVER, &mut ())
            .unwrap_err();
    assert!(message.to_string().contains("max_length: found 65"), "{message}");
    assert!(!dir.join("x").exists());
}

#[test]
fn a_tagger_is_tuned_again_on_a_few_documents_of_another_language() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (train, dev) = (english(dir, "train.conll", 1), english(dir, "dev.conll", 11));
    tune(dir, Task::Ner, &train, &dev, 20);
    // It shows one of the two entity types, and there is nothing to choose the epoch on.
    let few = file(dir, "few.conll", "-DOCSTART-\t77\n\nnausea\tB-ADE\nand\tO\n");
    let watched = [("en-dev".to_owned(), dev.clone())].into();
    let data = FinetuneData { train: few.clone(), dev: None, watched };
    let (tuned, again) = (dir.join("tuned"), dir.join("again"));
    let report = finetune_task(&settings(3), Task::Ner, &tuned, &data, &again, &NEVER, &mut ()).unwrap();
    assert_eq!((report.info.labels.len(), report.info.best_epoch, report.info.dev_score), (5, 3, None));
    let evaluation = evaluate(&again, &dev, Join::Auto).unwrap();
    assert_eq!(report.history.last().unwrap().watched["en-dev"], evaluation.score);
    let seen = |path: &Path| evaluate(&again, path, Join::Auto).unwrap().leaks.into_iter().map(|l| l.with);
    assert_eq!(seen(&few).collect::<Vec<_>>(), ["train"]);
    assert!(seen(&train).any(|with| with == "train"), "what it learned from at first, it still has seen");

    let message = finetune_task(&settings(1), Task::Multilabel, &tuned, &data, &again, &NEVER, &mut ()).unwrap_err();
    assert!(message.to_string().contains("multilabel"), "{message}");
}

#[test]
fn a_classifier_learns_and_is_scored_by_the_positive_class() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: usize| {
        let (text, label) = if i.is_multiple_of(2) { ("aspirin causes fever", 1) } else { ("aspirin treats fever", 0) };
        format!("{{\"id\":\"{i}\",\"text\":\"{text}\",\"label\":\"{label}\"}}\n")
    };
    let train = file(dir, "train.jsonl", &(0..8).map(row).collect::<String>());
    let report = tune(dir, Task::Classification, &train, &train, 20);
    assert_eq!(
        (report.info.labels.clone(), report.info.metric.as_str()),
        (vec!["0".into(), "1".into()], "F1 of class 1")
    );
    assert_eq!(report.info.dev_score, Some(1.0), "{report}");
    let test = file(dir, "test.jsonl", "{\"id\":\"x\",\"text\":\"aspirin causes fever\",\"label\":\"1\"}\n");
    let evaluation = evaluate(&dir.join("tuned"), &test, Join::Auto).unwrap();
    assert_eq!(evaluation.score, 1.0, "{evaluation}");
    assert_is_the_score(&evaluation);
    assert_is_the_score(&evaluate(&dir.join("tuned"), &train, Join::Auto).unwrap());
    let test = file(dir, "test.jsonl", "{\"id\":\"x\",\"text\":\"aspirin\",\"label\":\"2\"}\n");
    let message = evaluate(&dir.join("tuned"), &test, Join::Auto).unwrap_err().to_string();
    assert!(message.contains("test.jsonl:1: found the label `2`"), "{message}");
}

#[test]
fn a_relation_between_marked_entities_is_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // The same text with two answers: which pair is asked for decides.
    let row = |second: (usize, usize), label: &str| {
        format!(
            "{{\"id\":\"{label}\",\"text\":\"aspirin causes fever and nausea\",\"label\":\"{label}\",\"entities\":[\
             {{\"start\":0,\"end\":7,\"label\":\"drug\"}},{{\"start\":{},\"end\":{},\"label\":\"ade\"}}]}}\n",
            second.0, second.1
        )
    };
    let train = file(dir, "train.jsonl", &[row((15, 20), "1"), row((25, 31), "0")].concat());
    let model = tiny::write_model(dir);
    let out = dir.join("tuned");
    for relation in [RelationText::Marked, RelationText::Anonymised] {
        let config = FinetuneConfig { relation: Some(relation), max_length: 64, ..settings(40) };
        let data = FinetuneData::new(&train, &train);
        let report = finetune_task(&config, Task::Classification, &model, &data, &out, &NEVER, &mut ()).unwrap();
        assert_eq!(report.info.dev_score, Some(1.0), "{relation:?}: {report}");
        let evaluation = evaluate(&out, &train, Join::Auto).unwrap();
        assert_eq!(
            (evaluation.score, evaluation.predictions[0].text.as_str()),
            (1.0, "aspirin causes fever and nausea")
        );
        let predictions = dir.join("predictions.jsonl");
        evaluation.write_predictions(&predictions).unwrap();
        assert_eq!(evaluate(&out, &predictions, Join::Auto).unwrap().predictions, evaluation.predictions);
        std::fs::remove_dir_all(&out).unwrap();
        let plain = file(dir, "plain.jsonl", "{\"id\":\"x\",\"text\":\"aspirin\",\"label\":\"1\"}\n");
        let data = FinetuneData::new(&train, &plain);
        let message =
            finetune_task(&config, Task::Classification, &model, &data, &out, &NEVER, &mut ()).unwrap_err().to_string();
        assert!(message.contains("plain.jsonl:1: found 0 entities in document `x`, expected two"), "{message}");
    }
}

/// A line of a benchmark with two labels.
fn labelled(text: &str, labels: &str) -> String {
    format!("{{\"id\":\"{text}\",\"text\":\"{text}\",\"label\":[{labels}]}}\n")
}

#[test]
fn a_multilabel_model_learns() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows = [("fever", "1,0"), ("nausea", "0,1"), ("fever and nausea", "1,1"), ("aspirin", "0,0")];
    let train = file(dir, "train.jsonl", &rows.map(|(text, labels)| labelled(text, labels)).concat());
    let report = tune(dir, Task::Multilabel, &train, &train, 40);
    assert_eq!((report.info.dev_score, report.train_sequences), (Some(1.0), 4), "{report}");
    assert_is_the_score(&evaluate(&dir.join("tuned"), &train, Join::Auto).unwrap());
    let other = file(dir, "other.jsonl", &labelled("fever", "1,0,1"));
    let message = evaluate(&dir.join("tuned"), &other, Join::Auto).unwrap_err().to_string();
    assert!(message.contains("other.jsonl:1: found 3 labels, expected 2"), "{message}");
}

#[test]
fn a_new_head_begins_with_how_often_labels_are_and_a_tuned_one_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows = ["1,0", "1,0", "1,1", "1,0", "0,0", "0,0", "1,0", "1,0"];
    let rare = file(dir, "rare.jsonl", &rows.map(|labels| labelled("fever", labels)).concat());
    let often = file(dir, "often.jsonl", &["0,1"; 8].map(|labels| labelled("fever", labels)).concat());
    // Steps so small that they change nothing that is looked at.
    let still = FinetuneConfig { learning_rate: 1e-9, ..settings(1) };
    let tune = |from: &Path, train: &Path, out: &str| {
        let data = FinetuneData { dev: None, ..FinetuneData::new(train, train) };
        finetune_task(&still, Task::Multilabel, from, &data, &dir.join(out), &NEVER, &mut ()).unwrap();
        let heads = Heads { sequence: Some(2), ..Heads::default() };
        let tuned = load(&dir.join(out), &heads, 0, &kbioxlm_model::device()).unwrap();
        tuned.model.sequence.unwrap().output.bias.val().into_data().iter::<f32>().collect::<Vec<_>>()
    };
    let first = tune(&tiny::write_model(dir), &rare, "first");
    // Six of eight, one of eight; one with and one without are added.
    let expected = [(7.0f32 / 3.0).ln(), (2.0f32 / 8.0).ln()];
    let second = tune(&dir.join("first"), &often, "second");
    for biases in [first, second] {
        assert!(biases.iter().zip(expected).all(|(bias, log_odds)| (bias - log_odds).abs() < 1e-4), "{biases:?}");
    }
}

/// Trap 14, for documents: what is behind the model's length was cut off.
#[test]
fn trap_14_labels_are_found_behind_the_models_length() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // `evidence` behind so many words that it is in the first, second or third window of 22 sub-tokens.
    let document = |before: usize, evidence: &str, behind: usize, labels: &str| {
        let text = [vec!["and"; before], evidence.split(' ').collect(), vec!["severe"; behind]].concat().join(" ");
        labelled(&text, labels)
    };
    let all = |lengths: &[(usize, usize)]| -> String {
        let of_length = |&(before, behind): &(usize, usize)| {
            let kinds = [("fever", "1,0"), ("nausea", "0,1"), ("fever and nausea", "1,1"), ("aspirin", "0,0")];
            kinds.map(|(evidence, labels)| document(before, evidence, behind, labels)).concat()
        };
        lengths.iter().map(of_length).collect()
    };
    let train = file(
        dir,
        "train.jsonl",
        &all(&[(0, 0), (1, 40), (40, 1), (30, 8), (9, 9), (16, 3), (3, 16), (20, 20), (50, 2)]),
    );
    let report = tune(dir, Task::Multilabel, &train, &train, 60);
    assert!(report.info.dev_score > Some(0.95), "{report}");
    assert!(report.train_sequences > report.train_documents, "{report}");
    let test = file(dir, "test.jsonl", &all(&[(50, 0), (60, 5)]));
    let evaluation = evaluate(&dir.join("tuned"), &test, Join::Auto).unwrap();
    assert!(evaluation.score > 0.9, "documents that begin alike differ in what comes late: {evaluation}");
    // Windows of 22 sub-tokens overlap by at least 5: documents of 51 to 53 are read in 3, those of 66 to 68 in 4.
    assert!(matches!(evaluation.scored, Scored::Multilabel { windows: 28, .. }), "{evaluation}");
    assert_is_the_score(&evaluation);
}
