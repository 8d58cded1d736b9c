//! Runs an experiment step by step.

use super::plan::{AnchoredModel, BASE, Experiment, KnowledgeFiles, TaskPlan};
use super::report::{ExperimentReport, Outcome, SeedScore, mean_std};
use super::steps::{Finished, Steps};
use crate::task::TaskInfo;
use crate::{EvalError, Evaluation, evaluate, finetune_task, read_texts};
use kbioxlm_files::{FileError, create_dir, read_json, write_atomic, write_json_atomic};
use kbioxlm_knowledge::{Description, KnowledgeBase};
use kbioxlm_train::{CorpusPart, FinetuneConfig, Observer, PretrainInput};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Follows an experiment, for example with progress bars.
pub trait ExperimentObserver {
    /// A step begins: the `number`th (from 1) of `total`.
    fn step_started(&mut self, step: &str, number: usize, total: usize);
    /// A step is done after `seconds`, or was done before in as many and is `reused`.
    fn step_finished(&mut self, step: &str, seconds: f64, reused: bool);
    /// Who follows the training within a step.
    fn training(&mut self) -> &mut dyn Observer;
    /// Who follows the reading within a step, as (done, total).
    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync);
}

const EVALUATION_FILE: &str = "evaluation.json";

/// Runs an experiment: knowledge base, trimming, for each anchored model a corpus and pretraining, then for base and
/// anchored models, for each task and seed, fine-tuning with the same settings and evaluation on each test file.
///
/// Each step has a directory `out/<step>-<key>`, where the key is a hash of everything that goes into the step; a step whose
/// directory is complete is not done again, whatever else has changed. `out` gets `report.md` and `report.json`.
///
/// # Errors
/// Those of the steps, and [`EvalError::Stopped`] once `stop` is set; what is finished then is kept.
pub fn run_experiment(
    experiment: &Experiment,
    out: &Path,
    stop: &AtomicBool,
    observer: &mut dyn ExperimentObserver,
) -> Result<ExperimentReport, EvalError> {
    create_dir(out)?;
    let mut run = Run { steps: Steps::new(out, stop, observer, count(experiment)), stop };
    let base = run.base(experiment)?;
    let knowledge = match &experiment.knowledge {
        Some(files) if !experiment.anchored.is_empty() => Some(run.knowledge(files)?),
        _ => None,
    };
    let mut models: Vec<(&str, Finished)> = vec![(BASE, base)];
    for plan in &experiment.anchored {
        let from = plan.from.as_deref().unwrap_or(BASE);
        let start = models.iter().find(|(name, _)| *name == from).map(|(_, model)| model.clone());
        if let (Some(kb), Some(start)) = (&knowledge, start) {
            models.push((&plan.name, run.anchored(plan, kb, &start)?));
        }
    }
    let mut outcomes = Vec::new();
    let mut warnings = Vec::new();
    for (name, model) in &models {
        for task in &experiment.tasks {
            outcomes.extend(run.task(name, model, task, &mut warnings)?);
        }
    }
    let (steps, hashes) = run.steps.finish();
    let report = ExperimentReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        outcomes,
        warnings,
        steps,
        data: hashes.into_iter().map(|(path, hash)| (path.display().to_string(), hash)).collect(),
        experiment: serde_json::to_value(experiment).unwrap_or_default(),
    };
    write_json_atomic(&out.join("report.json"), &report)?;
    write_atomic(&out.join("report.md"), |w| w.write_all(report.markdown().as_bytes()))?;
    Ok(report)
}

fn count(experiment: &Experiment) -> usize {
    let anchored = experiment.anchored.len();
    let evaluations = |t: &TaskPlan| t.settings.len() * (1 + t.tests.len());
    let tuned = (1 + anchored) * experiment.tasks.iter().map(evaluations).sum::<usize>();
    usize::from(experiment.trim.is_some()) + usize::from(anchored > 0) + 2 * anchored + tuned
}

struct Run<'a> {
    steps: Steps<'a>,
    stop: &'a AtomicBool,
}

