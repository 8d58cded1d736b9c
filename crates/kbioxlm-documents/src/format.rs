use kbioxlm_files::{FileError, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A format of text files.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON object a line: `{"id": "…", "text": "…"}`, also `"lang"` and `"subject"`; other keys are passed over.
    Jsonl,
    /// Plain text, a document a file; empty lines separate paragraphs.
    Text,
    /// PubMed/MEDLINE XML: titles and abstracts, `VernacularTitle` and `OtherAbstract` in their languages.
    Medline,
    /// JATS XML, as in the PMC Open Access subset.
    Jats,
    /// Wikipedia's CirrusSearch content dump: pairs of JSON lines.
    Cirrus,
}

impl Format {
    /// The names that are known.
    pub(crate) const NAMES: &str =
        "a name that ends in .jsonl or .ndjson (JSON lines), or .txt (plain text), also before .gz, .bz2 or .zst";

    /// What the file's name says.
    ///
    /// # Errors
    /// It says nothing.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Self::named(path).ok_or_else(|| {
            let found = "a name that does not tell what it holds";
            let help = "say what it is: format = \"jsonl\", \"text\", \"medline\", \"jats\" or \"cirrus\"";
            FileError::content(path, None, found, Self::NAMES, help)
        })
    }

    pub(crate) fn named(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        match bare(&name).rsplit_once('.')?.1 {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }
}

/// A name without what compression adds to it.
pub(crate) fn bare(name: &str) -> &str {
    [".gz", ".bz2", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
