use super::*;
use proptest::prelude::*;

fn parts(sizes: &[usize], weights: Option<&[f64]>) -> Vec<(Range<usize>, Option<f64>)> {
    let mut start = 0;
    let range = |(i, &n): (usize, &usize)| {
        start += n;
        (start - n..start, weights.map(|w| w[i]))
    };
    sizes.iter().enumerate().map(range).collect()
}

fn tokens(draws: &[Draw], lengths: &[usize], examples: &Range<usize>) -> usize {
    draws.iter().filter(|d| examples.contains(&d.example)).map(|d| lengths[d.example]).sum()
}

#[test]
fn without_weights_an_epoch_is_a_pass_through_each_corpus() {
    let lengths: Vec<usize> = (0..30).map(|i| 3 + i % 7).collect();
    let mixture = Mixture::new(&lengths, &parts(&[10, 20], None));
    for epoch in 0..3 {
        let expected: Vec<Draw> = (0..30).map(|example| Draw { example, pass: epoch }).collect();
        assert_eq!(mixture.epoch(&lengths, 1, epoch), expected);
    }
}

#[test]
fn a_small_corpus_with_a_large_weight_comes_several_times_an_epoch() {
    let lengths = vec![10; 110];
    let mixture = Mixture::new(&lengths, &parts(&[10, 100], Some(&[3.0, 1.0])));
    let epoch = mixture.epoch(&lengths, 1, 0);
    let of = |range: Range<usize>| epoch.iter().filter(|d| range.contains(&d.example)).count();
    // Three quarters of 1100 tokens are 82.5 of ten: one begins in the last half.
    assert_eq!((of(0..10), of(10..110)), (83, 28));
    assert_eq!(epoch.iter().map(|d| d.pass).max(), Some(8));
}

#[test]
fn an_order_depends_on_seed_and_pass() {
    let lengths = vec![1; 100];
    let weighted = parts(&[50, 50], Some(&[1.0, 3.0]));
    let mixture = Mixture::new(&lengths, &weighted);
    let first = |seed, epoch| {
        let draws = mixture.epoch(&lengths, seed, epoch);
        draws.into_iter().filter(|d| d.example < 50).map(|d| d.example).collect::<Vec<_>>()
    };
    assert_eq!(first(1, 0), first(1, 0));
    assert_ne!(first(1, 0), first(2, 0));
    let (mut halves, next) = ([first(1, 0), first(1, 1)].concat(), first(1, 2));
    halves.sort_unstable();
    assert_eq!(halves, (0..50).collect::<Vec<_>>(), "the second epoch goes on where the first stopped");
    assert_ne!(first(1, 0), next, "another pass, another order");
}

#[test]
fn weights_are_all_or_none_and_above_zero() {
    let part = |weight| CorpusPart { path: "corpora/b".into(), weight };
    let message = |parts: &[CorpusPart]| check_weights(parts).unwrap_err().to_string();
    assert!(check_weights(&[part(None), part(None)]).is_ok() && check_weights(&[part(Some(2.0))]).is_ok());
    assert!(message(&[]).contains("`corpus` is an empty list"));
    let one = message(&[part(Some(1.0)), part(None)]);
    assert!(one.contains("missing for corpora/b") && one.contains("for each corpus or for none"), "{one}");
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(&[part(Some(wrong))]).contains("a number above 0"));
    }
}

proptest! {
    #[test]
    fn shares_hold_and_nothing_is_skipped(
        lengths in prop::collection::vec(1usize..50, 3..60),
        cut in any::<prop::sample::Index>(),
        weights in prop::collection::vec(0.05f64..5.0, 2),
        seed: u64,
        epochs in 1u64..5,
    ) {
        let cut = 1 + cut.index(lengths.len() - 1);
        let parts = parts(&[cut, lengths.len() - cut], Some(&weights));
        let mixture = Mixture::new(&lengths, &parts);
        let draws: Vec<Draw> = (0..epochs).flat_map(|e| mixture.epoch(&lengths, seed, e)).collect();
        let total = lengths.iter().sum::<usize>() as f64 * epochs as f64;
        let longest = *lengths.iter().max().unwrap() as f64;
        for ((examples, _), weight) in parts.iter().zip(&weights) {
            let expected = total * weight / weights.iter().sum::<f64>();
            prop_assert!((tokens(&draws, &lengths, examples) as f64 - expected).abs() <= longest + 1.0);
            // Each example as often as the others of its corpus, or once less; never twice in a pass.
            let times = |e| draws.iter().filter(|d| d.example == e).count();
            let (least, most) = (examples.clone().map(times).min().unwrap(), examples.clone().map(times).max().unwrap());
            prop_assert!(most - least <= 1, "{} to {}", least, most);
        }
        let mut distinct = draws.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), draws.len());
    }
}
