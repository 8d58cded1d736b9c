//! Which concepts of the sources become one, and the numbers of the result.

use super::description::MergeOptions;
use super::draft::{Draft, DraftLink, NONE};
use super::join::{Groups, Joined};
use super::names::{Name, names};
use crate::ConceptIndex;
use crate::intern::Interner;
use crate::report::{BuildReport, LinkReport, MergeReport};
use kbioxlm_sources::curie;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// HPO has terms that are no entities (modes of inheritance, modifiers, "All"): their semantic type begins with this.
const NO_ENTITY: &str = "HPO:";
/// A name of more concepts than this says nothing about which of them are the same.
const MOST_NAMESAKES: usize = 8;
/// How many of the concepts with the most members the report names.
const LARGEST: usize = 5;

/// The numbers of concepts in the result.
pub(super) struct Numbers {
    /// By the number of a concept in the draft; [`NONE`]: left out.
    of_concept: Vec<u32>,
    /// By the number of an id; [`NONE`]: no source has it; [`LEFT_OUT`].
    of_id: Vec<u32>,
    /// How many there are.
    pub count: u32,
}

const LEFT_OUT: u32 = NONE - 1;

/// Why an id names no concept of the result.
pub(super) enum Unresolved {
    /// No source has it (number of the id).
    Unknown(u32),
    LeftOut,
}

impl Numbers {
    /// The concept of the result that an id names, also one that ties concepts together.
    pub fn of_id(&self, id: u32) -> Result<ConceptIndex, Unresolved> {
        match self.of_id[id as usize] {
            NONE => Err(Unresolved::Unknown(id)),
            LEFT_OUT => Err(Unresolved::LeftOut),
            number => Ok(ConceptIndex(number)),
        }
    }

    /// What became of a concept of the draft.
    pub fn of_concept(&self, concept: u32) -> Option<u32> {
        Some(self.of_concept[concept as usize]).filter(|&n| n != NONE)
    }
}

/// What says that two concepts are the same; the first are followed first where they are equally well founded.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
enum Kind {
    Xref,
    Table,
    Names,
}

struct Link {
    a: u32,
    b: u32,
    kind: Kind,
    /// In how many languages the two have an equal name.
    agree: u16,
    /// In how many other languages both have names, but different ones.
    disagree: u16,
}

/// Joins concepts and numbers those that are entities, in the order of the sources. `excluded` tells which are left out.
pub(super) fn merge(draft: &Draft, options: &MergeOptions, excluded: &[bool], report: &mut BuildReport) -> Numbers {
    let mut nodes = Nodes::new(draft);
    let vocabularies = vocabularies(draft);
    let mut links = links(draft, options, excluded, &vocabularies, &mut nodes, &mut report.merge);
    // Stable: among equals the order of the sources decides.
    links.sort_by_key(|link| (link.disagree, link.kind, Reverse(link.agree)));
    let mut groups = Groups::new(nodes.count as usize, vocabularies);
    for link in &links {
        let joined = groups.join(link.a, link.b);
        let counts = of_kind(&mut report.merge, link.kind);
        counts.joined += usize::from(joined == Joined::Now);
        if joined == Joined::Refused {
            counts.refused.add(|| format!("{} = {}", nodes.id(draft, link.a), nodes.id(draft, link.b)));
        }
    }
    drop(links);
    number(draft, excluded, groups, &nodes, report)
}

fn of_kind(report: &mut MergeReport, kind: Kind) -> &mut LinkReport {
    match kind {
        Kind::Xref => &mut report.xrefs,
        Kind::Table => &mut report.links,
        Kind::Names => &mut report.names,
    }
}

/// What is joined: the concepts, numbered as in the draft, and behind them ids that no source names but several give.
struct Nodes {
    of_id: Vec<u32>,
    /// The ids behind the concepts.
    ids: Vec<u32>,
    concepts: u32,
    count: u32,
}

impl Nodes {
    fn new(draft: &Draft) -> Self {
        let concepts = draft.concepts.len() as u32;
        let of_id = draft.id_rows.iter().map(|row| row.concept).collect();
        Self { of_id, ids: Vec::new(), concepts, count: concepts }
    }

    fn of(&mut self, id: u32) -> u32 {
        let node = &mut self.of_id[id as usize];
        if *node == NONE {
            *node = self.count;
            self.count += 1;
            self.ids.push(id);
        }
        *node
    }

    fn id<'d>(&self, draft: &'d Draft, node: u32) -> &'d str {
        match self.ids.get(node.wrapping_sub(self.concepts) as usize) {
            Some(&id) => draft.ids.get(id),
            None => draft.concept_id(node),
        }
    }
}

