//! Times each operation, fused against plain, on the shapes of one training step of a small encoder: 8 sequences of 128
//! tokens, width 384, 12 heads, feed-forward width 1536, 40,000 pieces, 154 masked positions.
//!
//! `cargo bench -p kbioxlm-ops`. Medians over interleaved runs; "with gradient" is forward and backward.
#![allow(missing_docs, clippy::unwrap_used)]

use burn::tensor::{Device, Distribution, Tensor};
use kbioxlm_ops::{
    self as ops, AdamWStep, Dropout, LayerParameters, LayerSettings, LinearParameters, NormParameters, TiedTable, plain,
};
use std::time::Instant;

const RUNS: usize = 15;
const TOKENS: usize = 1024;
const WIDTH: usize = 384;
const INNER: usize = 1536;
const VOCABULARY: usize = 40_000;
const MASKED: usize = 154;

type Op<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// Prints the median milliseconds of each variant.
fn compare(name: &str, mut variants: Vec<Op>) {
    let mut times = vec![Vec::new(); variants.len()];
    for run in 0..=RUNS {
        for ((_, op), times) in variants.iter_mut().zip(&mut times) {
            let start = Instant::now();
            op();
            if run > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let medians = variants.iter().zip(&mut times).map(|((label, _), times)| {
        times.sort_by(f64::total_cmp);
        format!("{label} {:8.2} ms", times[RUNS / 2])
    });
    println!("{name:40} {}", medians.collect::<Vec<_>>().join("   "));
}

/// Prints the speed of a matrix product, so that the share of a step that products take can be held against what the machine gives.
fn product_speed([rows, inner, columns]: [usize; 3], device: &Device) {
    let (a, b) = (random([rows, inner], device), random([inner, columns], device));
    let mut times: Vec<f64> = (0..=RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(a.clone().matmul(b.clone()));
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let speed = 2.0 * (rows * inner * columns) as f64 / times[times.len() / 2] / 1e9;
    println!("{:40} {speed:8.0} GFLOP/s", format!("product {rows} × {inner} × {columns}"));
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// Forward and backward with respect to the inputs; the gradient of the result is all ones.
fn with_gradient(inputs: &[Tensor<2>], op: impl Fn(&[Tensor<2>]) -> Tensor<2>) {
    let leaves: Vec<_> = inputs.iter().map(|x| x.clone().require_grad()).collect();
    std::hint::black_box(op(&leaves).backward());
}

fn vector(x: &Tensor<2>) -> Tensor<1> {
    let [rows, columns] = x.dims();
    x.clone().reshape([rows * columns])
}

/// Compares two versions of an operation without and with gradients.
fn both(
    name: &str,
    inputs: &[Tensor<2>],
    fused: impl Fn(&[Tensor<2>]) -> Tensor<2>,
    reference: impl Fn(&[Tensor<2>]) -> Tensor<2>,
) {
    let inner: Vec<_> = inputs.iter().map(|x| x.clone().inner()).collect();
    let value = |y: Tensor<2>| drop(std::hint::black_box(y));
    compare(name, vec![("fused", Box::new(|| value(fused(&inner)))), ("plain", Box::new(|| value(reference(&inner))))]);
    compare(
        &format!("{name}, with gradient"),
        vec![
            ("fused", Box::new(|| with_gradient(inputs, &fused))),
            ("plain", Box::new(|| with_gradient(inputs, &reference))),
        ],
    );
}

fn main() {
    let device = Device::flex().autodiff();
    for shape in [[TOKENS, WIDTH, INNER], [TOKENS, INNER, WIDTH], [WIDTH, TOKENS, INNER], [4096, 4096, 4096]] {
        product_speed(shape, &Device::flex());
    }
    let wide = || random([TOKENS, WIDTH], &device);
    let row = || random([1, WIDTH], &device);
    both("gelu", &[random([TOKENS, INNER], &device)], |x| ops::gelu(x[0].clone()), |x| plain::gelu(x[0].clone()));
    both(
        "layer_norm",
        &[wide(), row(), row()],
        |x| ops::layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), 1e-5),
        |x| plain::layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), 1e-5),
    );
    for (name, probability) in [("encoder_layer", 0.0), ("encoder_layer, dropout 0.1", 0.1)] {
        let dropout = |seed| Dropout { probability, seed };
        let settings = LayerSettings {
            lengths: vec![128; 8],
            rows: None,
            heads: 12,
            eps: 1e-5,
            attention_dropout: dropout(1),
            output_dropout: [dropout(2), dropout(3)],
            recompute: false,
            bf16: false,
        };
        both(
            name,
            &layer(&device),
            |x| ops::encoder_layer(x[0].clone(), &parameters(x), &settings),
            |x| plain::encoder_layer(x[0].clone(), &parameters(x), &settings),
        );
    }
    let dropout = Dropout { probability: 0.1, seed: 1 };
    both("dropout", &[wide()], |x| ops::dropout(x[0].clone(), dropout), |x| plain::dropout(x[0].clone(), dropout));
    let targets: Vec<u32> = (0..MASKED as u32).map(|i| i * 250).collect();
    both(
        "vocabulary_loss",
        &[random([MASKED, WIDTH], &device), random([VOCABULARY, WIDTH], &device), random([1, VOCABULARY], &device)],
        |x| {
            let table = TiedTable::new(x[1].clone());
            ops::vocabulary_loss(x[0].clone(), &table, vector(&x[2]), &targets, 1.0).0.reshape([1, 1])
        },
        |x| {
            let (states, table) = (x[0].clone(), x[1].clone());
            plain::vocabulary_loss(states, table, vector(&x[2]), &targets, 1.0, false).0.reshape([1, 1])
        },
    );
    optimiser(&device.inner());
}

