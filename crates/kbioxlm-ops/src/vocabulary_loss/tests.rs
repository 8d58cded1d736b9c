use super::*;
use crate::plain;
use crate::testing::{Input, assert_deterministic, close, finite_differences, random, run, vector};
use burn::tensor::Device;
use proptest::prelude::*;

fn inputs(seed: u64, rows: usize, width: usize, vocabulary: usize) -> [Input; 3] {
    [(0, [rows, width]), (1, [vocabulary, width]), (2, [1, vocabulary])]
        .map(|(i, shape)| random(seed.wrapping_add(i), shape, 1.5))
}

fn targets(seed: u64, rows: usize, vocabulary: usize) -> Vec<u32> {
    (0..rows).map(|i| ((seed >> 7).wrapping_add(i as u64 * 2_654_435_761) % vocabulary as u64) as u32).collect()
}

fn fused(targets: &[u32], scale: f64) -> impl Fn(&[Tensor<2>]) -> Tensor<2> + Sync {
    move |x| {
        vocabulary_loss(x[0].clone(), &TiedTable::new(x[1].clone()), vector(&x[2]), targets, scale).0.reshape([1, 1])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(rows in 1usize..9, width in 1usize..20, vocabulary in 1usize..300, seed: u64) {
        let x = inputs(seed, rows, width, vocabulary);
        let t = targets(seed, rows, vocabulary);
        let op = |x: &[Tensor<2>]| {
            plain::vocabulary_loss(x[0].clone(), x[1].clone(), vector(&x[2]), &t, 0.25, false).0.reshape([1, 1])
        };
        run(fused(&t, 0.25), &x).assert_close(&run(op, &x), 1e-5);
        let device = Device::flex();
        let [states, word, bias] = x.each_ref().map(|x| crate::testing::tensor(x, &device, burn::tensor::DType::F32));
        let (loss, losses) = vocabulary_loss(states.clone(), &TiedTable::new(word.clone()), vector(&bias), &t, 0.25);
        let (expected, rows) = plain::vocabulary_loss(states, word, vector(&bias), &t, 0.25, false);
        close("untracked", &[loss.into_scalar()], &[expected.into_scalar()], 1e-5);
        for (row, expected) in losses.iter().zip(rows) {
            prop_assert!((row.loss - expected.loss).abs() < 1e-4 && row.right == expected.right);
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let t = targets(3, 5, 11);
    let x = inputs(7, 5, 6, 11);
    run(fused(&t, 0.5), &x).assert_close(&finite_differences(fused(&t, 0.5), &x), 5e-6);
}

/// Blocks of a few rows, as a huge vocabulary has them, give the result of one block up to the order of the additions.
#[test]
fn blocks_add_up() {
    let [states, word, bias] = inputs(5, 7, 6, 50);
    let targets = targets(9, 7, 50);
    let problem = Problem {
        states: &states.elements,
        word: Matrix::whole(&word.elements, 6),
        bias: &bias.elements,
        targets: &targets,
        scale: 0.5,
        width: 6,
    };
    let solve = |block| {
        let mut sums = Sums::new(&problem, true);
        (problem.solve_blocks(block, Some(&mut sums)), sums)
    };
    let (expected, whole) = solve(7);
    for block in 1..7 {
        let (losses, sums) = solve(block);
        assert!(losses.iter().zip(&expected).all(|(a, b)| (a.loss - b.loss).abs() < 1e-5 && a.right == b.right));
        close("states", &sums.states, &whole.states, 1e-6);
        close("word", &sums.word.unwrap(), whole.word.as_ref().unwrap(), 1e-6);
        close("bias", &sums.bias, &whole.bias, 1e-6);
    }
}

/// Trap 11: a batch without masked tokens gives NaN.
#[test]
fn trap_11_no_rows_is_loss_zero_and_gradient_zero() {
    let outcome = run(fused(&[], 1.0), &inputs(1, 0, 4, 7));
    assert_eq!(outcome.values, [0.0]);
    assert!(outcome.gradients.iter().flatten().all(|&d| d == 0.0));
    let [states, word, bias] =
        inputs(1, 0, 4, 7).map(|x| crate::testing::tensor(&x, &Device::flex(), burn::tensor::DType::F32));
    assert_eq!(plain::vocabulary_loss(states, word, vector(&bias), &[], 1.0, false).0.into_scalar::<f32>(), 0.0);
}

#[test]
fn a_frozen_embedding_gets_no_gradient_and_the_rest_the_same() {
    let (x, t) = (inputs(2, 4, 3, 9), targets(2, 4, 9));
    let device = Device::flex().autodiff();
    let leaves = || x.each_ref().map(|x| crate::testing::tensor(x, &device, burn::tensor::DType::F32));
    let gradients = |[states, word, bias]: [Tensor<2>; 3]| {
        let loss = vocabulary_loss(states.clone(), &TiedTable::new(word.clone()), vector(&bias), &t, 1.0).0;
        let gradients = loss.backward();
        [states, word, bias].map(|x| x.grad(&gradients).map(|d| d.into_data().try_to_vec::<f32>().unwrap()))
    };
    let expected = gradients(leaves().map(Tensor::require_grad));
    let [states, word, bias] = leaves();
    let frozen = gradients([states.require_grad(), word, bias.require_grad()]);
    assert!(expected.iter().all(Option::is_some));
    assert_eq!(frozen, [expected[0].clone(), None, expected[2].clone()]);
}

#[test]
fn large_scores_do_not_overflow_and_divergence_stays_visible() {
    let device = Device::flex();
    let loss = |states: [f32; 1], target| {
        let word = Tensor::<2>::from_floats([[1e4], [-1e4], [0.0]], &device);
        let states = Tensor::<2>::from_floats([states], &device);
        vocabulary_loss(states, &TiedTable::new(word), Tensor::zeros([3], &device), &[target], 1.0)
            .0
            .into_scalar::<f32>()
    };
    assert_eq!(loss([1.0], 0), 0.0);
    assert_eq!(loss([1.0], 1), 2e4);
    assert!(loss([f32::NAN], 1).is_nan());
}

#[test]
#[should_panic(expected = "not below the vocabulary")]
fn target_out_of_range() {
    let device = Device::flex();
    let (states, word) = (Tensor::zeros([1, 2], &device), Tensor::zeros([3, 2], &device));
    vocabulary_loss(states, &TiedTable::new(word), Tensor::zeros([3], &device), &[3], 1.0);
}

#[test]
fn same_result_for_any_number_of_threads() {
    let t = targets(5, 40, 3000);
    assert_deterministic(fused(&t, 1.0), &inputs(9, 40, 64, 3000));
}
