//! Bad input ends the run with file, line or key, what was found, what was expected and what to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;

const BUILD: &str = "knowledge build --lexicon lexicon.tsv --facts facts.tsv --relations relations.tsv --out kb";
const CORPUS: &str = "corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --levels entity --out corpus";
const FINETUNE: &str = "finetune --task ner --model base --train train.conll --dev train.conll --out tagger";

#[test]
fn a_missing_column() {
    let place = Place::new();
    place.write(
        "lexicon.tsv",
        "concept_id\tlang\tname\tpreferred\tsemantic_type\tflags\nC1\ten\tasthma\t1\tDisease\t\n",
    );
    place.run(BUILD).fails_with(&["lexicon.tsv:1:", "concept_id, lang, name", "expected a column `term`", "rename"]);
    assert!(!place.path("kb").exists(), "nothing half-written");
}

#[test]
fn an_empty_file() {
    let place = Place::new();
    place.write("lexicon.tsv", "");
    place.run(BUILD).fails_with(&["lexicon.tsv", "found an empty file", "expected a header line"]);
    let place = Place::new();
    place.model("base");
    place.write("train.conll", "");
    place.run(FINETUNE).fails_with(&["train.conll", "expected"]);
    assert!(!place.path("tagger").exists());
}

#[test]
fn a_broken_json_line() {
    let place = Place::new();
    place.knowledge();
    place.write("en.jsonl", "{\"id\": \"a\", \"text\": \"asthma\"}\n{\"id\": \"b\", \"text\n");
    place.run(CORPUS).fails_with(&["en.jsonl:2:", "\"id\"", "\"text\""]);
    assert!(!place.path("corpus").exists());
}

#[test]
fn a_byte_that_is_not_utf8() {
    let place = Place::new();
    place.knowledge();
    place.write("note.txt", b"asthma\nand \xffever\n");
    place.run("knowledge match --kb kb --lang en note.txt").fails_with(&["note.txt:2:", "0xff", "UTF-8", "iconv"]);
    place.write(
        "lexicon.tsv",
        b"concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\nC1\ten\tasth\xe9ma\t1\tDisease\t\n",
    );
    place.run(BUILD).fails_with(&["lexicon.tsv:2:", "0xe9", "UTF-8", "iconv"]);
}

#[test]
fn a_truncated_safetensors_file() {
    let place = Place::new();
    let weights = place.model("base").join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    for length in [4, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&weights, &bytes[..length]).unwrap();
        place.run(FINETUNE).fails_with(&["model.safetensors", "expected"]);
        place.run("model info base").fails_with(&["model.safetensors"]);
    }
    assert!(!place.path("tagger").exists());
}

#[test]
fn a_tokenizer_that_does_not_fit_the_embeddings() {
    let place = Place::new();
    let tokenizer = place.model("base").join("tokenizer.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&tokenizer).unwrap()).unwrap();
    let vocabulary = json["model"]["vocab"].as_array_mut().unwrap();
    let before = vocabulary.len();
    vocabulary.push(serde_json::json!(["surplus", -9.0]));
    std::fs::write(&tokenizer, serde_json::to_vec(&json).unwrap()).unwrap();
    let numbers = [before.to_string(), (before + 1).to_string()];
    place.run(FINETUNE).fails_with(&["base", &numbers[0], &numbers[1], "tokenizer", "embeddings"]);
}

#[test]
fn a_tag_that_the_model_does_not_know() {
    let place = Place::new();
    place.model("base");
    place.run(&format!("{FINETUNE} --set epochs=1 --set max_length=16")).ok();
    place.write("test.conll", "-DOCSTART-\td3\n\nasthma\tB-Disease\n\n-DOCSTART-\td4\n\nTP53\tB-Gene\n\n");
    place.run("evaluate --model tagger --data test.conll").fails_with(&["test.conll:7:", "Gene", "Disease", "Drug"]);
}

#[test]
fn a_model_that_was_not_fine_tuned() {
    let place = Place::new();
    place.model("base");
    place.run("evaluate --model base --data train.conll").fails_with(&["base", "kbioxlm finetune"]);
}

#[test]
fn an_unknown_setting() {
    let place = Place::new();
    place.model("base");
    place.write("run.toml", "[train]\nlearning_rat = 1e-4\n");
    place.run("pretrain -c run.toml --model base --corpus corpus --out out").fails_with(&[
        "run.toml",
        "learning_rat",
        "expected one of",
    ]);
}

#[test]
fn a_device_that_is_not_there() {
    let place = Place::new();
    place.model("base");
    #[cfg(not(feature = "cuda"))]
    place.run("--device cuda:1 model info base").fails_with(&["device `cuda`", "--features cuda"]);
    place
        .run("--device cpu,cpu evaluate --model base --data train.conll")
        .fails_with(&["several devices", "`pretrain`"]);
}

#[test]
fn usage_errors_exit_with_2() {
    let place = Place::new();
    assert_eq!(place.run("--device gpu model info base").code, Some(2));
    assert_eq!(place.run("finetune --task poetry").code, Some(2));
    assert_eq!(place.run("corpus build --kb kb --text en= --out c").code, Some(2));
}
