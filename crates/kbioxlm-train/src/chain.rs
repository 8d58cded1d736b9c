/// Scores of sequences of `n` tags that hang together in a linear chain.
///
/// A sequence `y` over positions with scores `e` has `start[y₁] + Σ e[t][yₜ] + Σ transitions[yₜ₋₁][yₜ] + end[y_T]`; what
/// must not be has −∞.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Of a sequence's first tag, `[n]`.
    pub start: Vec<f64>,
    /// `[n][n]`, from the row's tag to the column's.
    pub transitions: Vec<Vec<f64>>,
    /// Of a sequence's last tag, `[n]`.
    pub end: Vec<f64>,
}

impl Chain {
    /// Without any preference: each position is for itself.
    pub fn neutral(tags: usize) -> Self {
        Self { start: vec![0.0; tags], transitions: vec![vec![0.0; tags]; tags], end: vec![0.0; tags] }
    }

    /// The sequence of tags with the highest score (Viterbi 1967), `emissions`: `[positions][n]`.
    ///
    /// Of equal scores the lower tag wins, from the last position back.
    pub fn best_path(&self, emissions: &[Vec<f64>]) -> Vec<usize> {
        let Some((first, others)) = emissions.split_first() else { return Vec::new() };
        let mut scores: Vec<f64> = self.start.iter().zip(first).map(|(s, e)| s + e).collect();
        let mut former = Vec::with_capacity(others.len());
        for row in others {
            let arrive = |(to, emission): (usize, &f64)| {
                let from = largest(scores.iter().zip(&self.transitions).map(|(score, row)| score + row[to]));
                (from.0, from.1 + emission)
            };
            let (from, next) = row.iter().enumerate().map(arrive).unzip::<usize, f64, Vec<_>, Vec<_>>();
            former.push(from);
            scores = next;
        }
        let (last, _) = largest(scores.iter().zip(&self.end).map(|(score, end)| score + end));
        let mut path = vec![last];
        for from in former.iter().rev() {
            path.push(from[path[path.len() - 1]]);
        }
        path.reverse();
        path
    }

    /// The negative log-likelihood of `tags` among all sequences, in log space, and its gradient with respect to `emissions`
    /// (`[positions][n]`, not empty) and to the chain.
    ///
    /// The gradient of a score is the probability of what it is the score of, less one where `tags` has it (Lafferty et
    /// al. 2001); the probabilities come from the forward–backward algorithm.
    ///
    /// # Panics
    /// If there is not one tag below `n` for each position.
    pub(crate) fn loss(&self, emissions: &[Vec<f64>], tags: &[usize]) -> (f64, Vec<Vec<f64>>, Self) {
        assert_eq!(emissions.len(), tags.len(), "a chain has one tag a position");
        let n = self.start.len();
        let mut terms = vec![0.0; n];
        // `before[t][j]`: all sequences up to position t that end with tag j; `after[t][j]`: all that go on from there.
        let mut before: Vec<Vec<f64>> = Vec::with_capacity(emissions.len());
        for (t, emission) in emissions.iter().enumerate() {
            let arrive = |to: usize| match t.checked_sub(1) {
                None => self.start[to],
                Some(former) => {
                    let sums = before[former].iter().zip(&self.transitions).map(|(sum, row)| sum + row[to]);
                    terms.iter_mut().zip(sums).for_each(|(term, sum)| *term = sum);
                    log_sum_exp(&terms)
                }
            };
            let row = (0..n).map(arrive).zip(emission).map(|(sum, emission)| sum + emission).collect();
            before.push(row);
        }
        let mut after: Vec<Vec<f64>> = vec![self.end.clone(); emissions.len()];
        for t in (1..emissions.len()).rev() {
            let (earlier, later) = after.split_at_mut(t);
            for (sum, row) in earlier[t - 1].iter_mut().zip(&self.transitions) {
                let sums = row.iter().zip(&emissions[t]).zip(&later[0]).map(|((move_, e), rest)| move_ + e + rest);
                terms.iter_mut().zip(sums).for_each(|(term, sum)| *term = sum);
                *sum = log_sum_exp(&terms);
            }
        }
        let last = emissions.len() - 1;
        let ends: Vec<f64> = before[last].iter().zip(&self.end).map(|(a, b)| a + b).collect();
        let all = log_sum_exp(&ends);

        let mut rows: Vec<Vec<f64>> = before
            .iter()
            .zip(&after)
            .map(|(before, after)| before.iter().zip(after).map(|(a, b)| (a + b - all).exp()).collect())
            .collect();
        for (row, &tag) in rows.iter_mut().zip(tags) {
            row[tag] -= 1.0;
        }
        let mut gradient = Self { start: rows[0].clone(), end: rows[last].clone(), ..Self::neutral(n) };
        for t in 1..emissions.len() {
            for (from, (sums, row)) in gradient.transitions.iter_mut().zip(&self.transitions).enumerate() {
                for (to, sum) in sums.iter_mut().enumerate() {
                    *sum += (before[t - 1][from] + row[to] + emissions[t][to] + after[t][to] - all).exp();
                }
            }
            gradient.transitions[tags[t - 1]][tags[t]] -= 1.0;
        }
        let emitted: f64 = emissions.iter().zip(tags).map(|(row, &tag)| row[tag]).sum();
        let moved: f64 = tags.windows(2).map(|pair| self.transitions[pair[0]][pair[1]]).sum();
        (all - (self.start[tags[0]] + emitted + moved + self.end[tags[last]]), rows, gradient)
    }
}

/// `ln Σ exp`, without overflow.
fn log_sum_exp(values: &[f64]) -> f64 {
    let (_, most) = largest(values.iter().copied());
    if most == f64::NEG_INFINITY { most } else { most + values.iter().map(|v| (v - most).exp()).sum::<f64>().ln() }
}

/// The largest value and its position, the first of equal ones.
fn largest(values: impl Iterator<Item = f64>) -> (usize, f64) {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, value)| if value > best.1 { (i, value) } else { best })
}

#[cfg(test)]
mod tests;
