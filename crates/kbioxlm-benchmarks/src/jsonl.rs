//! Documents with a class or with several labels, one JSON object a line.

use crate::spans::Span;
use kbioxlm_files::{FileError, Lines, jsonl_rows};
use serde::Deserialize;
use std::io::BufRead;
use std::ops::Range;
use std::path::Path;

/// A text and its gold label(s): `L` is `String` (classification) or `Vec<bool>` (multi-label).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled<L> {
    /// Id of the document.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Gold label(s).
    pub label: L,
    /// Entities that the file marks in the text, in its order; mostly none.
    pub entities: Vec<Mention>,
    /// Line of the file, from 1.
    pub line: usize,
}

/// An entity in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Byte range in the text, not empty.
    pub bytes: Range<usize>,
    /// Its type.
    pub label: String,
}

#[derive(Deserialize)]
struct Row<L> {
    id: String,
    text: String,
    label: L,
    #[serde(default)]
    entities: Vec<Span>,
}

/// Reads `{"id", "text", "label"}` lines whose label is a string; also with `"entities": [{"start", "end", "label"}]`, whose offsets
/// count characters.
///
/// # Errors
/// The file cannot be read, is empty, or a line is not such an object.
pub fn read_classification(path: &Path) -> Result<Vec<Labelled<String>>, FileError> {
    classification(path, Lines::open(path)?)
}

