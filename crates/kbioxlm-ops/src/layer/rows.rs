//! What happens to rows between two matrix products, in one pass each.
//!
//! Rows are independent, and sums over rows are taken over [`ROWS`] rows at a time whose results are added in order.

use crate::dropout::{Dropout, Mask};
use crate::gelu;
use crate::layer_norm::{self, ROWS};
use crate::pool::Buffer;
use crate::simd::kernel;
use rayon::prelude::*;

/// Rows that a layer norm has normalised, before gain and shift, and `1 / sqrt(variance + eps)` of each.
#[derive(Clone, Debug)]
pub(super) struct Normalised {
    pub(super) rows: Buffer,
    pub(super) inverse_deviation: Vec<f32>,
}

/// Gain and shift of a layer norm.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) gain: &'a [f32],
    pub(super) shift: &'a [f32],
    pub(super) eps: f32,
}

/// `x + bias` in each row, in place.
pub(super) fn add_bias(x: &mut [f32], bias: &[f32]) {
    x.par_chunks_mut(ROWS * bias.len()).for_each(|x| bias_rows::run(x, bias));
}

/// Adds the bias to `x` in place; returns `gelu(x)`.
pub(super) fn bias_gelu(x: &mut [f32], bias: &[f32]) -> Buffer {
    let mut y = Buffer::new(x.len());
    let size = ROWS * bias.len();
    x.par_chunks_mut(size).zip(y.par_chunks_mut(size)).for_each(|(x, y)| {
        bias_rows::run(x, bias);
        gelu::values::run(y, x);
    });
    y
}

/// Replaces `x` by `gelu'(x)`; returns `gelu(x)`.
pub(super) fn gelu_and_slope(x: &mut [f32]) -> Buffer {
    const CHUNK: usize = 1 << 13;
    let mut y = Buffer::new(x.len());
    x.par_chunks_mut(CHUNK).zip(y.par_chunks_mut(CHUNK)).for_each(|(x, y)| gelu::values_and_slopes::run(y, x));
    y
}

/// The layer norm of `dropout(x + bias) + residual`; `x` becomes the normalised rows.
pub(super) fn join(
    mut x: Buffer,
    bias: &[f32],
    dropout: Dropout,
    residual: &[f32],
    norm: Norm,
) -> (Buffer, Normalised) {
    let mut y = Buffer::new(x.len());
    let width = norm.gain.len();
    let mut inverse_deviation = vec![0.0; x.len() / width];
    let mask = dropout.is_active().then(|| dropout.mask());
    x.par_chunks_mut(ROWS * width)
        .zip(residual.par_chunks(ROWS * width))
        .zip(y.par_chunks_mut(ROWS * width))
        .zip(inverse_deviation.par_chunks_mut(ROWS))
        .enumerate()
        .for_each(|(i, (((x, residual), y), inverse))| {
            match mask {
                Some(mask) => add_dropped::run(x, bias, residual, mask, (i * ROWS * width) as u32),
                None => add_both::run(x, bias, residual),
            }
            layer_norm::normalise::run(x, y, inverse, norm.gain, norm.shift, norm.eps);
        });
    (y, Normalised { rows: x, inverse_deviation })
}

/// What a layer norm returned: `rows * gain + shift`.
pub(super) fn output(normalised: &Normalised, norm: Norm) -> Buffer {
    let width = norm.gain.len();
    let mut y = Buffer::new(normalised.rows.len());
    y.par_chunks_mut(ROWS * width)
        .zip(normalised.rows.par_chunks(ROWS * width))
        .for_each(|(y, x)| layer_norm::scale::run(y, x, norm.gain, norm.shift));
    y
}

/// Turns `d` from the gradient of a layer norm's result into that of its input; returns those of gain and shift.
pub(super) fn norm_backward(d: &mut [f32], normalised: &Normalised, norm: Norm) -> [Vec<f32>; 2] {
    layer_norm::gradients(d, &normalised.rows, &normalised.inverse_deviation, norm.gain)
}

