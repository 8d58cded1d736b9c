use kbioxlm_files::rng_for;
use rand::seq::SliceRandom;

/// Batches' worth of examples that are sorted by length together.
const POOL: usize = 64;

/// The order of one pass through the examples: steps of micro-batches of example numbers.
///
/// Examples are shuffled, sorted by length within pools of some 64 batches, cut into micro-batches of at most
/// `tokens_per_batch` tokens, and the micro-batches shuffled. The same arguments give the same plan; each example
/// comes exactly once. A step holds `accumulation` micro-batches, the last of an epoch what remains.
pub fn plan_epoch(
    lengths: &[usize],
    tokens_per_batch: usize,
    accumulation: usize,
    seed: u64,
    epoch: u64,
) -> Vec<Vec<Vec<usize>>> {
    let mut rng = rng_for(seed, &["batches", &epoch.to_string()]);
    let length = |i: &usize| lengths.get(*i).copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(&mut rng);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut rest = order.as_mut_slice();
    while !rest.is_empty() {
        let mut tokens = 0;
        let pool = rest.iter().take_while(|i| {
            tokens += length(i);
            tokens <= POOL * tokens_per_batch
        });
        let n = pool.count().max(1);
        let (pool, others) = rest.split_at_mut(n);
        pool.sort_by_key(length);
        batches.extend(cut(pool, length, tokens_per_batch));
        rest = others;
    }
    batches.shuffle(&mut rng);
    let mut steps = Vec::with_capacity(batches.len().div_ceil(accumulation.max(1)));
    let mut batches = batches.into_iter();
    loop {
        let step: Vec<_> = batches.by_ref().take(accumulation.max(1)).collect();
        if step.is_empty() {
            return steps;
        }
        steps.push(step);
    }
}

/// Cuts `order` into runs of at most `budget` tokens; what is longer than that stands alone.
pub(crate) fn cut(order: &[usize], length: impl Fn(&usize) -> usize, budget: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for i in order {
        tokens += length(i);
        match batches.last_mut() {
            Some(batch) if tokens <= budget => batch.push(*i),
            _ => {
                tokens = length(i);
                batches.push(vec![*i]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_example_comes_once_and_no_batch_exceeds_the_budget(
            lengths in proptest::collection::vec(1usize..64, 0..400), accumulation in 1usize..4, epoch in 0u64..3,
        ) {
            let plan = plan_epoch(&lengths, 128, accumulation, 5, epoch);
            let mut seen: Vec<usize> = plan.iter().flatten().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in plan.iter().flatten() {
                prop_assert!(!batch.is_empty() && batch.iter().map(|&i| lengths[i]).sum::<usize>() <= 128);
            }
            for step in plan.iter().rev().skip(1) {
                prop_assert_eq!(step.len(), accumulation);
            }
        }
    }

    #[test]
    fn a_plan_depends_on_seed_and_epoch_only() {
        let lengths: Vec<usize> = (0..500).map(|i| 5 + i * 7 % 40).collect();
        let plan = |seed, epoch| plan_epoch(&lengths, 100, 1, seed, epoch);
        assert_eq!(plan(1, 0), plan(1, 0));
        assert_ne!(plan(1, 0), plan(1, 1));
        assert_ne!(plan(1, 0), plan(2, 0));
    }

    #[test]
    fn batches_hold_examples_of_similar_length_and_are_nearly_full() {
        let lengths: Vec<usize> = (0..2000).map(|i| 10 + i * 13 % 90).collect();
        let plan = plan_epoch(&lengths, 1000, 1, 3, 0);
        let batches: Vec<&Vec<usize>> = plan.iter().flatten().collect();
        let spread = |b: &&Vec<usize>| {
            let l = b.iter().map(|&i| lengths[i]);
            l.clone().max().unwrap() - l.min().unwrap()
        };
        assert!(batches.iter().map(spread).max().unwrap() < 40);
        let least = lengths.iter().sum::<usize>().div_ceil(1000);
        assert!(batches.len() <= least * 12 / 10, "{} batches for {least} full ones", batches.len());
    }

    #[test]
    fn an_example_longer_than_the_budget_stands_alone() {
        assert_eq!(cut(&[0, 1, 2], |i| [3, 20, 3][*i], 10), [vec![0], vec![1], vec![2]]);
    }
}
