use super::*;
use serde_json::json;

fn read(change: impl FnOnce(&mut Value)) -> Result<ModelConfig> {
    let dir = tempfile::tempdir().unwrap();
    let mut value = json!({
        "model_type": "xlm-roberta", "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 32, "max_position_embeddings": 514,
        "pad_token_id": 1, "layer_norm_eps": 1e-5, "hidden_act": "gelu", "my_key": {"kept": [1, 2]},
    });
    change(&mut value);
    std::fs::write(dir.path().join(CONFIG_FILE), value.to_string()).unwrap();
    ModelConfig::read(dir.path())
}

fn message(change: impl FnOnce(&mut Value)) -> String {
    read(change).unwrap_err().to_string()
}

#[test]
fn positions_follow_the_layout() {
    let config = read(|_| ()).unwrap();
    assert_eq!((config.layout, config.first_position(), config.max_length()), (Layout::XlmRoberta, 2, 512));
    let config = read(|v| v["model_type"] = json!("roberta")).unwrap();
    assert_eq!(config.layout, Layout::XlmRoberta);
    let config = read(|v| v["model_type"] = json!("bert")).unwrap();
    assert_eq!((config.layout, config.first_position(), config.max_length()), (Layout::Bert, 0, 514));
    assert_eq!(ModelConfig::new(Layout::XlmRoberta, 60, 16, 2, 4, 128).max_length(), 128);
    assert_eq!(ModelConfig::new(Layout::Bert, 60, 16, 2, 4, 128).max_length(), 128);
}

#[test]
fn unknown_keys_survive() {
    let config = read(|_| ()).unwrap();
    let written = serde_json::to_value(&config).unwrap();
    assert_eq!(written["my_key"], json!({"kept": [1, 2]}));
    assert_eq!(written["model_type"], "xlm-roberta");
    assert_eq!(serde_json::from_value::<ModelConfig>(written).unwrap(), config);
}

#[test]
fn what_is_not_supported_is_named() {
    let unsupported = message(|v| v["model_type"] = json!("deberta-v2"));
    assert!(unsupported.contains("config.json") && unsupported.contains("deberta-v2"), "{unsupported}");
    assert!(unsupported.contains("`xlm-roberta`, `roberta` and `bert`"), "{unsupported}");
    let cases: [(&str, Value); 7] = [
        ("hidden_act", json!("relu")),
        ("position_embedding_type", json!("relative_key")),
        ("num_attention_heads", json!(3)),
        ("num_hidden_layers", json!(0)),
        ("max_position_embeddings", json!(2)),
        ("hidden_dropout_prob", json!(1.0)),
        ("is_decoder", json!(true)),
    ];
    for (key, value) in cases {
        let found = message(|v| v[key] = value.clone());
        assert!(found.contains("config.json: found") && found.contains("expected"), "{key}: {found}");
    }
    let missing = message(|v| _ = v.as_object_mut().unwrap().remove("hidden_size"));
    assert!(missing.contains("missing field `hidden_size`"), "{missing}");
}

#[test]
fn labels_are_ordered_by_their_id() {
    let mut config = read(|_| ()).unwrap();
    assert_eq!(config.labels(), None);
    let labels: Vec<String> = (0..12).map(|i| format!("L{i}")).collect();
    config.set_labels(&labels);
    assert_eq!(config.labels(), Some(labels));
}
