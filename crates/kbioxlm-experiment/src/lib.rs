//! Experiments: a matrix of models, tasks, languages and seeds, run step by step, and its report.
//!
//! An [`Experiment`] is read from one TOML file; [`run_experiment`] makes its models, fine-tunes and tests them, and writes an
//! [`ExperimentReport`] as JSON, Markdown, LaTeX and one HTML page. What is finished is never done again.

mod collect;
mod description;
mod error;
mod examples;
mod matrix;
mod page;
mod plan;
mod report;
mod run;
mod steps;
mod switched;
mod tables;
mod tune;

pub use error::ExperimentError;
pub use matrix::{Direction, Job, MatrixBlock, Method};
pub use plan::{AnchoredModel, Experiment, KnowledgeFiles, TaskPlan, TrimPlan};
pub use report::{ExperimentReport, Failure, LabelScore, Outcome, PretrainedRun, RunScore, StepReport, TermsFound};
pub use run::{ExperimentObserver, Extent, run_experiment};
