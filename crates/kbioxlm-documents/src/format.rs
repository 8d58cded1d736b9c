use kbioxlm_files::{FileError, Input, Result};
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Read};
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
    /// JATS XML, as in the PMC Open Access subset; also its packages (`.tar.gz`).
    Jats,
    /// Wikipedia's CirrusSearch content dump: pairs of JSON lines.
    Cirrus,
}

/// What a file's name says that it holds.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Named {
    As(Format),
    /// Medline or JATS, as its first element says.
    Xml,
}

/// The names that are known, and what they say.
pub(crate) const NAMES: &str = "a name that ends in .jsonl or .ndjson (JSON lines), .txt (plain text), .xml (PubMed or JATS), .nxml, \
    .tar (JATS), or that a CirrusSearch dump has (-cirrussearch-content.json, _content-20260816-00000.json), also before .gz, .bz2 or .zst";

const SAY: &str = "say what it is: format = \"jsonl\", \"text\", \"medline\", \"jats\" or \"cirrus\"";

/// How much of a file is read to find its first element.
const HEAD: u64 = 64 << 10;

impl Named {
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let (stem, ending) = bare(&name).rsplit_once('.')?;
        match ending {
            "jsonl" | "ndjson" => Some(Self::As(Format::Jsonl)),
            "txt" => Some(Self::As(Format::Text)),
            "nxml" | "tar" | "tgz" => Some(Self::As(Format::Jats)),
            "xml" => Some(Self::Xml),
            "json" if is_cirrus(stem) => Some(Self::As(Format::Cirrus)),
            _ => None,
        }
    }

    /// Whether a file of this name may be of the format.
    pub fn may_be(self, format: Format) -> bool {
        match self {
            Self::As(named) => named == format,
            Self::Xml => matches!(format, Format::Medline | Format::Jats),
        }
    }
}

/// `enwiki-20240101-cirrussearch-content`, `enwiki_content-20260816-00000`.
fn is_cirrus(stem: &str) -> bool {
    let numbers = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    stem.contains("cirrussearch") || stem.split_once("_content-").is_some_and(|(_, rest)| numbers(rest))
}

/// The error about a file whose name says nothing.
pub(crate) fn unknown(path: &Path) -> FileError {
    FileError::content(path, None, "a name that does not tell what it holds", NAMES, SAY)
}

/// What a file begins with; and the whole input again.
pub(crate) fn head(path: &Path, mut input: Input) -> Result<(Vec<u8>, Input)> {
    let mut head = Vec::new();
    (&mut input).take(HEAD).read_to_end(&mut head).map_err(|e| FileError::io(path, "read", e))?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(input))))
}

/// What the first element of a file says that begins with `head`.
pub(crate) fn of_xml(path: &Path, head: &[u8]) -> Result<Format> {
    let root = first_element(&String::from_utf8_lossy(head));
    match root.as_str() {
        "PubmedArticleSet" | "MedlineCitationSet" | "PubmedArticle" => Ok(Format::Medline),
        "article" | "pmc-articleset" | "articles" => Ok(Format::Jats),
        root => {
            let found = if root.is_empty() { "no element".to_owned() } else { format!("the element `{root}`") };
            let expected = "a PubmedArticleSet (PubMed) or an article (JATS)";
            Err(FileError::content(path, None, found, expected, "check that this is the file you meant"))
        }
    }
}

/// The name of the first element, behind declarations and comments.
fn first_element(head: &str) -> String {
    let mut rest = head;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = match rest.as_bytes().first() {
            Some(b'?') => "?>",
            Some(b'!') if rest.starts_with("!--") => "-->",
            // A document type may declare elements and entities between brackets.
            Some(b'!') if rest.find('[').is_some_and(|open| rest.find('>').is_none_or(|close| open < close)) => "]>",
            Some(b'!') => ">",
            _ => return rest.chars().take(80).take_while(|&c| !matches!(c, '>' | '/') && !c.is_whitespace()).collect(),
        };
        rest = rest.find(end).and_then(|at| rest.get(at + end.len()..)).unwrap_or_default();
    }
    String::new()
}

/// A name without what compression adds to it.
pub(crate) fn bare(name: &str) -> &str {
    [".gz", ".bz2", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// A name without its ending.
pub(crate) fn stem(name: &str) -> &str {
    let bare = bare(name);
    [".txt", ".nxml", ".xml"].iter().find_map(|ending| bare.strip_suffix(ending)).unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_formats() {
        for (name, expected) in [
            ("a.jsonl", Some(Named::As(Format::Jsonl))),
            ("A.NDJSON.GZ", Some(Named::As(Format::Jsonl))),
            ("a.txt.zst", Some(Named::As(Format::Text))),
            ("pubmed25n0001.xml.gz", Some(Named::Xml)),
            ("main.nxml", Some(Named::As(Format::Jats))),
            ("oa_comm_xml.PMC000xxxxxx.tar.gz", Some(Named::As(Format::Jats))),
            ("a.tgz", Some(Named::As(Format::Jats))),
            ("enwiki-20240101-cirrussearch-content.json.gz", Some(Named::As(Format::Cirrus))),
            ("zhwiki_content-20260816-00003.json.bz2", Some(Named::As(Format::Cirrus))),
            ("a_content-b.json", None),
            ("a.json", None),
            ("README", None),
            ("pubmed25n0001.xml.gz.md5", None),
        ] {
            assert_eq!(Named::of(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_first_element_is_found() {
        assert_eq!(
            first_element("<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ELEMENT b (c)>]>\n<!-- <d> --><e f=\"g\">"),
            "e"
        );
        assert_eq!(first_element("<!DOCTYPE article PUBLIC \"x\" \"y\"><article>"), "article");
        assert_eq!(first_element("<!-- never ended <a>"), "");
        assert_eq!(first_element("text"), "");
    }
}
