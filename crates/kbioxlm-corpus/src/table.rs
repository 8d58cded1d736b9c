//! Examples as Parquet: one row an example, read and written in batches.

use crate::corpus::EXAMPLES;
use crate::{CorpusError, Example, Result, Role, Segment, Source, Span};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema};
use kbioxlm_files::FileError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are held in memory before they are written, and that a reader has to unpack at a time.
const ROW_GROUP: usize = 2048;

/// Rows that are turned into examples at a time.
const READ_BATCH: usize = 256;

/// The columns as they are written, or those that version 1 of the format had.
#[derive(Copy, Clone, Eq, PartialEq)]
enum Columns {
    Current,
    Version1,
}

fn span_fields(columns: Columns) -> Fields {
    let number = |name| Field::new(name, DataType::Int32, false);
    let mut fields = vec![
        number("segment"),
        number("byte_start"),
        number("byte_end"),
        number("char_start"),
        number("char_end"),
        Field::new("role", DataType::Utf8, false),
        Field::new("concept", DataType::Utf8, true),
        Field::new("fact", DataType::Int32, true),
        Field::new("switched", DataType::Boolean, false),
    ];
    if columns == Columns::Current {
        fields.extend(["source_start", "source_end"].map(|name| Field::new(name, DataType::Int32, true)));
    }
    Fields::from(fields)
}

fn source_fields() -> Fields {
    let number = |name| Field::new(name, DataType::Int32, false);
    Fields::from(vec![Field::new("document", DataType::Utf8, false), number("byte_start"), number("byte_end")])
}

/// Of a segment: null where it was taken from no document.
fn source_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(source_fields()), true))
}

fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, false))
}

fn schema(columns: Columns) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("level", DataType::Utf8, false),
        Field::new("languages", DataType::List(item(DataType::Utf8)), false),
        Field::new("segments", DataType::List(item(DataType::Utf8)), false),
        Field::new("spans", DataType::List(item(DataType::Struct(span_fields(columns)))), false),
        Field::new("label", DataType::Utf8, true),
    ];
    if columns == Columns::Current {
        fields.push(Field::new("sources", DataType::List(source_item()), false));
    }
    Arc::new(Schema::new(fields))
}

/// Columns of which no two rows share a value: a dictionary of them costs time and saves nothing; nor does anybody ask for the least.
const DISTINCT: [&[&str]; 3] = [&["id"], &["segments", "list", "item"], &["sources", "list", "item", "document"]];

/// Positions rise from span to span: their differences are small, and found faster than a dictionary of them.
const RISING: [&[&str]; 6] = [
    &["spans", "list", "item", "byte_start"],
    &["spans", "list", "item", "byte_end"],
    &["spans", "list", "item", "char_start"],
    &["spans", "list", "item", "char_end"],
    &["spans", "list", "item", "source_start"],
    &["spans", "list", "item", "source_end"],
];

fn column(path: &[&str]) -> ColumnPath {
    path.iter().map(|&part| part.to_owned()).collect::<Vec<_>>().into()
}

fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by("kbioxlm".to_owned());
    for path in DISTINCT.into_iter().chain(RISING).map(column) {
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    for path in RISING.map(column) {
        properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// Writes examples as they come; a row group is held at most.
pub(crate) struct Writer {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl Writer {
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|e| FileError::io(path, "create", e))?;
        let writer = ArrowWriter::try_new(file, schema(Columns::Current), Some(properties()));
        Ok(Self { path: path.to_owned(), writer: writer.map_err(|e| CorpusError::table(path, "write", e))? })
    }

    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows).map_err(|e| CorpusError::table(&self.path, "write", e))
    }

    pub fn close(self) -> Result<()> {
        self.writer.close().map(|_| ()).map_err(|e| CorpusError::table(&self.path, "write", e))
    }
}

/// Examples as the columns of the table.
///
/// # Errors
/// There are too many of them for a batch.
pub(crate) fn rows(examples: &[Example]) -> Result<RecordBatch> {
    columns(examples).map_err(|e| CorpusError::table(Path::new(EXAMPLES), "write", e))
}