/// The vocabulary of each concept.
fn vocabularies(draft: &Draft) -> Vec<u32> {
    let mut known = Interner::default();
    let of = |id: u32| known.number(curie::vocabulary_of(draft.ids.get(id))).unwrap_or(NONE);
    draft.concepts.iter().map(|concept| concept.id).map(of).collect()
}

fn links(
    draft: &Draft,
    options: &MergeOptions,
    excluded: &[bool],
    vocabularies: &[u32],
    nodes: &mut Nodes,
    report: &mut MergeReport,
) -> Vec<Link> {
    let concept = |id: u32| Some(draft.id_rows[id as usize].concept).filter(|&c| c != NONE);
    let left_out = |id: u32| concept(id).is_some_and(|c| excluded[c as usize]);
    let between_concepts = |l: &DraftLink| concept(l.a).zip(concept(l.b));
    let needs_names = options.xrefs && draft.links.iter().any(|l| l.languages == NONE && between_concepts(l).is_some())
        || options.same_names.len() > 1;
    let names = if needs_names { Names::new(draft) } else { Names::default() };
    let mut links = Vec::new();
    for link in &draft.links {
        let kind = if link.languages == NONE { Kind::Xref } else { Kind::Table };
        let counts = of_kind(report, kind);
        counts.read += 1;
        if left_out(link.a) || left_out(link.b) {
            continue;
        }
        if kind == Kind::Xref {
            if options.xrefs {
                let (agree, disagree) = between_concepts(link).map_or((0, 0), |(a, b)| names.compare(a, b));
                links.push(Link { a: nodes.of(link.a), b: nodes.of(link.b), kind, agree, disagree });
            }
            continue;
        }
        let Some((a, b)) = between_concepts(link) else {
            let unknown = if concept(link.a).is_none() { link.a } else { link.b };
            let source = usize::from(link.source);
            counts.unknown_concept.add(|| {
                format!(
                    "{}:{}: no source has the concept `{}`",
                    draft.source_paths[source],
                    link.line,
                    draft.ids.get(unknown)
                )
            });
            continue;
        };
        let equal = draft.language_sets.get(link.languages);
        let languages = |concept: u32| draft.language_sets.get(draft.concepts[concept as usize].languages);
        let differ = languages(a).iter().filter(|l| languages(b).contains(l) && !equal.contains(l)).count();
        links.push(Link { a, b, kind, agree: equal.len() as u16, disagree: differ as u16 });
    }
    if options.same_names.len() > 1 {
        for (a, b) in names.same(draft, &options.same_names, vocabularies) {
            if excluded[a as usize] || excluded[b as usize] {
                continue;
            }
            report.names.read += 1;
            let (agree, disagree) = names.compare(a, b);
            links.push(Link { a, b, kind: Kind::Names, agree, disagree });
        }
    }
    links
}

/// The exact names of all concepts, for comparing; abbreviations are left out, since most mean several things.
#[derive(Default)]
struct Names {
    /// Sorted by concept, language and name.
    list: Vec<Name>,
    /// Where each concept's begin.
    first: Vec<u32>,
}

impl Names {
    fn new(draft: &Draft) -> Self {
        use crate::content::TermRow;
        let exact =
            |row: &TermRow| row.usage & (TermRow::TRANSLATION | TermRow::CASE_SENSITIVE) == TermRow::TRANSLATION;
        let list = names(&draft.terms, &draft.texts, exact);
        let mut first = Vec::with_capacity(draft.concepts.len() + 1);
        let mut at = 0;
        for concept in 0..=draft.concepts.len() as u32 {
            while list.get(at).is_some_and(|name| name.concept < concept) {
                at += 1;
            }
            first.push(at as u32);
        }
        Self { list, first }
    }

    fn of(&self, concept: u32) -> &[Name] {
        &self.list[self.first[concept as usize] as usize..self.first[concept as usize + 1] as usize]
    }

    /// In how many languages two concepts have an equal name, and in how many only different ones.
    fn compare(&self, a: u32, b: u32) -> (u16, u16) {
        let (a, b) = (self.of(a), self.of(b));
        let (mut agree, mut disagree) = (0, 0);
        for names in a.chunk_by(|x, y| x.lang == y.lang) {
            let lang = names[0].lang;
            let others = &b[b.partition_point(|n| n.lang < lang)..b.partition_point(|n| n.lang <= lang)];
            if others.is_empty() {
                continue;
            }
            let equal = names.iter().any(|n| others.binary_search_by_key(&n.hash, |o| o.hash).is_ok());
            agree += u16::from(equal);
            disagree += u16::from(!equal);
        }
        (agree, disagree)
    }

