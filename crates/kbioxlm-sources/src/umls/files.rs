//! Finding the tables: in a directory or an archive, compressed or not, in one piece or split.

use crate::{FileError, Result};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use kbioxlm_files::{Input, decompress, open};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zip::{CompressionMethod, ZipArchive};

const TABLES: [&str; 5] = ["MRCONSO.RRF", "MRSTY.RRF", "MRRANK.RRF", "MRREL.RRF", "MRDOC.RRF"];
/// `release/2025AA/META/MRCONSO.RRF` is the deepest that NLM's own directories go.
const MAX_DEPTH: usize = 3;
/// Most entries looked at: a directory named by mistake ends with a message, not with a walk through the disk.
const MAX_ENTRIES: usize = 100_000;

/// Where the tables are.
pub(super) struct Release {
    path: PathBuf,
    /// By table and suffix of the part (empty for a table in one piece).
    parts: BTreeMap<(&'static str, String), Part>,
    /// An archive that holds archives.
    nested: Option<PathBuf>,
    entries: usize,
}

#[derive(Clone, Debug)]
enum Part {
    File(PathBuf),
    /// A member of an archive.
    Member {
        archive: PathBuf,
        name: String,
        start: u64,
        length: u64,
        size: u64,
        crc: u32,
        deflated: bool,
    },
}

impl Part {
    fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Member { archive, name, .. } => archive.join(name),
        }
    }

    fn open(&self) -> Result<Input> {
        match self {
            Self::File(path) => open(path),
            Self::Member { archive, start, length, size, crc, deflated, .. } => {
                let member = || {
                    let mut file = File::open(archive)?;
                    file.seek(SeekFrom::Start(*start))?;
                    let raw = BufReader::with_capacity(1 << 18, file.take(*length));
                    let inner: Box<dyn Read + Send> =
                        if *deflated { Box::new(DeflateDecoder::new(raw)) } else { Box::new(raw) };
                    decompress(Checked { inner, left: *size, crc: *crc, seen: Crc::new() })
                };
                member().map_err(|e| FileError::io(&self.path(), "read", e))
            }
        }
    }
}

impl Release {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut release = Self { path: path.to_owned(), parts: BTreeMap::new(), nested: None, entries: 0 };
        if path.is_dir() {
            release.directory(path, 0)?;
        } else {
            release.archive(path)?;
        }
        Ok(release)
    }

    /// What to do where a table is missing.
    pub(super) fn remedy(&self) -> String {
        match &self.nested {
            Some(archive) => format!("unpack {} and name the directory", archive.display()),
            None => "name the directory or archive that holds it".to_owned(),
        }
    }

    /// The table and its name for messages.
    pub(super) fn open_table(&self, table: &'static str) -> Result<Option<(PathBuf, Input)>> {
        let mut parts: VecDeque<Part> = self
            .parts
            .iter()
            .filter(|((t, suffix), _)| *t == table && !suffix.is_empty())
            .map(|(_, p)| p.clone())
            .collect();
        if let Some(whole) = self.parts.get(&(table, String::new())) {
            // Parts beside the whole table are what it was made from.
            parts = VecDeque::from([whole.clone()]);
        }
        let (Some(first), count) = (parts.front(), parts.len()) else { return Ok(None) };
        if count == 1 {
            return Ok(Some((first.path(), first.open()?)));
        }
        let joined = Joined { parts, current: None };
        Ok(Some((self.path.join(table), Box::new(BufReader::with_capacity(1 << 18, joined)))))
    }

    fn directory(&mut self, directory: &Path, depth: usize) -> Result<()> {
        let list = |e| FileError::io(directory, "list", e);
        for entry in fs::read_dir(directory).map_err(list)? {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(FileError::content(
                    &self.path,
                    None,
                    format!("more than {MAX_ENTRIES} files"),
                    "the directory of a UMLS release",
                    "name the directory that holds MRCONSO.RRF",
                ));
            }
            let path = entry.map_err(list)?.path();
            if path.is_dir() {
                if depth < MAX_DEPTH {
                    self.directory(&path, depth + 1)?;
                }
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_archive(&name) {
                self.archive(&path)?;
            } else {
                self.add(&name, Part::File(path))?;
            }
        }
        Ok(())
    }

    fn archive(&mut self, path: &Path) -> Result<()> {
        let damaged = |e: zip::result::ZipError| match e {
            zip::result::ZipError::Io(e) => FileError::io(path, "read", e),
            other => FileError::content(path, None, other.to_string(), "a zip archive", "fetch the file again"),
        };
        let file = File::open(path).map_err(|e| FileError::io(path, "open", e))?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index).map_err(damaged)?;
            let entry = member.entry();
            let full = entry.name().map_err(damaged)?.into_owned();
            let name = full.rsplit('/').next().unwrap_or_default().to_owned();
            if is_archive(&name) && name.ends_with(".nlm") {
                self.nested = Some(path.to_owned());
            }
            if table_of(&name).is_none() {
                continue;
            }
            let deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => {
                    let found = format!("{full} compressed with {other:?}");
                    return Err(FileError::content(path, None, found, "deflate or none", "unpack the archive"));
                }
            };
            let Some(start) = member.data_start().filter(|_| !entry.encrypted()) else {
                let found = format!("{full}, which is encrypted or has no data");
                return Err(FileError::content(path, None, found, "a readable member", "unpack the archive"));
            };
            let (length, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
            self.add(&name, Part::Member { archive: path.to_owned(), name: full, start, length, size, crc, deflated })?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, part: Part) -> Result<()> {
        let Some((table, suffix)) = table_of(name) else { return Ok(()) };
        let key = (table, suffix.to_owned());
        match (self.parts.get(&key), &part) {
            // Unpacked files come before the archive that they were unpacked from.
            (Some(Part::File(_)), Part::Member { .. }) => {}
            (Some(Part::File(one)), Part::File(other))
            | (Some(Part::Member { archive: one, .. }), Part::Member { archive: other, .. }) => {
                let (one, other) = if one <= other { (one, other) } else { (other, one) };
                return Err(FileError::content(
                    &self.path,
                    None,
                    format!("{name} in two places: {} and {}", one.display(), other.display()),
                    "one release",
                    "name the directory or archive of the one you mean",
                ));
            }
            (None, _) | (Some(Part::Member { .. }), Part::File(_)) => {
                self.parts.insert(key, part);
            }
        }
        Ok(())
    }
}

fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".nlm") || name.ends_with(".zip")
}

/// The table that a file holds and the suffix of the part: `MRCONSO.RRF.aa.gz` has the part `aa`.
fn table_of(name: &str) -> Option<(&'static str, &str)> {
    let name = [".gz", ".bz2", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let (table, rest) = TABLES.iter().find_map(|table| Some((*table, name.strip_prefix(table)?)))?;
    match rest.strip_prefix('.') {
        None if rest.is_empty() => Some((table, "")),
        Some(suffix) if suffix.len() == 2 && suffix.bytes().all(|b| b.is_ascii_lowercase()) => Some((table, suffix)),
        _ => None,
    }
}

/// A member of an archive, checked against the size and sum that the archive gives.
struct Checked {
    inner: Box<dyn Read + Send>,
    left: u64,
    crc: u32,
    seen: Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged =
            || io::Error::new(io::ErrorKind::InvalidData, "the archive is cut off or damaged; fetch it again");
        let read = self.inner.read(buffer).map_err(|e| if e.raw_os_error().is_some() { e } else { damaged() })?;
        self.seen.update(buffer.get(..read).unwrap_or_default());
        self.left = self.left.checked_sub(read as u64).ok_or_else(damaged)?;
        if read == 0 && !buffer.is_empty() && (self.left > 0 || self.seen.sum() != self.crc) {
            return Err(damaged());
        }
        Ok(read)
    }
}

/// Parts of a table, one after the other; errors name the part.
struct Joined {
    parts: VecDeque<Part>,
    current: Option<(PathBuf, Input)>,
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((path, current)) = &mut self.current {
                let read = current.read(buffer).map_err(|e| io::Error::other(FileError::io(path, "read", e)))?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
            }
            let Some(next) = self.parts.pop_front() else { return Ok(0) };
            self.current = Some((next.path(), next.open().map_err(io::Error::other)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::table_of;

    #[test]
    fn parts_and_compressed_tables_are_told_by_name() {
        assert_eq!(table_of("MRCONSO.RRF"), Some(("MRCONSO.RRF", "")));
        assert_eq!(table_of("MRREL.RRF.ab.gz"), Some(("MRREL.RRF", "ab")));
        assert_eq!(table_of("MRSTY.RRF.zst"), Some(("MRSTY.RRF", "")));
        for other in ["MRCONSO.RRF.bak", "MRCONSO.RRF.md5", "xMRCONSO.RRF", "MRCONSO.RRF_old", "MRSAT.RRF"] {
            assert_eq!(table_of(other), None, "{other}");
        }
    }
}
