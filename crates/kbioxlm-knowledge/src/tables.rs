//! The knowledge base on disk: a directory with the compiled file, the same content as Parquet tables for other tools, and a manifest.
//!
//! | file | content |
//! |---|---|
//! | `knowledge.bin` | what [`KnowledgeBase::open`](crate::KnowledgeBase::open) maps: everything, and the matchers |
//! | `concepts.parquet` | id, semantic_types (list), members (list) |
//! | `terms.parquet` | concept (row of the concepts), lang, term, preferred, case_sensitive, translation, matched, flags (list) |
//! | `facts.parquet` | head, tail (rows of the concepts), relation (number of the relation) |
//! | `relations.parquet` | number, relation, lang, label; lang and label are null for a relation without labels |
//! | `manifest.json` | format and version, rows and hashes of the files |
//! | `report.json` | the description that it was built from, and the report |

use crate::base::{self, CompileError};
use crate::content::{Content, TermRow, Text};
use crate::store::VERSION;
use crate::{BuildReport, Description, Fact, KnowledgeBase, KnowledgeError, Result};
use arrow::array::{ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder, UInt32Array};
use kbioxlm_files::{FileError, StagedDir, hash_file, read_json, write_json_atomic};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: &str = "kbioxlm-knowledge";
const COMPILED: &str = "knowledge.bin";
const MANIFEST: &str = "manifest.json";
const REPORT: &str = "report.json";
const REBUILD: &str = "build the knowledge base again (`kbioxlm knowledge build`)";
/// Rows that are turned into a table at a time.
const BATCH: usize = 1 << 16;

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    /// BLAKE3 of the compiled content, which the compiled file holds too.
    compiled: String,
    tables: BTreeMap<String, TableEntry>,
}

#[derive(Serialize, Deserialize)]
struct TableEntry {
    rows: usize,
    blake3: String,
}

/// What was built, from what.
#[derive(Serialize, Deserialize)]
struct Report {
    description: Description,
    report: BuildReport,
}

/// What every version of the manifest has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// Writes `content` to the directory `out`, and the report, completed with counts of what came out.
pub(crate) fn write(
    content: &Content,
    description: &Description,
    mut report: BuildReport,
    out: &Path,
) -> Result<BuildReport> {
    let staged = StagedDir::new(out)?;
    let path = staged.path().join(COMPILED);
    let file = File::create(&path).map_err(|e| FileError::io(&path, "write", e))?;
    let compiled = base::write(content, BufWriter::with_capacity(1 << 20, file)).map_err(|e| match e {
        CompileError::Io(e) => FileError::io(&path, "write", e).into(),
        CompileError::TooMany(e) => e,
    })?;
    let mut manifest = Manifest { format: FORMAT.to_owned(), version: VERSION, compiled, tables: BTreeMap::new() };
    let mut table = |name: &str, rows: usize, batch: &dyn Fn(usize, usize) -> arrow::error::Result<RecordBatch>| {
        let path = staged.path().join(format!("{name}.parquet"));
        write_table(&path, rows, batch)
            .map_err(|e| KnowledgeError::Table { path: out.join(format!("{name}.parquet")), message: e.to_string() })?;
        manifest.tables.insert(name.to_owned(), TableEntry { rows, blake3: hash_file(&path)? });
        Ok::<(), KnowledgeError>(())
    };
    table("concepts", content.concepts.len(), &|from, to| concepts(content, from, to))?;
    table("terms", content.terms.len(), &|from, to| terms(content, &content.terms[from..to]))?;
    table("facts", content.facts.len(), &|from, to| facts(&content.facts[from..to]))?;
    let relations = relations(content);
    table("relations", relations.len(), &|from, to| relations_to_batch(&relations[from..to]))?;
    write_json_atomic(&staged.path().join(MANIFEST), &manifest)?;
    report.knowledge = KnowledgeBase::open(staged.path())?.stats();
    let written = Report { description: description.clone(), report };
    write_json_atomic(&staged.path().join(REPORT), &written)?;
    staged.commit()?;
    Ok(written.report)
}

fn write_table(
    path: &Path,
    rows: usize,
    batch: &dyn Fn(usize, usize) -> arrow::error::Result<RecordBatch>,
) -> parquet::errors::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let first = batch(0, rows.min(BATCH))?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, first.schema(), Some(properties))?;
    writer.write(&first)?;
    for from in (BATCH..rows).step_by(BATCH) {
        writer.write(&batch(from, rows.min(from + BATCH))?)?;
    }
    writer.close()?;
    Ok(())
}

