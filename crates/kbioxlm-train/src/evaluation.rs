//! What is measured while a model trains, on what it is not trained on.

mod figures;

use crate::TrainError;
use crate::batch::cut;
use crate::encode::EncodedExample;
use crate::loss::{LossSums, MicroBatch, evaluate};
use crate::masking::{MaskingConfig, mask};
use crate::metrics::{StepLines, TaskMetrics, TaskSum};
use crate::name_search::{NameSearch, RetrievalMetrics};
use crate::tagging::mention_tags;
use burn::module::Module;
use kbioxlm_corpus::Example;
use kbioxlm_files::{hash_bytes, is_in_share, remove, rng_for};
use kbioxlm_model::{Model, SpecialTokens};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::time::Instant;

/// Held-out evaluation: how well the model predicts in documents that it is not trained on.
///
/// Whether a document is held out depends on its id alone, not on seed, corpus or language: translations with a common
/// id go together, two stages hold out the same documents, and a larger share holds out all that a smaller one does. An
/// example is held out if any document that it is made of is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Steps between evaluations; there is one more before the first step and one after the last.
    pub every: NonZeroU64,
    /// Share of the documents that is held out.
    pub held_out: f64,
    /// Held-out examples that are evaluated at most, chosen by a hash of their ids; the others are not used at all.
    pub max_examples: NonZeroUsize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            every: NonZeroU64::MIN.saturating_add(499),
            held_out: 0.01,
            max_examples: NonZeroUsize::MIN.saturating_add(999),
        }
    }
}

/// What an evaluation gave: one line of `evaluations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Steps done before it.
    pub step: u64,
    /// Tokens seen before it.
    pub tokens: u64,
    /// Predictions in held-out documents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_out: Option<HeldOutMetrics>,
    /// Names looked up across languages, one item a direction.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub retrieval: Vec<RetrievalMetrics>,
    /// Wall-clock time of the evaluation.
    pub seconds: f64,
}

/// Predictions in held-out documents, with the same masks at every evaluation and without dropout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOutMetrics {
    /// All examples together.
    pub all: HeldOutTasks,
    /// By the language of the running text, `en`; of passage pairs in two languages `en-zh`, in whichever order they stand.
    pub languages: BTreeMap<String, HeldOutTasks>,
}

/// The tasks on some held-out examples; what none of them has is absent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOutTasks {
    /// Examples.
    pub examples: u64,
    /// Masked words and mentions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entity_mlm: Option<TaskMetrics>,
    /// Masked relations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relation_mlm: Option<TaskMetrics>,
    /// Passage pairs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prp: Option<TaskMetrics>,
    /// Passage pairs by their label (rows) and by what was predicted (columns): link, context, random.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prp_confusion: Option<[[u64; 3]; 3]>,
    /// Tokens of running text: begin, inside or outside of a mention.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tagging: Option<TaskMetrics>,
}

impl HeldOutTasks {
    fn new(examples: u64, sums: LossSums) -> Self {
        let LossSums { entity, relation, prp, tagging, confusion } = sums;
        let [entity_mlm, relation_mlm, prp, tagging] = [entity, relation, prp, tagging].map(TaskSum::mean);
        let prp_confusion = prp.is_some().then_some(confusion);
        Self { examples, entity_mlm, relation_mlm, prp, prp_confusion, tagging }
    }
}

