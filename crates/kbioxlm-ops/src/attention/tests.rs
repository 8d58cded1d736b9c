use super::*;
use crate::plain;
use crate::simd::Portable;
use crate::testing::{Input, Outcome, close, random, run};
use proptest::prelude::*;

fn inputs(seed: u64, lengths: &[usize], width: usize) -> [Input; 3] {
    [0, 1, 2].map(|i| random(seed.wrapping_add(i), [lengths.iter().sum(), width], 1.5))
}

/// Values and gradients of the kernels, for the gradient of the result that [`run`] uses.
fn fused(lengths: &[usize], heads: usize, dropout: Dropout, x: &[Input; 3]) -> Outcome {
    let attention = Attention { lengths, heads, dropout };
    let [_, width] = x[0].shape;
    let elements = x.each_ref().map(|x| x.elements.as_slice());
    let d = random(99, x[0].shape, 1.0).elements;
    let gradients = attention.backward(elements, &d, width).map(Buffer::into_vec).to_vec();
    Outcome { values: attention.forward(elements, width).into_vec(), gradients }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(
        lengths in prop::collection::vec(0usize..40, 1..5).prop_filter("rows", |l| l.iter().sum::<usize>() > 0),
        heads in 1usize..4,
        size in 1usize..20,
        probability in prop::sample::select(vec![0.0f32, 0.1, 0.6]),
        seed: u64,
    ) {
        let dropout = Dropout { probability, seed };
        let x = inputs(seed, &lengths, heads * size);
        let expected = run(
            |x| plain::attention(x[0].clone(), x[1].clone(), x[2].clone(), &lengths, heads, dropout, false),
            &x,
        );
        fused(&lengths, heads, dropout, &x).assert_close(&expected, 1e-5);
    }
}

#[test]
fn sequences_do_not_see_each_other() {
    let (first, second) = (inputs(1, &[7], 8), inputs(2, &[12], 8));
    let mut both = inputs(0, &[19], 8);
    for ((both, a), b) in both.iter_mut().zip(&first).zip(&second) {
        both.elements = [&a.elements[..], &b.elements].concat();
    }
    let values = |lengths: &[usize], x| fused(lengths, 2, Dropout::none(), x).values;
    assert_eq!(values(&[7, 12], &both), [values(&[7], &first), values(&[12], &second)].concat());
}

#[test]
fn a_single_token_attends_to_itself() {
    let x = inputs(3, &[1], 4);
    close("value", &fused(&[1], 2, Dropout::none(), &x).values, &x[2].elements, 1e-6);
}

#[test]
fn no_tokens() {
    for lengths in [&[][..], &[0, 0]] {
        let outcome = fused(lengths, 2, Dropout::none(), &inputs(1, lengths, 4));
        assert!(outcome.values.is_empty() && outcome.gradients.iter().all(Vec::is_empty));
    }
}

#[test]
fn dropout_is_reproducible_and_keeps_the_mean() {
    let lengths = [50, 31];
    let x = inputs(6, &lengths, 16);
    let with = |seed| fused(&lengths, 2, Dropout { probability: 0.2, seed }, &x);
    assert_eq!(with(1).bits(), with(1).bits());
    assert_ne!(with(1).values, with(2).values);
    let mut mean = vec![0.0; 81 * 16];
    for seed in 0..200 {
        with(seed).values.iter().zip(&mut mean).for_each(|(y, mean)| *mean += y / 200.0);
    }
    let expected = fused(&lengths, 2, Dropout::none(), &x).values;
    let error = mean.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum::<f32>() / mean.len() as f32;
    assert!(error < 0.02, "mean error {error}");
}

#[test]
fn both_versions_agree() {
    let scores = random(5, [7, 21], 9.0).elements;
    let (mut fast, mut slow) = (scores.clone(), scores.clone());
    softmax::run(&mut fast, 21, 0.3);
    softmax::generic::<Portable>(&mut slow, 21, 0.3);
    close("softmax", &fast, &slow, 1e-6);
    let (mut d_fast, mut d_slow) = (scores.clone(), scores);
    softmax_backward::run(&mut d_fast, &fast, 21);
    softmax_backward::generic::<Portable>(&mut d_slow, &fast, 21);
    close("gradient", &d_fast, &d_slow, 1e-6);
    let mask = Dropout { probability: 0.4, seed: 3 }.mask();
    softmax_backward_dropout::run(&mut d_fast, &mut fast, 21, mask, 9);
    softmax_backward_dropout::generic::<Portable>(&mut d_slow, &mut slow, 21, mask, 9);
    close("gradient with dropout", &d_fast, &d_slow, 1e-6);
}

#[test]
#[should_panic(expected = "do not add up")]
fn lengths_must_cover_the_rows() {
    fused(&[2], 2, Dropout::none(), &inputs(1, &[3], 4));
}
