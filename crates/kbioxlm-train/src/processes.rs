//! The processes that train one model together.

#[cfg(feature = "mpi")]
mod mpi;
mod threads;

use crate::TrainError;
use burn::tensor::Device;
use std::fmt::Debug;
use std::num::NonZeroUsize;

#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use threads::Threads;

/// The processes that train one model together: each has the whole model and all data, and computes a part of every step.
///
/// All of them call the same functions in the same order, and each waits in them for the others. Where communication fails
/// there is no way on: an implementation ends the program.
pub trait Processes: Debug {
    /// The number of this process, from 0. The first one alone writes files and speaks to the user.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Where this process computes.
    fn device(&self) -> Device;

    /// Replaces each value by its sum over the processes, the same bits in all of them.
    fn sum(&self, values: &mut [f32]);

    /// [`Processes::sum`] for counts and losses.
    fn sum_f64(&self, values: &mut [f64]);

    /// Gives all processes the bytes of `root`; the length is the same in all.
    fn broadcast(&self, root: usize, bytes: &mut [u8]);
}

impl dyn Processes + '_ {
    pub(crate) fn is_first(&self) -> bool {
        self.rank() == 0
    }

    pub(crate) fn count(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.size()).unwrap_or(NonZeroUsize::MIN)
    }

    /// Whether the flag is raised in any process.
    pub(crate) fn any(&self, flag: bool) -> bool {
        let mut count = [f64::from(u8::from(flag))];
        self.sum_f64(&mut count);
        count != [0.0]
    }

    /// What the first process has.
    pub(crate) fn of_first(&self, value: u64) -> u64 {
        let mut bytes = value.to_le_bytes();
        self.broadcast(0, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The text that `root` has.
    pub(crate) fn text_of(&self, root: usize, own: String) -> String {
        let mut length = (own.len() as u64).to_le_bytes();
        self.broadcast(root, &mut length);
        let mut bytes = own.into_bytes();
        bytes.resize(u64::from_le_bytes(length) as usize, 0);
        self.broadcast(root, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The result of this process if all have one; otherwise the same error in all, that of the first process that has any.
    ///
    /// # Errors
    /// Any process has one.
    pub(crate) fn agree<T>(&self, result: Result<T, TrainError>) -> Result<T, TrainError> {
        if self.size() == 1 {
            return result;
        }
        let mut failed = vec![0.0; self.size()];
        if let (Err(_), Some(own)) = (&result, failed.get_mut(self.rank())) {
            *own = 1.0;
        }
        self.sum_f64(&mut failed);
        let Some(rank) = failed.iter().position(|&failed| failed > 0.0) else { return result };
        let message = self.text_of(rank, result.err().map(|error| error.to_string()).unwrap_or_default());
        Err(TrainError::Process { rank, size: self.size(), message })
    }
}
