use crate::Processes;
use crate::masking::{MaskedExample, MlmTask};
use crate::metrics::TaskSum;
use burn::tensor::{Gradients, Tensor};
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch, compute_on};
use kbioxlm_ops::{RowLoss, cross_entropy};

/// Masked examples that go through the model together.
#[derive(Clone, Debug)]
pub(crate) struct MicroBatch {
    packed: PackedBatch,
    /// Rows whose states are needed: the masked tokens, then `<s>` of the labelled pairs, then the tokens that are tagged.
    rows: Vec<usize>,
    /// Original ids of the masked tokens.
    targets: Vec<u32>,
    /// Which of the masked tokens belong to relations.
    relations: Vec<usize>,
    /// Classes of the labelled pairs.
    labels: Vec<u32>,
    /// Classes of the tagged tokens.
    tags: Vec<u32>,
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
        Self { packed, rows, targets, relations, labels, tags: Vec::new() }
    }

    /// Tags tokens besides: of each example the position and class.
    pub(crate) fn tagged(mut self, tags: &[Vec<(usize, u32)>]) -> Self {
        for (start, tags) in self.packed.starts().into_iter().zip(tags) {
            self.rows.extend(tags.iter().map(|(position, _)| start + position));
            self.tags.extend(tags.iter().map(|(_, class)| class));
        }
        self
    }

    pub(crate) fn packed(&self) -> &PackedBatch {
        &self.packed
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.packed.ids.len() as u64
    }

    /// How much there is to predict, as sums with the loss 0.
    pub(crate) fn counts(&self) -> LossSums {
        let sum = |count: usize| TaskSum { count: count as u64, ..TaskSum::default() };
        let relations = self.relations.len();
        LossSums {
            entity: sum(self.targets.len() - relations),
            relation: sum(relations),
            prp: sum(self.labels.len()),
            tagging: sum(self.tags.len()),
            ..LossSums::default()
        }
    }
}

/// The normalisers of a step: known before its first backward pass, because everything is masked first.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    masked: usize,
    pairs: usize,
    tagged: usize,
}

impl Totals {
    pub(crate) fn of<'a>(batches: impl IntoIterator<Item = &'a MicroBatch>) -> Self {
        batches.into_iter().fold(Self::default(), |sum, batch| Self {
            masked: sum.masked + batch.targets.len(),
            pairs: sum.pairs + batch.labels.len(),
            tagged: sum.tagged + batch.tags.len(),
        })
    }

    /// Those of the parts of all processes together.
    pub(crate) fn over(self, processes: &dyn Processes) -> Self {
        let mut counts = [self.masked, self.pairs, self.tagged].map(|count| count as f64);
        processes.sum_f64(&mut counts);
        let [masked, pairs, tagged] = counts.map(|count| count as usize);
        Self { masked, pairs, tagged }
    }
}

/// Sums of the losses.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(crate) struct LossSums {
    pub(crate) entity: TaskSum,
    pub(crate) relation: TaskSum,
    pub(crate) prp: TaskSum,
    pub(crate) tagging: TaskSum,
    pub(crate) confusion: Confusion,
}

/// Passage pairs by their label (rows) and by what was predicted (columns), in the order of [`PassageLabel`](kbioxlm_corpus::PassageLabel).
pub(crate) type Confusion = [[u64; 3]; 3];

impl LossSums {
    pub(crate) fn add(&mut self, other: Self) {
        self.entity.add(other.entity);
        self.relation.add(other.relation);
        self.prp.add(other.prp);
        self.tagging.add(other.tagging);
        let cells = self.confusion.iter_mut().flatten().zip(other.confusion.iter().flatten());
        cells.for_each(|(cell, other)| *cell += other);
    }

    /// Mean over masked tokens, plus mean over pairs, plus mean over tagged tokens; what is absent does not count.
    pub(crate) fn total(&self) -> f64 {
        let mut mlm = self.entity;
        mlm.add(self.relation);
        [mlm, self.prp, self.tagging].into_iter().filter_map(TaskSum::mean).map(|t| t.loss).sum()
    }
}

