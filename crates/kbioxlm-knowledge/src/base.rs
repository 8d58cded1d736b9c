use crate::content::{ConceptRow, Content, Relation, TermRow};
use crate::matcher::compile;
use crate::store::{Section, Store, StoreWriter};
use crate::validate::{self, Counts};
use crate::{Concept, ConceptIndex, Fact, KnowledgeError, RelationIndex, Result, Stats, Term, TermIndex, tables};
use kbioxlm_files::FileError;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Concepts, their terms in any number of languages, facts between them, and labels of the relations.
///
/// It is mapped into memory, not read: opening one of millions of terms takes a moment, and only what is looked at
/// needs memory. Indices are those of one knowledge base; methods that take one panic when it is larger than what this one has.
#[derive(Clone, Debug)]
pub struct KnowledgeBase {
    pub(crate) store: Arc<Store>,
    names: Arc<Names>,
    sections: Sections,
}

/// The small lists, which are read.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Names {
    languages: Vec<String>,
    semantic_types: Vec<String>,
    type_sets: Vec<Vec<u32>>,
    flag_sets: Vec<Vec<String>>,
    relations: Vec<Relation>,
}

/// The long lists, which are mapped.
#[derive(Copy, Clone, Debug)]
struct Sections {
    /// [`ConceptRow`]s, and one more that ends the last.
    concepts: Section,
    members: PoolSection,
    /// The concept of each member.
    member_concepts: Section,
    /// The members in the order of their ids.
    members_by_id: Section,
    /// The first term of each concept, and the number of terms.
    first_terms: Section,
    terms: Section,
    texts: PoolSection,
    facts: Section,
}

/// Many short strings.
#[derive(Copy, Clone, Debug)]
pub(crate) struct PoolSection {
    bytes: Section,
    starts: Section,
}

impl PoolSection {
    pub(crate) fn find(store: &Store, name: &str) -> Option<Self> {
        let (bytes, starts) = (store.find::<u8>(name)?, store.find::<u32>(&format!("{name}/starts"))?);
        Some(Self { bytes, starts })
    }

    pub(crate) fn write<W: Write>(
        out: &mut StoreWriter<W>,
        name: &str,
        (text, starts): (&str, &[u32]),
    ) -> std::io::Result<()> {
        out.section(name, text.as_bytes())?;
        out.section(format!("{name}/starts"), starts)
    }

    /// How many there are; `None` when they do not lie behind one another.
    fn len(self, store: &Store) -> Option<usize> {
        let starts = store.get::<u32>(self.starts);
        let sound = validate::rises(starts, store.get::<u8>(self.bytes).len(), true);
        sound.then(|| starts.len() - 1)
    }

    pub(crate) fn get(self, store: &Store, number: u32) -> &str {
        let starts = store.get::<u32>(self.starts);
        let range = starts[number as usize] as usize..starts[number as usize + 1] as usize;
        // The checksum was right, so this is what was written: UTF-8.
        std::str::from_utf8(&store.get::<u8>(self.bytes)[range]).unwrap_or_default()
    }
}

impl Sections {
    fn find(store: &Store) -> Option<Self> {
        Some(Self {
            concepts: store.find::<ConceptRow>("concepts")?,
            members: PoolSection::find(store, "members")?,
            member_concepts: store.find::<u32>("member_concepts")?,
            members_by_id: store.find::<u32>("members_by_id")?,
            first_terms: store.find::<u32>("first_terms")?,
            terms: store.find::<TermRow>("terms")?,
            texts: PoolSection::find(store, "texts")?,
            facts: store.find::<Fact>("facts")?,
        })
    }
}

impl Sections {
    /// Is every number in the sections one of something that is there? See [`validate`].
    fn are_sound(&self, store: &Store, names: &Names) -> bool {
        let rows = store.get::<ConceptRow>(self.concepts);
        let (Some(members), Some(texts)) = (self.members.len(store), self.texts.len(store)) else { return false };
        let terms = store.get::<TermRow>(self.terms);
        let counts = Counts {
            concepts: rows.len().saturating_sub(1),
            members,
            texts,
            languages: names.languages.len(),
            flag_sets: names.flag_sets.len(),
            type_sets: names.type_sets.len(),
        };
        let (by_id, of_members) = (store.get::<u32>(self.members_by_id), store.get::<u32>(self.member_concepts));
        let first_terms = store.get::<u32>(self.first_terms);
        let fact = |fact: &Fact| {
            [fact.head.0, fact.tail.0].iter().all(|&concept| (concept as usize) < counts.concepts)
                && (fact.relation.0 as usize) < names.relations.len()
        };
        validate::concepts(rows, counts)
            && names.type_sets.iter().all(|set| validate::below(set, names.semantic_types.len()))
            && by_id.len() == members
            && validate::below(by_id, members)
            && of_members.len() == members
            && validate::below(of_members, counts.concepts)
            && first_terms.len() == rows.len()
            && validate::rises(first_terms, terms.len(), true)
            && validate::terms(terms, counts)
            && store.get::<Fact>(self.facts).par_iter().all(fact)
            && names.languages.iter().all(|lang| validate::matcher(store, lang, terms.len()).unwrap_or(true))
    }
}