impl Run<'_> {
    /// The base model, trimmed where the experiment says so.
    fn base(&mut self, experiment: &Experiment) -> Result<Finished, EvalError> {
        let base = &experiment.base;
        if !base.is_dir() {
            let help = "correct [model] base or set the environment variable KBIOXLM_BASE";
            return Err(FileError::content(base, None, "no directory", "the HF directory of a base model", help).into());
        }
        let hash = self.steps.hash(base)?;
        let Some(trim) = &experiment.trim else { return Ok(Finished { dir: base.clone(), key: hash }) };
        let inputs = json!({ "model": hash, "texts": self.steps.hash_all(&trim.texts)?, "languages": trim.languages });
        self.steps.run("trim", inputs, |dir, _| {
            let report = kbioxlm_model::trim(base, read_texts(&trim.texts, &trim.languages), dir)?;
            Ok(write_json_atomic(&dir.join("trim.json"), &report)?)
        })
    }

    fn knowledge(&mut self, files: &KnowledgeFiles) -> Result<Finished, EvalError> {
        let inputs = json!({
            "lexicons": self.steps.hash_all(&files.lexicons)?,
            "facts": self.steps.hash_all(&files.facts)?,
            "relations": self.steps.hash_all(&files.relations)?,
            "links": self.steps.hash_all(&files.links)?,
        });
        let KnowledgeFiles { lexicons, facts, relations, links } = files.clone();
        let description = Description::of_tables(lexicons, facts, relations, links);
        self.steps.run("knowledge", inputs, |dir, _| Ok(kbioxlm_knowledge::build(&description, dir).map(drop)?))
    }

    /// A model pretrained on a corpus of its own.
    fn anchored(&mut self, plan: &AnchoredModel, kb: &Finished, start: &Finished) -> Result<Finished, EvalError> {
        let AnchoredModel { name, texts, passages, corpus: anchors, pretrain, .. } = plan;
        let languages: Vec<&Option<String>> = texts.iter().map(|t| &t.source.lang).collect();
        let mut files = Vec::new();
        for text in texts {
            files.extend(text.source.files()?.into_iter().map(|(_, path)| path));
        }
        let pairs: Vec<&[String; 2]> = passages.iter().map(|p| &p.langs).collect();
        let inputs = json!({
            "knowledge": kb.key,
            "texts": self.steps.hash_all(&files)?,
            "languages": languages,
            "passages": self.steps.hash_all(passages.iter().map(|p| &p.path))?,
            "pairs": pairs,
            "settings": anchors,
        });
        let corpus = self.steps.run(&format!("corpus {name}"), inputs, |dir, observer| {
            let kb = KnowledgeBase::open(&kb.dir)?;
            let report = kbioxlm_corpus::build(&kb, texts, passages, anchors, dir, observer.counter())?;
            Ok(write_json_atomic(&dir.join("build.json"), &report)?)
        })?;
        let inputs = json!({ "model": start.key, "corpus": corpus.key, "settings": pretrain });
        let stop = self.stop;
        self.steps.run(&format!("pretrain {name}"), inputs, |dir, observer| {
            let corpora = [CorpusPart::from(corpus.dir.as_path())];
            let input = PretrainInput { model: &start.dir, corpora: &corpora, knowledge: Some(&kb.dir) };
            kbioxlm_train::pretrain(pretrain, &input, dir, stop, observer.training())?;
            Ok(())
        })
    }

    /// Fine-tunes a model for a task with each seed and evaluates it on each test file.
    fn task(
        &mut self,
        model_name: &str,
        model: &Finished,
        task: &TaskPlan,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Outcome>, EvalError> {
        let mut scores: BTreeMap<&String, Vec<SeedScore>> = BTreeMap::new();
        let mut metric = String::new();
        for settings in &task.settings {
            let tuned = self.finetune(model_name, model, task, settings)?;
            let info = TaskInfo::read(&tuned.dir)?;
            for (test, file) in &task.tests {
                let name = format!("evaluate {} {model_name} {} {test}", task.name, settings.seed);
                let result = self.evaluate(&name, &tuned, task, file)?;
                scores.entry(test).or_default().push(SeedScore {
                    seed: settings.seed,
                    dev: info.dev_score,
                    test: result.score,
                });
                for leak in &result.leaks {
                    let warning = format!("{}, {test}: {leak}", task.name);
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
            metric = info.metric;
        }
        let outcome = |(test, seeds): (&String, Vec<SeedScore>)| {
            let (mean, std) = mean_std(&seeds.iter().map(|s| s.test).collect::<Vec<_>>());
            let (model, task, metric) = (model_name.to_owned(), task.name.clone(), metric.clone());
            Outcome { model, task, test: test.clone(), metric, mean, std, seeds }
        };
        Ok(scores.into_iter().map(outcome).collect())
    }

    fn finetune(
        &mut self,
        model_name: &str,
        model: &Finished,
        task: &TaskPlan,
        settings: &FinetuneConfig,
    ) -> Result<Finished, EvalError> {
        let inputs = json!({
            "model": model.key,
            "task": task.task,
            "join": task.join,
            "train": self.steps.hash(&task.train)?,
            "dev": self.steps.hash(&task.dev)?,
            "settings": settings,
        });
        self.steps.run(&format!("finetune {} {model_name} {}", task.name, settings.seed), inputs, |dir, observer| {
            finetune_task(settings, task.options(), &model.dir, &task.train, &task.dev, dir, observer.training())?;
            Ok(())
        })
    }

    fn evaluate(
        &mut self,
        name: &str,
        tuned: &Finished,
        task: &TaskPlan,
        file: &Path,
    ) -> Result<Evaluation, EvalError> {
        let inputs = json!({ "model": tuned.key, "join": task.join, "data": self.steps.hash(file)? });
        let evaluated = self.steps.run(name, inputs, |dir, _| {
            let evaluation = evaluate(&tuned.dir, file, task.join)?;
            create_dir(dir)?;
            Ok(write_json_atomic(&dir.join(EVALUATION_FILE), &evaluation)?)
        })?;
        Ok(read_json(&evaluated.dir.join(EVALUATION_FILE), "an evaluation")?)
    }
}
