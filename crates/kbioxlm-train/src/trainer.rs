//! Optimisation steps of pretraining, computed by one process or by several together.

use crate::alignment::{Alignment, Pairs};
use crate::checkpoint::Position;
use crate::data::Data;
use crate::loss::{LossSums, MicroBatch, Totals, backward};
use crate::masking::mask;
use crate::metrics::TaskSum;
use crate::mixture::Draw;
use crate::optimiser::{AdamW, GradientSum};
use crate::schedule::Schedule;
use crate::tagging::mention_tags;
use crate::{Divergence, PretrainConfig, Processes, StepMetrics, TrainError};
use burn::module::Module;
use kbioxlm_files::rng_for;
use kbioxlm_model::{DropoutSeeds, Model, SpecialTokens};
use rand::Rng;
use std::time::Instant;

/// What changes from step to step, and what a step needs.
pub(crate) struct Trainer<'a> {
    pub(crate) processes: &'a dyn Processes,
    pub(crate) config: &'a PretrainConfig,
    pub(crate) alignment: Option<Alignment<'a>>,
    pub(crate) schedule: Schedule,
    pub(crate) model: Model,
    pub(crate) optimiser: AdamW,
    pub(crate) vocabulary: usize,
    pub(crate) special: SpecialTokens,
}

/// What a process computes of a step.
#[derive(Default)]
struct Part {
    gradients: GradientSum,
    sums: LossSums,
    aligned: TaskSum,
    tokens: u64,
    /// For each micro-batch of the whole step, whether its loss is no number.
    lost: Vec<bool>,
}

