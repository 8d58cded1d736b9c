//! Dropout whose mask is a function of a seed and the element's index: it is recomputed in the backward pass instead of
//! being stored, and it does not depend on the number of threads or on the order of the operations.

use crate::flex::{CHUNK, contiguous, is_fused};
use crate::simd::kernel;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Which elements are dropped: a function of `seed` and the element's index alone.
///
/// A dropped element becomes 0, any other is divided by `1 - probability`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability with which an element is dropped. At most 0: no dropout; at least 1: everything is dropped.
    pub probability: f32,
    /// The seed of the mask; each use in each step needs its own.
    pub seed: u64,
}

impl Dropout {
    /// No dropout: the operation passes everything through.
    pub fn none() -> Self {
        Self { probability: 0.0, seed: 0 }
    }

    /// Whether anything can be dropped.
    pub(crate) fn is_active(self) -> bool {
        self.probability > 0.0
    }

    /// The rule of the mask, ready for use.
    pub(crate) fn mask(self) -> Mask {
        let key = split_mix(self.seed);
        let scale = if self.probability < 1.0 { 1.0 / (1.0 - self.probability) } else { 0.0 };
        // The conversion saturates; for probabilities from 1 on the scale is 0.
        let threshold = (f64::from(self.probability) * 2f64.powi(32)) as u32;
        Mask { keys: [key as u32, (key >> 32) as u32], threshold, scale }
    }
}

/// The factors of a [`Dropout`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    keys: [u32; 2],
    threshold: u32,
    scale: f32,
}

impl Mask {
    /// The factor of the element with this index: 0 or `1 / (1 - probability)`.
    ///
    /// Indices count modulo 2^32: 32-bit arithmetic is what the vector units multiply fastest, and repeating a mask
    /// after four thousand million elements does no harm.
    #[inline(always)]
    pub(crate) fn factor(self, index: u32) -> f32 {
        let hash = mix(mix(index ^ self.keys[0]).wrapping_add(self.keys[1]));
        if hash < self.threshold { 0.0 } else { self.scale }
    }
}

/// The bijective hash `lowbias32` of C. Wellons' hash-prospector (public domain).
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// One output of SplitMix64 (Steele, Lea and Flood 2014): neighbouring seeds give unrelated keys.
fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Sets elements of `x` to zero at random and scales the others so that the expectation stays the same.
///
/// The index of an element is its place in row order.
pub fn dropout(x: Tensor<2>, dropout: Dropout) -> Tensor<2> {
    if !dropout.is_active() {
        return x;
    }
    if !is_fused(&x) {
        return crate::plain::dropout(x, dropout);
    }
    Tensor::from_dispatch(<Dispatch as DropoutOp>::dropout_op(x.into_dispatch(), dropout))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait DropoutOp: Backend {
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self>;
}

impl DropoutOp for Flex {
    fn dropout_op(x: FlexTensor, dropout: Dropout) -> FlexTensor {
        masked(x, dropout)
    }
}

impl<C: CheckpointStrategy> DropoutOp for Autodiff<Flex, C> {
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let y = masked(x, dropout);
        match DropoutBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(dropout, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct DropoutBackward;

impl Backward<Flex, 1> for DropoutBackward {
    type State = Dropout;

    fn backward(self, ops: Ops<Dropout, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = grads.consume::<Flex>(&ops.node);
        if let [Some(parent)] = ops.parents {
            grads.register::<Flex>(parent.id, masked(d, ops.state));
        }
    }
}

/// `x` times the mask, in place if nobody else holds `x`.
fn masked(x: FlexTensor, dropout: Dropout) -> FlexTensor {
    let mut x = contiguous(x);
    let mask = dropout.mask();
    x.storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| apply::run(chunk, mask, (i * CHUNK) as u32));
    x
}

kernel! {
    /// Multiplies the elements, whose indices start at `first`, by their factors.
    fn apply<A>(x: &mut [f32], mask: Mask, first: u32) {
        for (i, x) in x.iter_mut().enumerate() {
            *x *= mask.factor(first.wrapping_add(i as u32));
        }
    }
}

#[cfg(test)]
mod tests;
