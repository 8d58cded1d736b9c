//! Vocabulary trimming keeps pieces, embeddings and ids together and the cutting of text as it was.

use burn::tensor::Device;
use kbioxlm_model::{
    DropoutSeeds, Heads, KEPT_IDS, Model, ModelError, PackedBatch, Pretrained, Tokenizer, TrimReport, load, trim,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn run(model: &Path, texts: &[&str], out: &Path) -> Result<TrimReport, ModelError> {
    trim(model, texts.iter().map(|text| Ok::<_, ModelError>((*text).to_owned())), out)
}

fn kept(dir: &Path) -> Vec<u32> {
    std::fs::read_to_string(dir.join(KEPT_IDS)).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

fn pieces(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    tokenizer.encode(text).unwrap().ids.iter().map(|&id| tokenizer.id_to_piece(id).unwrap()).collect()
}

fn mlm(dir: &Path) -> Pretrained {
    load(dir, &Heads { mlm: true, ..Heads::default() }, 0, &Device::flex()).unwrap()
}

fn logits(model: &Model, ids: &[u32]) -> Vec<f32> {
    let hidden = model.encode(&PackedBatch::from_sequences(&[ids]), &mut DropoutSeeds::off());
    model.mlm_logits(hidden).try_into_vec_as().unwrap()
}

/// Trap 1: an id means one piece everywhere: in the tokenizer, the embeddings, the output bias and the configuration.
#[test]
fn trap_01_one_id_means_one_piece_everywhere() {
    for layout in ["xlm_roberta/mlm", "bert/mlm"] {
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("trimmed");
        let texts = ["the patient had a fever", "哮喘"];
        let report = run(&fixture(layout), &texts, &out).unwrap();
        let (before, after) = (mlm(&fixture(layout)), mlm(&out));
        let kept = kept(&out);
        assert!(report.pieces_after < report.pieces_before, "{report}");
        assert_eq!((report.pieces_after, report.texts), (kept.len(), 2));
        assert!(report.bytes_after < report.bytes_before);
        assert_eq!((after.config.vocab_size, after.tokenizer.vocab_size()), (kept.len(), kept.len()));
        for (new, &old) in kept.iter().enumerate() {
            assert_eq!(after.tokenizer.id_to_piece(new as u32), before.tokenizer.id_to_piece(old));
        }
        let mut ids = vec![after.tokenizer.special().bos];
        ids.extend(after.tokenizer.encode(texts[0]).unwrap().ids);
        ids.push(after.tokenizer.special().mask);
        ids.push(after.tokenizer.special().eos);
        let old_ids: Vec<u32> = ids.iter().map(|&id| kept[id as usize]).collect();
        let (new, old) = (logits(&after.model, &ids), logits(&before.model, &old_ids));
        let old: Vec<f32> =
            old.chunks(report.pieces_before).flat_map(|row| kept.iter().map(|&id| row[id as usize])).collect();
        assert_eq!(new.len(), old.len());
        assert!(new.iter().zip(&old).all(|(a, b)| (a - b).abs() < 1e-5), "the model computes the same");
        assert_eq!(
            after.tokenizer.special().mask,
            kept.binary_search(&before.tokenizer.special().mask).unwrap() as u32
        );
    }
}

/// A directory whose special tokens move when pieces before them go, with ids in every place that can hold one.
fn shuffled(post_processor: Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(fixture("bert/mlm").join(file), dir.path().join(file)).unwrap();
    }
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(dir.path().join(name)).unwrap()).unwrap() };
    let mut tokenizer = read("tokenizer.json");
    let vocab = tokenizer["model"]["vocab"].as_array_mut().unwrap();
    let last = vocab.len() - 1;
    // A long piece that no text uses stands before all others; the special tokens follow in another order.
    vocab[last] = json!(["▁aaaa", -2.0]);
    vocab.swap(0, last);
    vocab.swap(4, last);
    let position = |vocab: &[Value], piece: &str| vocab.iter().position(|p| p[0] == piece).unwrap();
    let ids: Vec<usize> = ["<s>", "</s>", "<unk>", "<mask>"].iter().map(|p| position(vocab, p)).collect();
    let vocab = vocab.clone();
    tokenizer["model"]["unk_id"] = json!(ids[2]);
    for token in tokenizer["added_tokens"].as_array_mut().unwrap() {
        let name = token["content"].as_str().unwrap().to_owned();
        token["id"] = json!(position(&vocab, &name));
    }
    let mut text = post_processor.to_string();
    text = text.replace("\"BOS\"", &ids[0].to_string()).replace("\"EOS\"", &ids[1].to_string());
    tokenizer["post_processor"] = serde_json::from_str(&text).unwrap();
    tokenizer["padding"] = json!({"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>"});
    let mut config = read("config.json");
    config["bos_token_id"] = json!(ids[0]);
    config["mask_token_id"] = json!(ids[3]);
    config["sep_token_id"] = Value::Null;
    let settings = json!({"added_tokens_decoder": {ids[3].to_string(): {"content": "<mask>"}}, "other": 1});
    for (name, value) in [("tokenizer.json", tokenizer), ("config.json", config), ("tokenizer_config.json", settings)] {
        std::fs::write(dir.path().join(name), value.to_string()).unwrap();
    }
    dir
}