/// Whether an example belongs to the `share` of documents that is held out.
///
/// # Errors
/// The corpus does not say which documents the example is made of.
pub(crate) fn is_held_out(example: &Example, share: f64) -> Result<bool, TrainError> {
    if share <= 0.0 {
        return Ok(false);
    }
    for segment in example.running_text() {
        let Some(source) = &segment.source else {
            return Err(TrainError::Example {
                id: example.id.clone(),
                found: "text without its document, as in corpora of the first format".to_owned(),
                expected: "the document of each text, by which some are held out",
            });
        };
        if is_in_share(share, &["held-out document", &source.document]) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Held-out examples as batches, by language.
#[derive(Debug)]
pub(crate) struct HeldOut {
    languages: BTreeMap<String, (u64, Vec<MicroBatch>)>,
}

impl HeldOut {
    /// Masks the examples, with masks that depend on their ids and the masking settings only.
    pub(crate) fn new(
        mut examples: Vec<EncodedExample>,
        config: &EvaluationConfig,
        (masking, tag_mentions): (&MaskingConfig, bool),
        tokens_per_batch: usize,
        vocabulary: usize,
        special: &SpecialTokens,
    ) -> Self {
        examples.sort_by_cached_key(|e| hash_bytes(e.id.as_bytes()));
        examples.truncate(config.max_examples.get());
        let mut by_language: BTreeMap<String, Vec<EncodedExample>> = BTreeMap::new();
        for example in examples {
            by_language.entry(example.languages.clone()).or_default().push(example);
        }
        let batches = |mut examples: Vec<EncodedExample>| {
            examples.sort_by_key(|e| e.ids.len());
            let order: Vec<usize> = (0..examples.len()).collect();
            let length = |i: &usize| examples.get(*i).map_or(0, |e| e.ids.len());
            let masked = |example: &EncodedExample| {
                mask(example, masking, vocabulary, special, &mut rng_for(0, &["held-out mask", &example.id]))
            };
            let batch = |batch: Vec<usize>| {
                let examples: Vec<_> = batch.into_iter().filter_map(|i| examples.get(i)).collect();
                let batch = MicroBatch::new(&examples.iter().copied().map(masked).collect::<Vec<_>>());
                let tags = |example: &&EncodedExample| mention_tags(example, special);
                if tag_mentions { batch.tagged(&examples.iter().map(tags).collect::<Vec<_>>()) } else { batch }
            };
            let batches = cut(&order, length, tokens_per_batch).into_iter().map(batch).collect();
            (examples.len() as u64, batches)
        };
        Self { languages: by_language.into_iter().map(|(lang, examples)| (lang, batches(examples))).collect() }
    }

    /// `model`: without autodiff.
    pub(crate) fn evaluate(&self, model: &Model) -> HeldOutMetrics {
        self.sum(|batch| evaluate(model, batch))
    }

    fn sum(&self, of: impl Fn(&MicroBatch) -> LossSums) -> HeldOutMetrics {
        let mut metrics = HeldOutMetrics::default();
        let mut all = LossSums::default();
        for (lang, (examples, batches)) in &self.languages {
            let mut sums = LossSums::default();
            batches.iter().for_each(|batch| sums.add(of(batch)));
            metrics.languages.insert(lang.clone(), HeldOutTasks::new(*examples, sums));
            metrics.all.examples += examples;
            all.add(sums);
        }
        metrics.all = HeldOutTasks::new(metrics.all.examples, all);
        metrics
    }
}

/// What a run evaluates, when, and where to.
#[derive(Debug, Default)]
pub(crate) struct Evaluator {
    pub(crate) held_out: Option<(NonZeroU64, HeldOut)>,
    pub(crate) names: Option<(NonZeroU64, NameSearch)>,
    lines: Option<StepLines>,
}

impl Evaluator {
    /// The names of the figures that its evaluations have.
    pub(crate) fn figures(&self) -> BTreeSet<String> {
        let held_out = self.held_out.as_ref().map(|(_, held_out)| held_out.sum(MicroBatch::counts));
        let retrieval = self.names.as_ref().map(|(_, names)| names.unanswered()).unwrap_or_default();
        Evaluation { step: 0, tokens: 0, held_out, retrieval, seconds: 0.0 }.figures().into_keys().collect()
    }

    /// Opens `evaluations.jsonl` if there is something to evaluate. What is behind `last_step` is removed from it: lines of steps
    /// that are done again, or of a run that there was before.
    pub(crate) fn open(&mut self, path: &Path, last_step: u64) -> Result<(), TrainError> {
        if self.held_out.is_some() || self.names.is_some() {
            self.lines = Some(StepLines::open(path, last_step)?);
        } else {
            remove(path)?;
        }
        Ok(())
    }

    /// Evaluates and writes what is due after `step` of `total` steps; nothing of it touches the state of training.
    pub(crate) fn after(
        &mut self,
        step: u64,
        total: u64,
        tokens: u64,
        model: &Model,
    ) -> Result<Option<Evaluation>, TrainError> {
        let begin = Instant::now();
        let is_due = |every: &NonZeroU64| step % *every == 0 || step == total;
        let held_out = self.held_out.as_ref().filter(|(every, _)| is_due(every));
        let names = self.names.as_ref().filter(|(every, _)| is_due(every));
        let Some(lines) = self.lines.as_mut().filter(|_| held_out.is_some() || names.is_some()) else {
            return Ok(None);
        };
        let model = model.valid();
        let held_out = held_out.map(|(_, held_out)| held_out.evaluate(&model));
        let retrieval = names.map(|(_, names)| names.run(&model)).unwrap_or_default();
        let evaluation = Evaluation { step, tokens, held_out, retrieval, seconds: begin.elapsed().as_secs_f64() };
        lines.write(&evaluation)?;
        lines.sync()?;
        Ok(Some(evaluation))
    }
}

#[cfg(test)]
mod tests;
