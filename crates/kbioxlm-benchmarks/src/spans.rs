//! Running text with entities, one JSON object a line.

use crate::annotated::{Annotated, Collector, Entity};
use crate::conll::Conll;
use kbioxlm_files::{Lines, Result, jsonl_rows};
use serde::Deserialize;
use std::io::BufRead;
use std::path::Path;

const EXPECTED: &str =
    r#"an object with the strings "id" and "text" and "entities", a list of {"start", "end", "label"}"#;

#[derive(Deserialize)]
struct Row {
    id: String,
    text: String,
    entities: Vec<Span>,
}

/// Characters from `start` to before `end`.
#[derive(Deserialize)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) label: String,
}

/// Reads `{"id", "text", "entities": [{"start", "end", "label"}]}` lines; offsets count characters.
pub(crate) fn read(path: &Path, lines: Lines<impl BufRead>) -> Result<Conll> {
    let mut collector = Collector::default();
    for row in jsonl_rows::<Row, _>(path, lines, EXPECTED) {
        let (line, Row { id, text, entities }) = row?;
        let entity = |Span { start, end, label }| {
            let chars = start..end;
            Entity { label, chars, mention: None, discontinuous: false, line }
        };
        let entities = entities.into_iter().map(entity).collect();
        collector.push(path, Annotated { id, text, line, breaks: Vec::new(), entities })?;
    }
    collector.finish(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Conll> {
        read(Path::new("a.jsonl"), Lines::new(Path::new("a.jsonl"), text.as_bytes()))
    }

    #[test]
    fn offsets_are_in_characters() {
        let conll = parse(
            "{\"id\":\"7\",\"text\":\"服用é后头痛。\",\"entities\":[{\"start\":4,\"end\":6,\"label\":\"ADE\",\"note\":1}],\"predicted\":[]}\n",
        )
        .unwrap();
        let document = &conll.documents[0];
        assert_eq!(&document.text[document.bytes(&(4..6))], "头痛");
        assert_eq!((document.entities[0].start, document.entities[0].end, document.sentences.len()), (4, 6, 1));
        crate::fuzz::check(&conll);
    }

    #[test]
    fn bad_lines_are_named() {
        let good = "{\"id\":\"1\",\"text\":\"a\",\"entities\":[]}\n";
        for bad in [
            "{\"id\":\"1\",\"text\":\"a\"}",
            "{\"id\":\"1\",\"text\":\"a\",\"entities\":[{\"start\":0,\"end\":2,\"label\":\"A\"}]}",
            "{\"id\":\"1\",\"text\":\"a\",\"entities\":[{\"start\":-1,\"end\":1,\"label\":\"A\"}]}",
            "{\"id\":\"1\",\"text\":\"a\",\"entities\":[{\"start\":0,\"end\":1,\"label\":\"\"}]}",
            "{\"id\":\"1\",\"text\":\"\",\"entities\":[]}",
        ] {
            let message = parse(&format!("{good}{bad}\n")).unwrap_err().to_string();
            assert!(message.contains("a.jsonl:2: found "), "{message}");
        }
    }
}
