//! Gradients of the fused operations on rows against central differences in double precision, on random shapes: single
//! rows and odd widths are among them. The whole layer and the tied table have tests of their own.

use super::{Input, finite_differences, random, run, vector};
use crate::{Dropout, cross_entropy, dropout, gelu, layer_norm};
use burn::tensor::Tensor;
use proptest::prelude::*;

/// Both have an absolute error: single precision on the one side, a finite step on the other.
fn check(op: impl Fn(&[Tensor<2>]) -> Tensor<2>, inputs: &[Input]) {
    run(&op, inputs).assert_close(&finite_differences(&op, inputs), 2e-5);
}

/// Inputs `i` with their numbers of rows.
fn inputs(seed: u64, rows: &[usize], width: usize, size: f32) -> Vec<Input> {
    let input = |(i, &rows)| random(seed.wrapping_add(i as u64), [rows, width], size);
    rows.iter().enumerate().map(input).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn of_gelu(rows in 1usize..6, width in 1usize..24, seed: u64) {
        check(|x| gelu(x[0].clone()), &inputs(seed, &[rows], width, 5.0));
    }

    #[test]
    fn of_dropout(rows in 1usize..6, width in 1usize..24, probability in 0.0f32..1.0, seed: u64) {
        // Factors of up to 10: larger ones would only test the tolerance.
        let rule = Dropout { probability: probability * 0.9, seed };
        check(|x| dropout(x[0].clone(), rule), &inputs(seed, &[rows], width, 1.0));
    }

    #[test]
    fn of_layer_norm(rows in 1usize..6, width in 5usize..24, seed: u64) {
        // With an `eps` that keeps the slope of narrow rows, which may happen to be nearly constant, within reason.
        let x = inputs(seed, &[rows, 1, 1], width, 2.0);
        check(|x| layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), 0.1), &x);
    }

    #[test]
    fn of_cross_entropy(rows in 1usize..5, classes in 1usize..40, seed: u64) {
        let targets: Vec<u32> = (0..rows as u64).map(|i| (seed.rotate_left(i as u32) % classes as u64) as u32).collect();
        let x = inputs(seed, &[rows], classes, 4.0);
        check(|x| cross_entropy(x[0].clone(), &targets).reshape([1, 1]), &x);
    }
}
