//! Ids and offsets are HF's, for tokenizers and texts of all kinds.

use crate::charsmap;
use crate::oracle;
use kbioxlm_tokenizer::{Encoding, Unigram};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What texts are made of. Vocabularies and tables of replacements are made of their characters.
const FRAGMENTS: [&str; 72] = [
    "a",
    "b",
    "drug",
    "s",
    "fever",
    "Ab",
    "1",
    "0.5",
    ",",
    ".",
    "-",
    "(",
    " ",
    " ",
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\u{3000}",
    "\u{a0}",
    "\u{2003}",
    "\u{85}",
    "\u{b}",
    "中",
    "文",
    "药物",
    "患者发热",
    "，",
    "。",
    "ｄｒｕｇ",
    "％",
    "é",
    "e\u{301}",
    "\u{301}",
    "\u{327}",
    "\u{308}\u{304}",
    "ﬁ",
    "™",
    "½",
    "㎏",
    "…",
    "µ",
    "ß",
    "İ",
    "\u{0}",
    "\u{1}",
    "\u{7f}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "▁",
    "▁▁",
    "<mask>",
    "<s>",
    "</s>",
    "<unk>",
    "<0x41>",
    "🙂",
    "👩‍⚕️",
    "🇩🇪",
    "👍🏽",
    "각",
    "\u{1100}\u{1161}\u{11a8}",
    "क्षि",
    "นำ้",
    "\u{600}1",
    "𠀀",
    "́a",
];

fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        8 => prop::sample::select(&FRAGMENTS[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (prop::sample::select(&FRAGMENTS[..]), 1..30_usize).prop_map(|(fragment, n)| fragment.repeat(n)),
    ];
    prop_oneof![
        12 => prop::collection::vec(fragment, 0..24).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => prop::collection::vec(prop::sample::select(&[" ", "\t", "\u{3000}", "\n", "\u{1}", "▁"][..]), 0..6).prop_map(|parts| parts.concat()),
    ]
}

fn characters(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let all: Vec<char> = FRAGMENTS.concat().chars().filter(|c| *c != '\0').collect();
    prop::collection::vec(prop::sample::select(all), length).prop_map(|characters| characters.into_iter().collect())
}

/// Replacements as SentencePiece has them (normal forms, no controls, one kind of space), and any others.
fn replacements() -> impl Strategy<Value = BTreeMap<String, String>> {
    let usual = [
        ("\t", " "),
        ("\n", " "),
        ("\r", " "),
        ("\u{3000}", " "),
        ("\u{a0}", " "),
        ("\u{200b}", " "),
        ("\u{1}", ""),
        ("\u{b}", ""),
        ("\u{7f}", ""),
        ("\u{ad}", ""),
        ("，", ","),
        ("ｄ", "d"),
        ("ｒ", "r"),
        ("％", "%"),
        ("ﬁ", "fi"),
        ("™", "TM"),
        ("½", "1⁄2"),
        ("㎏", "kg"),
        ("…", "..."),
        ("µ", "μ"),
        ("e\u{301}", "é"),
        ("\u{1100}\u{1161}", "가"),
        ("\u{feff}", ""),
    ];
    let usual = usual.map(|(old, new)| (old.to_owned(), new.to_owned()));
    let random = prop::collection::btree_map(characters(1..4), characters(0..4), 0..12);
    (prop::sample::subsequence(usual.to_vec(), 0..usual.len()), random, any::<bool>()).prop_map(
        |(usual, random, with_random)| usual.into_iter().chain(random.into_iter().filter(|_| with_random)).collect(),
    )
}

