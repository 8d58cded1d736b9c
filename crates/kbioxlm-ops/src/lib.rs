//! Tensor operations of the encoder on packed rows: all sequences of a batch lie one behind the other, without padding,
//! as a matrix `[tokens, width]`.
//!
//! On Burn's `flex` CPU backend the operations are fused kernels with hand-written gradients; on any other device, and
//! for element types other than `f32`, they are compositions of Burn's own operations (module [`plain`]) with the same
//! result. Which one runs is decided per call from the tensor's device.
//!
//! **Determinism.** The fused kernels give the same bits from run to run and for any number of threads: rows are
//! independent, and sums over rows are taken over chunks of fixed size whose results are added in order. Between
//! processors with and without fused multiply-add the last bits differ.
//!
//! **Panics.** As with Burn's own operations, shapes that do not fit together are a programming error and panic; the
//! conditions are documented at each function.

mod adamw;
mod attention;
mod cross_entropy;
mod dropout;
mod flex;
mod gelu;
mod layer;
mod layer_norm;
mod matrix;
mod norm;
pub mod plain;
mod pool;
mod simd;
#[cfg(test)]
mod testing;
mod tied;
mod vocabulary_loss;

pub use adamw::{AdamWStep, adamw};
pub use cross_entropy::{RowLoss, cross_entropy};
pub use dropout::{Dropout, dropout};
pub use gelu::gelu;
pub use layer::{LayerParameters, LayerSettings, LinearParameters, NormParameters, encoder_layer};
pub use layer_norm::layer_norm;
pub use norm::squared_norm;
pub use pool::keep_memory;
pub use tied::TiedTable;
pub use vocabulary_loss::vocabulary_loss;
