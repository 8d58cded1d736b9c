use crate::ModelConfig;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Int, Shape, Tensor, TensorData};
use kbioxlm_ops::{
    Dropout, LayerParameters, LayerSettings, LinearParameters, NormParameters, TiedTable, dropout, encoder_layer,
    layer_norm,
};

/// Sequences of pieces, laid one behind the other without padding.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PackedBatch {
    /// The pieces of all sequences.
    pub ids: Vec<u32>,
    /// The number of pieces of each sequence; none is empty, their sum is `ids.len()`.
    pub lengths: Vec<usize>,
}

impl PackedBatch {
    /// Packs sequences; empty ones have no row and are left out.
    pub fn from_sequences<S: AsRef<[u32]>>(sequences: &[S]) -> Self {
        let mut batch = Self::default();
        for sequence in sequences.iter().map(AsRef::as_ref).filter(|s| !s.is_empty()) {
            batch.ids.extend_from_slice(sequence);
            batch.lengths.push(sequence.len());
        }
        batch
    }

    /// The row of each sequence's first piece, `<s>`.
    pub fn starts(&self) -> Vec<usize> {
        let mut next = 0;
        let start = |length: &usize| {
            let start = next;
            next += length;
            start
        };
        self.lengths.iter().map(start).collect()
    }
}

/// Gives each place where dropout is applied a seed of its own; or none, for evaluation.
#[derive(Clone, Debug)]
pub struct DropoutSeeds {
    seed: Option<u64>,
    used: u64,
}

impl DropoutSeeds {
    /// No dropout: evaluation.
    pub fn off() -> Self {
        Self { seed: None, used: 0 }
    }

    /// Dropout in training. One object serves one forward pass; `seed` must differ from step to step.
    pub fn new(seed: u64) -> Self {
        Self { seed: Some(seed), used: 0 }
    }

    pub(crate) fn next(&mut self, probability: f64) -> Dropout {
        let Some(seed) = self.seed.filter(|_| probability > 0.0) else { return Dropout::none() };
        self.used += 1;
        // SplitMix64 (Steele et al. 2014): neighbouring inputs give unrelated outputs.
        let mut z = seed.wrapping_add(self.used.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Dropout { probability: probability as f32, seed: z ^ (z >> 31) }
    }
}

/// A parameter without values yet: they come from a file or from the random generator.
pub(crate) fn parameter<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    let zeros = move |device: &Device, require_grad| Tensor::zeros(shape, device).set_require_grad(require_grad);
    Param::uninitialized(ParamId::new(), zeros, device.clone(), true, Shape::from(shape))
}

/// `x · weight + bias`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[inputs, outputs]`: the transpose of what HF stores.
    pub weight: Param<Tensor<2>>,
    /// `[outputs]`
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    pub(crate) fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        Self { weight: parameter([inputs, outputs], device), bias: parameter([outputs], device) }
    }

    /// `[n, inputs]` -> `[n, outputs]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        burn::tensor::module::linear(x, self.weight.val(), Some(self.bias.val()))
    }

    fn parameters(&self) -> LinearParameters {
        LinearParameters { weight: self.weight.val(), bias: self.bias.val() }
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.lazy_shape().num_elements()
    }
}

/// The parameters of a layer norm, both `[hidden]`.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Gain.
    pub weight: Param<Tensor<1>>,
    /// Shift.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    pub(crate) fn new(width: usize, device: &Device) -> Self {
        Self { weight: parameter([width], device), bias: parameter([width], device) }
    }

    pub(crate) fn forward(&self, x: Tensor<2>, eps: f64) -> Tensor<2> {
        layer_norm(x, self.weight.val(), self.bias.val(), eps)
    }

    fn parameters(&self) -> NormParameters {
        NormParameters { weight: self.weight.val(), bias: self.bias.val() }
    }
}

/// One post-layer-norm transformer layer.
#[derive(Module, Debug)]
pub struct Layer {
    /// Query projection.
    pub query: Linear,
    /// Key projection.
    pub key: Linear,
    /// Value projection.
    pub value: Linear,
    /// Output projection of the attention.
    pub attention_output: Linear,
    /// Layer norm after the attention.
    pub attention_norm: LayerNorm,
    /// First projection of the feed-forward part.
    pub intermediate: Linear,
    /// Second projection of the feed-forward part.
    pub output: Linear,
    /// Layer norm after the feed-forward part.
    pub output_norm: LayerNorm,
}

impl Layer {
    fn new(config: &ModelConfig, device: &Device) -> Self {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        Self {
            query: Linear::new(hidden, hidden, device),
            key: Linear::new(hidden, hidden, device),
            value: Linear::new(hidden, hidden, device),
            attention_output: Linear::new(hidden, hidden, device),
            attention_norm: LayerNorm::new(hidden, device),
            intermediate: Linear::new(hidden, wide, device),
            output: Linear::new(wide, hidden, device),
            output_norm: LayerNorm::new(hidden, device),
        }
    }

