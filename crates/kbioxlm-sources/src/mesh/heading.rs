//! A record of the MeSH and what it says.

use super::{CATEGORIES, Mesh};
use crate::list::List;
use crate::{LinkReason, Reason, Record, Result, Sink};

/// A descriptor or supplementary record.
#[derive(Default)]
pub(super) struct Heading {
    pub line: usize,
    pub id: String,
    /// SCRClass of a supplementary record.
    pub class: Option<String>,
    pub tree_numbers: Vec<String>,
    pub actions: Vec<String>,
    pub see_also: Vec<String>,
    pub concepts: Vec<Concept>,
    pub terms: Vec<Term>,
    /// Narrower, broader or related concepts, by their identifiers: name of the relation, first, second.
    pub relations: Vec<(String, String, String)>,
}

#[derive(Default)]
pub(super) struct Concept {
    pub id: String,
    pub preferred: bool,
    pub other_ids: Vec<String>,
}

#[derive(Default)]
pub(super) struct Term {
    pub line: usize,
    pub text: String,
    pub preferred: bool,
    pub permuted: bool,
    pub tag: String,
    /// Place of its concept in the record.
    pub concept: usize,
}

/// The id that a registry number is: the FDA's for a substance, a taxon, or a concept of the UMLS. Others (CAS, EC) are not unique enough.
pub(super) fn other_id(number: &str) -> Option<String> {
    let digits = |text: &str| (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(taxon) = number.strip_prefix("txid").filter(|t| digits(t)) {
        return Some(format!("NCBITAXON:{taxon}"));
    }
    if number.len() == 8 && number.strip_prefix('C').is_some_and(digits) {
        return Some(format!("UMLS:{number}"));
    }
    let unii = number.len() == 10
        && number.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && number.bytes().any(|b| b.is_ascii_digit());
    unii.then(|| format!("UNII:{number}"))
}

impl Heading {
    /// Names of the categories, each once.
    fn categories(&self) -> Vec<&'static str> {
        let letters = self.tree_numbers.iter().filter_map(|n| n.get(..1));
        let class = self.class.as_deref().and_then(|class| match class {
            "1" => Some("D"),
            "2" => Some("E"),
            "3" => Some("C"),
            "4" => Some("B"),
            _ => None,
        });
        let mut categories = Vec::new();
        for letter in letters.chain(class) {
            let name = CATEGORIES.iter().find(|(l, _)| *l == letter).map(|(_, name)| *name);
            categories.extend(name.filter(|name| !categories.contains(name)));
        }
        categories
    }

    /// What the concept of a term is to that of the record.
    fn scope(&self, concept: &Concept) -> Option<&'static str> {
        if concept.preferred {
            return None;
        }
        let main = self.concepts.iter().find(|c| c.preferred).map(|c| c.id.as_str());
        let named = self.relations.iter().find_map(|(relation, first, second)| {
            // The second is narrower or broader than the first.
            match (relation.as_str(), Some(first.as_str()) == main && *second == concept.id) {
                ("NRW", true) => Some("narrow"),
                ("BRD", true) => Some("broad"),
                _ if Some(second.as_str()) == main && *first == concept.id => match relation.as_str() {
                    "NRW" => Some("broad"),
                    "BRD" => Some("narrow"),
                    _ => None,
                },
                _ => None,
            }
        });
        Some(named.unwrap_or("related"))
    }

    /// Gives the record to the sink, if its category was asked for.
    pub(super) fn give(&self, options: &Mesh, sink: &mut dyn Sink) -> Result<bool> {
        let (line, concept) = (self.line, self.id.as_str());
        let categories = self.categories();
        let asked = |name: &&str| {
            options.categories.iter().any(|c| c == name || CATEGORIES.iter().any(|(l, n)| l == c && n == name))
        };
        if !options.categories.is_empty() && !categories.iter().any(asked) {
            sink.dropped(line, Reason::SemanticType, self.terms.first().map_or(concept, |t| &t.text));
            return Ok(false);
        }
        for semantic_type in categories {
            sink.record(line, Record::Type { concept, semantic_type })?;
        }
        for term in &self.terms {
            if term.text.is_empty() {
                sink.dropped(term.line, Reason::Empty, concept);
                continue;
            }
            let scope = term.concept.checked_sub(1).and_then(|i| self.concepts.get(i)).and_then(|c| self.scope(c));
            let lexical = match term.tag.as_str() {
                "ABB" | "ACR" => Some("abbreviation"),
                "TRD" => Some("brand_or_alt"),
                _ => None,
            };
            let permuted = term.permuted.then_some("variant_or_misspelling");
            let flags = List::of([lexical, scope, permuted]);
            let (preferred, flags) = (term.preferred && !term.permuted, flags.as_slice());
            sink.record(term.line, Record::Term { concept, lang: "en", text: &term.text, preferred, flags })?;
        }
        for b in self.concepts.iter().filter(|c| c.preferred).flat_map(|c| &c.other_ids) {
            sink.record(line, Record::Link { a: concept, b, reason: LinkReason::Xref })?;
        }
        for (relation, tails) in [("has_pharmacological_action", &self.actions), ("see_also", &self.see_also)] {
            for tail in tails {
                sink.record(line, Record::Fact { head: concept, relation, tail })?;
            }
        }
        Ok(true)
    }
}
