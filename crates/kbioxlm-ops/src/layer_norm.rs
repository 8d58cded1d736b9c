//! Layer normalisation, alone and after the addition of a residual.

use crate::flex::{assume_init, contiguous, is_fused, tensor, uninit};
use crate::simd::{dot, kernel, sum};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Rows per parallel job, and per partial sum of the gradients of gain and shift: fixed, so that the order of the
/// additions does not depend on the number of threads.
const ROWS: usize = 32;

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

/// `layer_norm(x + residual, ...)`: the end of each half of a post-LN layer.
///
/// # Panics
/// If `x` and `residual` differ in shape, or their width is not the length of `gamma` and `beta`.
pub fn add_layer_norm(x: Tensor<2>, residual: Tensor<2>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<2> {
    check_shapes(&x, &gamma, &beta);
    assert_eq!(x.dims(), residual.dims(), "layer norm: the residual has another shape");
    if !is_fused(&x) {
        return crate::plain::add_layer_norm(x, residual, gamma, beta, eps);
    }
    let (x, residual) = (x.into_dispatch(), residual.into_dispatch());
    let (gamma, beta) = (gamma.into_dispatch(), beta.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LayerNormOp>::add_layer_norm_op(x, residual, gamma, beta, eps as f32))
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
    fn add_layer_norm_op(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;
}

impl LayerNormOp for Flex {
    fn layer_norm_op(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, eps: f32) -> FlexTensor {
        forward(x, None, gamma, beta, eps).0
    }

    fn add_layer_norm_op(
        x: FlexTensor,
        residual: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        eps: f32,
    ) -> FlexTensor {
        forward(x, Some(residual), gamma, beta, eps).0
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
        let (y, state) = forward(x, None, gamma, beta, eps);
        match LayerNormBackward.prepare::<C>([nx, ng, nb]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(state, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn add_layer_norm_op(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self> {
        let ((x, nx), (residual, nr)) = (x.into_parts(), residual.into_parts());
        let ((gamma, ng), (beta, nb)) = (gamma.into_parts(), beta.into_parts());
        let (y, state) = forward(x, Some(residual), gamma, beta, eps);
        match AddLayerNormBackward.prepare::<C>([nx, nr, ng, nb]).compute_bound().stateful() {
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
        let d = gradients(grads.consume::<Flex>(&ops.node), &ops.state);
        for (parent, d) in ops.parents.into_iter().zip(d) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, d);
            }
        }
    }
}

#[derive(Debug)]
struct AddLayerNormBackward;

impl Backward<Flex, 4> for AddLayerNormBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [dx, dgamma, dbeta] = gradients(grads.consume::<Flex>(&ops.node), &ops.state);
        for (parent, d) in ops.parents.into_iter().zip([dx.clone(), dx, dgamma, dbeta]) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, d);
            }
        }
    }
}

/// The result, and the state for the backward pass, which takes over the memory of `x` (or of the residual, if only that
/// is not in use elsewhere).
fn forward(
    x: FlexTensor,
    residual: Option<FlexTensor>,
    gamma: FlexTensor,
    beta: FlexTensor,
    eps: f32,
) -> (FlexTensor, State) {
    let (mut x, residual) = match residual {
        Some(residual) if residual.is_unique() && !x.is_unique() => (contiguous(residual), Some(contiguous(x))),
        residual => (contiguous(x), residual.map(contiguous)),
    };
    let (gamma, beta) = (contiguous(gamma), contiguous(beta));
    let shape = x.shape();
    let [rows, width] = [shape[0], shape[1]];
    let mut y = uninit(rows * width);
    let mut inverse_deviation = vec![0.0; rows];
    if rows * width > 0 {
        if let Some(residual) = &residual {
            // Together with the normalisation of the same rows would be one pass less, but the rows are in the cache.
            let residual: &[f32] = residual.storage();
            x.storage_mut::<f32>()
                .par_chunks_mut(ROWS * width)
                .zip(residual.par_chunks(ROWS * width))
                .zip(y.par_chunks_mut(ROWS * width))
                .zip(inverse_deviation.par_chunks_mut(ROWS))
                .for_each(|(((x, residual), y), inverse)| {
                    x.iter_mut().zip(residual).for_each(|(x, r)| *x += r);
                    normalise::run(x, y, inverse, gamma.storage(), beta.storage(), eps);
                });
        } else {
            x.storage_mut::<f32>()
                .par_chunks_mut(ROWS * width)
                .zip(y.par_chunks_mut(ROWS * width))
                .zip(inverse_deviation.par_chunks_mut(ROWS))
                .for_each(|((x, y), inverse)| normalise::run(x, y, inverse, gamma.storage(), beta.storage(), eps));
        }
    }
    // SAFETY: the chunks of `x` and `y` match, they consist of whole rows, and the kernel writes every row of `y`.
    let y = tensor(unsafe { assume_init(y) }, shape);
    (y, State { normalised: x, inverse_deviation, gamma })
}

/// The gradients of the input, gain and shift from that of the result.
fn gradients(d: FlexTensor, state: &State) -> [FlexTensor; 3] {
    let mut d = contiguous(d);
    let (gamma, normalised): (&[f32], &[f32]) = (state.gamma.storage(), state.normalised.storage());
    let width = gamma.len();
    let mut sums = vec![0.0; 2 * width];
    if !normalised.is_empty() {
        let parts: Vec<Vec<f32>> = d
            .storage_mut::<f32>()
            .par_chunks_mut(ROWS * width)
            .zip(normalised.par_chunks(ROWS * width))
            .zip(state.inverse_deviation.par_chunks(ROWS))
            .map(|((d, normalised), inverse)| {
                let mut part = vec![0.0; 2 * width];
                backward::run(d, normalised, inverse, gamma, &mut part);
                part
            })
            .collect();
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
    }
    let dbeta = sums.split_off(width);
    [d, tensor(sums, Shape::new([width])), tensor(dbeta, Shape::new([width]))]
}

kernel! {
    /// Normalises the rows `x` in place and writes `y = x * gamma + beta`.
    fn normalise<A>(
        x: &mut [f32],
        y: &mut [MaybeUninit<f32>],
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
                y.write(A::mul_add(*x, *g, *b));
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
