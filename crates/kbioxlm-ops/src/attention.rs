//! Self-attention over packed sequences: one job for each head of each sequence, no padding, and the probabilities are
//! recomputed in the backward pass instead of being stored (they would be the largest activation of the model).

use crate::Dropout;
use crate::dropout::Mask;
use crate::flex::{assume_init, contiguous, is_fused, tensor, uninit};
use crate::matrix::{Matrix, product};
use crate::simd::{dot, exp_sum, kernel, max};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Multi-head self-attention inside each sequence of a packed batch: `softmax(Q K^T / sqrt(width / heads)) V` for each
/// sequence and head, with dropout on the probabilities.
///
/// `q`, `k` and `v` are `[tokens, width]`, head h in the columns `h * width / heads ..`; `lengths` are the numbers of
/// rows of the sequences in order, zeros allowed. The dropout index of a probability counts sequences, then heads, then
/// queries, then keys.
///
/// # Panics
/// If `q`, `k` and `v` differ in shape, the width is not a multiple of `heads`, or the lengths do not add up to the
/// number of rows.
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    lengths: &[usize],
    heads: usize,
    dropout: Dropout,
) -> Tensor<2> {
    check_shapes(&q, &k, &v, lengths, heads);
    if !is_fused(&q) {
        return crate::plain::attention(q, k, v, lengths, heads, dropout);
    }
    let plan = Plan { lengths: lengths.to_vec(), heads, dropout };
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    Tensor::from_dispatch(<Dispatch as AttentionOp>::attention_op(q, k, v, plan))
}

pub(crate) fn check_shapes(q: &Tensor<2>, k: &Tensor<2>, v: &Tensor<2>, lengths: &[usize], heads: usize) {
    let [tokens, width] = q.dims();
    assert!(k.dims() == q.dims() && v.dims() == q.dims(), "attention: queries, keys and values differ in shape");
    assert!(heads > 0 && width.is_multiple_of(heads), "attention: width {width} is not divisible by {heads} heads");
    let sum: usize = lengths.iter().sum();
    assert_eq!(sum, tokens, "attention: the lengths of the sequences do not add up to the number of rows");
}

/// The arguments that are not tensors.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    lengths: Vec<usize>,
    heads: usize,
    dropout: Dropout,
}

/// One head of one sequence.
struct Job {
    /// Where the head's elements of the sequence's first row lie in a `[tokens, width]` matrix.
    offset: usize,
    length: usize,
    /// The dropout index of the first probability.
    first: u32,
}

impl Plan {
    fn jobs(&self, width: usize) -> Vec<Job> {
        let size = width / self.heads;
        let (mut row, mut first) = (0, 0u32);
        let mut jobs = Vec::with_capacity(self.lengths.len() * self.heads);
        for &length in &self.lengths {
            for head in 0..self.heads {
                if length > 0 {
                    jobs.push(Job { offset: row * width + head * size, length, first });
                }
                // Dropout indices count modulo 2^32.
                first = first.wrapping_add((length * length) as u32);
            }
            row += length;
        }
        jobs
    }

    fn mask(&self) -> Option<Mask> {
        self.dropout.is_active().then(|| self.dropout.mask())
    }
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait AttentionOp: Backend {
    fn attention_op(q: FloatTensor<Self>, k: FloatTensor<Self>, v: FloatTensor<Self>, plan: Plan) -> FloatTensor<Self>;
}

impl AttentionOp for Flex {
    fn attention_op(q: FlexTensor, k: FlexTensor, v: FlexTensor, plan: Plan) -> FlexTensor {
        forward(&[q, k, v].map(contiguous), &plan)
    }
}

impl<C: CheckpointStrategy> AttentionOp for Autodiff<Flex, C> {
    fn attention_op(q: FloatTensor<Self>, k: FloatTensor<Self>, v: FloatTensor<Self>, plan: Plan) -> FloatTensor<Self> {
        let ((q, nq), (k, nk), (v, nv)) = (q.into_parts(), k.into_parts(), v.into_parts());
        let inputs = [q, k, v].map(contiguous);
        let y = forward(&inputs, &plan);
        match AttentionBackward.prepare::<C>([nq, nk, nv]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((inputs, plan), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct AttentionBackward;

impl Backward<Flex, 3> for AttentionBackward {
    type State = ([FlexTensor; 3], Plan);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = contiguous(grads.consume::<Flex>(&ops.node));
        let (inputs, plan) = ops.state;
        for (parent, d) in ops.parents.into_iter().zip(gradients(&inputs, &plan, &d)) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, d);
            }
        }
    }
}

/// A result that several threads fill, each its own elements.
#[derive(Clone, Copy)]
struct Output(*mut f32);

// SAFETY: the pointer is only used to write; the jobs write disjoint elements (see `forward` and `gradients`).
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

impl Output {
    /// # Safety
    /// `offset` must lie inside the memory.
    unsafe fn at(self, offset: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(offset) }
    }
}