fn strings<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn lists<'a, L: Iterator<Item = &'a str>>(values: impl Iterator<Item = L>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for list in values {
        list.for_each(|value| builder.values().append_value(value));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn numbers(values: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> arrow::error::Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, array)| (name, array, matches!(name, "lang" | "label"))),
    )
}

fn concepts(content: &Content, from: usize, to: usize) -> arrow::error::Result<RecordBatch> {
    let rows = &content.concepts[from..to];
    let end = |row: usize| content.concepts.get(row + 1).map_or(content.members.len() as u32, |next| next.first_member);
    let members = |row: usize| (content.concepts[row].first_member..end(row)).map(|m| content.members.get(Text(m)));
    let types = |set: u32| content.type_sets[set as usize].iter().map(|&t| content.semantic_types[t as usize].as_str());
    batch([
        ("id", strings(rows.iter().map(|c| content.members.get(Text(c.first_member))))),
        ("semantic_types", lists(rows.iter().map(|c| types(c.types)))),
        ("members", lists((from..to).map(members))),
    ])
}

fn terms(content: &Content, rows: &[TermRow]) -> arrow::error::Result<RecordBatch> {
    let usage =
        |bit: u32| -> ArrayRef { Arc::new(rows.iter().map(|t| Some(t.usage & bit != 0)).collect::<BooleanArray>()) };
    batch([
        ("concept", numbers(rows.iter().map(|t| t.concept))),
        ("lang", strings(rows.iter().map(|t| content.languages[usize::from(t.lang)].as_str()))),
        ("term", strings(rows.iter().map(|t| content.texts.get(t.text)))),
        ("preferred", usage(TermRow::PREFERRED)),
        ("case_sensitive", usage(TermRow::CASE_SENSITIVE)),
        ("translation", usage(TermRow::TRANSLATION)),
        ("matched", usage(TermRow::MATCHED)),
        ("flags", lists(rows.iter().map(|t| content.flag_sets[usize::from(t.flags)].iter().map(String::as_str)))),
    ])
}

fn facts(rows: &[Fact]) -> arrow::error::Result<RecordBatch> {
    batch([
        ("head", numbers(rows.iter().map(|f| f.head.0))),
        ("tail", numbers(rows.iter().map(|f| f.tail.0))),
        ("relation", numbers(rows.iter().map(|f| f.relation.0))),
    ])
}

/// Number and id of a relation, language and label.
type RelationRow<'a> = (u32, &'a str, Option<&'a str>, Option<&'a str>);

fn relations(content: &Content) -> Vec<RelationRow<'_>> {
    let mut rows = Vec::new();
    for (relation, number) in content.relations.iter().zip(0..) {
        let said = |(lang, label)| (number, relation.id.as_str(), Some(lang), Some(label));
        rows.extend(relation.labels.iter().map(|(lang, label)| said((lang.as_str(), label.as_str()))));
        if relation.labels.is_empty() {
            rows.push((number, &relation.id, None, None));
        }
    }
    rows
}

fn relations_to_batch(rows: &[RelationRow]) -> arrow::error::Result<RecordBatch> {
    batch([
        ("number", numbers(rows.iter().map(|r| r.0))),
        ("relation", strings(rows.iter().map(|r| r.1))),
        ("lang", Arc::new(rows.iter().map(|r| r.2).collect::<StringArray>())),
        ("label", Arc::new(rows.iter().map(|r| r.3).collect::<StringArray>())),
    ])
}

/// The compiled file of the knowledge base in `dir`.
///
/// # Errors
/// The directory is none of a knowledge base, or of another version, or the file is missing.
pub(crate) fn compiled(dir: &Path) -> Result<PathBuf> {
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
    let file = dir.join(COMPILED);
    if !file.is_file() {
        let found = "no such file".to_owned();
        return Err(FileError::content(&file, None, found, format!("the file that `{MANIFEST}` names"), REBUILD).into());
    }
    Ok(file)
}

/// The description and the report of the knowledge base in `dir`.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn report(dir: &Path) -> Result<(Description, BuildReport)> {
    let written: Report = read_json(&dir.join(REPORT), "the report of a knowledge base")?;
    Ok((written.description, written.report))
}
