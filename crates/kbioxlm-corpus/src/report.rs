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
    /// What filters left out, by language or language pair.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, FilterCounts>,
    /// Documents that were left out, by their language, because the knowledge base does not have it; `und`, if their
    /// language could not be told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_languages: BTreeMap<String, u64>,
    /// Pages of wikis that are no documents, since they are no articles: talk, portals, pages of users.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub no_articles: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Why a document or passage pair was left out.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It shares too much with a text that is to be excluded.
    Excluded,
    /// It is nearly the same as one before it.
    NearDuplicate,
}

/// A document or passage pair that was left out.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: Reason,
    /// The excluded text as `file:id`, or the id of the document or pair that was kept.
    pub of: String,
}

/// What the filters left out of the documents of a language or the pairs of two.
#[derive(Clone, Eq, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct FilterCounts {
    /// Those that share too much with an excluded text.
    pub excluded: u64,
    /// Those that are nearly the same as one before.
    pub near_duplicates: u64,
    /// The first few of either kind.
    pub examples: Vec<LeftOut>,
}

impl FilterCounts {
    /// Examples of each reason that are kept.
    const EXAMPLES: u64 = 5;

    pub(crate) fn add(&mut self, left_out: LeftOut) {
        let count = match left_out.reason {
            Reason::Excluded => &mut self.excluded,
            Reason::NearDuplicate => &mut self.near_duplicates,
        };
        *count += 1;
        if *count <= Self::EXAMPLES {
            self.examples.push(left_out);
        }
    }
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
    pub(crate) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.empty += other.empty;
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

impl PassageCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.empty += other.empty;
        self.used += other.used;
    }
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

impl ExampleCounts {
    fn add(&mut self, other: &Self) {
        self.examples += other.examples;
        self.characters += other.characters;
        self.mentions += other.mentions;
        self.switches += other.switches;
        self.facts += other.facts;
    }

    pub(crate) fn count(&mut self, example: &Example) {
        let mentions = || example.spans.iter().filter(|s| s.role == Role::Entity);
        self.examples += 1;
        self.characters += example.segments.iter().map(|s| s.text.chars().count() as u64).sum::<u64>();
        self.mentions += mentions().count() as u64;
        self.switches += mentions().filter(|s| s.switched).count() as u64;
        self.facts += example.spans.iter().filter(|s| s.role == Role::Relation).count() as u64;
    }
}

/// The languages of an example's running texts, facts aside: `en`, `en+zh`.
pub(crate) fn languages_of(example: &Example) -> String {
    let mut languages: Vec<&str> = example.running_text().map(|segment| segment.lang.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    languages.join("+")
}

impl CorpusReport {
    /// The counts of the documents of a language.
    pub(crate) fn document(&mut self, lang: &str) -> &mut DocumentCounts {
        self.documents.entry(lang.to_owned()).or_default()
    }

    /// Adds what another part of the input gave.
    pub(crate) fn add(&mut self, other: Self) {
        for (lang, counts) in &other.documents {
            self.document(lang).add(counts);
        }
        for (level, languages) in other.examples {
            let level = self.examples.entry(level).or_default();
            for (lang, counts) in languages {
                level.entry(lang).or_default().add(&counts);
            }
        }
        for (label, count) in other.labels {
            *self.labels.entry(label).or_default() += count;
        }
        for (lang, count) in other.other_languages {
            *self.other_languages.entry(lang).or_default() += count;
        }
        self.no_articles += other.no_articles;
        for (langs, counts) in other.passages {
            self.passages.entry(langs).or_default().add(&counts);
        }
    }

    pub(crate) fn count(&mut self, example: &Example) {
        let languages = self.examples.entry(example.level).or_default();
        languages.entry(languages_of(example)).or_default().count(example);
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
        if !self.other_languages.is_empty() {
            let mut rows = vec![row("other languages", ["left out"])];
            rows.extend(self.other_languages.iter().map(|(lang, n)| row(lang, [n])));
            tables.push(rows);
        }
        if self.no_articles > 0 {
            tables.push(vec![row("wiki pages that are no articles", [self.no_articles])]);
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
        if !self.left_out.is_empty() {
            let mut rows = vec![row("left out", ["excluded", "near duplicate"])];
            for (languages, counts) in &self.left_out {
                rows.push(row(languages, [counts.excluded, counts.near_duplicates]));
            }
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
        f.write_str(&written.join("\n\n"))?;
        for LeftOut { id, reason, of } in self.left_out.values().flat_map(|counts| &counts.examples) {
            let why = match reason {
                Reason::Excluded => "shares too much with",
                Reason::NearDuplicate => "is nearly the same as",
            };
            write!(f, "\n`{id}` {why} `{of}`")?;
        }
        Ok(())
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
