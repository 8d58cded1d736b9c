use crate::encoder::{DropoutSeeds, Encoder, Linear, PackedBatch};
use crate::heads::{Crf, MlmHead, SequenceHead};
use crate::names::fill;
use crate::{Layout, ModelConfig};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use kbioxlm_files::rng_for;
use kbioxlm_ops::{RowLoss, TiedTable, dropout};
use rand::Rng;
use std::convert::Infallible;

/// Classes of the passage relation head: `link`, `context`, `random`.
pub(crate) const PASSAGE_CLASSES: usize = 3;
/// Classes of the mention head: begins one, continues one, is outside.
pub(crate) const MENTION_CLASSES: usize = 3;

/// Which heads a model has besides the encoder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Heads {
    /// Masked language model.
    pub mlm: bool,
    /// Passage relation prediction.
    pub prp: bool,
    /// Mention tagging.
    pub mentions: bool,
    /// Token classification with so many labels.
    pub tokens: Option<usize>,
    /// Scores of neighbouring labels, for token classification.
    pub crf: bool,
    /// Sequence classification with so many labels.
    pub sequence: Option<usize>,
}

/// An encoder with its heads.
#[derive(Module, Debug)]
pub struct Model {
    /// Embeddings and layers.
    pub encoder: Encoder,
    /// Masked language model.
    pub mlm: Option<MlmHead>,
    /// Passage relation prediction on `<s>`: `link`, `context`, `random`.
    pub prp: Option<Linear>,
    /// Mention tagging on every piece: `B`, `I`, `O`.
    pub mentions: Option<Linear>,
    /// Token classification.
    pub tokens: Option<Linear>,
    /// Scores of neighbouring labels.
    pub crf: Option<Crf>,
    /// Sequence classification.
    pub sequence: Option<SequenceHead>,
}

impl Model {
    /// A model whose parameters have shapes but no values yet.
    pub(crate) fn skeleton(config: &ModelConfig, heads: &Heads, device: &Device) -> Self {
        let hidden = config.hidden_size;
        let drop_input = config.layout == Layout::XlmRoberta;
        Self {
            encoder: Encoder::new(config, device),
            mlm: heads.mlm.then(|| MlmHead::new(hidden, config.vocab_size, device)),
            prp: heads.prp.then(|| Linear::new(hidden, PASSAGE_CLASSES, device)),
            mentions: heads.mentions.then(|| Linear::new(hidden, MENTION_CLASSES, device)),
            tokens: heads.tokens.map(|labels| Linear::new(hidden, labels, device)),
            crf: heads.tokens.filter(|_| heads.crf).map(|labels| Crf::new(labels, device)),
            sequence: heads.sequence.map(|labels| SequenceHead::new(hidden, labels, drop_input, device)),
        }
    }

    /// The heads this model has.
    pub fn heads(&self) -> Heads {
        Heads {
            mlm: self.mlm.is_some(),
            prp: self.prp.is_some(),
            mentions: self.mentions.is_some(),
            tokens: self.tokens.as_ref().map(Linear::outputs),
            crf: self.crf.is_some(),
            sequence: self.sequence.as_ref().map(|head| head.output.outputs()),
        }
    }

    /// Where this model computes.
    pub fn device(&self) -> Device {
        self.encoder.word.lazy_device()
    }

    /// The hidden states of all pieces, `[tokens, hidden]`, in the order of the batch.
    ///
    /// # Panics
    /// When an id is not in the vocabulary or a sequence is longer than [`ModelConfig::max_length`].
    pub fn encode(&self, batch: &PackedBatch, seeds: &mut DropoutSeeds) -> Tensor<2> {
        self.encoder.forward(&self.encoder.words(), batch, None, seeds)
    }

    /// The hidden states at `rows` only, `[rows.len(), hidden]`: the same as selecting from
    /// [`Model::encode`], but the last layer is not computed where nobody looks.
    ///
    /// # Panics
    /// As [`Model::encode`], or when a row is not in the batch.
    pub fn encode_rows(&self, batch: &PackedBatch, rows: &[usize], seeds: &mut DropoutSeeds) -> Tensor<2> {
        self.encode_masked(batch, rows, seeds).0
    }

