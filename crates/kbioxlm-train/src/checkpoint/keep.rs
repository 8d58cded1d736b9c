use crate::KeepConfig;
use std::collections::BTreeSet;

/// A checkpoint, as the policy sees it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) step: u64,
    /// Its value of the metric, if it has one.
    pub(crate) value: Option<f64>,
}

/// The steps of the checkpoints that stay: the last, the best, and those that are kept for good.
pub(crate) fn kept(config: &KeepConfig, all: &[Candidate]) -> BTreeSet<u64> {
    let mut steps: Vec<u64> = all.iter().map(|c| c.step).collect();
    steps.sort_unstable();
    let last = steps.iter().rev().take(config.last.get()).copied();
    let best = ranked(config, all).into_iter().take(config.best).map(|(step, _)| step);
    let for_good = steps.iter().copied().filter(|step| config.every.is_some_and(|every| *step % every == 0));
    last.chain(best).chain(for_good).collect()
}

/// Steps and values from the best on; of equals the first is the better.
pub(crate) fn ranked(config: &KeepConfig, all: &[Candidate]) -> Vec<(u64, f64)> {
    let mut ranked: Vec<(u64, f64)> = all.iter().filter_map(|c| Some((c.step, c.value?))).collect();
    let sign = if config.lower_is_better() { 1.0 } else { -1.0 };
    ranked.sort_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)).then(a.0.cmp(&b.0)));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::{NonZeroU64, NonZeroUsize};

    fn steps(config: &KeepConfig) -> Vec<u64> {
        let values = [Some(0.5), Some(0.9), None, Some(0.1), Some(0.9), Some(0.3)];
        let all: Vec<_> = (1..).zip(values).map(|(n, value)| Candidate { step: 10 * n, value }).collect();
        kept(config, &all).into_iter().collect()
    }

    #[test]
    fn the_last_the_best_and_every_kth_stay() {
        let one = NonZeroUsize::MIN;
        let config = KeepConfig { last: one, best: 0, metric: "loss".into(), every: None };
        assert_eq!(steps(&config), [60]);
        assert_eq!(steps(&KeepConfig { last: one.saturating_add(1), ..config.clone() }), [50, 60]);
        assert_eq!(steps(&KeepConfig { best: 2, ..config.clone() }), [40, 60]);
        assert_eq!(steps(&KeepConfig { best: 1, metric: "prp.accuracy".into(), ..config.clone() }), [20, 60]);
        assert_eq!(steps(&KeepConfig { every: NonZeroU64::new(20), ..config.clone() }), [20, 40, 60]);
        assert_eq!(
            steps(&KeepConfig { best: 9, ..config }),
            [10, 20, 40, 50, 60],
            "without a value it is none of the best"
        );
    }
}
