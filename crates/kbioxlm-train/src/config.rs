use crate::encode::MIN_LENGTH;
use crate::{AlignmentConfig, EvaluationConfig, MaskingConfig, RetrievalConfig, TrainError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::{NonZeroU64, NonZeroUsize};

/// How long a pretraining run is. In TOML: `budget = { steps = 1000 }`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Budget {
    /// So many optimisation steps.
    Steps(NonZeroU64),
    /// The least number of steps that see so many tokens, special tokens counted.
    Tokens(NonZeroU64),
    /// So many passes through the corpus.
    Epochs(NonZeroU64),
}

/// Which checkpoints are kept; the others are removed when a new one has been written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepConfig {
    /// The last so many. With two, one that the disk damaged is no loss.
    pub last: NonZeroUsize,
    /// The best so many by `metric`.
    pub best: usize,
    /// A figure of the steps, as `loss` or `entity_mlm.accuracy`: what counts is its mean over the steps since the checkpoint
    /// before. Or a figure of an [`Evaluation`](crate::Evaluation), as `evaluation.zh.entity_mlm.loss` or
    /// `retrieval.accuracy_at_1`: then only checkpoints whose own model was evaluated count. A loss is better the lower it is,
    /// anything else the higher.
    pub metric: String,
    /// Those whose step is a multiple of this, for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU64>,
}

impl Default for KeepConfig {
    fn default() -> Self {
        Self { last: NonZeroUsize::MIN.saturating_add(1), best: 0, metric: "loss".to_owned(), every: None }
    }
}

impl KeepConfig {
    /// Names of figures of the steps that `metric` may have.
    pub(crate) const METRICS: [&str; 11] = [
        "loss",
        "entity_mlm.loss",
        "entity_mlm.accuracy",
        "relation_mlm.loss",
        "relation_mlm.accuracy",
        "prp.loss",
        "prp.accuracy",
        "alignment.loss",
        "alignment.accuracy",
        "tagging.loss",
        "tagging.accuracy",
    ];

    pub(crate) fn lower_is_better(&self) -> bool {
        self.metric.ends_with("loss")
    }

    /// What can be known of `metric` before there is anything to evaluate, given which evaluations there will be.
    fn check(&self, evaluation: bool, retrieval: bool) -> Result<(), TrainError> {
        let wanted = |section: &str| self.metric.starts_with(&format!("{section}."));
        match [("evaluation", evaluation), ("retrieval", retrieval)].into_iter().find(|(section, _)| wanted(section)) {
            Some((_, true)) => Ok(()),
            Some((section, false)) => Err(TrainError::Setting {
                key: "keep.metric",
                found: self.metric.clone(),
                expected: format!("one of {}, because there is no `{section}`", Self::METRICS.join(", ")),
                help: format!("set `{section}`, if only as `{section} = {{}}`, or name another figure"),
            }),
            None => self.check_metric(&BTreeSet::new()),
        }
    }

    /// `metric` is a figure of the steps, or one of those that the evaluations of the run have.
    ///
    /// # Errors
    /// It is none of them; they are listed.
    pub(crate) fn check_metric(&self, evaluated: &BTreeSet<String>) -> Result<(), TrainError> {
        if Self::METRICS.contains(&self.metric.as_str()) || evaluated.contains(&self.metric) {
            return Ok(());
        }
        let all: Vec<&str> = Self::METRICS.into_iter().chain(evaluated.iter().map(String::as_str)).collect();
        Err(setting("keep.metric", &self.metric, format!("one of {}", all.join(", "))))
    }
}

/// The numbers in which matrices are multiplied. In TOML: `precision = "bf16"`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`.
    #[default]
    F32,
    /// bf16, on devices that compute in it; parameters, their gradients, the optimiser and all that is between products stay `f32`.
    Bf16,
}

impl Precision {
    /// Settings without the key are those of runs that were begun before there was any choice.
    fn is_f32(&self) -> bool {
        *self == Self::F32
    }
}

/// What becomes of a step whose loss or gradient is no number. In TOML: `on_divergence = "skip"`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDivergence {
    /// The run ends with an error.
    #[default]
    Stop,
    /// Its update is left out, and the run goes on.
    Skip,
}

