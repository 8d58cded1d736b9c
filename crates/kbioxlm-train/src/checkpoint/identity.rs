use crate::figures::leaves;
use crate::{PretrainConfig, Processes, TrainError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Settings that decide what is saved and evaluated, when a run ends and what stays in memory, not what is trained: they may
/// change between two calls. `evaluation.held_out` is none of them.
const FREE: [&str; 8] = [
    "config.save_every",
    "config.keep",
    "config.on_divergence",
    "config.max_skips",
    "config.recompute_activations",
    "config.evaluation.every",
    "config.evaluation.max_examples",
    "config.retrieval.every",
];

/// What a run is: two runs with the same identity have the same result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) config: PretrainConfig,
    /// Hash of the base model's weights and tokenizer.
    pub(crate) model: String,
    /// Hash of the corpora.
    pub(crate) corpus: String,
    /// Weights of the corpora, if they have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) weights: Vec<f64>,
    /// Hash of the knowledge base whose names are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) knowledge: Option<String>,
}

impl Identity {
    /// All processes have the settings and the input of the first.
    ///
    /// # Errors
    /// This one has others.
    pub(crate) fn check_same(&self, processes: &dyn Processes) -> Result<(), TrainError> {
        if processes.size() == 1 {
            return Ok(());
        }
        // Settings and hashes always are JSON.
        let own = serde_json::to_string(self).unwrap_or_default();
        let first = processes.text_of(0, own.clone());
        if own == first {
            return Ok(());
        }
        let mut differences =
            serde_json::from_str(&first).and_then(|first| self.differences(&first)).unwrap_or_default();
        if differences.is_empty() {
            "settings that may change from call to call".clone_into(&mut differences);
        }
        Err(TrainError::OtherInput { differences })
    }

    /// The settings in which the two differ, in words; empty if none.
    pub(crate) fn differences(&self, stored: &Value) -> Result<String, serde_json::Error> {
        // Through text, as the stored one went: reading a number back may change its last bit.
        let text = serde_json::to_string(self)?;
        let (ours, theirs) = (settings(&serde_json::from_str(&text)?), settings(stored));
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let shown = |v: Option<&String>| v.map_or("nothing", |v| v.get(..12).unwrap_or(v)).to_owned();
        let differ = keys.into_iter().filter(|k| ours.get(*k) != theirs.get(*k));
        let words = differ.map(|k| {
            let name = k.strip_prefix("config.").unwrap_or(k);
            format!("`{name}` is {} there, {} here", shown(theirs.get(k)), shown(ours.get(k)))
        });
        Ok(words.collect::<Vec<_>>().join("; "))
    }
}

/// All that makes a run what it is, key by key.
fn settings(run: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    leaves(run, &mut |path, leaf| {
        let free = |key: &str| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if !FREE.iter().any(|key| free(key)) {
            found.insert(path.to_owned(), leaf.to_string().trim_matches('"').to_owned());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EvaluationConfig, OnDivergence, RetrievalConfig};
    use std::num::{NonZeroU64, NonZeroUsize};

    #[test]
    fn differences_are_named_with_both_values() {
        let run = Identity {
            config: PretrainConfig::default(),
            model: "aaaa".into(),
            corpus: "bbbb".into(),
            weights: Vec::new(),
            knowledge: None,
        };
        let mut other = run.clone();
        assert_eq!(run.differences(&serde_json::to_value(&other).unwrap()).unwrap(), "");
        other.config.learning_rate = 0.5;
        other.config.save_every = std::num::NonZeroU64::MIN;
        other.config.keep.best = 3;
        other.config.on_divergence = OnDivergence::Skip;
        other.corpus = "cccc".into();
        let words = run.differences(&serde_json::to_value(&other).unwrap()).unwrap();
        assert_eq!(words, "`learning_rate` is 0.5 there, 0.00005 here; `corpus` is cccc there, bbbb here");
    }

    #[test]
    fn how_often_and_on_how_much_is_evaluated_may_change_but_not_what_is_held_out() {
        let run = |evaluation: EvaluationConfig, retrieval: RetrievalConfig| Identity {
            config: PretrainConfig {
                evaluation: Some(evaluation),
                retrieval: Some(retrieval),
                ..PretrainConfig::default()
            },
            model: "aaaa".into(),
            corpus: "bbbb".into(),
            weights: Vec::new(),
            knowledge: Some("cccc".into()),
        };
        let ours = run(EvaluationConfig::default(), RetrievalConfig::default());
        let differences = |other: &Identity| ours.differences(&serde_json::to_value(other).unwrap()).unwrap();
        let seldom =
            EvaluationConfig { every: NonZeroU64::MIN, max_examples: NonZeroUsize::MIN, ..EvaluationConfig::default() };
        let retrieval = RetrievalConfig { every: NonZeroU64::MIN, ..RetrievalConfig::default() };
        assert_eq!(differences(&run(seldom.clone(), retrieval.clone())), "");
        let more = EvaluationConfig { held_out: 0.5, ..seldom };
        assert_eq!(differences(&run(more, retrieval)), "`evaluation.held_out` is 0.5 there, 0.01 here");
    }
}
