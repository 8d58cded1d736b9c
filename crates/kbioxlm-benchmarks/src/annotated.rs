//! Running text with entities at character offsets, as most formats have it, made into tokens and sentences.

use crate::bio::{Tag, TokenSpan};
use crate::conll::{Conll, Document, Token, abridged};
use kbioxlm_documents::sentences;
use kbioxlm_files::{FileError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use unicode_segmentation::UnicodeSegmentation;

/// Gold entities that tags cannot express, and what became of them.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simplified {
    /// Entities within or across a longer one: left out, the longer one is kept (of equally long ones the first).
    pub overlapping: usize,
    /// Entities in several pieces: each became one entity from its first character to its last.
    pub discontinuous: usize,
}

/// A document as its file has it.
#[derive(Debug, Default)]
pub(crate) struct Annotated {
    pub id: String,
    pub text: String,
    /// Line where it begins.
    pub line: usize,
    /// Byte offsets in the text at which a sentence ends in any case, ascending.
    pub breaks: Vec<usize>,
    pub entities: Vec<Entity>,
}

/// An entity as its file has it.
#[derive(Debug)]
pub(crate) struct Entity {
    pub label: String,
    /// Characters in the document's text.
    pub chars: Range<usize>,
    /// The text that the file says is there.
    pub mention: Option<String>,
    pub discontinuous: bool,
    pub line: usize,
}

const CHECK: &str = "correct the annotation; offsets count characters (not bytes) from 0";

/// Collects documents.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    documents: Vec<Document>,
    simplified: Simplified,
}

impl Collector {
    /// Adds a document: words (UAX #29; characters of Chinese one by one) become tokens, those across an end of an entity two, and sentences
    /// are those of [`sentences`], joined where an entity goes across.
    pub(crate) fn push(&mut self, path: &Path, annotated: Annotated) -> Result<()> {
        let Annotated { id, text, line, breaks, entities } = annotated;
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut found = Vec::with_capacity(entities.len());
        for entity in entities {
            let bytes = place(path, &text, &starts, &entity)?;
            self.simplified.discontinuous += usize::from(entity.discontinuous);
            found.push((bytes, entity));
        }
        let kept = self.longest(found);
        let tokens = tokens(&text, &kept, line);
        if tokens.is_empty() {
            let help = "remove the document, or add its text";
            return Err(FileError::content(path, line, format!("document `{id}` without text"), "words", help));
        }
        let entities = kept.iter().map(|(bytes, entity)| TokenSpan {
            label: entity.label.clone(),
            start: tokens.partition_point(|t| t.bytes.start < bytes.start),
            end: tokens.partition_point(|t| t.bytes.end <= bytes.end),
        });
        let entities: Vec<TokenSpan> = entities.collect();
        let sentences = token_sentences(&text, &breaks, &tokens, &entities);
        self.documents.push(Document { id, text, tokens, sentences, entities });
        Ok(())
    }

    /// Entities none of which overlaps another, in the order of the text.
    fn longest(&mut self, mut entities: Vec<(Range<usize>, Entity)>) -> Vec<(Range<usize>, Entity)> {
        // Stable: of equal ones the first in the file stays.
        entities.sort_by_key(|(bytes, _)| (usize::MAX - bytes.len(), bytes.start));
        let mut kept: BTreeMap<usize, (Range<usize>, Entity)> = BTreeMap::new();
        for (bytes, entity) in entities {
            match kept.range(..bytes.end).next_back().filter(|(_, (other, _))| other.end > bytes.start) {
                // One mention that belongs to several concepts stands in the file several times.
                Some((_, (other, twin))) if *other == bytes && twin.label == entity.label => {}
                Some(_) => self.simplified.overlapping += 1,
                None => {
                    kept.insert(bytes.start, (bytes, entity));
                }
            }
        }
        kept.into_values().collect()
    }

    /// What was collected.
    pub(crate) fn finish(self, path: &Path) -> Result<Conll> {
        if self.documents.is_empty() {
            let help = "check that the file was written completely";
            return Err(FileError::content(path, None, "no document", "annotated documents", help));
        }
        Ok(Conll { documents: self.documents, orphans: 0, joiner: "", simplified: self.simplified })
    }
}

