//! From sources to a knowledge base: read into a compact draft, join, rule out names, number, write.

mod description;
mod draft;
mod facts;
mod join;
mod lists;
mod merge;
mod names;
mod pinyin;
mod relations;
mod terms;

use crate::content::{ConceptRow, Content, Pool};
use crate::{BuildReport, KnowledgeError, Result, flags, tables};
use draft::{Draft, Reader};
use lists::Lists;
use merge::Numbers;
use std::path::Path;

pub use description::{Description, MergeOptions, TermOptions};

/// Builds a knowledge base and writes it to the directory `out`, which appears only when it is complete.
///
/// - Concepts are joined as [`MergeOptions`] says. A joined concept is known by the id that the sources name first, and has the
///   semantic types of all its members.
/// - Concepts whose semantic types begin with `HPO:` are no entities and left out, unless joined with one that is.
/// - How each name may be used is described in [`flags`], which names are ruled out in [`TermOptions`]. Of several preferred
///   names of a concept in a language the first that may be a translation stays preferred.
/// - Facts are mapped to the joined concepts; those of an unknown concept, of a concept with itself and repeated ones are
///   dropped and counted.
///
/// The report is also written into the directory, as `report.json`, together with the description.
///
/// # Errors
/// A source is missing, empty, not UTF-8, or not what its format says: the message names file, line and remedy. Or the result
/// cannot be written.
pub fn build(description: &Description, out: &Path) -> Result<BuildReport> {
    build_observed(description, out, &mut |_| {})
}

/// As [`build()`]; `progress` is told from time to time how many records have been read.
///
/// # Errors
/// As of [`build()`].
pub fn build_observed(description: &Description, out: &Path, progress: &mut dyn FnMut(u64)) -> Result<BuildReport> {
    let mut report = BuildReport::default();
    let mut draft = read(description, &mut report, progress)?;
    let mut lists = Lists::read(&description.terms, &draft, &mut report.unused_entries)?;
    let numbers = merge::merge(&draft, &description.merge, &lists.excluded, &mut report);
    let facts = facts::facts(&mut draft, &numbers, &mut report.sources, &mut report.unknown_facts);
    let mut content = Content { facts, relations: std::mem::take(&mut draft.relations).finish(), ..Content::default() };
    report.unlabelled_relations = unlabelled(&content);
    let too_many = |what| move || KnowledgeError::TooMany { what, limit: u64::from(u32::MAX) };
    concepts(&draft, &numbers, &mut content).ok_or_else(too_many("bytes of ids"))?;
    let finished = terms::terms(&mut draft, &numbers, &mut lists, &description.terms, &mut report)
        .ok_or_else(too_many("bytes of names, or sets of flags"))?;
    drop(draft);
    content.terms = finished.terms;
    content.texts = finished.texts;
    content.languages = finished.languages;
    content.flag_sets = finished.flag_sets;
    lists.exclude.report(&mut report.unused_entries);
    lists.keep.report(&mut report.unused_entries);
    tables::write(&content, description, report, out)
}

/// What the knowledge base in the directory `kb` was built from, and the report of its build.
///
/// # Errors
/// The directory has no report, or one that cannot be read.
pub fn read_report(kb: &Path) -> Result<(Description, BuildReport)> {
    tables::report(kb)
}

fn read(description: &Description, report: &mut BuildReport, progress: &mut dyn FnMut(u64)) -> Result<Draft> {
    let min_length = description.terms.min_length;
    let mut reader = Reader { draft: Draft::default(), progress, min_length, records: 0 };
    for source in &description.sources {
        report.sources.push(reader.read(source)?);
    }
    let draft = reader.draft;
    if draft.terms.is_empty() {
        return Err(KnowledgeError::NoLexicon);
    }
    let mut of_set = vec![0; draft.flag_sets.iter().len()];
    for row in &draft.terms {
        of_set[usize::from(row.flags)] += 1;
    }
    for (set, count) in draft.flag_sets.iter().zip(of_set).filter(|&(_, count)| count > 0) {
        for &flag in set {
            *report.flags.entry(draft.flags.get(flag).to_owned()).or_default() += count;
        }
    }
    let unknown = report.flags.keys().filter(|flag| !flags::KNOWN.contains(&flag.as_str()));
    report.unknown_flags = unknown.cloned().collect();
    Ok(draft)
}

/// Fills in the concepts, with their members and semantic types; `None` when the ids are too long.
fn concepts(draft: &Draft, numbers: &Numbers, content: &mut Content) -> Option<()> {
    // Members in the order of their concept in the result, then of the sources.
    let mut first = vec![0_u32; numbers.count as usize + 1];
    for concept in 0..draft.concepts.len() as u32 {
        if let Some(number) = numbers.of_concept(concept) {
            first[number as usize + 1] += 1;
        }
    }
    let mut sum = 0;
    for first in &mut first {
        sum += *first;
        *first = sum;
    }
    let mut sorted = vec![0_u32; sum as usize];
    let mut next = first.clone();
    for concept in 0..draft.concepts.len() as u32 {
        if let Some(number) = numbers.of_concept(concept) {
            sorted[next[number as usize] as usize] = concept;
            next[number as usize] += 1;
        }
    }
    let mut sets = crate::intern::Sets::default();
    let mut ids = Pool::default();
    for range in first.windows(2) {
        let mut types = 0;
        for &concept in &sorted[range[0] as usize..range[1] as usize] {
            ids.push(draft.concept_id(concept))?;
            let row = draft.id_rows[draft.concepts[concept as usize].id as usize];
            for &semantic_type in draft.type_sets.get(row.types) {
                if !merge::is_no_entity(draft.semantic_types.get(semantic_type)) {
                    types = sets.with(types, semantic_type);
                }
            }
        }
        content.concepts.push(ConceptRow { first_member: range[0], types });
    }
    content.members = ids;
    content.semantic_types = draft.semantic_types.iter().map(str::to_owned).collect();
    content.type_sets = sets.iter().map(<[u32]>::to_vec).collect();
    Some(())
}

/// The relations of facts that have a label in no language.
fn unlabelled(content: &Content) -> Vec<String> {
    let mut used = vec![false; content.relations.len()];
    for fact in &content.facts {
        used[fact.relation.0 as usize] = true;
    }
    let unlabelled = content.relations.iter().zip(used).filter(|(r, used)| *used && r.labels.is_empty());
    unlabelled.map(|(relation, _)| relation.id.clone()).collect()
}