/// Settings of a pretraining run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PretrainConfig {
    /// Seed of masking, batching, dropout and new heads.
    pub seed: u64,
    /// Longest example in tokens, special tokens counted; longer ones are truncated.
    pub max_length: usize,
    /// Tokens of a micro-batch at most; what fits into memory.
    pub tokens_per_batch: usize,
    /// Micro-batches a step.
    pub accumulation: NonZeroUsize,
    /// Keep only the input of each layer for the backward pass and compute the rest again there: a third more time for
    /// a tenth of the memory. The result is the same bit for bit.
    pub recompute_activations: bool,
    /// In which numbers the model multiplies matrices.
    #[serde(skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// Length of the run.
    pub budget: Budget,
    /// Peak of the learning rate.
    pub learning_rate: f64,
    /// Share of the steps in which the learning rate rises.
    pub warmup_ratio: f64,
    /// AdamW's weight decay; biases and layer norms have none.
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters together.
    pub clip: f64,
    /// First steps in which only the heads are trained, for a base whose MLM head is new: its noise
    /// would otherwise spoil the encoder. They count as steps of the budget, the schedule starts after them.
    pub head_warmup_steps: u64,
    /// Learning rate of those steps, constant.
    pub head_learning_rate: f64,
    /// Steps between checkpoints.
    pub save_every: NonZeroU64,
    /// Which checkpoints are kept.
    pub keep: KeepConfig,
    /// What becomes of a step whose loss or gradient is no number.
    pub on_divergence: OnDivergence,
    /// Steps in a row that may be skipped; with one more the run ends.
    pub max_skips: u64,
    /// What is masked.
    pub masking: MaskingConfig,
    /// Mention tagging beside masking: for each token of running text, whether it begins a mention, continues one or is outside
    /// of all. Its mean loss is added to the others.
    pub tag_mentions: bool,
    /// Alignment of terms across languages; it needs a knowledge base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<AlignmentConfig>,
    /// Evaluation on held-out documents; without it all are trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationConfig>,
    /// Retrieval of names across languages; it needs a knowledge base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<RetrievalConfig>,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            max_length: 128,
            tokens_per_batch: 2048,
            accumulation: NonZeroUsize::MIN,
            recompute_activations: false,
            precision: Precision::F32,
            budget: Budget::Epochs(NonZeroU64::MIN),
            learning_rate: 5e-5,
            warmup_ratio: 0.06,
            weight_decay: 0.01,
            clip: 1.0,
            head_warmup_steps: 0,
            head_learning_rate: 1e-3,
            save_every: NonZeroU64::MIN.saturating_add(499),
            keep: KeepConfig::default(),
            on_divergence: OnDivergence::Stop,
            max_skips: 10,
            masking: MaskingConfig::default(),
            tag_mentions: false,
            alignment: None,
            evaluation: None,
            retrieval: None,
        }
    }
}

