//! The operations of this crate as compositions of Burn's own: they run on every device and are the reference that the
//! fused kernels are tested against. Arguments, results and panics are those of the functions of the same name at the
//! root of the crate.

use crate::{AdamWStep, Dropout, LayerParameters, LayerSettings, LinearParameters, NormParameters, RowLoss};
use burn::tensor::{FloatDType, Int, Tensor, TensorData, activation};

/// The product of two matrices, or of two rows of matrices.
///
/// With `bf16` both are rounded to bf16 before, and the result after: what multiplies such numbers adds up in `f32`. Everything
/// between products stays `f32`, as do the parameters, whose gradients come back through the rounding: the "mixed precision" of
/// Micikevicius et al. (2018), with numbers whose range needs no scaling of the loss.
pub fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>, bf16: bool) -> Tensor<D> {
    if bf16 { a.cast(FloatDType::BF16).matmul(b.cast(FloatDType::BF16)).cast(FloatDType::F32) } else { a.matmul(b) }
}

/// See [`crate::gelu`].
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    activation::gelu(x)
}

/// See [`crate::layer_norm`].
pub fn layer_norm(x: Tensor<2>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    centred / (variance + eps).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}

/// See [`crate::encoder_layer`].
pub fn encoder_layer(x: Tensor<2>, parameters: &LayerParameters, settings: &LayerSettings) -> Tensor<2> {
    let linear =
        |p: &LinearParameters, x: Tensor<2>| product(x, p.weight.clone(), settings.bf16) + p.bias.clone().unsqueeze();
    let norm = |p: &NormParameters, x| layer_norm(x, p.weight.clone(), p.bias.clone(), settings.eps);
    let [q, k, v] = [&parameters.query, &parameters.key, &parameters.value].map(|p| linear(p, x.clone()));
    let context = attention(q, k, v, &settings.lengths, settings.heads, settings.attention_dropout, settings.bf16);
    let (x, context) = match &settings.rows {
        Some(rows) => (select(x, rows), select(context, rows)),
        None => (x, context),
    };
    let [dropout1, dropout2] = settings.output_dropout;
    let attended = dropout(linear(&parameters.attention_output, context), dropout1);
    let x = norm(&parameters.attention_norm, attended + x);
    let output = linear(&parameters.output, gelu(linear(&parameters.intermediate, x.clone())));
    norm(&parameters.output_norm, dropout(output, dropout2) + x)
}

/// See [`crate::TiedTable::look_up`].
pub fn look_up(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    let rows: Vec<usize> = ids.iter().map(|&id| id as usize).collect();
    select(table, &rows)
}

fn select(x: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let count = rows.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &x.device());
    x.select(0, rows)
}

/// Multi-head self-attention inside each of the packed sequences: `softmax(Q K^T / sqrt(width / heads)) V` with
/// dropout on the probabilities, all matrices `[tokens, width]`.
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    lengths: &[usize],
    heads: usize,
    dropout: Dropout,
    bf16: bool,
) -> Tensor<2> {
    let [tokens, width] = q.dims();
    if tokens == 0 {
        return q;
    }
    let size = width / heads;
    let scale = 1.0 / (size as f64).sqrt();
    let (mut row, mut element) = (0, 0);
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths.iter().filter(|&&length| length > 0) {
        let by_head = |x: &Tensor<2>| x.clone().narrow(0, row, length).reshape([length, heads, size]).swap_dims(0, 1);
        let scores = product(by_head(&q), by_head(&k).transpose(), bf16) * scale;
        let mut weights = activation::softmax(scores, 2);
        if dropout.is_active() {
            weights = weights.clone() * mask(&weights, dropout, element);
        }
        parts.push(product(weights, by_head(&v), bf16).swap_dims(0, 1).reshape([length, width]));
        row += length;
        element += (heads * length * length) as u64;
    }
    Tensor::cat(parts, 0)
}

/// See [`crate::dropout`].
pub fn dropout(x: Tensor<2>, dropout: Dropout) -> Tensor<2> {
    if dropout.is_active() { x.clone() * mask(&x, dropout, 0) } else { x }
}

/// The dropout factors for a tensor like `x` whose first element has the index `first`.
fn mask<const D: usize>(x: &Tensor<D>, dropout: Dropout, first: u64) -> Tensor<D> {
    let mask = dropout.mask();
    let indices = first..first + x.shape().num_elements() as u64;
    let factors: Vec<f32> = indices.map(|index| mask.factor(index as u32)).collect();
    Tensor::from_data(TensorData::new(factors, x.shape()), (&x.device(), x.dtype()))
}

/// See [`crate::cross_entropy`].
pub fn cross_entropy(logits: Tensor<2>, targets: &[u32]) -> Tensor<1> {
    crate::cross_entropy::check_targets(&logits, targets);
    if targets.is_empty() {
        return logits.sum();
    }
    let indices: Vec<i64> = targets.iter().map(|&t| i64::from(t)).collect();
    let indices = Tensor::<2, Int>::from_data(TensorData::new(indices, [targets.len(), 1]), &logits.device());
    -activation::log_softmax(logits, 1).gather(1, indices).sum()
}

/// See [`crate::vocabulary_loss`].
pub fn vocabulary_loss(
    states: Tensor<2>,
    word: Tensor<2>,
    bias: Tensor<1>,
    targets: &[u32],
    scale: f64,
    bf16: bool,
) -> (Tensor<1>, Vec<RowLoss>) {
    if targets.is_empty() {
        return (states.sum(), Vec::new());
    }
    let scores = product(states, word.transpose(), bf16) + bias.unsqueeze();
    let indices: Vec<i64> = targets.iter().map(|&t| i64::from(t)).collect();
    let indices = Tensor::<2, Int>::from_data(TensorData::new(indices, [targets.len(), 1]), &scores.device());
    let losses = -activation::log_softmax(scores.clone(), 1).gather(1, indices.clone());
    let lead = (scores.clone().gather(1, indices) - scores.max_dim(1)).into_data();
    let values = losses.clone().into_data();
    let rows = values.iter::<f64>().zip(lead.iter::<f64>());
    let rows = rows.map(|(loss, lead)| RowLoss { loss, right: lead >= 0.0 }).collect();
    (losses.sum() * scale, rows)
}

/// See [`crate::adamw`].
pub fn adamw<const D: usize>(
    weight: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    step: &AdamWStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let [correction1, correction2] = step.corrections();
    let grad = grad * step.grad_scale;
    let m = m * step.beta1 + grad.clone() * (1.0 - step.beta1);
    let v = v * step.beta2 + grad.clone() * grad * (1.0 - step.beta2);
    let update = m.clone() * correction1 / ((v.clone() * correction2).sqrt() + step.epsilon);
    (weight * (1.0 - step.learning_rate * step.weight_decay) - update * step.learning_rate, m, v)
}

/// See [`crate::squared_norm`].
pub fn squared_norm<const D: usize>(grad: Tensor<D>) -> f64 {
    (grad.clone() * grad).sum().into_scalar::<f64>()
}