    /// The pairs of concepts of different vocabularies that have an equal name in each of `langs`.
    fn same(&self, draft: &Draft, langs: &[String], vocabulary: &[u32]) -> Vec<(u32, u32)> {
        let mut common: Option<Vec<(u32, u32)>> = None;
        for lang in langs.iter().collect::<BTreeSet<_>>() {
            let number = draft.languages.find(lang);
            let mut names: Vec<(u64, u32)> =
                self.list.iter().filter(|n| Some(u32::from(n.lang)) == number).map(|n| (n.hash, n.concept)).collect();
            names.sort_unstable();
            names.dedup();
            let mut pairs = Vec::new();
            for namesakes in names.chunk_by(|x, y| x.0 == y.0).filter(|n| n.len() <= MOST_NAMESAKES) {
                for (i, &(_, a)) in namesakes.iter().enumerate() {
                    let others = namesakes[i + 1..].iter().map(|&(_, b)| b);
                    pairs.extend(others.filter(|&b| vocabulary[a as usize] != vocabulary[b as usize]).map(|b| (a, b)));
                }
            }
            pairs.sort_unstable();
            pairs.dedup();
            if let Some(common) = &common {
                pairs.retain(|pair| common.binary_search(pair).is_ok());
            }
            common = Some(pairs);
        }
        common.unwrap_or_default()
    }
}

fn number(draft: &Draft, excluded: &[bool], mut groups: Groups, nodes: &Nodes, report: &mut BuildReport) -> Numbers {
    let count = draft.concepts.len();
    let roots: Vec<u32> = (0..count as u32).map(|concept| groups.root(concept)).collect();
    let mut sizes = vec![0_u32; count];
    let mut is_entity = vec![false; count];
    for (concept, &root) in roots.iter().enumerate() {
        sizes[root as usize] += 1;
        is_entity[root as usize] |= !excluded[concept] && !no_entity(draft, concept as u32);
        if root as usize != concept {
            report.merge.joined += 1;
        }
    }
    let mut of_concept = Vec::with_capacity(count);
    let mut next = 0;
    for (concept, &root) in roots.iter().enumerate() {
        if excluded[concept] {
            report.excluded_concepts.add(|| draft.concept_id(concept as u32).to_owned());
        } else if !is_entity[root as usize] {
            report.not_entities.add(|| draft.concept_id(concept as u32).to_owned());
        }
        of_concept.push(if !is_entity[root as usize] {
            NONE
        } else if root as usize == concept {
            next += 1;
            next - 1
        } else {
            // A root is the first of its group, so its number is there already.
            of_concept[root as usize]
        });
    }
    report.merge.largest = largest(draft, &roots, &sizes);
    let of_node = |node: u32, groups: &mut Groups| match groups.root(node) {
        root if (root as usize) < count => Some(of_concept[root as usize]).filter(|&n| n != NONE).unwrap_or(LEFT_OUT),
        _ => NONE,
    };
    let of_id = nodes.of_id.iter().map(|&node| if node == NONE { NONE } else { of_node(node, &mut groups) }).collect();
    Numbers { of_concept, of_id, count: next }
}

/// Does the semantic type say that this is no entity?
fn no_entity(draft: &Draft, concept: u32) -> bool {
    let id = draft.concepts[concept as usize].id;
    let mut types = draft.type_sets.get(draft.id_rows[id as usize].types).iter().peekable();
    types.peek().is_some() && types.all(|&t| is_no_entity(draft.semantic_types.get(t)))
}

/// Is a semantic type one of terms that are no entities?
pub(super) fn is_no_entity(semantic_type: &str) -> bool {
    semantic_type.starts_with(NO_ENTITY)
}

fn largest(draft: &Draft, roots: &[u32], sizes: &[u32]) -> Vec<Vec<String>> {
    let mut order: Vec<u32> = (0..sizes.len() as u32).filter(|&root| sizes[root as usize] > 1).collect();
    order.sort_by_key(|&root| Reverse(sizes[root as usize]));
    order.truncate(LARGEST);
    let members = |root: u32| {
        let concepts = roots.iter().zip(0..).filter(|&(&r, _)| r == root);
        concepts.map(|(_, concept)| draft.concept_id(concept).to_owned()).collect()
    };
    order.into_iter().map(members).collect()
}
