use crate::content::{self, ConceptRow, Content, Relation};
use crate::join::{Groups, Link};
use crate::source::{self, TermRow};
use crate::{
    BuildReport, ConceptIndex, Fact, FactReport, KnowledgeBase, KnowledgeError, LexiconReport, RelationIndex, Result,
    Sources, flags, tables,
};
use kbioxlm_files::FileError;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// HPO has terms that are no entities (modes of inheritance, modifiers, "All"): their semantic type begins with this.
const NO_ENTITY: &str = "HPO:";
/// How many dropped rows a report shows of each file.
const EXAMPLES: usize = 3;

/// Builds a knowledge base from `sources` and writes it to the directory `out`, which appears only when it is complete.
///
/// - Concepts are joined along the links, except where a vocabulary keeps them apart (see the report's `refused`). A joined
///   concept is known by the id that the lexica name first, and has that one's semantic type.
/// - Concepts whose semantic type begins with `HPO:` are no entities and left out, unless joined with one that is.
/// - Of several preferred terms of a concept in a language the first that may be a translation stays preferred.
/// - Facts are mapped to the joined concepts; those of an unknown concept, of a concept with itself and repeated ones are
///   dropped and counted.
///
/// How each term may be used is described in [`flags`].
///
/// # Errors
/// A source is missing, empty, not UTF-8, lacks a column or has a cell that is not what it has to be: the message names file,
/// line and remedy. Or the result cannot be written.
pub fn build(sources: &Sources, out: &Path) -> Result<BuildReport> {
    let mut report = BuildReport::default();
    let mut draft = Draft::read(&sources.lexicons, &mut report)?;
    let links = draft.links(&sources.links, &mut report)?;
    let numbers = draft.join(links, &mut report)?;
    let (concepts, terms) = (draft.concepts(&numbers), draft.terms(&numbers, &mut report));
    let mut relations = Relations::read(sources.relations.as_deref())?;
    let facts = facts(&sources.facts, &draft, &numbers, &mut relations, &mut report)?;
    report.unlabelled_relations = relations.list.iter().filter(|r| r.labels.is_empty()).map(|r| r.id.clone()).collect();
    let content = compact(concepts, terms, facts, relations.list)
        .ok_or(KnowledgeError::TooMany { what: "bytes of text", limit: u64::from(u32::MAX) })?;
    tables::write(&content, out)?;
    report.knowledge = KnowledgeBase::open(out)?.stats();
    Ok(report)
}

struct Concept {
    members: Vec<String>,
    semantic_type: String,
}

struct Term {
    concept: ConceptIndex,
    lang: String,
    text: String,
    preferred: bool,
    case_sensitive: bool,
    translation: bool,
    matched: bool,
    flags: Vec<String>,
}

/// Puts everything into its compact form; `None` when there is too much text.
fn compact(concepts: Vec<Concept>, terms: Vec<Term>, facts: Vec<Fact>, relations: Vec<Relation>) -> Option<Content> {
    let mut content = Content { facts, relations, flag_sets: vec![Vec::new()], ..Content::default() };
    let mut types: HashMap<String, u32> = HashMap::new();
    for concept in concepts {
        let first_member = content.members.len() as u32;
        concept.members.iter().try_for_each(|id| content.members.push(id).map(|_| ()))?;
        let semantic_type = *types.entry(concept.semantic_type.clone()).or_insert_with(|| {
            content.semantic_types.push(concept.semantic_type);
            content.semantic_types.len() as u32 - 1
        });
        content.concepts.push(ConceptRow { first_member, semantic_type });
    }
    let languages: BTreeSet<&String> = terms.iter().map(|t| &t.lang).collect();
    content.languages = languages.into_iter().cloned().collect();
    let mut sets: HashMap<Vec<String>, u16> = HashMap::from([(Vec::new(), 0)]);
    for term in terms {
        let lang = u16::try_from(content.languages.binary_search(&term.lang).ok()?).ok()?;
        let next = u16::try_from(sets.len()).ok()?;
        let flags = *sets.entry(term.flags.clone()).or_insert_with(|| {
            content.flag_sets.push(term.flags);
            next
        });
        let bit = |is: bool, bit: u32| if is { bit } else { 0 };
        let usage = bit(term.preferred, content::TermRow::PREFERRED)
            | bit(term.case_sensitive, content::TermRow::CASE_SENSITIVE)
            | bit(term.translation, content::TermRow::TRANSLATION)
            | bit(term.matched, content::TermRow::MATCHED);
        let text = content.texts.push(&term.text)?;
        content.terms.push(content::TermRow { concept: term.concept.0, text, lang, flags, usage });
    }
    Some(content)
}

/// The concepts and terms of all lexica, before joining.
#[derive(Default)]
struct Draft {
    ids: Vec<String>,
    semantic_types: Vec<String>,
    by_id: HashMap<String, usize>,
    rows: Vec<(usize, TermRow)>,
}

