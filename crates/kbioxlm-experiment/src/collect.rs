//! What comes out of the steps, gathered into a report.

use crate::ExperimentError;
use crate::matrix::{Direction, Job, Method, is_baseline};
use crate::plan::Experiment;
use crate::report::{
    ExperimentReport, Failure, LabelScore, Outcome, PretrainedRun, RunScore, StepReport, TermsFound, mean_std,
};
use crate::steps::Steps;
use kbioxlm_eval::{Bootstrap, Comparison, Counts, DocumentCounts, Evaluation, MainScore};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that the steps gave.
#[derive(Default)]
pub(crate) struct Collected {
    gathered: Vec<Gathered>,
    pub retrieval: Vec<TermsFound>,
    pretrained: Vec<PretrainedRun>,
    failures: Vec<Failure>,
    missing: Vec<String>,
    warnings: Vec<String>,
}

/// Where a score belongs.
#[derive(Copy, Clone)]
pub(crate) struct Place<'a> {
    pub job: &'a Job,
    pub shots: usize,
    /// Number of the sample, where there is one.
    pub draw: Option<usize>,
    pub test: &'a str,
}

/// Scores of one cell.
struct Gathered {
    task: String,
    direction: Direction,
    model: String,
    method: Method,
    shots: usize,
    test: String,
    metric: String,
    main_score: MainScore,
    documents: usize,
    runs: Vec<(RunScore, Vec<DocumentCounts>)>,
}

impl Gathered {
    fn is_at(&self, Place { job, shots, test, .. }: &Place) -> bool {
        (&self.task, &self.direction, &self.model) == (&job.task, &job.direction, &job.model)
            && (self.method, self.shots, self.test.as_str()) == (job.method, *shots, *test)
    }

    /// Whether this is what `other` is compared with.
    fn is_baseline_of(&self, other: &Self) -> bool {
        is_baseline(&self.model, self.method)
            && !is_baseline(&other.model, other.method)
            && (&self.task, &self.direction, self.shots, &self.test)
                == (&other.task, &other.direction, other.shots, &other.test)
    }
}

impl Collected {
    /// The value, unless its step failed or is not there yet, which is kept in mind.
    pub fn keep<T>(
        &mut self,
        step: &str,
        result: Result<T, ExperimentError>,
        steps: &mut Steps,
    ) -> Result<Option<T>, ExperimentError> {
        match result {
            Ok(value) => return Ok(Some(value)),
            Err(stopped @ ExperimentError::Stopped { .. }) => return Err(stopped),
            Err(ExperimentError::NotRun { step }) => self.missing.push(step),
            Err(error) => {
                steps.failed(step, &error);
                self.failures.push(Failure { step: step.to_owned(), error: error.to_string() });
            }
        }
        Ok(None)
    }

    pub fn pretrained(&mut self, model: &str, directory: String) {
        self.pretrained.push(PretrainedRun { model: model.to_owned(), directory });
    }

    pub fn scored(&mut self, place: Place, score: RunScore, evaluation: Evaluation) {
        for leak in &evaluation.leaks {
            let warning = format!("{}, {}: {leak}", place.job.task, place.test);
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        let run = (score, evaluation.by_document);
        if let Some(cell) = self.gathered.iter_mut().find(|g| g.is_at(&place)) {
            cell.runs.push(run);
            return;
        }
        self.gathered.push(Gathered {
            task: place.job.task.clone(),
            direction: place.job.direction.clone(),
            model: place.job.model.clone(),
            method: place.job.method,
            shots: place.shots,
            test: place.test.to_owned(),
            metric: evaluation.metric,
            main_score: evaluation.main_score,
            documents: evaluation.documents,
            runs: vec![run],
        });
    }

    /// The report: cells with means, and each against the base.
    pub fn report(
        self,
        experiment: &Experiment,
        steps: Vec<StepReport>,
        hashes: BTreeMap<PathBuf, String>,
    ) -> Result<ExperimentReport, ExperimentError> {
        let outcomes = self.gathered.iter().map(|cell| outcome(cell, &self.gathered)).collect::<Result<_, _>>()?;
        Ok(ExperimentReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            models: experiment.models().map(str::to_owned).collect(),
            outcomes,
            retrieval: self.retrieval,
            pretrained: self.pretrained,
            failures: self.failures,
            missing: self.missing,
            warnings: self.warnings,
            steps,
            data: hashes.into_iter().map(|(path, hash)| (path.display().to_string(), hash)).collect(),
            experiment: serde_json::to_value(experiment).unwrap_or_default(),
        })
    }
}

fn outcome(cell: &Gathered, all: &[Gathered]) -> Result<Outcome, ExperimentError> {
    let (mean, std) = mean_std(&cell.runs.iter().map(|(run, _)| run.score).collect::<Vec<_>>());
    let base = all.iter().find(|other| other.is_baseline_of(cell));
    let against_base = base.map(|base| compare(cell, base)).transpose()?.flatten();
    Ok(Outcome {
        task: cell.task.clone(),
        direction: cell.direction.clone(),
        model: cell.model.clone(),
        method: cell.method,
        shots: cell.shots,
        test: cell.test.clone(),
        metric: cell.metric.clone(),
        documents: cell.documents,
        mean,
        std,
        runs: cell.runs.iter().map(|(run, _)| run.clone()).collect(),
        by_label: by_label(&cell.runs.iter().map(|(_, counts)| counts.as_slice()).collect::<Vec<_>>()),
        against_base,
    })
}

/// The paired bootstrap over those seeds (and draws) that both have.
fn compare(cell: &Gathered, base: &Gathered) -> Result<Option<Comparison>, ExperimentError> {
    let of_base = |run: &RunScore| base.runs.iter().find(|(b, _)| (b.seed, b.draw) == (run.seed, run.draw));
    let pairs = cell.runs.iter().filter_map(|(run, counts)| Some((counts.as_slice(), of_base(run)?.1.as_slice())));
    let (a, b): (Vec<&[DocumentCounts]>, Vec<&[DocumentCounts]>) = pairs.unzip();
    if a.is_empty() {
        return Ok(None);
    }
    Ok(Some(Bootstrap::default().compare(&cell.main_score, &a, &b)?))
}

/// The scores of each entity type, class or label: means over the runs.
fn by_label(runs: &[&[DocumentCounts]]) -> Vec<LabelScore> {
    let mut sums: BTreeMap<&String, LabelScore> = BTreeMap::new();
    for run in runs {
        let mut counts: BTreeMap<&String, Counts> = BTreeMap::new();
        for (label, count) in run.iter().flat_map(|document| &document.counts) {
            *counts.entry(label).or_default() += *count;
        }
        for (label, count) in counts {
            let scores = count.scores();
            let sum = sums.entry(label).or_insert_with(|| LabelScore::new(label, scores.support));
            let share = 1.0 / runs.len() as f64;
            sum.precision += share * scores.precision;
            sum.recall += share * scores.recall;
            sum.f1 += share * scores.f1;
        }
    }
    sums.into_values().filter(|s| s.support > 0).collect()
}
