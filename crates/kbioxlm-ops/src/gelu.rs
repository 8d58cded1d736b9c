//! GELU with the exact normal distribution function.

use crate::flex::{CHUNK, contiguous, is_fused, tensor};
use crate::pool::Buffer;
use crate::simd::{Arithmetic, exp, kernel, polynomial};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Gaussian error linear unit (Hendrycks and Gimpel 2016), `x * Phi(x)`, with the exact distribution function
/// `Phi(x) = (1 + erf(x / sqrt 2)) / 2`, not the tanh approximation.
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    if !is_fused(&x) {
        return crate::plain::gelu(x);
    }
    Tensor::from_dispatch(<Dispatch as GeluOp>::gelu_op(x.into_dispatch()))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait GeluOp: Backend {
    fn gelu_op(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl GeluOp for Flex {
    fn gelu_op(x: FlexTensor) -> FlexTensor {
        forward(&contiguous(x))
    }
}

impl<C: CheckpointStrategy> GeluOp for Autodiff<Flex, C> {
    fn gelu_op(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let x = contiguous(x);
        let y = forward(&x);
        match GeluBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct GeluBackward;

impl Backward<Flex, 1> for GeluBackward {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut d = contiguous(grads.consume::<Flex>(&ops.node));
        let x = ops.state;
        if let [Some(parent)] = ops.parents {
            let chunks = d.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(x.storage::<f32>().par_chunks(CHUNK));
            chunks.for_each(|(d, x)| backward::run(d, x));
            grads.register::<Flex>(parent.id, d);
        }
    }
}

fn forward(x: &FlexTensor) -> FlexTensor {
    let elements: &[f32] = x.storage();
    let mut y = Buffer::new(elements.len());
    y.par_chunks_mut(CHUNK).zip(elements.par_chunks(CHUNK)).for_each(|(y, x)| values::run(y, x));
    tensor(y.into_vec(), x.shape())
}

kernel! {
    /// `y = gelu(x)`
    fn values<A>(y: &mut [f32], x: &[f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * normal::<A>(x).0;
        }
    }
}

kernel! {
    /// `y = gelu(x)`, and `x` becomes `gelu'(x)`.
    fn values_and_slopes<A>(y: &mut [f32], x: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            let (distribution, density) = normal::<A>(*x);
            *y = *x * distribution;
            *x = A::mul_add(*x, density, distribution);
        }
    }
}

kernel! {
    /// `d *= gelu'(x)`
    fn backward<A>(d: &mut [f32], x: &[f32]) {
        for (d, &x) in d.iter_mut().zip(x) {
            let (distribution, density) = normal::<A>(x);
            *d *= A::mul_add(x, density, distribution);
        }
    }
}

/// The standard normal distribution function `Phi(x)` and the density.
///
/// For `|x| < 1.5`, `Phi(x) = 1/2 + x R(x^2)`; beyond, the tail is `exp(-x^2 / 2) t P(t)` with `t = 1 / (1 + 0.4 |x|)`,
/// the form of Abramowitz and Stegun 7.1.26. `R` and `P` are minimax polynomials in the relative error (Remez; 3e-9 and
/// 5e-8 on 1.45 to 13.3). In `f32` the absolute error of `Phi` is below 1e-7 (so that of erf, 2 Phi - 1, is below 2e-7)
/// and, unlike with `(1 + erf) / 2`, the lower tail keeps a relative accuracy of 2e-6.
#[inline(always)]
fn normal<A: Arithmetic>(x: f32) -> (f32, f32) {
    const R: [f32; 7] =
        [0.398_942_3, -0.066_490_34, 0.009_973_241, -0.001_186_488_5, 1.143_563_9e-4, -8.718_303e-6, 4.115_559_5e-7];
    const P: [f32; 7] =
        [0.159_599_02, 0.159_042_69, 0.139_402_52, 0.054_126_255, 0.108_038_33, -0.189_003_97, 0.069_110_77];
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    let size = x.abs();
    let square = x * x;
    let e = exp::<A>(-0.5 * square);
    let t = 1.0 / A::mul_add(0.4, size, 1.0);
    let tail = polynomial::<A, 7>(t, P) * t * e;
    let far = if x > 0.0 { 1.0 - tail } else { tail };
    let near = A::mul_add(polynomial::<A, 7>(square, R), x, 0.5);
    (if size < 1.5 { near } else { far }, e * INVERSE_SQRT_TAU)
}

#[cfg(test)]
mod tests;