fn columns(examples: &[Example]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let strings = |of: fn(&Segment) -> &str| {
        let values: StringArray = examples.iter().flat_map(|e| &e.segments).map(|s| Some(of(s))).collect();
        list(Arc::new(values), examples.iter().map(|e| e.segments.len()))
    };
    let spans = || examples.iter().flat_map(|e| &e.spans);
    // Positions within a text: a line of input is shorter than 2^31 bytes.
    let numbers =
        |of: fn(&Span) -> usize| -> ArrayRef { Arc::new(spans().map(|s| of(s) as i32).collect::<Int32Array>()) };
    let columns: Vec<ArrayRef> = vec![
        numbers(|s| s.segment),
        numbers(|s| s.bytes.start),
        numbers(|s| s.bytes.end),
        numbers(|s| s.chars.start),
        numbers(|s| s.chars.end),
        Arc::new(spans().map(|s| Some(s.role.as_str())).collect::<StringArray>()),
        Arc::new(spans().map(|s| s.concept.as_deref()).collect::<StringArray>()),
        Arc::new(spans().map(|s| s.fact.map(|n| n as i32)).collect::<Int32Array>()),
        Arc::new(spans().map(|s| Some(s.switched)).collect::<BooleanArray>()),
        Arc::new(spans().map(|s| s.source.as_ref().map(|r| r.start as i32)).collect::<Int32Array>()),
        Arc::new(spans().map(|s| s.source.as_ref().map(|r| r.end as i32)).collect::<Int32Array>()),
    ];
    let spans = StructArray::try_new(span_fields(Columns::Current), columns, None)?;
    RecordBatch::try_new(
        schema(Columns::Current),
        vec![
            Arc::new(examples.iter().map(|e| Some(e.id.as_str())).collect::<StringArray>()),
            Arc::new(examples.iter().map(|e| Some(e.level.as_str())).collect::<StringArray>()),
            strings(|s| &s.lang)?,
            strings(|s| &s.text)?,
            list(Arc::new(spans), examples.iter().map(|e| e.spans.len()))?,
            Arc::new(examples.iter().map(|e| e.label.map(|l| l.as_str())).collect::<StringArray>()),
            sources(examples)?,
        ],
    )
}

fn sources(examples: &[Example]) -> Result<ArrayRef, arrow::error::ArrowError> {
    let sources = || examples.iter().flat_map(|e| &e.segments).map(|s| s.source.as_ref());
    let number = |of: fn(&Source) -> usize| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(sources().map(|s| s.map_or(0, of) as i32)))
    };
    let documents = StringArray::from_iter_values(sources().map(|s| s.map_or("", |s| s.document.as_str())));
    let columns = vec![Arc::new(documents) as ArrayRef, number(|s| s.bytes.start), number(|s| s.bytes.end)];
    let there: NullBuffer = sources().map(|s| s.is_some()).collect();
    let values = StructArray::try_new(source_fields(), columns, Some(there))?;
    let offsets = OffsetBuffer::from_lengths(examples.iter().map(|e| e.segments.len()));
    Ok(Arc::new(ListArray::try_new(source_item(), offsets, Arc::new(values), None)?))
}

fn list(values: ArrayRef, lengths: impl Iterator<Item = usize>) -> Result<ArrayRef, arrow::error::ArrowError> {
    let field = item(values.data_type().clone());
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?))
}

/// Reads examples batch by batch.
pub(crate) struct Reader {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    ready: std::vec::IntoIter<Example>,
    rows: usize,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| FileError::io(path, "open", e))?;
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| CorpusError::table(path, "read", e))?;
        let fits = |columns| builder.schema().fields() == schema(columns).fields();
        if !fits(Columns::Current) && !fits(Columns::Version1) {
            let found: Vec<String> =
                builder.schema().fields().iter().map(|f| format!("{} ({})", f.name(), f.data_type())).collect();
            let help = "build the corpus again with this version";
            let expected = "the columns id, level, languages, segments, spans, label, sources of a corpus";
            return Err(FileError::content(path, None, found.join(", "), expected, help).into());
        }
        let batches = builder.with_batch_size(READ_BATCH).build().map_err(|e| CorpusError::table(path, "read", e))?;
        Ok(Self { path: path.to_owned(), batches, ready: Vec::new().into_iter(), rows: 0 })
    }
}

