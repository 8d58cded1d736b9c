mod identity;
mod keep;
mod manifest;

pub(crate) use identity::Identity;

use crate::optimiser::{AdamW, Moments};
use crate::{KeepConfig, Observer, TrainError};
use burn::tensor::{Device, Tensor, TensorData};
use kbioxlm_files::{FileError, StagedDir, create_dir, read_json, remove, write_json_atomic};
use kbioxlm_model::{Model, ModelConfig, NamedParameter, Tokenizer, named_parameters};
use keep::Candidate;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Directory of a pretraining's checkpoints, within its own. A run that is finished does not need them.
pub const CHECKPOINTS: &str = "checkpoints";
const TRAINER: &str = "trainer";
const STATE: &str = "state.json";
const MOMENTS: &str = "optimizer.safetensors";

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
    /// Steps whose update was left out because loss or gradient was no number.
    pub(crate) skipped: u64,
    /// Such steps since the last that was none.
    pub(crate) skipped_in_a_row: u64,
}

/// `trainer/state.json`.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    position: Position,
    /// Means of the figures of the steps since the checkpoint before, and the figures of the model's own evaluation, if there was one.
    figures: BTreeMap<String, f64>,
    /// Updates of each parameter, by HF name.
    updates: BTreeMap<String, u32>,
    /// An [`Identity`]; kept as JSON so that a checkpoint of an older program is compared, not misread.
    run: Value,
}

impl State {
    fn read(checkpoint: &Path) -> Result<Self, FileError> {
        read_json(&checkpoint.join(TRAINER).join(STATE), "the state of a pretraining run")
    }
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
}

/// The best checkpoint that a run has kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestCheckpoint {
    /// Its directory.
    pub path: PathBuf,
    /// Its step.
    pub step: u64,
    /// Name of the figure by which it is the best.
    pub metric: String,
    /// The figure's value.
    pub value: f64,
}

/// The checkpoints of a run: `out/checkpoints/step-N`.
#[derive(Debug)]
pub(crate) struct Checkpoints<'a> {
    out: &'a Path,
    dir: PathBuf,
    keep: &'a KeepConfig,
    run: Identity,
}

impl<'a> Checkpoints<'a> {
    pub(crate) fn new(out: &'a Path, keep: &'a KeepConfig, run: Identity) -> Self {
        Self { out, dir: out.join(CHECKPOINTS), keep, run }
    }

