//! Documents that a test set shares with the data a model was trained or chosen on.

mod check;
mod near;

pub use check::{LeakData, LeakExample, LeakKind, LeakOptions, LeakPair, LeakReport, check_leaks};

use kbioxlm_files::{FileError, Table, hash_bytes, write_atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::Path;

/// A document as far as it matters for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    id: String,
    text: String,
}

impl Fingerprint {
    /// Of a document; texts are equal when they differ in white space and case only.
    pub fn new(id: &str, text: &str) -> Self {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        let mut hash = hash_bytes(plain.as_bytes());
        hash.truncate(32);
        Self { id: id.to_owned(), text: hash }
    }
}

/// Documents of a test set that also occur in other data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The other data: `train` or `dev`.
    pub with: String,
    /// Test documents whose id occurs there: the same document, or its translation.
    pub same_id: usize,
    /// Test documents whose text occurs there.
    pub same_text: usize,
    /// Whether the ids on both sides look like row numbers, which then say nothing.
    pub numbered: bool,
    /// Ids of some of these documents.
    pub examples: Vec<String>,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { with, same_id, same_text, numbered, examples } = self;
        write!(
            f,
            "test documents also in {with}: {same_id} by id, {same_text} by text (for example {})",
            examples.join(", ")
        )?;
        match (numbered, same_id > same_text) {
            (true, true) => {
                f.write_str("; the ids look like row numbers that start anew in each file, which would be harmless")
            }
            (false, true) => f.write_str(
                "; documents of one id in two languages are translations: choose other data for training or selection",
            ),
            (_, false) => f.write_str("; remove them from one side"),
        }
    }
}

/// Compares a test set with `other` data called `with`; `None` where they share nothing.
pub fn leak(test: &[Fingerprint], other: &[Fingerprint], with: &str) -> Option<Leak> {
    let ids: BTreeSet<&str> = other.iter().map(|f| f.id.as_str()).collect();
    let texts: BTreeSet<&str> = other.iter().map(|f| f.text.as_str()).collect();
    let same_text: Vec<&Fingerprint> = test.iter().filter(|f| texts.contains(f.text.as_str())).collect();
    let same_id: Vec<&Fingerprint> = test.iter().filter(|f| ids.contains(f.id.as_str())).collect();
    let mut examples: Vec<String> = Vec::new();
    for document in same_text.iter().chain(&same_id) {
        if examples.len() < 3 && !examples.contains(&document.id) {
            examples.push(document.id.clone());
        }
    }
    (!examples.is_empty()).then(|| Leak {
        with: with.to_owned(),
        same_id: same_id.len(),
        same_text: same_text.len(),
        numbered: numbered(test) && numbered(other),
        examples,
    })
}

/// Whether the ids only count the rows: rising numbers without large gaps, from 0 or 1 on.
fn numbered(documents: &[Fingerprint]) -> bool {
    let numbers: Option<Vec<usize>> = documents.iter().map(|f| f.id.parse().ok()).collect();
    numbers.is_some_and(|n| n.is_sorted_by(|a, b| a < b) && n.last().is_some_and(|&last| last <= 2 * n.len()))
}

const COLUMNS: [&str; 3] = ["split", "id", "text_hash"];

/// Writes the fingerprints of the data a model was made with, as a table `split, id, text_hash`.
pub(crate) fn write(path: &Path, splits: &[(String, Vec<Fingerprint>)]) -> Result<(), FileError> {
    write_atomic(path, |w| {
        writeln!(w, "{}", COLUMNS.join("\t"))?;
        for (split, documents) in splits {
            for Fingerprint { id, text } in documents {
                writeln!(w, "{split}\t{}\t{text}", id.replace(['\t', '\n', '\r'], " "))?;
            }
        }
        Ok(())
    })
}

/// Adds documents to those of a split.
pub(crate) fn add(splits: &mut Vec<(String, Vec<Fingerprint>)>, split: &str, documents: Vec<Fingerprint>) {
    match splits.iter_mut().find(|(name, _)| name == split) {
        Some((_, former)) => former.extend(documents),
        None => splits.push((split.to_owned(), documents)),
    }
}

/// Reads what [`write`] wrote.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, Vec<Fingerprint>)>, FileError> {
    let mut splits: Vec<(String, Vec<Fingerprint>)> = Vec::new();
    for row in Table::open(path, &COLUMNS)? {
        let (number, cells) = row?;
        let Ok([split, id, text]) = <[String; 3]>::try_from(cells) else {
            return Err(FileError::content(
                path,
                number,
                "another number of cells",
                "3 cells",
                "fine-tune the model again",
            ));
        };
        add(&mut splits, &split, vec![Fingerprint { id, text }]);
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(rows: &[(&str, &str)]) -> Vec<Fingerprint> {
        rows.iter().map(|(id, text)| Fingerprint::new(id, text)).collect()
    }

    /// Trap 15: the Chinese test documents were translations of the English documents the checkpoint was chosen on.
    #[test]
    fn trap_15_a_test_document_that_is_a_translation_of_a_dev_document_is_reported() {
        let dev = documents(&[("3717", "worsened during risperidone"), ("284", "Depressive symptoms")]);
        let test = documents(&[("284", "抑郁症状"), ("9", "头痛")]);
        let found = leak(&test, &dev, "dev").unwrap();
        assert_eq!((found.same_id, found.same_text, found.numbered), (1, 0, false));
        assert!(found.to_string().contains("translations"), "{found}");
        assert_eq!(leak(&test[1..], &dev, "dev"), None);
    }

    #[test]
    fn equal_texts_are_found_whatever_their_ids() {
        let found = leak(&documents(&[("a", "One  text.")]), &documents(&[("b", "one text.")]), "train").unwrap();
        assert_eq!((found.same_id, found.same_text), (0, 1));
    }

    #[test]
    fn ids_that_count_rows_are_said_to_mean_little() {
        let found =
            leak(&documents(&[("0", "a"), ("2", "b")]), &documents(&[("0", "c"), ("1", "d")]), "train").unwrap();
        assert!(found.numbered);
        let pmids = documents(&[("22239943", "a")]);
        assert!(!leak(&pmids, &pmids, "train").unwrap().numbered);
    }

    #[test]
    fn fingerprints_survive_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("documents.tsv");
        let (train, dev) = (documents(&[("1", "a"), ("2", "b")]), documents(&[("x y", "c")]));
        let splits = vec![("train".to_owned(), train), ("dev".to_owned(), dev)];
        write(&path, &splits).unwrap();
        assert_eq!(read(&path).unwrap(), splits);
    }
}
