//! How sure a score and a difference of scores are: the bootstrap over test documents.

use crate::EvalError;
use crate::metrics::total;
use crate::outcome::{DocumentCounts, MainScore};
use kbioxlm_files::rng_for;
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Differences of scores up to this are taken for rounding.
const ROUNDING: f64 = 1e-12;

/// How documents are drawn.
///
/// A *resample* has as many documents as the test set, drawn from it with replacement; the score is computed anew from the sum
/// of their counts. The result depends on the seed, not on the number of threads.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// Number of resamples, at least 1.
    pub resamples: usize,
    /// Seed of the drawing.
    pub seed: u64,
    /// Share of the resamples that an interval covers, above 0 and below 1.
    pub confidence: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 10_000, seed: 1, confidence: 0.95 }
    }
}

/// A value and between what it lies, as far as the choice of test documents goes.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The value on the test set itself.
    pub value: f64,
    /// Lower end of the percentile interval (Efron & Tibshirani 1993, ch. 13).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// System A against system B on the same documents.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Score of A (mean over its runs).
    pub a: Interval,
    /// Score of B.
    pub b: Interval,
    /// A minus B, on the same resamples.
    pub difference: Interval,
    /// One-sided p-value of "A beats B"; small means that A is better.
    ///
    /// With the observed difference d and that of each of n resamples, d_i: `(1 + #{d_i - d >= d}) / (1 + n)`. This is the paired
    /// bootstrap (Koehn 2004) as Berg-Kirkpatrick et al. (2012) test with it: resamples scatter around d instead of around 0,
    /// so chance is as good as d where one is above `2 d`. The observed sample counts as one of its own resamples (Davison & Hinkley
    /// 1997, ch. 4), so that p is never 0. Equal systems have p = 1.
    pub p: f64,
}

impl Bootstrap {
    /// The score of one system, the mean of its `runs` (one for each seed of the training) on the same documents.
    ///
    /// # Errors
    /// There is no run, no document, or the runs were not on the same documents; the settings cannot be followed.
    pub fn interval(&self, score: &MainScore, runs: &[&[DocumentCounts]]) -> Result<Interval, EvalError> {
        let system = System::new(score, runs)?;
        let [values] = self.draw([&system])?;
        Ok(self.between(system.whole(), values))
    }

    /// Compares system A with system B.
    ///
    /// # Errors
    /// As [`Self::interval`]; A and B have different numbers of runs.
    pub fn compare(
        &self,
        score: &MainScore,
        a: &[&[DocumentCounts]],
        b: &[&[DocumentCounts]],
    ) -> Result<Comparison, EvalError> {
        if a.len() != b.len() {
            let found = format!("{} runs of A, {} of B", a.len(), b.len());
            return Err(error(found, "as many of one as of the other", "pair the runs seed by seed"));
        }
        // Together, for A and B must have been tested on the same documents too.
        System::new(score, &[a, b].concat())?;
        let (a, b) = (System::new(score, a)?, System::new(score, b)?);
        let [of_a, of_b] = self.draw([&a, &b])?;
        let differences: Vec<f64> = of_a.iter().zip(&of_b).map(|(a, b)| a - b).collect();
        let difference = a.whole() - b.whole();
        let as_good = differences.iter().filter(|&d| d - difference >= difference - ROUNDING).count();
        Ok(Comparison {
            a: self.between(a.whole(), of_a),
            b: self.between(b.whole(), of_b),
            difference: self.between(difference, differences),
            p: (1 + as_good) as f64 / (1 + self.resamples) as f64,
        })
    }

