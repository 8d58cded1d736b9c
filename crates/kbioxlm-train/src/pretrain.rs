use crate::alignment::Alignment;
use crate::checkpoint::{BestCheckpoint, Checkpoint, Checkpoints, Position};
use crate::data::Data;
use crate::encode::EncodedExample;
use crate::evaluation::{Evaluation, Evaluator, HeldOut};
use crate::journal::Journal;
use crate::lock::RunLock;
use crate::mixture::CorpusPart;
use crate::name_search::NameSearch;
use crate::optimiser::AdamW;
use crate::prior::set_prior;
use crate::schedule::Schedule;
use crate::sources::Sources;
use crate::trainer::Trainer;
use crate::{
    Divergence, Observer, OnDivergence, Precision, PretrainConfig, Processes, StepMetrics, Threads, TrainError,
};
use burn::module::Module;
use burn::tensor::Device;
use kbioxlm_model::{Heads, ModelConfig};
use serde::Serialize;
use std::collections::BTreeSet;
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
    pretrain_on(&[kbioxlm_model::device()], config, input, out, stop, observer)
}

/// Trains as [`pretrain`] does, on several devices of this machine at once: one [thread](Threads) for each of them calls
/// [`pretrain_together`]. Without any device it is the one that was chosen for the program.
///
/// # Errors
/// As [`pretrain_together`].
pub fn pretrain_on(
    devices: &[Device],
    config: &PretrainConfig,
    input: &PretrainInput<'_>,
    out: &Path,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<PretrainSummary, TrainError> {
    let mut threads = Threads::on(devices).into_iter();
    let Some(first) = threads.next() else { return pretrain(config, input, out, stop, observer) };
    std::thread::scope(|scope| {
        for thread in threads {
            // What it returns is what the first one does, an error too.
            scope.spawn(move || pretrain_together(&thread, config, input, out, stop, &mut ()));
        }
        pretrain_together(&first, config, input, out, stop, observer)
    })
}

/// Trains as [`pretrain`] does, in several processes, each of which calls this with the same arguments.
///
/// A step has [`accumulation`](PretrainConfig::accumulation) micro-batches *in each process*. They are those of one process with so
/// many times the accumulation, and so is the result, up to the order in which floating-point numbers are added. What
/// makes a run what it is is the number of micro-batches a step: it may go on in another number of processes.
///
/// The first process alone writes, evaluates, aligns names and tells its observer. `out` must be the same directory for
/// all, because all read the checkpoint. A stop in any process stops all after the same step; an error in any process is
/// the error of all, [`TrainError::Process`]. The summaries of the others have no `best` and no `evaluation`.
///
/// # Errors
/// As [`pretrain`], or processes with other settings or input.
pub fn pretrain_together(
    processes: &dyn Processes,
    config: &PretrainConfig,
    input: &PretrainInput<'_>,
    out: &Path,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<PretrainSummary, TrainError> {
    let begin = Instant::now();
    let mut nobody = ();
    let observer = if processes.is_first() { observer } else { &mut nobody };
    let accumulation = config.accumulation.saturating_mul(processes.count());
    let whole = PretrainConfig { accumulation, ..config.clone() };
    let sources = processes.agree(Sources::open(&whole, input, &processes.device()))?;
    processes.agree(sources.run.check_same(processes))?;
    let checkpoints = Checkpoints::new(out, &config.keep, sources.run.clone());
    let (lock, resumed) = resume(processes, &checkpoints, observer)?;
    let prepared = Prepared::new(processes, &whole, input.model, &sources, resumed.as_ref(), observer);
    let Prepared { data, held_out, evaluator, model_config, initialised, mut trainer, mut position, total_steps } =
        processes.agree(prepared)?;
    let mut journal = None;
    if processes.is_first() {
        let model = (model_config, &sources.tokenizer);
        journal = Some(Journal::open(config, &checkpoints, model, evaluator, position.step, total_steps, lock));
    }
    let mut journal = processes.agree(journal.transpose())?;

    observer.start(position.step, total_steps);
    let mut last = None;
    let mut plan = data.plan(&whole, position.epoch);
    let mut written = match &mut journal {
        Some(journal) if resumed.is_none() => journal.evaluate(position, &trainer.model, observer),
        _ => Ok(()),
    };
    loop {
        processes.agree(written)?;
        if position.step >= total_steps || processes.any(stop.load(Ordering::Relaxed)) {
            break;
        }
        // Every plan has a step, since there are examples.
        let step = loop {
            match plan.get(position.step_in_epoch as usize) {
                Some(step) => break step,
                None => {
                    position.epoch += 1;
                    position.step_in_epoch = 0;
                    plan = data.plan(&whole, position.epoch);
                }
            }
        };
        let (next, metrics, divergence) = trainer.step(&data, step, position)?;
        trainer = next;
        count_skip(config, &mut position, divergence, observer)?;
        position.step += 1;
        position.step_in_epoch += 1;
        position.tokens += metrics.tokens;
        written = journal.as_mut().map_or(Ok(()), |j| j.step(&metrics, &trainer, position, observer));
        last = Some(metrics);
    }
    processes.agree(journal.as_mut().map_or(Ok(()), |j| j.end(&trainer, position, observer)))?;
    Ok(PretrainSummary {
        steps: position.step,
        total_steps,
        tokens: position.tokens,
        skipped: position.skipped,
        best: journal.as_ref().map_or(Ok(None), |_| checkpoints.best())?,
        resumed_from: resumed.map(|c| c.position.step),
        interrupted: position.step < total_steps,
        examples: data.examples.len(),
        held_out,
        cut_tokens: data.examples.iter().map(|e| e.cut_tokens).sum(),
        cut_facts: data.examples.iter().map(|e| e.cut_facts).sum(),
        initialised,
        last,
        evaluation: journal.and_then(|j| j.evaluation),
        seconds: begin.elapsed().as_secs_f64(),
    })
}

/// The checkpoint to go on from, the same in all processes, and in the first one the lock of the run, if its directory exists.
///
/// The first process chooses among the checkpoints and tidies them up; the others read what it has chosen.
fn resume(
    processes: &dyn Processes,
    checkpoints: &Checkpoints<'_>,
    observer: &mut dyn Observer,
) -> Result<(Option<RunLock>, Option<Checkpoint>), TrainError> {
    let mut choose = || {
        let out = checkpoints.run_dir();
        let lock = if out.exists() { Some(RunLock::take(out)?) } else { None };
        Ok((lock, checkpoints.resume(observer)?))
    };
    let (lock, chosen) = processes.agree(if processes.is_first() { choose() } else { Ok((None, None)) })?;
    // No checkpoint is of step 0.
    let resumed = match processes.of_first(chosen.as_ref().map_or(0, |c| c.position.step)) {
        step if step == 0 || processes.is_first() => Ok(chosen),
        step => checkpoints.open(step).map(Some),
    };
    Ok((lock, processes.agree(resumed)?))
}

/// A run that is ready for its next step.
struct Prepared<'a> {
    data: Data,
    /// The number of examples that are held out.
    held_out: usize,
    evaluator: Evaluator,
    model_config: ModelConfig,
    initialised: Vec<String>,
    trainer: Trainer<'a>,
    position: Position,
    total_steps: u64,
}

impl<'a> Prepared<'a> {
    fn new(
        processes: &'a dyn Processes,
        config: &'a PretrainConfig,
        model_dir: &Path,
        sources: &'a Sources<'_>,
        resumed: Option<&Checkpoint>,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let Sources { corpora, knowledge, tokenizer, .. } = sources;
        let share = config.evaluation.as_ref().map_or(0.0, |e| e.held_out);
        let contexts = config.alignment.as_ref().is_some_and(|a| a.contexts > 0);
        let anchored = knowledge.is_some();
        let mut data = Data::read(corpora, tokenizer, config.max_length, share, anchored, contexts, observer)?;
        if contexts && data.contexts.is_empty() {
            return Err(TrainError::Setting {
                key: "alignment.contexts",
                found: "corpora without code-switched documents".to_owned(),
                expected: "documents and what became of them".to_owned(),
                help: "build a corpus with the level entity, or set it to 0".to_owned(),
            });
        }
        let total_steps = data.steps(config);
        if config.head_warmup_steps >= total_steps {
            return Err(TrainError::Setting {
                key: "head_warmup_steps",
                found: config.head_warmup_steps.to_string(),
                expected: format!("fewer than the {total_steps} steps of the run"),
                help: "lower it or raise the budget".to_owned(),
            });
        }
        let heads = Heads { mlm: true, prp: data.has_labels(), mentions: config.tag_mentions, ..Heads::default() };
        let alignment = match (&config.alignment, knowledge) {
            (Some(settings), Some(kb)) => {
                Some(Alignment::new(kb, tokenizer, settings, &corpora.languages(), config.max_length)?)
            }
            _ => None,
        };
        // Held out from the retrieval is what no part of the training ties together.
        data.anchored.extend(alignment.iter().flat_map(Alignment::ids));
        let held_out = std::mem::take(&mut data.held_out);
        let kept_back = held_out.len();
        let mut evaluator = Evaluator::default();
        if processes.is_first() {
            evaluator = prepare_evaluation(config, held_out, &data.anchored, sources)?;
            config.keep.check_metric(&evaluator.figures())?;
        }

        let device = processes.device();
        let source = resumed.map_or(model_dir, |c| c.dir.as_path());
        let mut loaded = kbioxlm_model::load(source, &heads, config.seed, &device)?;
        if !loaded.initialised.is_empty() {
            observer.initialised(&loaded.initialised);
            set_prior(&mut loaded, &data.examples);
        }
        loaded.model.encoder.recompute_activations(config.recompute_activations);
        loaded.model.encoder.multiply_in_bf16(config.precision == Precision::Bf16);
        let mut optimiser = AdamW::new(config.weight_decay, config.clip);
        if let Some(checkpoint) = resumed {
            checkpoint.restore(&mut optimiser, &loaded.model, &loaded.config, &device)?;
        }
        let trainer = Trainer {
            processes,
            config,
            alignment,
            schedule: Schedule::new(config.learning_rate, config.warmup_ratio, total_steps - config.head_warmup_steps),
            model: loaded.model.train(),
            optimiser,
            vocabulary: tokenizer.vocab_size(),
            special: *tokenizer.special(),
        };
        Ok(Self {
            data,
            held_out: kept_back,
            evaluator,
            model_config: loaded.config,
            initialised: loaded.initialised,
            trainer,
            position: resumed.map(|c| c.position).unwrap_or_default(),
            total_steps,
        })
    }
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

/// What is to be evaluated, on what the corpora held out.
fn prepare_evaluation(
    config: &PretrainConfig,
    held_out: Vec<EncodedExample>,
    anchored: &BTreeSet<String>,
    sources: &Sources<'_>,
) -> Result<Evaluator, TrainError> {
    let Sources { corpora, knowledge, tokenizer, .. } = sources;
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
        let held_out = HeldOut::new(
            held_out,
            settings,
            (&config.masking, config.tag_mentions),
            config.tokens_per_batch,
            vocabulary,
            special,
        );
        evaluator.held_out = Some((settings.every, held_out));
    }
    if let (Some(settings), Some(kb)) = (&config.retrieval, knowledge) {
        let languages = corpora.languages();
        let search = NameSearch::new(kb, settings, config.seed, &languages, anchored, tokenizer, config.max_length)?;
        evaluator.names = Some((settings.every, search));
    }
    Ok(evaluator)
}