#[test]
fn trap_01_every_stored_id_moves() {
    let template = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": ["BOS"], "tokens": ["<s>"]}}});
    let roberta = json!({"type": "RobertaProcessing", "sep": ["</s>", "EOS"], "cls": ["<s>", "BOS"],
        "trim_offsets": true, "add_prefix_space": true});
    let sequence = json!({"type": "Sequence", "processors": [roberta]});
    for (kind, processor) in [template, roberta, sequence].into_iter().enumerate() {
        let dir = shuffled(processor);
        let out = dir.path().join("trimmed");
        run(dir.path(), &["fever"], &out).unwrap();
        let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap() };
        let tokenizer = Tokenizer::load(&out).unwrap();
        let special = *tokenizer.special();
        let json = read("tokenizer.json");
        assert_eq!(
            tokenizer.id_to_piece(0).as_deref(),
            Some("<pad>"),
            "the piece before the first special token is gone"
        );
        assert_eq!(json["model"]["unk_id"], special.unk);
        assert_eq!(json["padding"]["pad_id"], special.pad);
        let processor = &json["post_processor"];
        let bos = match kind {
            0 => &processor["special_tokens"]["<s>"]["ids"][0],
            1 => &processor["cls"][1],
            _ => &processor["processors"][0]["cls"][1],
        };
        assert_eq!(bos, special.bos);
        let config = read("config.json");
        assert_eq!((&config["bos_token_id"], &config["mask_token_id"]), (&json!(special.bos), &json!(special.mask)));
        assert_eq!(config["sep_token_id"], Value::Null);
        let settings = read("tokenizer_config.json");
        assert_eq!(settings["added_tokens_decoder"][special.mask.to_string()]["content"], "<mask>");
        assert_eq!(settings["other"], 1);
    }
}

#[test]
fn other_models_and_other_ids_are_refused() {
    let dir = shuffled(Value::Null);
    let out = dir.path().join("trimmed");
    let path = dir.path().join("config.json");
    let good = std::fs::read_to_string(&path).unwrap();
    let mut config: Value = serde_json::from_str(&good).unwrap();
    config["eos_token_id"] = json!(50256);
    std::fs::write(&path, config.to_string()).unwrap();
    let message = run(dir.path(), &["fever"], &out).unwrap_err().to_string();
    assert!(message.contains("config.json: found the id 50256"), "{message}");
    std::fs::write(&path, good).unwrap();
    let pieces =
        ["<s>", "<pad>", "</s>", "<unk>", "<mask>"].iter().enumerate().map(|(i, p)| ((*p).to_owned(), json!(i)));
    let vocab: serde_json::Map<String, Value> = pieces.collect();
    let tokenizer = json!({"version": "1.0", "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}});
    std::fs::write(dir.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let message = run(dir.path(), &["fever"], &out).unwrap_err().to_string();
    assert!(message.contains("found a model WordLevel, expected a Unigram model"), "{message}");
    assert!(!out.exists() && !dir.path().join("trimmed.tmp").exists(), "nothing is left behind");
}

fn is_unknown(tokenizer: &Tokenizer, text: &str) -> bool {
    tokenizer.encode(text).unwrap().ids.contains(&tokenizer.special().unk)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn texts_are_cut_as_before_and_nothing_becomes_unknown(
        texts in prop::collection::vec("[a-i患者哮喘药物咳嗽 ]{0,30}", 0..6),
        others in prop::collection::vec("[a-z患者哮喘药物咳嗽Ω ]{0,30}", 20),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("trimmed");
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        run(&fixture("bert/mlm"), &texts, &out).unwrap();
        let (before, after) = (Tokenizer::load(&fixture("bert/mlm")).unwrap(), Tokenizer::load(&out).unwrap());
        for text in texts {
            prop_assert_eq!(pieces(&before, text), pieces(&after, text));
        }
        for text in &others {
            prop_assert_eq!(is_unknown(&before, text), is_unknown(&after, text), "{}", text);
        }
    }
}
