//! The norm of a gradient.

use crate::flex::{contiguous, is_fused};
use crate::simd::{LANES, kernel};
use burn::backend::Flex;
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Elements per partial sum: fixed, so that the order of the additions does not depend on the number of threads.
const CHUNK: usize = 1 << 16;

/// The sum of the squares of all elements of `grad`, a part of the squared global norm for clipping.
///
/// On the fused path it is summed in `f64`. Gradients as the autodiff engine returns them, without autodiff of their
/// own, are expected; the autodiff part of any other tensor is left out.
pub fn squared_norm<const D: usize>(grad: Tensor<D>) -> f64 {
    let grad = without_autodiff(grad);
    if !is_fused(&grad) {
        return crate::plain::squared_norm(grad);
    }
    // The device has just been checked, so the conversion does not fail; not-a-number would stop training visibly.
    grad.try_into_primitive::<Flex>().map_or(f64::NAN, |grad| {
        let grad = contiguous(grad);
        let parts: Vec<f64> = grad.storage::<f32>().par_chunks(CHUNK).map(squares::run).collect();
        parts.iter().sum()
    })
}

/// `x` on the device itself, without gradient tracking.
pub(crate) fn without_autodiff<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if x.device().is_autodiff() { x.inner() } else { x }
}

kernel! {
    /// The sum of the squares.
    fn squares<A>(row: &[f32]) -> f64 {
        let mut lanes = [0.0; LANES];
        let chunks = row.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += f64::from(x) * f64::from(x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f64::from(x) * f64::from(x);
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests;
