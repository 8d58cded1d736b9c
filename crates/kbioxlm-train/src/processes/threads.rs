//! Threads of one program that stand for processes, each with a device of its own; one alone is a process by itself.

use super::Processes;
use burn::tensor::Device;
use bytemuck::{Pod, cast_slice, pod_collect_to_vec};
use std::ops::AddAssign;
use std::sync::{Arc, Barrier, Mutex, PoisonError};

/// Numbers that are summed at a time: each thread needs a copy of all threads' parts.
const BLOCK: usize = 1 << 20;

/// One of several threads that train a model together, as [`Processes`] do: each computes on its own device.
///
/// Sums go through the memory of the machine, in the order of the ranks, whichever thread comes first.
/// After a panic in one of several the whole program is ended, because the others would wait for ever.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    device: Device,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    barrier: Barrier,
    said: Vec<Mutex<Vec<u8>>>,
}

impl Threads {
    /// One for each device, in their order; each belongs into a thread of its own.
    pub fn on(devices: &[Device]) -> Vec<Self> {
        let said = devices.iter().map(|_| Mutex::default()).collect();
        let shared = Arc::new(Shared { barrier: Barrier::new(devices.len()), said });
        let member =
            |(rank, device): (usize, &Device)| Self { rank, device: device.clone(), shared: Arc::clone(&shared) };
        devices.iter().enumerate().map(member).collect()
    }

    /// Says `own` to all and hears what each of them says, in the order of their ranks.
    fn exchange(&self, own: &[u8], mut hear: impl FnMut(usize, &[u8])) {
        if let Some(said) = self.shared.said.get(self.rank) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.clear();
            said.extend_from_slice(own);
        }
        self.shared.barrier.wait();
        for (rank, said) in self.shared.said.iter().enumerate() {
            hear(rank, &said.lock().unwrap_or_else(PoisonError::into_inner));
        }
        // Nobody says the next before all have heard this.
        self.shared.barrier.wait();
    }

    fn sum_over<T: Pod + AddAssign>(&self, values: &mut [T]) {
        for block in values.chunks_mut(BLOCK) {
            let own = block.to_vec();
            block.fill(T::zeroed());
            self.exchange(cast_slice(&own), |_, said| {
                block.iter_mut().zip(pod_collect_to_vec::<u8, T>(said)).for_each(|(sum, value)| *sum += value);
            });
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if self.size() > 1 && std::thread::panicking() {
            std::process::abort();
        }
    }
}

impl Processes for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.said.len()
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn sum(&self, values: &mut [f32]) {
        self.sum_over(values);
    }

    fn sum_f64(&self, values: &mut [f64]) {
        self.sum_over(values);
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) {
        let own = if self.rank == root { bytes.to_vec() } else { Vec::new() };
        self.exchange(&own, |rank, said| {
            if rank == root {
                bytes.copy_from_slice(said);
            }
        });
    }
}
