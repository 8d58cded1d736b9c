//! Memory that is used again.
//!
//! A training step needs the same buffers as the step before. Given back to the system after each use they would come
//! back as new pages, whose faults and zeroing cost a tenth of the step. [`keep_memory`] tells the allocator to keep
//! what it can; the largest blocks, which it cannot, wait here for their next use.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Smaller buffers are left to the allocator, which keeps them.
const LEAST: usize = 1 << 23;
/// A buffer that so many others were taken before is freed.
const EXPIRY: u64 = 64;

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), taken: 0 });

/// Makes the allocator keep freed memory for this process instead of returning it to the system: for programs that
/// train. Does nothing where the allocator is not glibc's.
pub fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function changes settings of the allocator and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LEAST as i32 * size_of::<f32>() as i32);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Buffers that wait, by their length.
struct Pool {
    free: BTreeMap<usize, Vec<Waiting>>,
    /// Buffers taken so far: the pool's clock.
    taken: u64,
}

struct Waiting {
    elements: Vec<f32>,
    since: u64,
}

impl Pool {
    /// The shortest buffer of at least this length that does not waste more than a quarter.
    fn take(&mut self, length: usize) -> Option<Vec<f32>> {
        self.taken += 1;
        let (&found, _) = self.free.range(length..=length + length / 4).next()?;
        let waiting = self.free.get_mut(&found)?;
        let elements = waiting.pop()?.elements;
        if waiting.is_empty() {
            self.free.remove(&found);
        }
        Some(elements)
    }

    fn put(&mut self, elements: Vec<f32>) {
        let now = self.taken;
        self.free.entry(elements.len()).or_default().push(Waiting { elements, since: now });
        if now.is_multiple_of(EXPIRY / 8) {
            self.free.retain(|_, waiting| {
                waiting.retain(|waiting| now - waiting.since < EXPIRY);
                !waiting.is_empty()
            });
        }
    }
}

/// Numbers in memory from the pool, to which it returns.
#[derive(Debug)]
pub(crate) struct Buffer {
    elements: Vec<f32>,
    length: usize,
}

impl Buffer {
    /// `length` numbers of any value: those of the last use.
    pub(crate) fn new(length: usize) -> Self {
        let pooled = if length < LEAST { None } else { lock().take(length) };
        Self { elements: pooled.unwrap_or_else(|| vec![0.0; length]), length }
    }

    /// `length` zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        let mut zeros = Self::new(length);
        zeros.fill(0.0);
        zeros
    }

    /// The memory, which does not return by itself.
    pub(crate) fn into_vec(mut self) -> Vec<f32> {
        let mut elements = std::mem::take(&mut self.elements);
        elements.truncate(self.length);
        elements
    }
}

impl From<&[f32]> for Buffer {
    fn from(elements: &[f32]) -> Self {
        let mut copy = Self::new(elements.len());
        copy.copy_from_slice(elements);
        copy
    }
}

impl From<Vec<f32>> for Buffer {
    /// Gives memory to the pool, as soon as it is dropped.
    fn from(elements: Vec<f32>) -> Self {
        Self { length: elements.len(), elements }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.elements[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.elements[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.elements.len() >= LEAST {
            lock().put(std::mem::take(&mut self.elements));
        }
    }
}

/// A panic elsewhere leaves the pool as good as it was: each change is complete before anything can fail.
fn lock() -> std::sync::MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_have_their_length_and_are_used_again_if_they_fit() {
        let mut pool = Pool { free: BTreeMap::new(), taken: 0 };
        pool.put(vec![1.0; 1000]);
        pool.put(vec![2.0; 1100]);
        assert!(pool.take(1101).is_none(), "too short");
        assert!(pool.take(700).is_none(), "too long by more than a quarter");
        assert_eq!(pool.take(900).unwrap(), [1.0; 1000]);
        assert_eq!(pool.take(900).unwrap(), [2.0; 1100]);
        assert!(pool.take(900).is_none() && pool.free.is_empty());
    }

    #[test]
    fn what_nobody_needs_is_freed() {
        let mut pool = Pool { free: BTreeMap::new(), taken: 0 };
        pool.put(vec![0.0; 1000]);
        pool.taken = EXPIRY;
        pool.put(vec![0.0; 10]);
        assert_eq!(pool.free.keys().collect::<Vec<_>>(), [&10]);
    }

    #[test]
    fn a_buffer_is_what_was_asked_for() {
        let mut x = Buffer::zeros(LEAST + 100);
        assert!(x.len() == LEAST + 100 && x.iter().all(|&x| x == 0.0));
        x.fill(3.0);
        assert!(x.clone().iter().eq(x.iter()));
        drop(x);
        let x = Buffer::new(LEAST + 50);
        assert_eq!(x.len(), LEAST + 50);
        assert_eq!(x.into_vec().len(), LEAST + 50);
        assert!(Buffer::zeros(LEAST + 60).iter().all(|&x| x == 0.0));
        assert!(Buffer::from(vec![1.0; 5]).iter().eq([1.0; 5].iter()));
    }
}
