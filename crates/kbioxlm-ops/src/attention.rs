//! Self-attention over packed sequences: one job for each head of each sequence, no padding, and the probabilities are
//! recomputed in the backward pass instead of being stored (they would be the largest activation of the model).

use crate::Dropout;
use crate::dropout::Mask;
use crate::matrix::{Matrix, product_at};
use crate::pool::Buffer;
use crate::simd::{dot, exp_sum, kernel, max};
use rayon::prelude::*;

/// Multi-head self-attention inside each sequence of a packed batch: `softmax(Q K^T / sqrt(width / heads)) V` for each
/// sequence and head, with dropout on the probabilities (Vaswani et al. 2017, section 3.2).
///
/// Queries, keys and values are `[tokens, width]`, head h in the columns `h * width / heads ..`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention<'a> {
    /// The number of rows of each sequence, in order; zeros are allowed.
    pub(crate) lengths: &'a [usize],
    /// Divides the width.
    pub(crate) heads: usize,
    /// The index of a probability counts sequences, then heads, then queries, then keys.
    pub(crate) dropout: Dropout,
}

/// One head of one sequence.
struct Job {
    /// Where the head's elements of the sequence's first row lie in a `[tokens, width]` matrix.
    offset: usize,
    length: usize,
    /// The dropout index of the first probability.
    first: u32,
}

impl Attention<'_> {
    /// The context vectors, `[tokens, width]`.
    ///
    /// # Panics
    /// If the lengths do not add up to the rows of one of the matrices.
    pub(crate) fn forward(&self, [q, k, v]: [&[f32]; 3], width: usize) -> Buffer {
        let size = width / self.heads;
        let scale = 1.0 / (size as f32).sqrt();
        let mask = self.mask();
        let mut y = Buffer::new(self.elements(width, &[q, k, v]));
        let output = Output(y.as_mut_ptr());
        self.jobs(width).par_iter().for_each_init(Vec::new, |scratch, job| {
            let head = |x| Matrix::new(x, job.offset, [job.length, size], width);
            let weights = probabilities(scratch, head(q), head(k), scale);
            if let Some(mask) = mask {
                drop_out::run(weights, mask, job.first);
            }
            let weights = Matrix::new(weights, 0, [job.length, job.length], job.length);
            // SAFETY: `head` has checked that the last element of this job lies inside a matrix of the size of `y`; the
            // rows of different sequences and the columns of different heads are disjoint.
            unsafe { product_at(1.0, weights, head(v), output.at(job.offset), width) };
        });
        // The jobs have written everything: they cover all sequences, whose lengths add up to the rows, and all heads.
        y
    }

    /// The gradients of queries, keys and values from that of the context vectors, `d`.
    ///
    /// # Panics
    /// As [`Attention::forward`].
    pub(crate) fn backward(&self, [q, k, v]: [&[f32]; 3], d: &[f32], width: usize) -> [Buffer; 3] {
        let size = width / self.heads;
        let scale = 1.0 / (size as f32).sqrt();
        let mask = self.mask();
        let elements = self.elements(width, &[q, k, v, d]);
        let mut results = [0; 3].map(|_| Buffer::new(elements));
        let [dq, dk, dv] = results.each_mut().map(|result| Output(result.as_mut_ptr()));
        let start = || (Vec::new(), Vec::new());
        self.jobs(width).par_iter().for_each_init(start, |(scratch, scratch_d), job| {
            let head = |x| Matrix::new(x, job.offset, [job.length, size], width);
            let square = [job.length, job.length];
            let weights = probabilities(scratch, head(q), head(k), scale);
            let d_weights = resized(scratch_d, job.length * job.length);
            // SAFETY: `d_weights` has as many elements as this product.
            unsafe { product_at(1.0, head(d), head(v).transposed(), d_weights.as_mut_ptr(), job.length) };
            match mask {
                Some(mask) => softmax_backward_dropout::run(d_weights, weights, job.length, mask, job.first),
                None => softmax_backward::run(d_weights, weights, job.length),
            }
            let weights = Matrix::new(weights, 0, square, job.length);
            let d_scores = Matrix::new(d_weights, 0, square, job.length);
            // SAFETY: as in `forward`, for three matrices of the same size.
            unsafe {
                product_at(1.0, weights.transposed(), head(d), dv.at(job.offset), width);
                product_at(scale, d_scores, head(k), dq.at(job.offset), width);
                product_at(scale, d_scores.transposed(), head(q), dk.at(job.offset), width);
            }
        });
        results
    }

    /// The number of elements of each matrix.
    fn elements(&self, width: usize, matrices: &[&[f32]]) -> usize {
        let elements = self.lengths.iter().sum::<usize>() * width;
        assert!(matrices.iter().all(|x| x.len() == elements), "attention: lengths that do not add up to the rows");
        elements
    }

    fn jobs(&self, width: usize) -> Vec<Job> {
        let size = width / self.heads;
        let (mut row, mut first) = (0, 0u32);
        let mut jobs = Vec::with_capacity(self.lengths.len() * self.heads);
        for &length in self.lengths {
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

/// A result that several threads fill, each its own elements.
#[derive(Clone, Copy)]
struct Output(*mut f32);

// SAFETY: the pointer is only used to write; the jobs write disjoint elements (see `forward` and `backward`).
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

/// The attention probabilities of one head before dropout, `[length, length]`.
fn probabilities<'a>(scratch: &'a mut Vec<f32>, q: Matrix, k: Matrix, scale: f32) -> &'a mut [f32] {
    let length = q.rows();
    let scores = resized(scratch, length * length);
    // SAFETY: `scores` has as many elements as the product.
    unsafe { product_at(1.0, q, k.transposed(), scores.as_mut_ptr(), length) };
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