/// The input of a layer and its parameters.
fn layer(device: &Device) -> Vec<Tensor<2>> {
    let (square, row) = ([WIDTH, WIDTH], [1, WIDTH]);
    let mut shapes = vec![[TOKENS, WIDTH], square, row, square, row, square, row, square, row, row, row];
    shapes.extend([[WIDTH, INNER], [1, INNER], [INNER, WIDTH], row, row, row]);
    shapes.into_iter().map(|shape| random(shape, device) * 0.1).collect()
}

fn parameters(x: &[Tensor<2>]) -> LayerParameters {
    let linear = |i: usize| LinearParameters { weight: x[i].clone(), bias: vector(&x[i + 1]) };
    let norm = |i: usize| NormParameters { weight: vector(&x[i]), bias: vector(&x[i + 1]) };
    LayerParameters {
        query: linear(1),
        key: linear(3),
        value: linear(5),
        attention_output: linear(7),
        attention_norm: norm(9),
        intermediate: linear(11),
        output: linear(13),
        output_norm: norm(15),
    }
}

fn optimiser(device: &Device) {
    let step = AdamWStep {
        learning_rate: 1e-4,
        beta1: 0.9,
        beta2: 0.98,
        epsilon: 1e-6,
        weight_decay: 0.01,
        step: 10,
        grad_scale: 1.0,
    };
    type State = (Tensor<2>, Tensor<2>, Tensor<2>);
    let shape = [VOCABULARY, WIDTH];
    let start = || -> Option<State> {
        Some((random(shape, device), Tensor::zeros(shape, device), Tensor::zeros(shape, device)))
    };
    let grad = random(shape, device);
    let update = |state: &mut Option<State>,
                  op: fn(Tensor<2>, Tensor<2>, Tensor<2>, Tensor<2>, &AdamWStep) -> State| {
        let (weight, m, v) = state.take().unwrap();
        *state = Some(op(weight, grad.clone(), m, v, &step));
    };
    let (mut fused, mut reference) = (start(), start());
    compare(
        "adamw, 15 million weights",
        vec![
            ("fused", Box::new(|| update(&mut fused, ops::adamw))),
            ("plain", Box::new(|| update(&mut reference, plain::adamw))),
        ],
    );
    compare(
        "squared_norm, 15 million",
        vec![
            (
                "fused",
                Box::new(|| {
                    std::hint::black_box(ops::squared_norm(grad.clone()));
                }),
            ),
            (
                "plain",
                Box::new(|| {
                    std::hint::black_box(plain::squared_norm(grad.clone()));
                }),
            ),
        ],
    );
}