impl Iterator for Reader {
    type Item = Result<Example>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(example) = self.ready.next() {
                return Some(Ok(example));
            }
            let batch = match self.batches.next()? {
                Ok(batch) => batch,
                Err(e) => return Some(Err(CorpusError::table(&self.path, "read", e))),
            };
            let examples: Result<Vec<Example>, String> = (0..batch.num_rows())
                .map(|row| example(&batch, row).map_err(|e| format!("{e} in row {}", self.rows + row)))
                .collect();
            self.rows += batch.num_rows();
            match examples {
                Ok(examples) => self.ready = examples.into_iter(),
                Err(found) => {
                    let expected = "an example as `build` writes it";
                    return Some(Err(
                        FileError::content(&self.path, None, found, expected, "build the corpus again").into()
                    ));
                }
            }
        }
    }
}

/// One row; the schema has been compared, so that every column has its type.
fn example(batch: &RecordBatch, row: usize) -> Result<Example, String> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("no column {name}"));
    let cell = |name: &str| column(name).map(|c| string(c, row));
    let list = |name: &str| column(name).map(|c| c.as_list::<i32>().value(row));
    let id = cell("id")?.unwrap_or_default();
    let (languages, texts, spans) = (list("languages")?, list("segments")?, list("spans")?);
    if languages.len() != texts.len() {
        return Err(format!("{} languages for {} segments", languages.len(), texts.len()));
    }
    let sources = column("sources").ok().map(|c| c.as_list::<i32>().value(row));
    if let Some(sources) = sources.as_ref().filter(|sources| sources.len() != texts.len()) {
        return Err(format!("{} sources for {} segments", sources.len(), texts.len()));
    }
    let segment = |n: usize| {
        let source = sources.as_ref().map(|list| source(list.as_struct(), n)).transpose()?.flatten();
        let of = |list: &ArrayRef| string(list, n).unwrap_or_default();
        Ok(Segment { lang: of(&languages), text: of(&texts), source })
    };
    let segments: Vec<Segment> = (0..texts.len()).map(segment).collect::<Result<_, String>>()?;
    let spans = (0..spans.len()).map(|n| span(spans.as_struct(), n, &segments)).collect::<Result<_, _>>()?;
    let level = cell("level")?.unwrap_or_default().parse().map_err(|e| format!("{e}"))?;
    let label = cell("label")?.map(|l| l.parse().map_err(|e| format!("{e}"))).transpose()?;
    Ok(Example { id, level, segments, spans, label })
}

fn string(column: &ArrayRef, row: usize) -> Option<String> {
    let strings = column.as_string::<i32>();
    strings.is_valid(row).then(|| strings.value(row).to_owned())
}

/// Where a segment comes from; none in a corpus of version 1.
fn source(sources: &StructArray, row: usize) -> Result<Option<Source>, String> {
    if !sources.is_valid(row) {
        return Ok(None);
    }
    let column = |name: &str| sources.column_by_name(name).ok_or_else(|| format!("no source field {name}"));
    let number = |name: &str| position(column(name)?, row, name);
    let document = string(column("document")?, row).unwrap_or_default();
    Ok(Some(Source { document, bytes: number("byte_start")?..number("byte_end")? }))
}

fn position(column: &ArrayRef, row: usize, name: &str) -> Result<usize, String> {
    let value = column.as_primitive::<Int32Type>().value(row);
    usize::try_from(value).map_err(|_| format!("{value} as {name}"))
}

fn span(spans: &StructArray, row: usize, segments: &[Segment]) -> Result<Span, String> {
    let column = |name: &str| spans.column_by_name(name).ok_or_else(|| format!("no span field {name}"));
    let number = |name: &str| position(column(name)?, row, name);
    let has_source = spans.column_by_name("source_start").is_some_and(|starts| starts.is_valid(row));
    let role = column("role").map(|c| string(c, row))?.unwrap_or_default();
    let facts = column("fact")?.as_primitive::<Int32Type>();
    let span = Span {
        segment: number("segment")?,
        bytes: number("byte_start")?..number("byte_end")?,
        chars: number("char_start")?..number("char_end")?,
        role: role.parse::<Role>().map_err(|e| e.to_string())?,
        concept: string(column("concept")?, row),
        fact: facts.is_valid(row).then(|| facts.value(row) as u32),
        switched: column("switched")?.as_boolean().value(row),
        source: if has_source { Some(number("source_start")?..number("source_end")?) } else { None },
    };
    let fits = segments.get(span.segment).is_some_and(|s| s.text.get(span.bytes.clone()).is_some());
    if fits { Ok(span) } else { Err(format!("a span outside its text ({span:?})")) }
}

#[cfg(test)]
mod tests;
