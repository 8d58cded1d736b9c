//! What is not supported is said, and no file brings the reader down.

use crate::charsmap;
use base64::Engine;
use kbioxlm_tokenizer::{LoadError, Unigram, fuzz};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn table() -> String {
    let table = [("ﬁ", "fi"), ("，", ","), ("\u{1}", ""), ("e\u{301}", "é")];
    charsmap::encode(&table.map(|(old, new)| (old.to_owned(), new.to_owned())).into_iter().collect::<BTreeMap<_, _>>())
}

fn tokenizer() -> Value {
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 0, "content": "<unk>", "special": true}],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": table()},
            {"type": "Strip", "strip_left": false, "strip_right": true},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
        ]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}], "pair": []},
        "decoder": null,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -1.0], ["b", -2.5]], "byte_fallback": false},
    })
}

fn changed(pointer: &str, value: Value) -> Result<Unigram, LoadError> {
    let mut json = tokenizer();
    *json.pointer_mut(pointer).unwrap() = value;
    Unigram::from_json(&json.to_string())
}

#[test]
fn what_could_give_other_ids_is_not_supported() {
    assert_eq!(Unigram::from_json(&tokenizer().to_string()).unwrap().encode("ab").ids, [1, 2]);
    let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
    for (pointer, value) in [
        ("/version", json!("2.0")),
        ("/added_tokens/0/special", json!(false)),
        ("/normalizer", json!({"type": "Lowercase"})),
        ("/normalizer", json!({"type": "Sequence", "normalizers": [strip, {"type": "NFKC"}]})),
        ("/normalizer/normalizers/2/pattern", json!({"String": " "})),
        ("/normalizer/normalizers/2/content", json!("_")),
        ("/normalizer/normalizers/1/strip_left", json!("no")),
        ("/normalizer/normalizers/0/precompiled_charsmap", Value::Null),
        ("/pre_tokenizer", Value::Null),
        ("/pre_tokenizer", json!({"type": "Whitespace"})),
        ("/pre_tokenizer/replacement", json!("_")),
        ("/pre_tokenizer/prepend_scheme", json!("sometimes")),
        ("/pre_tokenizer/split", json!(false)),
        ("/post_processor", json!({"type": "ByteLevel", "trim_offsets": true})),
        ("/post_processor/single", json!([])),
        ("/model", json!("none")),
        ("/model/type", json!("BPE")),
        ("/model/type", Value::Null),
        ("/model/vocab", json!({"a": 0})),
        ("/model/vocab", json!([["a"]])),
        ("/model/vocab/1/1", json!(-1e200)),
        ("/model/unk_id", Value::Null),
    ] {
        let found = changed(pointer, value.clone());
        assert!(matches!(found, Err(LoadError::Unsupported { .. })), "{pointer} {value}: {found:?}");
    }
}

#[test]
fn damage_is_said() {
    let bytes = base64::engine::general_purpose::STANDARD.decode(table()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        json!(base64::engine::general_purpose::STANDARD.encode(bytes))
    };
    let map = "/normalizer/normalizers/0/precompiled_charsmap";
    for (pointer, value, message) in [
        ("/model/unk_id", json!(3), "found unk_id 3 among 3 pieces, expected the id of a piece"),
        ("/model/vocab", json!([]), "found unk_id 0 among 0 pieces"),
        (map, json!("&"), "base64 with an error"),
        (map, json!(""), "of 0 bytes, expected SentencePiece's table"),
        (map, with(&|bytes| bytes.truncate(100)), "bytes behind the header"),
        (map, with(&|bytes| bytes[3] = 1), "bytes behind the header"),
        (map, with(&|bytes| *bytes = vec![0; 4]), "an empty double array"),
        (map, with(&|bytes| *bytes.last_mut().unwrap() = 0xFF), "no UTF-8"),
        (map, with(&|bytes| bytes[7] = 0xF0), "a path to the unit"),
        (map, with(&|bytes| bytes.truncate(bytes.len() - 8)), "a replacement at"),
        (
            map,
            json!(charsmap::encode(&[("a".to_owned(), "b".repeat(1000))].into())),
            "a replacement of more than 256 bytes",
        ),
    ] {
        let found = changed(pointer, value).unwrap_err();
        assert!(matches!(found, LoadError::Broken { .. }) && found.to_string().contains(message), "{message}: {found}");
    }
    let found = Unigram::from_json("{").unwrap_err();
    assert!(matches!(found, LoadError::Broken { .. }), "{found}");
    let nested = format!(r#"{{"normalizer": {}"#, "[".repeat(1_000_000));
    assert!(Unigram::from_json(&nested).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_table_brings_the_normaliser_down(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        unit in any::<prop::sample::Index>(),
        text in ".{0,8}|[ﬁ，e\u{301}\u{1}]{0,8}",
    ) {
        let mut bytes = base64::engine::general_purpose::STANDARD.decode(table()).unwrap();
        for (at, byte) in changes {
            // Most units are empty: change those that are not.
            let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            bytes[*at.get(&used)] = byte;
        }
        let at = 4 + unit.index((bytes.len() - 4) / 4) * 4;
        bytes[at] ^= 0x40;
        let table = base64::engine::general_purpose::STANDARD.encode(bytes);
        if let Ok(tokenizer) = changed("/normalizer/normalizers/0/precompiled_charsmap", json!(table)) {
            tokenizer.encode(&text);
        }
    }

    #[test]
    fn no_file_brings_the_reader_down(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"[]{}\",:0-9e\\\xff a"[..])), 0..4),
        text in ".{0,8}",
    ) {
        let mut bytes = tokenizer();
        bytes["normalizer"]["normalizers"][0] = json!({"type": "NFKC"});
        let mut bytes = bytes.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(format!("\n\0{text}").bytes());
        let _ = fuzz::tokenizer(&bytes);
    }
}
