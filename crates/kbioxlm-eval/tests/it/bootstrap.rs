//! The bootstrap against scipy's (tests/fixtures/make_bootstrap.py), against a naive one, and its properties.

use kbioxlm_eval::{Bootstrap, Counts, DocumentCounts, Interval, MainScore};
use kbioxlm_files::rng_for;
use proptest::prelude::*;
use rand::RngExt;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    a: Vec<Counts>,
    b: Vec<Counts>,
    of_a: Interval,
    of_b: Interval,
    difference: Interval,
    p: f64,
}

fn documents(counts: &[Counts]) -> Vec<DocumentCounts> {
    let one = |(i, c): (usize, &Counts)| DocumentCounts { id: i.to_string(), counts: [("X".to_owned(), *c)].into() };
    counts.iter().enumerate().map(one).collect()
}

#[test]
fn intervals_and_p_are_those_of_scipy_but_for_chance() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/bootstrap.json")).unwrap();
    for case in cases {
        let (a, b) = (documents(&case.a), documents(&case.b));
        let ours = Bootstrap::default().compare(&MainScore::MicroF1, &[&a], &[&b]).unwrap();
        for (ours, theirs) in [(ours.a, case.of_a), (ours.b, case.of_b), (ours.difference, case.difference)] {
            assert!((ours.value - theirs.value).abs() < 1e-12, "{ours:?} {theirs:?}");
            // The standard error of an end at 10,000 resamples is some 0.001.
            assert!(
                (ours.low - theirs.low).abs() < 0.004 && (ours.high - theirs.high).abs() < 0.004,
                "{ours:?} {theirs:?}"
            );
        }
        assert!((ours.p - case.p).abs() < 0.02, "{} {}", ours.p, case.p);
        let alone = Bootstrap::default().interval(&MainScore::MicroF1, &[&a]).unwrap();
        assert_eq!(alone, ours.a, "the interval of a system is the same beside another one");
    }
}

/// Documents with counts of three labels, some of which do not occur.
fn system(seed: u64, n: usize) -> Vec<DocumentCounts> {
    let mut rng = rng_for(seed, &["test"]);
    let mut document = |i: usize| {
        let mut counts = BTreeMap::new();
        for label in ["a", "b", "c"] {
            let right = rng.random_range(0..3);
            let c = Counts { right, predicted: right + rng.random_range(0..2), gold: right + rng.random_range(0..2) };
            if c.predicted + c.gold > 0 && rng.random_bool(0.7) {
                counts.insert(label.to_owned(), c);
            }
        }
        DocumentCounts { id: i.to_string(), counts }
    };
    (0..n).map(&mut document).collect()
}

/// By the definition: the drawn documents laid out one by one, their counts summed, the score of the sums.
fn naive(score: &MainScore, documents: &[&DocumentCounts]) -> f64 {
    let f1 = |label: Option<&str>| {
        let (mut right, mut both) = (0, 0);
        for (_, c) in documents.iter().flat_map(|d| &d.counts).filter(|(l, _)| label.is_none_or(|label| label == *l)) {
            right += c.right;
            both += c.predicted + c.gold;
        }
        (both, if both == 0 { 0.0 } else { 2.0 * right as f64 / both as f64 })
    };
    match score {
        MainScore::MicroF1 => f1(None).1,
        MainScore::F1Of(label) => f1(Some(label)).1,
        MainScore::MacroF1 => {
            let occurring: Vec<f64> =
                ["a", "b", "c"].map(|l| f1(Some(l))).into_iter().filter(|(n, _)| *n > 0).map(|(_, f)| f).collect();
            if occurring.is_empty() { 0.0 } else { occurring.iter().sum::<f64>() / occurring.len() as f64 }
        }
    }
}

