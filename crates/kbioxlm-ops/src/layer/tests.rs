use super::*;
use crate::plain;
use crate::testing::{Input, assert_deterministic, close, finite_differences, random, run, vector};
use burn::tensor::Device;
use proptest::prelude::*;

/// The input and the parameters, in the order of [`Inputs`]; vectors as matrices of one row.
fn inputs(seed: u64, tokens: usize, width: usize, inner: usize) -> Vec<Input> {
    let (square, row) = ([width, width], [1, width]);
    let mut shapes = vec![[tokens, width]];
    shapes.extend([square, row, square, row, square, row, square, row, row, row]);
    shapes.extend([[width, inner], [1, inner], [inner, width], row, row, row]);
    let mut inputs: Vec<Input> = (0..).zip(shapes).map(|(i, shape)| random(seed.wrapping_add(i), shape, 0.7)).collect();
    // Gains near 1, as they are in models.
    for gain in [9, 15] {
        inputs[gain].elements.iter_mut().for_each(|x| *x = 1.0 + 0.3 * *x);
    }
    inputs
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

fn settings(lengths: &[usize], heads: usize, probability: f32, seed: u64) -> LayerSettings {
    let dropout = |i| Dropout { probability, seed: seed.wrapping_add(i) };
    LayerSettings {
        lengths: lengths.to_vec(),
        rows: None,
        heads,
        eps: 1e-5,
        attention_dropout: dropout(0),
        output_dropout: [dropout(1), dropout(2)],
        recompute: false,
        bf16: false,
    }
}

fn fused(settings: &LayerSettings) -> impl Fn(&[Tensor<2>]) -> Tensor<2> + Sync {
    move |x| encoder_layer(x[0].clone(), &parameters(x), settings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn equals_plain(
        lengths in prop::collection::vec(0usize..40, 1..5).prop_filter("rows", |l| l.iter().sum::<usize>() > 0),
        heads in 1usize..4,
        size in 1usize..12,
        inner in 1usize..50,
        probability in prop::sample::select(vec![0.0f32, 0.1, 0.6]),
        picks in prop::option::of(prop::collection::vec(0usize..1000, 0..6)),
        recompute: bool,
        seed: u64,
    ) {
        let tokens = lengths.iter().sum();
        let mut settings = settings(&lengths, heads, probability, seed);
        settings.recompute = recompute;
        settings.rows = picks.map(|picks| picks.into_iter().map(|pick| pick % tokens).collect());
        let x = inputs(seed, tokens, heads * size, inner);
        if settings.rows.as_ref().is_some_and(Vec::is_empty) {
            // Burn's own `select` of no rows; that there is no NaN is tested below.
            return Ok(());
        }
        let expected = run(|x| plain::encoder_layer(x[0].clone(), &parameters(x), &settings), &x);
        run(fused(&settings), &x).assert_close(&expected, 2e-3);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let lengths = [3, 1, 2];
    let x = inputs(11, 6, 4, 5);
    for probability in [0.0, 0.3] {
        for rows in [None, Some(vec![5, 0, 2])] {
            let settings = LayerSettings { rows, ..settings(&lengths, 2, probability, 4) };
            let op = fused(&settings);
            run(&op, &x).assert_close(&finite_differences(&op, &x), 1e-4);
        }
    }
}

#[test]
fn recomputing_gives_the_same_bits() {
    let lengths = [17, 30];
    let x = inputs(3, 47, 12, 20);
    let mut settings = settings(&lengths, 3, 0.2, 8);
    let kept = run(fused(&settings), &x).bits();
    settings.recompute = true;
    assert!(run(fused(&settings), &x).bits() == kept);
}

#[test]
fn in_bf16_values_and_gradients_are_off_by_its_rounding() {
    let lengths = [17, 30];
    let x = inputs(3, 47, 24, 40);
    let mut settings = settings(&lengths, 3, 0.2, 8);
    let exact = run(fused(&settings), &x);
    settings.bf16 = true;
    let rounded = run(fused(&settings), &x);
    // Eight bits of a number are kept: half of 2⁻⁸ each, of which several come together.
    let pairs = [(&rounded.values, &exact.values)].into_iter().chain(rounded.gradients.iter().zip(&exact.gradients));
    for (i, (rounded, exact)) in pairs.enumerate() {
        let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let error = norm(&mut rounded.iter().zip(exact).map(|(a, b)| a - b)) / norm(&mut exact.iter().copied());
        // The gradient of a key's bias is 0: of what is computed nothing is left. That of the last shift comes from no product.
        assert!(i == KEY_BIAS || error < 2e-2 && (i > 0 || error > 1e-5), "{i}: {error}");
    }
}

/// Its place among values and gradients.
const KEY_BIAS: usize = 5;

#[test]
fn wanted_rows_are_those_of_the_whole_output() {
    let x = inputs(5, 9, 8, 10);
    let mut settings = settings(&[4, 5], 2, 0.0, 0);
    let all = run(fused(&settings), &x).values;
    settings.rows = Some(vec![8, 1, 4]);
    let expected: Vec<f32> = [8, 1, 4].into_iter().flat_map(|row: usize| all[row * 8..][..8].to_vec()).collect();
    close("rows", &run(fused(&settings), &x).values, &expected, 1e-5);
}

#[test]
fn no_rows_and_no_tokens_are_no_error_and_gradients_are_zero() {
    let mut settings = settings(&[3, 2], 2, 0.1, 1);
    settings.rows = Some(Vec::new());
    let outcome = run(fused(&settings), &inputs(1, 5, 4, 6));
    assert!(outcome.values.is_empty() && outcome.gradients.iter().flatten().all(|&d| d == 0.0));
    settings = LayerSettings { lengths: vec![0], rows: None, ..settings };
    let outcome = run(fused(&settings), &inputs(1, 0, 4, 6));
    assert!(outcome.values.is_empty() && outcome.gradients.iter().flatten().all(|&d| d == 0.0));
}

#[test]
fn sequences_do_not_see_each_other() {
    let parameters = inputs(1, 0, 8, 6);
    let (first, second) = (random(2, [7, 8], 1.0), random(3, [12, 8], 1.0));
    let with = |x: Vec<f32>, lengths: &[usize]| {
        let mut inputs = parameters.clone();
        inputs[0] = Input { shape: [lengths.iter().sum(), 8], elements: x };
        run(fused(&settings(lengths, 2, 0.0, 0)), &inputs).values
    };
    let both = with([&first.elements[..], &second.elements].concat(), &[7, 12]);
    close("value", &both, &[with(first.elements, &[7]), with(second.elements, &[12])].concat(), 1e-5);
}

#[test]
fn dropout_is_reproducible_and_keeps_the_mean_of_what_it_drops() {
    let x = inputs(6, 81, 8, 16);
    let with = |seed| run(fused(&settings(&[50, 31], 2, 0.2, seed)), &x);
    assert_eq!(with(1).bits(), with(1).bits());
    assert_ne!(with(1).values, with(100).values);
}

#[test]
fn same_result_for_any_number_of_threads() {
    let lengths = [70, 1, 33, 64];
    assert_deterministic(fused(&settings(&lengths, 3, 0.1, 2)), &inputs(8, 168, 33, 70));
}

#[test]
fn arguments_in_use_are_not_overwritten() {
    let device = Device::flex().autodiff();
    let x: Vec<Tensor<2>> = inputs(4, 5, 4, 6)
        .iter()
        .map(|x| crate::testing::tensor(x, &device, burn::tensor::DType::F32).require_grad())
        .collect();
    let before: Vec<_> = x.iter().map(|x| x.clone().into_data()).collect();
    let settings = settings(&[5], 2, 0.0, 0);
    let y = encoder_layer(x[0].clone(), &parameters(&x), &settings);
    let again = encoder_layer(x[0].clone(), &parameters(&x), &settings);
    (y.clone().sum() + again.clone().sum()).backward();
    assert_eq!(y.into_data(), again.into_data());
    assert_eq!(before, x.iter().map(|x| x.clone().into_data()).collect::<Vec<_>>());
}

#[test]
#[should_panic(expected = "do not add up")]
fn lengths_must_cover_the_rows() {
    let device = Device::flex();
    let x: Vec<_> =
        inputs(4, 5, 4, 6).iter().map(|x| crate::testing::tensor(x, &device, burn::tensor::DType::F32)).collect();
    encoder_layer(x[0].clone(), &parameters(&x), &settings(&[4], 2, 0.0, 0));
}