    /// [`Model::encode_rows`] for [`Model::mlm_loss`], which scores the states against the same embeddings.
    ///
    /// # Panics
    /// As [`Model::encode_rows`].
    pub fn encode_masked(
        &self,
        batch: &PackedBatch,
        rows: &[usize],
        seeds: &mut DropoutSeeds,
    ) -> (Tensor<2>, TiedTable) {
        let words = self.encoder.words();
        (self.encoder.forward(&words, batch, Some(rows), seeds), words)
    }

    /// Scores of all pieces for the rows given: `[n, hidden]` -> `[n, vocabulary]`.
    ///
    /// # Panics
    /// When the model was made without this head.
    pub fn mlm_logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let eps = self.encoder.constants().eps;
        head(&self.mlm, "masked language model").forward(hidden, self.encoder.word.val(), eps)
    }

    /// `scale` times the sum of the cross-entropies of [`Model::mlm_logits`] against `targets`, without ever holding all
    /// logits in memory: shape `[1]`; and the loss of each row. `words` comes from [`Model::encode_masked`].
    ///
    /// # Panics
    /// When the model was made without this head, or there is not one target below the vocabulary for each row.
    pub fn mlm_loss(
        &self,
        hidden: Tensor<2>,
        words: &TiedTable,
        targets: &[u32],
        scale: f64,
    ) -> (Tensor<1>, Vec<RowLoss>) {
        let eps = self.encoder.constants().eps;
        head(&self.mlm, "masked language model").loss(hidden, words, eps, targets, scale)
    }

    /// Scores of `link`, `context`, `random` from the states of `<s>`: `[n, hidden]` -> `[n, 3]`.
    ///
    /// # Panics
    /// When the model was made without this head.
    pub fn prp_logits(&self, cls: Tensor<2>) -> Tensor<2> {
        head(&self.prp, "passage relation").forward(cls)
    }

    /// Scores of `B`, `I`, `O` for each row: `[n, hidden]` -> `[n, 3]`.
    ///
    /// # Panics
    /// When the model was made without this head.
    pub fn mention_logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        head(&self.mentions, "mention tagging").forward(hidden)
    }

    /// Scores of the labels for each row: `[n, hidden]` -> `[n, labels]`.
    ///
    /// # Panics
    /// When the model was made without this head.
    pub fn token_logits(&self, hidden: Tensor<2>, seeds: &mut DropoutSeeds) -> Tensor<2> {
        let x = dropout(hidden, seeds.next(self.encoder.constants().classifier_dropout));
        head(&self.tokens, "token classification").forward(x)
    }

    /// Scores of the classes from the states of `<s>`: `[n, hidden]` -> `[n, classes]`.
    ///
    /// # Panics
    /// When the model was made without this head.
    pub fn sequence_logits(&self, cls: Tensor<2>, seeds: &mut DropoutSeeds) -> Tensor<2> {
        head(&self.sequence, "sequence classification").forward(cls, self.encoder.constants(), seeds)
    }
}

/// Which heads exist is decided where a model is made; asking for another one is a programming error.
fn head<'a, T>(head: &'a Option<T>, name: &str) -> &'a T {
    match head {
        Some(head) => head,
        None => panic!("the model was made without a {name} head"),
    }
}

/// A new model with random weights: normal with standard deviation `initializer_range`, biases and the scores
/// of neighbouring labels 0, layer norms 1. Each tensor's values depend on `seed` and its name only.
pub fn init(config: &ModelConfig, heads: &Heads, seed: u64, device: &Device) -> Model {
    let values = |name: &str, shape: &[usize]| Ok(initial_values(name, shape, config, seed));
    let Ok(model) = fill::<Infallible, _>(Model::skeleton(config, heads, device), config.layout, values);
    model
}

/// The values of a tensor that no file has.
pub(crate) fn initial_values(name: &str, shape: &[usize], config: &ModelConfig, seed: u64) -> Vec<f32> {
    let count = shape.iter().product();
    let is_norm = name.contains("LayerNorm") || name.contains("layer_norm");
    // Labels begin without knowing of their neighbours.
    if name.ends_with("bias") || name.starts_with("crf.") {
        return vec![0.0; count];
    }
    if is_norm {
        return vec![1.0; count];
    }
    let mut rng = rng_for(seed, &[name]);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // Box–Muller: two uniform numbers give two normal ones; 1 - u keeps the logarithm finite.
        let radius = config.initializer_range * (-2.0 * (1.0 - uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform()).sin_cos();
        values.push((radius * cos) as f32);
        values.push((radius * sin) as f32);
    }
    values.truncate(count);
    values
}
