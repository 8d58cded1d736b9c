use crate::optimiser::{AdamW, Moments};
use crate::{PretrainConfig, TrainError};
use burn::tensor::{Device, Tensor, TensorData};
use kbioxlm_files::{FileError, StagedDir, create_dir, read_json, write_json_atomic};
use kbioxlm_model::{Model, ModelConfig, NamedParameter, Tokenizer, named_parameters};
use safetensors::tensor::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Checkpoints kept; the one before the last is the way back if the disk fills up while writing the last.
const KEPT: usize = 2;
const TRAINER: &str = "trainer";
const STATE: &str = "state.json";
const MOMENTS: &str = "optimizer.safetensors";

/// What a run is: two runs with the same identity have the same result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) config: PretrainConfig,
    /// Hash of the base model's weights and tokenizer.
    pub(crate) model: String,
    /// Hash of the corpus.
    pub(crate) corpus: String,
}

impl Identity {
    /// The settings in which the two differ, in words; empty if none.
    fn differences(&self, stored: &Value) -> Result<String, serde_json::Error> {
        let mut ours = BTreeMap::new();
        let mut theirs = BTreeMap::new();
        // Through text, as the stored one went: reading a number back may change its last bit.
        let text = serde_json::to_string(self)?;
        flatten("", &serde_json::from_str(&text)?, &mut ours);
        flatten("", stored, &mut theirs);
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let shown = |v: Option<&String>| v.map_or("nothing", |v| v.get(..12).unwrap_or(v)).to_owned();
        let differ = keys.into_iter().filter(|k| ours.get(*k) != theirs.get(*k));
        // How often a run is saved and what is kept in memory does not change what it computes.
        let differ = differ.filter(|k| !["config.save_every", "config.recompute_activations"].contains(&k.as_str()));
        let words = differ.map(|k| {
            let name = k.strip_prefix("config.").unwrap_or(k);
            format!("`{name}` is {} there, {} here", shown(theirs.get(k)), shown(ours.get(k)))
        });
        Ok(words.collect::<Vec<_>>().join("; "))
    }
}

fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            flatten(&path, value, leaves);
        }),
        leaf => {
            leaves.insert(path.to_owned(), leaf.to_string().trim_matches('"').to_owned());
        }
    }
}

/// Where a run stands.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Steps done.
    pub(crate) step: u64,
    /// Tokens seen.
    pub(crate) tokens: u64,
    /// The current pass through the data.
    pub(crate) epoch: u64,
    /// Steps done of this pass.
    pub(crate) step_in_epoch: u64,
}

/// `trainer/state.json`.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    position: Position,
    /// Updates of each parameter, by HF name.
    updates: BTreeMap<String, u32>,
    /// An [`Identity`]; kept as JSON so that a checkpoint of an older program is compared, not misread.
    run: Value,
}

/// A checkpoint on the disk: an HF directory with `trainer/` in it.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) dir: PathBuf,
    pub(crate) position: Position,
    updates: BTreeMap<String, u32>,
}

/// What goes into a checkpoint besides the position.
pub(crate) struct Contents<'a> {
    pub(crate) config: &'a ModelConfig,
    pub(crate) model: &'a Model,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) optimiser: &'a AdamW,
    pub(crate) run: &'a Identity,
}

/// Writes `out/checkpoints/step-N` whole or not at all, then removes all but the last two.
pub(crate) fn save(out: &Path, contents: &Contents<'_>, position: Position) -> Result<PathBuf, TrainError> {
    let dir = out.join("checkpoints").join(format!("step-{}", position.step));
    let staged = StagedDir::new(&dir)?;
    kbioxlm_model::save(staged.path(), contents.config, contents.model, contents.tokenizer, None)?;
    let trainer = staged.path().join(TRAINER);
    create_dir(&trainer)?;
    let parameters = named_parameters(contents.model, contents.config.layout);
    let state = |p: &NamedParameter| contents.optimiser.moments.get(&p.id).map(|m| (p.name.clone(), m.updates));
    let run = serde_json::to_value(contents.run)
        .map_err(|e| FileError::io(&trainer.join(STATE), "write", std::io::Error::from(e)))?;
    let state = State { position, updates: parameters.iter().filter_map(state).collect(), run };
    write_moments(&trainer.join(MOMENTS), &parameters, contents.optimiser)?;
    write_json_atomic(&trainer.join(STATE), &state)?;
    staged.commit()?;
    for (_, old) in list(out)?.into_iter().rev().skip(KEPT) {
        fs::remove_dir_all(&old).map_err(|e| FileError::io(&old, "remove", e))?;
    }
    Ok(dir)
}

