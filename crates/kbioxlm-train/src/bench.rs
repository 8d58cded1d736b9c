//! Training steps on fixed batches, timed: the work of [`crate::pretrain`] without reading and saving.

use crate::data::{Corpora, Data};
use crate::loss::{MicroBatch, Totals, backward, scalar};
use crate::masking::{MaskedExample, MlmTask, mask};
use crate::optimiser::{AdamW, GradientSum};
use crate::{CorpusPart, PretrainConfig, TrainError};
use burn::module::Module;
use kbioxlm_files::rng_for;
use kbioxlm_model::{DropoutSeeds, Heads, Layout, Model, ModelConfig, Tokenizer, compute_on, init};
use rand::{Rng, RngExt};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// Share of the pieces that is masked in random batches.
const MASKED: f64 = 0.15;

/// A model and batches for it, as JSON also the input of the PyTorch program that is compared (`benchmarks/train_step.py`).
#[derive(Clone, Debug, Serialize)]
pub struct Workload {
    /// The model, whose weights are random.
    pub config: ModelConfig,
    /// One batch a step; begun anew when all are done.
    pub batches: Vec<BenchBatch>,
}

/// Sequences that go through the model together.
#[derive(Clone, Debug, Serialize)]
pub struct BenchBatch {
    /// Pieces of each sequence, masked.
    pub ids: Vec<Vec<u32>>,
    /// Masked positions in each sequence.
    pub positions: Vec<Vec<usize>>,
    /// Original pieces at these positions.
    pub targets: Vec<Vec<u32>>,
}

impl BenchBatch {
    /// The number of pieces.
    pub fn tokens(&self) -> usize {
        self.ids.iter().map(Vec::len).sum()
    }

    fn examples(&self) -> Vec<MaskedExample> {
        let rows = self.ids.iter().zip(&self.positions).zip(&self.targets);
        let example = |((ids, positions), targets): ((&Vec<u32>, &Vec<usize>), &Vec<u32>)| MaskedExample {
            ids: ids.clone(),
            tasks: vec![MlmTask::Entity; positions.len()],
            positions: positions.clone(),
            targets: targets.clone(),
            label: None,
        };
        rows.map(example).collect()
    }
}

impl Workload {
    /// One batch of `sequences` random sequences, all of the same `length`, for a model of 12 layers of this width with
    /// 40,000 pieces; 15 % of the positions are masked.
    pub fn random(width: usize, sequences: usize, length: usize, seed: u64) -> Self {
        const PIECES: u32 = 40_000;
        const MASK: u32 = 4;
        let config = ModelConfig::new(Layout::XlmRoberta, PIECES as usize, width, 12, 12, length.max(512));
        let mut rng = rng_for(seed, &["bench"]);
        let mut batch = BenchBatch { ids: Vec::new(), positions: Vec::new(), targets: Vec::new() };
        for _ in 0..sequences {
            let mut ids: Vec<u32> = (0..length).map(|_| rng.random_range(MASK + 1..PIECES)).collect();
            let mut positions =
                rand::seq::index::sample(&mut rng, length, (length as f64 * MASKED).round() as usize).into_vec();
            positions.sort_unstable();
            batch.targets.push(positions.iter().map(|&p| std::mem::replace(&mut ids[p], MASK)).collect());
            batch.positions.push(positions);
            batch.ids.push(ids);
        }
        Self { config, batches: vec![batch] }
    }

    /// The first `steps` micro-batches of the first epoch that [`crate::pretrain`] would train on.
    ///
    /// # Errors
    /// As [`crate::pretrain`].
    pub fn of_corpus(
        config: &PretrainConfig,
        model_dir: &Path,
        corpus_dir: &Path,
        steps: usize,
    ) -> Result<Self, TrainError> {
        config.check()?;
        let model = ModelConfig::read(model_dir)?;
        let tokenizer = Tokenizer::load(model_dir)?;
        let parts = [CorpusPart::from(corpus_dir)];
        let data = Data::read(&Corpora::open(&parts)?, &tokenizer, config.max_length, 0.0, false, false, &mut ())?;
        let batches = data.plan(config, 0).into_iter().flatten().take(steps).map(|numbers| {
            let mut batch = BenchBatch { ids: Vec::new(), positions: Vec::new(), targets: Vec::new() };
            for example in numbers.into_iter().filter_map(|draw| data.examples.get(draw.example)) {
                let mut rng = rng_for(config.seed, &["bench", &example.id]);
                let special = tokenizer.special();
                let masked = mask(example, &config.masking, tokenizer.vocab_size(), special, &mut rng);
                batch.ids.push(masked.ids);
                batch.positions.push(masked.positions);
                batch.targets.push(masked.targets);
            }
            batch
        });
        Ok(Self { config: model, batches: batches.collect() })
    }
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct StepTimes {
    /// Wall-clock time of each step in milliseconds, warm-up left out.
    pub milliseconds: Vec<f64>,
    /// Pieces of each of these steps.
    pub tokens: Vec<usize>,
    /// Mean loss of the masked pieces in each step (forward only: the sum of the states), to see that something was computed.
    pub losses: Vec<f64>,
}

/// Which work is timed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Forward, backward and AdamW.
    Train {
        /// Compute activations again in the backward pass, see [`PretrainConfig::recompute_activations`].
        recompute: bool,
    },
    /// The hidden states of all pieces, without gradients and dropout.
    Forward,
}

/// Runs `warm_up` and then `steps` timed steps.
pub fn time_steps(workload: &Workload, kind: StepKind, warm_up: usize, steps: usize) -> StepTimes {
    let heads = Heads { mlm: true, ..Heads::default() };
    let mut model = init(&workload.config, &heads, 0, &kbioxlm_model::device());
    if let StepKind::Train { recompute } = kind {
        model.encoder.recompute_activations(recompute);
        model = model.train();
    }
    let mut optimiser = AdamW::new(0.01, 1.0);
    let mut times = StepTimes { milliseconds: Vec::new(), tokens: Vec::new(), losses: Vec::new() };
    let batches: Vec<MicroBatch> = workload.batches.iter().map(|b| MicroBatch::new(&b.examples())).collect();
    for (i, (batch, shape)) in batches.iter().zip(&workload.batches).cycle().take(warm_up + steps).enumerate() {
        let begin = Instant::now();
        let loss = match kind {
            StepKind::Train { .. } => {
                let (updated, loss) = train(model, &mut optimiser, batch, i as u64);
                model = updated;
                loss
            }
            StepKind::Forward => {
                compute_on(&model.device(), || scalar(&model.encode(batch.packed(), &mut DropoutSeeds::off()).sum()))
            }
        };
        if i >= warm_up {
            times.milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
            times.tokens.push(shape.tokens());
            times.losses.push(loss);
        }
    }
    times
}

fn train(model: Model, optimiser: &mut AdamW, batch: &MicroBatch, step: u64) -> (Model, f64) {
    let totals = Totals::of([batch]);
    let mut seeds = DropoutSeeds::new(rng_for(step, &["dropout"]).next_u64());
    let Some((gradient, sums)) = backward(&model, batch, totals, &mut seeds) else { return (model, 0.0) };
    let mut gradients = GradientSum::default();
    gradients.add(&model, gradient);
    let norm = gradients.norm();
    (optimiser.update(model, gradients, norm, 1e-4), sums.total())
}
