//! The knowledge base on disk: a directory of Parquet tables and a manifest.
//!
//! | table | columns |
//! |---|---|
//! | `concepts.parquet` | id, semantic_type, members (list) |
//! | `terms.parquet` | concept (row of the concepts), lang, term, preferred, case_sensitive, translation, matched, flags (list) |
//! | `facts.parquet` | head, tail (rows of the concepts), relation (number of the relation) |
//! | `relations.parquet` | number, relation, lang, label; lang and label are null for a relation without labels |

use crate::types::{Relation, Tables};
use crate::{Concept, ConceptIndex, Fact, KnowledgeError, RelationIndex, Result, Term};
use arrow::array::{
    Array, ArrayRef, BooleanArray, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt16Array,
    UInt32Array,
};
use kbioxlm_files::{FileError, StagedDir, hash_file, read_json, write_json_atomic};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const FORMAT: &str = "kbioxlm-knowledge";
/// Raised whenever a reader of the former version could not read the tables or would misunderstand them.
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const REBUILD: &str = "build the knowledge base again (`kbioxlm knowledge build`)";

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    tables: BTreeMap<String, TableEntry>,
}

#[derive(Serialize, Deserialize)]
struct TableEntry {
    rows: usize,
    blake3: String,
}

/// What every version of the manifest has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// Writes `tables` to the directory `out`.
pub(crate) fn write(tables: &Tables, out: &Path) -> Result<()> {
    let staged = StagedDir::new(out)?;
    let batches = [
        ("concepts", concepts_to_batch(&tables.concepts)),
        ("terms", terms_to_batch(&tables.terms)),
        ("facts", facts_to_batch(&tables.facts)),
        ("relations", relations_to_batch(&tables.relations)),
    ];
    let mut manifest = Manifest { format: FORMAT.to_owned(), version: VERSION, tables: BTreeMap::new() };
    for (name, batch) in batches {
        let path = staged.path().join(file_name(name));
        let failed = |message: String| KnowledgeError::Table { path: out.join(file_name(name)), message };
        let batch = batch.map_err(|e| failed(e.to_string()))?;
        write_table(&path, &batch).map_err(|e| failed(e.to_string()))?;
        manifest.tables.insert(name.to_owned(), TableEntry { rows: batch.num_rows(), blake3: hash_file(&path)? });
    }
    write_json_atomic(&staged.path().join(MANIFEST), &manifest)?;
    Ok(staged.commit()?)
}

fn file_name(table: &str) -> String {
    format!("{table}.parquet")
}

fn write_table(path: &Path, batch: &RecordBatch) -> parquet::errors::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn strings<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn lists<'a>(values: impl Iterator<Item = &'a Vec<String>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for list in values {
        for value in list {
            builder.values().append_value(value);
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<BooleanArray>())
}

fn numbers(values: impl Iterator<Item = ConceptIndex>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values.map(|c| c.0)))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> arrow::error::Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, array)| (name, array, matches!(name, "lang" | "label"))),
    )
}

fn concepts_to_batch(concepts: &[Concept]) -> arrow::error::Result<RecordBatch> {
    batch([
        ("id", strings(concepts.iter().map(|c| c.id.as_str()))),
        ("semantic_type", strings(concepts.iter().map(|c| c.semantic_type.as_str()))),
        ("members", lists(concepts.iter().map(|c| &c.members))),
    ])
}

fn terms_to_batch(terms: &[Term]) -> arrow::error::Result<RecordBatch> {
    batch([
        ("concept", numbers(terms.iter().map(|t| t.concept))),
        ("lang", strings(terms.iter().map(|t| t.lang.as_str()))),
        ("term", strings(terms.iter().map(|t| t.text.as_str()))),
        ("preferred", flags(terms.iter().map(|t| t.preferred))),
        ("case_sensitive", flags(terms.iter().map(|t| t.case_sensitive))),
        ("translation", flags(terms.iter().map(|t| t.translation))),
        ("matched", flags(terms.iter().map(|t| t.matched))),
        ("flags", lists(terms.iter().map(|t| &t.flags))),
    ])
}

fn facts_to_batch(facts: &[Fact]) -> arrow::error::Result<RecordBatch> {
    batch([
        ("head", numbers(facts.iter().map(|f| f.head))),
        ("tail", numbers(facts.iter().map(|f| f.tail))),
        ("relation", Arc::new(UInt16Array::from_iter_values(facts.iter().map(|f| f.relation.0)))),
    ])
}