/// For each concept of the draft its number in the knowledge base; `None`: left out.
type Numbers = Vec<Option<ConceptIndex>>;

impl Draft {
    fn read(lexicons: &[PathBuf], report: &mut BuildReport) -> Result<Self> {
        if lexicons.is_empty() {
            return Err(KnowledgeError::NoLexicon);
        }
        let mut draft = Self::default();
        for path in lexicons {
            let (rows_before, concepts_before) = (draft.rows.len(), draft.ids.len());
            for row in source::lexicon(path)? {
                let (_, row) = row?;
                for flag in &row.flags {
                    *report.flags.entry(flag.clone()).or_default() += 1;
                }
                let concept = match draft.by_id.get(&row.concept) {
                    Some(&concept) => concept,
                    None => {
                        draft.by_id.insert(row.concept.clone(), draft.ids.len());
                        draft.ids.push(row.concept.clone());
                        draft.semantic_types.push(row.semantic_type.clone());
                        draft.ids.len() - 1
                    }
                };
                draft.rows.push((concept, row));
            }
            let rows = draft.rows.len() - rows_before;
            if rows == 0 {
                let help = "check that the file was written completely";
                return Err(FileError::content(path, 1, "a header line only", "a row for each term", help).into());
            }
            let concepts = draft.ids.len() - concepts_before;
            report.lexicons.push(LexiconReport { file: path.display().to_string(), rows, concepts });
        }
        report.unknown_flags = report.flags.keys().filter(|f| !flags::KNOWN.contains(&f.as_str())).cloned().collect();
        Ok(draft)
    }

    fn links(&self, files: &[PathBuf], report: &mut BuildReport) -> Result<Vec<Link>> {
        let mut languages: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); self.ids.len()];
        for (concept, row) in &self.rows {
            languages[*concept].insert(&row.lang);
        }
        let mut links = Vec::new();
        for path in files {
            let mut examples = Vec::new();
            for row in source::links(path)? {
                let (line, row) = row?;
                report.links.rows += 1;
                let (Some(a), Some(b)) =
                    (self.find(&row.a, path, line, &mut examples), self.find(&row.b, path, line, &mut examples))
                else {
                    report.links.unknown_concept += 1;
                    continue;
                };
                let agree = row.langs.len();
                let disagree =
                    languages[a].intersection(&languages[b]).filter(|l| row.langs.iter().all(|r| r != **l)).count();
                links.push(Link { a, b, agree, disagree });
            }
            report.examples.append(&mut examples);
        }
        Ok(links)
    }

    fn find(&self, id: &str, path: &Path, line: usize, examples: &mut Vec<String>) -> Option<usize> {
        let concept = self.by_id.get(id).copied();
        if concept.is_none() && examples.len() < EXAMPLES {
            examples.push(format!("{}:{line}: no lexicon has the concept `{id}`", path.display()));
        }
        concept
    }

    /// Joins concepts and numbers those that are entities, in the order of the lexica.
    fn join(&self, links: Vec<Link>, report: &mut BuildReport) -> Result<Numbers> {
        let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        let mut groups = Groups::join(&ids, links);
        let roots: Vec<usize> = (0..ids.len()).map(|c| groups.root(c)).collect();
        let mut sizes = vec![0_usize; ids.len()];
        let mut is_entity = vec![false; ids.len()];
        for (concept, &root) in roots.iter().enumerate() {
            sizes[root] += 1;
            is_entity[root] |= !self.semantic_types[concept].starts_with(NO_ENTITY);
        }
        report.links.refused = groups.refused;
        report.links.joined = roots.iter().enumerate().filter(|(concept, root)| concept != *root).count();
        report.links.largest = sizes.iter().copied().max().unwrap_or(0);
        report.not_entities = roots.iter().filter(|&&root| !is_entity[root]).count();
        let mut numbers: Numbers = Vec::with_capacity(ids.len());
        let mut next = 0_u32;
        for (concept, &root) in roots.iter().enumerate() {
            let number = if !is_entity[root] {
                None
            } else if root == concept {
                let number = ConceptIndex(next);
                next = next
                    .checked_add(1)
                    .ok_or(KnowledgeError::TooMany { what: "concepts", limit: u64::from(u32::MAX) })?;
                Some(number)
            } else {
                // A root is the first of its group, so its number is there already.
                numbers[root]
            };
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn concepts(&self, numbers: &Numbers) -> Vec<Concept> {
        let mut concepts: Vec<Concept> = Vec::new();
        for (concept, number) in numbers.iter().enumerate() {
            let Some(number) = number else { continue };
            let (id, semantic_type) = (&self.ids[concept], &self.semantic_types[concept]);
            match concepts.get_mut(number.0 as usize) {
                Some(known) => {
                    known.members.push(id.clone());
                    if known.semantic_type.starts_with(NO_ENTITY) {
                        known.semantic_type.clone_from(semantic_type);
                    }
                }
                None => concepts.push(Concept { members: vec![id.clone()], semantic_type: semantic_type.clone() }),
            }
        }
        concepts
    }

    fn terms(&mut self, numbers: &Numbers, report: &mut BuildReport) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::with_capacity(self.rows.len());
        let mut known: HashMap<(ConceptIndex, String, String), usize> = HashMap::with_capacity(self.rows.len());
        for (concept, row) in self.rows.drain(..) {
            let Some(concept) = numbers[concept] else { continue };
            let usage = flags::usage(&row.lang, &row.text, &row.flags);
            report.foreign_script += usize::from(usage.foreign_script);
            let term = Term {
                concept,
                lang: row.lang,
                text: row.text,
                preferred: row.preferred,
                case_sensitive: usage.case_sensitive,
                translation: usage.translation,
                matched: usage.matched,
                flags: row.flags,
            };
            let number = *known.entry((concept, term.lang.clone(), term.text.clone())).or_insert(terms.len());
            match terms.get_mut(number) {
                Some(former) => {
                    report.repeated_terms += 1;
                    fold(former, term);
                }
                None => terms.push(term),
            }
        }
        // Stable: within a concept and language the lexica's order stays.
        terms.sort_by(|a, b| (a.concept, &a.lang).cmp(&(b.concept, &b.lang)));
        for names in terms.chunk_by_mut(|a, b| (a.concept, &a.lang) == (b.concept, &b.lang)) {
            let best = |names: &[Term]| {
                let writable = names.iter().position(|t| t.preferred && t.translation);
                writable.or_else(|| names.iter().position(|t| t.preferred))
            };
            let best = best(names);
            for (i, name) in names.iter_mut().enumerate() {
                name.preferred = Some(i) == best;
            }
            if let Some(best) = best {
                names[..=best].rotate_right(1);
            }
        }
        terms
    }
}

