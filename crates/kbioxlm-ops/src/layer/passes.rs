//! The layer forward and backward, on slices.

use super::rows::{
    Norm, Normalised, add_bias, bias_gelu, column_sums, dropout_backward, gelu_and_slope, join, multiply_and_sum,
    norm_backward, output,
};
use super::{INPUTS, LayerSettings};
use crate::matrix::{Matrix, add_product, product};
use crate::pool::Buffer;
use burn_flex::FlexTensor;

/// A linear layer: `x · weight + bias`.
#[derive(Clone, Copy)]
struct Linear<'a> {
    weight: Matrix<'a>,
    bias: &'a [f32],
}

impl Linear<'_> {
    /// The product without the bias.
    fn product(&self, x: &[f32]) -> Buffer {
        product(Matrix::whole(x, self.weight.rows()), self.weight)
    }

    fn forward(&self, x: &[f32]) -> Buffer {
        let mut y = self.product(x);
        add_bias(&mut y, self.bias);
        y
    }

    /// The gradient of the weight from the input `x` and the gradient `d` of the result.
    fn weight_gradient(&self, x: &[f32], d: &[f32]) -> Buffer {
        product(Matrix::whole(x, self.weight.rows()).transposed(), Matrix::whole(d, self.bias.len()))
    }

    /// The gradient of the input.
    fn input_gradient(&self, d: &[f32]) -> Buffer {
        product(Matrix::whole(d, self.bias.len()), self.weight.transposed())
    }

    /// Adds the gradient of the input.
    fn add_input_gradient(&self, target: &mut [f32], d: &[f32]) {
        add_product(target, Matrix::whole(d, self.bias.len()), self.weight.transposed());
    }
}

/// The layer's input and parameters.
pub(super) struct Parameters<'a> {
    x: &'a [f32],
    query: Linear<'a>,
    key: Linear<'a>,
    value: Linear<'a>,
    attention_output: Linear<'a>,
    attention_norm: Norm<'a>,
    intermediate: Linear<'a>,
    output: Linear<'a>,
    output_norm: Norm<'a>,
}

impl<'a> Parameters<'a> {
    /// `tensors` are contiguous and in the order of [`super::Inputs`].
    pub(super) fn new(tensors: &'a [FlexTensor; INPUTS], eps: f64) -> Self {
        let [x, qw, qb, kw, kb, vw, vb, aw, ab, ag, a_s, iw, ib, ow, ob, og, os] =
            tensors.each_ref().map(|tensor| tensor.storage::<f32>());
        let linear = |weight, bias: &'a [f32]| Linear { weight: Matrix::whole(weight, bias.len()), bias };
        let norm = |gain, shift| Norm { gain, shift, eps: eps as f32 };
        Self {
            x,
            query: linear(qw, qb),
            key: linear(kw, kb),
            value: linear(vw, vb),
            attention_output: linear(aw, ab),
            attention_norm: norm(ag, a_s),
            intermediate: linear(iw, ib),
            output: linear(ow, ob),
            output_norm: norm(og, os),
        }
    }

    fn width(&self) -> usize {
        self.query.bias.len()
    }
}

/// What the backward pass needs and the forward pass has computed.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    /// Queries, keys and values, `[tokens, width]`.
    projections: [Buffer; 3],
    /// What the attention returned, at the rows in question.
    context: Buffer,
    attention_norm: Normalised,
    /// The argument of the GELU, `[rows, inner]`.
    wide: Buffer,
    output_norm: Normalised,
}

/// The output, `[rows, width]`, and what the backward pass needs.
pub(super) fn forward(p: &Parameters, settings: &LayerSettings) -> (Buffer, Saved) {
    let [dropout1, dropout2] = settings.output_dropout;
    let projections = [&p.query, &p.key, &p.value].map(|linear| linear.forward(p.x));
    let context = settings.attention().forward(projections.each_ref().map(|x| &**x), p.width());
    let picked = settings.rows.as_ref().map(|rows| gather(p.x, rows, p.width()));
    let context = match &settings.rows {
        Some(rows) => gather(&context, rows, p.width()),
        None => context,
    };
    let attended = p.attention_output.product(&context);
    let (y, attention_norm) =
        join(attended, p.attention_output.bias, dropout1, picked.as_deref().unwrap_or(p.x), p.attention_norm);
    let mut wide = p.intermediate.product(&y);
    let activated = bias_gelu(&mut wide, p.intermediate.bias);
    let (y, output_norm) = join(p.output.product(&activated), p.output.bias, dropout2, &y, p.output_norm);
    (y, Saved { projections, context, attention_norm, wide, output_norm })
}

