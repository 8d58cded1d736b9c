//! Processes that `mpirun` has started.

use super::Processes;
use burn::tensor::Device;
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence, Root};
use std::cell::RefCell;
use std::fmt::{Debug, Formatter};
use std::num::NonZeroUsize;

/// Numbers that are summed at a time: what is summed needs a copy, and a count of MPI is 32 bits wide.
const BLOCK: usize = 1 << 20;

/// The processes of an MPI job.
///
/// They part when it is dropped; after a panic the whole job is ended, because the others would wait for ever.
pub struct Mpi {
    world: SimpleCommunicator,
    device: Device,
    copy: RefCell<Vec<f32>>,
    // The last field: dropped when nothing needs MPI any more.
    _universe: Universe,
}

impl Mpi {
    /// Joins the job; `None` if this process has done so before.
    ///
    /// `device` chooses where this process computes, by its number among those of its machine.
    ///
    /// To be called in the main thread, in which training must run too.
    pub fn join(device: impl FnOnce(usize) -> Device) -> Option<Self> {
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)?;
        let world = universe.world();
        let device = device(world.split_shared(world.rank()).rank() as usize);
        Some(Self { world, device, copy: RefCell::default(), _universe: universe })
    }

    /// How many threads make the processes of this machine share its processors: a processor that several of them may run on
    /// counts for each by its share, so that processes that are bound to some of their own use all of these.
    pub fn threads(&self) -> usize {
        let local = self.world.split_shared(self.world.rank());
        let mut users = processors();
        let own = users.clone();
        sum_over(&local, &mut Vec::new(), &mut users);
        let share: f64 = own.iter().zip(&users).filter(|(own, _)| **own > 0.0).map(|(own, users)| own / users).sum();
        // In a container the processors are more than it may use.
        let most = std::thread::available_parallelism().map_or(usize::MAX, NonZeroUsize::get);
        // 1/3 added up three times is a little less than 1.
        ((share + 1e-6) as usize).clamp(1, most)
    }
}

/// For each processor of the machine 1 if this process may run on it, else 0.
#[cfg(target_os = "linux")]
fn processors() -> Vec<f64> {
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count()).map(|i| f64::from(u8::from(set.is_set(i).unwrap_or(false)))).collect()
}

/// As many as the process can use: other systems do not say which ones.
#[cfg(not(target_os = "linux"))]
fn processors() -> Vec<f64> {
    vec![1.0; std::thread::available_parallelism().map_or(1, NonZeroUsize::get)]
}

fn sum_over<T: Equivalence + Copy>(processes: &SimpleCommunicator, copy: &mut Vec<T>, values: &mut [T]) {
    for block in values.chunks_mut(BLOCK) {
        copy.clear();
        copy.extend_from_slice(block);
        processes.all_reduce_into(&copy[..], block, SystemOperation::sum());
    }
}

impl Debug for Mpi {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mpi({} of {})", self.rank(), self.size())
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.world.abort(101);
        }
    }
}

impl Processes for Mpi {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn sum(&self, values: &mut [f32]) {
        sum_over(&self.world, &mut self.copy.borrow_mut(), values);
    }

    fn sum_f64(&self, values: &mut [f64]) {
        sum_over(&self.world, &mut Vec::new(), values);
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) {
        self.world.process_at_rank(root as i32).broadcast_into(bytes);
    }
}
