mod config;

use crate::average::mean;
use crate::batch::cut;
use crate::crf::crf_loss;
use crate::documents::document_logits;
use crate::loss::scalar;
use crate::optimiser::{AdamW, GradientSum};
use crate::schedule::Schedule;
use crate::{Divergence, EpochScore, Judgement, Observer, StepMetrics, TrainError};
use burn::module::{Module, ParamId, list_param_ids};
use burn::tensor::{Tensor, TensorData};
use kbioxlm_files::rng_for;
use kbioxlm_model::{DropoutSeeds, Encoder, Model, PackedBatch, compute_on};
use kbioxlm_ops::cross_entropy;
use rand::Rng;
use rand::seq::SliceRandom;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use config::{FinetuneConfig, LabelledPieces, RelationText, TextEncoding, TokenHead};

/// A step of more tokens is computed in parts and its gradients summed: what a step remembers for the way back grows with its
/// tokens, and long documents in windows would need gigabytes.
const MICRO_BATCH_TOKENS: usize = 4096;

/// What a training item teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A label a token; tokens with `None` have no loss.
    Tags(Vec<Option<u32>>),
    /// One class.
    Class(u32),
    /// Any number of labels: for each whether it applies.
    Labels(Vec<bool>),
}

impl Target {
    fn kind(&self) -> &'static str {
        match self {
            Self::Tags(_) => "a label a token",
            Self::Class(_) => "one class",
            Self::Labels(_) => "a list of labels",
        }
    }

    /// Over how many decisions the loss of a batch is the mean: labelled tokens, items, or items and labels.
    fn count(&self) -> usize {
        match self {
            Self::Tags(tags) => tags.iter().flatten().count(),
            Self::Class(_) => 1,
            Self::Labels(labels) => labels.len(),
        }
    }
}

/// A document as the model reads it, and what it teaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingItem {
    /// Token ids of its windows, with special tokens. For labels of tokens there is one; the scores of a class or of labels are the
    /// largest of all windows.
    pub windows: Vec<Vec<u32>>,
    /// What is to be predicted; the same kind for all items.
    pub target: Target,
}

impl TrainingItem {
    /// Number of tokens of all windows.
    fn tokens(&self) -> usize {
        self.windows.iter().map(Vec::len).sum()
    }
}

/// The result of fine-tuning.
#[derive(Debug)]
pub struct Finetuned {
    /// The model as it was after its best epoch, for inference.
    pub model: Model,
    /// Number of that epoch, from 1.
    pub best_epoch: u32,
    /// Its score, where epochs are scored.
    pub best_score: Option<f64>,
    /// All epochs run.
    pub history: Vec<EpochScore>,
    /// Wall-clock time of the training steps, without the scoring.
    pub seconds: f64,
}

/// What the learning rate of a parameter is multiplied by, where that is not 1.
fn rate_factors(config: &FinetuneConfig, model: &Model) -> Vec<(ParamId, f64)> {
    let mut factors = Vec::new();
    if let Some(crf) = &model.crf {
        let factor = config.crf_learning_rate / config.learning_rate;
        factors.extend([crf.transitions.id, crf.start.id, crf.end.id].map(|id| (id, factor)));
    }
    if config.layer_decay < 1.0 {
        let Encoder { word, position, token_type, norm, layers, .. } = &model.encoder;
        let mut factor = 1.0;
        for layer in layers.iter().rev() {
            factor *= config.layer_decay;
            factors.extend(list_param_ids(layer).into_iter().map(|id| (id, factor)));
        }
        factor *= config.layer_decay;
        let embeddings = [word.id, position.id, token_type.id].into_iter().chain(list_param_ids(norm));
        factors.extend(embeddings.map(|id| (id, factor)));
    }
    factors
}

