use crate::config::CONFIG_FILE;
use crate::read::canonical;
use crate::store::{Entry, Store, WEIGHTS_FILE, write_safetensors};
use crate::tokenizer::TOKENIZER_FILE;
use crate::vocabulary::{Vocabulary, unknown_id};
use crate::{ModelError, Result, Tokenizer};
use kbioxlm_files::{StagedDir, read_json, write_atomic, write_json_atomic};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::io::Write;
use std::path::Path;

/// File in a trimmed model directory with the id that each piece had before, one a line.
pub const KEPT_IDS: &str = "kept_ids.txt";

/// Texts that are tokenised at a time, all cores together.
const BATCH: usize = 4096;

/// Tensors with a row for each piece: they are cut together with the tokenizer.
const BY_PIECE: [&str; 7] = [
    "embeddings.word_embeddings.weight",
    "lm_head.bias",
    "lm_head.decoder.weight",
    "lm_head.decoder.bias",
    "cls.predictions.bias",
    "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
];

/// What trimming did.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct TrimReport {
    /// Texts read.
    pub texts: u64,
    /// Pieces that the texts use.
    pub pieces_used: usize,
    /// Pieces of the model that was trimmed.
    pub pieces_before: usize,
    /// Pieces kept.
    pub pieces_after: usize,
    /// Bytes of weights and tokenizer before.
    pub bytes_before: u64,
    /// Bytes of weights and tokenizer after.
    pub bytes_after: u64,
}

impl fmt::Display for TrimReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        writeln!(f, "texts   {:>10} (they use {} pieces)", self.texts, self.pieces_used)?;
        writeln!(f, "pieces  {:>10} -> {}", self.pieces_before, self.pieces_after)?;
        write!(f, "MB      {:>10.1} -> {:.1}", megabytes(self.bytes_before), megabytes(self.bytes_after))
    }
}

/// Writes the model in `model_dir` to `out` with the pieces only that `texts` use and those without which an
/// input could become unknown that was not before. Texts among `texts` are cut into the same pieces as before.
///
/// Embeddings, the MLM head's bias, `tokenizer.json` and the ids in the configuration are cut together;
/// everything else is copied. `out` appears when it is complete.
///
/// # Errors
/// The tokenizer is not a Unigram model, a file is missing or damaged, a text cannot be read, or `out` cannot be written.
pub fn trim<E: Into<ModelError>>(
    model_dir: &Path,
    texts: impl Iterator<Item = Result<String, E>>,
    out: &Path,
) -> Result<TrimReport> {
    let tokenizer = Tokenizer::load(model_dir)?;
    let vocabulary = Vocabulary::read(&model_dir.join(TOKENIZER_FILE))?;
    let store = Store::open(model_dir)?;
    let config_path = model_dir.join(CONFIG_FILE);
    let mut config: Map<String, Value> = read_json(&config_path, "an object")?;

    let pieces_before = vocabulary.len();
    let mut used = vec![false; pieces_before];
    let texts = mark_used(&tokenizer, texts, &mut used)?;
    let pieces_used = used.iter().filter(|used| **used).count();
    for (_, id) in token_ids(&mut config) {
        let id = id.as_u64().and_then(|id| used.get_mut(id as usize)).ok_or_else(|| unknown_id(&config_path, id))?;
        *id = true;
    }
    let kept = vocabulary.keep(&used);

    config.insert("vocab_size".into(), kept.len().into());
    for (_, id) in token_ids(&mut config) {
        let new = id.as_u64().and_then(|old| kept.binary_search(&(old as u32)).ok());
        *id = new.ok_or_else(|| unknown_id(&config_path, id))?.into();
    }
    let staged = StagedDir::new(out)?;
    let dir = staged.path();
    write_json_atomic(&dir.join(CONFIG_FILE), &config)?;
    let json = vocabulary.cut(&kept)?;
    write_atomic(&dir.join(TOKENIZER_FILE), |file| file.write_all(json.as_bytes()))?;
    write_atomic(&dir.join(KEPT_IDS), |file| kept.iter().try_for_each(|id| writeln!(file, "{id}")))?;
    copy_tokenizer_settings(model_dir, dir, &kept)?;
    copy_tensors(&store, &kept, pieces_before, &dir.join(WEIGHTS_FILE))?;
    // What was written has to be readable: an error here leaves no directory behind.
    let after = Tokenizer::load(dir)?;
    let report = TrimReport {
        texts,
        pieces_used,
        pieces_before: tokenizer.vocab_size(),
        pieces_after: after.vocab_size(),
        bytes_before: store.bytes + tokenizer.to_json().len() as u64,
        bytes_after: Store::open(dir)?.bytes + json.len() as u64,
    };
    staged.commit()?;
    Ok(report)
}

