//! Masking, batching, optimisation, checkpoints, the pretraining and fine-tuning loops.
//!
//! [`pretrain`] trains a model on an anchored corpus with masked entities, masked relations and passage relation
//! prediction; [`finetune`] trains one with a task head. Both compute packed batches (no padding), both use AdamW with
//! linear warm-up and decay and global norm clipping. Every random choice depends on the seed and on what it is for, so
//! that a run has the same result whatever the number of threads and however often it was interrupted.

mod append;
mod batch;
pub mod bench;
mod checkpoint;
mod config;
mod data;
mod encode;
mod error;
mod events;
mod figures;
mod finetune;
mod history;
mod lock;
#[cfg(test)]
mod golden;
mod loss;
mod masking;
mod metrics;
mod observe;
mod optimiser;
mod predict;
mod pretrain;
mod prior;
mod recorder;
mod schedule;

pub use batch::plan_epoch;
pub use checkpoint::BestCheckpoint;
pub use config::{Budget, FinetuneConfig, KeepConfig, OnDivergence, PretrainConfig};
pub use encode::{EncodedExample, TokenSpan, encode_example};
pub use error::{Divergence, TrainError};
pub use figures::figures;
pub use finetune::{Finetuned, Target, TrainingItem, finetune};
pub use history::{History, read_history};
pub use kbioxlm_ops::keep_memory;
pub use masking::{MaskedExample, MaskingConfig, MlmTask, mask};
pub use metrics::{StepMetrics, TaskMetrics};
pub use observe::{EpochScore, Observer};
pub use predict::{predict_sequences, predict_tokens};
pub use pretrain::{PretrainSummary, pretrain};
pub use schedule::Schedule;
