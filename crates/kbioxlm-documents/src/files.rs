//! The files of a source.

use crate::Format;
use crate::format::{NAMES, Named, unknown};
use kbioxlm_files::{FileError, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Deepest nesting of directories: links may lead in circles.
const MAX_DEPTH: usize = 16;

#[derive(Debug)]
pub(crate) struct File {
    pub path: PathBuf,
    /// The path below the source's directory; of a source that is one file, its name.
    pub name: String,
    pub format: Named,
}

/// The file at `path`, or those of the directory and of the directories in it, in the order of their names.
///
/// Of a directory, hidden files are passed over, and those whose names say another format than the one that is asked for, or none.
pub(crate) fn files(path: &Path, format: Option<Format>) -> Result<Vec<File>> {
    let metadata = fs::metadata(path).map_err(|e| FileError::io(path, "open", e))?;
    let mut files = Vec::new();
    if metadata.is_dir() {
        walk(path, "", format, 0, &mut files)?;
        if files.is_empty() {
            let found = "a directory without a file whose name tells that it holds texts";
            return Err(FileError::content(path, None, found, NAMES, "name a file and its format"));
        }
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let format = format.map(Named::As).or_else(|| Named::of(path)).ok_or_else(|| unknown(path))?;
        files.push(File { path: path.to_owned(), name, format });
    }
    Ok(files)
}

fn walk(dir: &Path, prefix: &str, format: Option<Format>, depth: usize, files: &mut Vec<File>) -> Result<()> {
    let unread = |e| FileError::io(dir, "read", e);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(unread)? {
        names.push(entry.map_err(unread)?.file_name());
    }
    names.sort_unstable();
    for name in names {
        let path = dir.join(&name);
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let below = format!("{prefix}{name}");
        if fs::metadata(&path).map_err(|e| FileError::io(&path, "open", e))?.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, &format!("{below}/"), format, depth + 1, files)?;
            }
            continue;
        }
        let Some(named) = Named::of(&path).filter(|named| format.is_none_or(|f| named.may_be(f))) else { continue };
        files.push(File { path, name: below, format: format.map_or(named, Named::As) });
    }
    Ok(())
}
