use crate::{ModelError, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// Name of the configuration file in a model directory.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// How tensors are named and positions counted.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Layout {
    /// XLM-RoBERTa (and RoBERTa): positions start at `pad_token_id + 1`.
    XlmRoberta,
    /// BERT: positions start at 0.
    Bert,
}

impl Layout {
    /// The prefix of the encoder's tensors in a model with a head.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::XlmRoberta => "roberta",
            Self::Bert => "bert",
        }
    }

    /// The beginning of the HF class names.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::XlmRoberta => "XLMRoberta",
            Self::Bert => "Bert",
        }
    }
}

impl TryFrom<String> for Layout {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "xlm-roberta" | "roberta" => Ok(Self::XlmRoberta),
            "bert" => Ok(Self::Bert),
            other => Err(format!("model_type `{other}`; supported are `xlm-roberta`, `roberta` and `bert`")),
        }
    }
}

impl From<Layout> for &'static str {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::XlmRoberta => "xlm-roberta",
            Layout::Bert => "bert",
        }
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str((*self).into())
    }
}

/// The sizes and constants of an encoder, as in HF's `config.json`.
///
/// Keys that this type does not name are kept in [`ModelConfig::extra`] and written back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Naming of tensors, counting of positions.
    #[serde(rename = "model_type")]
    pub layout: Layout,
    /// Rows of the word embeddings.
    pub vocab_size: usize,
    /// Width of the encoder.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads a layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward part.
    pub intermediate_size: usize,
    /// Rows of the position embeddings.
    pub max_position_embeddings: usize,
    /// Rows of the token type embeddings, of which row 0 is used.
    #[serde(default = "defaults::type_vocab_size")]
    pub type_vocab_size: usize,
    /// Added to the variance in layer norms.
    #[serde(default = "defaults::layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Dropout on embeddings and sub-layer outputs in training.
    #[serde(default = "defaults::dropout")]
    pub hidden_dropout_prob: f64,
    /// Dropout on attention weights in training.
    #[serde(default = "defaults::dropout")]
    pub attention_probs_dropout_prob: f64,
    /// Dropout before a classifier in training; `None`: as `hidden_dropout_prob`.
    #[serde(default)]
    pub classifier_dropout: Option<f64>,
    /// Standard deviation of new weights.
    #[serde(default = "defaults::initializer_range")]
    pub initializer_range: f64,
    /// Activation of the feed-forward part; always `gelu`, the exact one.
    #[serde(default = "defaults::hidden_act")]
    hidden_act: String,
    /// Id of the padding piece; `None` in the file means the layout's default.
    #[serde(default)]
    pub(crate) pad_token_id: Option<u32>,
    /// `single_label_classification`, `multi_label_classification` or unknown, as HF names the kinds of sequence classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem_type: Option<String>,
    /// All other keys.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// HF's defaults for keys that a configuration may leave out.
mod defaults {
    pub(super) fn type_vocab_size() -> usize {
        2
    }
    pub(super) fn layer_norm_eps() -> f64 {
        1e-12
    }
    pub(super) fn dropout() -> f64 {
        0.1
    }
    pub(super) fn initializer_range() -> f64 {
        0.02
    }
    pub(super) fn hidden_act() -> String {
        "gelu".to_owned()
    }
}

impl ModelConfig {
    /// A configuration with HF's default constants: `intermediate_size` is four times `hidden_size`, one token type.
    pub fn new(
        layout: Layout,
        vocab_size: usize,
        hidden_size: usize,
        layers: usize,
        heads: usize,
        max_length: usize,
    ) -> Self {
        let mut config = Self {
            layout,
            vocab_size,
            hidden_size,
            num_hidden_layers: layers,
            num_attention_heads: heads,
            intermediate_size: 4 * hidden_size,
            max_position_embeddings: max_length,
            type_vocab_size: 1,
            layer_norm_eps: 1e-5,
            hidden_dropout_prob: defaults::dropout(),
            attention_probs_dropout_prob: defaults::dropout(),
            classifier_dropout: None,
            initializer_range: defaults::initializer_range(),
            hidden_act: defaults::hidden_act(),
            pad_token_id: Some(1),
            problem_type: None,
            extra: Map::new(),
        };
        config.max_position_embeddings += config.first_position();
        config
    }

