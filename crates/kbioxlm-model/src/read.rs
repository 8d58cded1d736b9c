use crate::model::{Heads, Model, initial_values};
use crate::names::fill;
use crate::store::Store;
use crate::tokenizer::TOKENIZER_FILE;
use crate::{Layout, ModelConfig, ModelError, Result, Tokenizer};
use burn::tensor::Device;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Embeddings are often padded to a multiple of 64 or 128 rows; more rows without a piece are a mix-up.
const MAX_SPARE_ROWS: usize = 127;

/// A model read from a directory.
#[derive(Debug)]
pub struct Pretrained {
    /// Sizes and constants.
    pub config: ModelConfig,
    /// Encoder and the heads asked for.
    pub model: Model,
    /// The tokenizer that belongs to the embeddings.
    pub tokenizer: Tokenizer,
    /// Tensors of the heads that the directory does not have; they have new random values.
    pub initialised: Vec<String>,
    /// Tensors of the directory that the model does not use.
    pub ignored: Vec<String>,
}

/// Reads a model directory onto `device`. Heads that it does not have are initialised with `seed`.
///
/// # Errors
/// A file is missing or damaged, a tensor of the encoder is missing, a tensor has another shape than
/// `config.json` and `heads` say, the tokenizer does not fit the embeddings, or two task heads are asked for.
pub fn load(dir: &Path, heads: &Heads, seed: u64, device: &Device) -> Result<Pretrained> {
    if heads.tokens.is_some() && heads.sequence.is_some() {
        return Err(ModelError::TwoTaskHeads);
    }
    let config = ModelConfig::read(dir)?;
    if heads.mlm && config.extra.get("tie_word_embeddings").and_then(Value::as_bool) == Some(false) {
        return Err(ModelError::content(
            &dir.join(crate::config::CONFIG_FILE),
            "tie_word_embeddings false",
            "a masked language model whose decoder is the word embeddings",
            "use a model with tied embeddings",
        ));
    }
    let tokenizer = Tokenizer::load(dir)?;
    check_vocabulary(dir, &config, &tokenizer)?;
    let store = Store::open(dir)?;
    let by_name = canonical_names(&store);
    let mut initialised = Vec::new();
    let mut used = BTreeSet::new();
    let source = |name: &str, shape: &[usize]| {
        let wanted = canonical(name);
        // HF ties the decoder's bias to the head's and may have stored either.
        let other = wanted.replace("lm_head.bias", "lm_head.decoder.bias");
        let other = other.replace("cls.predictions.bias", "cls.predictions.decoder.bias");
        match by_name.get(&wanted).or_else(|| by_name.get(&other)) {
            Some(&raw) => {
                used.insert(raw);
                store.read_f32(raw, shape)
            }
            None if wanted.starts_with("embeddings.") || wanted.starts_with("encoder.") => Err(ModelError::content(
                &store.path,
                format!("no tensor `{name}`"),
                format!("a tensor of shape {shape:?}, with or without the prefix `{}.`", config.layout.prefix()),
                "check that config.json and the weights belong together",
            )),
            None => {
                initialised.push(name.to_owned());
                Ok(initial_values(name, shape, &config, seed))
            }
        }
    };
    let model = fill(Model::skeleton(&config, heads, device), config.layout, source)?;
    // Numbers 0, 1, 2 … that old checkpoints store with the weights.
    let is_buffer = |name: &str| name.ends_with("embeddings.position_ids");
    let unused = store.tensors.keys().filter(|raw| !used.contains(raw.as_str()) && !is_buffer(raw));
    let ignored = unused.cloned().collect();
    Ok(Pretrained { config, model, tokenizer, initialised, ignored })
}

fn check_vocabulary(dir: &Path, config: &ModelConfig, tokenizer: &Tokenizer) -> Result<()> {
    let (pieces, rows) = (tokenizer.vocab_size(), config.vocab_size);
    if pieces > rows || rows - pieces > MAX_SPARE_ROWS {
        return Err(ModelError::content(
            &dir.join(TOKENIZER_FILE),
            format!("{pieces} pieces"),
            format!("as many as the model has embeddings ({rows}), or up to {MAX_SPARE_ROWS} fewer"),
            "use the tokenizer that the model was trained with; if one of them was trimmed, trim both together",
        ));
    }
    Ok(())
}

/// The name of a tensor without the prefix of the encoder, old names of layer norms made new.
pub(crate) fn canonical(name: &str) -> String {
    let name = name.strip_prefix("roberta.").or_else(|| name.strip_prefix("bert.")).unwrap_or(name);
    if let Some(norm) = name.strip_suffix(".gamma") {
        format!("{norm}.weight")
    } else if let Some(norm) = name.strip_suffix(".beta") {
        format!("{norm}.bias")
    } else {
        name.to_owned()
    }
}

fn canonical_names(store: &Store) -> BTreeMap<String, &str> {
    store.tensors.keys().map(|raw| (canonical(raw), raw.as_str())).collect()
}

/// The heads whose tensors a model directory has.
///
/// # Errors
/// `config.json` or the weights are missing or damaged.
pub fn heads_in(dir: &Path) -> Result<Heads> {
    Ok(stored_heads(&ModelConfig::read(dir)?, &Store::open(dir)?))
}

pub(crate) fn stored_heads(config: &ModelConfig, store: &Store) -> Heads {
    let names = canonical_names(store);
    let outputs = |name: &str| store.tensors.get(*names.get(name)?)?.shape.first().copied();
    let classifier = outputs("classifier.weight");
    let (mlm, is_sequence) = match config.layout {
        Layout::XlmRoberta => ("lm_head.dense.weight", false),
        // Both task heads are called `classifier` here; HF stores the pooler only where it is used.
        Layout::Bert => ("cls.predictions.transform.dense.weight", names.contains_key("pooler.dense.weight")),
    };
    Heads {
        mlm: names.contains_key(mlm),
        prp: names.contains_key("prp.weight"),
        mentions: names.contains_key("mentions.weight"),
        tokens: classifier.filter(|_| !is_sequence),
        crf: names.contains_key("crf.transitions"),
        sequence: outputs("classifier.out_proj.weight").or(classifier.filter(|_| is_sequence)),
    }
}
