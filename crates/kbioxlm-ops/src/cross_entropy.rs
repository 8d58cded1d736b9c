//! Cross-entropy with the gradient of the softmax in the memory of the logits.

use crate::flex::{contiguous, is_fused, scaled, tensor};
use crate::simd::{exp_sum, kernel, max};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// The loss of one row, and whether no class has a higher score than the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowLoss {
    /// Cross-entropy of the row.
    pub loss: f64,
    /// Whether the prediction is right.
    pub right: bool,
}

/// Cross-entropy of `logits` `[n, classes]` against the class numbers `targets`, SUMMED over the rows; shape `[1]`.
///
/// Without rows the loss is 0, also when it is divided by the number of rows of a whole batch. When gradients are
/// tracked, the logits' memory is reused for their gradient if nothing else holds them: pass them by value.
///
/// # Panics
/// If there is not one target for each row, or a target is not below the number of classes.
pub fn cross_entropy(logits: Tensor<2>, targets: &[u32]) -> Tensor<1> {
    check_targets(&logits, targets);
    if !is_fused(&logits) {
        return crate::plain::cross_entropy(logits, targets);
    }
    Tensor::from_dispatch(<Dispatch as CrossEntropyOp>::cross_entropy_op(logits.into_dispatch(), targets.to_vec()))
}

pub(crate) fn check_targets(logits: &Tensor<2>, targets: &[u32]) {
    let [rows, classes] = logits.dims();
    assert_eq!(rows, targets.len(), "cross entropy: one target for each row of the logits");
    assert!(
        targets.iter().all(|&target| (target as usize) < classes),
        "cross entropy: a target is not below the number of classes, {classes}"
    );
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait CrossEntropyOp: Backend {
    fn cross_entropy_op(logits: FloatTensor<Self>, targets: Vec<u32>) -> FloatTensor<Self>;
}

impl CrossEntropyOp for Flex {
    fn cross_entropy_op(logits: FlexTensor, targets: Vec<u32>) -> FlexTensor {
        loss(logits, &targets)
    }
}

impl<C: CheckpointStrategy> CrossEntropyOp for Autodiff<Flex, C> {
    fn cross_entropy_op(logits: FloatTensor<Self>, targets: Vec<u32>) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        match CrossEntropyBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (loss, gradient) = loss_and_gradient(logits, &targets);
                prep.finish(gradient, loss)
            }
            OpsKind::UnTracked(prep) => prep.finish(loss(logits, &targets)),
        }
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl Backward<Flex, 1> for CrossEntropyBackward {
    /// The gradient of the loss with respect to the logits.
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = grads.consume::<Flex>(&ops.node);
        let factor = contiguous(d).storage::<f32>().iter().sum::<f32>();
        if let [Some(parent)] = ops.parents {
            grads.register::<Flex>(parent.id, scaled(ops.state, factor));
        }
    }
}

fn loss(logits: FlexTensor, targets: &[u32]) -> FlexTensor {
    let logits = contiguous(logits);
    let classes = logits.shape()[1].max(1);
    let rows = logits.storage::<f32>().par_chunks_exact(classes).zip(targets);
    total(rows.map(|(row, &target)| row_loss::run(row, target as usize)).collect())
}

fn loss_and_gradient(logits: FlexTensor, targets: &[u32]) -> (FlexTensor, FlexTensor) {
    let mut logits = contiguous(logits);
    let classes = logits.shape()[1].max(1);
    let rows = logits.storage_mut::<f32>().par_chunks_exact_mut(classes).zip(targets);
    let losses = rows.map(|(row, &target)| row_gradient::run(row, target as usize, 1.0).loss).collect();
    (total(losses), logits)
}

/// The sum in the order of the rows, whatever thread computed them.
fn total(losses: Vec<f64>) -> FlexTensor {
    tensor(vec![losses.iter().sum::<f64>() as f32], Shape::new([1]))
}

kernel! {
    /// The loss of one row: the logarithm of the sum of the exponentials, minus the logit of the target.
    fn row_loss<A>(row: &[f32], target: usize) -> f64 {
        let largest = max(row);
        let mut total = 0.0;
        let mut buffer = [0.0; 256];
        for part in row.chunks(buffer.len()) {
            let buffer = &mut buffer[..part.len()];
            buffer.copy_from_slice(part);
            total += exp_sum::<A>(buffer, largest, 1.0);
        }
        f64::from(total).ln() + f64::from(largest) - f64::from(row[target])
    }
}

kernel! {
    /// The loss of one row; the row becomes `scale` times its gradient, softmax minus one at the target.
    fn row_gradient<A>(row: &mut [f32], target: usize, scale: f32) -> RowLoss {
        let largest = max(row);
        let logit = row[target];
        let total = exp_sum::<A>(row, largest, 1.0);
        let factor = scale / total;
        for x in row.iter_mut() {
            *x *= factor;
        }
        row[target] -= scale;
        RowLoss { loss: f64::from(total).ln() + f64::from(largest) - f64::from(logit), right: logit >= largest }
    }
}

#[cfg(test)]
mod tests;
