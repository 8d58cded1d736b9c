use super::*;
use crate::plain;
use crate::simd::Portable;
use crate::testing::{assert_deterministic, close, finite_differences, random, run, vector};
use burn::tensor::Device;
use proptest::prelude::*;

const EPS: f64 = 1e-5;

fn fused(x: &[Tensor<2>]) -> Tensor<2> {
    layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), EPS)
}

fn inputs(seed: u64, rows: usize, width: usize) -> [crate::testing::Input; 3] {
    [(0, rows), (1, 1), (2, 1)].map(|(i, rows)| random(seed.wrapping_add(i), [rows, width], 2.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(rows in 1usize..80, width in 2usize..70, seed: u64) {
        let x = inputs(seed, rows, width);
        let expected = run(|x| plain::layer_norm(x[0].clone(), vector(&x[1]), vector(&x[2]), EPS), &x);
        run(fused, &x).assert_close(&expected, 1e-4);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let x = inputs(4, 3, 19);
    run(fused, &x).assert_close(&finite_differences(fused, &x), 1e-5);
}

#[test]
fn constant_rows_and_width_one_give_the_shift() {
    let device = Device::flex();
    let beta = Tensor::<1>::from_floats([0.25], &device);
    let y = layer_norm(Tensor::full([3, 1], 7.0, &device), Tensor::ones([1], &device), beta, EPS);
    assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [0.25; 3]);
    let y = layer_norm(Tensor::zeros([0, 4], &device), Tensor::ones([4], &device), Tensor::zeros([4], &device), EPS);
    assert_eq!(y.dims(), [0, 4]);
}

#[test]
fn eps_is_used() {
    let device = Device::flex();
    let x = Tensor::<2>::from_floats([[-1.0, 1.0]], &device);
    let y = layer_norm(x, Tensor::ones([2], &device), Tensor::zeros([2], &device), 3.0);
    close("value", &y.into_data().try_to_vec::<f32>().unwrap(), &[-0.5, 0.5], 1e-6);
}

#[test]
fn arguments_in_use_are_not_overwritten() {
    let device = Device::flex();
    let x = Tensor::<2>::full([2, 3], 1.0, &device);
    layer_norm(x.clone(), Tensor::ones([3], &device), Tensor::ones([3], &device), EPS);
    assert_eq!(x.into_data().try_to_vec::<f32>().unwrap(), [1.0; 6]);
}

#[test]
fn both_versions_agree() {
    let [x, gamma, beta] = inputs(5, 6, 37).map(|x| x.elements);
    let d = random(9, [6, 37], 2.0).elements;
    let (mut fast, mut slow) = (x.clone(), x);
    let (mut y, mut inverse) = (vec![0.0; fast.len()], vec![0.0; 6]);
    normalise::run(&mut fast, &mut y, &mut inverse, &gamma, &beta, 1e-5);
    normalise::generic::<Portable>(&mut slow, &mut y, &mut inverse, &gamma, &beta, 1e-5);
    close("normalised", &fast, &slow, 1e-5);
    let (mut d_fast, mut d_slow) = (d.clone(), d);
    let (mut s_fast, mut s_slow) = (vec![0.0; 74], vec![0.0; 74]);
    backward::run(&mut d_fast, &fast, &inverse, &gamma, &mut s_fast);
    backward::generic::<Portable>(&mut d_slow, &fast, &inverse, &gamma, &mut s_slow);
    close("gradient", &d_fast, &d_slow, 1e-5);
    close("gradient of gain and shift", &s_fast, &s_slow, 1e-5);
}

#[test]
fn same_result_for_any_number_of_threads() {
    assert_deterministic(fused, &inputs(6, 333, 100));
}
