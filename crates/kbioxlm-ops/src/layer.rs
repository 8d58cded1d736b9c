//! One post-layer-norm transformer layer as a single operation.
//!
//! As one node of the graph the layer decides itself what it keeps for the backward pass: queries, keys, values, context
//! vectors, the normalised rows of both layer norms and the argument of the GELU; what is cheap to compute again (the
//! attention's probabilities, the GELU, results of layer norms) is not kept, and with [`LayerSettings::recompute`]
//! nothing is but the layer's input (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").

mod passes;
mod rows;

use crate::Dropout;
use crate::attention::Attention;
use crate::flex::{contiguous, is_fused, tensor};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use passes::{Parameters, Saved, backward, forward};
use std::sync::Arc;

/// Weight and bias of `x · weight + bias`.
#[derive(Clone, Debug)]
pub struct LinearParameters {
    /// `[inputs, outputs]`
    pub weight: Tensor<2>,
    /// `[outputs]`
    pub bias: Tensor<1>,
}

/// Gain and shift of a layer norm, both `[width]`.
#[derive(Clone, Debug)]
pub struct NormParameters {
    /// Gain.
    pub weight: Tensor<1>,
    /// Shift.
    pub bias: Tensor<1>,
}

/// The parameters of a layer.
#[derive(Clone, Debug)]
pub struct LayerParameters {
    /// Query projection, `width` -> `width`.
    pub query: LinearParameters,
    /// Key projection.
    pub key: LinearParameters,
    /// Value projection.
    pub value: LinearParameters,
    /// Output projection of the attention.
    pub attention_output: LinearParameters,
    /// Layer norm after the attention.
    pub attention_norm: NormParameters,
    /// First projection of the feed-forward part, `width` -> `inner`.
    pub intermediate: LinearParameters,
    /// Second projection of the feed-forward part, `inner` -> `width`.
    pub output: LinearParameters,
    /// Layer norm after the feed-forward part.
    pub output_norm: NormParameters,
}

/// What a layer needs besides parameters.
#[derive(Clone, Debug)]
pub struct LayerSettings {
    /// The number of rows of each sequence, in order; zeros are allowed.
    pub lengths: Vec<usize>,
    /// The rows whose output is wanted, `None` for all: keys and values are computed everywhere, what comes behind the
    /// attention at these rows only.
    pub rows: Option<Vec<usize>>,
    /// Attention heads; divides the width.
    pub heads: usize,
    /// Added to the variance in layer norms.
    pub eps: f64,
    /// Dropout on the attention's probabilities.
    pub attention_dropout: Dropout,
    /// Dropout on the results of the attention and of the feed-forward part.
    pub output_dropout: [Dropout; 2],
    /// Keep only the input for the backward pass and compute everything else again there: a third more time for a
    /// tenth of the memory.
    pub recompute: bool,
    /// Multiply matrices in bf16, see [`crate::plain::product`]; not for the fused operation, which is left out then.
    pub bf16: bool,
}

impl LayerSettings {
    fn attention(&self) -> Attention<'_> {
        Attention { lengths: &self.lengths, heads: self.heads, dropout: self.attention_dropout }
    }
}

/// A transformer layer (Vaswani et al. 2017) with layer norm behind each half, as in BERT, on packed sequences:
/// `x` `[tokens, width]` -> `[rows, width]`.
///
/// # Panics
/// If shapes do not fit together, the lengths do not add up to the number of tokens, or a row is not in `x`.
pub fn encoder_layer(x: Tensor<2>, parameters: &LayerParameters, settings: &LayerSettings) -> Tensor<2> {
    check(&x, parameters, settings);
    if settings.bf16 || !is_fused(&x) {
        return crate::plain::encoder_layer(x, parameters, settings);
    }
    let linear = |p: &LinearParameters| (p.weight.clone().into_dispatch(), p.bias.clone().into_dispatch());
    let norm = |p: &NormParameters| (p.weight.clone().into_dispatch(), p.bias.clone().into_dispatch());
    let (query_weight, query_bias) = linear(&parameters.query);
    let (key_weight, key_bias) = linear(&parameters.key);
    let (value_weight, value_bias) = linear(&parameters.value);
    let (attention_weight, attention_bias) = linear(&parameters.attention_output);
    let (attention_gain, attention_shift) = norm(&parameters.attention_norm);
    let (intermediate_weight, intermediate_bias) = linear(&parameters.intermediate);
    let (output_weight, output_bias) = linear(&parameters.output);
    let (output_gain, output_shift) = norm(&parameters.output_norm);
    let inputs = Inputs::<Dispatch> {
        x: x.into_dispatch(),
        query_weight,
        query_bias,
        key_weight,
        key_bias,
        value_weight,
        value_bias,
        attention_weight,
        attention_bias,
        attention_gain,
        attention_shift,
        intermediate_weight,
        intermediate_bias,
        output_weight,
        output_bias,
        output_gain,
        output_shift,
    };
    Tensor::from_dispatch(<Dispatch as LayerOp>::encoder_layer_op(inputs, settings.clone()))
}

