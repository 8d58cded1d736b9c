//! Wikipedia's search index as a dump: CirrusSearch, pairs of JSON lines.
//!
//! Both layouts are read: `enwiki-20240101-cirrussearch-content.json.gz`, and `enwiki_content-20260816-00000.json.bz2` in a directory
//! `index_name=enwiki_content`. The first line of a pair has the page's id, the second its fields. Their `text` is the article
//! without headings, tables and captions and with all white space as one space: of its paragraphs, only the end of the lead
//! is known, from `opening_text`. The title is not repeated before the text, which begins with it.

use crate::reader::{Raw, Reader};
use kbioxlm_files::{FileError, Lines, Result, json_line_error};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::BufRead;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Action {
    index: Index,
}

#[derive(Deserialize)]
struct Index {
    #[serde(rename = "_id")]
    id: Id,
}

/// A number that older dumps have as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Name(String),
}

#[derive(Deserialize)]
struct Page<'a> {
    namespace: Option<i64>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    opening_text: Option<String>,
    language: Option<String>,
    wikibase_item: Option<String>,
}

pub(crate) struct Cirrus<R> {
    path: PathBuf,
    lines: Lines<R>,
    passed_over: u64,
}

impl<R: BufRead> Cirrus<R> {
    pub(crate) fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), lines: Lines::new(path, reader), passed_over: 0 }
    }
}

impl<R: BufRead> Reader for Cirrus<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        loop {
            let Some((line, text)) = self.lines.next_line()? else { return Ok(None) };
            let expected = r#"the first line of a pair, with the page's id: {"index": {"_id": …}}"#;
            let action: Action =
                serde_json::from_str(text).map_err(|e| json_line_error(&self.path, line, &e, expected))?;
            let Some((line, text)) = self.lines.next_line()? else {
                let expected = "the page that the last line announces";
                return Err(FileError::content(
                    &self.path,
                    line,
                    "the end of the file",
                    expected,
                    "fetch the file again",
                ));
            };
            let expected = "the second line of a pair: an object with the page's fields";
            let page: Page<'_> =
                serde_json::from_str(text).map_err(|e| json_line_error(&self.path, line, &e, expected))?;
            if page.namespace.is_some_and(|namespace| namespace != 0) {
                self.passed_over += 1;
                continue;
            }
            let id = match action.index.id {
                Id::Number(id) => id.to_string(),
                Id::Name(id) => id,
            };
            let text = with_lead(&page.text, page.opening_text.as_deref().unwrap_or_default());
            let subject = page.wikibase_item.filter(|item| !item.is_empty());
            return Ok(Some(Raw { id, lang: page.language, text, subject, line }));
        }
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// The text with its lead as a paragraph.
fn with_lead(text: &str, lead: &str) -> String {
    let lead = lead.trim();
    match text.strip_prefix(lead) {
        Some(rest) if !lead.is_empty() && rest.starts_with(' ') => format!("{lead}\n\n{}", rest.trim_start()),
        _ => text.to_owned(),
    }
}