pub(crate) fn classification(path: &Path, lines: Lines<impl BufRead>) -> Result<Vec<Labelled<String>>, FileError> {
    let rows: Vec<Labelled<String>> = read(path, lines, r#"an object with the strings "id", "text" and "label""#)?;
    for row in &rows {
        check(
            !row.label.is_empty(),
            path,
            row.line,
            "an empty label",
            "a label",
            "label the document or remove the line",
        )?;
    }
    Ok(rows)
}

/// Reads `{"id", "text", "label"}` lines whose label is a list of 0 and 1, of the same length in all lines.
///
/// # Errors
/// The file cannot be read, is empty, or a line is not such an object.
pub fn read_multilabel(path: &Path) -> Result<Vec<Labelled<Vec<bool>>>, FileError> {
    multilabel(path, Lines::open(path)?)
}

pub(crate) fn multilabel(path: &Path, lines: Lines<impl BufRead>) -> Result<Vec<Labelled<Vec<bool>>>, FileError> {
    let rows: Vec<Labelled<Vec<u8>>> =
        read(path, lines, r#"an object with the strings "id" and "text" and a list of 0 and 1 as "label""#)?;
    let width = rows.first().map_or(0, |r| r.label.len());
    let expected = || {
        if width == 0 {
            "at least one label".to_owned()
        } else {
            format!("{width} labels of 0 or 1, as in the first line")
        }
    };
    rows.into_iter()
        .map(|Labelled { id, text, label, entities, line }| {
            let bad = label.iter().find(|&&l| l > 1);
            let found = bad.map_or_else(|| format!("{} labels", label.len()), |l| format!("the label {l}"));
            let valid = bad.is_none() && width > 0 && label.len() == width;
            check(valid, path, line, &found, &expected(), "correct or remove this line")?;
            Ok(Labelled { id, text, label: label.into_iter().map(|l| l == 1).collect(), entities, line })
        })
        .collect()
}

fn read<L: serde::de::DeserializeOwned>(
    path: &Path,
    lines: Lines<impl BufRead>,
    expected: &'static str,
) -> Result<Vec<Labelled<L>>, FileError> {
    let rows = jsonl_rows::<Row<L>, _>(path, lines, expected)
        .map(|row| {
            let (line, Row { id, text, label, entities }) = row?;
            check(!text.trim().is_empty(), path, line, "an empty text", "a text", "add the text or remove the line")?;
            let entities = mentions(path, line, &text, entities)?;
            Ok(Labelled { id, text, label, entities, line })
        })
        .collect::<Result<Vec<_>, FileError>>()?;
    check(
        !rows.is_empty(),
        path,
        None,
        "no lines (an empty file)",
        expected,
        "check that the file was written completely",
    )?;
    Ok(rows)
}

/// Spans in characters as ranges of bytes.
fn mentions(path: &Path, line: usize, text: &str, spans: Vec<Span>) -> Result<Vec<Mention>, FileError> {
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let length = starts.len() - 1;
    let mention = |Span { start, end, label }: Span| {
        let valid = start < end && end <= length && !label.is_empty();
        let expected = format!("a range within the {length} characters of the text, not empty, with a label");
        let found = format!("the entity {start} to {end}, `{label}`");
        check(valid, path, line, &found, &expected, "correct it; offsets count characters (not bytes) from 0")?;
        Ok(Mention { bytes: starts[start]..starts[end], label })
    };
    spans.into_iter().map(mention).collect()
}

fn check(
    valid: bool,
    path: &Path,
    line: impl Into<Option<usize>>,
    found: &str,
    expected: &str,
    help: &str,
) -> Result<(), FileError> {
    if valid { Ok(()) } else { Err(FileError::content(path, line, found, expected, help)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(content: &str, read: impl Fn(&Path) -> T) -> T {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        read(file.path())
    }

    #[test]
    fn reads_both_kinds() {
        let rows = with("{\"id\":\"7\",\"text\":\"a\",\"label\":\"1\"}\n", read_classification).unwrap();
        assert_eq!(rows, [Labelled { id: "7".into(), text: "a".into(), label: "1".into(), entities: vec![], line: 1 }]);
        let text = "{\"id\":\"7\",\"text\":\"é头痛\",\"label\":\"1\",\"entities\":[{\"start\":1,\"end\":3,\"label\":\"ADE\"}]}\n";
        let rows = with(text, read_classification).unwrap();
        assert_eq!(rows[0].entities, [Mention { bytes: 2..8, label: "ADE".into() }]);
        let rows = with("{\"id\":\"7\",\"text\":\"a\",\"label\":[0,1]}\n", read_multilabel).unwrap();
        assert_eq!(rows[0].label, [false, true]);
    }

    #[test]
    fn bad_lines_are_named() {
        let good = "{\"id\":\"1\",\"text\":\"a\",\"label\":\"x\"}\n";
        for bad in [
            "{\"id\":\"1\",\"text\":\"a\",\"label\":1}",
            "{\"id\":\"1\",\"text\":\"a\"",
            "{\"id\":\"1\",\"label\":\"x\"}",
            "{\"id\":\"1\",\"text\":\"\",\"label\":\"x\"}",
            "{\"id\":\"1\",\"text\":\"a\",\"label\":\"\"}",
            "{\"id\":\"1\",\"text\":\"a\",\"label\":\"x\",\"entities\":[{\"start\":0,\"end\":2,\"label\":\"A\"}]}",
            "{\"id\":\"1\",\"text\":\"a\",\"label\":\"x\",\"entities\":[{\"start\":0,\"end\":0,\"label\":\"A\"}]}",
            "{\"id\":\"1\",\"text\":\"a\",\"label\":\"x\",\"entities\":[{\"start\":0,\"end\":1,\"label\":\"\"}]}",
        ] {
            let message = with(&format!("{good}{bad}\n"), read_classification).unwrap_err().to_string();
            assert!(message.contains(":2: found "), "{message}");
        }
        for bad in ["[0,2]", "[0]", "[0,1,1]", "\"1\"", "[]"] {
            let content = format!(
                "{{\"id\":\"1\",\"text\":\"a\",\"label\":[0,1]}}\n{{\"id\":\"1\",\"text\":\"a\",\"label\":{bad}}}\n"
            );
            let message = with(&content, read_multilabel).unwrap_err().to_string();
            assert!(message.contains(":2: found "), "{message}");
        }
        assert!(with("\n", read_classification).unwrap_err().to_string().contains("found no lines"));
    }
}
