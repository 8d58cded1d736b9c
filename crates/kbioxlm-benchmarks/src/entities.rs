//! Text with entities in any of the formats, told by the content.

use crate::conll::{self, Conll, Join};
use crate::{bioc, brat, pubtator, spans};
use kbioxlm_files::{FileError, Lines, Result, jsonl_rows, open};
use serde::Deserialize;
use std::io::{BufRead, Cursor, Read};
use std::path::Path;

/// How much of a file is read to tell its format.
const HEAD: u64 = 64 << 10;

/// A format of text with entities.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `-DOCSTART-<TAB>id`, `token<TAB>tag`.
    Conll,
    /// `{"id", "text", "entities": [{"start", "end", "label"}]}`.
    Jsonl,
    /// A directory of `.txt` and `.ann` files.
    Brat,
    /// `id|t|title`, `id|a|abstract`, rows of mentions.
    PubTator,
    /// BioC XML.
    Bioc,
}

impl Format {
    /// The format of a file or directory, by its first line that is not empty. What looks like none of the others is CoNLL.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        Ok(open_told(path)?.0)
    }

    fn of_head(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let head = head.trim_start_matches('\u{feff}').trim_start();
        let line = head.lines().next().unwrap_or_default();
        match head.chars().next() {
            // A token may be a brace or `<`, but then a tag stands behind it.
            _ if line.rsplit_once('\t').is_some_and(|(_, tag)| tag.trim_end().parse::<crate::Tag>().is_ok()) => {
                Self::Conll
            }
            Some('{') => Self::Jsonl,
            Some('<') => Self::Bioc,
            _ if pubtator::begins_with(line) => Self::PubTator,
            _ => Self::Conll,
        }
    }
}

/// The format, and the whole file unless it is a directory.
fn open_told(path: &Path) -> Result<(Format, Box<dyn BufRead>)> {
    if path.is_dir() {
        return Ok((Format::Brat, Box::new(std::io::empty())));
    }
    let mut input = open(path)?;
    let mut head = Vec::new();
    (&mut input).take(HEAD).read_to_end(&mut head).map_err(|e| FileError::io(path, "read", e))?;
    Ok((Format::of_head(&head), Box::new(Cursor::new(head).chain(input))))
}

/// Reads texts with entities: CoNLL (see [`read_conll`](crate::read_conll)), JSONL with spans, a directory of BRAT standoff, PubTator or BioC XML.
///
/// Offsets are in characters. Where the format has running text, tokens are its words (UAX #29; Chinese characters one by one), cut
/// at the ends of entities; of entities that overlap, the longest stays; one in several pieces becomes the span that covers them
/// ([`Conll::simplified`] counts both). `join` is for CoNLL only.
///
/// # Errors
/// The file cannot be read, or is not what its beginning promises; a mention is not what stands in the text.
pub fn read_entities(path: &Path, join: Join) -> Result<Conll> {
    let (format, input) = open_told(path)?;
    match format {
        Format::Conll => conll::read(path, Lines::new(path, input), join),
        Format::Jsonl => spans::read(path, Lines::new(path, input)),
        Format::Brat => brat::read(path),
        Format::PubTator => pubtator::read(path, Lines::new(path, input)),
        Format::Bioc => bioc::read(path, input),
    }
}

/// The ids and texts of a benchmark of any task, in any format that is read here.
///
/// # Errors
/// As [`read_entities`]; of JSONL only `id` and `text` are looked at.
pub fn read_benchmark_texts(path: &Path) -> Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        text: String,
    }
    let (format, input) = open_told(path)?;
    if format == Format::Jsonl {
        let rows = jsonl_rows::<Row, _>(path, Lines::new(path, input), r#"an object with the strings "id" and "text""#);
        return rows.map(|row| row.map(|(_, row)| (row.id, row.text))).collect();
    }
    Ok(read_entities(path, Join::Auto)?.documents.into_iter().map(|d| (d.id, d.text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_the_format() {
        for (head, expected) in [
            ("-DOCSTART-\t1\n\na\tO\n", Format::Conll),
            ("\n\n{\tO\n", Format::Conll),
            ("<\tB-X\n", Format::Conll),
            ("a O\n", Format::Conll),
            ("", Format::Conll),
            ("\u{feff}{\"id\": \"1\",\t\"text\": \"a\"}", Format::Jsonl),
            ("<?xml version=\"1.0\"?>\n<collection>", Format::Bioc),
            ("\n227508|t|Naloxone reverses\n", Format::PubTator),
            ("a b|t|c\n", Format::Conll),
        ] {
            assert_eq!(Format::of_head(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn every_format_is_read_by_one_function() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let write = |name: &str, content: &str| std::fs::write(path(name), content).unwrap();
        write("a.conll", "-DOCSTART-\td\n\nfever\tB-D\nrose\tO\n");
        write(
            "a.jsonl",
            "{\"id\":\"d\",\"text\":\"fever rose\",\"entities\":[{\"start\":0,\"end\":5,\"label\":\"D\"}]}\n",
        );
        write("a.pubtator", "d|t|fever\nd|a|rose\nd\t0\t5\tfever\tD\tC1\n");
        write(
            "a.xml",
            "<collection><document><id>d</id><passage><offset>0</offset><text>fever rose</text><annotation>\
             <infon key=\"type\">D</infon><location offset=\"0\" length=\"5\"/><text>fever</text></annotation></passage>\
             </document></collection>",
        );
        std::fs::create_dir(path("brat")).unwrap();
        write("brat/d.txt", "fever rose");
        write("brat/d.ann", "T1\tD 0 5\tfever\n");
        for name in ["a.conll", "a.jsonl", "a.pubtator", "a.xml", "brat"] {
            let conll = read_entities(&path(name), Join::Auto).unwrap();
            let document = &conll.documents[0];
            assert_eq!(
                (document.id.as_str(), document.text.as_str(), document.tokens.len()),
                ("d", "fever rose", 2),
                "{name}"
            );
            assert_eq!(document.entities, [crate::TokenSpan { label: "D".into(), start: 0, end: 1 }], "{name}");
            assert_eq!(
                read_benchmark_texts(&path(name)).unwrap(),
                [("d".to_owned(), "fever rose".to_owned())],
                "{name}"
            );
        }
        assert!(read_entities(&path("none"), Join::Auto).unwrap_err().to_string().contains("none"));
    }
}
