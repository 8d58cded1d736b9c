//! A term of an ontology: gathered clause by clause, then told as records.

use super::lexer::{id, plain, quoted, word};
use super::ontology::Ontology;
use super::{Obo, Scope};
use crate::curie::{canonical, identifies, vocabulary_name, vocabulary_of};
use crate::{FileError, LinkReason, Reason, Record, Result, Sink};

/// Most clauses of one term: input without stanzas must not fill the memory.
const MAX_CLAUSES: usize = 100_000;

/// Relations that are kept in one direction: the other one, and the one that is kept.
const INVERSES: [(&str, &str); 3] =
    [("has_part", "part_of"), ("is_conjugate_acid_of", "is_conjugate_base_of"), ("location_of", "located_in")];

/// Relations that say the same in either direction, where the ontology does not mark them.
const SYMMETRIC: [&str; 2] = ["is_enantiomer_of", "is_tautomer_of"];

/// The relations of these tables.
#[cfg(test)]
pub(crate) fn known() -> impl Iterator<Item = &'static str> + Clone {
    INVERSES.iter().map(|(_, kept)| *kept).chain(SYMMETRIC)
}

/// Cross-references of MONDO that say of themselves that they are not the same.
const NOT_THE_SAME: [&str; 7] = [
    "\"MONDO:relatedTo\"",
    "\"MONDO:mondoIsBroaderThanSource\"",
    "\"MONDO:mondoIsNarrowerThanSource\"",
    "\"MONDO:directSiblingOf\"",
    "\"MONDO:subClassOf\"",
    "\"MONDO:superClassOf\"",
    "\"MONDO:possibleMatch\"",
];

/// A term as far as it is read.
#[derive(Default)]
pub(super) struct Term {
    line: usize,
    clauses: usize,
    id: String,
    name: Option<(usize, String)>,
    namespace: String,
    is_obsolete: bool,
    replaced_by: Vec<(usize, String)>,
    synonyms: Vec<(usize, Synonym)>,
    facts: Vec<(usize, String, String)>,
    same: Vec<(usize, String)>,
    xrefs: Vec<(usize, String)>,
}

struct Synonym {
    text: String,
    scope: Scope,
    kind: String,
}

impl Term {
    /// Starts a term at `line`.
    pub fn clear(&mut self, line: usize) {
        *self = Self { line, ..Self::default() };
    }

