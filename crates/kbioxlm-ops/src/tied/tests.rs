use super::*;
use crate::testing::{Input, assert_deterministic, random, run, vector};
use crate::{plain, vocabulary_loss};
use burn::tensor::{DType, Device};
use proptest::prelude::*;

const VOCABULARY: usize = 13;
const WIDTH: usize = 5;

/// A table and the bias of its scores.
fn inputs(seed: u64) -> [Input; 2] {
    [random(seed, [VOCABULARY, WIDTH], 1.0), random(seed.wrapping_add(1), [1, VOCABULARY], 1.0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// The gradient of a table that is looked up, scored against, or both is that of Burn's own operations.
    #[test]
    fn both_uses_add_up(ids in prop::collection::vec(0u32..13, 1..20), scored: bool, seed: u64) {
        let targets: Vec<u32> = ids.iter().map(|id| (id + 1) % 13).collect();
        let tied = |x: &[Tensor<2>]| {
            let table = TiedTable::new(x[0].clone());
            let rows = table.look_up(&ids);
            let sum = (rows.clone() * rows.clone()).sum().reshape([1, 1]) + x[1].clone().sum().reshape([1, 1]);
            match scored {
                true => vocabulary_loss(rows, &table, vector(&x[1]), &targets, 0.5).0.reshape([1, 1]) + sum,
                false => sum,
            }
        };
        let reference = |x: &[Tensor<2>]| {
            let rows = plain::look_up(x[0].clone(), &ids);
            let sum = (rows.clone() * rows.clone()).sum().reshape([1, 1]) + x[1].clone().sum().reshape([1, 1]);
            match scored {
                true => plain::vocabulary_loss(rows, x[0].clone(), vector(&x[1]), &targets, 0.5, false).0.reshape([1, 1]) + sum,
                false => sum,
            }
        };
        run(tied, &inputs(seed)).assert_close(&run(reference, &inputs(seed)), 1e-5);
    }
}

#[test]
fn a_second_pass_starts_anew() {
    let device = Device::flex().autodiff();
    let table = crate::testing::tensor(&inputs(3)[0], &device, DType::F32).require_grad();
    let gradient = || {
        let gradients = TiedTable::new(table.clone()).look_up(&[2, 2, 7]).sum().backward();
        table.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap()
    };
    let expected: Vec<f32> = (0..VOCABULARY * WIDTH)
        .map(|i| [(2, 2.0), (7, 1.0)].iter().find(|(row, _)| i / WIDTH == *row).map_or(0.0, |(_, n)| *n))
        .collect();
    assert_eq!(gradient(), expected);
    assert_eq!(gradient(), expected);
}

#[test]
fn without_gradients_and_without_ids() {
    let table = crate::testing::tensor(&inputs(3)[0], &Device::flex(), DType::F32);
    let rows = TiedTable::new(table.clone()).look_up(&[4]);
    assert_eq!(rows.into_data(), table.clone().narrow(0, 4, 1).into_data());
    assert_eq!(TiedTable::new(table).look_up(&[]).dims(), [0, WIDTH]);
}

#[test]
fn same_result_for_any_number_of_threads() {
    let op = |x: &[Tensor<2>]| {
        let table = TiedTable::new(x[0].clone());
        vocabulary_loss(table.look_up(&[1, 5, 5]), &table, vector(&x[1]), &[2, 3, 4], 1.0).0.reshape([1, 1])
    };
    assert_deterministic(op, &inputs(1));
}

#[test]
#[should_panic(expected = "not below the vocabulary")]
fn id_out_of_range() {
    TiedTable::new(Tensor::zeros([3, 2], &Device::flex())).look_up(&[3]);
}