    /// Reads `config.json` of a model directory.
    ///
    /// # Errors
    /// The file is missing or not a configuration, or describes a model that this program does not compute:
    /// another `model_type`, another activation, relative positions, or heads that do not divide the width.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(CONFIG_FILE);
        let config: Self = kbioxlm_files::read_json(&path, "the configuration of an XLM-RoBERTa or BERT encoder")?;
        config.check(&path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let problem = |found: String, expected: &str, help: &str| Err(ModelError::content(path, found, expected, help));
        if self.hidden_act != "gelu" {
            return problem(
                format!("hidden_act `{}`", self.hidden_act),
                "`gelu`",
                "use an encoder with the exact GELU; other activations would give other results",
            );
        }
        if let Some(kind) =
            self.extra.get("position_embedding_type").and_then(Value::as_str).filter(|k| *k != "absolute")
        {
            return problem(
                format!("position_embedding_type `{kind}`"),
                "`absolute`",
                "use an encoder with learned absolute positions",
            );
        }
        if self.extra.get("is_decoder").and_then(Value::as_bool) == Some(true) {
            return problem("is_decoder true".into(), "an encoder", "use an encoder");
        }
        if [
            self.vocab_size,
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size,
            self.type_vocab_size,
        ]
        .contains(&0)
        {
            return problem("a size of 0".into(), "sizes of at least 1", "restore the file from where it came from");
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return problem(
                format!("hidden_size {} with {} attention heads", self.hidden_size, self.num_attention_heads),
                "a number of heads that divides the width",
                "correct num_attention_heads or hidden_size",
            );
        }
        if self.max_position_embeddings <= self.first_position() {
            return problem(
                format!("max_position_embeddings {}", self.max_position_embeddings),
                &format!("more than {}, the first position in this layout", self.first_position()),
                "restore the file from where it came from",
            );
        }
        let probabilities =
            [Some(self.hidden_dropout_prob), Some(self.attention_probs_dropout_prob), self.classifier_dropout];
        if let Some(p) = probabilities.into_iter().flatten().find(|p| !(0.0..1.0).contains(p)) {
            return problem(
                format!("a dropout of {p}"),
                "a probability from 0 to below 1",
                "correct the *_dropout_prob keys",
            );
        }
        Ok(())
    }

    /// Id of the padding piece. No padding is ever computed; in the XLM-R layout positions are counted from it.
    pub fn pad_token_id(&self) -> u32 {
        self.pad_token_id.unwrap_or(match self.layout {
            Layout::XlmRoberta => 1,
            Layout::Bert => 0,
        })
    }

    /// The row of the position embeddings that a sequence's first piece gets.
    pub fn first_position(&self) -> usize {
        match self.layout {
            Layout::XlmRoberta => self.pad_token_id() as usize + 1,
            Layout::Bert => 0,
        }
    }

    /// The longest sequence, in pieces, `<s>` and `</s>` counted.
    pub fn max_length(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }

    /// The names of the classes in the order of the classifier's outputs, when `id2label` names them all.
    pub fn labels(&self) -> Option<Vec<String>> {
        let names = self.extra.get("id2label")?.as_object()?;
        (0..names.len()).map(|id| Some(names.get(&id.to_string())?.as_str()?.to_owned())).collect()
    }

    /// Sets `id2label`, `label2id` to these names.
    pub fn set_labels(&mut self, labels: &[String]) {
        let by_id = labels.iter().enumerate().map(|(i, l)| (i.to_string(), l.clone().into())).collect();
        let by_name = labels.iter().enumerate().map(|(i, l)| (l.clone(), i.into())).collect();
        self.extra.insert("id2label".into(), Value::Object(by_id));
        self.extra.insert("label2id".into(), Value::Object(by_name));
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