    /// Takes one clause.
    pub fn add(&mut self, options: &Obo, line: usize, tag: &str, value: &str) -> Result<()> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            let found = format!("a term of more than {MAX_CLAUSES} lines");
            let help = "check that the file is complete";
            return Err(FileError::content(&options.path, line, found, "terms that begin with `[Term]`", help));
        }
        match tag {
            "id" => self.id = id(value).0,
            "name" => self.name = Some((line, plain(value))),
            "namespace" => self.namespace = plain(value),
            "is_obsolete" => self.is_obsolete = plain(value) == "true",
            "replaced_by" => self.replaced_by.push((line, id(value).0)),
            "alt_id" => self.same.push((line, id(value).0)),
            "synonym" => self.synonyms.push((line, synonym(options, line, value)?)),
            "is_a" => self.fact(line, "is_a", value),
            "relationship" => {
                let (relation, target) = word(value);
                self.fact(line, relation, target);
            }
            "xref" => {
                let (id, rest) = id(value);
                if !NOT_THE_SAME.iter().any(|remark| rest.contains(remark)) {
                    self.xrefs.push((line, id));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fact(&mut self, line: usize, relation: &str, target: &str) {
        let (target, rest) = id(target);
        // True only under a condition, or of none at all.
        let restricted = ["gci_relation=", "gci_filler=", "cardinality=\"0\"", "maxCardinality=\"0\""];
        if !restricted.iter().any(|remark| rest.contains(remark)) {
            self.facts.push((line, relation.to_owned(), target));
        }
    }

    /// Gives what the term says to `sink`.
    pub fn tell(
        &self,
        options: &Obo,
        ontology: &Ontology,
        relations: &Relations<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        if self.clauses == 0 {
            return Ok(());
        }
        if self.id.is_empty() {
            let help = "restore the `id:` line";
            return Err(FileError::content(&options.path, self.line, "a term without `id`", "an `id: …` line", help));
        }
        let Some(concept) = canonical(&self.id) else {
            sink.dropped(self.line, Reason::Vocabulary, &self.id);
            return Ok(());
        };
        let concept = concept.as_ref();
        if self.is_obsolete {
            sink.dropped(self.line, Reason::Obsolete, concept);
            if let [(line, new)] = self.replaced_by.as_slice()
                && let Some(new) = canonical(new)
            {
                sink.record(*line, Record::Link { a: &new, b: concept, reason: LinkReason::Xref })?;
            }
            return Ok(());
        }
        if !is_of(&options.vocabularies, concept) {
            sink.dropped(self.line, Reason::Vocabulary, concept);
            return Ok(());
        }
        if !ontology.contains(concept) {
            sink.dropped(self.line, Reason::Subset, concept);
            return Ok(());
        }
        self.tell_names(concept, options, ontology, sink)?;
        for (line, relation, target) in &self.facts {
            relations.tell(*line, concept, relation, target, sink)?;
        }
        self.tell_links(concept, options, sink)
    }

    fn tell_names(&self, concept: &str, options: &Obo, ontology: &Ontology, sink: &mut dyn Sink) -> Result<()> {
        let given = options.semantic_type.as_deref();
        let own = Some(self.namespace.as_str()).filter(|n| !n.is_empty());
        let semantic_type = given.or(own).unwrap_or(&ontology.namespace);
        if !semantic_type.is_empty() {
            sink.record(self.line, Record::Type { concept, semantic_type })?;
        }
        let lang = options.lang.as_str();
        match &self.name {
            Some((line, text)) if !text.is_empty() => {
                sink.record(*line, Record::Term { concept, lang, text, preferred: true, flags: &[] })?;
            }
            _ => sink.dropped(self.line, Reason::Empty, concept),
        }
        for (line, synonym) in &self.synonyms {
            if !options.synonyms.contains(&synonym.scope) {
                sink.dropped(*line, Reason::Scope, &synonym.text);
                continue;
            }
            let kind = match kind(&ontology.synonym_type(&synonym.kind)) {
                Kind::Flag(flag) => flag,
                Kind::Dropped(reason) => {
                    sink.dropped(*line, reason, &synonym.text);
                    continue;
                }
            };
            if synonym.text.is_empty() {
                sink.dropped(*line, Reason::Empty, concept);
                continue;
            }
            let scope = match synonym.scope {
                Scope::Exact => "",
                Scope::Broad => "broad",
                Scope::Narrow => "narrow",
                Scope::Related => "related",
            };
            let both = [scope, kind.as_str()];
            let flags = match (scope.is_empty(), kind.is_empty() || kind == scope) {
                (true, true) => &[][..],
                (true, false) => &both[1..],
                (false, true) => &both[..1],
                (false, false) => &both[..],
            };
            sink.record(*line, Record::Term { concept, lang, text: &synonym.text, preferred: false, flags })?;
        }
        Ok(())
    }

    fn tell_links(&self, concept: &str, options: &Obo, sink: &mut dyn Sink) -> Result<()> {
        for (line, other) in &self.same {
            if let Some(other) = canonical(other).filter(|other| other != concept) {
                sink.record(*line, Record::Link { a: concept, b: &other, reason: LinkReason::Xref })?;
            }
        }
        for (line, other) in &self.xrefs {
            let Some(other) = canonical(other).filter(|other| other != concept) else { continue };
            let wanted = options.links.as_ref().map_or_else(|| identifies(&other), |only| has(only, &other));
            if wanted {
                sink.record(*line, Record::Link { a: concept, b: &other, reason: LinkReason::Xref })?;
            }
        }
        Ok(())
    }
}

/// Which relations become facts, under which id and in which direction.
pub(super) struct Relations<'o> {
    ontology: &'o Ontology,
    only: Option<&'o [String]>,
}

impl<'o> Relations<'o> {
    pub fn new(options: &'o Obo, ontology: &'o Ontology) -> Self {
        Self { ontology, only: options.relations.as_deref() }
    }

    fn wants(&self, relation: &str) -> bool {
        !relation.is_empty() && self.only.is_none_or(|only| only.iter().any(|r| r == relation))
    }

    /// The relation that a definition names; `None` for those that are left out or kept the other way round.
    pub fn labelled(&self, typedef: &str) -> Option<String> {
        let relation = self.ontology.relation(typedef);
        (self.wants(&relation) && !INVERSES.iter().any(|(inverse, _)| *inverse == relation)).then_some(relation)
    }

    fn tell(&self, line: usize, head: &str, given: &str, target: &str, sink: &mut dyn Sink) -> Result<()> {
        let Some(tail) = canonical(target) else {
            sink.dropped(line, Reason::Vocabulary, target);
            return Ok(());
        };
        let said = self.ontology.relation(given);
        let inverse = INVERSES.iter().find(|(inverse, _)| *inverse == said);
        let relation = inverse.map_or(said.as_str(), |(_, kept)| kept);
        if !self.wants(relation) {
            sink.dropped(line, Reason::Relation, relation);
            return Ok(());
        }
        let symmetric = SYMMETRIC.contains(&relation) || self.ontology.is_symmetric(given);
        let reversed = inverse.is_some() || symmetric && tail.as_ref() < head;
        let (head, tail) = if reversed { (tail.as_ref(), head) } else { (head, tail.as_ref()) };
        sink.record(line, Record::Fact { head, relation, tail })
    }
}

fn is_of(vocabularies: &[String], id: &str) -> bool {
    vocabularies.is_empty() || has(vocabularies, id)
}

fn has(vocabularies: &[String], id: &str) -> bool {
    let name = vocabulary_of(id);
    vocabularies.iter().any(|v| vocabulary_name(v) == name)
}

/// `"text" SCOPE TYPE [xrefs]`; scope and type may be missing.
fn synonym(options: &Obo, line: usize, value: &str) -> Result<Synonym> {
    let Some((text, rest)) = quoted(value) else {
        let found = format!("`synonym: {}`", value.chars().take(60).collect::<String>());
        let help = "put the synonym in double quotes";
        return Err(FileError::content(&options.path, line, found, "`synonym: \"name\" EXACT []`", help));
    };
    let (first, after) = word(rest);
    let (scope, rest) = match first {
        "EXACT" => (Scope::Exact, after),
        "BROAD" => (Scope::Broad, after),
        "NARROW" => (Scope::Narrow, after),
        "RELATED" => (Scope::Related, after),
        // As the format has it when none is given.
        _ => (Scope::Related, rest),
    };
    let (kind, _) = word(rest);
    let kind = if kind.starts_with(['[', '{', '!']) { "" } else { kind };
    Ok(Synonym { text, scope, kind: kind.to_owned() })
}

enum Kind {
    /// The flag that the kind means; empty for none.
    Flag(String),
    Dropped(Reason),
}

/// What a kind of synonym means, in the words of the knowledge base's flags; kinds without meaning here keep their name.
fn kind(name: &str) -> Kind {
    let flag = match name {
        "" | "inn" | "omim_term" | "preferred" | "clingen_label" | "clingen_preferred" => "",
        "layperson" | "layperson_term" | "omo_0003003" => "layperson",
        "abbreviation" | "acronym" | "omo_0003000" | "omo_0003012" => "abbreviation",
        "plural_form" | "plural" | "omo_0003004" => "plural_form",
        "uk_spelling" | "uk_spelling_synonym" | "british_english" | "omo_0003005" => "uk_spelling",
        "misspelling" | "omo_0003006" => "variant_or_misspelling",
        "brand_name" => "brand_or_alt",
        "dubious" | "ambiguous" => "related",
        "obsolete_synonym" | "obsolete" | "deprecated" | "discarded_obsoleted_synonym" => {
            return Kind::Dropped(Reason::Obsolete);
        }
        // No names: formulas, and what the ontology's editors keep from others.
        "formula" | "smiles" | "in_ch_i" | "inchi" | "in_ch_ikey" | "inchikey" | "exclude" | "allelic_requirement" => {
            return Kind::Dropped(Reason::Suppressed);
        }
        other => other,
    };
    Kind::Flag(flag.to_owned())
}
