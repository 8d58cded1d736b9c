use std::num::NonZeroU64;

/// Linear warm-up to a peak, then linear decay to zero.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Schedule {
    peak: f64,
    warmup: u64,
    total: NonZeroU64,
}

impl Schedule {
    /// A schedule of `total` steps whose first `warmup_ratio` of steps warm up; at least one step is at the peak.
    pub fn new(peak: f64, warmup_ratio: f64, total: u64) -> Self {
        let total = NonZeroU64::new(total).unwrap_or(NonZeroU64::MIN);
        let warmup = (total.get() as f64 * warmup_ratio.clamp(0.0, 1.0)).round() as u64;
        Self { peak, warmup: warmup.min(total.get() - 1), total }
    }

    /// Learning rate of `step`, counted from 0.
    ///
    /// `peak · (step + 1) / (warmup + 1)` while warming up, then `peak · (total − step) / (total − warmup)`:
    /// zero would be reached one step before the first and one after the last, so that no step is spent on it.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let total = self.total.get();
        let factor = if step < self.warmup {
            (step + 1) as f64 / (self.warmup + 1) as f64
        } else {
            total.saturating_sub(step) as f64 / (total - self.warmup) as f64
        };
        self.peak * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_peak_and_falls_towards_zero_in_equal_steps() {
        let schedule = Schedule::new(1.0, 0.3, 10);
        let rates: Vec<f64> = (0..=10).map(|s| schedule.learning_rate(s)).collect();
        let expected = [0.25, 0.5, 0.75, 1.0, 6.0 / 7.0, 5.0 / 7.0, 4.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0, 0.0];
        assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
    }

    #[test]
    fn a_run_of_one_step_trains_at_the_peak() {
        assert_eq!(Schedule::new(0.5, 1.0, 1).learning_rate(0), 0.5);
        assert_eq!(Schedule::new(0.5, 0.0, 0).learning_rate(0), 0.5);
    }
}