    /// The systems' scores on each resample, the same documents for all.
    fn draw<const N: usize>(&self, systems: [&System; N]) -> Result<[Vec<f64>; N], EvalError> {
        if self.resamples == 0 || !(self.confidence > 0.0 && self.confidence < 1.0) {
            let found = format!("{} resamples, confidence {}", self.resamples, self.confidence);
            return Err(error(found, "at least 1 resample and a confidence between 0 and 1", "correct the settings"));
        }
        let documents = systems.first().map_or(0, |s| s.documents);
        let rows: Vec<[f64; N]> = (0..self.resamples)
            .into_par_iter()
            .map_init(
                || vec![0u32; documents],
                |times, resample| {
                    times.fill(0);
                    let mut rng = rng_for(self.seed, &["bootstrap", &resample.to_string()]);
                    for _ in 0..documents {
                        if let Some(times) = times.get_mut(rng.random_range(0..documents)) {
                            *times += 1;
                        }
                    }
                    systems.map(|system| system.score(times))
                },
            )
            .collect();
        Ok(std::array::from_fn(|i| rows.iter().filter_map(|row| row.get(i)).copied().collect()))
    }

    fn between(&self, value: f64, mut values: Vec<f64>) -> Interval {
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Interval { value, low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) }
    }
}

/// Of sorted values, between neighbours in proportion (as numpy).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * sorted.len().saturating_sub(1) as f64;
    let at = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or_default();
    let below = at(place as usize);
    below + place.fract() * (at(place as usize + 1) - below)
}

fn error(found: impl Into<String>, expected: &str, help: &str) -> EvalError {
    EvalError::setting("bootstrap", found, expected, help)
}

/// The counts of a system's runs as numbers in rows, one row a document.
struct System {
    score: MainScore,
    labels: Vec<String>,
    documents: usize,
    /// By run: of each document, for each label `[right, predicted, gold]`.
    runs: Vec<Vec<[u32; 3]>>,
}

impl System {
    fn new(score: &MainScore, runs: &[&[DocumentCounts]]) -> Result<Self, EvalError> {
        let Some(first) = runs.first().filter(|run| !run.is_empty()) else {
            return Err(error("no document", "the counts of at least one", "evaluate a model first"));
        };
        for run in runs {
            let differs = run.iter().zip(*first).find(|(a, b)| a.id != b.id);
            if run.len() != first.len() || differs.is_some() {
                let found = match differs {
                    Some((a, b)) => format!("the documents `{}` and `{}` in one place", a.id, b.id),
                    None => format!("runs on {} and on {} documents", run.len(), first.len()),
                };
                return Err(error(found, "runs on the same documents", "evaluate all models on the same file"));
            }
        }
        let documents = || runs.iter().flat_map(|run| run.iter());
        let names: BTreeSet<&str> = match score {
            // All labels go into one sum.
            MainScore::MicroF1 => [""].into(),
            MainScore::F1Of(label) => [label.as_str()].into(),
            MainScore::MacroF1 => documents().flat_map(|d| d.counts.keys()).map(String::as_str).collect(),
        };
        let labels: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let row = |document: &DocumentCounts| -> Vec<[u32; 3]> {
            let of = |label: &String| {
                let all = *score == MainScore::MicroF1;
                let counts = document.counts.iter().filter(|(l, _)| all || *l == label).map(|(_, c)| *c);
                let sum = total(counts);
                [number(sum.right), number(sum.predicted), number(sum.gold)]
            };
            labels.iter().map(of).collect()
        };
        let runs = runs.iter().map(|run| run.iter().flat_map(row).collect()).collect();
        Ok(Self { score: score.clone(), documents: first.len(), runs, labels })
    }

    /// The score when each document occurs so many times.
    fn score(&self, times: &[u32]) -> f64 {
        let width = self.labels.len().max(1);
        let of_run = |run: &Vec<[u32; 3]>| {
            let mut sums = vec![[0u64; 3]; self.labels.len()];
            for (&times, row) in times.iter().zip(run.chunks(width)).filter(|(times, _)| **times > 0) {
                for (sum, counts) in sums.iter_mut().zip(row) {
                    sum.iter_mut().zip(counts).for_each(|(s, &c)| *s += u64::from(times) * u64::from(c));
                }
            }
            let counts = sums.iter().map(|sum| sum.map(|n| n as usize).into());
            self.score.of(self.labels.iter().map(String::as_str).zip(counts))
        };
        self.runs.iter().map(of_run).sum::<f64>() / self.runs.len() as f64
    }

    /// The score on the test set itself.
    fn whole(&self) -> f64 {
        self.score(&vec![1; self.documents])
    }
}