/// The last checkpoint under `out`, if there is one.
///
/// # Errors
/// It belongs to another run, or cannot be read.
pub(crate) fn latest(out: &Path, run: &Identity) -> Result<Option<Checkpoint>, TrainError> {
    let Some((_, dir)) = list(out)?.pop() else { return Ok(None) };
    let path = dir.join(TRAINER).join(STATE);
    let State { position, updates, run: stored } = read_json(&path, "the state of a pretraining run")?;
    let differences = run.differences(&stored).map_err(|e| FileError::io(&path, "compare", std::io::Error::from(e)))?;
    if differences.is_empty() {
        Ok(Some(Checkpoint { dir, position, updates }))
    } else {
        Err(TrainError::OtherRun { path: dir, differences })
    }
}

/// Complete checkpoints in the order of their steps.
fn list(out: &Path) -> Result<Vec<(u64, PathBuf)>, TrainError> {
    let dir = out.join("checkpoints");
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).map_err(|e| FileError::io(&dir, "list", e))? {
        let path = entry.map_err(|e| FileError::io(&dir, "list", e))?.path();
        let step = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix("step-"));
        // An unfinished directory ends in `.tmp`, which is no number.
        if let Some(step) = step.and_then(|s| s.parse().ok()) {
            found.push((step, path));
        }
    }
    found.sort();
    Ok(found)
}

/// A flat tensor that is copied only when it is written.
struct Flat<'a> {
    tensor: &'a Tensor<1>,
    shape: [usize; 1],
}

impl<'a> Flat<'a> {
    fn new(tensor: &'a Tensor<1>) -> Self {
        Self { tensor, shape: tensor.dims() }
    }
}

impl View for Flat<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let data = self.tensor.to_data();
        Cow::Owned(data.iter::<f32>().flat_map(f32::to_le_bytes).collect())
    }

    fn data_len(&self) -> usize {
        self.shape[0] * size_of::<f32>()
    }
}

fn write_moments(path: &Path, parameters: &[NamedParameter], optimiser: &AdamW) -> Result<(), TrainError> {
    let moments = parameters.iter().filter_map(|p| Some((p, optimiser.moments.get(&p.id)?)));
    let tensors = moments
        .flat_map(|(p, s)| [(format!("{}.m", p.name), Flat::new(&s.m)), (format!("{}.v", p.name), Flat::new(&s.v))]);
    safetensors::serialize_to_file(tensors, None, path)
        .map_err(|e| FileError::io(path, "write", std::io::Error::other(e)).into())
}

impl Checkpoint {
    /// Gives the optimiser the moments of the checkpoint, on `device` (without autodiff).
    pub(crate) fn restore(
        &self,
        optimiser: &mut AdamW,
        model: &Model,
        config: &ModelConfig,
        device: &Device,
    ) -> Result<(), TrainError> {
        let path = self.dir.join(TRAINER).join(MOMENTS);
        let broken = |found: String| {
            let help = "delete this checkpoint; the run goes on from the one before it";
            FileError::content(&path, None, found, "the moments of AdamW for this model", help)
        };
        let bytes = fs::read(&path).map_err(|e| FileError::io(&path, "read", e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?;
        for parameter in named_parameters(model, config.layout) {
            let Some(&updates) = self.updates.get(&parameter.name) else { continue };
            let length: usize = parameter.shape.iter().product();
            let read = |name: String| {
                let view = file.tensor(&name).map_err(|e| broken(e.to_string()))?;
                if view.dtype() != Dtype::F32 || view.shape() != [length] {
                    return Err(broken(format!("`{name}` with {:?} × {:?}", view.dtype(), view.shape())));
                }
                let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
                Ok(Tensor::<1>::from_data(TensorData::new(values.collect::<Vec<_>>(), [length]), device))
            };
            let m = read(format!("{}.m", parameter.name))?;
            let v = read(format!("{}.v", parameter.name))?;
            optimiser.moments.insert(parameter.id, Moments { m, v, updates });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_with_both_values() {
        let run = Identity { config: PretrainConfig::default(), model: "aaaa".into(), corpus: "bbbb".into() };
        let mut other = run.clone();
        assert_eq!(run.differences(&serde_json::to_value(&other).unwrap()).unwrap(), "");
        other.config.learning_rate = 0.5;
        other.config.save_every = std::num::NonZeroU64::MIN;
        other.corpus = "cccc".into();
        let words = run.differences(&serde_json::to_value(&other).unwrap()).unwrap();
        assert_eq!(words, "`learning_rate` is 0.5 there, 0.00005 here; `corpus` is cccc there, bbbb here");
    }
}