fn forward([q, k, v]: &[FlexTensor; 3], plan: &Plan) -> FlexTensor {
    let shape = q.shape();
    let (width, size) = (shape[1], shape[1] / plan.heads);
    let scale = 1.0 / (size as f32).sqrt();
    let mask = plan.mask();
    let mut y = uninit(shape.num_elements());
    let output = Output(y.as_mut_ptr().cast());
    let (q, k, v): (&[f32], &[f32], &[f32]) = (q.storage(), k.storage(), v.storage());
    plan.jobs(width).par_iter().for_each_init(Vec::new, |scratch, job| {
        let head = |x| Matrix::new(x, job.offset, [job.length, size], width);
        let weights = probabilities(scratch, head(q), head(k), scale);
        if let Some(mask) = mask {
            drop_out::run(weights, mask, job.first);
        }
        let weights = Matrix::new(weights, 0, [job.length, job.length], job.length);
        // SAFETY: `head` has checked that the last element of this job lies inside a matrix of the shape of `y`; the
        // rows of different sequences and the columns of different heads are disjoint.
        unsafe { product(1.0, weights, head(v), output.at(job.offset), width) };
    });
    // SAFETY: the jobs cover all sequences, whose lengths add up to the number of rows, and all heads, and each writes
    // its whole block. (With width 0 there are no elements.)
    tensor(unsafe { assume_init(y) }, shape)
}

/// The gradients of queries, keys and values from that of the result.
fn gradients([q, k, v]: &[FlexTensor; 3], plan: &Plan, d: &FlexTensor) -> [FlexTensor; 3] {
    let shape = q.shape();
    let (width, size) = (shape[1], shape[1] / plan.heads);
    let scale = 1.0 / (size as f32).sqrt();
    let mask = plan.mask();
    let mut results = [0; 3].map(|_| uninit(shape.num_elements()));
    let [dq, dk, dv] = results.each_mut().map(|result| Output(result.as_mut_ptr().cast()));
    let (q, k, v, d): (&[f32], &[f32], &[f32], &[f32]) = (q.storage(), k.storage(), v.storage(), d.storage());
    let start = || (Vec::new(), Vec::new());
    plan.jobs(width).par_iter().for_each_init(start, |(scratch, scratch_d), job| {
        let head = |x| Matrix::new(x, job.offset, [job.length, size], width);
        let square = [job.length, job.length];
        let weights = probabilities(scratch, head(q), head(k), scale);
        let d_weights = resized(scratch_d, job.length * job.length);
        // SAFETY: `d_weights` has as many elements as this product.
        unsafe { product(1.0, head(d), head(v).transposed(), d_weights.as_mut_ptr(), job.length) };
        match mask {
            Some(mask) => softmax_backward_dropout::run(d_weights, weights, job.length, mask, job.first),
            None => softmax_backward::run(d_weights, weights, job.length),
        }
        let weights = Matrix::new(weights, 0, square, job.length);
        let d_scores = Matrix::new(d_weights, 0, square, job.length);
        // SAFETY: as in `forward`, for three matrices of the same shape.
        unsafe {
            product(1.0, weights.transposed(), head(d), dv.at(job.offset), width);
            product(scale, d_scores, head(k), dq.at(job.offset), width);
            product(scale, d_scores.transposed(), head(q), dk.at(job.offset), width);
        }
    });
    // SAFETY: as in `forward`.
    results.map(|result| tensor(unsafe { assume_init(result) }, shape.clone()))
}

/// The attention probabilities of one head before dropout, `[length, length]`.
fn probabilities<'a>(scratch: &'a mut Vec<f32>, q: Matrix, k: Matrix, scale: f32) -> &'a mut [f32] {
    let length = q.rows();
    let scores = resized(scratch, length * length);
    // SAFETY: `scores` has as many elements as the product.
    unsafe { product(1.0, q, k.transposed(), scores.as_mut_ptr(), length) };
    softmax::run(scores, length, scale);
    scores
}

/// The first `length` elements of the scratch memory, which grows if need be; their values are left over from before.
fn resized(scratch: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    &mut scratch[..length]
}

kernel! {
    /// Replaces each row by `softmax(scale * row)`.
    fn softmax<A>(rows: &mut [f32], width: usize, scale: f32) {
        for row in rows.chunks_exact_mut(width) {
            let largest = max(row);
            let inverse = 1.0 / exp_sum::<A>(row, largest, scale);
            for x in row {
                *x *= inverse;
            }
        }
    }
}

kernel! {
    /// Multiplies the probabilities by their dropout factors.
    fn drop_out<A>(weights: &mut [f32], mask: Mask, first: u32) {
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight *= mask.factor(first.wrapping_add(i as u32));
        }
    }
}

kernel! {
    /// Turns the gradients `d` of the probabilities `p` into those of the scores: `p * (d - sum(p * d))` in each row.
    fn softmax_backward<A>(d: &mut [f32], p: &[f32], width: usize) {
        for (d, p) in d.chunks_exact_mut(width).zip(p.chunks_exact(width)) {
            let total = dot::<A>(d, p);
            for (d, p) in d.iter_mut().zip(p) {
                *d = p * (*d - total);
            }
        }
    }
}

kernel! {
    /// As [`softmax_backward`] for gradients `d` after dropout; `p` becomes the probabilities after dropout.
    fn softmax_backward_dropout<A>(d: &mut [f32], p: &mut [f32], width: usize, mask: Mask, first: u32) {
        for (row, (d, p)) in d.chunks_exact_mut(width).zip(p.chunks_exact_mut(width)).enumerate() {
            let first = first.wrapping_add((row * width) as u32);
            for (i, d) in d.iter_mut().enumerate() {
                *d *= mask.factor(first.wrapping_add(i as u32));
            }
            let total = dot::<A>(d, p);
            for (i, (d, p)) in d.iter_mut().zip(p).enumerate() {
                *d = *p * (*d - total);
                *p *= mask.factor(first.wrapping_add(i as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests;
