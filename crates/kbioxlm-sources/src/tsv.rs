//! Readers for the tab-separated tables. What is not as it has to be ends the reading with file and line.

use crate::list::List;
use crate::{FileError, LinkReason, Record, Result, Sink};
use kbioxlm_files::Table;
use std::io::BufRead;
use std::path::Path;

/// Reads a table of terms; errors name `path`.
pub(crate) fn lexicon(path: &Path, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
    let columns = ["concept_id", "lang", "term", "preferred", "semantic_type", "flags"];
    rows(path, reader, columns, |row, [concept, lang, text, preferred, semantic_type, flags]| {
        let preferred = match preferred {
            "1" => true,
            "0" => false,
            other => {
                let found = format!("`{other}` in the column `preferred`");
                return Err(row.error(found, "1 (the name to use first) or 0 (a synonym)", "correct the cell"));
            }
        };
        let concept = row.id(concept, "concept_id")?;
        let semantic_type = semantic_type.trim();
        if !semantic_type.is_empty() {
            sink.record(row.line, Record::Type { concept, semantic_type })?;
        }
        let (lang, text) = (row.lang(lang)?, row.name(text, "term")?);
        let flags = row.list(flags.split(',').map(str::trim).filter(|f| !f.is_empty()))?;
        sink.record(row.line, Record::Term { concept, lang, text, preferred, flags: flags.as_slice() })
    })
}

/// Reads a table of facts; errors name `path`.
pub(crate) fn facts(path: &Path, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
    rows(path, reader, ["head_concept_id", "relation", "tail_concept_id"], |row, [head, relation, tail]| {
        let (head, relation) = (row.id(head, "head_concept_id")?, row.id(relation, "relation")?);
        let tail = row.id(tail, "tail_concept_id")?;
        sink.record(row.line, Record::Fact { head, relation, tail })
    })
}

/// Reads a table of relation labels; errors name `path`.
pub(crate) fn labels(path: &Path, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
    rows(path, reader, ["relation", "lang", "label"], |row, [relation, lang, label]| {
        let (relation, lang) = (row.id(relation, "relation")?, row.lang(lang)?);
        sink.record(row.line, Record::Label { relation, lang, label: row.name(label, "label")? })
    })
}

/// Reads a table of links; errors name `path`.
pub(crate) fn links(path: &Path, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
    rows(path, reader, ["concept_id_a", "concept_id_b", "same_name_in"], |row, [a, b, langs]| {
        let langs = row.list(langs.split('+'))?;
        for lang in langs.as_slice() {
            row.lang(lang)?;
        }
        let (a, b) = (row.id(a, "concept_id_a")?, row.id(b, "concept_id_b")?);
        sink.record(row.line, Record::Link { a, b, reason: LinkReason::SameName(langs.as_slice()) })
    })
}

fn rows<const N: usize>(
    path: &Path,
    reader: impl BufRead,
    columns: [&str; N],
    mut take: impl FnMut(&Row, [&str; N]) -> Result<()>,
) -> Result<()> {
    let mut table = Table::new(path, reader, &columns)?;
    while let Some((line, row)) = table.next_row()? {
        take(&Row { path, line }, std::array::from_fn(|i| row.cell(i)))?;
    }
    Ok(())
}

/// Most entries of a list in one cell.
const MAX_LIST: usize = 32;

/// Where a cell stands, for errors about it.
struct Row<'a> {
    path: &'a Path,
    line: usize,
}

impl Row<'_> {
    fn error(&self, found: impl Into<String>, expected: impl Into<String>, help: &str) -> FileError {
        FileError::content(self.path, self.line, found, expected, help)
    }

    /// An id: neither empty nor with white space, which no other table could be expected to repeat exactly.
    fn id<'c>(&self, cell: &'c str, column: &str) -> Result<&'c str> {
        if cell.is_empty() {
            return Err(self.error(format!("an empty `{column}`"), "an id", "fill in the cell or remove the row"));
        }
        if cell.contains(char::is_whitespace) {
            let found = format!("`{cell}` in the column `{column}`");
            return Err(self.error(found, "an id without white space", "correct the cell"));
        }
        Ok(cell)
    }

    fn list<'c>(&self, entries: impl Iterator<Item = &'c str>) -> Result<List<'c, MAX_LIST>> {
        let mut list = List::new();
        for entry in entries {
            if !list.push(entry) {
                let found = format!("a list of more than {MAX_LIST}");
                return Err(self.error(found, "a few flags or languages", "shorten the list"));
            }
        }
        Ok(list)
    }

    fn lang<'c>(&self, cell: &'c str) -> Result<&'c str> {
        let well_formed = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if well_formed {
            return Ok(cell);
        }
        Err(self.error(format!("`{cell}` for a language"), "a language tag such as `en` or `zh`", "correct the cell"))
    }

    /// A name: not empty, and without white space around it, which would never be found in text.
    fn name<'c>(&self, cell: &'c str, column: &str) -> Result<&'c str> {
        if cell.trim().is_empty() {
            return Err(self.error(format!("an empty `{column}`"), "a name", "fill in the cell or remove the row"));
        }
        if cell.trim().len() != cell.len() {
            let found = format!("white space around `{}` in the column `{column}`", cell.trim());
            return Err(self.error(found, "the name alone", "remove the white space"));
        }
        Ok(cell)
    }
}
