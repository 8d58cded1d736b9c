//! Runs an experiment step by step.

use crate::collect::Collected;
use crate::plan::{AnchoredModel, BASE, Experiment, KnowledgeFiles};
use crate::report::{ExperimentReport, TermsFound};
use crate::steps::{Step, Steps};
use crate::{ExperimentError, tables};
use kbioxlm_corpus::CorpusReport;
use kbioxlm_eval::read_texts;
use kbioxlm_files::{FileError, create_dir, read_json, remove, write_atomic, write_json_atomic};
use kbioxlm_knowledge::{Description, KnowledgeBase};
use kbioxlm_model::{Heads, load};
use kbioxlm_train::{CHECKPOINTS, CorpusPart, Observer, PretrainInput, RetrievalMetrics, TermSample, term_retrieval};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Follows an experiment, for example with progress bars.
pub trait ExperimentObserver {
    /// A step begins: the `number`th (from 1) of `total`.
    fn step_started(&mut self, step: &str, number: usize, total: usize);
    /// A step is done after `seconds`, or was done before in as many and is `reused`.
    fn step_finished(&mut self, step: &str, seconds: f64, reused: bool);
    /// A step failed; what does not need it goes on.
    fn step_failed(&mut self, step: &str, error: &ExperimentError);
    /// Who follows the training within a step.
    fn training(&mut self) -> &mut dyn Observer;
    /// Who follows the reading within a step, as (done, total).
    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync);
}

/// What is to be done.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All that is missing is run.
    All {
        /// A fine-tuned model is removed once its tests are done, and the checkpoints of a model once it is pretrained. One that is needed
        /// later is fine-tuned again.
        discard_models: bool,
    },
    /// Nothing is run: the report is made of the evaluations that are there.
    Finished,
}

const RETRIEVAL_FILE: &str = "retrieval.json";

/// Runs an experiment: knowledge base, trimming, for each anchored model a corpus and pretraining, term retrieval with every
/// model, and all jobs of the matrix: fine-tuning, evaluation, few-shot.
///
/// Each step has a directory `out/<step>-<key>`, where the key is a hash of everything that goes into the step; a step whose
/// directory is complete is not done again, whatever else has changed. What the report is made of are the evaluations: where these are
/// there, nothing that they were made from is needed, and models can be removed. A step that fails does not stop the others, except those
/// that need its result; the report names it. `out` gets `report.json`, `report.md`, `report.tex` and `report.html`.
///
/// # Errors
/// [`ExperimentError::Stopped`] once `stop` is set; what is finished then is kept. The report cannot be written.
pub fn run_experiment(
    experiment: &Experiment,
    out: &Path,
    extent: Extent,
    stop: &AtomicBool,
    observer: &mut dyn ExperimentObserver,
) -> Result<ExperimentReport, ExperimentError> {
    create_dir(out)?;
    let (missing, hashes) = match extent {
        Extent::All { .. } => Missing::find(experiment, out, stop)?,
        Extent::Finished => Default::default(),
    };
    let steps = Steps::new(out, extent == Extent::Finished, stop, observer, count(experiment)).with_hashes(hashes);
    let discard_models = extent == Extent::All { discard_models: true };
    let mut run = Run { experiment, steps, stop, knowledge: None, tuned: Vec::new(), discard_models };
    let mut collected = Collected::default();
    run.all(&mut collected, Some(&missing))?;
    let (steps, hashes) = run.steps.finish();
    let report = collected.report(experiment, steps, hashes)?;
    write_json_atomic(&out.join("report.json"), &report)?;
    write_atomic(&out.join("report.md"), |w| w.write_all(tables::markdown(&report).as_bytes()))?;
    write_atomic(&out.join("report.tex"), |w| w.write_all(tables::latex(&report).as_bytes()))?;
    write_atomic(&out.join("report.html"), |w| w.write_all(crate::page::html(&report, out).as_bytes()))?;
    Ok(report)
}

/// What an experiment still lacks.
#[derive(Debug, Default)]
struct Missing {
    /// Models whose names found are not there.
    retrieval: BTreeSet<String>,
    /// Numbers of the jobs with an evaluation that is not there.
    jobs: BTreeSet<usize>,
}

impl Missing {
    /// What is missing, and the hashes of the input files, which take long where these are large.
    fn find(
        experiment: &Experiment,
        out: &Path,
        stop: &AtomicBool,
    ) -> Result<(Self, BTreeMap<PathBuf, String>), ExperimentError> {
        let mut nobody = Nobody::default();
        let steps = Steps::new(out, true, stop, &mut nobody, 0);
        let mut run = Run { experiment, steps, stop, knowledge: None, tuned: Vec::new(), discard_models: false };
        let missing = run.all(&mut Collected::default(), None)?;
        Ok((missing, run.steps.finish().1))
    }