fn relations_to_batch(relations: &[Relation]) -> arrow::error::Result<RecordBatch> {
    let mut rows: Vec<(u16, &str, Option<&str>, Option<&str>)> = Vec::new();
    for (relation, number) in relations.iter().zip(0..) {
        let labels =
            relation.labels.iter().map(|(lang, label)| (number, relation.id.as_str(), Some(&**lang), Some(&**label)));
        rows.extend(labels);
        if relation.labels.is_empty() {
            rows.push((number, &relation.id, None, None));
        }
    }
    batch([
        ("number", Arc::new(UInt16Array::from_iter_values(rows.iter().map(|r| r.0)))),
        ("relation", strings(rows.iter().map(|r| r.1))),
        ("lang", Arc::new(rows.iter().map(|r| r.2).collect::<StringArray>())),
        ("label", Arc::new(rows.iter().map(|r| r.3).collect::<StringArray>())),
    ])
}

/// Reads the directory `dir`; what it returns holds what [`Tables`] promises.
pub(crate) fn read(dir: &Path) -> Result<Tables> {
    let manifest = read_manifest(dir)?;
    let tables = Tables {
        concepts: read_table(dir, &manifest, "concepts", concepts_from_batch)?,
        terms: read_table(dir, &manifest, "terms", terms_from_batch)?,
        facts: read_table(dir, &manifest, "facts", facts_from_batch)?,
        relations: relations_from_rows(read_table(dir, &manifest, "relations", relations_from_batch)?),
    };
    check(&tables).map_err(|(table, found)| {
        FileError::content(&dir.join(file_name(table)), None, found, "rows in order that fit the other tables", REBUILD)
    })?;
    Ok(tables)
}

fn read_manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    if !path.is_file() {
        let found = format!("no `{MANIFEST}` in it");
        let help = "name the directory that `kbioxlm knowledge build` wrote";
        return Err(FileError::content(dir, None, found, "a knowledge base", help).into());
    }
    let header: Header = read_json(&path, "the manifest of a knowledge base: an object with `format` and `version`")?;
    if header.format != FORMAT {
        let help = "name the directory that `kbioxlm knowledge build` wrote";
        let (found, expected) = (format!("the format `{}`", header.format), format!("`{FORMAT}`"));
        return Err(FileError::content(&path, None, found, expected, help).into());
    }
    if header.version != VERSION {
        let (found, expected) = (format!("version {} of the format", header.version), format!("version {VERSION}"));
        return Err(FileError::content(&path, None, found, expected, REBUILD).into());
    }
    Ok(read_json(&path, "the manifest of a knowledge base: an object with `tables`")?)
}

fn read_table<T>(
    dir: &Path,
    manifest: &Manifest,
    name: &str,
    parse: impl Fn(&RecordBatch, &mut Vec<T>) -> Option<()>,
) -> Result<Vec<T>> {
    let path = dir.join(file_name(name));
    let broken = |found: String, expected: String| FileError::content(&path, None, found, expected, REBUILD);
    let Some(entry) = manifest.tables.get(name) else {
        let found = format!("no table `{name}`");
        return Err(FileError::content(&dir.join(MANIFEST), None, found, "an entry for it", REBUILD).into());
    };
    if !path.is_file() {
        return Err(broken("no such file".to_owned(), format!("the table that `{MANIFEST}` names")).into());
    }
    let hash = hash_file(&path)?;
    if hash != entry.blake3 {
        let found = format!("content with the BLAKE3 hash {hash} (truncated or changed)");
        return Err(broken(found, format!("{} as in `{MANIFEST}`", entry.blake3)).into());
    }
    let unreadable =
        |e: &dyn std::fmt::Display| broken(format!("a table that cannot be read ({e})"), "Parquet".to_owned());
    let file = File::open(&path).map_err(|e| FileError::io(&path, "open", e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(1 << 16).build())
        .map_err(|e| unreadable(&e))?;
    // No capacity from the manifest: a wrong count must not fill the memory.
    let mut rows = Vec::new();
    let mut read = 0;
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(&e))?;
        read += batch.num_rows();
        parse(&batch, &mut rows).ok_or_else(|| {
            let columns: Vec<String> =
                batch.schema().fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
            broken(format!("the columns {}", columns.join(", ")), format!("those of version {VERSION} of the format"))
        })?;
    }
    if read != entry.rows {
        return Err(broken(format!("{read} rows"), format!("{} as in `{MANIFEST}`", entry.rows)).into());
    }
    Ok(rows)
}

fn column<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a T> {
    batch.column_by_name(name)?.as_any().downcast_ref::<T>()
}

/// A column of strings without nulls.
fn text<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    column::<StringArray>(batch, name).filter(|array| array.null_count() == 0)
}