#[test]
fn several_runs_of_two_systems_are_compared_as_by_a_naive_bootstrap() {
    let (n, bootstrap) = (12, Bootstrap { resamples: 500, seed: 7, confidence: 0.9 });
    let a: Vec<Vec<DocumentCounts>> = (0..3).map(|s| system(s, n)).collect();
    let b: Vec<Vec<DocumentCounts>> = (10..13).map(|s| system(s, n)).collect();
    for score in [MainScore::MicroF1, MainScore::MacroF1, MainScore::F1Of("b".into())] {
        let mean = |runs: &[Vec<DocumentCounts>], drawn: &[usize]| {
            let of_run = |run: &Vec<DocumentCounts>| naive(&score, &drawn.iter().map(|&i| &run[i]).collect::<Vec<_>>());
            runs.iter().map(of_run).sum::<f64>() / runs.len() as f64
        };
        let whole: Vec<usize> = (0..n).collect();
        let difference = mean(&a, &whole) - mean(&b, &whole);
        let mut differences: Vec<f64> = (0..bootstrap.resamples)
            .map(|i| {
                let mut rng = rng_for(bootstrap.seed, &["bootstrap", &i.to_string()]);
                let drawn: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
                mean(&a, &drawn) - mean(&b, &drawn)
            })
            .collect();
        let as_good = differences.iter().filter(|&d| *d >= 2.0 * difference - 1e-12).count();
        differences.sort_by(f64::total_cmp);
        let runs = |runs: &'static [Vec<DocumentCounts>]| runs.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let (a, b) = (runs(a.clone().leak()), runs(b.clone().leak()));
        let ours = bootstrap.compare(&score, &a, &b).unwrap();
        assert!((ours.difference.value - difference).abs() < 1e-12);
        assert_eq!(ours.p, (1 + as_good) as f64 / 501.0, "{score:?}");
        // Between the 25th and the 26th of 500 values: 0.05 * 499 = 24.95.
        let low = differences[24] + 0.95 * (differences[25] - differences[24]);
        assert!((ours.difference.low - low).abs() < 1e-9, "{ours:?} {low}");
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let [one, four] = [1, 4].map(|n| pool(n).install(|| bootstrap.compare(&score, &a, &b).unwrap()));
        assert_eq!((one, four), (ours, ours), "the number of threads does not matter");
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let (a, b) = (system(1, 5), system(2, 6));
    let mut other = system(2, 5);
    other[3].id = "other".into();
    let (bootstrap, score) = (Bootstrap::default(), MainScore::MicroF1);
    let message =
        |a: &[&[DocumentCounts]], b: &[&[DocumentCounts]]| bootstrap.compare(&score, a, b).unwrap_err().to_string();
    assert!(message(&[&a], &[&b]).contains("6 and on 5 documents"));
    assert!(message(&[&a], &[&other]).contains("`other` and `3` in one place"));
    assert!(message(&[&a, &a], &[&a]).contains("2 runs of A, 1 of B"));
    assert!(message(&[], &[]).contains("no document"));
    assert!(message(&[&[]], &[&[]]).contains("no document"));
    let none = Bootstrap { resamples: 0, ..bootstrap };
    assert!(none.interval(&score, &[&a]).unwrap_err().to_string().contains("0 resamples"));
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::with_cases(24) })]

    #[test]
    fn p_follows_the_difference(seed in 0_u64..1000) {
        let bootstrap = Bootstrap { resamples: 400, ..Bootstrap::default() };
        let score = MainScore::MicroF1;
        let (a, b) = (system(seed, 20), system(seed + 1000, 20));
        let p = |a: &[DocumentCounts], b: &[DocumentCounts]| bootstrap.compare(&score, &[a], &[b]).unwrap();
        prop_assert_eq!(p(&a, &a).p, 1.0, "a system does not beat itself");
        let (forth, back) = (p(&a, &b), p(&b, &a));
        prop_assert!((forth.difference.value + back.difference.value).abs() < 1e-12);
        prop_assert!((forth.p < 0.5) == (back.p > 0.5) || forth.p.max(back.p) > 0.45, "{} {}", forth.p, back.p);
        // A gets better document by document: p never rises by more than chance among ties allows.
        let perfect: Vec<DocumentCounts> = b
            .iter()
            .map(|d| DocumentCounts {
                id: d.id.clone(),
                counts: d.counts.iter().map(|(l, c)| (l.clone(), Counts { right: c.gold, predicted: c.gold, ..*c })).collect(),
            })
            .collect();
        prop_assert!(p(&perfect, &b).p < 0.2, "without errors against errors everywhere");
        prop_assert!(p(&perfect, &b).difference.low >= 0.0);
        prop_assert!(p(&b, &perfect).p > 0.9);
    }
}
