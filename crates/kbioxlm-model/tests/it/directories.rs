//! Reading and writing model directories: round trips and what is said about broken ones.

use burn::module::Module;
use burn::tensor::Device;
use kbioxlm_model::{
    DropoutSeeds, Heads, Layout, Model, ModelConfig, PackedBatch, Tokenizer, heads_in, info, init, load,
    named_parameters, save,
};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn copy_of(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(fixture(name)).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

fn heads(mlm: bool, prp: bool, tokens: Option<usize>, sequence: Option<usize>) -> Heads {
    Heads { mlm, prp, mentions: false, tokens, sequence, crf: tokens.is_some() }
}

fn states(model: &Model) -> Vec<f32> {
    let batch = PackedBatch::from_sequences(&[[0u32, 5, 6, 7, 2]]);
    model.encode(&batch, &mut DropoutSeeds::off()).try_into_vec_as().unwrap()
}

fn error(dir: &Path, heads: &Heads) -> String {
    let message = load(dir, heads, 0, &Device::flex()).unwrap_err().to_string();
    assert!(!message.contains("unknown error"), "{message}");
    message
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// Rewrites the weights of a directory.
fn change_weights(dir: &Path, change: impl FnOnce(&mut Tensors)) {
    let path = dir.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Tensors =
        file.iter().map(|(n, v)| (n.to_owned(), (v.dtype(), v.shape().to_vec(), v.data().to_vec()))).collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(n, (t, s, d))| (n.clone(), TensorView::new(*t, s.clone(), d).unwrap()));
    let written = safetensors::serialize(views, None).unwrap();
    std::fs::write(path, written).unwrap();
}

fn change_json(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

#[test]
fn every_head_survives_writing_and_reading() {
    let device = Device::flex();
    for (name, layout) in [("xlm_roberta/mlm", Layout::XlmRoberta), ("bert/mlm", Layout::Bert)] {
        for heads in [
            heads(true, true, None, None),
            heads(false, false, Some(5), None),
            heads(true, true, None, Some(3)),
            heads(false, false, None, None),
        ] {
            let from = load(&fixture(name), &heads, 11, &device).unwrap();
            let dir = tempfile::tempdir().unwrap();
            save(dir.path(), &from.config, &from.model, &from.tokenizer, None).unwrap();
            let back = load(dir.path(), &heads, 99, &device).unwrap();
            assert!(
                back.initialised.is_empty() && back.ignored.is_empty(),
                "{:?} {:?}",
                back.initialised,
                back.ignored
            );
            assert_eq!(heads_in(dir.path()).unwrap(), heads);
            assert_eq!(back.model.heads(), heads);
            assert_eq!(states(&back.model), states(&from.model));
            assert_eq!(back.tokenizer.to_json(), from.tokenizer.to_json());
            let names = |m: &Model| named_parameters(m, layout).into_iter().map(|p| p.name).collect::<Vec<_>>();
            assert_eq!(names(&back.model), names(&from.model));
            let again = tempfile::tempdir().unwrap();
            save(again.path(), &back.config, &back.model, &back.tokenizer, None).unwrap();
            for file in ["model.safetensors", "config.json", "tokenizer_config.json"] {
                let read = |dir: &tempfile::TempDir| std::fs::read(dir.path().join(file)).unwrap();
                assert_eq!(read(&dir), read(&again), "{file}");
            }
        }
    }
}

#[test]
fn missing_heads_are_new_and_depend_on_the_seed_only() {
    let device = Device::flex();
    let new = |seed| {
        let loaded = load(&fixture("bert/tokens"), &heads(true, true, None, None), seed, &device).unwrap();
        let expected = [
            "cls.predictions.transform.dense.weight",
            "cls.predictions.transform.dense.bias",
            "cls.predictions.transform.LayerNorm.weight",
            "cls.predictions.transform.LayerNorm.bias",
            "cls.predictions.bias",
            "prp.weight",
            "prp.bias",
        ];
        assert_eq!(loaded.initialised, expected);
        assert_eq!(loaded.ignored, ["classifier.bias", "classifier.weight"]);
        loaded.model.prp.unwrap().weight.val().try_into_vec_as::<f32>().unwrap()
    };
    assert_eq!(new(1), new(1));
    assert_ne!(new(1), new(2));
    let spread = (new(1).iter().map(|v| v * v).sum::<f32>() / new(1).len() as f32).sqrt();
    assert!((spread - 0.02).abs() < 0.006, "standard deviation {spread}, expected about initializer_range");
}

#[test]
fn a_new_model_has_the_parameters_of_its_configuration() {
    let config = ModelConfig::new(Layout::XlmRoberta, 50, 16, 3, 2, 64);
    let model = init(&config, &heads(true, true, None, None), 5, &Device::flex());
    let layer = 4 * (16 * 16 + 16) + 2 * 16 * 64 + 64 + 16 + 4 * 16;
    let encoder = (50 + 66 + 1) * 16 + 32 + 3 * layer;
    assert_eq!(model.num_params(), encoder + (16 * 16 + 16 + 32 + 50) + (16 * 3 + 3));
    let parameters = named_parameters(&model, config.layout);
    let decayed: Vec<&str> = parameters.iter().filter(|p| p.decay).map(|p| p.name.as_str()).collect();
    assert!(
        decayed.iter().all(|name| name.ends_with(".weight") && !name.to_lowercase().contains("norm")),
        "{decayed:?}"
    );
    assert_eq!(decayed.len(), 3 + 3 * 6 + 2);
    assert!(states(&model).iter().all(|v| v.is_finite()));
}

#[test]
fn prefixes_old_names_and_short_types_are_read() {
    let device = Device::flex();
    let full = states(&load(&fixture("bert/mlm"), &Heads::default(), 0, &device).unwrap().model);
    let dir = copy_of("bert/mlm");
    change_weights(dir.path(), |tensors| {
        let old = std::mem::take(tensors);
        for (name, tensor) in old {
            let name = name.strip_prefix("bert.").unwrap_or(&name);
            let name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
            tensors.insert(name, tensor);
        }
    });
    assert_eq!(states(&load(dir.path(), &Heads::default(), 0, &device).unwrap().model), full);
    for (dtype, tolerance) in [(Dtype::F16, 0.02), (Dtype::BF16, 0.2)] {
        let dir = copy_of("bert/mlm");
        change_weights(dir.path(), |tensors| {
            for (t, _, data) in tensors.values_mut() {
                let values = data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
                let short = |v: f32| match dtype {
                    Dtype::F16 => half::f16::from_f32(v).to_le_bytes(),
                    _ => half::bf16::from_f32(v).to_le_bytes(),
                };
                *data = values.flat_map(short).collect();
                *t = dtype;
            }
        });
        let short = states(&load(dir.path(), &Heads::default(), 0, &device).unwrap().model);
        assert!(short.iter().zip(&full).all(|(a, b)| (a - b).abs() < tolerance), "{dtype:?}");
        assert_ne!(short, full);
    }
}

#[test]
fn sharded_weights_are_read() {
    let dir = copy_of("xlm_roberta/mlm");
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut map = BTreeMap::new();
    for shard in 0..2 {
        let file_name = format!("model-0000{shard}.safetensors");
        let half: Vec<_> = file.iter().enumerate().filter(|(i, _)| i % 2 == shard).map(|(_, t)| t).collect();
        map.extend(half.iter().map(|(name, _)| ((*name).to_owned(), file_name.clone())));
        std::fs::write(dir.path().join(&file_name), safetensors::serialize(half, None).unwrap()).unwrap();
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(dir.path().join("model.safetensors.index.json"), json!({"weight_map": map}).to_string()).unwrap();
    let device = Device::flex();
    let whole = load(&fixture("xlm_roberta/mlm"), &heads(true, false, None, None), 0, &device).unwrap();
    let sharded = load(dir.path(), &heads(true, false, None, None), 0, &device).unwrap();
    assert!(sharded.initialised.is_empty());
    assert_eq!(states(&sharded.model), states(&whole.model));
}

#[test]
fn broken_weights_are_named_with_file_and_tensor() {
    let none = Heads::default();
    let dir = copy_of("bert/mlm");
    let key = "bert.encoder.layer.1.attention.self.value.weight";
    change_weights(dir.path(), |tensors| _ = tensors.remove(key));
    let message = error(dir.path(), &none);
    assert!(message.contains("model.safetensors: found no tensor") && message.contains(key), "{message}");

    let dir = copy_of("bert/mlm");
    change_json(&dir.path().join("config.json"), |c| c["intermediate_size"] = json!(32));
    let message = error(dir.path(), &none);
    assert!(message.contains("shape [24, 16]") && message.contains("expected shape [32, 16]"), "{message}");

    let dir = copy_of("bert/mlm");
    change_weights(dir.path(), |t| t.get_mut(key).unwrap().0 = Dtype::I32);
    let message = error(dir.path(), &none);
    assert!(message.contains(key) && message.contains("I32") && message.contains("F32, F16 or BF16"), "{message}");

    let dir = copy_of("bert/mlm");
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 100]).unwrap();
    let message = error(dir.path(), &none);
    assert!(
        message.contains(&format!("found {} bytes, expected {} bytes", bytes.len() - 100, bytes.len())),
        "{message}"
    );
    for (content, found) in [(&b"PK\x03\x04 not what it seems to be"[..], "promise a header"), (b"\0", "1 bytes")] {
        std::fs::write(&path, content).unwrap();
        let message = error(dir.path(), &none);
        assert!(message.contains("model.safetensors: found") && message.contains(found), "{message}");
    }
    std::fs::rename(&path, dir.path().join("pytorch_model.bin")).unwrap();
    let message = error(dir.path(), &none);
    assert!(message.contains("pytorch_model.bin") && message.contains("save_pretrained"), "{message}");
    assert!(error(Path::new("nowhere"), &none).contains("nowhere/config.json"));
}

#[test]
fn a_tokenizer_of_another_size_is_refused() {
    let bert = fixture("bert/mlm");
    let pieces = Tokenizer::load(&bert).unwrap().vocab_size();
    for (rows, accepted) in [(pieces - 1, false), (pieces, true), (pieces + 127, true), (pieces + 128, false)] {
        let dir = copy_of("bert/mlm");
        change_json(&dir.path().join("config.json"), |c| c["vocab_size"] = json!(rows));
        change_weights(dir.path(), |tensors| {
            let (_, shape, data) = tensors.get_mut("bert.embeddings.word_embeddings.weight").unwrap();
            data.resize(rows * shape[1] * 4, 0);
            shape[0] = rows;
        });
        match load(dir.path(), &Heads::default(), 0, &Device::flex()) {
            Ok(_) => assert!(accepted, "{rows} rows"),
            Err(e) => {
                let message = e.to_string();
                assert!(!accepted, "{message}");
                assert!(
                    message.contains(&format!("{pieces} pieces")) && message.contains(&rows.to_string()),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_one_directory_is_refused() {
    let both = heads(false, false, Some(2), Some(2));
    assert!(error(&fixture("bert/mlm"), &both).contains("at most one"));
    let loaded = load(&fixture("bert/mlm"), &heads(false, false, Some(3), None), 0, &Device::flex()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let labels = ["A".to_owned(), "B".to_owned()];
    let message = save(dir.path(), &loaded.config, &loaded.model, &loaded.tokenizer, Some(&labels)).unwrap_err();
    assert!(message.to_string().contains("found 2 labels, expected 3"), "{message}");
    let dir = copy_of("bert/mlm");
    change_json(&dir.path().join("config.json"), |c| c["tie_word_embeddings"] = json!(false));
    assert!(error(dir.path(), &heads(true, false, None, None)).contains("tie_word_embeddings"));
}

#[test]
fn a_directory_describes_itself() {
    let loaded = load(&fixture("bert/mlm"), &heads(false, true, Some(2), None), 0, &Device::flex()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let labels = ["Drug".to_owned(), "ADE".to_owned()];
    save(dir.path(), &loaded.config, &loaded.model, &loaded.tokenizer, Some(&labels)).unwrap();
    let info = info(dir.path()).unwrap();
    assert_eq!(info.architecture.as_deref(), Some("BertForTokenClassification"));
    assert_eq!(info.heads, ["prp", "tokens", "crf"]);
    assert_eq!(info.labels, labels);
    assert_eq!(info.parameters.values().sum::<usize>(), loaded.model.num_params());
    assert_eq!(info.parameters["task head"], (2 * 16 + 2) + (2 * 2 + 2 + 2));
    let text = info.to_string();
    assert!(text.contains("longest sequence  36 pieces") && text.contains("labels            Drug, ADE"), "{text}");
    assert!(serde_json::to_value(&info).unwrap()["types"] == json!(["f32"]));
}
