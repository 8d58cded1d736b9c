//! Packages of articles: tar archives, as PubMed Central's Open Access subset has them.

use crate::jats::Jats;
use crate::reader::{MAX_DOCUMENT, Raw, Reader, too_long};
use kbioxlm_files::{FileError, Result};
use std::io::{self, BufRead, Cursor, Read};
use std::path::{Path, PathBuf};
use tar::{EntryType, Header, PaxExtensions};

/// Size of what an archive is made of, in bytes.
const BLOCK: u64 = 512;
/// Longest header of a member, in bytes: its name.
const MAX_HEADER: u64 = 1 << 20;

/// The articles of an archive. Headers are parsed by `tar`, whose own iterator of members cannot be kept beside its archive.
pub(crate) struct Archive<R> {
    path: PathBuf,
    reader: R,
    article: Option<Jats<Cursor<Vec<u8>>>>,
}

/// Whether a file that begins with `head` is an archive.
pub(crate) fn is_archive(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

impl<R: BufRead> Archive<R> {
    pub(crate) fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), reader, article: None }
    }

    /// The next member that is an article; members of other names are passed over.
    fn next_article(&mut self) -> Result<Option<Jats<Cursor<Vec<u8>>>>> {
        // Where a header has no room for a name, members of their own say it before.
        let mut named: Option<String> = None;
        while let Some(header) = self.header()? {
            let size = header.entry_size().map_err(|e| self.damaged(e))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let name = self.member(size, MAX_HEADER)?;
                    named = Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned());
                }
                EntryType::XHeader => {
                    let records = self.member(size, MAX_HEADER)?;
                    let path = PaxExtensions::new(&records).flatten().find(|record| record.key() == Ok("path"));
                    named = path.map(|record| String::from_utf8_lossy(record.value_bytes()).into_owned()).or(named);
                }
                kind => {
                    let name =
                        named.take().unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
                    let file = name.rsplit('/').next().unwrap_or_default();
                    let is_article = file.ends_with(".nxml") || file.ends_with(".xml");
                    if kind.is_file() && is_article && !file.starts_with('.') {
                        let bytes = self.member(size, MAX_DOCUMENT as u64)?;
                        return Ok(Some(Jats::new(&self.path.join(&name), &name, Cursor::new(bytes))));
                    }
                    self.skip(padded(size))?;
                }
            }
        }
        Ok(None)
    }

    /// The next header; `None` at the end, which blocks of zeros mark.
    fn header(&mut self) -> Result<Option<Header>> {
        let mut header = Header::new_old();
        let mut filled = 0;
        while let Some(rest) = header.as_mut_bytes().get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.damaged(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(FileError::io(&self.path, "read", e)),
            }
        }
        if header.as_bytes().iter().all(|&b| b == 0) {
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u32::from(b) })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(self.damaged(io::ErrorKind::InvalidData.into()));
        }
        Ok(Some(header))
    }

    /// A member's content.
    fn member(&mut self, size: u64, limit: u64) -> Result<Vec<u8>> {
        if size > limit {
            return Err(too_long(&self.path, None));
        }
        let mut bytes = Vec::new();
        (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(|e| FileError::io(&self.path, "read", e))?;
        if bytes.len() as u64 != size {
            return Err(self.damaged(io::ErrorKind::UnexpectedEof.into()));
        }
        self.skip(padded(size) - size)?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<()> {
        let skipped = io::copy(&mut (&mut self.reader).take(size), &mut io::sink());
        match skipped {
            Ok(skipped) if skipped == size => Ok(()),
            Ok(_) => Err(self.damaged(io::ErrorKind::UnexpectedEof.into())),
            Err(e) => Err(FileError::io(&self.path, "read", e)),
        }
    }

    fn damaged(&self, error: io::Error) -> FileError {
        let found = format!("an archive that is cut off or damaged ({error})");
        FileError::content(&self.path, None, found, "a whole tar archive", "fetch the file again")
    }
}

/// A size in whole blocks.
fn padded(size: u64) -> u64 {
    size.saturating_add(BLOCK - 1) / BLOCK * BLOCK
}

impl<R: BufRead> Reader for Archive<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        loop {
            if let Some(article) = &mut self.article
                && let Some(document) = article.next()?
            {
                return Ok(Some(document));
            }
            self.article = self.next_article()?;
            if self.article.is_none() {
                return Ok(None);
            }
        }
    }
}
