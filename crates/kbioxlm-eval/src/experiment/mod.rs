//! Experiments: the whole chain from source files to one table, described in one TOML file.

mod description;
mod plan;
mod report;
mod run;
mod steps;

pub use plan::{AnchoredModel, Experiment, KnowledgeFiles, TaskPlan, TrimPlan};
pub use report::{ExperimentReport, Outcome, SeedScore, StepReport};
pub use run::{ExperimentObserver, run_experiment};
