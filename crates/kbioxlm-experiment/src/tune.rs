//! Jobs of the matrix: fine-tuning, evaluation, and tuning further on a few documents.

use crate::ExperimentError;
use crate::collect::{Collected, Place};
use crate::matrix::{Job, Method};
use crate::plan::TaskPlan;
use crate::report::RunScore;
use crate::run::Run;
use crate::steps::Finished;
use kbioxlm_eval::{
    Evaluation, FewshotManifest, FewshotOptions, FinetuneData, TaskInfo, evaluate, fewshot_samples, finetune_task,
};
use kbioxlm_files::{create_dir, read_json, write_json_atomic};
use kbioxlm_train::{EpochScore, FinetuneConfig};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const EVALUATION_FILE: &str = "evaluation.json";
pub(crate) const PREDICTIONS_FILE: &str = "predictions.jsonl";
/// The samples are the same in every experiment on the same data.
const SAMPLE_SEED: u64 = 1;

/// A fine-tuned model and how it came out.
struct Tuned {
    model: Finished,
    dev: Option<f64>,
    /// Score on the target's test data at the epoch that is best on the target's dev data.
    oracle: Option<f64>,
}

impl Run<'_> {
    /// All steps of a job; `model` is `None` if it could not be made.
    pub fn job(
        &mut self,
        job: &Job,
        model: Option<&Finished>,
        collected: &mut Collected,
    ) -> Result<(), ExperimentError> {
        let Some(task) = self.experiment.task(&job.task) else { return Ok(()) };
        let end = self.steps.begun() + job.steps(task);
        if let Some(model) = model {
            self.steps_of(job, task, model, collected)?;
        }
        self.steps.skip_to(end);
        Ok(())
    }

    fn steps_of(
        &mut self,
        job: &Job,
        task: &TaskPlan,
        model: &Finished,
        collected: &mut Collected,
    ) -> Result<(), ExperimentError> {
        let name = job.name();
        let tuned = self.zero_shot(job, task, model);
        let Some(tuned) = collected.keep(&format!("finetune {name}"), tuned, &mut self.steps)? else { return Ok(()) };
        for (language, file) in task.tests(&job.direction) {
            let oracle = if *language == job.direction.to { tuned.oracle } else { None };
            let score = RunScore { seed: job.seed, draw: None, dev: tuned.dev, oracle, ..RunScore::default() };
            let place = Place { job, shots: 0, test: language };
            self.scored(&format!("evaluate {name} {language}"), &tuned.model, task, file, place, score, collected)?;
        }
        if !job.shots.is_empty() {
            self.few_shot(job, task, &tuned.model, collected)?;
        }
        Ok(())
    }

    /// Fine-tunes a pretrained model.
    fn zero_shot(&mut self, job: &Job, task: &TaskPlan, model: &Finished) -> Result<Tuned, ExperimentError> {
        let language = match job.method {
            Method::TranslateTrain => &job.direction.to,
            Method::ZeroShot | Method::CodeSwitch => &job.direction.from,
        };
        let train = match job.method {
            Method::CodeSwitch => self.code_switched(task, &job.direction)?,
            Method::ZeroShot | Method::TranslateTrain => file(&task.train, language),
        };
        // The target's scores by epoch, for the oracle.
        let target = &job.direction.to;
        let watched = [(DEV, &task.dev), (TEST, &task.test)].into_iter();
        let watched = watched.filter(|_| target != language && task.dev.contains_key(target));
        let watched = watched.map(|(what, files)| (what.to_owned(), file(files, target))).collect();
        let data = FinetuneData { train, dev: Some(file(&task.dev, language)), watched };
        let settings = FinetuneConfig { seed: job.seed, ..task.finetune.clone() };
        let tuned = self.finetune(&format!("finetune {}", job.name()), model, task, &data, &settings)?;
        let history: Vec<EpochScore> = read_json(&tuned.dir.join("history.json"), "the epochs of a fine-tuning")?;
        let best = history.iter().filter_map(|e| Some((e.watched.get(DEV)?, e.watched.get(TEST)?)));
        // The first of equals, as everywhere.
        let best = best.reduce(|best, other| if other.0 > best.0 { other } else { best });
        Ok(Tuned { dev: TaskInfo::read(&tuned.dir)?.dev_score, oracle: best.map(|(_, test)| *test), model: tuned })
    }

    /// Tunes a fine-tuned model further on each sample, to its last epoch.
    fn few_shot(
        &mut self,
        job: &Job,
        task: &TaskPlan,
        tuned: &Finished,
        collected: &mut Collected,
    ) -> Result<(), ExperimentError> {
        let target = &job.direction.to;
        let samples = self.samples(job, task);
        let step = format!("samples {} {target}", task.name);
        let Some((dir, manifest)) = collected.keep(&step, samples, &mut self.steps)? else { return Ok(()) };
        for &(size, draw) in &job.shots {
            let Some(sample) = manifest.samples.iter().find(|s| (s.size, s.draw) == (size, draw)) else { continue };
            let name = format!("{} k{size} draw {draw}", job.name());
            let data = FinetuneData { train: dir.join(&sample.file), dev: None, watched: BTreeMap::new() };
            let settings = FinetuneConfig { seed: job.seed, ..task.fewshot.clone() };
            let step = format!("finetune {name}");
            let few = self.finetune(&step, tuned, task, &data, &settings);
            let Some(few) = collected.keep(&step, few, &mut self.steps)? else {
                self.steps.skip(1);
                continue;
            };
            let score = RunScore { seed: job.seed, draw: Some(draw), ..RunScore::default() };
            let place = Place { job, shots: size, test: target };
            let test = file(&task.test, target);
            self.scored(&format!("evaluate {name} {target}"), &few, task, &test, place, score, collected)?;
        }
        Ok(())
    }

    fn samples(&mut self, job: &Job, task: &TaskPlan) -> Result<(PathBuf, FewshotManifest), ExperimentError> {
        let target = &job.direction.to;
        let data = file(&task.train, target);
        let sizes: BTreeSet<usize> = job.shots.iter().map(|(size, _)| *size).collect();
        let draws = job.shots.iter().map(|(_, draw)| *draw).max().unwrap_or(1);
        let options = FewshotOptions { sizes: sizes.iter().copied().collect(), draws, seed: SAMPLE_SEED };
        let inputs = json!({
            "data": self.steps.hash(&data)?, "task": task.task, "join": task.join,
            "sizes": sizes, "draws": draws, "seed": SAMPLE_SEED,
        });
        let done = self.steps.run(&format!("samples {} {target}", task.name), inputs, |dir, _| {
            Ok(fewshot_samples(task.options(), &data, &options, dir).map(drop)?)
        })?;
        let manifest = read_json(&done.dir.join("manifest.json"), "the samples of a few documents")?;
        Ok((done.dir, manifest))
    }

    fn finetune(
        &mut self,
        step: &str,
        model: &Finished,
        task: &TaskPlan,
        data: &FinetuneData,
        settings: &FinetuneConfig,
    ) -> Result<Finished, ExperimentError> {
        let mut watched: BTreeMap<&String, String> = BTreeMap::new();
        for (name, path) in &data.watched {
            watched.insert(name, self.steps.hash(path)?);
        }
        let inputs = json!({
            "model": model.key, "task": task.task, "join": task.join, "settings": settings,
            "train": self.steps.hash(&data.train)?,
            "dev": data.dev.as_ref().map(|dev| self.steps.hash(dev)).transpose()?,
            "watched": watched,
        });
        self.steps.run(step, inputs, |dir, observer| {
            finetune_task(settings, task.options(), &model.dir, data, dir, observer.training())?;
            Ok(())
        })
    }

    /// Evaluates a model and keeps its score.
    #[allow(clippy::too_many_arguments)]
    fn scored(
        &mut self,
        step: &str,
        tuned: &Finished,
        task: &TaskPlan,
        data: &Path,
        place: Place,
        score: RunScore,
        collected: &mut Collected,
    ) -> Result<(), ExperimentError> {
        let evaluated = self.evaluate(step, tuned, task, data);
        let Some((done, evaluation)) = collected.keep(step, evaluated, &mut self.steps)? else { return Ok(()) };
        let directory = self.steps.relative(&done.dir);
        collected.scored(place, RunScore { score: evaluation.score, directory, ..score }, evaluation);
        Ok(())
    }

    fn evaluate(
        &mut self,
        step: &str,
        tuned: &Finished,
        task: &TaskPlan,
        data: &Path,
    ) -> Result<(Finished, Evaluation), ExperimentError> {
        let inputs = json!({ "model": tuned.key, "join": task.join, "data": self.steps.hash(data)? });
        let done = self.steps.run(step, inputs, |dir, _| {
            let evaluation = evaluate(&tuned.dir, data, task.join)?;
            create_dir(dir)?;
            evaluation.write_predictions(&dir.join(PREDICTIONS_FILE))?;
            Ok(write_json_atomic(&dir.join(EVALUATION_FILE), &evaluation)?)
        })?;
        let evaluation = read_json(&done.dir.join(EVALUATION_FILE), "an evaluation")?;
        Ok((done, evaluation))
    }
}

/// Names of watched data in `history.json`.
const DEV: &str = "target dev";
const TEST: &str = "target test";

/// The file of a language; that it is there was checked with the matrix.
fn file(files: &BTreeMap<String, PathBuf>, language: &str) -> PathBuf {
    files.get(language).cloned().unwrap_or_default()
}
