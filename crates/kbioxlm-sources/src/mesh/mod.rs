//! Medical Subject Headings in XML: descriptors (`desc2025.xml`) and supplementary records (`supp2025.xml`).

mod heading;
mod reading;
mod tree;

use crate::{FileError, Result, Sink};
use kbioxlm_files::xml::{Node, Xml};
use reading::Reading;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// A file of Medical Subject Headings. Read both kinds as two sources: the supplementary records refer to the descriptors.
///
/// The terms of a descriptor's concepts other than the preferred one are flagged `narrow`, `broad` or `related`; terms with permuted
/// words (`Diseases, Heart`) `variant_or_misspelling`; trade names `brand_or_alt`. Facts: pharmacological actions
/// (`has_pharmacological_action`), references (`see_also`), and `is_a` in the trees where a narrower heading is a kind of the wider one.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mesh {
    /// The file.
    pub path: PathBuf,
    /// Keep headings of these categories, by letter (`C`) or name (`Diseases`); of all when empty.
    /// Supplementary records are `Chemicals and Drugs`, `Diseases`, `Organisms` …
    #[serde(default)]
    pub categories: Vec<String>,
}

/// Trees, by the letter of their numbers.
const CATEGORIES: [(&str, &str); 16] = [
    ("A", "Anatomy"),
    ("B", "Organisms"),
    ("C", "Diseases"),
    ("D", "Chemicals and Drugs"),
    ("E", "Analytical, Diagnostic and Therapeutic Techniques, and Equipment"),
    ("F", "Psychiatry and Psychology"),
    ("G", "Phenomena and Processes"),
    ("H", "Disciplines and Occupations"),
    ("I", "Anthropology, Education, Sociology, and Social Phenomena"),
    ("J", "Technology, Industry, and Agriculture"),
    ("K", "Humanities"),
    ("L", "Information Science"),
    ("M", "Named Groups"),
    ("N", "Health Care"),
    ("V", "Publication Characteristics"),
    ("Z", "Geographicals"),
];

impl Mesh {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), categories: Vec::new() }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        self.read_from(kbioxlm_files::open(&self.path)?, sink)
    }

    /// The reader proper.
    pub(crate) fn read_from(&self, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
        if let Some(unknown) = self.categories.iter().find(|c| !CATEGORIES.iter().any(|(l, n)| c == l || c == n)) {
            let known: Vec<&str> = CATEGORIES.iter().map(|(letter, _)| *letter).collect();
            let found = format!("the category `{unknown}` in the options");
            let expected = format!("letters of trees ({}) or their names", known.join(", "));
            return Err(FileError::content(&self.path, None, found, expected, "correct or remove it"));
        }
        let mut xml = Xml::new(&self.path, reader);
        let mut reading = Reading::new(self);
        let mut rooted = false;
        while let Some(node) = xml.next_node()? {
            match node {
                Node::Open if !rooted => {
                    rooted = true;
                    check_root(&xml)?;
                    reading.root();
                }
                Node::Open => reading.open(&xml)?,
                Node::Close => reading.close(&xml, sink)?,
            }
        }
        if !rooted {
            return Err(FileError::content(&self.path, None, "no element", ROOTS, AGAIN));
        }
        reading.finish(sink)
    }
}

const ROOTS: &str = "a DescriptorRecordSet or a SupplementalRecordSet";

fn check_root<R: BufRead>(xml: &Xml<R>) -> Result<()> {
    if !matches!(xml.name(), "DescriptorRecordSet" | "SupplementalRecordSet") {
        let found = format!("the element `{}`", xml.name());
        return Err(xml.error(found, ROOTS, "name desc20xx.xml or supp20xx.xml of the MeSH"));
    }
    match xml.attribute("LanguageCode") {
        Some(language) if language != "eng" => {
            let found = format!("MeSH in the language `{language}`");
            Err(xml.error(found, "the English MeSH", "use the UMLS or a table of terms for translations"))
        }
        _ => Ok(()),
    }
}

const AGAIN: &str = "fetch the file again";

/// For fuzzing.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    Mesh::new(Path::new("fuzz.xml")).read_from(bytes, sink)
}
