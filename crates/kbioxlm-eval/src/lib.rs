//! Fine-tuning for benchmarks, their metrics, and what makes a comparison of scores honest.
//!
//! [`finetune_task`] turns a pretrained directory into one for a [`Task`], [`evaluate`] scores it on a file, [`Bootstrap`] says how
//! sure a difference is, [`fewshot_samples`] draws samples that others can repeat, and [`check_leaks`] names what data share. Texts reach the model as running text with
//! offsets, and gold labels that the model could not read still count.

mod bootstrap;
mod dataset;
mod decode;
mod encode;
mod error;
mod evaluate;
mod fewshot;
mod finetune;
mod leak;
mod metrics;
mod outcome;
mod relation;
mod score;
mod task;
mod texts;
mod widen;

pub use bootstrap::{Bootstrap, Comparison, Interval};
pub use decode::{decode, entities, oracle};
pub use encode::{Window, windows};
pub use error::EvalError;
pub use evaluate::{Evaluation, evaluate, evaluate_widened};
pub use fewshot::{FewshotManifest, FewshotOptions, FewshotSample, fewshot_samples};
pub use finetune::{FinetuneData, FinetuneReport, finetune_task};
pub use kbioxlm_benchmarks::{
    Conll, Document, Join, Labelled, NotATag, Orphan, Simplified, Tag, Token, TokenSpan, read_classification,
    read_conll, read_entities, read_multilabel, spans,
};
pub use leak::{
    Fingerprint, Leak, LeakData, LeakExample, LeakKind, LeakOptions, LeakPair, LeakReport, check_leaks, leak,
};
pub use metrics::{ClassScores, Counts, EntityScores, LabelScores, Scores, class_scores, entity_scores, label_scores};
pub use outcome::{Answer, CharSpan, DocumentCounts, MainScore, Prediction};
pub use score::Scored;
pub use task::{DataFile, Task, TaskInfo, TaskOptions};
pub use texts::read_texts;
pub use widen::Widening;
