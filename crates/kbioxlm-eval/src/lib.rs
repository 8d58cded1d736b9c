//! Benchmarks and their formats, metrics, the zero-shot protocol, experiments, reports.
//!
//! [`finetune_task`] turns a pretrained directory into one for a [`Task`], [`evaluate`] scores it on a file,
//! [`run_experiment`] does the whole chain that an [`Experiment`] describes, and [`name_retrieval`] looks at the
//! embeddings themselves. Texts reach the model as running text with offsets, and gold labels that the model could
//! not read still count.

mod bio;
mod conll;
mod dataset;
mod encode;
mod error;
mod evaluate;
mod experiment;
mod finetune;
mod jsonl;
mod leak;
mod metrics;
mod retrieval;
mod score;
mod task;
mod texts;

pub use bio::{NotATag, Orphan, Tag, TokenSpan, spans};
pub use conll::{Conll, Document, Join, Token, read_conll};
pub use encode::{Window, entities, oracle, windows};
pub use error::EvalError;
pub use evaluate::{Evaluation, evaluate};
pub use experiment::{
    AnchoredModel, Experiment, ExperimentObserver, ExperimentReport, KnowledgeFiles, Outcome, SeedScore, StepReport,
    TaskPlan, TrimPlan, run_experiment,
};
pub use finetune::{FinetuneReport, finetune_task};
pub use jsonl::{Labelled, read_classification, read_multilabel};
pub use leak::{Fingerprint, Leak, leak};
pub use metrics::{ClassScores, EntityScores, LabelScores, Scores, class_scores, entity_scores, label_scores};
pub use retrieval::{Hit, Retrieval, name_retrieval};
pub use score::Scored;
pub use task::{DataFile, Task, TaskInfo, TaskOptions};
pub use texts::read_texts;
