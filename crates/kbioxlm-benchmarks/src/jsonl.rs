//! Documents with a class or with several labels, one JSON object a line.

use kbioxlm_files::{FileError, Lines, jsonl_rows};
use serde::Deserialize;
use std::io::BufRead;
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
    /// Line of the file, from 1.
    pub line: usize,
}

#[derive(Deserialize)]
struct Row<L> {
    id: String,
    text: String,
    label: L,
}

/// Reads `{"id", "text", "label"}` lines whose label is a string.
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
        .map(|Labelled { id, text, label, line }| {
            let bad = label.iter().find(|&&l| l > 1);
            let found = bad.map_or_else(|| format!("{} labels", label.len()), |l| format!("the label {l}"));
            let valid = bad.is_none() && width > 0 && label.len() == width;
            check(valid, path, line, &found, &expected(), "correct or remove this line")?;
            Ok(Labelled { id, text, label: label.into_iter().map(|l| l == 1).collect(), line })
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
            let (line, Row { id, text, label }) = row?;
            check(!text.trim().is_empty(), path, line, "an empty text", "a text", "add the text or remove the line")?;
            Ok(Labelled { id, text, label, line })
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
        assert_eq!(rows, [Labelled { id: "7".into(), text: "a".into(), label: "1".into(), line: 1 }]);
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
