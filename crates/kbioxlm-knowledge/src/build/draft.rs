//! Everything that the sources say, compact, before concepts are joined.

use super::facts::{DraftFact, DraftFacts};
use super::relations::{Refused, Relations};
use crate::content::{Pool, TermRow};
use crate::flags::{self, Usage};
use crate::intern::{Interner, Sets};
use crate::report::SourceReport;
use kbioxlm_sources::{FileError, LinkReason, Reason, Record, Sink, Source};
use std::path::Path;

/// No concept, or no number yet.
pub(super) const NONE: u32 = u32::MAX;
/// Records between two calls of the progress callback.
const STEP: u64 = 1 << 13;

/// What is known of an id.
#[derive(Copy, Clone, Debug)]
pub(super) struct IdRow {
    /// Number of the concept in [`Draft::concepts`]; [`NONE`] when no source names it.
    pub concept: u32,
    /// Number in [`Draft::type_sets`].
    pub types: u32,
}

/// A concept that a source names.
#[derive(Copy, Clone, Debug)]
pub(super) struct DraftConcept {
    /// Number in [`Draft::ids`].
    pub id: u32,
    /// Number in [`Draft::language_sets`]: the languages in which it has names.
    pub languages: u32,
}

/// Two ids that mean the same.
#[derive(Copy, Clone, Debug)]
pub(super) struct DraftLink {
    pub a: u32,
    pub b: u32,
    /// Number in [`Draft::language_sets`] of the languages in which they have an equal name; [`NONE`] for a cross-reference.
    pub languages: u32,
    pub line: u32,
    pub source: u16,
}

#[derive(Debug, Default)]
pub(super) struct Draft {
    pub ids: Interner,
    /// What is known of each id.
    pub id_rows: Vec<IdRow>,
    /// In the order in which the sources name them.
    pub concepts: Vec<DraftConcept>,
    /// In the order of the sources; `concept` is the number in [`Draft::concepts`].
    pub terms: Vec<TermRow>,
    pub texts: Pool,
    /// For each source its file and the number of texts before it.
    pub source_paths: Vec<String>,
    pub first_texts: Vec<u32>,
    pub languages: Interner,
    pub language_sets: Sets,
    pub flags: Interner,
    pub flag_sets: Sets,
    pub semantic_types: Interner,
    pub type_sets: Sets,
    pub links: Vec<DraftLink>,
    pub facts: DraftFacts,
    pub relations: Relations,
}

impl Draft {
    /// The number of an id, new if need be.
    fn id(&mut self, id: &str) -> Option<u32> {
        let number = self.ids.number(id)?;
        if number as usize == self.id_rows.len() {
            self.id_rows.push(IdRow { concept: NONE, types: 0 });
        }
        Some(number)
    }

    /// The number of the concept that an id names, new if need be.
    fn concept(&mut self, id: &str) -> Option<u32> {
        let id = self.id(id)?;
        let row = self.id_rows.get_mut(id as usize)?;
        if row.concept == NONE {
            row.concept = u32::try_from(self.concepts.len()).ok().filter(|&n| n != NONE)?;
            self.concepts.push(DraftConcept { id, languages: 0 });
        }
        Some(row.concept)
    }

    /// The id of a concept.
    pub fn concept_id(&self, concept: u32) -> &str {
        self.ids.get(self.concepts[concept as usize].id)
    }
}

/// Reads sources into a draft.
pub(super) struct Reader<'a> {
    pub draft: Draft,
    /// What is told how many records there were so far.
    pub progress: &'a mut dyn FnMut(u64),
    /// Shortest name that is looked for, in characters.
    pub min_length: usize,
    pub records: u64,
}

impl Reader<'_> {
    /// Reads one more source.
    pub fn read(&mut self, source: &Source) -> Result<SourceReport, FileError> {
        let number =
            u16::try_from(self.draft.first_texts.len()).map_err(|_| too_many(source.path(), None, "sources"))?;
        let path = source.path().display().to_string();
        self.draft.first_texts.push(self.draft.texts.len() as u32);
        self.draft.source_paths.push(path.clone());
        let (concepts, before) = (self.draft.concepts.len(), self.records);
        let mut reading = Reading {
            path: source.path(),
            number,
            is_table_of_labels: matches!(source, Source::Relations(_)),
            report: SourceReport { path, format: format(source), ..SourceReport::default() },
            reader: self,
        };
        source.read(&mut reading)?;
        let mut report = reading.report;
        // Tables of links and the like may be empty: there are none. A source of names that has none is a mistake.
        let is_table = matches!(source, Source::Facts(_) | Source::Links(_) | Source::Relations(_));
        if self.records == before && report.dropped.is_empty() && !is_table {
            let help = "check that the file was written completely and is of this format";
            return Err(FileError::content(
                source.path(),
                None,
                "nothing in it",
                "names, facts, links or labels",
                help,
            ));
        }
        report.concepts = self.draft.concepts.len() - concepts;
        Ok(report)
    }
}

