//! Compares with HF's tokenizer on real texts: `compare tokenizer.json FILE…`.
//!
//! Of JSON lines, every string in them is a text; of other files every line and, of tab-separated ones, every column.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/it/oracle.rs"]
mod oracle;

use kbioxlm_tokenizer::{Encoding, Unigram};
use serde_json::Value;

fn strings(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| strings(value, texts)),
        Value::Object(values) => values.into_iter().for_each(|(_, value)| strings(value, texts)),
        _ => {}
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let json = std::fs::read_to_string(args.next().unwrap()).unwrap();
    let (hf, ours) = (oracle::load(&json), Unigram::from_json(&json).unwrap());
    assert_eq!(hf.get_vocab_size(true), ours.len());
    let (mut encoding, mut ids) = (Encoding::default(), Vec::new());
    let (mut count, mut bytes, mut pieces, mut differences) = (0_u64, 0, 0, 0);
    for path in args {
        let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let mut texts = Vec::new();
        for line in content.split('\n') {
            match serde_json::from_str(line) {
                Ok(value) if path.ends_with(".jsonl") => strings(value, &mut texts),
                _ => {
                    texts.push(line.to_owned());
                    texts.extend(line.split('\t').map(str::to_owned).filter(|column| column != line));
                }
            }
        }
        for text in &texts {
            let expected = oracle::encode(&hf, text);
            ours.encode_into(text, &mut encoding);
            ours.ids_into(text, &mut ids);
            count += 1;
            bytes += text.len();
            pieces += ids.len();
            if encoding != expected || ids != expected.ids {
                differences += 1;
                if differences <= 5 {
                    println!("{text:?}\n  {encoding:?}\n  {expected:?}");
                }
            }
        }
        println!("{path}: {count} texts, {bytes} bytes, {pieces} pieces, {differences} differ");
    }
    assert_eq!(differences, 0);
}