    /// The directory of the run.
    pub(crate) fn run_dir(&self) -> &'a Path {
        self.out
    }

    /// Writes a checkpoint whole or not at all, then removes those that the settings do not keep.
    pub(crate) fn save(
        &self,
        contents: &Contents<'_>,
        position: Position,
        figures: BTreeMap<String, f64>,
    ) -> Result<PathBuf, TrainError> {
        let dir = self.dir.join(format!("step-{}", position.step));
        let staged = StagedDir::new(&dir)?;
        kbioxlm_model::save(staged.path(), contents.config, contents.model, contents.tokenizer, None)?;
        let trainer = staged.path().join(TRAINER);
        create_dir(&trainer)?;
        let parameters = named_parameters(contents.model, contents.config.layout);
        let state = |p: &NamedParameter| contents.optimiser.moments.get(&p.id).map(|m| (p.name.clone(), m.updates));
        let run = serde_json::to_value(&self.run)
            .map_err(|e| FileError::io(&trainer.join(STATE), "write", std::io::Error::from(e)))?;
        let state = State { position, figures, updates: parameters.iter().filter_map(state).collect(), run };
        write_moments(&trainer.join(MOMENTS), &parameters, contents.optimiser)?;
        write_json_atomic(&trainer.join(STATE), &state)?;
        manifest::seal(staged.path())?;
        staged.commit()?;
        self.prune()?;
        Ok(dir)
    }

    /// Removes what the settings do not keep.
    fn prune(&self) -> Result<(), TrainError> {
        let all = self.list()?;
        let kept = keep::kept(self.keep, &self.candidates(&all));
        for (_, dir) in all.into_iter().filter(|(step, _)| !kept.contains(step)) {
            // Renamed first: what a kill leaves behind must not look like a checkpoint.
            let removed = dir.with_extension("tmp");
            fs::rename(&dir, &removed).map_err(|e| FileError::io(&dir, "rename", e))?;
            remove(&removed)?;
        }
        Ok(())
    }

    fn candidates(&self, all: &[(u64, PathBuf)]) -> Vec<Candidate> {
        let value = |dir: &Path| State::read(dir).ok()?.figures.get(&self.keep.metric).copied();
        let value = |dir: &Path| if self.keep.best > 0 { value(dir) } else { None };
        all.iter().map(|(step, dir)| Candidate { step: *step, value: value(dir) }).collect()
    }

    /// The best checkpoint, if the settings keep any for being the best.
    pub(crate) fn best(&self) -> Result<Option<BestCheckpoint>, TrainError> {
        if self.keep.best == 0 {
            return Ok(None);
        }
        let all = self.list()?;
        let best = keep::ranked(self.keep, &self.candidates(&all)).into_iter().next();
        Ok(best.map(|(step, value)| BestCheckpoint {
            path: self.dir.join(format!("step-{step}")),
            step,
            metric: self.keep.metric.clone(),
            value,
        }))
    }

    /// The last checkpoint that is intact, if there is any at all; what a killed run left unfinished is removed.
    ///
    /// A damaged one is set aside as `step-N.damaged`, and the observer is told.
    ///
    /// # Errors
    /// None of several is intact, it belongs to another run, or cannot be read.
    pub(crate) fn resume(&self, observer: &mut dyn Observer) -> Result<Option<Checkpoint>, TrainError> {
        self.remove_unfinished()?;
        let all = self.list()?;
        let mut damages: Vec<(&Path, FileError)> = Vec::new();
        let mut intact = None;
        for (_, dir) in all.iter().rev() {
            match manifest::verify(dir) {
                Ok(()) => {
                    intact = Some(dir);
                    break;
                }
                // Not the checkpoint's fault, and not its end.
                Err(FileError::Io { path, action, source }) if source.kind() == ErrorKind::PermissionDenied => {
                    return Err(FileError::io(&path, action, source).into());
                }
                Err(damage) => damages.push((dir, damage)),
            }
        }
        let Some(dir) = intact else {
            let Some((_, damage)) = damages.into_iter().next() else { return Ok(None) };
            let damage = Box::new(damage);
            return Err(TrainError::NoIntactCheckpoint { path: self.dir.clone(), count: all.len(), damage });
        };
        let checkpoint = self.read(dir)?;
        for (damaged, damage) in damages {
            let aside = damaged.with_extension("damaged");
            remove(&aside)?;
            fs::rename(damaged, &aside).map_err(|e| FileError::io(damaged, "rename", e))?;
            observer.warning(&format!(
                "damaged checkpoint: {damage}; it was set aside as {}, and the run goes on after step {}",
                aside.display(),
                checkpoint.position.step
            ));
        }
        Ok(Some(checkpoint))
    }

    /// The checkpoint of a step, which another process has resumed from.
    ///
    /// # Errors
    /// It is not there, not intact, or belongs to another run.
    pub(crate) fn open(&self, step: u64) -> Result<Checkpoint, TrainError> {
        let dir = self.dir.join(format!("step-{step}"));
        manifest::verify(&dir)?;
        self.read(&dir)
    }

    fn read(&self, dir: &Path) -> Result<Checkpoint, TrainError> {
        let State { position, updates, run, .. } = State::read(dir)?;
        let compared = self.run.differences(&run);
        let path = dir.join(TRAINER).join(STATE);
        let differences = compared.map_err(|e| FileError::io(&path, "compare", std::io::Error::from(e)))?;
        if differences.is_empty() {
            Ok(Checkpoint { dir: dir.to_owned(), position, updates })
        } else {
            Err(TrainError::OtherRun { path: dir.to_owned(), differences })
        }
    }

    /// Removes what ends in `.tmp`.
    fn remove_unfinished(&self) -> Result<(), TrainError> {
        for path in self.entries()? {
            if path.extension().is_some_and(|e| e == "tmp") {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Complete checkpoints in the order of their steps.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>, TrainError> {
        let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok();
        let mut found: Vec<(u64, PathBuf)> = self.entries()?.into_iter().filter_map(|p| Some((step(&p)?, p))).collect();
        found.sort();
        Ok(found)
    }

    fn entries(&self) -> Result<Vec<PathBuf>, TrainError> {
        let dir = &self.dir;
        if !dir.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(dir).map_err(|e| FileError::io(dir, "list", e))?;
        let paths = entries.map(|e| Ok(e.map_err(|e| FileError::io(dir, "list", e))?.path()));
        paths.collect()
    }
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
    safetensors::serialize_to_file(tensors, None, path).map_err(|error| {
        // The system's own error says whether the disk is full.
        let error = match error {
            SafeTensorError::IoError(error) => error,
            other => std::io::Error::other(other),
        };
        FileError::io(path, "write", error).into()
    })
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
