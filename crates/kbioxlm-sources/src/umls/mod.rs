//! The UMLS Metathesaurus in its Rich Release Format.

mod codes;
mod files;
mod fold;
mod names;
mod relations;
mod rows;

use crate::{FileError, Result, Sink};
use files::Release;
use fold::Folding;
use names::Ranks;
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// A release or subset of the UMLS: names from `MRCONSO.RRF`, semantic types from `MRSTY.RRF`, facts from `MRREL.RRF`,
/// the order of preference among names from `MRRANK.RRF`, and which
/// relations are inverse from `MRDOC.RRF`. Only the first must be there.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Umls {
    /// A directory with the tables (also deeper, as `2025AA/META`), or an archive (`.nlm`, `.zip`) with them. Tables may be
    /// compressed, in archives in the directory, and split into parts (`MRCONSO.RRF.aa.gz`, `MRCONSO.RRF.ab.gz`).
    pub path: PathBuf,
    /// Keep names in these languages (tags: `en`, `zh`); all when empty. Codes of other vocabularies are kept either way.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Keep names and facts from these vocabularies (`MSH`, `SNOMEDCT_US`, `MSHSPA`); from all when empty.
    /// A concept whose names all come from others disappears.
    #[serde(default)]
    pub vocabularies: Vec<String>,
    /// Keep concepts of these semantic types, named (`Disease or Syndrome`) or by identifier (`T047`); of all when empty.
    #[serde(default)]
    pub semantic_types: Vec<String>,
    /// Also keep names and facts that the UMLS suppresses: most are ambiguous, abbreviated for a form, or machine-made.
    #[serde(default)]
    pub suppressible: bool,
    /// Also keep names and facts that have become obsolete in their vocabulary.
    #[serde(default)]
    pub obsolete: bool,
    /// Read facts at all.
    #[serde(default = "yes")]
    pub facts: bool,
    /// Keep facts with these relations (`may_treat`, `is_a`); when empty, with all that say something about medicine:
    /// those that only tell how vocabularies are made (`mapped_to`, `has_expanded_form`) are kept when named here.
    #[serde(default)]
    pub relations: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Umls {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            languages: Vec::new(),
            vocabularies: Vec::new(),
            semantic_types: Vec::new(),
            suppressible: false,
            obsolete: false,
            facts: true,
            relations: Vec::new(),
        }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        let release = Release::open(&self.path)?;
        let Some(conso) = release.open_table("MRCONSO.RRF")? else {
            return Err(FileError::content(
                &self.path,
                None,
                "no MRCONSO.RRF (nor parts of it, nor an archive that has it)",
                "the tables of a UMLS release",
                release.remedy(),
            ));
        };
        let types = release.open_table("MRSTY.RRF")?;
        if types.is_none() && !self.semantic_types.is_empty() {
            return Err(FileError::content(
                &self.path,
                None,
                "no MRSTY.RRF",
                "the table of semantic types, which the option `semantic_types` needs",
                "add the table or remove the option",
            ));
        }
        let rank = release.open_table("MRRANK.RRF")?;
        let relations = if self.facts { release.open_table("MRREL.RRF")? } else { None };
        let doc = if self.facts { release.open_table("MRDOC.RRF")? } else { None };
        self.read_tables(Tables { conso, types, rank, relations, doc }, sink)
    }

    /// The reader proper, on open tables.
    pub(crate) fn read_tables<R: BufRead>(&self, tables: Tables<R>, sink: &mut dyn Sink) -> Result<()> {
        self.check_options()?;
        let ranks = match tables.rank {
            Some((path, reader)) => Ranks::read(Rows::new(&path, reader))?,
            None => Ranks::default(),
        };
        let types = tables.types.map(|(path, reader)| Rows::new(&path, reader));
        let (path, reader) = tables.conso;
        let kept = names::read(self, Rows::new(&path, reader), types, &ranks, sink)?;
        let Some((path, reader)) = tables.relations else { return Ok(()) };
        let folding = match tables.doc {
            Some((path, reader)) => Folding::read(Rows::new(&path, reader))?,
            None => Folding::default(),
        };
        relations::read(self, Rows::new(&path, reader), folding, &kept, sink)
    }

    fn check_options(&self) -> Result<()> {
        let Some(unknown) = self.languages.iter().find(|tag| !codes::LANGUAGES.iter().any(|(_, t)| t == tag)) else {
            return Ok(());
        };
        let known: Vec<&str> = codes::LANGUAGES.iter().map(|(_, tag)| *tag).collect();
        Err(FileError::content(
            &self.path,
            None,
            format!("the language `{unknown}` in the options"),
            format!("languages of the UMLS ({})", known.join(", ")),
            "correct or remove it",
        ))
    }

    fn keeps_vocabulary(&self, sab: &str) -> bool {
        self.vocabularies.is_empty() || self.vocabularies.iter().any(|v| v == sab)
    }
}

/// The tables, each with its name for messages.
pub(crate) struct Tables<R> {
    pub conso: (PathBuf, R),
    pub types: Option<(PathBuf, R)>,
    pub rank: Option<(PathBuf, R)>,
    pub relations: Option<(PathBuf, R)>,
    pub doc: Option<(PathBuf, R)>,
}

#[cfg(test)]
pub(crate) use fold::keeps_direction;

/// The relations that tables here name.
#[cfg(test)]
pub(crate) fn relations() -> impl Iterator<Item = &'static str> + Clone {
    fold::known().chain(relations::BOOKKEEPING)
}

/// For fuzzing: `bytes` hold the five tables, one after the other, separated by `%`.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    let mut parts = bytes.splitn(5, |&b| b == b'%');
    let mut table = |name: &str| parts.next().map(|bytes| (Path::new(name).to_owned(), bytes));
    let conso = table("MRCONSO.RRF").unwrap_or_default();
    let (types, rank, relations) = (table("MRSTY.RRF"), table("MRRANK.RRF"), table("MRREL.RRF"));
    let doc = table("MRDOC.RRF");
    Umls::new("fuzz").read_tables(Tables { conso, types, rank, relations, doc }, sink)
}
