use crate::TrainError;
use kbioxlm_files::FileError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Keeps other processes from training in the same directory; the system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Locks the run in `out`, which exists.
    ///
    /// # Errors
    /// Another process has it, or the file cannot be created.
    pub(crate) fn take(out: &Path) -> Result<Self, TrainError> {
        let path = out.join(".lock");
        let file = File::create(&path).map_err(|e| FileError::io(&path, "create", e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TrainError::Running { path: out.to_owned() }),
            // Some network file systems have no locks: there the user has to see to it.
            Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_trained_in_by_one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RunLock::take(dir.path()).unwrap();
        assert!(matches!(RunLock::take(dir.path()), Err(TrainError::Running { .. })));
        drop(lock);
        RunLock::take(dir.path()).unwrap();
    }
}