/// Writes `content` compiled, with a matcher for every language. Returns the hash of what was written.
pub(crate) fn write(content: &Content, out: impl Write) -> Result<String, CompileError> {
    let mut out = StoreWriter::new(out)?;
    let names = Names {
        languages: content.languages.clone(),
        semantic_types: content.semantic_types.clone(),
        type_sets: content.type_sets.clone(),
        flag_sets: content.flag_sets.clone(),
        relations: content.relations.clone(),
    };
    out.section("names", &serde_json::to_vec(&names).map_err(std::io::Error::other)?)?;
    let members = content.members.len() as u32;
    let mut concepts = content.concepts.clone();
    concepts.push(ConceptRow { first_member: members, types: 0 });
    let mut member_concepts = Vec::with_capacity(members as usize);
    for (pair, number) in concepts.windows(2).zip(0_u32..) {
        member_concepts.resize(pair[1].first_member as usize, number);
    }
    let mut by_id: Vec<u32> = (0..members).collect();
    by_id.sort_unstable_by_key(|&m| content.members.get(crate::content::Text(m)));
    let mut first_terms = vec![0_u32; concepts.len()];
    for term in &content.terms {
        first_terms[term.concept as usize + 1] += 1;
    }
    let mut sum = 0;
    for first in &mut first_terms {
        sum += *first;
        *first = sum;
    }
    out.section("concepts", &concepts)?;
    PoolSection::write(&mut out, "members", content.members.parts())?;
    out.section("member_concepts", &member_concepts)?;
    out.section("members_by_id", &by_id)?;
    out.section("first_terms", &first_terms)?;
    out.section("terms", &content.terms)?;
    PoolSection::write(&mut out, "texts", content.texts.parts())?;
    out.section("facts", &content.facts)?;
    compile::write(content, &mut out)?;
    let (mut file, hash) = out.finish()?;
    file.flush()?;
    Ok(hash)
}

/// Why content could not be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    TooMany(#[from] KnowledgeError),
}