    /// Whether a model is needed: for itself, or for another one that starts from it.
    fn needs(&self, experiment: &Experiment, model: &str) -> bool {
        let own = |job: &usize| experiment.jobs.get(*job).is_some_and(|j| j.model == model);
        let mut others = experiment.anchored.iter().filter(|m| m.from.as_deref().unwrap_or(BASE) == model);
        self.retrieval.contains(model)
            || self.jobs.iter().any(own)
            || others.any(|other| self.needs(experiment, &other.name))
    }
}

/// Nobody follows.
#[derive(Default)]
struct Nobody(());

impl ExperimentObserver for Nobody {
    fn step_started(&mut self, _: &str, _: usize, _: usize) {}

    fn step_finished(&mut self, _: &str, _: f64, _: bool) {}

    fn step_failed(&mut self, _: &str, _: &ExperimentError) {}

    fn training(&mut self) -> &mut dyn Observer {
        &mut self.0
    }

    fn counter(&self) -> &(dyn Fn(u64, u64) + Sync) {
        &|_, _| ()
    }
}

fn count(experiment: &Experiment) -> usize {
    let Experiment { trim, knowledge, anchored, retrieval, jobs, .. } = experiment;
    let searches = if retrieval.is_some() { 1 + anchored.len() } else { 0 };
    let of_jobs: usize = jobs.iter().filter_map(|job| Some(job.steps(experiment.task(&job.task)?))).sum();
    usize::from(trim.is_some()) + usize::from(knowledge.is_some()) + 2 * anchored.len() + searches + of_jobs
}

/// An experiment that is being run.
pub(crate) struct Run<'a> {
    pub experiment: &'a Experiment,
    pub steps: Steps<'a>,
    pub stop: &'a AtomicBool,
    pub knowledge: Option<Step>,
    /// What the present job has fine-tuned or would have.
    pub tuned: Vec<Step>,
    /// Whether to remove what has been tested.
    discard_models: bool,
}

impl<'a> Run<'a> {
    /// All steps; without `missing` none of them is run. Gives back what is missing then.
    fn all(&mut self, collected: &mut Collected, missing: Option<&Missing>) -> Result<Missing, ExperimentError> {
        let dry = self.steps.dry;
        let models = self.models(collected, missing)?;
        let mut left = Missing::default();
        for name in self.experiment.models() {
            self.steps.dry = dry || !missing.is_some_and(|m| m.retrieval.contains(name));
            if !self.retrieval(name, models.get(name), collected)? {
                left.retrieval.insert(name.to_owned());
            }
        }
        let mut tuned: BTreeMap<String, Vec<Step>> = BTreeMap::new();
        for (number, job) in self.experiment.jobs.iter().enumerate() {
            self.steps.dry = dry || !missing.is_some_and(|m| m.jobs.contains(&number));
            if !self.job(job, models.get(job.model.as_str()), collected)? {
                left.jobs.insert(number);
            }
            // Zero-shot and widened jobs share models: the last of them that lacks something discards them.
            tuned.entry(job.tuning()).or_default().append(&mut self.tuned);
            let later = missing.into_iter().flat_map(|m| m.jobs.range(number + 1..));
            let mut open = later.chain(&left.jobs).filter_map(|other| self.experiment.jobs.get(*other));
            if self.discard_models && !open.any(|other| other.tuning() == job.tuning()) {
                let models = tuned.remove(&job.tuning()).unwrap_or_default();
                models.iter().try_for_each(|model| self.steps.discard(model))?;
            }
        }
        Ok(left)
    }

