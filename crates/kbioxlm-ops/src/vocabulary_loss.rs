//! Cross-entropy over a vocabulary whose scores are never all in memory.
//!
//! The scores of all masked tokens over all pieces are by far the largest activation of a masked language model. Here a
//! block of rows at a time is scored, and turned into its part of the loss and of the gradients, while it is in memory.

use crate::cross_entropy::{RowLoss, row_gradient};
use crate::flex::{contiguous, is_fused, scaled, tensor};
use crate::matrix::{Matrix, add_product, product};
use crate::pool::Buffer;
use crate::simd::kernel;
use crate::tied::{Scored, TiedTable};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Scores in memory at a time: 64 MiB. A fixed number, so that the order of the additions is.
const BLOCK: usize = 1 << 24;
/// Columns per parallel job of the bias' gradient.
const COLUMNS: usize = 1 << 10;

/// Cross-entropy of `states · table^T + bias` against `targets`, summed over the rows and multiplied by `scale`: shape
/// `[1]`; and the loss of each row.
///
/// `states` `[n, width]`, `table` `[vocabulary, width]` (the embeddings), `bias` `[vocabulary]`. Without rows the
/// loss is 0. The gradients are computed together with the loss, which is why the factor is an argument.
///
/// # Panics
/// If shapes do not fit together, there is not one target for each row, or a target is not below the vocabulary.
pub fn vocabulary_loss(
    states: Tensor<2>,
    table: &TiedTable,
    bias: Tensor<1>,
    targets: &[u32],
    scale: f64,
) -> (Tensor<1>, Vec<RowLoss>) {
    let TiedTable { table: word, scored, bf16 } = table.clone();
    let ([rows, width], [vocabulary, word_width]) = (states.dims(), word.dims());
    assert!(width == word_width && bias.dims() == [vocabulary], "vocabulary loss: shapes");
    assert_eq!(rows, targets.len(), "vocabulary loss: one target for each row");
    let inside = targets.iter().all(|&target| (target as usize) < vocabulary);
    assert!(inside, "vocabulary loss: a target is not below the vocabulary, {vocabulary}");
    if bf16 || !is_fused(&states) || !is_fused(&word) {
        return crate::plain::vocabulary_loss(states, word, bias, targets, scale, bf16);
    }
    let (states, word, bias) = (states.into_dispatch(), word.into_dispatch(), bias.into_dispatch());
    let targets = Targets { pieces: targets.to_vec(), scale: scale as f32, scored };
    let output = <Dispatch as VocabularyLossOp>::vocabulary_loss_op(states, word, bias, targets);
    (Tensor::from_dispatch(output.loss), output.rows)
}

/// The arguments that are not tensors.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    pieces: Vec<u32>,
    scale: f32,
    scored: Scored,
}

/// The result of the operation.
#[derive(ExtensionType)]
pub(crate) struct Output<B: Backend> {
    loss: FloatTensor<B>,
    rows: Vec<RowLoss>,
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait VocabularyLossOp: Backend {
    fn vocabulary_loss_op(
        states: FloatTensor<Self>,
        word: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: Targets,
    ) -> Output<Self>;
}

impl VocabularyLossOp for Flex {
    fn vocabulary_loss_op(states: FlexTensor, word: FlexTensor, bias: FlexTensor, targets: Targets) -> Output<Self> {
        let [states, word, bias] = [states, word, bias].map(contiguous);
        let rows = Problem::new(&states, &word, &bias, &targets).solve(None);
        Output { loss: total(&rows, targets.scale), rows }
    }
}

impl<C: CheckpointStrategy> VocabularyLossOp for Autodiff<Flex, C> {
    fn vocabulary_loss_op(
        states: FloatTensor<Self>,
        word: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: Targets,
    ) -> Output<Self> {
        // A frozen embedding's gradient, the largest of the model, is not computed.
        let word_is_tracked = word.is_tracked();
        let ((states, ns), (word, nw), (bias, nb)) = (states.into_parts(), word.into_parts(), bias.into_parts());
        let [states, word, bias] = [states, word, bias].map(contiguous);
        let problem = Problem::new(&states, &word, &bias, &targets);
        match VocabularyLossBackward.prepare::<C>([ns, nw, nb]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let mut sums = Sums::new(&problem, word_is_tracked);
                let rows = problem.solve(Some(&mut sums));
                let state = (sums.into_tensors(&problem), targets.scored);
                let loss = prep.finish(state, total(&rows, targets.scale));
                Output { loss, rows }
            }
            OpsKind::UnTracked(prep) => {
                let rows = problem.solve(None);
                Output { loss: prep.finish(total(&rows, targets.scale)), rows }
            }
        }
    }
}

#[derive(Debug)]
struct VocabularyLossBackward;

