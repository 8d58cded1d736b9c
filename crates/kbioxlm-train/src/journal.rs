use crate::checkpoint::{Checkpoints, Contents, Position};
use crate::evaluation::{Evaluation, Evaluator};
use crate::lock::RunLock;
use crate::recorder::Recorder;
use crate::trainer::Trainer;
use crate::{Observer, PretrainConfig, StepMetrics, TrainError};
use kbioxlm_files::{FileError, create_dir, write_atomic};
use kbioxlm_model::{Model, ModelConfig, Tokenizer};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a run has to say, and who writes it down: metrics, evaluations, checkpoints, and the trained model in the end.
pub(crate) struct Journal<'a> {
    out: PathBuf,
    checkpoints: &'a Checkpoints<'a>,
    model_config: ModelConfig,
    tokenizer: &'a Tokenizer,
    save_every: u64,
    total_steps: u64,
    recorder: Recorder,
    evaluator: Evaluator,
    /// The last evaluation of this call.
    pub(crate) evaluation: Option<Evaluation>,
    /// The step of the last checkpoint.
    saved: u64,
    _lock: RunLock,
}

impl<'a> Journal<'a> {
    /// Goes on behind `last_step` in the directory of the checkpoints; takes its lock, unless it is `lock` already.
    pub(crate) fn open(
        config: &PretrainConfig,
        checkpoints: &'a Checkpoints<'a>,
        (model_config, tokenizer): (ModelConfig, &'a Tokenizer),
        mut evaluator: Evaluator,
        last_step: u64,
        total_steps: u64,
        lock: Option<RunLock>,
    ) -> Result<Self, TrainError> {
        let out = checkpoints.run_dir();
        create_dir(out)?;
        let lock = lock.map_or_else(|| RunLock::take(out), Ok)?;
        write_settings(config, &out.join("pretrain.toml"))?;
        evaluator.open(&out.join("evaluations.jsonl"), last_step)?;
        Ok(Self {
            out: out.to_owned(),
            checkpoints,
            model_config,
            tokenizer,
            save_every: config.save_every.get(),
            total_steps,
            recorder: Recorder::open(out, last_step)?,
            evaluator,
            evaluation: None,
            saved: last_step,
            _lock: lock,
        })
    }

    /// Evaluates what is due at `position`.
    pub(crate) fn evaluate(
        &mut self,
        position: Position,
        model: &Model,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        if let Some(done) = self.evaluator.after(position.step, self.total_steps, position.tokens, model)? {
            self.recorder.evaluation(&done)?;
            observer.evaluation(&done);
            self.evaluation = Some(done);
        }
        Ok(())
    }

    /// Writes down a step, after which the run stands at `position`; evaluates and saves what is due.
    pub(crate) fn step(
        &mut self,
        metrics: &StepMetrics,
        trainer: &Trainer<'_>,
        position: Position,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        self.recorder.step(metrics)?;
        observer.step(metrics);
        self.evaluate(position, &trainer.model, observer)?;
        if position.step.is_multiple_of(self.save_every) { self.save(trainer, position, observer) } else { Ok(()) }
    }

    /// Saves what is not saved yet, and the model itself if the run is at its end.
    pub(crate) fn end(
        &mut self,
        trainer: &Trainer<'_>,
        position: Position,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        if self.saved != position.step {
            self.save(trainer, position, observer)?;
        }
        if position.step >= self.total_steps {
            kbioxlm_model::save(&self.out, &self.model_config, &trainer.model, self.tokenizer, None)?;
        }
        Ok(())
    }

    fn save(
        &mut self,
        trainer: &Trainer<'_>,
        position: Position,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let Trainer { model, optimiser, .. } = trainer;
        let contents = Contents { config: &self.model_config, model, tokenizer: self.tokenizer, optimiser };
        let mut figures = self.recorder.take_means()?;
        // Of an earlier model they say nothing about this one.
        let own = self.evaluation.as_ref().filter(|evaluation| evaluation.step == position.step);
        figures.extend(own.into_iter().flat_map(Evaluation::figures));
        observer.checkpoint(&self.checkpoints.save(&contents, position, figures)?);
        self.saved = position.step;
        Ok(())
    }
}

fn write_settings(config: &PretrainConfig, path: &Path) -> Result<(), FileError> {
    write_atomic(path, |w| w.write_all(toml::to_string(config).map_err(std::io::Error::other)?.as_bytes()))
}
