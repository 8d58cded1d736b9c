use crate::{Example, Level, PassageLabel, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What went into a corpus and what came out.
#[derive(Clone, Eq, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Documents by language.
    pub documents: BTreeMap<String, DocumentCounts>,
    /// Passage files by language pair (`en-zh`).
    pub passages: BTreeMap<String, PassageCounts>,
    /// Examples by level and by the languages of their running texts (`en`, `en+zh`).
    pub examples: BTreeMap<Level, BTreeMap<String, ExampleCounts>>,
    /// Examples by label.
    pub labels: BTreeMap<PassageLabel, u64>,
}

/// What became of the documents of one language.
#[derive(Clone, Eq, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct DocumentCounts {
    /// Rows read.
    pub read: u64,
    /// Of these without a text.
    pub empty: u64,
    /// Of the others used: all, or the sample.
    pub used: u64,
    /// Of the used ones without a mention.
    pub without_mentions: u64,
    /// Of the used ones with mentions none of which could be switched (counted if the level entity is built).
    pub without_switch: u64,
    /// Of the used ones too short for a chunk (counted, as the next two, if the level fact is built).
    pub without_chunk: u64,
    /// Chunks cut.
    pub chunks: u64,
    /// Of these without a fact to tell.
    pub chunks_without_facts: u64,
}

impl DocumentCounts {
    /// Adds what a batch of documents gave; `read` and `empty` are known beforehand.
    pub(crate) fn add(&mut self, other: &Self) {
        self.used += other.used;
        self.without_mentions += other.without_mentions;
        self.without_switch += other.without_switch;
        self.without_chunk += other.without_chunk;
        self.chunks += other.chunks;
        self.chunks_without_facts += other.chunks_without_facts;
    }
}

/// What became of the pairs of one language pair.
#[derive(Clone, Eq, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct PassageCounts {
    /// Rows read.
    pub read: u64,
    /// Of these without a text on one side.
    pub empty: u64,
    /// Of the others used: all, or the sample.
    pub used: u64,
}

/// Sizes of a set of examples.
#[derive(Clone, Eq, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct ExampleCounts {
    /// Examples.
    pub examples: u64,
    /// Characters of all segments.
    pub characters: u64,
    /// Mentions in running text, switched or not.
    pub mentions: u64,
    /// Of these switched.
    pub switches: u64,
    /// Facts told.
    pub facts: u64,
}

impl CorpusReport {
    pub(crate) fn count(&mut self, example: &Example) {
        let running = if example.level == Level::Passage { 2 } else { 1 };
        let mut languages: Vec<&str> = example.segments.iter().take(running).map(|s| s.lang.as_str()).collect();
        languages.sort_unstable();
        languages.dedup();
        let counts = self.examples.entry(example.level).or_default().entry(languages.join("+")).or_default();
        let mentions = || example.spans.iter().filter(|s| s.role == Role::Entity);
        counts.examples += 1;
        counts.characters += example.segments.iter().map(|s| s.text.chars().count() as u64).sum::<u64>();
        counts.mentions += mentions().count() as u64;
        counts.switches += mentions().filter(|s| s.switched).count() as u64;
        counts.facts += example.spans.iter().filter(|s| s.role == Role::Relation).count() as u64;
        if let Some(label) = example.label {
            *self.labels.entry(label).or_default() += 1;
        }
    }

    /// All examples.
    pub fn total(&self) -> u64 {
        self.examples.values().flat_map(BTreeMap::values).map(|c| c.examples).sum()
    }
}

impl fmt::Display for CorpusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tables = Vec::new();
        if !self.documents.is_empty() {
            let mut rows = vec![row("documents", ["read", "empty", "used", "no mention", "no switch", "no chunk"])];
            rows.extend(self.documents.iter().map(|(lang, d)| {
                row(lang, [d.read, d.empty, d.used, d.without_mentions, d.without_switch, d.without_chunk])
            }));
            tables.push(rows);
        }
        if self.examples.contains_key(&Level::Fact) {
            let mut rows = vec![row("chunks", ["cut", "no fact"])];
            rows.extend(self.documents.iter().map(|(lang, d)| row(lang, [d.chunks, d.chunks_without_facts])));
            tables.push(rows);
        }
        if !self.passages.is_empty() {
            let mut rows = vec![row("passages", ["read", "empty", "used"])];
            rows.extend(self.passages.iter().map(|(langs, p)| row(langs, [p.read, p.empty, p.used])));
            tables.push(rows);
        }
        let mut rows = vec![row("examples", ["number", "characters", "mentions", "switched", "facts"])];
        for (level, languages) in &self.examples {
            rows.extend(languages.iter().map(|(lang, c)| {
                row(&format!("{level} {lang}"), [c.examples, c.characters, c.mentions, c.switches, c.facts])
            }));
        }
        rows.extend(self.labels.iter().map(|(label, n)| row(&format!("  {label}"), [n])));
        tables.push(rows);
        let written: Vec<String> = tables.iter().map(|rows| align(rows)).collect();
        f.write_str(&written.join("\n\n"))
    }
}

fn row<T: ToString, const N: usize>(name: &str, cells: [T; N]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells.map(|cell| cell.to_string())).collect()
}

/// Names to the left, numbers to the right, columns two spaces apart.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |n: usize| rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(n, (cell, &w))| if n == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