impl PretrainConfig {
    /// Checks the settings that do not depend on model and corpus.
    ///
    /// # Errors
    /// [`TrainError::Setting`] names the first setting that cannot work.
    pub fn check(&self) -> Result<(), TrainError> {
        least("max_length", self.max_length, MIN_LENGTH, "tokens")?;
        least("tokens_per_batch", self.tokens_per_batch, self.max_length, "tokens, the `max_length`")?;
        positive("learning_rate", self.learning_rate)?;
        positive("head_learning_rate", self.head_learning_rate)?;
        positive("clip", self.clip)?;
        share("warmup_ratio", self.warmup_ratio)?;
        not_negative("weight_decay", self.weight_decay)?;
        self.keep.check(self.evaluation.is_some(), self.retrieval.is_some())?;
        share("masking.ratio", self.masking.ratio)?;
        share("masking.mask", self.masking.mask)?;
        share("masking.random", self.masking.random)?;
        share("masking.mask + masking.random", self.masking.mask + self.masking.random)?;
        if let Some(alignment) = &self.alignment {
            least("alignment.concepts", alignment.concepts.get(), 2, "concepts")?;
            positive("alignment.temperature", alignment.temperature)?;
            positive("alignment.weight", alignment.weight)?;
            share("alignment.held_out", alignment.held_out)?;
        }
        match &self.evaluation {
            Some(EvaluationConfig { held_out, .. }) if !(*held_out > 0.0 && *held_out < 1.0) => {
                Err(setting("evaluation.held_out", held_out, "a share above 0 and below 1"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn setting(key: &'static str, found: impl ToString, expected: impl Into<String>) -> TrainError {
    TrainError::Setting { key, found: found.to_string(), expected: expected.into(), help: "correct it".to_owned() }
}

pub(crate) fn least(key: &'static str, found: usize, least: usize, unit: &str) -> Result<(), TrainError> {
    if found >= least { Ok(()) } else { Err(setting(key, found, format!("at least {least} {unit}"))) }
}

pub(crate) fn positive(key: &'static str, found: f64) -> Result<(), TrainError> {
    if found.is_finite() && found > 0.0 { Ok(()) } else { Err(setting(key, found, "a number above 0")) }
}

pub(crate) fn not_negative(key: &'static str, found: f64) -> Result<(), TrainError> {
    if found.is_finite() && found >= 0.0 { Ok(()) } else { Err(setting(key, found, "0 or a number above 0")) }
}

pub(crate) fn share(key: &'static str, found: f64) -> Result<(), TrainError> {
    // 0.8 + 0.2 is a little more than 1 in floating point for some pairs.
    if (0.0..=1.0 + 1e-9).contains(&found) { Ok(()) } else { Err(setting(key, found, "a share from 0 to 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FinetuneConfig;

    #[test]
    fn toml_has_defaults_names_one_budget_and_refuses_unknown_keys() {
        let config: PretrainConfig = toml::from_str("learning_rate = 1e-4\nbudget = { tokens = 600000 }").unwrap();
        assert_eq!(config.learning_rate, 1e-4);
        assert_eq!(config.budget, Budget::Tokens(NonZeroU64::new(600_000).unwrap()));
        assert_eq!(config.max_length, PretrainConfig::default().max_length);
        let again: PretrainConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
        assert!(toml::from_str::<PretrainConfig>("budget = { tokens = 1, steps = 1 }").is_err());
        assert!(toml::from_str::<PretrainConfig>("lr = 1.0").unwrap_err().to_string().contains("lr"));
        let finetune: FinetuneConfig = toml::from_str("patience = 3").unwrap();
        assert_eq!(toml::from_str::<FinetuneConfig>(&toml::to_string(&finetune).unwrap()).unwrap(), finetune);
    }

    #[test]
    fn the_check_names_the_setting() {
        let message = |config: PretrainConfig| config.check().unwrap_err().to_string();
        assert!(PretrainConfig::default().check().is_ok() && FinetuneConfig::default().check().is_ok());
        assert!(message(PretrainConfig { max_length: 4, ..Default::default() }).contains("`max_length` is 4"));
        assert!(message(PretrainConfig { tokens_per_batch: 64, ..Default::default() }).contains("128"));
        assert!(message(PretrainConfig { learning_rate: f64::NAN, ..Default::default() }).contains("learning_rate"));
        let keep = KeepConfig { metric: "prp.los".into(), ..Default::default() };
        assert!(message(PretrainConfig { keep, ..Default::default() }).contains("`keep.metric` is prp.los"));
        let keep = KeepConfig { metric: "retrieval.accuracy_at_1".into(), ..Default::default() };
        let message_of = message(PretrainConfig { keep: keep.clone(), ..Default::default() });
        assert!(message_of.contains("there is no `retrieval`; set `retrieval`"), "{message_of}");
        let retrieval = Some(RetrievalConfig::default());
        assert!(PretrainConfig { keep, retrieval, ..Default::default() }.check().is_ok());
        let masking = MaskingConfig { mask: 0.9, random: 0.2, ..Default::default() };
        assert!(message(PretrainConfig { masking, ..Default::default() }).contains("masking.mask + masking.random"));
    }
}
