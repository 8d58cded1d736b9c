use crate::masking::{MaskedExample, MlmTask};
use crate::metrics::TaskSum;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch};
use kbioxlm_ops::cross_entropy;

/// Masked examples that go through the model together.
#[derive(Clone, Debug)]
pub(crate) struct MicroBatch {
    packed: PackedBatch,
    /// Rows whose states are needed: the masked tokens, then `<s>` of the labelled pairs.
    rows: Vec<usize>,
    /// Original ids of the masked tokens.
    targets: Vec<u32>,
    /// Which of the masked tokens belong to relations.
    relations: Vec<usize>,
    /// Classes of the labelled pairs.
    labels: Vec<u32>,
}

impl MicroBatch {
    pub(crate) fn new(examples: &[MaskedExample]) -> Self {
        let ids: Vec<&[u32]> = examples.iter().map(|e| e.ids.as_slice()).collect();
        let packed = PackedBatch::from_sequences(&ids);
        let (mut rows, mut targets, mut relations) = (Vec::new(), Vec::new(), Vec::new());
        let (mut pairs, mut labels) = (Vec::new(), Vec::new());
        for (example, start) in examples.iter().zip(packed.starts()) {
            for ((position, target), task) in example.positions.iter().zip(&example.targets).zip(&example.tasks) {
                if *task == MlmTask::Relation {
                    relations.push(targets.len());
                }
                rows.push(start + position);
                targets.push(*target);
            }
            if let Some(label) = example.label {
                pairs.push(start);
                labels.push(label.into());
            }
        }
        rows.extend(pairs);
        Self { packed, rows, targets, relations, labels }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.packed.ids.len() as u64
    }
}

/// The normalisers of a step: known before its first backward pass, because everything is masked first.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    masked: usize,
    pairs: usize,
}

impl Totals {
    pub(crate) fn of(batches: &[MicroBatch]) -> Self {
        let masked = batches.iter().map(|b| b.targets.len()).sum();
        let pairs = batches.iter().map(|b| b.labels.len()).sum();
        Self { masked, pairs }
    }
}

/// Sums of the three losses.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(crate) struct LossSums {
    pub(crate) entity: TaskSum,
    pub(crate) relation: TaskSum,
    pub(crate) prp: TaskSum,
}

impl LossSums {
    pub(crate) fn add(&mut self, other: Self) {
        self.entity.add(other.entity);
        self.relation.add(other.relation);
        self.prp.add(other.prp);
    }

    /// Mean over masked tokens plus mean over pairs; what is absent does not count.
    pub(crate) fn total(&self) -> f64 {
        let mut mlm = self.entity;
        mlm.add(self.relation);
        [mlm, self.prp].into_iter().filter_map(TaskSum::mean).map(|t| t.loss).sum()
    }
}

/// One forward and backward pass.
///
/// The two losses of a micro-batch are divided by the `totals` of the *whole* step before the backward pass, so that
/// gradients of micro-batches simply add up. `None` if there is nothing to predict.
pub(crate) fn backward(
    model: &Model,
    batch: &MicroBatch,
    totals: Totals,
    seeds: &mut DropoutSeeds,
) -> Option<(Gradients, LossSums)> {
    if batch.rows.is_empty() {
        return None;
    }
    let states = model.encode_rows(&batch.packed, &batch.rows, seeds);
    let masked = batch.targets.len();
    let mut sums = LossSums::default();
    let mut losses = Vec::new();
    if masked > 0 {
        let logits = model.mlm_logits(states.clone().narrow(0, 0, masked));
        let right = correct(logits.clone().inner(), &batch.targets);
        sums.relation = relation_sum(logits.clone().inner(), batch, &right);
        let loss = cross_entropy(logits, &batch.targets);
        let all = sum_of(&loss, &right);
        sums.entity = TaskSum {
            loss: all.loss - sums.relation.loss,
            correct: all.correct - sums.relation.correct,
            count: all.count - sums.relation.count,
        };
        losses.push(loss.div_scalar(totals.masked as f64));
    }
    if !batch.labels.is_empty() {
        let logits = model.prp_logits(states.narrow(0, masked, batch.labels.len()));
        let right = correct(logits.clone().inner(), &batch.labels);
        let loss = cross_entropy(logits, &batch.labels);
        sums.prp = sum_of(&loss, &right);
        losses.push(loss.div_scalar(totals.pairs as f64));
    }
    let loss = losses.into_iter().reduce(|a, b| a + b)?;
    Some((loss.backward(), sums))
}

fn sum_of(loss: &Tensor<1>, right: &[bool]) -> TaskSum {
    TaskSum { loss: scalar(loss), correct: count(right), count: right.len() as u64 }
}

/// The share of relations in the loss, computed again from their few rows: the loss itself is one sum.
fn relation_sum(logits: Tensor<2>, batch: &MicroBatch, right: &[bool]) -> TaskSum {
    if batch.relations.is_empty() {
        return TaskSum::default();
    }
    let device = logits.device();
    let pick = |values: &[u32]| batch.relations.iter().filter_map(|&i| values.get(i).copied()).collect::<Vec<_>>();
    let loss = cross_entropy(logits.select(0, indices(&batch.relations, &device)), &pick(&batch.targets));
    let right: Vec<bool> = batch.relations.iter().filter_map(|&i| right.get(i).copied()).collect();
    sum_of(&loss, &right)
}

pub(crate) fn scalar(loss: &Tensor<1>) -> f64 {
    loss.clone().into_scalar::<f32>().into()
}

fn indices(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&r| r as i64).collect();
    let n = rows.len();
    Tensor::from_data(TensorData::new(rows, [n]), device)
}

/// Whether the largest logit of each row is the target's.
fn correct(logits: Tensor<2>, targets: &[u32]) -> Vec<bool> {
    let predicted = logits.argmax(1).into_data();
    predicted.iter::<i64>().zip(targets).map(|(p, t)| p == i64::from(*t)).collect()
}

fn count(right: &[bool]) -> u64 {
    right.iter().filter(|r| **r).count() as u64
}

#[cfg(test)]
mod tests;
