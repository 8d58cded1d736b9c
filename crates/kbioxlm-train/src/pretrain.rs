use crate::alignment::Alignment;
use crate::checkpoint::{BestCheckpoint, Checkpoints, Contents, Identity, Position};
use crate::data::{Corpora, Data};
use crate::encode::EncodedExample;
use crate::evaluation::{Evaluation, Evaluator, HeldOut};
use crate::lock::RunLock;
use crate::loss::{LossSums, MicroBatch, Totals, backward};
use crate::masking::mask;
use crate::metrics::TaskSum;
use crate::mixture::{CorpusPart, Draw};
use crate::name_search::NameSearch;
use crate::optimiser::{AdamW, GradientSum};
use crate::prior::set_prior;
use crate::recorder::Recorder;
use crate::schedule::Schedule;
use crate::{Divergence, Observer, OnDivergence, PretrainConfig, StepMetrics, TrainError};
use burn::module::Module;
use kbioxlm_files::{FileError, create_dir, hash_bytes, hash_file, rng_for, write_atomic};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{DropoutSeeds, Heads, Model, ModelConfig, SpecialTokens, Tokenizer};
use rand::Rng;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a pretraining run reads.
#[derive(Copy, Clone, Debug)]
pub struct PretrainInput<'a> {
    /// Base model, an HF directory.
    pub model: &'a Path,
    /// Anchored corpora.
    pub corpora: &'a [CorpusPart],
    /// The knowledge base that they were built with, for [`RetrievalConfig`](crate::RetrievalConfig) and
    /// [`AlignmentConfig`](crate::AlignmentConfig).
    pub knowledge: Option<&'a Path>,
}

/// What a pretraining run did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PretrainSummary {
    /// Steps done, those before a resumption included.
    pub steps: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Tokens seen.
    pub tokens: u64,
    /// Steps whose update was left out, because loss or gradient was no number.
    pub skipped: u64,
    /// The best checkpoint, if the settings keep any for being the best.
    pub best: Option<BestCheckpoint>,
    /// The step after which the run was resumed, if it was.
    pub resumed_from: Option<u64>,
    /// Whether it was stopped before its end; called again it goes on.
    pub interrupted: bool,
    /// Examples that are trained on.
    pub examples: usize,
    /// Examples that are held out.
    pub held_out: usize,
    /// Tokens of the corpora that did not fit into `max_length`.
    pub cut_tokens: usize,
    /// Facts of the corpora that did not fit into `max_length`.
    pub cut_facts: usize,
    /// Tensors that the base model did not have and that were initialised.
    pub initialised: Vec<String>,
    /// The last step of this call.
    pub last: Option<StepMetrics>,
    /// The last evaluation of this call.
    pub evaluation: Option<Evaluation>,
    /// Wall-clock time of this call.
    pub seconds: f64,
}

