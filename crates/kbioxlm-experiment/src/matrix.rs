//! Which models are fine-tuned for which tasks: blocks of an experiment file, and the jobs that follow from them.

use crate::ExperimentError;
use crate::description::Place;
use crate::plan::{BASE, TaskPlan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What is trained and tested on: `en-zh` learns from English and is tested on Chinese.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Direction {
    /// Language of the training and dev data.
    pub from: String,
    /// Language of the test data.
    pub to: String,
}

impl TryFrom<String> for Direction {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once('-') {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => {
                Ok(Self { from: from.to_owned(), to: to.to_owned() })
            }
            _ => Err(format!("found the direction `{text}`, expected two languages as in en-zh")),
        }
    }
}

impl From<Direction> for String {
    fn from(direction: Direction) -> Self {
        direction.to_string()
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// What the model learns from.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The training data of the source language.
    #[default]
    ZeroShot,
    /// The same and, once more, code-switched into the target language through the knowledge base.
    CodeSwitch,
    /// The training data of the source language; predicted entities that are a part of a longer name of the knowledge base become that
    /// name. The model is that of zero-shot.
    Widened,
    /// The training and dev data of the target language. That is translate-train if they are translations, else an upper bound.
    TranslateTrain,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroShot => "zero-shot",
            Self::CodeSwitch => "code-switch",
            Self::Widened => "widened",
            Self::TranslateTrain => "translate-train",
        })
    }
}

/// A part of the matrix: every combination of what it lists. Lists left out stand for all there are; methods for zero-shot,
/// seeds for 1, shots for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatrixBlock {
    /// Names of tasks.
    pub tasks: Vec<String>,
    /// From which language to which.
    pub directions: Vec<Direction>,
    /// Names of models.
    pub models: Vec<String>,
    /// What is learned from.
    pub methods: Vec<Method>,
    /// Seeds of fine-tuning.
    pub seeds: Vec<u64>,
    /// Documents of the target language that the fine-tuned model is tuned further on (few-shot).
    pub shots: Vec<usize>,
    /// Samples of each size; default 1.
    pub draws: Option<usize>,
}

/// A fine-tuning, and what follows from its model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Name of the task.
    pub task: String,
    /// From which language to which.
    pub direction: Direction,
    /// Name of the model.
    pub model: String,
    /// What it learns from.
    pub method: Method,
    /// Seed of the fine-tuning.
    pub seed: u64,
    /// Samples to be tuned further on, as (documents, number of the draw).
    pub shots: BTreeSet<(usize, usize)>,
}

impl Job {
    /// Steps that it takes.
    pub(crate) fn steps(&self, task: &TaskPlan) -> usize {
        let tests = task.tests(&self.direction).count();
        let shots = 2 * self.shots.len() + usize::from(!self.shots.is_empty());
        usize::from(self.method == Method::CodeSwitch) + 1 + tests + shots
    }

    /// What it is called in steps and errors.
    pub(crate) fn name(&self) -> String {
        self.named(self.method)
    }

    /// What its fine-tuning is called.
    pub(crate) fn tuning(&self) -> String {
        self.named(if self.method == Method::Widened { Method::ZeroShot } else { self.method })
    }

    fn named(&self, method: Method) -> String {
        let Self { task, direction, model, seed, .. } = self;
        match method {
            Method::ZeroShot => format!("{task} {direction} {model} {seed}"),
            method => format!("{task} {direction} {model} {method} {seed}"),
        }
    }

    /// What makes it this job and no other.
    fn key(&self) -> (&str, &Direction, &str, Method, u64) {
        (&self.task, &self.direction, &self.model, self.method, self.seed)
    }
}

impl MatrixBlock {
    /// The jobs of a task in a direction, seed by seed.
    fn jobs(&self, task: &str, direction: &Direction, models: &[&str]) -> Vec<Job> {
        let draws = 1..=self.draws.unwrap_or(1);
        let shots: BTreeSet<(usize, usize)> =
            self.shots.iter().flat_map(|&k| draws.clone().map(move |draw| (k, draw))).collect();
        let methods = or(&self.methods, Method::ZeroShot);
        let tuned = or(&self.seeds, 1).into_iter().flat_map(|seed| methods.iter().map(move |&method| (seed, method)));
        let job = |(seed, method), model: &str| Job {
            task: task.to_owned(),
            direction: direction.clone(),
            model: model.to_owned(),
            method,
            seed,
            shots: shots.clone(),
        };
        let wanted: Vec<&str> = models.iter().copied().filter(|model| is_wanted(&self.models, model)).collect();
        tuned
            .flat_map(|tuned| wanted.iter().map(move |model| (tuned, *model)))
            .map(|(t, model)| job(t, model))
            .collect()
    }
}

/// Whether a name is listed, or none is.
fn is_wanted(list: &[String], name: &str) -> bool {
    list.is_empty() || list.iter().any(|n| n == name)
}

/// All jobs of the blocks, each once; without blocks, all models and tasks in all directions.
///
/// Within a block a seed is finished for all models before the next one begins, so that what there is can be compared.
///
/// # Errors
/// A block names what does not exist or what lacks data.
pub(crate) fn jobs(
    blocks: &[MatrixBlock],
    tasks: &[TaskPlan],
    models: &[&str],
    has_knowledge: bool,
    place: &Place,
) -> Result<Vec<Job>, ExperimentError> {
    let everything = [MatrixBlock::default()];
    let blocks = if blocks.is_empty() { &everything[..] } else { blocks };
    let mut jobs: Vec<Job> = Vec::new();
    for block in blocks {
        let named = |what: &str, name: &String, known: Vec<&str>| match known.contains(&name.as_str()) {
            true => Ok(()),
            false => Err(place.error(
                format!("[[matrix]] with the {what} `{name}`"),
                format!("one of {}", known.join(", ")),
                "correct the name",
            )),
        };
        block.models.iter().try_for_each(|name| named("model", name, models.to_vec()))?;
        block.tasks.iter().try_for_each(|t| named("task", t, tasks.iter().map(|t| t.name.as_str()).collect()))?;
        let methods = or(&block.methods, Method::ZeroShot);
        if let Some(method) =
            methods.iter().find(|m| matches!(m, Method::CodeSwitch | Method::Widened) && !has_knowledge)
        {
            let help = "add the section, or leave out the method";
            return Err(place.error(format!("the method {method} without [knowledge]"), "lexica with names", help));
        }
        for task in tasks.iter().filter(|t| is_wanted(&block.tasks, &t.name)) {
            let directions = if block.directions.is_empty() { task.directions() } else { block.directions.clone() };
            for direction in directions {
                task.check(&direction, &methods, !block.shots.is_empty(), place)?;
                for job in block.jobs(&task.name, &direction, models) {
                    match jobs.iter_mut().find(|former| former.key() == job.key()) {
                        Some(former) => former.shots.extend(job.shots),
                        None => jobs.push(job),
                    }
                }
            }
        }
    }
    Ok(jobs)
}

fn or<T: Clone>(list: &[T], default: T) -> Vec<T> {
    if list.is_empty() { vec![default] } else { list.to_vec() }
}

/// Whether an outcome of this model and method is what others are compared with.
pub(crate) fn is_baseline(model: &str, method: Method) -> bool {
    model == BASE && method == Method::ZeroShot
}
