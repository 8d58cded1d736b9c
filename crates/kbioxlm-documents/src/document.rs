use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

/// A text in one language.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Document {
    /// Unique within its source and language: what the source has (PMID, PMCID, page id, `"id"`), or the file's name and number.
    pub id: String,
    /// Language tag: `en`, `zh`.
    pub lang: String,
    /// The whole text.
    pub text: String,
    /// What the document is about, the same in every language: a Wikidata id (`Q12136`), a PMID. Documents of two languages with
    /// one subject are versions of one article.
    pub subject: Option<String>,
    /// The paragraphs of `text` in bytes: in order, not overlapping, none empty. A document without structure has one.
    pub paragraphs: Vec<Range<usize>>,
}

/// A file of texts.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSource {
    /// The file, or a directory whose files are read in the order of their names. May be compressed with gzip, bzip2 or Zstandard.
    pub path: PathBuf,
    /// What it holds; without it, what the file's name says (`.jsonl`, `.txt`, `.xml`, `.nxml`, …).
    pub format: Option<Format>,
    /// Language of the texts as the knowledge base names it; without it each document's own, as the file declares it or as it is detected.
    pub lang: Option<String>,
}

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
