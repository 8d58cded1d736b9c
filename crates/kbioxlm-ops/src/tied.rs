//! A table of embeddings that is used twice: looked up where a model begins, scored against where it ends.
//!
//! Both uses have a gradient as large as the table. Between the parameter and its uses stands a node whose gradient
//! belongs to nobody else, so that the second adds its few rows to that of the first in place, where Burn would fill
//! another table with zeros and add the two.

use crate::flex::{contiguous, is_fused, tensor};
use crate::pool::Buffer;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the gradient of the scores has been added to that of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scored(Arc<AtomicBool>);

impl Scored {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A table of embeddings, `[vocabulary, width]`, in one forward and backward pass.
#[derive(Clone, Debug)]
pub struct TiedTable {
    pub(crate) table: Tensor<2>,
    pub(crate) scored: Scored,
    pub(crate) bf16: bool,
}

impl TiedTable {
    /// The parameter's value, for one forward pass.
    pub fn new(table: Tensor<2>) -> Self {
        let table = if is_fused(&table) {
            Tensor::from_dispatch(<Dispatch as TiedOp>::share_op(table.into_dispatch()))
        } else {
            table
        };
        Self { table, scored: Scored::default(), bf16: false }
    }

    /// Whether to compute scores in bf16, see [`crate::plain::product`]; then not by the fused operation.
    #[must_use]
    pub fn bf16(self, bf16: bool) -> Self {
        Self { bf16, ..self }
    }

    /// The rows with these numbers, `[ids.len(), width]`. To be called before the scores are computed.
    ///
    /// # Panics
    /// If a number is not below the vocabulary.
    pub fn look_up(&self, ids: &[u32]) -> Tensor<2> {
        let [vocabulary, _] = self.table.dims();
        let inside = ids.iter().all(|&id| (id as usize) < vocabulary);
        assert!(inside, "embeddings: an id is not below the vocabulary, {vocabulary}");
        if !is_fused(&self.table) {
            return crate::plain::look_up(self.table.clone(), ids);
        }
        let table = self.table.clone().into_dispatch();
        Tensor::from_dispatch(<Dispatch as TiedOp>::look_up_op(table, ids.to_vec(), self.scored.clone()))
    }
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait TiedOp: Backend {
    fn share_op(table: FloatTensor<Self>) -> FloatTensor<Self>;
    fn look_up_op(table: FloatTensor<Self>, ids: Vec<u32>, scored: Scored) -> FloatTensor<Self>;
}

impl TiedOp for Flex {
    fn share_op(table: FlexTensor) -> FlexTensor {
        contiguous(table)
    }

    fn look_up_op(table: FlexTensor, ids: Vec<u32>, _: Scored) -> FlexTensor {
        look_up(&table, &ids)
    }
}

impl<C: CheckpointStrategy> TiedOp for Autodiff<Flex, C> {
    fn share_op(table: FloatTensor<Self>) -> FloatTensor<Self> {
        let (table, node) = table.into_parts();
        match ShareBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((), contiguous(table)),
            OpsKind::UnTracked(prep) => prep.finish(contiguous(table)),
        }
    }

    fn look_up_op(table: FloatTensor<Self>, ids: Vec<u32>, scored: Scored) -> FloatTensor<Self> {
        let (table, node) = table.into_parts();
        let rows = look_up(&table, &ids);
        match LookUpBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(LookUp { ids, scored, shape: table.shape() }, rows),
            OpsKind::UnTracked(prep) => prep.finish(rows),
        }
    }
}

#[derive(Debug)]
struct ShareBackward;

impl Backward<Flex, 1> for ShareBackward {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = grads.consume::<Flex>(&ops.node);
        if let [Some(parent)] = ops.parents {
            grads.register::<Flex>(parent.id, d);
        }
    }
}

#[derive(Clone, Debug)]
struct LookUp {
    ids: Vec<u32>,
    scored: Scored,
    shape: Shape,
}

#[derive(Debug)]
struct LookUpBackward;

impl Backward<Flex, 1> for LookUpBackward {
    type State = LookUp;

    fn backward(self, ops: Ops<LookUp, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = contiguous(grads.consume::<Flex>(&ops.node));
        let LookUp { ids, scored, shape } = ops.state;
        let [Some(parent)] = ops.parents else { return };
        // The shared node is no leaf: what is consumed is removed, so that the addition below is in place.
        let mut sum = if scored.get() {
            contiguous(grads.consume::<Flex>(&parent))
        } else {
            tensor(Buffer::zeros(shape.num_elements()).into_vec(), shape.clone())
        };
        let width = shape[1].max(1);
        let (d, rows): (&[f32], &mut [f32]) = (d.storage(), sum.storage_mut());
        for (id, d) in ids.iter().zip(d.chunks_exact(width)) {
            let row = &mut rows[*id as usize * width..][..width];
            row.iter_mut().zip(d).for_each(|(x, d)| *x += d);
        }
        grads.register::<Flex>(parent.id, sum);
    }
}

fn look_up(table: &FlexTensor, ids: &[u32]) -> FlexTensor {
    let width = table.shape()[1];
    let elements: &[f32] = table.storage();
    let mut rows = Buffer::new(ids.len() * width);
    for (id, row) in ids.iter().zip(rows.chunks_exact_mut(width.max(1))) {
        row.copy_from_slice(&elements[*id as usize * width..][..width]);
    }
    tensor(rows.into_vec(), Shape::new([ids.len(), width]))
}

#[cfg(test)]
mod tests;
