//! The operations of this crate as compositions of Burn's own: they run on every device and are the reference that the
//! fused kernels are tested against. Arguments, results and panics are those of the functions of the same name at the
//! root of the crate.

use crate::{AdamWStep, Dropout};
use burn::tensor::{Int, Tensor, TensorData, activation};

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

/// See [`crate::add_layer_norm`].
pub fn add_layer_norm(x: Tensor<2>, residual: Tensor<2>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<2> {
    layer_norm(x + residual, gamma, beta, eps)
}

/// See [`crate::attention`].
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    lengths: &[usize],
    heads: usize,
    dropout: Dropout,
) -> Tensor<2> {
    let [tokens, width] = q.dims();
    crate::attention::check_shapes(&q, &k, &v, lengths, heads);
    if tokens == 0 {
        return q;
    }
    let size = width / heads;
    let scale = 1.0 / (size as f64).sqrt();
    let (mut row, mut element) = (0, 0);
    let mut parts = Vec::with_capacity(lengths.len());
    for &length in lengths.iter().filter(|&&length| length > 0) {
        let by_head = |x: &Tensor<2>| x.clone().narrow(0, row, length).reshape([length, heads, size]).swap_dims(0, 1);
        let scores = by_head(&q).matmul(by_head(&k).transpose()) * scale;
        let mut weights = activation::softmax(scores, 2);
        if dropout.is_active() {
            weights = weights.clone() * mask(&weights, dropout, element);
        }
        parts.push(weights.matmul(by_head(&v)).swap_dims(0, 1).reshape([length, width]));
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