/// The same name twice: it may be used as the less restricted of the two says, but an abbreviation remains one.
fn fold(former: &mut Term, again: Term) {
    let preferred = former.preferred || again.preferred;
    let case_sensitive = former.case_sensitive || again.case_sensitive;
    if (again.translation, again.matched) > (former.translation, former.matched) {
        *former = again;
    }
    (former.preferred, former.case_sensitive) = (preferred, case_sensitive);
}

/// Relations by number: those with labels first, then others as facts name them.
#[derive(Default)]
struct Relations {
    list: Vec<Relation>,
    by_id: HashMap<String, RelationIndex>,
}

impl Relations {
    fn read(path: Option<&Path>) -> Result<Self> {
        let mut relations = Self::default();
        let Some(path) = path else { return Ok(relations) };
        for row in source::labels(path)? {
            let (line, row) = row?;
            let index = relations.index(&row.relation)?;
            let labels = &mut relations.list[index.0 as usize].labels;
            if let Some(former) = labels.get(&row.lang) {
                let found = format!("a second label of `{}` in `{}`, after `{former}`", row.relation, row.lang);
                return Err(
                    FileError::content(path, line, found, "one label a language", "remove one of the two").into()
                );
            }
            labels.insert(row.lang, row.label);
        }
        Ok(relations)
    }

    fn index(&mut self, id: &str) -> Result<RelationIndex> {
        if let Some(&index) = self.by_id.get(id) {
            return Ok(index);
        }
        let too_many = || KnowledgeError::TooMany { what: "relations", limit: u64::from(u32::MAX) };
        let index = RelationIndex(u32::try_from(self.list.len()).map_err(|_| too_many())?);
        self.list.push(Relation { id: id.to_owned(), labels: BTreeMap::new() });
        self.by_id.insert(id.to_owned(), index);
        Ok(index)
    }
}

fn facts(
    files: &[PathBuf],
    draft: &Draft,
    numbers: &Numbers,
    relations: &mut Relations,
    report: &mut BuildReport,
) -> Result<Vec<Fact>> {
    let mut kept: HashSet<Fact> = HashSet::new();
    for path in files {
        let mut counts = FactReport { file: path.display().to_string(), ..FactReport::default() };
        let mut examples = Vec::new();
        for row in source::facts(path)? {
            let (line, row) = row?;
            counts.rows += 1;
            let head = draft.find(&row.head, path, line, &mut examples);
            let tail = draft.find(&row.tail, path, line, &mut examples);
            let (Some(head), Some(tail)) = (head, tail) else {
                counts.unknown_concept += 1;
                continue;
            };
            let (Some(head), Some(tail)) = (numbers[head], numbers[tail]) else {
                counts.not_an_entity += 1;
                continue;
            };
            if head == tail {
                counts.self_facts += 1;
            } else if kept.insert(Fact { head, tail, relation: relations.index(&row.relation)? }) {
                counts.kept += 1;
            } else {
                counts.repeated += 1;
            }
        }
        report.facts.push(counts);
        report.examples.append(&mut examples);
    }
    let mut facts: Vec<Fact> = kept.into_iter().collect();
    facts.sort_unstable();
    Ok(facts)
}
