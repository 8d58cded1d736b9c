use crate::{FileError, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Hexadecimal BLAKE3 hash of `bytes`.
pub fn hash_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Hexadecimal BLAKE3 hash of a file's content, read as a stream.
///
/// # Errors
/// [`FileError::Io`] when the file cannot be read.
pub fn hash_file(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(|e| FileError::io(path, "open", e))?;
    hasher.update_reader(file).map_err(|e| FileError::io(path, "read", e))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// [`hash_file`]; of a directory, the hash of the names and hashes of its files, in the order of the names.
///
/// # Errors
/// [`FileError::Io`] when something cannot be read.
pub fn hash_path(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return hash_file(path);
    }
    let list = |e| FileError::io(path, "list", e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(list)? {
        files.extend(Some(entry.map_err(list)?.path()).filter(|file| file.is_file()));
    }
    files.sort();
    let mut all = String::new();
    for file in files {
        all += &format!("{}\t{}\n", file.file_name().unwrap_or_default().to_string_lossy(), hash_file(&file)?);
    }
    Ok(hash_bytes(all.as_bytes()))
}

/// A random generator that depends on `seed` and on the names in `scope` only.
///
/// Giving each document (step, parameter …) a generator of its own makes results independent of
/// the order and of the number of threads in which they are computed.
///
/// ```
/// use rand::Rng;
/// let mut a = kbioxlm_files::rng_for(7, &["entity", "doc-1"]);
/// let mut b = kbioxlm_files::rng_for(7, &["entity", "doc-1"]);
/// assert_eq!(a.next_u64(), b.next_u64());
/// ```
pub fn rng_for(seed: u64, scope: &[&str]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for name in scope {
        // The length keeps ["ab", "c"] and ["a", "bc"] apart.
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Whether what `scope` names belongs to the `share` (0 to 1) of all such things that a hash of the names alone chooses: the
/// same in every run, and a larger share has all that a smaller one has.
pub fn is_in_share(share: f64, scope: &[&str]) -> bool {
    share > 0.0 && rng_for(0, scope).random::<f64>() < share
}
