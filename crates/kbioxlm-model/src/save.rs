use crate::config::CONFIG_FILE;
use crate::names::values;
use crate::store::{Entry, WEIGHTS_FILE, write_safetensors};
use crate::tokenizer::TOKENIZER_FILE;
use crate::{Model, ModelConfig, ModelError, Result, Tokenizer};
use kbioxlm_files::{create_dir, write_atomic, write_json_atomic};
use safetensors::Dtype;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Writes a directory that `transformers` loads: `config.json`, `model.safetensors` (f32, HF's names),
/// `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json`.
///
/// `labels` names the outputs of the task head; `None` keeps the names in `config`, if any. Each file is
/// written whole or not at all; for a directory that appears only when complete, pass the path of a
/// [`kbioxlm_files::StagedDir`].
///
/// # Errors
/// The directory cannot be written, the model has two task heads, or the number of labels is wrong.
pub fn save(
    dir: &Path,
    config: &ModelConfig,
    model: &Model,
    tokenizer: &Tokenizer,
    labels: Option<&[String]>,
) -> Result<()> {
    let heads = model.heads();
    let outputs = match (heads.tokens, heads.sequence) {
        (Some(_), Some(_)) => return Err(ModelError::TwoTaskHeads),
        (tokens, sequence) => tokens.or(sequence),
    };
    if let Some(labels) = labels.map(<[String]>::len).filter(|&n| Some(n) != outputs) {
        return Err(ModelError::Labels { labels, outputs: outputs.unwrap_or(0) });
    }
    let mut config = config.clone();
    describe_heads(&mut config, model, outputs, labels);
    let special = tokenizer.special();
    // The padding id stays what it is: XLM-R counts positions from it.
    config.pad_token_id = Some(config.pad_token_id());
    config.extra.insert("bos_token_id".into(), special.bos.into());
    config.extra.insert("eos_token_id".into(), special.eos.into());
    create_dir(dir)?;
    write_json_atomic(&dir.join(CONFIG_FILE), &config)?;
    let values = values(model, config.layout);
    let entry =
        |name: &String, shape: &Vec<usize>| Entry { name: name.clone(), dtype: Dtype::F32, shape: shape.clone() };
    let entries: Vec<Entry> = values.iter().map(|v| entry(&v.name, &v.shape)).collect();
    write_safetensors(&dir.join(WEIGHTS_FILE), &entries, |i| {
        let values = values.get(i).ok_or("no such tensor")?.read()?;
        Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect())
    })?;
    write_tokenizer(dir, tokenizer, config.max_length())
}

/// What `transformers` needs to know to choose a class.
fn describe_heads(config: &mut ModelConfig, model: &Model, outputs: Option<usize>, labels: Option<&[String]>) {
    let heads = model.heads();
    let task = if heads.sequence.is_some() {
        "ForSequenceClassification"
    } else if heads.tokens.is_some() {
        "ForTokenClassification"
    } else if heads.mlm {
        "ForMaskedLM"
    } else {
        "Model"
    };
    let class = config.layout.class();
    config.extra.insert("architectures".into(), json!([format!("{class}{task}")]));
    config.extra.insert("tie_word_embeddings".into(), json!(true));
    // The type of the tensors, under its old and its new key.
    config.extra.remove("dtype");
    config.extra.insert("torch_dtype".into(), json!("float32"));
    if let Some(labels) = labels {
        config.set_labels(labels);
    } else if let Some(outputs) = outputs.filter(|&n| config.labels().is_none_or(|names| names.len() != n)) {
        // HF derives the size of the head from these names: without any it would expect two outputs.
        let names: Vec<String> = (0..outputs).map(|i| format!("LABEL_{i}")).collect();
        config.set_labels(&names);
    }
}

fn write_tokenizer(dir: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<()> {
    write_atomic(&dir.join(TOKENIZER_FILE), |file| file.write_all(tokenizer.to_json().as_bytes()))?;
    let names = tokenizer.special_names();
    let mut map = json!({
        "bos_token": names.bos, "cls_token": names.bos, "eos_token": names.eos, "sep_token": names.eos,
        "pad_token": names.pad, "unk_token": names.unk, "mask_token": names.mask,
    });
    write_json_atomic(&dir.join("special_tokens_map.json"), &map)?;
    // The general class takes tokenizer.json as it is; a model's own class would rebuild parts of it.
    map["tokenizer_class"] = json!("PreTrainedTokenizerFast");
    map["model_max_length"] = json!(max_length);
    write_json_atomic(&dir.join("tokenizer_config.json"), &map)?;
    Ok(())
}
