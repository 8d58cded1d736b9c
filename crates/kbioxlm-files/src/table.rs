use crate::{FileError, Input, Lines, Result, open};
use std::fmt;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// A tab-separated table with a header line; columns are found by name, never by position.
pub struct Table<R = Input> {
    path: PathBuf,
    lines: Lines<R>,
    /// Cells in each row.
    width: usize,
    /// Where the columns asked for stand.
    columns: Vec<usize>,
    /// For the row at hand: where each cell begins, and one past the line's end.
    starts: Vec<usize>,
}

/// A row of a [`Table`].
#[derive(Copy, Clone, Debug)]
pub struct Row<'a> {
    text: &'a str,
    columns: &'a [usize],
    starts: &'a [usize],
}

impl<'a> Row<'a> {
    /// The cell of the `i`-th of the columns asked for; empty when there were fewer.
    pub fn cell(&self, i: usize) -> &'a str {
        let range = || {
            let column = *self.columns.get(i)?;
            // The next cell begins after the tab.
            Some(*self.starts.get(column)?..self.starts.get(column + 1)?.checked_sub(1)?)
        };
        range().and_then(|range| self.text.get(range)).unwrap_or_default()
    }
}

impl Table {
    /// Opens a table that has (at least) the `columns` named; rows have their cells in this order.
    /// Compressed files are decompressed as by [`open`].
    ///
    /// # Errors
    /// The file cannot be read, is empty, or lacks a column.
    pub fn open(path: &Path, columns: &[&str]) -> Result<Self> {
        Self::new(path, open(path)?, columns)
    }
}

impl<R: BufRead> Table<R> {
    /// The table in `reader`; errors name `path`.
    ///
    /// # Errors
    /// As of [`Table::open`].
    pub fn new(path: &Path, reader: R, columns: &[&str]) -> Result<Self> {
        let mut lines = Lines::new(path, reader);
        let wanted = || format!("a header line with the tab-separated columns {}", columns.join(", "));
        let Some((number, header)) = lines.next_line()? else {
            return Err(FileError::content(
                path,
                None,
                "an empty file",
                wanted(),
                "check that the file was written completely",
            ));
        };
        let names: Vec<&str> = header.split('\t').collect();
        let position = |column: &&str| {
            names.iter().position(|n| n == column).ok_or_else(|| {
                FileError::content(
                    path,
                    number,
                    format!("the columns {}", names.join(", ")),
                    format!("a column `{column}`"),
                    "add the column or rename the one that holds it",
                )
            })
        };
        let columns = columns.iter().map(position).collect::<Result<Vec<_>>>()?;
        let width = names.len();
        Ok(Self { path: path.to_owned(), lines, width, columns, starts: Vec::with_capacity(width + 1) })
    }

    /// The next row and its line number, without an allocation of its own.
    ///
    /// # Errors
    /// The line cannot be read, or has more or fewer cells than the header line.
    pub fn next_row(&mut self) -> Result<Option<(usize, Row<'_>)>> {
        let Self { path, lines, width, columns, starts } = self;
        let Some((number, text)) = lines.next_line()? else { return Ok(None) };
        starts.clear();
        starts.push(0);
        starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\t').map(|(i, _)| i + 1));
        starts.push(text.len() + 1);
        if starts.len() != *width + 1 {
            let found = format!("{} cells", starts.len() - 1);
            return Err(FileError::content(
                path,
                number,
                found,
                format!("{width} cells, as in the header line"),
                "separate the cells by single tabs, also empty ones",
            ));
        }
        Ok(Some((number, Row { text, columns, starts })))
    }
}

impl<R> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("lines", &self.lines).field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl<R: BufRead> Iterator for Table<R> {
    /// (line number, cells in the order of the columns asked for)
    type Item = Result<(usize, Vec<String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.columns.len();
        let row = self.next_row();
        row.map(|row| row.map(|(line, row)| (line, (0..count).map(|i| row.cell(i).to_owned()).collect()))).transpose()
    }
}
