//! Readers for the tab-separated sources. What is not as it has to be ends the reading with file and line.

use kbioxlm_files::{FileError, Table};
use std::path::Path;

type Result<T> = std::result::Result<T, FileError>;
/// Rows with their line numbers.
type Rows<'a, T> = Box<dyn Iterator<Item = Result<(usize, T)>> + 'a>;

/// A row of a lexicon.
pub(crate) struct TermRow {
    pub concept: String,
    pub lang: String,
    pub text: String,
    pub preferred: bool,
    pub semantic_type: String,
    pub flags: Vec<String>,
}

/// A row of a table of facts.
pub(crate) struct FactRow {
    pub head: String,
    pub relation: String,
    pub tail: String,
}

/// A row of a table of relation labels.
pub(crate) struct LabelRow {
    pub relation: String,
    pub lang: String,
    pub label: String,
}

/// A row of a table of links.
pub(crate) struct LinkRow {
    pub a: String,
    pub b: String,
    /// The languages in which the two concepts have an equal name.
    pub langs: Vec<String>,
}

/// The rows of a lexicon with their line numbers.
pub(crate) fn lexicon(path: &Path) -> Result<Rows<'_, TermRow>> {
    let columns = ["concept_id", "lang", "term", "preferred", "semantic_type", "flags"];
    rows(path, columns, |row, [concept, lang, text, preferred, semantic_type, flags]| {
        let preferred = match preferred.as_str() {
            "1" => true,
            "0" => false,
            other => {
                let found = format!("`{other}` in the column `preferred`");
                return Err(row.error(found, "1 (the name to use first) or 0 (a synonym)", "correct the cell"));
            }
        };
        Ok(TermRow {
            concept: row.id(concept, "concept_id")?,
            lang: row.lang(lang)?,
            text: row.name(text, "term")?,
            preferred,
            semantic_type,
            flags: flags.split(',').map(str::trim).filter(|f| !f.is_empty()).map(str::to_owned).collect(),
        })
    })
}

/// The rows of a table of facts with their line numbers.
pub(crate) fn facts(path: &Path) -> Result<Rows<'_, FactRow>> {
    rows(path, ["head_concept_id", "relation", "tail_concept_id"], |row, [head, relation, tail]| {
        Ok(FactRow {
            head: row.id(head, "head_concept_id")?,
            relation: row.id(relation, "relation")?,
            tail: row.id(tail, "tail_concept_id")?,
        })
    })
}

/// The rows of a table of relation labels with their line numbers.
pub(crate) fn labels(path: &Path) -> Result<Rows<'_, LabelRow>> {
    rows(path, ["relation", "lang", "label"], |row, [relation, lang, label]| {
        Ok(LabelRow {
            relation: row.id(relation, "relation")?,
            lang: row.lang(lang)?,
            label: row.name(label, "label")?,
        })
    })
}

/// The rows of a table of links with their line numbers.
pub(crate) fn links(path: &Path) -> Result<Rows<'_, LinkRow>> {
    rows(path, ["concept_id_a", "concept_id_b", "same_name_in"], |row, [a, b, langs]| {
        let langs = langs.split('+').map(|lang| row.lang(lang.to_owned())).collect::<Result<_>>()?;
        Ok(LinkRow { a: row.id(a, "concept_id_a")?, b: row.id(b, "concept_id_b")?, langs })
    })
}

fn rows<'a, const N: usize, T: 'a>(
    path: &'a Path,
    columns: [&str; N],
    parse: impl Fn(&Row<'a>, [String; N]) -> Result<T> + 'a,
) -> Result<Rows<'a, T>> {
    let table = Table::open(path, &columns)?;
    Ok(Box::new(table.map(move |row| {
        let (line, cells) = row?;
        let row = Row { path, line };
        let cells = <[String; N]>::try_from(cells)
            .map_err(|cells| row.error(format!("{} cells", cells.len()), "one a column", "correct the row"))?;
        Ok((line, parse(&row, cells)?))
    })))
}

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
    fn id(&self, cell: String, column: &str) -> Result<String> {
        if cell.is_empty() {
            return Err(self.error(format!("an empty `{column}`"), "an id", "fill in the cell or remove the row"));
        }
        if cell.contains(char::is_whitespace) {
            let found = format!("`{cell}` in the column `{column}`");
            return Err(self.error(found, "an id without white space", "correct the cell"));
        }
        Ok(cell)
    }

    fn lang(&self, cell: String) -> Result<String> {
        let well_formed = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if well_formed {
            return Ok(cell);
        }
        Err(self.error(format!("`{cell}` for a language"), "a language tag such as `en` or `zh`", "correct the cell"))
    }

    /// A name: not empty, and without white space around it, which would never be found in text.
    fn name(&self, cell: String, column: &str) -> Result<String> {
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
