//! Pairs of token spans that mean the same, and the loss that brings them together.

use crate::metrics::TaskSum;
use burn::tensor::{Int, Tensor, TensorData};
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch};
use kbioxlm_ops::cross_entropy;
use std::ops::Range;

/// Sequences and spans in them, one of each pair in `first`, the other in the same place of `second`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// Token ids with special tokens.
    pub sequences: Vec<Vec<u32>>,
    /// One side of each pair.
    pub first: Vec<Place>,
    /// The other side.
    pub second: Vec<Place>,
}

/// A span of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the sequence.
    pub sequence: usize,
    /// Tokens in it.
    pub tokens: Range<usize>,
}

impl Pairs {
    /// Names that stand alone: all of each sequence but the special tokens at its ends.
    pub(crate) fn of_names(first: Vec<Vec<u32>>, second: Vec<Vec<u32>>) -> Self {
        let n = first.len();
        let sequences: Vec<Vec<u32>> = first.into_iter().chain(second).collect();
        let mut places =
            sequences.iter().enumerate().map(|(sequence, ids)| Place { sequence, tokens: 1..ids.len() - 1 });
        let first = places.by_ref().take(n).collect();
        let second = places.collect();
        Self { sequences, first, second }
    }

    /// Tokens that the model reads.
    pub(crate) fn tokens(&self) -> u64 {
        self.sequences.iter().map(|s| s.len() as u64).sum()
    }
}

/// The mean loss over both sides of all pairs of all groups, and its sum with the number of those whose other side is the nearest.
/// What is told apart is of one group.
pub(crate) fn forward(
    model: &Model,
    groups: &[Pairs],
    temperature: f64,
    seeds: &mut DropoutSeeds,
) -> Option<(Tensor<1>, TaskSum)> {
    let groups: Vec<&Pairs> = groups.iter().filter(|g| g.first.len() > 1).collect();
    if groups.is_empty() {
        return None;
    }
    let sequences: Vec<&[u32]> = groups.iter().flat_map(|g| g.sequences.iter().map(Vec::as_slice)).collect();
    let states = model.encode(&PackedBatch::from_sequences(&sequences), seeds);
    let mut sum = TaskSum::default();
    let mut losses: Option<Tensor<1>> = None;
    let mut start = 0;
    for group in groups {
        let own: usize = group.sequences.iter().map(Vec::len).sum();
        let states = states.clone().narrow(0, start, own);
        start += own;
        let (loss, of_group) = group_loss(states, group, temperature);
        sum.add(of_group);
        losses = Some(losses.map_or(loss.clone(), |former| former + loss));
    }
    Some((losses?.div_scalar(sum.count as f64), sum))
}

/// The sum of the losses of a group, given the states of its sequences.
fn group_loss(states: Tensor<2>, group: &Pairs, temperature: f64) -> (Tensor<1>, TaskSum) {
    let n = group.first.len();
    let places: Vec<&Place> = group.first.iter().chain(&group.second).collect();
    let embeddings = mean_states(states, group, &places);
    let (first, second) = (embeddings.clone().narrow(0, 0, n), embeddings.narrow(0, n, n));
    let similarity = first.matmul(second.transpose()).div_scalar(temperature);
    let targets: Vec<u32> = (0..n as u32).collect();
    let right = nearest(&similarity.clone().inner(), n);
    let both = cross_entropy(similarity.clone(), &targets) + cross_entropy(similarity.transpose(), &targets);
    let loss: f64 = both.clone().into_scalar::<f32>().into();
    (both, TaskSum { loss, correct: right, count: 2 * n as u64 })
}

/// Means of length 1 of the states of each place, `[places, hidden]`.
fn mean_states(states: Tensor<2>, group: &Pairs, places: &[&Place]) -> Tensor<2> {
    let [tokens, _] = states.dims();
    let mut starts = vec![0];
    for sequence in &group.sequences {
        starts.push(starts.last().copied().unwrap_or(0) + sequence.len());
    }
    let mut weights = vec![0.0f32; places.len() * tokens];
    for (row, place) in weights.chunks_mut(tokens.max(1)).zip(places) {
        let start = starts.get(place.sequence).copied().unwrap_or(0);
        let share = 1.0 / place.tokens.len().max(1) as f32;
        row.iter_mut().take(start + place.tokens.end).skip(start + place.tokens.start).for_each(|w| *w = share);
    }
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [places.len(), tokens]), &states.device());
    let means = weights.matmul(states);
    let norms = means.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-9);
    means / norms
}

/// In how many rows and columns the diagonal is the largest, the first of equals.
fn nearest(similarity: &Tensor<2>, n: usize) -> u64 {
    let count = |largest: Tensor<2, Int>| {
        let largest = largest.into_data();
        largest.iter::<i64>().zip(0..n as i64).filter(|(found, own)| found == own).count() as u64
    };
    count(similarity.clone().argmax(1)) + count(similarity.clone().argmax(0))
}
