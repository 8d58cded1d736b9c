use super::*;
use crate::plain;
use crate::testing::{assert_deterministic, random, run};
use burn::tensor::Device;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn equals_plain(rows in 1usize..40, width in 1usize..600, probability in 0.0f32..1.0, seed: u64) {
        let rule = Dropout { probability, seed };
        let x = [random(seed, [rows, width], 2.0)];
        let fused = run(|x| dropout(x[0].clone(), rule), &x);
        prop_assert_eq!(fused, run(|x| plain::dropout(x[0].clone(), rule), &x));
    }
}

#[test]
fn rate_mean_and_independence() {
    const N: u32 = 1 << 20;
    for probability in [0.1f32, 0.5, 0.9] {
        let [a, b] = [7, 8].map(|seed| Dropout { probability, seed }.mask());
        let p = f64::from(probability);
        let rate = |count: usize| count as f64 / f64::from(N);
        let dropped = |mask: Mask, i: u32| mask.factor(i) == 0.0;
        // Five standard deviations of a proportion.
        let near = |count: usize, p: f64| (rate(count) - p).abs() < 5.0 * (p * (1.0 - p) / f64::from(N)).sqrt();
        assert!(near((0..N).filter(|&i| dropped(a, i)).count(), p));
        assert!(near((0..N).filter(|&i| dropped(a, i) && dropped(b, i)).count(), p * p), "seeds are independent");
        for distance in [1, 2, 64, 384, 65_536] {
            let both = (0..N).filter(|&i| dropped(a, i) && dropped(a, i + distance)).count();
            assert!(near(both, p * p), "neighbours at distance {distance} are independent");
        }
        let mean = (0..N).map(|i| f64::from(a.factor(i))).sum::<f64>() / f64::from(N);
        assert!((mean - 1.0).abs() < 5.0 * (p / (1.0 - p) / f64::from(N)).sqrt(), "mean {mean}");
    }
}

#[test]
fn extremes() {
    let x = Tensor::<2>::ones([3, 50], &Device::flex());
    let sum = |probability| dropout(x.clone(), Dropout { probability, seed: 1 }).sum().into_scalar::<f32>();
    assert_eq!([sum(0.0), sum(1.0), sum(2.0)], [150.0, 0.0, 0.0]);
    assert_eq!(dropout(x.clone(), Dropout::none()).into_data(), x.clone().into_data());
    assert!(sum(0.5) > 0.0, "an argument that is still in use is not overwritten");
    assert_eq!(x.sum().into_scalar::<f32>(), 150.0);
    assert_eq!(dropout(Tensor::zeros([0, 4], &Device::flex()), Dropout { probability: 0.5, seed: 1 }).dims(), [0, 4]);
}

#[test]
fn same_mask_for_any_number_of_threads() {
    assert_deterministic(
        |x| dropout(x[0].clone(), Dropout { probability: 0.3, seed: 5 }),
        &[random(1, [90, 701], 1.0)],
    );
}
