use crate::model::Heads;
use crate::read::{canonical, stored_heads};
use crate::store::Store;
use crate::{ModelConfig, Result, Tokenizer};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// What a model directory holds, read from its configuration, its tokenizer and the headers of its weights.
#[derive(Clone, Debug, Serialize)]
pub struct ModelInfo {
    /// The directory.
    pub directory: PathBuf,
    /// `xlm-roberta` or `bert`.
    pub layout: String,
    /// HF's class, where `config.json` names it.
    pub architecture: Option<String>,
    /// Number of layers.
    pub layers: usize,
    /// Width.
    pub hidden: usize,
    /// Attention heads a layer.
    pub attention_heads: usize,
    /// Width of the feed-forward part.
    pub intermediate: usize,
    /// Longest sequence in pieces, `<s>` and `</s>` counted.
    pub max_length: usize,
    /// Pieces of the tokenizer.
    pub pieces: usize,
    /// Rows of the word embeddings.
    pub embeddings: usize,
    /// Numbers in all tensors, by part.
    pub parameters: BTreeMap<String, usize>,
    /// The heads: `mlm`, `prp`, `mentions`, `tokens`, `crf`, `sequence`.
    pub heads: Vec<String>,
    /// Names of the classes, where there is a task head.
    pub labels: Vec<String>,
    /// Types of the tensors.
    pub types: Vec<String>,
    /// Size of the weights.
    pub bytes: u64,
}

/// Describes a model directory without loading its weights.
///
/// # Errors
/// A file is missing or damaged.
pub fn info(dir: &Path) -> Result<ModelInfo> {
    let config = ModelConfig::read(dir)?;
    let tokenizer = Tokenizer::load(dir)?;
    let store = Store::open(dir)?;
    let mut parameters = BTreeMap::new();
    let mut types = BTreeSet::new();
    for (name, stored) in &store.tensors {
        *parameters.entry(part(&canonical(name)).to_owned()).or_insert(0) += stored.elements();
        types.insert(format!("{:?}", stored.dtype).to_lowercase());
    }
    let Heads { mlm, prp, mentions, tokens, crf, sequence } = stored_heads(&config, &store);
    let heads = [
        ("mlm", mlm),
        ("prp", prp),
        ("mentions", mentions),
        ("tokens", tokens.is_some()),
        ("crf", crf),
        ("sequence", sequence.is_some()),
    ];
    let has_task = tokens.is_some() || sequence.is_some();
    Ok(ModelInfo {
        directory: dir.to_owned(),
        layout: config.layout.to_string(),
        architecture: config
            .extra
            .get("architectures")
            .and_then(|a| a.get(0))
            .and_then(Value::as_str)
            .map(str::to_owned),
        layers: config.num_hidden_layers,
        hidden: config.hidden_size,
        attention_heads: config.num_attention_heads,
        intermediate: config.intermediate_size,
        max_length: config.max_length(),
        pieces: tokenizer.vocab_size(),
        embeddings: config.vocab_size,
        parameters,
        heads: heads.into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_owned()).collect(),
        labels: config.labels().filter(|_| has_task).unwrap_or_default(),
        types: types.into_iter().collect(),
        bytes: store.bytes,
    })
}

fn part(name: &str) -> &'static str {
    const PARTS: [(&str, &str); 11] = [
        ("embeddings.word_embeddings.", "word embeddings"),
        ("embeddings.", "other embeddings"),
        ("encoder.", "layers"),
        ("lm_head.", "masked language model head"),
        ("cls.predictions.", "masked language model head"),
        ("prp.", "passage relation head"),
        ("mentions.", "mention head"),
        ("classifier.", "task head"),
        ("crf.", "task head"),
        ("pooler.", "pooler"),
        ("", "other"),
    ];
    PARTS.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or("other", |(_, part)| part)
}

impl fmt::Display for ModelInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let architecture = self.architecture.as_deref().unwrap_or("class not named");
        writeln!(f, "{}: {} layout ({architecture})", self.directory.display(), self.layout)?;
        writeln!(
            f,
            "  {} layers, {} wide, {} attention heads, feed-forward {} wide",
            self.layers, self.hidden, self.attention_heads, self.intermediate
        )?;
        writeln!(f, "  longest sequence  {} pieces", self.max_length)?;
        writeln!(f, "  vocabulary        {} pieces, {} embeddings", self.pieces, self.embeddings)?;
        let heads = if self.heads.is_empty() { "none".to_owned() } else { self.heads.join(", ") };
        writeln!(f, "  heads             {heads}")?;
        if !self.labels.is_empty() {
            writeln!(f, "  labels            {}", self.labels.join(", "))?;
        }
        let total: usize = self.parameters.values().sum();
        writeln!(f, "  parameters        {total}")?;
        for (part, count) in &self.parameters {
            writeln!(f, "    {part:<28}{count:>12}")?;
        }
        write!(f, "  weights           {:.1} MB, {}", self.bytes as f64 / 1e6, self.types.join(", "))
    }
}