/// Trains a model on anchored corpora.
///
/// An epoch has as many tokens as all corpora together; a [weight](CorpusPart::weight) is a corpus's share of
/// them. A corpus whose share is larger than its size comes more than once in an epoch, one whose share is smaller goes on in the
/// next epoch where it stopped.
///
/// `out` receives the trained model as an HF directory, `pretrain.toml` (the settings in full), `metrics.jsonl` (one
/// [`StepMetrics`] a line), `evaluations.jsonl` (one [`Evaluation`] a line, if something is to be evaluated), the figures of both for
/// TensorBoard in `tensorboard`, and `checkpoints/step-N`, of which `keep` says which ones stay. If `out` has a checkpoint of the
/// same settings, base model, corpora and knowledge base, the run goes on from there, to the very
/// result it would have had without the interruption; of several it takes the newest that is intact. It may have been killed
/// at any moment.
/// When `stop` becomes true, the current step is finished, a checkpoint written, and the summary says `interrupted`.
///
/// # Errors
/// Settings that cannot work or do not fit the model, input or output that cannot be read or written, a checkpoint of
/// another run or a running process in `out`, or a loss that is no longer a number.
pub fn pretrain(
    config: &PretrainConfig,
    input: &PretrainInput<'_>,
    out: &Path,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<PretrainSummary, TrainError> {
    let begin = Instant::now();
    config.check()?;
    let model_dir = input.model;
    let model_config = ModelConfig::read(model_dir)?;
    if config.max_length > model_config.max_length() {
        return Err(TrainError::Setting {
            key: "max_length",
            found: config.max_length.to_string(),
            expected: format!("at most {}, the longest input of {}", model_config.max_length(), model_dir.display()),
            help: "lower it".to_owned(),
        });
    }
    let corpora = Corpora::open(input.corpora)?;
    let knowledge = open_knowledge(config, input)?;
    let run = Identity {
        config: config.clone(),
        model: hash_model(model_dir)?,
        corpus: corpora.hash(),
        weights: corpora.weights(),
        knowledge: knowledge.as_ref().map(|kb| kb.hash().to_owned()),
    };
    let checkpoints = Checkpoints::new(out, &config.keep, run);
    let lock = if out.exists() { Some(RunLock::take(out)?) } else { None };
    let resumed = checkpoints.resume(observer)?;
    let tokenizer = Tokenizer::load(model_dir)?;
    let held_out = config.evaluation.as_ref().map_or(0.0, |e| e.held_out);
    let mut data = Data::read(&corpora, &tokenizer, config.max_length, held_out, knowledge.is_some(), observer)?;
    let total_steps = data.steps(config);
    if config.head_warmup_steps >= total_steps {
        return Err(TrainError::Setting {
            key: "head_warmup_steps",
            found: config.head_warmup_steps.to_string(),
            expected: format!("fewer than the {total_steps} steps of the run"),
            help: "lower it or raise the budget".to_owned(),
        });
    }
    let heads = Heads { mlm: true, prp: data.has_labels(), ..Heads::default() };
    let held_out = std::mem::take(&mut data.held_out);
    let kept_back = held_out.len();
    let alignment = match (&config.alignment, &knowledge) {
        (Some(settings), Some(kb)) => {
            Some(Alignment::new(kb, &tokenizer, settings, &corpora.languages(), config.max_length)?)
        }
        _ => None,
    };
    // Held out from the retrieval is what no part of the training ties together.
    data.anchored.extend(alignment.iter().flat_map(Alignment::ids));
    let mut evaluator = prepare_evaluation(config, held_out, &data.anchored, &corpora, knowledge.as_ref(), &tokenizer)?;
    create_dir(out)?;
    let _lock = lock.map_or_else(|| RunLock::take(out), Ok)?;
    write_settings(config, &out.join("pretrain.toml"))?;

    let device = kbioxlm_model::device();
    let source = resumed.as_ref().map_or(model_dir, |c| c.dir.as_path());
    let mut loaded = kbioxlm_model::load(source, &heads, config.seed, &device)?;
    if !loaded.initialised.is_empty() {
        observer.initialised(&loaded.initialised);
        set_prior(&mut loaded, &data.examples);
    }
    loaded.model.encoder.recompute_activations(config.recompute_activations);
    let mut optimiser = AdamW::new(config.weight_decay, config.clip);
    let mut position = Position::default();
    if let Some(checkpoint) = &resumed {
        checkpoint.restore(&mut optimiser, &loaded.model, &loaded.config, &device)?;
        position = checkpoint.position;
    }
    let mut trainer = Trainer {
        config,
        alignment: alignment.as_ref(),
        schedule: Schedule::new(config.learning_rate, config.warmup_ratio, total_steps - config.head_warmup_steps),
        model: loaded.model.train(),
        optimiser,
        vocabulary: tokenizer.vocab_size(),
        special: *tokenizer.special(),
    };
    let mut recorder = Recorder::open(out, position.step)?;
    evaluator.open(&out.join("evaluations.jsonl"), position.step)?;
    let mut saved = position.step;
    let save = |trainer: &Trainer<'_>, position: Position, recorder: &mut Recorder| {
        let Trainer { model, optimiser, .. } = trainer;
        let contents = Contents { config: &loaded.config, model, tokenizer: &tokenizer, optimiser };
        checkpoints.save(&contents, position, recorder.take_means()?)
    };

    observer.start(position.step, total_steps);
    let mut last = None;
    let mut evaluate = |position: Position, model: &Model, recorder: &mut Recorder, observer: &mut dyn Observer| {
        let done = evaluator.after(position.step, total_steps, position.tokens, model)?;
        if let Some(done) = &done {
            recorder.evaluation(done)?;
            observer.evaluation(done);
        }
        Ok::<_, TrainError>(done)
    };
    let mut evaluation = None;
    if resumed.is_none() {
        evaluation = evaluate(position, &trainer.model, &mut recorder, observer)?;
    }
    let mut plan = data.plan(config, position.epoch);
    while position.step < total_steps && !stop.load(Ordering::Relaxed) {
        let Some(step) = plan.get(position.step_in_epoch as usize) else {
            position.epoch += 1;
            position.step_in_epoch = 0;
            plan = data.plan(config, position.epoch);
            continue;
        };
        let (next, metrics, divergence) = trainer.step(&data, step, position)?;
        trainer = next;
        count_skip(config, &mut position, divergence, observer)?;
        position.step += 1;
        position.step_in_epoch += 1;
        position.tokens += metrics.tokens;
        recorder.step(&metrics)?;
        observer.step(&metrics);
        last = Some(metrics);
        evaluation = evaluate(position, &trainer.model, &mut recorder, observer)?.or(evaluation);
        if position.step % config.save_every == 0 {
            observer.checkpoint(&save(&trainer, position, &mut recorder)?);
            saved = position.step;
        }
    }
    if saved != position.step {
        observer.checkpoint(&save(&trainer, position, &mut recorder)?);
    }
    let interrupted = position.step < total_steps;
    if !interrupted {
        kbioxlm_model::save(out, &loaded.config, &trainer.model, &tokenizer, None)?;
    }
    Ok(PretrainSummary {
        steps: position.step,
        total_steps,
        tokens: position.tokens,
        skipped: position.skipped,
        best: if config.keep.best > 0 { checkpoints.best()? } else { None },
        resumed_from: resumed.map(|c| c.position.step),
        interrupted,
        examples: data.examples.len(),
        held_out: kept_back,
        cut_tokens: data.examples.iter().map(|e| e.cut_tokens).sum(),
        cut_facts: data.examples.iter().map(|e| e.cut_facts).sum(),
        initialised: loaded.initialised,
        last,
        evaluation,
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// What the settings say about a step whose loss or gradient is no number, if it was one.
fn count_skip(
    config: &PretrainConfig,
    position: &mut Position,
    divergence: Option<Divergence>,
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    let Some(divergence) = divergence else {
        position.skipped_in_a_row = 0;
        return Ok(());
    };
    if config.on_divergence == OnDivergence::Stop {
        return Err(TrainError::Diverged(Box::new(divergence)));
    }
    position.skipped += 1;
    position.skipped_in_a_row += 1;
    if position.skipped_in_a_row > config.max_skips {
        let count = position.skipped_in_a_row;
        return Err(TrainError::TooManySkips { last: Box::new(divergence), count, most: config.max_skips });
    }
    observer.warning(&format!("{divergence}; this step changes nothing"));
    Ok(())
}

/// # Errors
/// Retrieval or alignment without a knowledge base, or one that cannot be read.
fn open_knowledge(config: &PretrainConfig, input: &PretrainInput<'_>) -> Result<Option<KnowledgeBase>, TrainError> {
    let wants = [("retrieval", config.retrieval.is_some()), ("alignment", config.alignment.is_some())];
    match (wants.into_iter().find(|(_, wanted)| *wanted), input.knowledge) {
        (None, _) => Ok(None),
        (Some(_), Some(dir)) => Ok(Some(KnowledgeBase::open(dir)?)),
        (Some((key, _)), None) => Err(TrainError::Setting {
            key,
            found: "set without a knowledge base".to_owned(),
            expected: "the knowledge base whose names to use".to_owned(),
            help: format!("name the one that the corpora were built with, or leave out `{key}`"),
        }),
    }
}

/// What is to be evaluated, on what the corpora held out.
fn prepare_evaluation(
    config: &PretrainConfig,
    held_out: Vec<EncodedExample>,
    anchored: &BTreeSet<String>,
    corpora: &Corpora<'_>,
    knowledge: Option<&KnowledgeBase>,
    tokenizer: &Tokenizer,
) -> Result<Evaluator, TrainError> {
    let mut evaluator = Evaluator::default();
    if let Some(settings) = &config.evaluation {
        if held_out.is_empty() {
            return Err(TrainError::Setting {
                key: "evaluation.held_out",
                found: settings.held_out.to_string(),
                expected: "a share that some example of the corpora is part of".to_owned(),
                help: "raise it, or leave out `evaluation`".to_owned(),
            });
        }
        let (vocabulary, special) = (tokenizer.vocab_size(), tokenizer.special());
        let held_out = HeldOut::new(held_out, settings, &config.masking, config.tokens_per_batch, vocabulary, special);
        evaluator.held_out = Some((settings.every, held_out));
    }
    if let (Some(settings), Some(kb)) = (&config.retrieval, knowledge) {
        let languages = corpora.languages();
        let search = NameSearch::new(kb, settings, config.seed, &languages, anchored, tokenizer, config.max_length)?;
        evaluator.names = Some((settings.every, search));
    }
    Ok(evaluator)
}

fn write_settings(config: &PretrainConfig, path: &Path) -> Result<(), FileError> {
    write_atomic(path, |w| w.write_all(toml::to_string(config).map_err(std::io::Error::other)?.as_bytes()))
}

/// Hash of what training starts from.
fn hash_model(dir: &Path) -> Result<String, TrainError> {
    let mut hashes = String::new();
    for name in ["config.json", "tokenizer.json", "model.safetensors", "model.safetensors.index.json"] {
        let path = dir.join(name);
        if path.exists() {
            hashes += &hash_file(&path)?;
        }
    }
    Ok(hash_bytes(hashes.as_bytes()))
}

/// What changes from step to step, and what a step needs.
struct Trainer<'a> {
    config: &'a PretrainConfig,
    alignment: Option<&'a Alignment<'a>>,
    schedule: Schedule,
    model: Model,
    optimiser: AdamW,
    vocabulary: usize,
    special: SpecialTokens,
}

impl Trainer<'_> {
    /// One optimisation step over the micro-batches given; consumes the trainer so that weights are updated in place.
    ///
    /// Where loss or gradient is no number nothing is updated, and the third value says where.
    ///
    /// # Errors
    /// The tokenizer fails on a name.
    fn step(
        mut self,
        data: &Data,
        step: &[Vec<Draw>],
        position: Position,
    ) -> Result<(Self, StepMetrics, Option<Divergence>), TrainError> {
        let begin = Instant::now();
        let number = position.step + 1;
        let batches: Vec<MicroBatch> = step.iter().map(|batch| self.mask(data, batch)).collect();
        let totals = Totals::of(&batches);
        let warming = position.step < self.config.head_warmup_steps;
        let mut gradients = GradientSum::default();
        let mut sums = LossSums::default();
        // Micro-batches with a loss that is no number.
        let mut lost = Vec::new();
        let frozen = warming.then(|| frozen_body(&self.model));
        let model = frozen.as_ref().unwrap_or(&self.model);
        for (i, batch) in batches.iter().enumerate() {
            let scope = ["dropout", &position.step.to_string(), &i.to_string()];
            let mut seeds = DropoutSeeds::new(rng_for(self.config.seed, &scope).next_u64());
            if let Some((gradient, sum)) = backward(model, batch, totals, &mut seeds) {
                gradients.add(model, gradient);
                sums.add(sum);
                if !sum.total().is_finite() {
                    lost.push(i);
                }
            }
        }
        let mut tokens = batches.iter().map(MicroBatch::tokens).sum();
        let mut aligned = TaskSum::default();
        // A frozen body cannot move its names.
        if let (Some(alignment), false) = (self.alignment, warming) {
            let pairs = alignment.draw(self.config.seed, position.step)?;
            let scope = ["alignment-dropout", &position.step.to_string()];
            let mut seeds = DropoutSeeds::new(rng_for(self.config.seed, &scope).next_u64());
            if let Some((gradient, sum)) = alignment.backward(model, &pairs, &mut seeds) {
                gradients.add(model, gradient);
                aligned = sum;
            }
            tokens += pairs.tokens();
        }
        // Gone before the update: weights that nobody else holds are updated in place.
        drop(frozen);
        let weight = self.config.alignment.as_ref().map_or(0.0, |a| a.weight);
        let loss = sums.total() + aligned.mean().map_or(0.0, |a| weight * a.loss);
        let norm = gradients.norm();
        let divergence = [("loss", loss), ("gradient norm", norm)].into_iter().find(|(_, value)| !value.is_finite());
        let divergence = divergence.map(|(what, value)| {
            let batches = if lost.is_empty() { (0..step.len()).collect() } else { lost };
            let examples =
                batches.iter().filter_map(|&b| step.get(b)).flatten().filter_map(|d| data.examples.get(d.example));
            let examples = examples.map(|e| e.id.clone()).collect();
            let batches = batches.into_iter().map(|b| b + 1).collect();
            Divergence { step: number, epoch: position.epoch, what, value, batches, examples }
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
            alignment: aligned.mean(),
            grad_norm: norm,
            skipped: divergence.is_some(),
            tokens,
            tokens_per_second: tokens as f64 / seconds.max(1e-9),
            seconds,
        };
        Ok((self, metrics, divergence))
    }

    fn mask(&self, data: &Data, batch: &[Draw]) -> MicroBatch {
        let examples = batch.iter().filter_map(|draw| Some((data.examples.get(draw.example)?, draw.pass)));
        let masked: Vec<_> = examples
            .map(|(example, pass)| {
                let mut rng = rng_for(self.config.seed, &["mask", &pass.to_string(), &example.id]);
                mask(example, &self.config.masking, self.vocabulary, &self.special, &mut rng)
            })
            .collect();
        MicroBatch::new(&masked)
    }
}

/// The model with an encoder that no gradient flows into: it computes without recording, and the tied decoder is a constant.
fn frozen_body(model: &Model) -> Model {
    let mut model = model.clone();
    model.encoder = model.encoder.valid();
    model
}
