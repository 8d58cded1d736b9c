use super::*;
use crate::plain;
use crate::simd::Portable;
use crate::testing::{Input, assert_deterministic, close, finite_differences, random, run};
use burn::tensor::Device;
use proptest::prelude::*;

fn inputs(seed: u64, lengths: &[usize], width: usize) -> [Input; 3] {
    [0, 1, 2].map(|i| random(seed.wrapping_add(i), [lengths.iter().sum(), width], 1.5))
}

fn fused(lengths: &[usize], heads: usize, dropout: Dropout) -> impl Fn(&[Tensor<2>]) -> Tensor<2> + Sync {
    move |x| attention(x[0].clone(), x[1].clone(), x[2].clone(), lengths, heads, dropout)
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
            |x| plain::attention(x[0].clone(), x[1].clone(), x[2].clone(), &lengths, heads, dropout),
            &x,
        );
        run(fused(&lengths, heads, dropout), &x).assert_close(&expected, 1e-5);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let lengths = [3, 1, 5];
    let x = inputs(11, &lengths, 6);
    for dropout in [Dropout::none(), Dropout { probability: 0.3, seed: 4 }] {
        let op = fused(&lengths, 2, dropout);
        run(&op, &x).assert_close(&finite_differences(&op, &x), 5e-6);
    }
}

#[test]
fn sequences_do_not_see_each_other() {
    let (first, second) = (inputs(1, &[7], 8), inputs(2, &[12], 8));
    let both: Vec<Input> = (first.iter().zip(&second))
        .map(|(a, b)| Input { shape: [19, 8], elements: [&a.elements[..], &b.elements].concat() })
        .collect();
    let values = run(fused(&[7, 12], 2, Dropout::none()), &both).values;
    let alone =
        [run(fused(&[7], 2, Dropout::none()), &first).values, run(fused(&[12], 2, Dropout::none()), &second).values];
    assert_eq!(values, alone.concat());
}

#[test]
fn a_single_token_attends_to_itself() {
    let x = inputs(3, &[1], 4);
    close("value", &run(fused(&[1], 2, Dropout::none()), &x).values, &x[2].elements, 1e-6);
}

#[test]
fn no_tokens() {
    let x = Tensor::<2>::zeros([0, 4], &Device::flex());
    for lengths in [&[][..], &[0, 0]] {
        let y = attention(x.clone(), x.clone(), x.clone(), lengths, 2, Dropout::none());
        assert_eq!(y.dims(), [0, 4]);
    }
}

#[test]
fn dropout_is_reproducible_and_keeps_the_mean() {
    let lengths = [50, 31];
    let x = inputs(6, &lengths, 16);
    let with = |seed| run(fused(&lengths, 2, Dropout { probability: 0.2, seed }), &x);
    assert_eq!(with(1).bits(), with(1).bits());
    assert_ne!(with(1).values, with(2).values);
    let mut mean = vec![0.0; 81 * 16];
    for seed in 0..200 {
        with(seed).values.iter().zip(&mut mean).for_each(|(y, mean)| *mean += y / 200.0);
    }
    let expected = run(fused(&lengths, 2, Dropout::none()), &x).values;
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
fn same_result_for_any_number_of_threads() {
    let lengths = [70, 1, 33, 64];
    let dropout = Dropout { probability: 0.1, seed: 2 };
    assert_deterministic(fused(&lengths, 3, dropout), &inputs(8, &lengths, 33));
}

#[test]
#[should_panic(expected = "do not add up")]
fn lengths_must_cover_the_rows() {
    let x = Tensor::<2>::zeros([3, 4], &Device::flex());
    attention(x.clone(), x.clone(), x, &[2], 2, Dropout::none());
}
