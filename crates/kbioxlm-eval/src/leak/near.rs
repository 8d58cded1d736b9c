//! Near duplicates in any language, by the embeddings of whole documents.

use crate::EvalError;
use burn::module::Module;
use kbioxlm_model::{Heads, Model, Tokenizer, load};
use kbioxlm_train::embed;
use rayon::prelude::*;
use std::path::Path;

/// Sub-tokens that are computed at once: bounds the memory, not the result.
const TOKENS_PER_BATCH: usize = 4096;

/// Fewest documents whose mean says what they have in common.
pub(super) const MIN_DOCUMENTS: usize = 30;

/// A model that embeds texts.
pub(super) struct Embedder {
    model: Model,
    tokenizer: Tokenizer,
    max_length: usize,
}

impl Embedder {
    pub fn load(dir: &Path) -> Result<Self, EvalError> {
        let pretrained = load(dir, &Heads::default(), 0, &kbioxlm_model::device())?;
        let max_length = pretrained.config.max_length();
        Ok(Self { model: pretrained.model.valid(), tokenizer: pretrained.tokenizer, max_length })
    }

    /// Mean states of the texts, of length 1; of a text that is longer than the model's input, its beginning.
    pub fn embed<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<Vec<f32>>, EvalError> {
        let special = self.tokenizer.special();
        let mut rows = Vec::new();
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut tokens = 0;
        let mut run = |batch: &mut Vec<Vec<u32>>| {
            if !batch.is_empty() {
                let embedded = embed(&self.model, batch);
                let [_, width] = embedded.dims();
                let values: Vec<f32> = embedded.into_data().iter::<f32>().collect();
                rows.extend(values.chunks(width.max(1)).map(<[f32]>::to_vec));
                batch.clear();
            }
        };
        for text in texts {
            let ids = self.tokenizer.encode(text)?.ids;
            let inner = ids.into_iter().take(self.max_length.saturating_sub(2));
            let ids: Vec<u32> = std::iter::once(special.bos).chain(inner).chain([special.eos]).collect();
            if tokens + ids.len() > TOKENS_PER_BATCH {
                run(&mut batch);
                tokens = 0;
            }
            tokens += ids.len();
            batch.push(ids);
        }
        run(&mut batch);
        Ok(rows)
    }
}

/// The mean of all rows.
pub(super) fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0f64; rows.first().map_or(0, Vec::len)];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x));
    }
    sum.into_iter().map(|s| (s / rows.len().max(1) as f64) as f32).collect()
}

/// The rows less what they have in common, at length 1 again.
///
/// States of one language (and subject) have most of their direction in common: raw cosines of any two texts lie near 0.85 for
/// multilingual-e5, those of translations not above those of strangers.
pub(super) fn centre(rows: &mut [Vec<f32>], mean: &[f32]) {
    for row in rows {
        row.iter_mut().zip(mean).for_each(|(x, m)| *x -= m);
        let norm = dot(row, row).sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|x| *x /= norm);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The nearest document of a stream to one of a set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Neighbour<T> {
    pub cosine: f32,
    /// Whether nothing in the set is nearer to that document.
    pub mutual: bool,
    pub what: T,
}

/// Of each document of a set, the one that was found near.
pub(super) type Neighbours<T> = Vec<Option<Neighbour<T>>>;

/// For each document of a set, its nearest in a stream of any length.
#[derive(Debug)]
pub(super) struct Nearest<'s, T> {
    set: &'s [Vec<f32>],
    found: Neighbours<T>,
}

impl<'s, T> Nearest<'s, T> {
    pub fn new(set: &'s [Vec<f32>]) -> Self {
        Self { set, found: set.iter().map(|_| None).collect() }
    }

    /// Whether there is no set.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Compares another part of the stream; of equally near documents the first stays.
    pub fn add(&mut self, rows: &[Vec<f32>], what: impl Fn(usize) -> T) {
        let cosines: Vec<Vec<f32>> =
            rows.par_iter().map(|row| self.set.iter().map(|own| dot(row, own)).collect()).collect();
        for (number, cosines) in cosines.iter().enumerate() {
            let best = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (found, &cosine) in self.found.iter_mut().zip(cosines) {
                if found.as_ref().is_none_or(|f| cosine > f.cosine) {
                    *found = Some(Neighbour { cosine, mutual: cosine == best, what: what(number) });
                }
            }
        }
    }

    /// Of each document of the set, the nearest, if that is mutual and near enough.
    pub fn mutual(self, near: impl Fn(&Neighbour<T>) -> bool) -> Neighbours<T> {
        self.found.into_iter().map(|found| found.filter(|n| n.mutual && near(n))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbioxlm_files::rng_for;
    use rand::RngExt;

    fn rows(seed: u64, n: usize) -> Vec<Vec<f32>> {
        let mut rng = rng_for(seed, &["near"]);
        (0..n).map(|_| (0..8).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
    }

    #[test]
    fn centred_rows_have_no_common_direction_and_length_one() {
        let mut rows = rows(1, 50);
        rows.iter_mut().for_each(|row| row[0] += 100.0);
        let common = mean(&rows);
        centre(&mut rows, &common);
        assert!(rows.iter().all(|row| (dot(row, row) - 1.0).abs() < 1e-5));
        assert!(rows.iter().map(|row| row[0]).fold(f32::NEG_INFINITY, f32::max) > 0.0);
        assert!(rows.iter().map(|row| row[0]).fold(f32::INFINITY, f32::min) < 0.0);
        let mut same = vec![vec![1.0; 4]; 3];
        let common = mean(&same);
        centre(&mut same, &common);
        assert!(same.iter().flatten().all(|x| x.is_finite()));
    }

    #[test]
    fn a_stream_in_parts_gives_the_nearest_of_the_whole_table() {
        let (mut set, mut stream) = (rows(2, 20), rows(3, 70));
        for rows in [&mut set, &mut stream] {
            centre(rows, &[0.0; 8]);
        }
        let mut nearest = Nearest::new(&set);
        for (part, rows) in stream.chunks(9).enumerate() {
            nearest.add(rows, |i| 9 * part + i);
        }
        let found = nearest.mutual(|n| n.cosine >= 0.7);
        for (i, own) in set.iter().enumerate() {
            let best =
                (0..stream.len()).max_by(|&a, &b| dot(&stream[a], own).total_cmp(&dot(&stream[b], own))).unwrap();
            let back =
                (0..set.len()).max_by(|&a, &b| dot(&stream[best], &set[a]).total_cmp(&dot(&stream[best], &set[b])));
            let expected = (back == Some(i) && dot(&stream[best], own) >= 0.7).then_some(best);
            assert_eq!(found[i].as_ref().map(|n| n.what), expected);
        }
        assert!(found.iter().flatten().count() > 3);
    }
}
