//! Rows of a table as spreadsheets and pandas write them: tab-separated, with cells in quotes where these have quotes, tabs or
//! line ends inside. The project's own tables know no quoting, and libraries for it read on without end where a quote stays open.

use crate::{FileError, Result};
use kbioxlm_files::Lines;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Longest row in quotes, in bytes and in lines.
const MAX_ROW: usize = 1 << 20;
const MAX_LINES: usize = 100;

/// A table with `N` columns of interest, found by name.
pub(super) struct Rows<R, const N: usize> {
    path: PathBuf,
    lines: Lines<R>,
    /// Cells in each row.
    width: usize,
    /// Where the columns of interest stand; optional ones may be missing.
    columns: [Option<usize>; N],
    text: String,
    cells: Vec<String>,
}

impl<R: BufRead, const N: usize> Rows<R, N> {
    /// Reads up to the header line; lines before it that begin with `#` are comments.
    pub fn new(path: &Path, reader: R, required: &[&str], optional: &[&str]) -> Result<Self> {
        let lines = Lines::new(path, reader);
        let mut rows =
            Self { path: path.to_owned(), lines, width: 0, columns: [None; N], text: String::new(), cells: Vec::new() };
        let wanted = format!("a header line with the tab-separated columns {}", required.join(", "));
        let Some(line) = rows.gather()? else {
            let help = "check that the file was written completely";
            return Err(FileError::content(path, None, "no table", wanted, help));
        };
        rows.width = rows.cells.len();
        for (place, name) in rows.columns.iter_mut().zip(required.iter().chain(optional)) {
            *place = rows.cells.iter().position(|cell| cell == name);
            if place.is_none() && required.contains(name) {
                let found = format!("the columns {}", rows.cells.join(", "));
                let help = "add the column or rename the one that holds it";
                return Err(FileError::content(path, line, found, format!("a column `{name}`"), help));
            }
        }
        Ok(rows)
    }

    /// The next row and the line where it begins; missing optional cells are empty.
    pub fn next_row(&mut self) -> Result<Option<(usize, [&str; N])>> {
        let Some(line) = self.gather()? else { return Ok(None) };
        if self.cells.len() != self.width {
            let found = format!("{} cells", self.cells.len());
            let expected = format!("{} cells, as in the header line", self.width);
            let help = "separate the cells by single tabs, also empty ones";
            return Err(FileError::content(&self.path, line, found, expected, help));
        }
        let cell = |column: Option<usize>| column.and_then(|c| self.cells.get(c)).map_or("", |cell| cell.trim());
        Ok(Some((line, self.columns.map(cell))))
    }

    /// Fills `cells` with the next row that is neither empty nor a comment.
    fn gather(&mut self) -> Result<Option<usize>> {
        let first = loop {
            let Some((line, text)) = self.lines.next_line()? else { return Ok(None) };
            if !text.starts_with('#') && !text.trim().is_empty() {
                text.clone_into(&mut self.text);
                break line;
            }
        };
        let mut count = 1;
        while !split(&self.text, &mut self.cells) {
            count += 1;
            let next = self.lines.next_line()?.map(|(_, text)| text);
            let Some(next) = next.filter(|next| count <= MAX_LINES && self.text.len() + next.len() < MAX_ROW) else {
                return Err(FileError::content(
                    &self.path,
                    first,
                    "a cell that begins with a quote which is never closed",
                    "quotes at both ends of a cell",
                    "close the quote, or double it if it is part of the text",
                ));
            };
            self.text.push('\n');
            self.text.push_str(next);
        }
        Ok(Some(first))
    }
}

/// Splits a row into cells; `false` if a quote is still open at its end.
fn split(row: &str, cells: &mut Vec<String>) -> bool {
    cells.clear();
    let mut rest = Some(row);
    while let Some(text) = rest {
        if let Some(inner) = text.strip_prefix('"') {
            let Some(end) = closing(inner) else { return false };
            let (cell, after) = inner.split_at(end);
            let after = after.get(1..).unwrap_or_default();
            if after.is_empty() || after.starts_with('\t') {
                cells.push(cell.replace("\"\"", "\""));
                rest = after.strip_prefix('\t');
                continue;
            }
            // `"Dry" eyes`: the quotes are part of the text.
        }
        let (cell, after) = text.split_once('\t').map_or((text, None), |(cell, after)| (cell, Some(after)));
        cells.push(cell.to_owned());
        rest = after;
    }
    true
}

/// Where the first quote that is not doubled stands.
fn closing(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('"').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cells_may_stand_in_quotes() {
        for (row, expected) in [
            ("a\tb\t", vec!["a", "b", ""]),
            ("", vec![""]),
            ("\"Ambiguous genitalia, male\"\tb", vec!["Ambiguous genitalia, male", "b"]),
            ("a\t\"so \"\"called\"\"\"", vec!["a", "so \"called\""]),
            ("\"\"\t\"\"\"\"", vec!["", "\""]),
            ("\"a\tb\nc\"\td", vec!["a\tb\nc", "d"]),
            ("\"Dry\" eyes\td", vec!["\"Dry\" eyes", "d"]),
            ("3\" needle\td", vec!["3\" needle", "d"]),
        ] {
            let mut cells = Vec::new();
            assert!(split(row, &mut cells), "{row}");
            assert_eq!(cells, expected, "{row}");
        }
        assert!(!split("a\t\"b\t\"\"c", &mut Vec::new()));
    }
}
