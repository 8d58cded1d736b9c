use kbioxlm_documents::TextSource;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Documents to anchor.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The file or directory, and how it is read.
    #[serde(flatten)]
    pub source: TextSource,
    /// Documents at most, a seeded sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_documents: Option<usize>,
}

impl From<TextSource> for Texts {
    fn from(source: TextSource) -> Self {
        Self { source, max_documents: None }
    }
}

/// Aligned passages: JSONL, a line `{"id": "…", "<lang>": "…", "<lang>": "…", "topic": "…"}`; other keys are passed over.
///
/// Rows of one `topic` come from one article, in its order; without a topic each row is an article of its own.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassageSource {
    /// The two languages, each the key of its passage.
    pub langs: [String; 2],
    /// The file.
    pub path: PathBuf,
    /// Rows at most, a seeded sample of whole articles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_documents: Option<usize>,
}

impl PassageSource {
    /// All rows of a file.
    pub fn new(langs: [&str; 2], path: impl Into<PathBuf>) -> Self {
        Self { langs: langs.map(str::to_owned), path: path.into(), max_documents: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        let read = |json: &str| serde_json::from_str::<Texts>(json).map_err(|e| e.to_string());
        let texts = read(r#"{"path": "a.jsonl", "lang": "en", "max_documents": 3}"#).unwrap();
        let source = TextSource { lang: Some("en".into()), ..TextSource::new("a.jsonl") };
        assert_eq!(texts, Texts { source, max_documents: Some(3) });
        assert!(read(r#"{"path": "a.jsonl", "max_document": 3}"#).unwrap_err().contains("max_document"));
        assert!(read(r#"{"lang": "en"}"#).unwrap_err().contains("path"));
    }
}
