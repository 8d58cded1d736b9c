use crate::{FileError, Reason, Result};
use kbioxlm_files::Lines;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// The rows of a table in Rich Release Format: cells ended by `|`.
pub(super) struct Rows<R> {
    path: PathBuf,
    lines: Lines<R>,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), lines: Lines::new(path, reader) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next row and its line number.
    pub(super) fn next<const N: usize>(&mut self) -> Result<Option<(usize, [&str; N])>> {
        let Some((line, text)) = self.lines.next_line()? else { return Ok(None) };
        let mut pieces = text.split('|');
        let mut cells = [""; N];
        let mut found = 0;
        for (cell, piece) in cells.iter_mut().zip(&mut pieces) {
            *cell = piece;
            found += 1;
        }
        // Some tools that cut subsets leave out the last bar.
        match (pieces.next(), pieces.next()) {
            (None | Some(""), None) if found == N => Ok(Some((line, cells))),
            _ => {
                let found = text.matches('|').count();
                let path = &self.path;
                Err(FileError::content(
                    path,
                    line,
                    format!("{found} cells"),
                    format!("{N} cells, each ended by `|`"),
                    "fetch or export the table again",
                ))
            }
        }
    }
}

/// A concept's identifier, checked: it becomes part of ids, where white space or a bar could do harm.
pub(super) fn cui<'a>(path: &Path, line: usize, cell: &'a str) -> Result<&'a str> {
    if cell.starts_with('C') && cell.len() <= 16 && cell.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(cell);
    }
    let found = format!("`{cell}` for a concept");
    Err(FileError::content(path, line, found, "an identifier such as C0020538", "fetch or export the table again"))
}

/// What the column SUPPRESS says: the reason to leave the row out, if any.
pub(super) fn suppressed(cell: &str) -> Option<Reason> {
    match cell {
        "O" => Some(Reason::Obsolete),
        "E" | "Y" => Some(Reason::Suppressed),
        _ => None,
    }
}

/// Which concepts are kept: a bit for each number. Identifiers have seven digits, so that the map has a megabyte at most.
#[derive(Default)]
pub(super) struct Kept(Vec<u64>);

impl Kept {
    pub(super) fn insert(&mut self, cui: &str) {
        let Some(number) = number(cui) else { return };
        if self.0.len() <= number / 64 {
            self.0.resize(number / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Identifiers of another form, as the NCI Metathesaurus has, cannot be told and count as kept.
    pub(super) fn contains(&self, cui: &str) -> bool {
        number(cui).is_none_or(|n| self.0.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1))
    }
}

fn number(cui: &str) -> Option<usize> {
    let digits = cui.strip_prefix('C')?;
    (digits.len() == 7).then(|| digits.parse().ok()).flatten()
}