fn check(x: &Tensor<2>, p: &LayerParameters, settings: &LayerSettings) {
    let [tokens, width] = x.dims();
    let [_, inner] = p.intermediate.weight.dims();
    let linears = [
        (&p.query, [width, width]),
        (&p.key, [width, width]),
        (&p.value, [width, width]),
        (&p.attention_output, [width, width]),
        (&p.intermediate, [width, inner]),
        (&p.output, [inner, width]),
    ];
    for (linear, shape) in linears {
        let fits = linear.weight.dims() == shape && linear.bias.dims() == [shape[1]];
        assert!(fits, "encoder layer: a projection is not {} to {} wide", shape[0], shape[1]);
    }
    for norm in [&p.attention_norm, &p.output_norm] {
        let fits = norm.weight.dims() == [width] && norm.bias.dims() == [width];
        assert!(fits, "encoder layer: gain or shift is not {width} wide");
    }
    let heads = settings.heads;
    assert!(width > 0 && inner > 0, "encoder layer: a width of 0");
    assert!(heads > 0 && width.is_multiple_of(heads), "encoder layer: width {width} is not divisible by {heads} heads");
    let sum: usize = settings.lengths.iter().sum();
    assert_eq!(sum, tokens, "encoder layer: the lengths of the sequences do not add up to the number of rows");
    let inside = settings.rows.iter().flatten().all(|&row| row < tokens);
    assert!(inside, "encoder layer: a row is not among the {tokens} of the input");
}

/// The tensors of the operation, the layer's input first.
#[derive(ExtensionType)]
pub(crate) struct Inputs<B: Backend> {
    x: FloatTensor<B>,
    query_weight: FloatTensor<B>,
    query_bias: FloatTensor<B>,
    key_weight: FloatTensor<B>,
    key_bias: FloatTensor<B>,
    value_weight: FloatTensor<B>,
    value_bias: FloatTensor<B>,
    attention_weight: FloatTensor<B>,
    attention_bias: FloatTensor<B>,
    attention_gain: FloatTensor<B>,
    attention_shift: FloatTensor<B>,
    intermediate_weight: FloatTensor<B>,
    intermediate_bias: FloatTensor<B>,
    output_weight: FloatTensor<B>,
    output_bias: FloatTensor<B>,
    output_gain: FloatTensor<B>,
    output_shift: FloatTensor<B>,
}

/// Number of tensors in [`Inputs`].
const INPUTS: usize = 17;

impl<B: Backend> Inputs<B> {
    fn into_array(self) -> [FloatTensor<B>; INPUTS] {
        [
            self.x,
            self.query_weight,
            self.query_bias,
            self.key_weight,
            self.key_bias,
            self.value_weight,
            self.value_bias,
            self.attention_weight,
            self.attention_bias,
            self.attention_gain,
            self.attention_shift,
            self.intermediate_weight,
            self.intermediate_bias,
            self.output_weight,
            self.output_bias,
            self.output_gain,
            self.output_shift,
        ]
    }
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait LayerOp: Backend {
    fn encoder_layer_op(#[extension_type] inputs: Inputs<Self>, settings: LayerSettings) -> FloatTensor<Self>;
}

impl LayerOp for Flex {
    fn encoder_layer_op(inputs: Inputs<Self>, settings: LayerSettings) -> FlexTensor {
        run(&inputs.into_array().map(contiguous), &settings).0
    }
}

impl<C: CheckpointStrategy> LayerOp for Autodiff<Flex, C> {
    fn encoder_layer_op(inputs: Inputs<Self>, settings: LayerSettings) -> FloatTensor<Self> {
        let parts = inputs.into_array().map(|input| input.into_parts());
        let tensors = parts.each_ref().map(|(tensor, _)| contiguous(tensor.clone()));
        let nodes = parts.map(|(_, node)| node);
        let (y, saved) = run(&tensors, &settings);
        match LayerBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let saved = (!settings.recompute).then(|| Arc::new(saved));
                prep.finish(State { tensors, settings, saved }, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

fn run(tensors: &[FlexTensor; INPUTS], settings: &LayerSettings) -> (FlexTensor, Saved) {
    let width = tensors[0].shape()[1];
    let (y, saved) = forward(&Parameters::new(tensors, settings.eps), settings);
    let rows = y.len().checked_div(width).unwrap_or(0);
    (tensor(y.into_vec(), Shape::new([rows, width])), saved)
}

#[derive(Clone, Debug)]
struct State {
    tensors: [FlexTensor; INPUTS],
    settings: LayerSettings,
    /// `None`: to be computed again.
    saved: Option<Arc<Saved>>,
}

#[derive(Debug)]
struct LayerBackward;

impl Backward<Flex, INPUTS> for LayerBackward {
    type State = State;

    fn backward(self, ops: Ops<State, INPUTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = contiguous(grads.consume::<Flex>(&ops.node));
        let State { tensors, settings, saved } = ops.state;
        let parameters = Parameters::new(&tensors, settings.eps);
        let saved = match saved {
            Some(saved) => Arc::unwrap_or_clone(saved),
            None => forward(&parameters, &settings).1,
        };
        let gradients = backward(&parameters, &settings, saved, d.storage());
        for ((parent, input), gradient) in ops.parents.into_iter().zip(&tensors).zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, tensor(gradient, input.shape()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