    fn parameters(&self) -> LayerParameters {
        LayerParameters {
            query: self.query.parameters(),
            key: self.key.parameters(),
            value: self.value.parameters(),
            attention_output: self.attention_output.parameters(),
            attention_norm: self.attention_norm.parameters(),
            intermediate: self.intermediate.parameters(),
            output: self.output.parameters(),
            output_norm: self.output_norm.parameters(),
        }
    }
}

/// What the computation needs besides parameters.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) heads: usize,
    pub(crate) eps: f64,
    pub(crate) first_position: usize,
    pub(crate) hidden_dropout: f64,
    pub(crate) attention_dropout: f64,
    pub(crate) classifier_dropout: f64,
    pub(crate) recompute: bool,
    pub(crate) bf16: bool,
}

impl Constants {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        Self {
            heads: config.num_attention_heads,
            eps: config.layer_norm_eps,
            first_position: config.first_position(),
            hidden_dropout: config.hidden_dropout_prob,
            attention_dropout: config.attention_probs_dropout_prob,
            classifier_dropout: config.classifier_dropout.unwrap_or(config.hidden_dropout_prob),
            recompute: false,
            bf16: false,
        }
    }
}

/// Embeddings and layers.
#[derive(Module, Debug)]
pub struct Encoder {
    /// `[vocabulary, hidden]`; also the MLM head's decoder.
    pub word: Param<Tensor<2>>,
    /// `[max_position_embeddings, hidden]`
    pub position: Param<Tensor<2>>,
    /// `[type_vocab_size, hidden]`, of which row 0 is used.
    pub token_type: Param<Tensor<2>>,
    /// Layer norm of the embeddings.
    pub norm: LayerNorm,
    /// The layers, first one first.
    pub layers: Vec<Layer>,
    #[module(skip)]
    constants: Constants,
}

impl Encoder {
    pub(crate) fn new(config: &ModelConfig, device: &Device) -> Self {
        let hidden = config.hidden_size;
        Self {
            word: parameter([config.vocab_size, hidden], device),
            position: parameter([config.max_position_embeddings, hidden], device),
            token_type: parameter([config.type_vocab_size, hidden], device),
            norm: LayerNorm::new(hidden, device),
            layers: (0..config.num_hidden_layers).map(|_| Layer::new(config, device)).collect(),
            constants: Constants::new(config),
        }
    }

    pub(crate) fn constants(&self) -> &Constants {
        &self.constants
    }

    /// The word embeddings, for one forward pass.
    pub fn words(&self) -> TiedTable {
        TiedTable::new(self.word.val()).bf16(self.constants.bf16)
    }

    /// Whether layers keep only their input for the backward pass and compute the rest again there ("activation
    /// checkpointing"): a third more time for a tenth of the memory; the results are the same bit for bit.
    pub fn recompute_activations(&mut self, recompute: bool) {
        self.constants.recompute = recompute;
    }

    /// Whether the layers and the scores of the vocabulary multiply matrices in bf16, see [`kbioxlm_ops::plain::product`]; parameters,
    /// their gradients and all that is between products stay `f32`. It pays where [`has_bf16`](crate::has_bf16) is true.
    pub fn multiply_in_bf16(&mut self, bf16: bool) {
        self.constants.bf16 = bf16;
    }

    /// The hidden states of the last layer: `[rows.len(), hidden]`, or `[tokens, hidden]` where `rows` is `None`.
    ///
    /// `words` is [`Encoder::words`]; with `rows` the last layer is computed only where its output is used: keys and values
    /// everywhere, everything behind the attention at `rows`.
    pub fn forward(
        &self,
        words: &TiedTable,
        batch: &PackedBatch,
        rows: Option<&[usize]>,
        seeds: &mut DropoutSeeds,
    ) -> Tensor<2> {
        let device = self.word.val().device();
        let first = self.constants.first_position;
        let positions = batch.lengths.iter().flat_map(|&length| first..first + length);
        let words = words.look_up(&batch.ids);
        let places = self.position.val().select(0, indices(positions, &device)) + self.token_type.val().narrow(0, 0, 1);
        let embedded = self.norm.forward(words + places, self.constants.eps);
        let mut x = dropout(embedded, seeds.next(self.constants.hidden_dropout));
        let last = self.layers.len().saturating_sub(1);
        for (i, layer) in self.layers.iter().enumerate() {
            let settings = LayerSettings {
                lengths: batch.lengths.clone(),
                rows: rows.filter(|_| i == last).map(<[usize]>::to_vec),
                heads: self.constants.heads,
                eps: self.constants.eps,
                attention_dropout: seeds.next(self.constants.attention_dropout),
                output_dropout: [0; 2].map(|_| seeds.next(self.constants.hidden_dropout)),
                recompute: self.constants.recompute,
                bf16: self.constants.bf16,
            };
            x = encoder_layer(x, &layer.parameters(), &settings);
        }
        x
    }
}

/// Row numbers as a tensor. Integers have no gradient: they live beside the autodiff device, not on it.
fn indices(rows: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.map(|row| row as i64).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), device)
}
