use kbioxlm_files::{FileError, hash_file, read_json, write_json_atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Within the checkpoint.
const MANIFEST: &str = "trainer/manifest.json";

/// `trainer/manifest.json`: the files of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// By path within the checkpoint.
    files: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    /// BLAKE3 of the content.
    hash: String,
}

/// Writes the manifest of all files that are in `dir`: the last thing that is written to a checkpoint.
pub(crate) fn seal(dir: &Path) -> Result<(), FileError> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(inner) = dirs.pop() {
        for entry in fs::read_dir(&inner).map_err(|e| FileError::io(&inner, "list", e))? {
            let path = entry.map_err(|e| FileError::io(&inner, "list", e))?.path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let bytes = length(&path)?;
                files.insert(name(dir, &path), Entry { bytes, hash: hash_file(&path)? });
            }
        }
    }
    write_json_atomic(&dir.join(MANIFEST), &Manifest { files })
}

/// Every file of the checkpoint is there and as it was written.
///
/// # Errors
/// The first file that is not.
pub(crate) fn verify(dir: &Path) -> Result<(), FileError> {
    let manifest: Manifest = read_json(&dir.join(MANIFEST), "the list of a checkpoint's files")?;
    for (name, Entry { bytes, hash }) in &manifest.files {
        let path: PathBuf = name.split('/').fold(dir.to_owned(), |path, part| path.join(part));
        let damaged = |found: String, expected: String| {
            let help = "restore the file from a copy, or leave this checkpoint";
            Err(FileError::content(&path, None, found, expected, help))
        };
        let found = length(&path)?;
        if found != *bytes {
            return damaged(format!("{found} bytes"), format!("{bytes}"));
        }
        let found = hash_file(&path)?;
        if found != *hash {
            return damaged(format!("content of hash {found}"), hash.clone());
        }
    }
    Ok(())
}

fn length(path: &Path) -> Result<u64, FileError> {
    Ok(fs::metadata(path).map_err(|e| FileError::io(path, "read", e))?.len())
}

/// The path within `dir`, the same on every system.
fn name(dir: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(dir).unwrap_or(path);
    inner.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_any_file_is_found_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("trainer")).unwrap();
        let content = b"content";
        for name in ["a", "trainer/b"] {
            fs::write(path(name), content).unwrap();
        }
        let message = verify(dir.path()).unwrap_err().to_string();
        assert!(message.contains("manifest.json"), "{message}");
        seal(dir.path()).unwrap();
        verify(dir.path()).unwrap();
        for name in ["a", "trainer/b"] {
            for damage in [&b"conten"[..], b"c0ntent", b"content "] {
                fs::write(path(name), damage).unwrap();
                let message = verify(dir.path()).unwrap_err().to_string();
                assert!(message.starts_with(&format!("{}: found", path(name).display())), "{message}");
            }
            fs::remove_file(path(name)).unwrap();
            let message = verify(dir.path()).unwrap_err().to_string();
            assert!(message.starts_with(&path(name).display().to_string()), "{message}");
            fs::write(path(name), content).unwrap();
        }
        verify(dir.path()).unwrap();
        fs::write(path("trainer/manifest.json"), "{").unwrap();
        assert!(verify(dir.path()).is_err());
    }
}
