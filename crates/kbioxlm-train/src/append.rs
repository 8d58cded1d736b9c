use kbioxlm_files::FileError;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that grows record by record, each of them whole.
#[derive(Debug)]
pub(crate) struct Append {
    path: PathBuf,
    file: File,
}

impl Append {
    /// Opens a file, which is created if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        // Read permission is what lets the end be cut off on every system.
        let file = OpenOptions::new().create(true).read(true).append(true).open(path);
        Ok(Self { path: path.to_owned(), file: file.map_err(|e| FileError::io(path, "open", e))? })
    }

    /// Adds a record, in one piece so that no kill divides it, or nothing if there is no space for it.
    pub(crate) fn write(&mut self, record: &[u8]) -> Result<(), FileError> {
        let write = |file: &mut File| {
            let length = file.metadata()?.len();
            file.write_all(record).inspect_err(|_| {
                // Best effort: who reads the file later leaves half a record out.
                let _ = file.set_len(length);
            })
        };
        write(&mut self.file).map_err(|e| FileError::io(&self.path, "write", e))
    }

    /// Flushes all records to the disk.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|e| FileError::io(&self.path, "flush", e))
    }
}
