use crate::{FileError, Result, create_dir};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes a file whole or not at all: beside its place, flushed to the disk, then renamed.
///
/// # Errors
/// [`FileError::Io`], also for an error that `write` returns; the former file is then still there.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let beside = beside(path);
    let result = (|| {
        let mut writer = BufWriter::new(File::create(&beside)?);
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(&beside, path)?;
        sync_parent(path)
    })();
    result.map_err(|e| {
        // Best effort: what matters is the first error.
        let _ = fs::remove_file(&beside);
        FileError::io(path, "write", e)
    })
}

/// Writes `value` as indented JSON, whole or not at all.
///
/// # Errors
/// [`FileError::Io`].
pub fn write_json_atomic(path: &Path, value: &impl Serialize) -> Result<()> {
    write_atomic(path, |w| {
        serde_json::to_writer_pretty(&mut *w, value)?;
        w.write_all(b"\n")
    })
}

/// A directory that appears under its name only when it is complete.
///
/// Files are written to [`StagedDir::path`], a sibling of the target; [`StagedDir::commit`] flushes them
/// and renames. Dropped without a commit, the sibling is removed.
#[derive(Debug)]
pub struct StagedDir {
    target: PathBuf,
    staging: PathBuf,
    committed: bool,
}

impl StagedDir {
    /// Prepares an empty directory beside `target`, whose parents are created.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn new(target: &Path) -> Result<Self> {
        if let Some(parent) = target.parent() {
            create_dir(parent)?;
        }
        let staging = beside(target);
        remove(&staging)?;
        create_dir(&staging)?;
        Ok(Self { target: target.to_owned(), staging, committed: false })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.staging
    }

    /// Flushes everything to the disk and puts the directory in its place; a former one is replaced.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn commit(mut self) -> Result<()> {
        sync_tree(&self.staging)?;
        let former = self.target.with_extension("former.tmp");
        let exists = self.target.exists();
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| FileError::io(to, "rename", e));
        if exists {
            remove(&former)?;
            rename(&self.target, &former)?;
        }
        rename(&self.staging, &self.target)?;
        self.committed = true;
        sync_parent(&self.target).map_err(|e| FileError::io(&self.target, "flush", e))?;
        remove(&former)
    }
}

/// Removes a file, or a directory with all that is in it; nothing if there is none.
///
/// # Errors
/// [`FileError::Io`].
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(FileError::io(path, "remove", e)),
        _ => Ok(()),
    }
}

impl Drop for StagedDir {
    fn drop(&mut self) {
        if !self.committed {
            // Best effort: an unfinished directory has a name that no reader takes for whole.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn sync_tree(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(|e| FileError::io(dir, "list", e))? {
        let path = entry.map_err(|e| FileError::io(dir, "list", e))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|f| f.sync_all()).map_err(|e| FileError::io(&path, "flush", e))?;
        }
    }
    Ok(())
}