/// What the TOML file calls the format.
fn format(source: &Source) -> String {
    let value = serde_json::to_value(source).unwrap_or_default();
    value.get("format").and_then(|f| f.as_str()).unwrap_or_default().to_owned()
}

fn too_many(path: &Path, line: Option<usize>, what: &str) -> FileError {
    let found = format!("more {what} than a knowledge base can number");
    FileError::content(path, line, found, "fewer", "leave some of the sources out or narrow them down")
}

/// One source while it is read.
struct Reading<'r, 'a> {
    path: &'r Path,
    number: u16,
    is_table_of_labels: bool,
    report: SourceReport,
    reader: &'r mut Reader<'a>,
}

impl Sink for Reading<'_, '_> {
    fn record(&mut self, line: usize, record: Record<'_>) -> Result<(), FileError> {
        self.reader.records += 1;
        if self.reader.records.is_multiple_of(STEP) {
            (self.reader.progress)(self.reader.records);
        }
        let path = self.path;
        if let Record::Label { relation, lang, label } = record {
            self.report.labels += 1;
            let taken = self.reader.draft.relations.label(relation, lang, label, self.number, self.is_table_of_labels);
            return taken.map_err(|refused| match refused {
                Refused::TooMany => too_many(path, Some(line), "relations"),
                Refused::Second(former) => {
                    let found = format!("a second label of `{relation}` in `{lang}`, after `{former}`");
                    FileError::content(path, line, found, "one label a language", "remove one of the two")
                }
            });
        }
        self.take(line, record).ok_or_else(|| too_many(path, Some(line), "ids, names or facts"))
    }

    fn dropped(&mut self, line: usize, reason: Reason, what: &str) {
        let place = || format!("{}:{line}: {what}", self.path.display());
        self.report.dropped.entry(reason.to_string()).or_default().add(place);
    }
}

impl Reading<'_, '_> {
    /// Takes a record; `None` when there are more than can be numbered.
    fn take(&mut self, line: usize, record: Record<'_>) -> Option<()> {
        let draft = &mut self.reader.draft;
        // Lines are for examples only.
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match record {
            Record::Type { concept, semantic_type } => {
                let id = draft.id(concept)?;
                let semantic_type = draft.semantic_types.number(semantic_type)?;
                let row = draft.id_rows.get_mut(id as usize)?;
                row.types = draft.type_sets.with(row.types, semantic_type);
            }
            Record::Term { concept, lang, text, preferred, flags } => {
                self.report.terms += 1;
                let lang_number = draft.languages.number(lang)?;
                let usage = flags::usage(lang, text, flags, self.reader.min_length);
                let mut set = 0;
                for flag in flags {
                    set = draft.flag_sets.with(set, draft.flags.number(flag)?);
                }
                let concept = draft.concept(concept)?;
                let known = draft.concepts.get_mut(concept as usize)?;
                known.languages = draft.language_sets.with(known.languages, lang_number);
                draft.terms.push(TermRow {
                    concept,
                    text: draft.texts.push(text)?,
                    lang: u16::try_from(lang_number).ok()?,
                    flags: u16::try_from(set).ok()?,
                    usage: bits(usage, preferred),
                });
            }
            Record::Fact { head, relation, tail } => {
                self.report.facts.read += 1;
                let (head, tail) = (draft.id(head)?, draft.id(tail)?);
                let relation = draft.relations.number(relation)?;
                draft.facts.push(DraftFact { head, tail, relation, source: self.number, line });
            }
            Record::Link { a, b, reason } => {
                self.report.links += 1;
                let (a, b) = (draft.id(a)?, draft.id(b)?);
                let languages = match reason {
                    LinkReason::Xref => NONE,
                    LinkReason::SameName(languages) => {
                        let mut set = 0;
                        for lang in languages {
                            set = draft.language_sets.with(set, draft.languages.number(lang)?);
                        }
                        set
                    }
                };
                draft.links.push(DraftLink { a, b, languages, line, source: self.number });
            }
            Record::Label { .. } => {}
        }
        Some(())
    }
}

fn bits(usage: Usage, preferred: bool) -> u32 {
    let bit = |is: bool, bit: u32| if is { bit } else { 0 };
    bit(preferred, TermRow::PREFERRED)
        | bit(usage.case_sensitive, TermRow::CASE_SENSITIVE)
        | bit(usage.translation, TermRow::TRANSLATION)
        | bit(usage.matched, TermRow::MATCHED)
}