/// Trains a model with a task head; after each epoch `judge` scores it.
///
/// The model of the best epoch (the first of equals) is kept, that of the last one if epochs have no score; with
/// [`average`](FinetuneConfig::average) it is a mean, scored as such. With `patience` the run ends after so many epochs without
/// a better one; the learning rate follows the schedule of all `epochs` all the same.
///
/// # Errors
/// Settings that cannot work, no items, an item that does not fit the model or the others, a loss that is no longer a
/// number, or an error of `judge`. [`TrainError::Stopped`] after the step in which `stop` becomes true.
pub fn finetune(
    config: &FinetuneConfig,
    model: Model,
    items: &[TrainingItem],
    judge: &mut dyn FnMut(&Model) -> Result<Judgement, TrainError>,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Finetuned, TrainError> {
    config.check()?;
    check_items(config, &model, items)?;
    let steps_per_epoch = items.len().div_ceil(config.batch_size.get()) as u64;
    let total = steps_per_epoch * u64::from(config.epochs.get());
    let schedule = Schedule::new(config.learning_rate, config.warmup_ratio, total);
    let mut model = model.train();
    let mut optimiser = AdamW::new(config.weight_decay, config.clip);
    optimiser.rate_factors.extend(rate_factors(config, &model));
    let mut recent = VecDeque::new();
    let mut best: Option<(Model, u32, Option<f64>)> = None;
    let mut history = Vec::new();
    let (mut step, mut trained) = (0, 0.0);
    observer.start(0, total);
    for epoch in 1..=config.epochs.get() {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.shuffle(&mut rng_for(config.seed, &["finetune", &epoch.to_string()]));
        let mut losses = 0.0;
        for numbers in order.chunks(config.batch_size.get()) {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainError::Stopped);
            }
            let begin = Instant::now();
            let batch: Vec<&TrainingItem> = numbers.iter().filter_map(|&i| items.get(i)).collect();
            let seed = rng_for(config.seed, &["finetune-dropout", &step.to_string()]).next_u64();
            let mut gradients = GradientSum::default();
            let mut loss = 0.0;
            let mut seeds = DropoutSeeds::new(seed);
            let count = batch.iter().map(|item| item.target.count()).sum::<usize>() as f64;
            let length = |&i: &usize| items.get(i).map_or(0, TrainingItem::tokens);
            for part in cut(numbers, length, MICRO_BATCH_TOKENS) {
                let part: Vec<&TrainingItem> = part.iter().filter_map(|&i| items.get(i)).collect();
                // Nothing to learn (no token with a label): the step changes nothing.
                let computed = compute_on(&model.device(), || {
                    let share = summed_loss(&model, &part, &mut seeds)?.div_scalar(count);
                    Some((scalar(&share), share.backward()))
                });
                if let Some((share, gradient)) = computed {
                    loss += share;
                    gradients.add(&model, gradient);
                }
            }
            let norm = gradients.norm();
            for (what, value) in [("loss", loss), ("gradient norm", norm)] {
                if !value.is_finite() {
                    let examples = numbers.iter().map(usize::to_string).collect();
                    let (step, epoch) = (step + 1, u64::from(epoch - 1));
                    let divergence = Divergence { step, epoch, what, value, batches: vec![1], examples };
                    return Err(TrainError::Diverged(Box::new(divergence)));
                }
            }
            let learning_rate = schedule.learning_rate(step);
            if !gradients.is_empty() {
                model = optimiser.update(model, gradients, norm, learning_rate);
            }
            step += 1;
            losses += loss;
            let tokens = batch.iter().map(|item| item.tokens() as u64).sum();
            let seconds = begin.elapsed().as_secs_f64();
            trained += seconds;
            observer.step(&StepMetrics {
                step,
                epoch: u64::from(epoch - 1),
                learning_rate,
                loss,
                entity_mlm: None,
                relation_mlm: None,
                prp: None,
                tagging: None,
                alignment: None,
                grad_norm: norm,
                skipped: false,
                tokens,
                tokens_per_second: tokens as f64 / seconds.max(1e-9),
                seconds,
            });
        }
        recent.push_back(model.valid());
        let Some(candidate) = mean(&recent) else { break };
        if recent.len() == config.average.get() as usize {
            recent.pop_front();
        }
        let Judgement { score, watched } = judge(&candidate)?;
        let better = best.as_ref().is_none_or(|(_, _, former)| score.is_none() || score > *former);
        let result = EpochScore { epoch, loss: losses / steps_per_epoch as f64, score, best: better, watched };
        observer.epoch(&result);
        history.push(result);
        if better {
            best = Some((candidate, epoch, score));
        }
        let since = best.as_ref().map_or(0, |(_, best, _)| epoch - best);
        if config.patience.is_some_and(|p| since >= p.get()) {
            break;
        }
    }
    let nothing = TrainError::Nothing { what: "fine-tuning".to_owned(), help: "give at least one epoch" };
    let (model, best_epoch, best_score) = best.ok_or(nothing)?;
    Ok(Finetuned { model, best_epoch, best_score, history, seconds: trained })
}

