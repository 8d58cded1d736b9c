//! Jobs of the matrix: fine-tuning, evaluation, and tuning further on a few documents.

use crate::ExperimentError;
use crate::collect::{Collected, Place};
use crate::matrix::{Job, Method};
use crate::plan::TaskPlan;
use crate::report::RunScore;
use crate::run::Run;
use crate::steps::Step;
use crate::switched::SWITCHED_FILE;
use kbioxlm_eval::{
    Evaluation, FewshotManifest, FewshotOptions, FinetuneData, TaskInfo, evaluate_widened, fewshot_samples,
    finetune_task,
};
use kbioxlm_files::{create_dir, read_json, write_json_atomic};
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use kbioxlm_train::{EpochScore, FinetuneConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// As few-shot samples have it.
const MANIFEST_FILE: &str = "manifest.json";
const EVALUATION_FILE: &str = "evaluation.json";
const ORIGIN_FILE: &str = "run.json";
pub(crate) const PREDICTIONS_FILE: &str = "predictions.jsonl";
/// The samples are the same in every experiment on the same data.
const SAMPLE_SEED: u64 = 1;

/// What training says of a model beside its score: `run.json` of an evaluation, so that this is all a report needs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Origin {
    /// Score on the dev data.
    dev: Option<f64>,
    /// Score on the target's test data at the epoch that is best on the target's dev data.
    oracle: Option<f64>,
}

impl Origin {
    fn read(tuned: &Step) -> Result<Self, ExperimentError> {
        let history: Vec<EpochScore> = read_json(&tuned.file("history.json")?, "the epochs of a fine-tuning")?;
        let best = history.iter().filter_map(|e| Some((e.watched.get(DEV)?, e.watched.get(TEST)?)));
        // The first of equals, as everywhere.
        let best = best.reduce(|best, other| if other.0 > best.0 { other } else { best });
        Ok(Self { dev: TaskInfo::read(&tuned.dir)?.dev_score, oracle: best.map(|(_, test)| *test) })
    }
}

/// Data to fine-tune on, and what stands for its training file in a key.
struct Tuning {
    data: FinetuneData,
    train_key: String,
}