impl Trainer<'_> {
    /// One optimisation step over the micro-batches given; consumes the trainer so that weights are updated in place.
    ///
    /// The micro-batches go to the processes in turns. Their gradients, losses and counts are added up, so that every process
    /// does the same update and knows the metrics of the whole step. Where loss or gradient is no number nothing is
    /// updated, and the third value says where.
    ///
    /// # Errors
    /// The tokenizer fails on a name.
    pub(crate) fn step(
        mut self,
        data: &Data,
        step: &[Vec<Draw>],
        position: Position,
    ) -> Result<(Self, StepMetrics, Option<Divergence>), TrainError> {
        let begin = Instant::now();
        let number = position.step + 1;
        let part = self.compute(data, step, position);
        let Part { gradients, sums, aligned, tokens, lost } =
            self.processes.agree(part)?.over(&self.model, self.processes);
        let weight = self.config.alignment.as_ref().map_or(0.0, |a| a.weight);
        let loss = sums.total() + aligned.mean().map_or(0.0, |a| weight * a.loss);
        let norm = gradients.norm();
        let divergence = [("loss", loss), ("gradient norm", norm)].into_iter().find(|(_, value)| !value.is_finite());
        let divergence = divergence.map(|(what, value)| {
            let all = !lost.contains(&true);
            let batches = step.iter().zip(1..).zip(lost).filter(|(_, lost)| all || *lost).map(|(batch, _)| batch);
            let (batches, numbers): (Vec<_>, Vec<usize>) = batches.unzip();
            let examples = batches.into_iter().flatten().filter_map(|d| data.examples.get(d.example));
            let examples = examples.map(|e| e.id.clone()).collect();
            Divergence { step: number, epoch: position.epoch, what, value, batches: numbers, examples }
        });
        let learning_rate = match position.step.checked_sub(self.config.head_warmup_steps) {
            Some(step) => self.schedule.learning_rate(step),
            None => self.config.head_learning_rate,
        };
        if divergence.is_none() && !gradients.is_empty() {
            self.model = self.optimiser.update(self.model, gradients, norm, learning_rate);
        }
        let seconds = begin.elapsed().as_secs_f64();
        let metrics = StepMetrics {
            step: number,
            epoch: position.epoch,
            learning_rate,
            loss,
            entity_mlm: TaskSum::mean(sums.entity),
            relation_mlm: TaskSum::mean(sums.relation),
            prp: TaskSum::mean(sums.prp),
            tagging: TaskSum::mean(sums.tagging),
            alignment: aligned.mean(),
            grad_norm: norm,
            skipped: divergence.is_some(),
            tokens,
            tokens_per_second: tokens as f64 / seconds.max(1e-9),
            seconds,
        };
        Ok((self, metrics, divergence))
    }

    /// The part of this process: every so manieth micro-batch of the step. The first process alone aligns names, whose loss
    /// needs all of them at once.
    fn compute(&self, data: &Data, step: &[Vec<Draw>], position: Position) -> Result<Part, TrainError> {
        let own = step.iter().enumerate().skip(self.processes.rank()).step_by(self.processes.size());
        let batches: Vec<(usize, MicroBatch)> = own.map(|(i, batch)| (i, self.mask(data, batch))).collect();
        let totals = Totals::of(batches.iter().map(|(_, batch)| batch)).over(self.processes);
        let mut part = Part { lost: vec![false; step.len()], ..Part::default() };
        let warming = position.step < self.config.head_warmup_steps;
        let frozen = warming.then(|| frozen_body(&self.model));
        let model = frozen.as_ref().unwrap_or(&self.model);
        for (i, batch) in &batches {
            part.tokens += batch.tokens();
            // By the batch's number in the whole step: the same whichever process computes it.
            let scope = ["dropout", &position.step.to_string(), &i.to_string()];
            let mut seeds = DropoutSeeds::new(rng_for(self.config.seed, &scope).next_u64());
            if let Some((gradient, sum)) = backward(model, batch, totals, &mut seeds) {
                part.gradients.add(model, gradient);
                part.sums.add(sum);
                if let Some(lost) = part.lost.get_mut(*i) {
                    *lost = !sum.total().is_finite();
                }
            }
        }
        // A frozen body cannot move its names.
        if let (Some(alignment), false, true) = (&self.alignment, warming, self.processes.is_first()) {
            let pairs = alignment.draw(data, self.config.seed, position.step)?;
            let scope = ["alignment-dropout", &position.step.to_string()];
            let mut seeds = DropoutSeeds::new(rng_for(self.config.seed, &scope).next_u64());
            if let Some((gradient, sum)) = alignment.backward(model, &pairs, &mut seeds) {
                part.gradients.add(model, gradient);
                part.aligned = sum;
            }
            part.tokens += pairs.iter().map(Pairs::tokens).sum::<u64>();
        }
        Ok(part)
    }

    fn mask(&self, data: &Data, batch: &[Draw]) -> MicroBatch {
        let examples = batch.iter().filter_map(|draw| Some((data.examples.get(draw.example)?, draw.pass)));
        let examples: Vec<_> = examples.collect();
        let masked: Vec<_> = examples
            .iter()
            .map(|&(example, pass)| {
                let mut rng = rng_for(self.config.seed, &["mask", &pass.to_string(), &example.id]);
                mask(example, &self.config.masking, self.vocabulary, &self.special, &mut rng)
            })
            .collect();
        let batch = MicroBatch::new(&masked);
        if !self.config.tag_mentions {
            return batch;
        }
        batch.tagged(&examples.iter().map(|(example, _)| mention_tags(example, &self.special)).collect::<Vec<_>>())
    }
}

impl Part {
    /// The parts of all processes added up.
    fn over(mut self, model: &Model, processes: &dyn Processes) -> Self {
        if processes.size() == 1 {
            return self;
        }
        self.gradients.add_up(model, processes);
        let LossSums { entity, relation, prp, tagging, .. } = &mut self.sums;
        let mut tasks = [entity, relation, prp, tagging, &mut self.aligned];
        let mut numbers: Vec<f64> =
            tasks.iter().flat_map(|task| [task.loss, task.correct as f64, task.count as f64]).collect();
        numbers.push(self.tokens as f64);
        numbers.extend(self.lost.iter().map(|&lost| f64::from(u8::from(lost))));
        processes.sum_f64(&mut numbers);
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().unwrap_or_default();
        for task in &mut tasks {
            **task = TaskSum { loss: next(), correct: next() as u64, count: next() as u64 };
        }
        self.tokens = next() as u64;
        self.lost.fill_with(|| next() > 0.0);
        self
    }
}

/// The model with an encoder that no gradient flows into: it computes without recording, and the tied decoder is a constant.
fn frozen_body(model: &Model) -> Model {
    let mut model = model.clone();
    model.encoder = model.encoder.valid();
    model
}
