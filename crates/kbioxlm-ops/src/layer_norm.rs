//! Layer normalisation.

use crate::flex::{contiguous, is_fused, tensor};
use crate::pool::Buffer;
use crate::simd::{dot, kernel, sum};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Rows per parallel job, and per partial sum of the gradients of gain and shift: fixed, so that the order of the
/// additions does not depend on the number of threads.
pub(crate) const ROWS: usize = 32;

/// Layer normalisation (Ba, Kiros and Hinton 2016) of each row of `x` `[tokens, width]`:
/// `(x - mean) / sqrt(variance + eps) * gamma + beta`, with `gamma` and `beta` `[width]` and the biased variance.
///
/// # Panics
/// If the width of `x` is not the length of `gamma` and `beta`.
pub fn layer_norm(x: Tensor<2>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<2> {
    check_shapes(&x, &gamma, &beta);
    if !is_fused(&x) {
        return crate::plain::layer_norm(x, gamma, beta, eps);
    }
    let (x, gamma, beta) = (x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LayerNormOp>::layer_norm_op(x, gamma, beta, eps as f32))
}

fn check_shapes(x: &Tensor<2>, gamma: &Tensor<1>, beta: &Tensor<1>) {
    let [_, width] = x.dims();
    assert!(gamma.dims() == [width] && beta.dims() == [width], "layer norm: gain or shift is not {width} wide");
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait LayerNormOp: Backend {
    fn layer_norm_op(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;
}

impl LayerNormOp for Flex {
    fn layer_norm_op(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, eps: f32) -> FlexTensor {
        forward(x, gamma, beta, eps).0
    }
}

impl<C: CheckpointStrategy> LayerNormOp for Autodiff<Flex, C> {
    fn layer_norm_op(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        let ((x, nx), (gamma, ng), (beta, nb)) = (x.into_parts(), gamma.into_parts(), beta.into_parts());
        let (y, state) = forward(x, gamma, beta, eps);
        match LayerNormBackward.prepare::<C>([nx, ng, nb]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// What the backward pass needs: the normalised rows before gain and shift, `1 / sqrt(variance + eps)` of each row, and
/// the gain.
#[derive(Clone, Debug)]
struct State {
    normalised: FlexTensor,
    inverse_deviation: Vec<f32>,
    gamma: FlexTensor,
}

#[derive(Debug)]
struct LayerNormBackward;

impl Backward<Flex, 3> for LayerNormBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut d = contiguous(grads.consume::<Flex>(&ops.node));
        let State { normalised, inverse_deviation, gamma } = ops.state;
        let sums = gradients(d.storage_mut(), normalised.storage(), &inverse_deviation, gamma.storage());
        let [dgamma, dbeta] = sums.map(|sum| tensor(sum, gamma.shape()));
        for (parent, d) in ops.parents.into_iter().zip([d, dgamma, dbeta]) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, d);
            }
        }
    }
}

/// The result, and the state for the backward pass, which takes over the memory of `x`.
fn forward(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, eps: f32) -> (FlexTensor, State) {
    let (mut x, gamma, beta) = (contiguous(x), contiguous(gamma), contiguous(beta));
    let shape = x.shape();
    let [rows, width] = [shape[0], shape[1]];
    let mut y = Buffer::new(rows * width);
    let mut inverse_deviation = vec![0.0; rows];
    if rows * width > 0 {
        x.storage_mut::<f32>()
            .par_chunks_mut(ROWS * width)
            .zip(y.par_chunks_mut(ROWS * width))
            .zip(inverse_deviation.par_chunks_mut(ROWS))
            .for_each(|((x, y), inverse)| normalise::run(x, y, inverse, gamma.storage(), beta.storage(), eps));
    }
    (tensor(y.into_vec(), shape), State { normalised: x, inverse_deviation, gamma })
}

/// Turns `d` from the gradient of the result into that of the input; returns those of gain and shift.
pub(crate) fn gradients(d: &mut [f32], normalised: &[f32], inverse_deviation: &[f32], gamma: &[f32]) -> [Vec<f32>; 2] {
    let width = gamma.len();
    let parts = (d.par_chunks_mut(ROWS * width.max(1)))
        .zip(normalised.par_chunks(ROWS * width.max(1)))
        .zip(inverse_deviation.par_chunks(ROWS))
        .map(|((d, normalised), inverse)| {
            let mut part = vec![0.0; 2 * width];
            backward::run(d, normalised, inverse, gamma, &mut part);
            part
        });
    let mut dgamma = total(parts.collect(), 2 * width);
    let dbeta = dgamma.split_off(width);
    [dgamma, dbeta]
}

/// The sum of the parts, each `width` long, in their order.
pub(crate) fn total(parts: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
    }
    sums
}

kernel! {
    /// `y = x * gamma + beta` in each row.
    fn scale<A>(y: &mut [f32], x: &[f32], gamma: &[f32], beta: &[f32]) {
        for (y, x) in y.chunks_exact_mut(gamma.len()).zip(x.chunks_exact(gamma.len())) {
            for (((y, x), g), b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                *y = A::mul_add(*x, *g, *b);
            }
        }
    }
}

kernel! {
    /// Normalises the rows `x` in place and writes `y = x * gamma + beta`.
    fn normalise<A>(
        x: &mut [f32],
        y: &mut [f32],
        inverse_deviation: &mut [f32],
        gamma: &[f32],
        beta: &[f32],
        eps: f32,
    ) {
        let width = gamma.len();
        for ((x, y), inverse) in x.chunks_exact_mut(width).zip(y.chunks_exact_mut(width)).zip(inverse_deviation) {
            let mean = sum(x) / width as f32;
            for x in x.iter_mut() {
                *x -= mean;
            }
            *inverse = 1.0 / (dot::<A>(x, x) / width as f32 + eps).sqrt();
            for (((x, y), g), b) in x.iter_mut().zip(y).zip(gamma).zip(beta) {
                *x *= *inverse;
                *y = A::mul_add(*x, *g, *b);
            }
        }
    }
}

kernel! {
    /// Turns the gradients `d` of rows of the result into those of the input; adds to `sums` those of gain and shift.
    ///
    /// With the normalised row n and e = d * gamma: `dx = (e - mean(e) - n * mean(e * n)) / deviation`.
    fn backward<A>(d: &mut [f32], normalised: &[f32], inverse_deviation: &[f32], gamma: &[f32], sums: &mut [f32]) {
        let width = gamma.len();
        let (dgamma, dbeta) = sums.split_at_mut(width);
        for ((d, n), inverse) in d.chunks_exact_mut(width).zip(normalised.chunks_exact(width)).zip(inverse_deviation) {
            for ((d, n), (dgamma, dbeta)) in d.iter().zip(n).zip(dgamma.iter_mut().zip(dbeta.iter_mut())) {
                *dgamma = A::mul_add(*d, *n, *dgamma);
                *dbeta += d;
            }
            for (d, g) in d.iter_mut().zip(gamma) {
                *d *= g;
            }
            let mean = sum(d) / width as f32;
            let slope = dot::<A>(d, n) / width as f32;
            for (d, n) in d.iter_mut().zip(n) {
                *d = inverse * (A::mul_add(-slope, *n, *d) - mean);
            }
        }
    }
}

#[cfg(test)]
mod tests;