impl Run<'_> {
    /// All steps of a job; `model` is `None` if it could not be made. Whether all evaluations are there.
    pub fn job(&mut self, job: &Job, model: Option<&Step>, collected: &mut Collected) -> Result<bool, ExperimentError> {
        let Some(task) = self.experiment.task(&job.task) else { return Ok(true) };
        let end = self.steps.begun() + job.steps(task);
        let complete = match model {
            Some(model) => self.steps_of(job, task, model, collected)?,
            None => false,
        };
        self.steps.skip_to(end);
        Ok(complete)
    }

    fn steps_of(
        &mut self,
        job: &Job,
        task: &TaskPlan,
        model: &Step,
        collected: &mut Collected,
    ) -> Result<bool, ExperimentError> {
        let name = job.name();
        let tuned = self.zero_shot(job, task, model);
        let Some(tuned) = collected.keep(&format!("finetune {}", job.tuning()), tuned, &mut self.steps)? else {
            return Ok(false);
        };
        let mut complete = true;
        for (language, file) in task.tests(&job.direction) {
            let place = Place { job, shots: 0, draw: None, test: language };
            complete &= self.scored(&format!("evaluate {name} {language}"), &tuned, task, file, place, collected)?;
        }
        if !job.shots.is_empty() {
            complete &= self.few_shot(job, task, &tuned, collected)?;
        }
        Ok(complete)
    }

    /// Fine-tunes a pretrained model.
    fn zero_shot(&mut self, job: &Job, task: &TaskPlan, model: &Step) -> Result<Step, ExperimentError> {
        let language = match job.method {
            Method::TranslateTrain => &job.direction.to,
            Method::ZeroShot | Method::CodeSwitch | Method::Widened => &job.direction.from,
        };
        let (train, train_key) = match job.method {
            Method::CodeSwitch => {
                let switched = self.code_switched(task, &job.direction)?;
                (switched.dir.join(SWITCHED_FILE), switched.key)
            }
            Method::ZeroShot | Method::TranslateTrain | Method::Widened => {
                let train = file(&task.train, language);
                let key = self.steps.hash(&train)?;
                (train, key)
            }
        };
        // The target's scores by epoch, for the oracle.
        let target = &job.direction.to;
        let watched = [(DEV, &task.dev), (TEST, &task.test)].into_iter();
        let watched = watched.filter(|_| target != language && task.dev.contains_key(target));
        let watched = watched.map(|(what, files)| (what.to_owned(), file(files, target))).collect();
        let data = FinetuneData { train, dev: Some(file(&task.dev, language)), watched };
        let settings = FinetuneConfig { seed: job.seed, ..task.finetune.clone() };
        self.finetune(&format!("finetune {}", job.tuning()), model, task, &Tuning { data, train_key }, &settings)
    }

    /// Tunes a fine-tuned model further on each sample, to its last epoch. Whether all evaluations are there.
    fn few_shot(
        &mut self,
        job: &Job,
        task: &TaskPlan,
        tuned: &Step,
        collected: &mut Collected,
    ) -> Result<bool, ExperimentError> {
        let target = &job.direction.to;
        let samples = self.samples(job, task);
        let step = format!("samples {} {target}", task.name);
        let Some(samples) = collected.keep(&step, samples, &mut self.steps)? else { return Ok(false) };
        // Samples that are not there yet have no names, and nothing is trained on them.
        let manifest = samples.file(MANIFEST_FILE).ok();
        let manifest = manifest.map(|path| read_json::<FewshotManifest>(&path, "the samples of a few documents"));
        let drawn = manifest.transpose()?.map(|manifest| manifest.samples).unwrap_or_default();
        let mut complete = true;
        for &(size, draw) in &job.shots {
            let [name, tuning_name] = [job.name(), job.tuning()].map(|job| format!("{job} k{size} draw {draw}"));
            let sample = drawn.iter().find(|s| (s.size, s.draw) == (size, draw));
            let train = samples.dir.join(sample.map_or("", |s| s.file.as_str()));
            let train_key = format!("{} {size} {draw}", samples.key);
            let tuning = Tuning { data: FinetuneData { train, dev: None, watched: BTreeMap::new() }, train_key };
            let settings = FinetuneConfig { seed: job.seed, ..task.fewshot.clone() };
            let step = format!("finetune {tuning_name}");
            let few = self.finetune(&step, tuned, task, &tuning, &settings);
            let Some(few) = collected.keep(&step, few, &mut self.steps)? else {
                self.steps.skip(1);
                complete = false;
                continue;
            };
            let place = Place { job, shots: size, draw: Some(draw), test: target };
            let test = file(&task.test, target);
            complete &= self.scored(&format!("evaluate {name} {target}"), &few, task, &test, place, collected)?;
        }
        Ok(complete)
    }

    fn samples(&mut self, job: &Job, task: &TaskPlan) -> Result<Step, ExperimentError> {
        let target = &job.direction.to;
        let data = file(&task.train, target);
        let sizes: BTreeSet<usize> = job.shots.iter().map(|(size, _)| *size).collect();
        let draws = job.shots.iter().map(|(_, draw)| *draw).max().unwrap_or(1);
        let options = FewshotOptions { sizes: sizes.iter().copied().collect(), draws, seed: SAMPLE_SEED };
        let inputs = json!({
            "data": self.steps.hash(&data)?, "task": task.task, "join": task.join,
            "sizes": sizes, "draws": draws, "seed": SAMPLE_SEED,
        });
        self.steps.run(&format!("samples {} {target}", task.name), inputs, |dir, _| {
            Ok(fewshot_samples(task.options(), &data, &options, dir).map(drop)?)
        })
    }

    fn finetune(
        &mut self,
        step: &str,
        model: &Step,
        task: &TaskPlan,
        Tuning { data, train_key }: &Tuning,
        settings: &FinetuneConfig,
    ) -> Result<Step, ExperimentError> {
        let mut watched: BTreeMap<&String, String> = BTreeMap::new();
        for (name, path) in &data.watched {
            watched.insert(name, self.steps.hash(path)?);
        }
        let inputs = json!({
            "model": model.key, "task": task.task, "join": task.join, "settings": settings, "train": train_key,
            "dev": data.dev.as_ref().map(|dev| self.steps.hash(dev)).transpose()?,
            "watched": watched,
        });
        let stop = self.stop;
        let tuned = self.steps.run(step, inputs, |dir, observer| {
            finetune_task(settings, task.options(), &model.dir, data, dir, stop, observer.training())?;
            Ok(())
        })?;
        self.tuned.push(tuned.clone());
        Ok(tuned)
    }

    /// Evaluates a model and keeps its score, if it is there.
    fn scored(
        &mut self,
        step: &str,
        tuned: &Step,
        task: &TaskPlan,
        data: &Path,
        place: Place,
        collected: &mut Collected,
    ) -> Result<bool, ExperimentError> {
        let evaluated = self.evaluate(step, tuned, task, data, &place);
        let Some((done, evaluation, origin)) = collected.keep(step, evaluated, &mut self.steps)? else {
            return Ok(false);
        };
        let Origin { dev, oracle } = origin;
        // It was scored as the model found it.
        let oracle = oracle.filter(|_| place.test == place.job.direction.to && place.job.method != Method::Widened);
        let directory = self.steps.relative(&done.dir);
        let (seed, draw, score) = (place.job.seed, place.draw, evaluation.score);
        collected.scored(place, RunScore { seed, draw, dev, score, oracle, directory }, evaluation);
        Ok(true)
    }

    fn evaluate(
        &mut self,
        step: &str,
        tuned: &Step,
        task: &TaskPlan,
        data: &Path,
        place: &Place,
    ) -> Result<(Step, Evaluation, Origin), ExperimentError> {
        let mut inputs = json!({ "model": tuned.key, "join": task.join, "data": self.steps.hash(data)? });
        let mut names = None;
        if place.job.method == Method::Widened {
            let Some(kb) = &self.knowledge else {
                return Err(ExperimentError::NotRun { step: "knowledge".to_owned() });
            };
            inputs["names"] = json!({ "knowledge": kb.key, "language": place.test });
            names = Some(kb.dir.clone());
        }
        let language = place.test;
        let done = self.steps.run(step, inputs, |dir, _| {
            let names = names.map(|kb| Matcher::new(&KnowledgeBase::open(&kb)?, language)).transpose()?;
            let evaluation = evaluate_widened(&tuned.dir, data, task.join, names.as_ref())?;
            create_dir(dir)?;
            evaluation.write_predictions(&dir.join(PREDICTIONS_FILE))?;
            write_json_atomic(&dir.join(ORIGIN_FILE), &Origin::read(tuned)?)?;
            Ok(write_json_atomic(&dir.join(EVALUATION_FILE), &evaluation)?)
        })?;
        let evaluation = read_json(&done.file(EVALUATION_FILE)?, "an evaluation")?;
        let origin = read_json(&done.file(ORIGIN_FILE)?, "what training says of a model")?;
        Ok((done, evaluation, origin))
    }
}

/// Names of watched data in `history.json`.
const DEV: &str = "target dev";
const TEST: &str = "target test";

/// The file of a language; that it is there was checked with the matrix.
fn file(files: &BTreeMap<String, PathBuf>, language: &str) -> PathBuf {
    files.get(language).cloned().unwrap_or_default()
}
