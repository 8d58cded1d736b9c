use super::*;
use crate::plain;
use crate::simd::Portable;
use crate::testing::{assert_deterministic, close, finite_differences, random, run};
use burn::tensor::{Device, Int, TensorData};
use proptest::prelude::*;

fn targets(seed: u64, rows: usize, classes: usize) -> Vec<u32> {
    (0..rows).map(|i| ((seed >> 7).wrapping_add(i as u64 * 2_654_435_761) % classes as u64) as u32).collect()
}

fn as_matrix(loss: Tensor<1>) -> Tensor<2> {
    loss.reshape([1, 1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(rows in 1usize..9, classes in 1usize..300, seed: u64) {
        let x = [random(seed, [rows, classes], 8.0)];
        let t = targets(seed, rows, classes);
        let expected = run(|x| as_matrix(plain::cross_entropy(x[0].clone(), &t)), &x);
        run(|x| as_matrix(cross_entropy(x[0].clone(), &t)), &x).assert_close(&expected, 1e-5);
        // The leaves are held by the test, so this was the copying path; here the logits are a result of their own.
        let expected = run(|x| as_matrix(plain::cross_entropy(x[0].clone() * 2.0, &t)), &x);
        run(|x| as_matrix(cross_entropy(x[0].clone() * 2.0, &t) ), &x).assert_close(&expected, 1e-5);
        let device = Device::flex();
        let x = crate::testing::tensor(&x[0], &device, burn::tensor::DType::F32) * 2.0;
        close("untracked", &[cross_entropy(x, &t).into_scalar()], &expected.values, 1e-5);
    }
}

#[test]
fn gradient_equals_finite_differences() {
    let x = [random(3, [4, 21], 3.0)];
    let op = |x: &[Tensor<2>]| as_matrix(cross_entropy(x[0].clone(), &[0, 20, 7, 7]));
    run(op, &x).assert_close(&finite_differences(op, &x), 2e-6);
}

/// Trap 11: a batch without masked tokens gives NaN.
#[test]
fn trap_11_no_rows_is_loss_zero_and_gradient_zero() {
    let device = Device::flex().autodiff();
    // Rows are chosen with `select`: a slice of no rows loses Burn's gradient tracking.
    let hidden = Tensor::<2>::ones([3, 4], &device).require_grad();
    let no_indices = Tensor::<1, Int>::from_data(TensorData::new(Vec::<i64>::new(), [0]), &device);
    let loss = cross_entropy(hidden.clone().select(0, no_indices), &[]) / 8.0;
    assert_eq!(loss.clone().into_scalar::<f32>(), 0.0);
    let gradients = loss.backward();
    let gradient = hidden.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(gradient, [0.0; 12]);
    let none = Tensor::<2>::zeros([0, 5], &Device::flex());
    assert_eq!(cross_entropy(none.clone(), &[]).into_scalar::<f32>(), 0.0);
    assert_eq!(plain::cross_entropy(none, &[]).into_scalar::<f32>(), 0.0);
}

#[test]
fn large_logits_do_not_overflow() {
    let device = Device::flex();
    let x = Tensor::<2>::from_floats([[1e4, -1e4, 0.0]], &device);
    assert_eq!(cross_entropy(x.clone(), &[0]).into_scalar::<f32>(), 0.0);
    assert_eq!(cross_entropy(x, &[1]).into_scalar::<f32>(), 2e4);
    let x = Tensor::<2>::from_floats([[f32::NAN, 1.0]], &device);
    assert!(cross_entropy(x, &[1]).into_scalar::<f32>().is_nan(), "divergence must stay visible");
}

#[test]
fn both_versions_agree() {
    let row = random(8, [1, 777], 9.0).elements;
    let (mut fast, mut slow) = (row.clone(), row.clone());
    let losses = [
        row_gradient::run(&mut fast, 5, 1.0).loss,
        row_gradient::generic::<Portable>(&mut slow, 5, 1.0).loss,
        row_loss::run(&row, 5),
        row_loss::generic::<Portable>(&row, 5),
    ];
    assert!(losses.iter().all(|loss| (loss - losses[0]).abs() < 1e-5), "{losses:?}");
    close("gradient", &fast, &slow, 1e-6);
}

#[test]
#[should_panic(expected = "not below the number of classes")]
fn target_out_of_range() {
    cross_entropy(Tensor::zeros([1, 3], &Device::flex()), &[3]);
}

#[test]
fn same_result_for_any_number_of_threads() {
    let t = targets(5, 40, 1000);
    assert_deterministic(|x| as_matrix(cross_entropy(x[0].clone(), &t)), &[random(9, [40, 1000], 5.0)]);
}