/// One forward and backward pass.
///
/// The losses of a micro-batch are divided by the `totals` of the *whole* step before the backward pass, so that
/// gradients of micro-batches simply add up. `None` if there is nothing to predict.
pub(crate) fn backward(
    model: &Model,
    batch: &MicroBatch,
    totals: Totals,
    seeds: &mut DropoutSeeds,
) -> Option<(Gradients, LossSums)> {
    compute_on(&model.device(), || {
        let (loss, sums) = forward(model, batch, totals, seeds)?;
        Some((loss.backward(), sums))
    })
}

/// The losses alone, without dropout; `model`: without autodiff.
pub(crate) fn evaluate(model: &Model, batch: &MicroBatch) -> LossSums {
    let totals = Totals::of([batch]);
    let evaluated = compute_on(&model.device(), || forward(model, batch, totals, &mut DropoutSeeds::off()));
    evaluated.map(|(_, sums)| sums).unwrap_or_default()
}

fn forward(
    model: &Model,
    batch: &MicroBatch,
    totals: Totals,
    seeds: &mut DropoutSeeds,
) -> Option<(Tensor<1>, LossSums)> {
    if batch.rows.is_empty() {
        return None;
    }
    let (states, words) = model.encode_masked(&batch.packed, &batch.rows, seeds);
    let masked = batch.targets.len();
    let mut sums = LossSums::default();
    let mut losses = Vec::new();
    if masked > 0 {
        let states = states.clone().narrow(0, 0, masked);
        let (loss, rows) = model.mlm_loss(states, &words, &batch.targets, 1.0 / totals.masked as f64);
        let all: TaskSum = rows.iter().collect();
        sums.relation = batch.relations.iter().filter_map(|&i| rows.get(i)).collect();
        sums.entity = TaskSum {
            loss: all.loss - sums.relation.loss,
            correct: all.correct - sums.relation.correct,
            count: all.count - sums.relation.count,
        };
        losses.push(loss);
    }
    if !batch.labels.is_empty() {
        let logits = model.prp_logits(states.clone().narrow(0, masked, batch.labels.len()));
        let predicted = predicted(logits.clone());
        let right = predicted.iter().zip(&batch.labels).filter(|(p, t)| p == t).count() as u64;
        for (&predicted, &label) in predicted.iter().zip(&batch.labels) {
            if let Some(cell) = sums.confusion.get_mut(label as usize).and_then(|row| row.get_mut(predicted as usize)) {
                *cell += 1;
            }
        }
        let loss = cross_entropy(logits, &batch.labels);
        sums.prp = TaskSum { loss: scalar(&loss), correct: right, count: batch.labels.len() as u64 };
        losses.push(loss.div_scalar(totals.pairs as f64));
    }
    if !batch.tags.is_empty() {
        let logits = model.mention_logits(states.narrow(0, masked + batch.labels.len(), batch.tags.len()));
        let right = predicted(logits.clone()).iter().zip(&batch.tags).filter(|(p, t)| p == t).count() as u64;
        let loss = cross_entropy(logits, &batch.tags);
        sums.tagging = TaskSum { loss: scalar(&loss), correct: right, count: batch.tags.len() as u64 };
        losses.push(loss.div_scalar(totals.tagged as f64));
    }
    Some((losses.into_iter().reduce(|a, b| a + b)?, sums))
}

impl<'a> FromIterator<&'a RowLoss> for TaskSum {
    fn from_iter<I: IntoIterator<Item = &'a RowLoss>>(rows: I) -> Self {
        rows.into_iter().fold(Self::default(), |sum, row| Self {
            loss: sum.loss + row.loss,
            correct: sum.correct + u64::from(row.right),
            count: sum.count + 1,
        })
    }
}

pub(crate) fn scalar(loss: &Tensor<1>) -> f64 {
    loss.clone().into_scalar::<f32>().into()
}

/// The column of the largest logit of each row.
fn predicted(logits: Tensor<2>) -> Vec<u32> {
    logits.argmax(1).into_data().iter::<i64>().map(|column| column as u32).collect()
}

#[cfg(test)]
mod tests;