/// Marks the pieces of all texts; returns the number of texts.
fn mark_used<E: Into<ModelError>>(
    tokenizer: &Tokenizer,
    mut texts: impl Iterator<Item = Result<String, E>>,
    used: &mut [bool],
) -> Result<u64> {
    let mut count = 0;
    loop {
        let batch = texts.by_ref().take(BATCH).collect::<Result<Vec<String>, E>>().map_err(Into::into)?;
        if batch.is_empty() {
            return Ok(count);
        }
        count += batch.len() as u64;
        let ids = batch.par_iter().map(|text| tokenizer.ids(text)).collect::<Result<Vec<_>>>()?;
        for id in ids.into_iter().flatten() {
            if let Some(used) = used.get_mut(id as usize) {
                *used = true;
            }
        }
    }
}

/// The entries `bos_token_id`, `pad_token_id` … that hold an id.
fn token_ids(config: &mut Map<String, Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    config.iter_mut().filter(|(key, value)| key.ends_with("_token_id") && value.is_number())
}

/// `tokenizer_config.json` may list added tokens by id; `special_tokens_map.json` has names only.
fn copy_tokenizer_settings(from: &Path, to: &Path, kept: &[u32]) -> Result<()> {
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        let path = from.join(name);
        if !path.exists() {
            continue;
        }
        let mut settings: Map<String, Value> = read_json(&path, "an object")?;
        if let Some(Value::Object(by_id)) = settings.get_mut("added_tokens_decoder") {
            let mut renumbered = Map::new();
            for (id, token) in std::mem::take(by_id) {
                let new = id.parse().ok().and_then(|old: u32| kept.binary_search(&old).ok());
                let new = new.ok_or_else(|| unknown_id(&path, &Value::from(id)))?;
                renumbered.insert(new.to_string(), token);
            }
            *by_id = renumbered;
        }
        write_json_atomic(&to.join(name), &settings)?;
    }
    Ok(())
}

/// Copies all tensors in the type they have, those of [`BY_PIECE`] with the rows `kept` only.
fn copy_tensors(store: &Store, kept: &[u32], pieces: usize, out: &Path) -> Result<()> {
    let mut entries = Vec::with_capacity(store.tensors.len());
    for (name, stored) in &store.tensors {
        let mut shape = stored.shape.clone();
        if let Some(rows) = shape.first_mut().filter(|_| is_by_piece(name)) {
            if *rows < pieces {
                return Err(ModelError::content(
                    &store.path,
                    format!("tensor `{name}` with {rows} rows"),
                    format!("at least {pieces}, the number of pieces of the tokenizer"),
                    "use the tokenizer that the model was trained with",
                ));
            }
            *rows = kept.len();
        }
        entries.push(Entry { name: name.clone(), dtype: stored.dtype, shape });
    }
    write_safetensors(out, &entries, |i| {
        let (name, stored) = store.tensors.iter().nth(i).ok_or("no such tensor")?;
        let bytes = store.read_bytes(name).map_err(|e| e.to_string())?;
        let rows = stored.shape.first().copied().unwrap_or(0);
        if !is_by_piece(name) || rows == 0 {
            return Ok(bytes);
        }
        let width = bytes.len() / rows;
        let row = |id: &u32| bytes.get(*id as usize * width..(*id as usize + 1) * width).unwrap_or_default();
        Ok(kept.iter().flat_map(row).copied().collect())
    })
}

fn is_by_piece(name: &str) -> bool {
    BY_PIECE.contains(&canonical(name).as_str())
}
