use super::*;
use proptest::prelude::*;

/// A chain of `n` tags and scores for some positions; whole numbers, so that equal scores are equal.
fn chain_and_emissions() -> impl Strategy<Value = (Chain, Vec<Vec<f64>>)> {
    (1..=5usize, 1..=5usize).prop_flat_map(|(tags, positions)| {
        let row = || prop::collection::vec((-40i32..40).prop_map(f64::from), tags);
        let rows = |n| prop::collection::vec(row(), n);
        (row(), rows(tags), row(), rows(positions))
            .prop_map(|(start, transitions, end, emissions)| (Chain { start, transitions, end }, emissions))
    })
}

/// All sequences of `positions` out of `tags` tags, in the order of their last tag, then of the one before it.
fn all_paths(tags: usize, positions: usize) -> Vec<Vec<usize>> {
    (0..tags.pow(positions as u32))
        .map(|number| (0..positions).map(|t| number / tags.pow(t as u32) % tags).collect())
        .collect()
}

fn score(chain: &Chain, emissions: &[Vec<f64>], path: &[usize]) -> f64 {
    let emitted: f64 = emissions.iter().zip(path).map(|(row, &tag)| row[tag]).sum();
    let moved: f64 = path.windows(2).map(|pair| chain.transitions[pair[0]][pair[1]]).sum();
    chain.start[path[0]] + emitted + moved + chain.end[path[path.len() - 1]]
}

proptest! {
    #[test]
    fn the_best_path_is_the_best_of_all((chain, emissions) in chain_and_emissions()) {
        let paths = all_paths(chain.start.len(), emissions.len());
        let (best, _) = largest(paths.iter().map(|path| score(&chain, &emissions, path)));
        prop_assert_eq!(&chain.best_path(&emissions), &paths[best]);
    }
}

#[test]
fn what_must_not_be_is_avoided_and_nothing_gives_nothing() {
    let mut chain = Chain::neutral(2);
    chain.start[1] = f64::NEG_INFINITY;
    chain.transitions[0][1] = f64::NEG_INFINITY;
    assert_eq!(chain.best_path(&[vec![0.0, 9.0], vec![0.0, 9.0]]), [0, 0]);
    assert_eq!(Chain::neutral(2).best_path(&[vec![0.0, 9.0], vec![5.0, 5.0]]), [1, 0]);
    assert!(chain.best_path(&[]).is_empty());
}

fn log_likelihood(chain: &Chain, emissions: &[Vec<f64>], tags: &[usize]) -> f64 {
    let paths = all_paths(chain.start.len(), emissions.len());
    let all: f64 = paths.iter().map(|path| score(chain, emissions, path).exp()).sum();
    score(chain, emissions, tags) - all.ln()
}

/// `(f(x + h) − f(x − h)) / 2h` for every number that `each` reaches.
fn differences<T: Clone>(at: &T, each: fn(&mut T) -> Vec<&mut f64>, f: impl Fn(&T) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let moved = |i: usize, step: f64| {
        let mut at = at.clone();
        *each(&mut at).remove(i) += step;
        f(&at)
    };
    let count = each(&mut at.clone()).len();
    (0..count).map(|i| (moved(i, STEP) - moved(i, -STEP)) / (2.0 * STEP)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_loss_is_that_of_all_paths_and_its_gradient_that_of_small_steps(
        (mut chain, mut emissions) in chain_and_emissions(), choice in prop::collection::vec(0..5usize, 5),
    ) {
        let rows = emissions.iter_mut().chain(&mut chain.transitions).chain([&mut chain.start, &mut chain.end]);
        rows.flatten().for_each(|score| *score /= 20.0);
        let tags: Vec<usize> = choice[..emissions.len()].iter().map(|tag| tag % chain.start.len()).collect();
        let (loss, rows, gradient) = chain.loss(&emissions, &tags);
        prop_assert!((loss + log_likelihood(&chain, &emissions, &tags)).abs() < 1e-10);
        let slopes = differences(&emissions, |e| e.iter_mut().flatten().collect(), |e| chain.loss(e, &tags).0);
        for (found, expected) in rows.concat().iter().zip(slopes) {
            prop_assert!((found - expected).abs() < 1e-7, "{} {}", found, expected);
        }
        let slopes = differences(&chain, numbers, |c| c.loss(&emissions, &tags).0);
        for (found, expected) in numbers(&mut gradient.clone()).into_iter().zip(slopes) {
            prop_assert!((*found - expected).abs() < 1e-7, "{} {}", found, expected);
        }
    }
}

fn numbers(chain: &mut Chain) -> Vec<&mut f64> {
    chain.start.iter_mut().chain(chain.transitions.iter_mut().flatten()).chain(&mut chain.end).collect()
}

#[test]
fn large_and_impossible_scores_give_numbers() {
    let mut chain = Chain::neutral(2);
    let emissions = [vec![2000.0, -2000.0], vec![-2000.0, 2000.0]];
    assert_eq!(chain.loss(&emissions, &[0, 1]).0, 0.0);
    assert_eq!(chain.loss(&emissions, &[1, 0]).0, 8000.0);
    chain.start[1] = f64::NEG_INFINITY;
    chain.transitions[0][1] = f64::NEG_INFINITY;
    let (loss, rows, gradient) = chain.loss(&emissions, &[0, 0]);
    assert_eq!(loss, 0.0, "one sequence is left");
    assert!(rows.concat().iter().chain(&gradient.transitions.concat()).all(|g| *g == 0.0));
}
