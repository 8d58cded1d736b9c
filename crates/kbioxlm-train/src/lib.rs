//! Masking, batching, optimisation, checkpoints, the pretraining and fine-tuning loops.
//!
//! [`pretrain`] trains a model on an anchored corpus with masked entities, masked relations and passage relation
//! prediction; [`finetune`] trains one with a task head. Both compute packed batches (no padding), both use AdamW with
//! linear warm-up and decay and global norm clipping. Every random choice depends on the seed and on what it is for, so
//! that a run has the same result whatever the number of threads and however often it was interrupted.

mod alignment;
mod append;
mod average;
mod batch;
pub mod bench;
mod chain;
mod checkpoint;
mod config;
mod crf;
mod data;
mod documents;
mod encode;
mod error;
mod evaluation;
mod events;
mod figures;
mod finetune;
#[cfg(test)]
mod golden;
mod history;
mod journal;
mod lock;
mod loss;
mod masking;
mod metrics;
mod mixture;
mod name_search;
mod observe;
mod optimiser;
mod predict;
mod pretrain;
mod prior;
mod processes;
mod recorder;
mod retrieval;
mod schedule;
mod sources;
mod tagging;
mod trainer;

pub use alignment::AlignmentConfig;
pub use batch::plan_epoch;
pub use chain::Chain;
pub use checkpoint::{BestCheckpoint, CHECKPOINTS};
pub use config::{Budget, KeepConfig, OnDivergence, Precision, PretrainConfig};
pub use documents::predict_documents;
pub use encode::{EncodedExample, TokenSpan, encode_example};
pub use error::{Divergence, TrainError};
pub use evaluation::{Evaluation, EvaluationConfig, HeldOutMetrics, HeldOutTasks};
pub use figures::figures;
pub use finetune::{
    FinetuneConfig, Finetuned, LabelledPieces, RelationText, Target, TextEncoding, TokenHead, TrainingItem, finetune,
};
pub use history::{History, read_history};
pub use kbioxlm_ops::keep_memory;
pub use masking::{MaskedExample, MaskingConfig, MlmTask, mask};
pub use metrics::{StepMetrics, TaskMetrics};
pub use mixture::CorpusPart;
pub use name_search::{NamesFound, RetrievalConfig, RetrievalMetrics, TermSample, term_retrieval};
pub use observe::{EpochScore, Judgement, Observer};
pub use predict::{predict_sequences, predict_tokens};
pub use pretrain::{PretrainInput, PretrainSummary, pretrain, pretrain_on, pretrain_together};
pub use prior::set_label_prior;
#[cfg(feature = "mpi")]
pub use processes::Mpi;
pub use processes::{Processes, Threads};
pub use retrieval::{Hit, Retrieval, embed, name_retrieval};
pub use schedule::Schedule;
