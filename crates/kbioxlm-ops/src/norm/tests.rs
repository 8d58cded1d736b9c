use super::*;
use crate::plain;
use crate::testing::random;
use burn::tensor::{DType, Device};

#[test]
fn equals_the_sum_of_squares_for_any_number_of_threads() {
    for (seed, shape) in [(1, [1, 1]), (2, [3, 37]), (3, [401, 500])] {
        let input = random(seed, shape, 3.0);
        let expected: f64 = input.elements.iter().map(|&x| f64::from(x).powi(2)).sum();
        let norm = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| squared_norm(crate::testing::tensor(&input, &Device::flex(), DType::F32)))
        };
        assert!((norm(1) / expected - 1.0).abs() < 1e-12);
        assert!([2, 3, 2].map(norm).iter().all(|&x| x.to_bits() == norm(1).to_bits()));
        let x = crate::testing::tensor(&input, &Device::flex().autodiff(), DType::F32);
        assert_eq!(squared_norm(x.clone()), norm(1), "autodiff is left out");
        assert!((plain::squared_norm(x.inner()) / expected - 1.0).abs() < 1e-4);
    }
}

#[test]
fn transposed_empty_and_infinite() {
    let x = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::flex());
    assert_eq!(squared_norm(x.clone().transpose()), 91.0);
    assert_eq!(squared_norm(x.slice([0..1, 1..3])), 13.0);
    assert_eq!(squared_norm(Tensor::<1>::zeros([0], &Device::flex())), 0.0);
    assert_eq!(squared_norm(Tensor::<1>::from_floats([f32::INFINITY], &Device::flex())), f64::INFINITY);
}
