//! A tiny tokenizer and a tiny model, written to a directory as HF lays it out.

use burn::tensor::Device;
use kbioxlm_model::{Heads, ModelConfig, Tokenizer, init, save};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Pieces of several characters; every single character of the tests is one too.
const WORDS: [&str; 16] = [
    "▁aspirin",
    "▁causes",
    "▁head",
    "ache",
    "▁fever",
    "▁nausea",
    "▁treats",
    "▁severe",
    "▁and",
    "阿司",
    "匹林",
    "引起",
    "头痛",
    "发热",
    "严重",
    "治疗",
];
const CHARACTERS: &str = "▁abcdefghijklmnopqrstuvwxyz0123456789.,-阿司匹林引起头痛发热恶心严重的治疗和。";

pub fn write_tokenizer(path: &Path) {
    let mut vocabulary: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>"].iter().map(|p| json!([p, 0.0])).collect();
    vocabulary.extend(WORDS.iter().map(|w| json!([w, -2.0])));
    vocabulary.extend(CHARACTERS.chars().map(|c| json!([c.to_string(), -5.0])));
    vocabulary.push(json!(["<mask>", 0.0]));
    let special = |id: usize, content: &str| {
        json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    };
    let mask = vocabulary.len() - 1;
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "<s>"), special(1, "<pad>"), special(2, "</s>"), special(3, "<unk>"), special(mask, "<mask>")],
        "normalizer": null,
        "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true },
        "post_processor": null,
        "decoder": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true },
        "model": { "type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": false },
    });
    std::fs::write(path, tokenizer.to_string()).unwrap();
}

pub fn tokenizer() -> Tokenizer {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    write_tokenizer(&path);
    Tokenizer::from_file(&path).unwrap()
}

/// A model directory without task head.
pub fn write_model(dir: &Path) -> PathBuf {
    let tokenizer = tokenizer();
    let config: ModelConfig = serde_json::from_value(json!({
        "model_type": "xlm-roberta", "vocab_size": tokenizer.vocab_size(), "hidden_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 66, "type_vocab_size": 1,
        "layer_norm_eps": 1e-5, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        "initializer_range": 0.2, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "hidden_act": "gelu",
    }))
    .unwrap();
    let heads = Heads { mlm: true, ..Heads::default() };
    let model = init(&config, &heads, 1, &Device::flex());
    let out = dir.join("model");
    save(&out, &config, &model, &tokenizer, None).unwrap();
    out
}

/// Writes a file and returns its path.
pub fn file(dir: &Path, name: &str, content: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}
