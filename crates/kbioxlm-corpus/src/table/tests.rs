use super::*;
use crate::{Level, PassageLabel};
use kbioxlm_files::rng_for;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Any characters: controls, marks, unassigned ones, of one to four bytes.
fn text(rng: &mut ChaCha8Rng) -> String {
    let length = if rng.random_bool(0.2) { 0 } else { rng.random_range(0..40) };
    let top = [0x80, 0x800, 0x1_0000, 0x11_0000][rng.random_range(0..4)];
    (0..length).map(|_| char::from_u32(rng.random_range(0..top)).unwrap_or('\u{FFFD}')).collect()
}

fn range(rng: &mut ChaCha8Rng, end: usize) -> Range<usize> {
    let (a, b) = (rng.random_range(0..=end), rng.random_range(0..=end));
    a.min(b)..a.max(b)
}

fn maybe<T>(rng: &mut ChaCha8Rng, value: impl FnOnce(&mut ChaCha8Rng) -> T) -> Option<T> {
    rng.random_bool(0.5).then(|| value(rng))
}

/// The greatest position that the columns hold.
const LAST: usize = i32::MAX as usize;

fn example(rng: &mut ChaCha8Rng) -> Example {
    let segments: Vec<Segment> = (0..rng.random_range(0..4))
        .map(|_| Segment {
            lang: text(rng),
            text: text(rng),
            source: maybe(rng, |rng| Source { document: text(rng), bytes: range(rng, LAST) }),
        })
        .collect();
    let spans = (0..if segments.is_empty() { 0 } else { rng.random_range(0..6) }).map(|_| {
        let segment = rng.random_range(0..segments.len());
        let text_of = &segments[segment].text;
        let Range { start, end } = range(rng, text_of.len());
        Span {
            segment,
            bytes: text_of.floor_char_boundary(start)..text_of.ceil_char_boundary(end),
            chars: range(rng, LAST),
            role: [Role::Entity, Role::Head, Role::Relation, Role::Tail][rng.random_range(0..4)],
            concept: maybe(rng, text),
            fact: maybe(rng, |rng| rng.random_range(0..=LAST as u32)),
            switched: rng.random_bool(0.5),
            source: maybe(rng, |rng| range(rng, LAST)),
        }
    });
    let spans = spans.collect();
    Example {
        id: text(rng),
        level: Level::ALL[rng.random_range(0..4)],
        segments,
        spans,
        label: maybe(rng, |rng| PassageLabel::ALL[rng.random_range(0..3)]),
    }
}

#[test]
fn ten_thousand_examples_come_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..5 {
        let rng = &mut rng_for(seed, &["round trip"]);
        // More rows than a row group, handed over in parts of any size.
        let examples: Vec<Example> = (0..ROW_GROUP + 300).map(|_| example(rng)).collect();
        let path = dir.path().join(format!("{seed}.parquet"));
        let mut writer = Writer::create(&path).unwrap();
        let mut rest = examples.as_slice();
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rng.random_range(0..300).min(rest.len()));
            writer.write(&rows(part).unwrap()).unwrap();
            rest = behind;
        }
        writer.close().unwrap();
        let read: Vec<Example> = Reader::open(&path).unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(read.len(), examples.len());
        for (read, written) in read.iter().zip(&examples) {
            assert_eq!(read, written);
        }
    }
}

/// The writer takes any path, and what is set for a column that does not exist is set for none.
#[test]
fn columns_whose_settings_differ_exist() {
    let schema = parquet::arrow::ArrowSchemaConverter::new().convert(&schema(Columns::Current)).unwrap();
    let columns: Vec<&ColumnPath> = schema.columns().iter().map(|column| column.path()).collect();
    for path in DISTINCT.into_iter().chain(RISING).map(column) {
        assert!(columns.contains(&&path), "`{path}` is none of {columns:?}");
    }
}