impl KnowledgeBase {
    /// Opens the directory that [`build`](crate::build()) wrote.
    ///
    /// # Errors
    /// The directory is none of a knowledge base, of another version of the format, incomplete or changed since it was
    /// written; the message names the file and what to do.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = tables::compiled(dir)?;
        Self::of(Store::open(&path)?, &path)
    }

    /// Content in memory.
    #[cfg(test)]
    pub(crate) fn new(content: &Content) -> Result<Self> {
        let mut bytes = Vec::new();
        write(content, &mut bytes).map_err(|e| FileError::content(Path::new("memory"), None, e.to_string(), "", ""))?;
        Self::of(Store::from_bytes(&bytes)?, Path::new("memory"))
    }

    pub(crate) fn of(store: Store, path: &Path) -> Result<Self> {
        let broken = |found| {
            let help = "build the knowledge base again (`kbioxlm knowledge build`)";
            FileError::content(path, None, found, "those of this version", help)
        };
        let names = store.find::<u8>("names").and_then(|s| serde_json::from_slice::<Names>(store.get(s)).ok());
        let names = names.ok_or_else(|| broken("no names of languages and relations"))?;
        let sections = Sections::find(&store).ok_or_else(|| broken("sections missing"))?;
        if !sections.are_sound(&store, &names) {
            return Err(broken("sections that contradict each other").into());
        }
        Ok(Self { store: Arc::new(store), names: Arc::new(names), sections })
    }

    /// BLAKE3 of the content: the same for the same sources and settings, wherever it was built.
    pub fn hash(&self) -> &str {
        self.store.hash()
    }

    /// All concepts, in the order of the sources.
    pub fn concepts(&self) -> impl ExactSizeIterator<Item = Concept<'_>> {
        (0..self.concept_rows().len() - 1).map(|number| self.concept(ConceptIndex(number as u32)))
    }

    fn concept_rows(&self) -> &[ConceptRow] {
        self.store.get(self.sections.concepts)
    }

    /// One concept.
    pub fn concept(&self, concept: ConceptIndex) -> Concept<'_> {
        let row = &self.concept_rows()[concept.0 as usize];
        Concept {
            id: self.sections.members.get(&self.store, row.first_member),
            semantic_type: self.types(row).next().unwrap_or_default(),
        }
    }

    /// The semantic types of a concept: those of all its members, in the sources' order.
    pub fn semantic_types(&self, concept: ConceptIndex) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.types(&self.concept_rows()[concept.0 as usize])
    }

    fn types(&self, row: &ConceptRow) -> impl ExactSizeIterator<Item = &str> + Clone {
        let names = &self.names.semantic_types;
        self.names.type_sets[row.types as usize].iter().map(|&number| names[number as usize].as_str())
    }

    /// The ids of the sources' concepts that were joined into one, its own first, in the sources' order.
    pub fn members(&self, concept: ConceptIndex) -> impl ExactSizeIterator<Item = &str> {
        let rows = &self.concept_rows()[concept.0 as usize..concept.0 as usize + 2];
        (rows[0].first_member..rows[1].first_member).map(|m| self.sections.members.get(&self.store, m))
    }

    /// The concept known by `id`, which may be that of any of its members.
    pub fn find_concept(&self, id: &str) -> Option<ConceptIndex> {
        let by_id = self.store.get::<u32>(self.sections.members_by_id);
        let at = by_id.binary_search_by(|&m| self.sections.members.get(&self.store, m).cmp(id)).ok()?;
        let member = *by_id.get(at)?;
        self.store.get::<u32>(self.sections.member_concepts).get(member as usize).copied().map(ConceptIndex)
    }

    /// All terms, sorted by concept and language.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = Term<'_>> {
        self.term_rows().iter().map(|row| self.view(row))
    }

    pub(crate) fn term_rows(&self) -> &[TermRow] {
        self.store.get(self.sections.terms)
    }

    /// One term.
    pub fn term(&self, term: TermIndex) -> Term<'_> {
        self.view(&self.term_rows()[term.0 as usize])
    }

    pub(crate) fn lang(&self, row: &TermRow) -> &str {
        &self.names.languages[usize::from(row.lang)]
    }

    pub(crate) fn text(&self, row: &TermRow) -> &str {
        self.sections.texts.get(&self.store, row.text.0)
    }

    fn view(&self, row: &TermRow) -> Term<'_> {
        let has = |bit: u32| row.usage & bit != 0;
        Term {
            concept: ConceptIndex(row.concept),
            lang: self.lang(row),
            text: self.text(row),
            preferred: has(TermRow::PREFERRED),
            case_sensitive: has(TermRow::CASE_SENSITIVE),
            translation: has(TermRow::TRANSLATION),
            matched: has(TermRow::MATCHED),
            flags: &self.names.flag_sets[usize::from(row.flags)],
        }
    }

    /// The terms of a concept, sorted by language; in each language the preferred one first, then in the sources' order.
    pub fn terms_of(&self, concept: ConceptIndex) -> impl ExactSizeIterator<Item = TermIndex> + Clone + use<> {
        let first = self.store.get::<u32>(self.sections.first_terms);
        (first[concept.0 as usize]..first[concept.0 as usize + 1]).map(TermIndex)
    }

    /// The terms in `lang` that may stand for the concept in text of this language, the preferred one first.
    pub fn translations(&self, concept: ConceptIndex, lang: &str) -> impl Iterator<Item = TermIndex> {
        // Languages are compared by their number; one that is not known has none.
        let lang = self.names.languages.iter().position(|l| l == lang);
        let rows = self.term_rows();
        self.terms_of(concept).filter(move |&TermIndex(term)| {
            let row = &rows[term as usize];
            Some(usize::from(row.lang)) == lang && row.usage & TermRow::TRANSLATION != 0
        })
    }

    /// The term to use first in `lang`: the preferred one or, where the source prefers none, the first.
    pub fn preferred(&self, concept: ConceptIndex, lang: &str) -> Option<TermIndex> {
        self.translations(concept, lang).next()
    }

    /// All facts, sorted by (head, tail, relation).
    pub fn facts(&self) -> &[Fact] {
        self.store.get(self.sections.facts)
    }

    /// The facts whose head is `concept`.
    pub fn facts_of(&self, concept: ConceptIndex) -> &[Fact] {
        let facts = self.facts();
        let start = facts.partition_point(|f| f.head < concept);
        let length = facts[start..].partition_point(|f| f.head == concept);
        &facts[start..start + length]
    }

    /// The facts that say something of `head` and `tail`, in this direction.
    pub fn facts_between(&self, head: ConceptIndex, tail: ConceptIndex) -> &[Fact] {
        let facts = self.facts();
        let start = facts.partition_point(|f| (f.head, f.tail) < (head, tail));
        let length = facts[start..].partition_point(|f| (f.head, f.tail) == (head, tail));
        &facts[start..start + length]
    }

    /// The id of a relation, as the sources have it: `may_treat`.
    pub fn relation_id(&self, relation: RelationIndex) -> &str {
        &self.names.relations[relation.0 as usize].id
    }

    /// How a relation is said in `lang`.
    pub fn relation_label(&self, relation: RelationIndex, lang: &str) -> Option<&str> {
        self.names.relations[relation.0 as usize].labels.get(lang).map(String::as_str)
    }

    /// The ids of all relations.
    pub fn relations(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.relations.iter().map(|relation| relation.id.as_str())
    }

    /// All semantic types, as the sources name them.
    pub fn all_semantic_types(&self) -> &[String] {
        &self.names.semantic_types
    }

    /// The languages of the terms, sorted.
    pub fn languages(&self) -> Vec<&str> {
        self.names.languages.iter().map(String::as_str).collect()
    }

    /// Counts for a summary.
    pub fn stats(&self) -> Stats {
        Stats::of(self)
    }
}