/// Every item fits the head, the length and the other items.
fn check_items(config: &FinetuneConfig, model: &Model, items: &[TrainingItem]) -> Result<(), TrainError> {
    let Some(first) = items.first() else {
        return Err(TrainError::Nothing { what: "training items".to_owned(), help: "check the training file" });
    };
    let heads = model.heads();
    for (index, item) in items.iter().enumerate() {
        let wrong = |found: String, expected: String| Err(TrainError::Item { index, found, expected });
        if let Some(ids) = item.windows.iter().find(|ids| ids.is_empty() || ids.len() > config.max_length) {
            return wrong(format!("{} tokens", ids.len()), format!("1 to {}, `max_length`", config.max_length));
        }
        let first_window = match (&item.windows[..], &item.target) {
            ([], _) | ([_, _, ..], Target::Tags(_)) => {
                let expected = if item.windows.is_empty() { "at least one" } else { "one, for labels of tokens" };
                return wrong(format!("{} windows", item.windows.len()), expected.to_owned());
            }
            ([first, ..], _) => first,
        };
        let outputs = match &item.target {
            Target::Tags(_) => heads.tokens,
            Target::Class(_) | Target::Labels(_) => heads.sequence,
        };
        let Some(outputs) = outputs else {
            return wrong(item.target.kind().to_owned(), "what the model has a head for".to_owned());
        };
        if std::mem::discriminant(&item.target) != std::mem::discriminant(&first.target) {
            return wrong(item.target.kind().to_owned(), format!("{}, as the first item has", first.target.kind()));
        }
        let largest = match &item.target {
            Target::Tags(tags) if tags.len() != first_window.len() => {
                return wrong(format!("{} tags", tags.len()), format!("{}, one a token", first_window.len()));
            }
            Target::Labels(labels) if labels.len() != outputs => {
                return wrong(format!("{} labels", labels.len()), format!("{outputs}, the outputs of the head"));
            }
            Target::Tags(tags) => tags.iter().flatten().max().copied(),
            Target::Class(class) => Some(*class),
            Target::Labels(_) => None,
        };
        if let Some(label) = largest.filter(|l| *l as usize >= outputs) {
            return wrong(format!("label {label}"), format!("0 to {}, the outputs of the head", outputs - 1));
        }
    }
    Ok(())
}

/// The loss summed over what [`Target::count`] counts (of a conditional random field too: what a word costs does not depend on
/// the sentence's length).
fn summed_loss(model: &Model, items: &[&TrainingItem], seeds: &mut DropoutSeeds) -> Option<Tensor<1>> {
    let ids: Vec<&Vec<u32>> = items.iter().flat_map(|i| &i.windows).collect();
    let batch = PackedBatch::from_sequences(&ids);
    let mut starts = batch.starts().into_iter();
    let (mut rows, mut targets, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    // How many rows each item has; one without labelled tokens is left out.
    let mut lengths = Vec::new();
    let mut sequence = true;
    for item in items {
        let starts = starts.by_ref().take(item.windows.len());
        let former = rows.len();
        match &item.target {
            Target::Tags(tags) => {
                sequence = false;
                let tagged = |start| tags.iter().enumerate().filter_map(move |(i, tag)| Some((start + i, (*tag)?)));
                let (r, t): (Vec<_>, Vec<_>) = starts.flat_map(tagged).unzip();
                rows.extend(r);
                targets.extend(t);
            }
            Target::Class(class) => {
                rows.extend(starts);
                targets.push(*class);
            }
            Target::Labels(values) => {
                rows.extend(starts);
                labels.extend(values.iter().map(|v| if *v { 1.0f32 } else { 0.0 }));
            }
        }
        lengths.extend(Some(rows.len() - former).filter(|&n| n > 0));
    }
    if rows.is_empty() {
        return None;
    }
    let states = model.encode_rows(&batch, &rows, seeds);
    let logits = if sequence {
        document_logits(model.sequence_logits(states, seeds), &lengths)
    } else {
        model.token_logits(states, seeds)
    };
    Some(match &model.crf {
        Some(crf) if !sequence => crf_loss(logits, crf, &lengths, &targets),
        _ if labels.is_empty() => cross_entropy(logits, &targets),
        _ => binary_cross_entropy(logits, labels),
    })
}

/// Sum over all elements of `max(x, 0) − x·y + ln(1 + e^−|x|)`, which never overflows.
fn binary_cross_entropy(logits: Tensor<2>, labels: Vec<f32>) -> Tensor<1> {
    let shape = logits.dims();
    let labels = Tensor::<2>::from_data(TensorData::new(labels, shape), &logits.device());
    let loss = logits.clone().clamp_min(0.0) - logits.clone() * labels + logits.abs().neg().exp().log1p();
    loss.sum()
}

#[cfg(test)]
mod tests;
