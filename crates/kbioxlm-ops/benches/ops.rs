//! Times each operation, fused against plain, on the shapes of one training step of a small encoder: 8 sequences of 128
//! tokens, width 384, 12 heads, feed-forward width 1536, 40,000 pieces, 154 masked positions.
//!
//! `cargo bench -p kbioxlm-ops`. Medians over interleaved runs; "with gradient" is forward and backward.
#![allow(missing_docs, clippy::unwrap_used)]

use burn::tensor::{Device, Distribution, Tensor};
use kbioxlm_ops::{self as ops, AdamWStep, Dropout, plain};
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
    let lengths = [128; 8];
    let wide = || random([TOKENS, WIDTH], &device);
    let row = || random([1, WIDTH], &device);
    both("gelu", &[random([TOKENS, INNER], &device)], |x| ops::gelu(x[0].clone()), |x| plain::gelu(x[0].clone()));
    both(
        "add_layer_norm",
        &[wide(), wide(), row(), row()],
        |x| ops::add_layer_norm(x[0].clone(), x[1].clone(), vector(&x[2]), vector(&x[3]), 1e-5),
        |x| plain::add_layer_norm(x[0].clone(), x[1].clone(), vector(&x[2]), vector(&x[3]), 1e-5),
    );
    for (name, dropout) in
        [("attention", Dropout::none()), ("attention, dropout 0.1", Dropout { probability: 0.1, seed: 1 })]
    {
        let [q, k, v] = [wide(), wide(), wide()];
        both(
            name,
            &[q, k, v],
            |x| ops::attention(x[0].clone(), x[1].clone(), x[2].clone(), &lengths, 12, dropout),
            |x| plain::attention(x[0].clone(), x[1].clone(), x[2].clone(), &lengths, 12, dropout),
        );
    }
    let dropout = Dropout { probability: 0.1, seed: 1 };
    both("dropout", &[wide()], |x| ops::dropout(x[0].clone(), dropout), |x| plain::dropout(x[0].clone(), dropout));
    let targets: Vec<u32> = (0..MASKED as u32).map(|i| i * 250).collect();
    // The sum makes the logits a result that nobody else holds, as in the model; it costs both sides the same.
    both(
        "cross_entropy",
        &[random([MASKED, VOCABULARY], &device)],
        |x| ops::cross_entropy(x[0].clone() + 0.5, &targets).reshape([1, 1]),
        |x| plain::cross_entropy(x[0].clone() + 0.5, &targets).reshape([1, 1]),
    );
    optimiser(&device.inner());
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
