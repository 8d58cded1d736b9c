//! The compiled file: named sections of numbers and text, checksummed, read through a memory map.
//!
//! Layout, all numbers little-endian: 8 bytes magic, 4 bytes version, 4 bytes zero; the sections, each beginning at a multiple
//! of 8; the table of sections as JSON (name -> offset and length in bytes); 8 bytes offset of the table, 8 bytes its
//! length, 32 bytes BLAKE3 of all bytes before, 8 bytes magic. Whatever is cut off or changed is noticed when it is opened.

use crate::{KnowledgeError, Result};
use bytemuck::Pod;
use kbioxlm_files::FileError;
use memmap2::Mmap;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

#[cfg(target_endian = "big")]
compile_error!("the compiled knowledge base is read as it lies in the file, which is little-endian");

const MAGIC: [u8; 8] = *b"KBIOXLM\n";
/// Raised whenever a reader of the former version could not read the sections or would misunderstand them.
pub(crate) const VERSION: u32 = 5;
const HEADER: usize = 16;
const FOOTER: usize = 8 + 8 + 32 + 8;
const REBUILD: &str = "build the knowledge base again (`kbioxlm knowledge build`)";

/// Where a section lies.
#[derive(Copy, Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Section {
    offset: u64,
    length: u64,
}

/// Writes sections one behind the other.
pub(crate) struct StoreWriter<W: Write> {
    out: W,
    hasher: blake3::Hasher,
    at: u64,
    table: BTreeMap<String, Section>,
}

impl<W: Write> StoreWriter<W> {
    pub(crate) fn new(out: W) -> std::io::Result<Self> {
        let mut writer = Self { out, hasher: blake3::Hasher::new(), at: 0, table: BTreeMap::new() };
        writer.put(&MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        writer.put(&[0; 4])?;
        Ok(writer)
    }

    /// Appends a section.
    pub(crate) fn section<T: Pod>(&mut self, name: impl Into<String>, values: &[T]) -> std::io::Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let padding = (8 - self.at % 8) % 8;
        self.put(&[0; 8][..padding as usize])?;
        self.table.insert(name.into(), Section { offset: self.at, length: bytes.len() as u64 });
        self.put(bytes)
    }

    /// Writes the table and returns the writer and the hash of the content, in hexadecimal.
    pub(crate) fn finish(mut self) -> std::io::Result<(W, String)> {
        let table = serde_json::to_vec(&self.table)?;
        let start = self.at;
        self.put(&table)?;
        self.put(&start.to_le_bytes())?;
        self.put(&(table.len() as u64).to_le_bytes())?;
        let hash = self.hasher.finalize();
        self.out.write_all(hash.as_bytes())?;
        self.out.write_all(&MAGIC)?;
        Ok((self.out, hash.to_hex().to_string()))
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// An opened file of sections.
#[derive(Debug)]
pub(crate) struct Store {
    map: Mmap,
    table: BTreeMap<String, Section>,
    hash: String,
}

impl Store {
    /// Maps and verifies a file.
    ///
    /// # Errors
    /// The file is missing, of another version, cut off or changed; the message says what to do.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(|e| FileError::io(path, "open", e))?;
        // SAFETY: a map is undefined behaviour if the file changes beneath it. Nothing here writes into a
        // knowledge base: a new one is written beside it and renamed, which leaves the mapped file as it is.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| FileError::io(path, "map", e))?;
        Self::verified(map, path)
    }

    /// Verifies content in memory.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let path = Path::new("memory");
        let mut map = memmap2::MmapMut::map_anon(bytes.len().max(1)).map_err(|e| FileError::io(path, "map", e))?;
        map[..bytes.len()].copy_from_slice(bytes);
        Self::verified(map.make_read_only().map_err(|e| FileError::io(path, "map", e))?, path)
    }

    fn verified(map: Mmap, path: &Path) -> Result<Self> {
        let broken = |found: String, expected: String| -> KnowledgeError {
            FileError::content(path, None, found, expected, REBUILD).into()
        };
        let bytes: &[u8] = &map;
        let whole = "a compiled knowledge base".to_owned();
        if bytes.len() < HEADER + FOOTER || bytes[..8] != MAGIC {
            return Err(broken(format!("a file of {} bytes that does not begin like one", bytes.len()), whole));
        }
        let version = number(&bytes[8..12]);
        if version != u64::from(VERSION) {
            return Err(broken(format!("version {version} of the format"), format!("version {VERSION}")));
        }
        let cut_off = || broken("a file that is cut off or changed".to_owned(), "one as it was written".to_owned());
        let (content, footer) = bytes.split_at(bytes.len() - FOOTER);
        let (start, length) = (number(&footer[..8]), number(&footer[8..16]));
        if footer[48..] != MAGIC || start.checked_add(length) != Some(content.len() as u64) {
            return Err(cut_off());
        }
        let hash = blake3::hash(&bytes[..bytes.len() - 40]);
        if hash.as_bytes()[..] != footer[16..48] {
            return Err(cut_off());
        }
        let table: BTreeMap<String, Section> =
            serde_json::from_slice(&content[start as usize..]).map_err(|_| cut_off())?;
        let outside =
            |s: &Section| !s.offset.is_multiple_of(8) || s.offset.checked_add(s.length).is_none_or(|end| end > start);
        if table.values().any(outside) {
            return Err(cut_off());
        }
        Ok(Self { table, hash: hash.to_hex().to_string(), map })
    }

    /// `bytes` with the checksum that they should have.
    pub(crate) fn with_checksum(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if let Some(at) = bytes.len().checked_sub(40) {
            let hash = blake3::hash(&bytes[..at]);
            bytes[at..at + 32].copy_from_slice(hash.as_bytes());
        }
        bytes
    }

    /// Hash of the content, in hexadecimal.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// The section `name`, verified to hold values of `T`; `None` where there is none such.
    pub(crate) fn find<T: Pod>(&self, name: &str) -> Option<Section> {
        let section = *self.table.get(name)?;
        bytemuck::try_cast_slice::<u8, T>(self.bytes(section)).is_ok().then_some(section)
    }

    /// The values of a section that [`Store::find`] gave for this type.
    pub(crate) fn get<T: Pod>(&self, section: Section) -> &[T] {
        bytemuck::cast_slice(self.bytes(section))
    }

    fn bytes(&self, section: Section) -> &[u8] {
        &self.map[section.offset as usize..(section.offset + section.length) as usize]
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))
}