impl Backward<Flex, 3> for VocabularyLossBackward {
    /// The gradients of states, embeddings (if wanted) and bias.
    type State = ([Option<FlexTensor>; 3], Scored);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let d = grads.consume::<Flex>(&ops.node);
        let factor = contiguous(d).storage::<f32>().iter().sum::<f32>();
        let (gradients, scored) = ops.state;
        if gradients[1].is_some() {
            scored.set();
        }
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, scaled(gradient, factor));
            }
        }
    }
}

/// The sum in the order of the rows, whatever thread computed them.
fn total(rows: &[RowLoss], scale: f32) -> FlexTensor {
    let sum = rows.iter().map(|row| row.loss).sum::<f64>() * f64::from(scale);
    tensor(vec![sum as f32], Shape::new([1]))
}

/// The arguments as slices.
struct Problem<'a> {
    states: &'a [f32],
    word: Matrix<'a>,
    bias: &'a [f32],
    targets: &'a [u32],
    scale: f32,
    width: usize,
}

/// The gradients, which grow from block to block.
struct Sums {
    states: Vec<f32>,
    /// Nothing inside: not wanted. An empty buffer: nothing was added yet.
    word: Option<Buffer>,
    bias: Vec<f32>,
}

impl Sums {
    fn new(problem: &Problem, word: bool) -> Self {
        let word = word.then(|| Buffer::new(0));
        Self { states: Vec::with_capacity(problem.states.len()), word, bias: vec![0.0; problem.bias.len()] }
    }

    /// Adds the part of some rows, whose scores have the gradients `d`.
    fn add(&mut self, states: &[f32], d: &[f32], problem: &Problem) {
        let d_scores = Matrix::whole(d, self.bias.len());
        self.bias.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, sums)| {
            for row in d.chunks_exact(problem.bias.len()) {
                add::run(sums, &row[i * COLUMNS..]);
            }
        });
        if let Some(word) = &mut self.word {
            let states = Matrix::whole(states, problem.width);
            if word.is_empty() {
                *word = product(d_scores.transposed(), states);
            } else {
                add_product(word, d_scores.transposed(), states);
            }
        }
        self.states.extend_from_slice(&product(d_scores, problem.word));
    }

    fn into_tensors(self, problem: &Problem) -> [Option<FlexTensor>; 3] {
        let (width, vocabulary) = (problem.width, problem.bias.len());
        let states = tensor(self.states, Shape::new([problem.targets.len(), width]));
        let word = self.word.map(|word| {
            let word = if word.is_empty() { Buffer::zeros(vocabulary * width) } else { word };
            tensor(word.into_vec(), Shape::new([vocabulary, width]))
        });
        [Some(states), word, Some(tensor(self.bias, Shape::new([vocabulary])))]
    }
}

impl<'a> Problem<'a> {
    fn new(states: &'a FlexTensor, word: &'a FlexTensor, bias: &'a FlexTensor, targets: &'a Targets) -> Self {
        let width = states.shape()[1];
        Self {
            states: states.storage(),
            word: Matrix::whole(word.storage(), width),
            bias: bias.storage(),
            targets: &targets.pieces,
            scale: targets.scale,
            width,
        }
    }

    /// The losses of the rows; adds to the gradients, if they are wanted.
    fn solve(&self, sums: Option<&mut Sums>) -> Vec<RowLoss> {
        self.solve_blocks((BLOCK / self.bias.len().max(1)).max(1), sums)
    }

    /// With so many rows at a time.
    fn solve_blocks(&self, block: usize, mut sums: Option<&mut Sums>) -> Vec<RowLoss> {
        let vocabulary = self.bias.len();
        let mut losses = Vec::with_capacity(self.targets.len());
        for (targets, states) in self.targets.chunks(block).zip(self.states.chunks(block * self.width)) {
            let mut scores = product(Matrix::whole(states, self.width), self.word.transposed());
            let rows = scores.par_chunks_exact_mut(vocabulary).zip(targets);
            let rows = rows.map(|(row, &target)| biased_gradient::run(row, self.bias, target as usize, self.scale));
            losses.par_extend(rows);
            if let Some(sums) = &mut sums {
                sums.add(states, &scores, self);
            }
        }
        losses
    }
}

kernel! {
    /// `sums += x`, as many as there are of `sums`.
    fn add<A>(sums: &mut [f32], x: &[f32]) {
        sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
    }
}

kernel! {
    /// The loss of a row of scores without bias; they become `scale` times their gradient.
    fn biased_gradient<A>(row: &mut [f32], bias: &[f32], target: usize, scale: f32) -> RowLoss {
        row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
        row_gradient::generic::<A>(row, target, scale)
    }
}

#[cfg(test)]
mod tests;