fn list(array: &ListArray, row: usize) -> Option<Vec<String>> {
    let values = array.value(row);
    let values = values.as_any().downcast_ref::<StringArray>()?;
    Some(values.iter().flatten().map(str::to_owned).collect())
}

fn concepts_from_batch(batch: &RecordBatch, rows: &mut Vec<Concept>) -> Option<()> {
    let (id, semantic_type) = (text(batch, "id")?, text(batch, "semantic_type")?);
    let members = column::<ListArray>(batch, "members")?;
    for row in 0..batch.num_rows() {
        let (id, semantic_type) = (id.value(row).to_owned(), semantic_type.value(row).to_owned());
        rows.push(Concept { id, semantic_type, members: list(members, row)? });
    }
    Some(())
}

fn terms_from_batch(batch: &RecordBatch, rows: &mut Vec<Term>) -> Option<()> {
    let concept = column::<UInt32Array>(batch, "concept")?;
    let (lang, term) = (text(batch, "lang")?, text(batch, "term")?);
    let yes_or_no = |name| column::<BooleanArray>(batch, name);
    let (preferred, case_sensitive) = (yes_or_no("preferred")?, yes_or_no("case_sensitive")?);
    let (translation, matched) = (yes_or_no("translation")?, yes_or_no("matched")?);
    let flags = column::<ListArray>(batch, "flags")?;
    for row in 0..batch.num_rows() {
        rows.push(Term {
            concept: ConceptIndex(concept.value(row)),
            lang: lang.value(row).to_owned(),
            text: term.value(row).to_owned(),
            preferred: preferred.value(row),
            case_sensitive: case_sensitive.value(row),
            translation: translation.value(row),
            matched: matched.value(row),
            flags: list(flags, row)?,
        });
    }
    Some(())
}

fn facts_from_batch(batch: &RecordBatch, rows: &mut Vec<Fact>) -> Option<()> {
    let (head, tail) = (column::<UInt32Array>(batch, "head")?, column::<UInt32Array>(batch, "tail")?);
    let relation = column::<UInt16Array>(batch, "relation")?;
    rows.extend((0..batch.num_rows()).map(|row| Fact {
        head: ConceptIndex(head.value(row)),
        tail: ConceptIndex(tail.value(row)),
        relation: RelationIndex(relation.value(row)),
    }));
    Some(())
}

type LabelRow = (u16, String, Option<(String, String)>);

fn relations_from_batch(batch: &RecordBatch, rows: &mut Vec<LabelRow>) -> Option<()> {
    let (number, relation) = (column::<UInt16Array>(batch, "number")?, text(batch, "relation")?);
    let (lang, label) = (column::<StringArray>(batch, "lang")?, column::<StringArray>(batch, "label")?);
    for row in 0..batch.num_rows() {
        let said = (!lang.is_null(row) && !label.is_null(row))
            .then(|| (lang.value(row).to_owned(), label.value(row).to_owned()));
        rows.push((number.value(row), relation.value(row).to_owned(), said));
    }
    Some(())
}

fn relations_from_rows(rows: Vec<LabelRow>) -> Vec<Relation> {
    let mut relations: Vec<Relation> = Vec::new();
    for (number, id, said) in rows {
        if usize::from(number) == relations.len() {
            relations.push(Relation { id, labels: BTreeMap::new() });
        }
        if let (Some(relation), Some((lang, label))) = (relations.last_mut(), said) {
            relation.labels.insert(lang, label);
        }
    }
    relations
}

/// Do the tables hold what [`Tables`] promises? If not: which does not, and what it has.
fn check(tables: &Tables) -> Result<(), (&'static str, String)> {
    let known = |c: ConceptIndex| (c.0 as usize) < tables.concepts.len();
    if let Some(term) = tables.terms.iter().find(|t| !known(t.concept)) {
        return Err(("terms", format!("the term `{}` of the concept in row {}", term.text, term.concept.0)));
    }
    if let Some(pair) = tables.terms.windows(2).find(|pair| pair[0].concept > pair[1].concept) {
        return Err(("terms", format!("the term `{}` out of order", pair[1].text)));
    }
    let fits = |f: &Fact| {
        known(f.head) && known(f.tail) && f.head != f.tail && usize::from(f.relation.0) < tables.relations.len()
    };
    if let Some(row) = tables.facts.iter().position(|f| !fits(f)) {
        return Err(("facts", format!("an unknown concept or relation in row {row}")));
    }
    if let Some(row) = tables.facts.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(("facts", format!("row {} out of order", row + 1)));
    }
    Ok(())
}
