use crate::table::Reader;
use crate::{AnchorConfig, CorpusReport, Example, Result};
use kbioxlm_files::{FileError, hash_file, read_json};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the directory's format that is written.
///
/// Version 1, which is read too, does not say where texts come from ([`Segment::source`](crate::Segment::source)).
pub const FORMAT_VERSION: u32 = 2;

pub(crate) const FORMAT: &str = "kbioxlm-corpus";
pub(crate) const EXAMPLES: &str = "examples.parquet";
pub(crate) const MANIFEST: &str = "manifest.json";

/// What stands in `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub format: String,
    pub version: u32,
    pub examples: u64,
    /// BLAKE3 of the Parquet file.
    pub hash: String,
    pub sources: Vec<SourceFile>,
    pub config: AnchorConfig,
    pub report: CorpusReport,
}

/// A file that the corpus was built from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SourceFile {
    /// `en` (empty if the documents have their own), of passages `en-zh`, of texts that must not be in the corpus `excluded`.
    pub languages: String,
    /// Name, below the directory if that is the source.
    pub file: String,
    /// BLAKE3 of the content.
    pub hash: String,
}

/// The kinds of manifest are told apart before their keys are looked at.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// A corpus on disk, as [`build`](crate::build) writes it.
#[derive(Clone, Debug)]
pub struct Corpus {
    examples: PathBuf,
    manifest: Manifest,
}

impl Corpus {
    /// Opens a corpus and verifies that its examples are those that were written.
    ///
    /// # Errors
    /// A file is missing, of another format or version, or was changed or cut off.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let expected = "the manifest of a corpus";
        let header: Header = read_json(&path, expected)?;
        if header.format != FORMAT || !(1..=FORMAT_VERSION).contains(&header.version) {
            let found = format!("format {} version {}", header.format, header.version);
            let wanted = format!("format {FORMAT} version 1 or {FORMAT_VERSION}");
            let help = "name a directory that `corpus build` wrote, or build it again with this version";
            return Err(FileError::content(&path, None, found, wanted, help).into());
        }
        let manifest: Manifest = read_json(&path, expected)?;
        let examples = dir.join(EXAMPLES);
        let hash = hash_file(&examples)?;
        if hash != manifest.hash {
            let (found, wanted) =
                (format!("content of hash {hash}"), format!("{}, as manifest.json says", manifest.hash));
            return Err(FileError::content(&examples, None, found, wanted, "build the corpus again").into());
        }
        Ok(Self { examples, manifest })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.manifest.examples as usize
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The examples in the order in which they were written, read as they are asked for.
    ///
    /// # Errors
    /// The file cannot be read; each item: the row is not an example.
    pub fn examples(&self) -> Result<impl Iterator<Item = Result<Example>> + use<>> {
        Reader::open(&self.examples)
    }

    /// Hash of the examples: the same for the same corpus, wherever it was built.
    pub fn hash(&self) -> &str {
        &self.manifest.hash
    }

    /// The configuration it was built with, languages and levels named.
    pub fn config(&self) -> &AnchorConfig {
        &self.manifest.config
    }

    /// What went in and came out when it was built.
    pub fn report(&self) -> &CorpusReport {
        &self.manifest.report
    }
}