/// The gradient of a linear layer's result and of its bias from that of `dropout(result)`, `d`.
///
/// Without dropout the first is `d` itself, and nothing is copied.
pub(super) fn dropout_backward(d: &[f32], width: usize, dropout: Dropout) -> (Option<Buffer>, Vec<f32>) {
    if !dropout.is_active() {
        return (None, column_sums(d, width));
    }
    let mask = dropout.mask();
    let mut y = Buffer::new(d.len());
    let parts: Vec<Vec<f32>> = d
        .par_chunks(ROWS * width)
        .zip(y.par_chunks_mut(ROWS * width))
        .enumerate()
        .map(|(i, (d, y))| {
            let mut part = vec![0.0; width];
            drop_and_sum::run(d, y, &mut part, mask, (i * ROWS * width) as u32);
            part
        })
        .collect();
    (Some(y), layer_norm::total(parts, width))
}

/// Multiplies `d` by `slope`, element by element; returns the sums of the columns.
pub(super) fn multiply_and_sum(d: &mut [f32], slope: &[f32], width: usize) -> Vec<f32> {
    let parts: Vec<Vec<f32>> = d
        .par_chunks_mut(ROWS * width)
        .zip(slope.par_chunks(ROWS * width))
        .map(|(d, slope)| {
            let mut part = vec![0.0; width];
            multiply_rows::run(d, slope, &mut part);
            part
        })
        .collect();
    layer_norm::total(parts, width)
}

/// The sums of the columns.
pub(super) fn column_sums(x: &[f32], width: usize) -> Vec<f32> {
    let parts = x.par_chunks(ROWS * width).map(|x| {
        let mut part = vec![0.0; width];
        sum_rows::run(x, &mut part);
        part
    });
    layer_norm::total(parts.collect(), width)
}

kernel! {
    fn bias_rows<A>(x: &mut [f32], bias: &[f32]) {
        for x in x.chunks_exact_mut(bias.len()) {
            x.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
        }
    }
}

kernel! {
    /// `x + bias + residual`
    fn add_both<A>(x: &mut [f32], bias: &[f32], residual: &[f32]) {
        for (x, residual) in x.chunks_exact_mut(bias.len()).zip(residual.chunks_exact(bias.len())) {
            x.iter_mut().zip(bias).zip(residual).for_each(|((x, b), r)| *x = *x + b + r);
        }
    }
}

kernel! {
    /// `dropout(x + bias) + residual`
    fn add_dropped<A>(x: &mut [f32], bias: &[f32], residual: &[f32], mask: Mask, first: u32) {
        let width = bias.len();
        for (row, (x, residual)) in x.chunks_exact_mut(width).zip(residual.chunks_exact(width)).enumerate() {
            let first = first.wrapping_add((row * width) as u32);
            for (i, ((x, b), r)) in x.iter_mut().zip(bias).zip(residual).enumerate() {
                *x = A::mul_add(*x + b, mask.factor(first.wrapping_add(i as u32)), *r);
            }
        }
    }
}

kernel! {
    /// `y = dropout(d)`, and the sums of its columns.
    fn drop_and_sum<A>(d: &[f32], y: &mut [f32], sums: &mut [f32], mask: Mask, first: u32) {
        let width = sums.len();
        for (row, (d, y)) in d.chunks_exact(width).zip(y.chunks_exact_mut(width)).enumerate() {
            let first = first.wrapping_add((row * width) as u32);
            for (i, ((d, y), sum)) in d.iter().zip(y).zip(sums.iter_mut()).enumerate() {
                *y = d * mask.factor(first.wrapping_add(i as u32));
                *sum += *y;
            }
        }
    }
}

kernel! {
    fn multiply_rows<A>(d: &mut [f32], slope: &[f32], sums: &mut [f32]) {
        let width = sums.len();
        for (d, slope) in d.chunks_exact_mut(width).zip(slope.chunks_exact(width)) {
            for ((d, s), sum) in d.iter_mut().zip(slope).zip(sums.iter_mut()) {
                *d *= s;
                *sum += *d;
            }
        }
    }
}

kernel! {
    fn sum_rows<A>(x: &[f32], sums: &mut [f32]) {
        for x in x.chunks_exact(sums.len()) {
            x.iter().zip(sums.iter_mut()).for_each(|(x, sum)| *sum += x);
        }
    }
}
