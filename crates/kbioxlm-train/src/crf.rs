//! The loss of a linear-chain conditional random field.

use crate::chain::Chain;
use burn::tensor::{Tensor, TensorData};
use kbioxlm_model::Crf;
use rayon::prelude::*;

impl Chain {
    /// The scores that a model has learnt.
    pub fn of(crf: &Crf) -> Self {
        let flat = |values: Tensor<1>| values.into_data().iter::<f64>().collect::<Vec<_>>();
        let start = flat(crf.start.val());
        let transitions = crf.transitions.val().into_data().iter::<f64>().collect::<Vec<_>>();
        let transitions = transitions.chunks(start.len().max(1)).map(<[f64]>::to_vec).collect();
        Self { start, transitions, end: flat(crf.end.val()) }
    }
}

/// The negative log-likelihoods of tag sequences, SUMMED; shape `[1]`.
///
/// `logits` `[n, labels]` and `tags` (`n`) are those of all sequences one behind the other, `lengths` theirs; none is empty.
///
/// Value and gradient are computed in double precision on the processor, whatever the device: there is little to compute, and it
/// goes step by step. To the device the loss is linear, with this value and this gradient.
///
/// # Panics
/// If there is not one tag for each row, a tag is not below the number of labels, or the lengths do not add up to `n`.
pub(crate) fn crf_loss(logits: Tensor<2>, crf: &Crf, lengths: &[usize], tags: &[u32]) -> Tensor<1> {
    let [rows, labels] = logits.dims();
    assert_eq!((tags.len(), lengths.iter().sum::<usize>()), (rows, rows), "CRF: a tag and a place for each row");
    let chain = Chain::of(crf);
    let values: Vec<f64> = logits.clone().into_data().iter::<f64>().collect();
    let emissions: Vec<Vec<f64>> = values.chunks(labels.max(1)).map(<[f64]>::to_vec).collect();
    let tags: Vec<usize> = tags.iter().map(|&tag| tag as usize).collect();
    let (mut emissions, mut tags) = (emissions.as_slice(), tags.as_slice());
    let mut sequences = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (sequence, others) = emissions.split_at(length);
        let (its_tags, other_tags) = tags.split_at(length);
        sequences.push((sequence, its_tags));
        (emissions, tags) = (others, other_tags);
    }
    let results: Vec<_> = sequences.par_iter().map(|(emissions, tags)| chain.loss(emissions, tags)).collect();

    // In the order of the sequences, so that the sum does not depend on the threads.
    let (mut loss, mut gradient, mut logits_gradient) =
        (0.0, Chain::neutral(labels), Vec::with_capacity(rows * labels));
    for (value, rows, chain) in results {
        loss += value;
        gradient.add(&chain);
        logits_gradient.extend(rows.into_iter().flatten().map(|g| g as f32));
    }
    let device = logits.device();
    let single = |values: &[f64]| values.iter().map(|&g| g as f32).collect::<Vec<_>>();
    let table = |values: Vec<f32>, shape: [usize; 2]| Tensor::<2>::from_data(TensorData::new(values, shape), &device);
    let line = |values: &[f64]| Tensor::<1>::from_data(TensorData::new(single(values), [labels]), &device);
    let transitions = table(single(&gradient.transitions.concat()), [labels, labels]);
    let terms = [
        tangent(logits, table(logits_gradient, [rows, labels])),
        tangent(crf.transitions.val(), transitions),
        tangent(crf.start.val(), line(&gradient.start)),
        tangent(crf.end.val(), line(&gradient.end)),
    ];
    terms.into_iter().fold(Tensor::from_data([loss as f32], &device), |sum, term| sum + term)
}

/// Zero, with a gradient.
fn tangent<const D: usize>(value: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    ((value.clone() - value.detach()) * gradient).sum()
}

impl Chain {
    fn add(&mut self, other: &Self) {
        let add = |sums: &mut [f64], values: &[f64]| sums.iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
        add(&mut self.start, &other.start);
        add(&mut self.end, &other.end);
        self.transitions.iter_mut().zip(&other.transitions).for_each(|(sums, values)| add(sums, values));
    }
}

#[cfg(test)]
mod tests;
