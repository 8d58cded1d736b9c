use super::*;
use crate::plain;
use crate::simd::{Hardware, Portable};
use crate::testing::{assert_deterministic, close, finite_differences, random, run};
use burn::tensor::{DType, Device};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(rows in 1usize..9, width in 1usize..70, seed: u64) {
        let x = [random(seed, [rows, width], 6.0)];
        run(|x| gelu(x[0].clone()), &x).assert_close(&run(|x| plain::gelu(x[0].clone()), &x), 1e-6);
    }
}

#[test]
fn gradient_equals_finite_differences() {
    let x = [random(1, [3, 17], 4.0)];
    let op = |x: &[Tensor<2>]| gelu(x[0].clone());
    run(op, &x).assert_close(&finite_differences(op, &x), 1e-6);
}

#[test]
fn distribution_function_has_the_stated_accuracy() {
    let x: Vec<f32> = (-80_000..=80_000).map(|i| i as f32 * 1e-4).collect();
    let exact =
        Tensor::<1>::from_data(&x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()[..], (&Device::flex(), DType::F64));
    let erf: Vec<f64> = (exact / std::f64::consts::SQRT_2).erf().into_data().try_to_vec().unwrap();
    for (&x, erf) in x.iter().zip(erf) {
        for (distribution, _) in [normal::<Hardware>(x), normal::<Portable>(x)] {
            let expected = (1.0 + erf) / 2.0;
            assert!(
                (f64::from(distribution) - expected).abs() < 1e-7,
                "Phi({x}) = {distribution}, expected {expected}"
            );
        }
    }
    // The tail, from tables of the normal distribution: no cancellation.
    for (x, expected) in [(-4.0, 3.167_124_183e-5), (-5.0, 2.866_515_719e-7), (-6.0, 9.865_876_45e-10)] {
        assert!((f64::from(normal::<Portable>(x).0) / expected - 1.0f64).abs() < 2e-6);
    }
}

#[test]
fn both_versions_agree_and_extremes_are_finite() {
    let x = random(2, [1, 1003], 8.0).elements;
    let (mut fast, mut slow) = (x.clone(), x.clone());
    backward::run(&mut fast, &x);
    backward::generic::<Portable>(&mut slow, &x);
    close("gradient", &fast, &slow, 1e-6);
    let (mut fast, mut slow) = (x.clone(), x.clone());
    let (mut y_fast, mut y_slow) = (x.clone(), x.clone());
    values_and_slopes::run(&mut y_fast, &mut fast);
    values_and_slopes::generic::<Portable>(&mut y_slow, &mut slow);
    close("slope", &fast, &slow, 1e-6);
    close("value", &y_fast, &y_slow, 1e-6);
    let mut y = [0.0; 4];
    values::generic::<Portable>(&mut y, &[-1e9, 1e9, 0.0, f32::NAN]);
    assert!(y[0].abs() < 1e-20 && y[1] == 1e9 && y[2] == 0.0 && y[3].is_nan());
}

#[test]
fn no_rows_and_any_number_of_threads() {
    let y = gelu(Tensor::<2>::zeros([0, 5], &Device::flex()));
    assert_eq!(y.dims(), [0, 5]);
    assert_deterministic(|x| gelu(x[0].clone()), &[random(3, [61, 700], 3.0)]);
}