/// The gradients of all inputs, in the order of [`super::Inputs`], from the gradient `d` of the output.
pub(super) fn backward(p: &Parameters, settings: &LayerSettings, saved: Saved, d: &[f32]) -> [Vec<f32>; INPUTS] {
    let width = p.width();
    let [dropout1, dropout2] = settings.output_dropout;
    let Saved { projections, context, attention_norm, wide: mut slope, output_norm } = saved;

    // Feed-forward part.
    let mut d = Buffer::from(d);
    let [d_output_gain, d_output_shift] = norm_backward(&mut d, &output_norm, p.output_norm);
    let activated = gelu_and_slope(&mut slope);
    let (d_output, d_output_bias) = dropout_backward(&d, width, dropout2);
    let d_output = d_output.as_deref().unwrap_or(&d);
    let d_output_weight = p.output.weight_gradient(&activated, d_output);
    drop(activated);
    let mut d_wide = p.output.input_gradient(d_output);
    let d_intermediate_bias = multiply_and_sum(&mut d_wide, &slope, p.intermediate.bias.len());
    drop(slope);
    let y = output(&attention_norm, p.attention_norm);
    let d_intermediate_weight = p.intermediate.weight_gradient(&y, &d_wide);
    // `d` is also the gradient of the residual.
    p.intermediate.add_input_gradient(&mut d, &d_wide);
    drop((y, d_wide));

    // Attention.
    let [d_attention_gain, d_attention_shift] = norm_backward(&mut d, &attention_norm, p.attention_norm);
    let (d_attended, d_attention_bias) = dropout_backward(&d, width, dropout1);
    let d_attended = d_attended.as_deref().unwrap_or(&d);
    let d_attention_weight = p.attention_output.weight_gradient(&context, d_attended);
    let mut d_context = p.attention_output.input_gradient(d_attended);
    let mut dx = d;
    if let Some(rows) = &settings.rows {
        d_context = scatter(&d_context, rows, p.x.len(), width);
        dx = scatter(&dx, rows, p.x.len(), width);
    }
    let d_projections = settings.attention().backward(projections.each_ref().map(|x| &**x), &d_context, width);
    let mut d_linear = |linear: &Linear, d: &[f32]| {
        linear.add_input_gradient(&mut dx, d);
        [linear.weight_gradient(p.x, d).into_vec(), column_sums(d, width)]
    };
    let [dq, dk, dv] = &d_projections;
    let [d_query_weight, d_query_bias] = d_linear(&p.query, dq);
    let [d_key_weight, d_key_bias] = d_linear(&p.key, dk);
    let [d_value_weight, d_value_bias] = d_linear(&p.value, dv);
    [
        dx.into_vec(),
        d_query_weight,
        d_query_bias,
        d_key_weight,
        d_key_bias,
        d_value_weight,
        d_value_bias,
        d_attention_weight.into_vec(),
        d_attention_bias,
        d_attention_gain,
        d_attention_shift,
        d_intermediate_weight.into_vec(),
        d_intermediate_bias,
        d_output_weight.into_vec(),
        d_output_bias,
        d_output_gain,
        d_output_shift,
    ]
}

/// The rows with these numbers, `[rows.len(), width]`.
fn gather(x: &[f32], rows: &[usize], width: usize) -> Buffer {
    let mut y = Buffer::new(rows.len() * width);
    for (row, y) in rows.iter().zip(y.chunks_exact_mut(width)) {
        y.copy_from_slice(&x[row * width..(row + 1) * width]);
    }
    y
}

/// The gradient of [`gather`]: `elements` numbers in rows of `width`, zero where no row was taken.
fn scatter(d: &[f32], rows: &[usize], elements: usize, width: usize) -> Buffer {
    let mut x = Buffer::zeros(elements);
    for (row, d) in rows.iter().zip(d.chunks_exact(width)) {
        x[row * width..(row + 1) * width].iter_mut().zip(d).for_each(|(x, d)| *x += d);
    }
    x
}