    /// Base and anchored models, as far as they can be made; those that are not needed are not made.
    fn models(
        &mut self,
        collected: &mut Collected,
        missing: Option<&Missing>,
    ) -> Result<BTreeMap<&'a str, Step>, ExperimentError> {
        let experiment = self.experiment;
        let dry = self.steps.dry;
        let needed = |name: &str| missing.is_some_and(|m| m.needs(experiment, name));
        let mut models = BTreeMap::new();
        self.steps.dry = dry || !experiment.models().any(needed);
        let base = self.base();
        if let Some(base) = collected.keep("base", base, &mut self.steps)? {
            models.insert(BASE, base);
        }
        if let Some(files) = &experiment.knowledge {
            let knowledge = self.build_knowledge(files);
            self.knowledge = collected.keep("knowledge", knowledge, &mut self.steps)?;
        }
        for plan in &experiment.anchored {
            let start = models.get(plan.from.as_deref().unwrap_or(BASE)).cloned();
            let (Some(kb), Some(start)) = (self.knowledge.clone(), start) else {
                self.steps.skip(2);
                continue;
            };
            self.steps.dry = dry || !needed(&plan.name);
            let model = self.anchored(plan, &kb, &start, collected);
            if let Some(model) = collected.keep(&format!("pretrain {}", plan.name), model, &mut self.steps)? {
                models.insert(plan.name.as_str(), model);
            }
        }
        self.steps.dry = dry;
        Ok(models)
    }

    /// The base model, trimmed where the experiment says so.
    fn base(&mut self) -> Result<Step, ExperimentError> {
        let base = &self.experiment.base;
        if !base.is_dir() {
            let help = "correct [model] base or set the environment variable KBIOXLM_BASE";
            return Err(FileError::content(base, None, "no directory", "the HF directory of a base model", help).into());
        }
        let hash = self.steps.hash(base)?;
        let Some(trim) = &self.experiment.trim else { return Ok(Step::given(base, hash)) };
        let inputs = json!({ "model": hash, "texts": self.steps.hash_all(&trim.texts)?, "languages": trim.languages });
        self.steps.run("trim", inputs, |dir, _| {
            let report = kbioxlm_model::trim(base, read_texts(&trim.texts, &trim.languages), dir)?;
            Ok(write_json_atomic(&dir.join("trim.json"), &report)?)
        })
    }

    fn build_knowledge(&mut self, files: &KnowledgeFiles) -> Result<Step, ExperimentError> {
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
    fn anchored(
        &mut self,
        plan: &AnchoredModel,
        kb: &Step,
        start: &Step,
        collected: &mut Collected,
    ) -> Result<Step, ExperimentError> {
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
        // Not named after the model: several models can be trained on one corpus.
        let corpus = self.steps.run("corpus", inputs, |dir, observer| {
            let kb = KnowledgeBase::open(&kb.dir)?;
            let report: CorpusReport = kbioxlm_corpus::build(&kb, texts, passages, anchors, dir, observer.counter())?;
            Ok(write_json_atomic(&dir.join("build.json"), &report)?)
        })?;
        let inputs = json!({ "model": start.key, "corpus": corpus.key, "settings": pretrain });
        let stop = self.stop;
        let model = self.steps.run(&format!("pretrain {name}"), inputs, |dir, observer| {
            let corpora = [CorpusPart::from(corpus.dir.as_path())];
            let input = PretrainInput { model: &start.dir, corpora: &corpora, knowledge: Some(&kb.dir) };
            kbioxlm_train::pretrain(pretrain, &input, dir, stop, observer.training())?;
            Ok(())
        })?;
        if self.discard_models && model.is_done() {
            remove(&model.dir.join(CHECKPOINTS))?;
        }
        collected.pretrained(name, self.steps.relative(&model.dir));
        Ok(model)
    }

    /// Names found across languages by a model; whether they are there.
    fn retrieval(
        &mut self,
        name: &str,
        model: Option<&Step>,
        collected: &mut Collected,
    ) -> Result<bool, ExperimentError> {
        let Some(sample) = &self.experiment.retrieval else { return Ok(true) };
        let (Some(model), Some(kb)) = (model, self.knowledge.clone()) else {
            self.steps.skip(1);
            return Ok(false);
        };
        let step = format!("retrieval {name}");
        let found = self.search(&step, model, &kb, sample);
        let found = collected.keep(&step, found, &mut self.steps)?;
        let is_there = found.is_some();
        collected.retrieval.extend(found.map(|found| TermsFound { model: name.to_owned(), directions: found }));
        Ok(is_there)
    }

    fn search(
        &mut self,
        step: &str,
        model: &Step,
        kb: &Step,
        sample: &TermSample,
    ) -> Result<Vec<RetrievalMetrics>, ExperimentError> {
        let inputs = json!({ "model": model.key, "knowledge": kb.key, "sample": sample });
        let done = self.steps.run(step, inputs, |dir, _| {
            let pretrained = load(&model.dir, &Heads::default(), 0, &kbioxlm_model::device())?;
            let found = term_retrieval(&pretrained, &KnowledgeBase::open(&kb.dir)?, sample)?;
            create_dir(dir)?;
            Ok(write_json_atomic(&dir.join(RETRIEVAL_FILE), &found)?)
        })?;
        Ok(read_json(&done.file(RETRIEVAL_FILE)?, "names found")?)
    }
}