/// The bytes of an entity, white space at its ends left out.
fn place(path: &Path, text: &str, starts: &[usize], entity: &Entity) -> Result<Range<usize>> {
    let Entity { label, chars, mention, line, .. } = entity;
    let error = |found: String, expected: &str| Err(FileError::content(path, *line, found, expected, CHECK));
    if !matches!(format!("B-{label}").parse(), Ok(Tag::Begin(_))) || label.contains(char::is_control) {
        return error(format!("the entity type `{}`", abridged(label)), "a name without white space at its ends");
    }
    let length = starts.len() - 1;
    let (Some(&start), Some(&end), true) = (starts.get(chars.start), starts.get(chars.end), chars.start < chars.end)
    else {
        let found = format!("an entity from {} to {}", chars.start, chars.end);
        return error(found, &format!("a range within the {length} characters of the text"));
    };
    let inner = text.get(start..end).unwrap_or_default();
    if let Some(mention) = mention {
        // Line ends in the text are spaces in the annotation.
        let plain = |text: &str| text.replace(['\n', '\r', '\t'], " ");
        if plain(mention) != plain(inner) {
            let found = format!("the mention `{}` at {} to {}", abridged(mention), chars.start, chars.end);
            return error(found, &format!("`{}`, which stands there in the text", abridged(inner)));
        }
    }
    let trimmed = inner.trim();
    if trimmed.is_empty() {
        return error(format!("white space from {} to {} as an entity", chars.start, chars.end), "text");
    }
    let start = start + inner.len() - inner.trim_start().len();
    Ok(start..start + trimmed.len())
}

/// The words of a text, cut at the ends of the entities, with their tags.
fn tokens(text: &str, entities: &[(Range<usize>, Entity)], line: usize) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut at, mut chars) = (0, 0);
    let mut push = |bytes: Range<usize>| {
        chars += text.get(at..bytes.start).unwrap_or_default().chars().count();
        let length = text.get(bytes.clone()).unwrap_or_default().chars().count();
        at = bytes.end;
        let within = entities.partition_point(|(entity, _)| entity.end <= bytes.start);
        let (tag, line) = match entities.get(within).filter(|(entity, _)| entity.start <= bytes.start) {
            Some((span, entity)) if span.start == bytes.start => (Tag::Begin(entity.label.clone()), entity.line),
            Some((_, entity)) => (Tag::Inside(entity.label.clone()), entity.line),
            None => (Tag::Outside, line),
        };
        tokens.push(Token { chars: chars..chars + length, bytes, tag, line });
        chars += length;
    };
    for (start, word) in text.split_word_bound_indices() {
        let end = start + word.len();
        let first = entities.partition_point(|(entity, _)| entity.end <= start);
        let near = entities.get(first..).unwrap_or_default().iter().take_while(|(entity, _)| entity.start < end);
        let mut from = start;
        for cut in near.flat_map(|(entity, _)| [entity.start, entity.end]).chain([end]) {
            if (from + 1..=end).contains(&cut) {
                if text.get(from..cut).is_some_and(|part| !part.trim().is_empty()) {
                    push(from..cut);
                }
                from = cut;
            }
        }
    }
    tokens
}

/// The sentences as ranges of tokens.
fn token_sentences(text: &str, breaks: &[usize], tokens: &[Token], entities: &[TokenSpan]) -> Vec<Range<usize>> {
    let mut ends: Vec<usize> = Vec::new();
    let mut start = 0;
    for &end in breaks.iter().chain([&text.len()]) {
        let passage = text.get(start..end).unwrap_or_default();
        ends.extend(sentences(passage).iter().map(|sentence| start + sentence.end));
        start = end.max(start);
    }
    let mut result: Vec<Range<usize>> = Vec::new();
    let mut first = 0;
    for end in ends {
        let last = tokens.partition_point(|t| t.bytes.start < end);
        let next = entities.partition_point(|e| e.end <= last);
        let inside_entity = entities.get(next).is_some_and(|e| e.start < last);
        if last > first && !inside_entity {
            result.push(first..last);
            first = last;
        }
    }
    if first < tokens.len() {
        result.push(first..tokens.len());
    }
    result
}

#[cfg(test)]
mod tests;