fn normalizer() -> impl Strategy<Value = Value> {
    let mapping = prop_oneof![
        5 => replacements().prop_map(|map| json!([{"type": "Precompiled", "precompiled_charsmap": charsmap::encode(&map)}])),
        2 => Just(json!([{"type": "NFKC"}])),
        1 => Just(json!([])),
    ];
    let strip = prop_oneof![
        2 => Just(json!([])),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(left, right)| json!([{"type": "Strip", "strip_left": left, "strip_right": right}])),
    ];
    let collapse = prop_oneof![
        Just(json!([])),
        prop::sample::select(&[" ", "▁"][..])
            .prop_map(|to| json!([{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": to}])),
    ];
    (mapping, strip, collapse).prop_map(|(a, b, c)| {
        let steps: Vec<Value> = [a, b, c].into_iter().filter_map(|steps| steps.get(0).cloned()).collect();
        match &steps[..] {
            [] => Value::Null,
            [one] => one.clone(),
            _ => json!({"type": "Sequence", "normalizers": steps}),
        }
    })
}

fn pre_tokenizer() -> impl Strategy<Value = Value> {
    let scheme = prop::sample::select(&["always", "always", "first", "never"][..]);
    (scheme, any::<bool>()).prop_map(|(scheme, split)| {
        let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme});
        if split {
            json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]})
        } else {
            metaspace
        }
    })
}

fn model() -> impl Strategy<Value = Value> {
    // Few different scores, so that ways to cut are often equally good.
    let score = prop_oneof![prop::sample::select(&[-1.0, -2.0, -2.5, -4.0, -12.5][..]), -20.0..0.0];
    let piece = prop_oneof![
        2 => prop::sample::select(&FRAGMENTS[..]).prop_map(str::to_owned),
        2 => prop::sample::select(&FRAGMENTS[..]).prop_map(|fragment| format!("▁{fragment}")),
        3 => characters(1..2),
        2 => characters(1..5),
        1 => characters(0..4).prop_map(|piece| format!("▁{piece}")),
    ];
    let pieces = prop::collection::vec((piece, score), 0..80);
    (pieces, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(pieces, metaspace, byte_fallback, all_bytes)| {
        let mut vocab: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>"].map(|name| json!([name, 0.0])).to_vec();
        vocab.extend(metaspace.then(|| json!(["▁", -3.0])));
        vocab.extend(pieces.iter().map(|piece| json!(piece)));
        let bytes = if all_bytes { 0..=255 } else { 0..=0xC5 };
        vocab.extend(bytes.filter(|_| byte_fallback).map(|byte: u8| json!([format!("<0x{byte:02X}>"), -9.0])));
        json!({"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": byte_fallback})
    })
}

fn tokenizer() -> impl Strategy<Value = Value> {
    (normalizer(), pre_tokenizer(), model()).prop_map(|(normalizer, pre_tokenizer, model)| {
        let special = |(id, name)| {
            json!({"id": id, "content": name, "single_word": false, "lstrip": name == "<mask>", "rstrip": false,
                "normalized": false, "special": true})
        };
        let added: Vec<Value> =
            ["<s>", "<pad>", "</s>", "<unk>", "<mask>"].into_iter().enumerate().map(special).collect();
        json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": null, "model": model})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn ids_and_offsets_are_those_of_hf(json in tokenizer(), texts in prop::collection::vec(text(), 1..12)) {
        let json = json.to_string();
        // Spaces that become `▁` before text is split at white space: the one combination here that is not supported.
        let is_supported = !(json.contains(r#""content":"▁""#) && json.contains("WhitespaceSplit"));
        let Ok(ours) = Unigram::from_json(&json) else {
            prop_assert!(!is_supported);
            return Ok(());
        };
        let hf = oracle::load(&json);
        prop_assert_eq!(ours.len(), hf.get_vocab_size(true));
        for id in 0..ours.len() as u32 + 1 {
            prop_assert_eq!(ours.piece(id).map(str::to_owned), hf.id_to_token(id));
            prop_assert_eq!(hf.id_to_token(id).and_then(|piece| ours.id(&piece)), hf.id_to_token(id).and_then(|piece| hf.token_to_id(&piece)));
        }
        let (mut encoding, mut ids) = (Encoding::default(), Vec::new());
        for text in &texts {
            let expected = oracle::encode(&hf, text);
            ours.encode_into(text, &mut encoding);
            prop_assert_eq!(&encoding, &expected, "{:?}", text);
            ours.ids_into(text, &mut ids);
            prop_assert_eq!(&ids, &expected.ids, "{:?}", text);
        }
    }
}
