//! JSON lines.

use crate::reader::{Raw, Reader};
use kbioxlm_files::{Lines, Result, json_line_error};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::BufRead;
use std::path::{Path, PathBuf};

const EXPECTED: &str = r#"an object with the strings "id" and "text""#;

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    lang: Option<String>,
    subject: Option<String>,
}

pub(crate) struct Jsonl<R> {
    path: PathBuf,
    lines: Lines<R>,
}

impl<R: BufRead> Jsonl<R> {
    pub(crate) fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), lines: Lines::new(path, reader) }
    }
}

impl<R: BufRead> Reader for Jsonl<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        while let Some((line, text)) = self.lines.next_line()? {
            if text.trim().is_empty() {
                continue;
            }
            let row: Row<'_> =
                serde_json::from_str(text).map_err(|e| json_line_error(&self.path, line, &e, EXPECTED))?;
            return Ok(Some(Raw {
                id: row.id.into_owned(),
                lang: row.lang,
                text: row.text.into_owned(),
                subject: row.subject,
                line,
            }));
        }
        Ok(None)
    }
}
