//! From tags to records.

use super::heading::{Concept, Heading, Term, other_id};
use super::tree::Tree;
use super::{AGAIN, Mesh};
use crate::text::tidy;
use crate::{Result, Sink};
use kbioxlm_files::xml::Xml;
use std::io::BufRead;

/// Most entries of one record, of each kind; the largest has some hundred.
const MAX_ENTRIES: usize = 10_000;

/// Names of the elements that matter here; the stack has others as empty strings.
const ELEMENTS: [&str; 20] = [
    "Concept",
    "Concept1UI",
    "Concept2UI",
    "ConceptRelation",
    "ConceptUI",
    "ConceptUMLSUI",
    "DescriptorRecord",
    "DescriptorReferredTo",
    "DescriptorUI",
    "PharmacologicalAction",
    "RegistryNumber",
    "RegistryNumberList",
    "SeeRelatedDescriptor",
    "String",
    "SupplementalRecord",
    "SupplementalRecordUI",
    "Term",
    "TermList",
    "TreeNumber",
    "TreeNumberList",
];

/// Collects records from tags.
pub(super) struct Reading<'a> {
    options: &'a Mesh,
    stack: Vec<&'static str>,
    record: Heading,
    tree: Tree,
}

impl<'a> Reading<'a> {
    pub(super) fn new(options: &'a Mesh) -> Self {
        Self { options, stack: Vec::new(), record: Heading::default(), tree: Tree::default() }
    }

    /// The root element has been opened.
    pub(super) fn root(&mut self) {
        self.stack.push("");
    }

    /// What is known when the file has been read.
    pub(super) fn finish(self, sink: &mut dyn Sink) -> Result<()> {
        self.tree.facts(sink)
    }

    pub(super) fn open<R: BufRead>(&mut self, xml: &Xml<R>) -> Result<()> {
        let name = ELEMENTS.iter().find(|e| **e == xml.name()).copied().unwrap_or_default();
        self.stack.push(name);
        let record = &mut self.record;
        let count = match name {
            "DescriptorRecord" | "SupplementalRecord" => {
                *record = Heading { line: xml.line(), class: xml.attribute("SCRClass"), ..Heading::default() };
                0
            }
            "Concept" => {
                record.concepts.push(Concept { preferred: xml.has("PreferredConceptYN", "Y"), ..Concept::default() });
                record.concepts.len()
            }
            "ConceptRelation" => {
                let relation = xml.attribute("RelationName").unwrap_or_default();
                record.relations.push((relation, String::new(), String::new()));
                record.relations.len()
            }
            "Term" => {
                record.terms.push(Term {
                    line: xml.line(),
                    text: String::new(),
                    preferred: xml.has("RecordPreferredTermYN", "Y"),
                    permuted: xml.has("IsPermutedTermYN", "Y"),
                    tag: xml.attribute("LexicalTag").unwrap_or_default(),
                    concept: record.concepts.len(),
                });
                record.terms.len()
            }
            _ => 0,
        };
        limited(xml, count)
    }

    pub(super) fn close<R: BufRead>(&mut self, xml: &Xml<R>, sink: &mut dyn Sink) -> Result<()> {
        let record = &mut self.record;
        let text = || xml.text().trim().to_owned();
        let mut count = 0;
        match self.stack.as_slice() {
            [.., "DescriptorRecord", "DescriptorUI"] | [.., "SupplementalRecord", "SupplementalRecordUI"] => {
                record.id = heading_id(xml)?;
            }
            [.., "PharmacologicalAction", "DescriptorReferredTo", "DescriptorUI"] => {
                record.actions.push(heading_id(xml)?);
                count = record.actions.len();
            }
            [.., "SeeRelatedDescriptor", "DescriptorReferredTo", "DescriptorUI"] => {
                record.see_also.push(heading_id(xml)?);
                count = record.see_also.len();
            }
            [.., "TreeNumberList", "TreeNumber"] => {
                record.tree_numbers.push(text());
                count = record.tree_numbers.len();
            }
            [.., "Concept", "ConceptUI"] => {
                if let Some(concept) = record.concepts.last_mut() {
                    concept.id = text();
                }
            }
            [.., "Concept" | "RegistryNumberList", "RegistryNumber"] | [.., "Concept", "ConceptUMLSUI"] => {
                if let (Some(concept), Some(id)) = (record.concepts.last_mut(), other_id(xml.text().trim())) {
                    concept.other_ids.push(id);
                    count = concept.other_ids.len();
                }
            }
            [.., "ConceptRelation", side @ ("Concept1UI" | "Concept2UI")] => {
                if let Some((_, first, second)) = record.relations.last_mut() {
                    *(if *side == "Concept1UI" { first } else { second }) = text();
                }
            }
            [.., "TermList", "Term", "String"] => {
                if let Some(term) = record.terms.last_mut() {
                    term.text = tidy(xml.text()).into_owned();
                }
            }
            [.., "DescriptorRecord" | "SupplementalRecord"] => {
                if record.id.is_empty() {
                    return Err(xml.error(
                        "a record without its identifier",
                        "DescriptorUI or SupplementalRecordUI",
                        AGAIN,
                    ));
                }
                let record = std::mem::take(record);
                if record.give(self.options, sink)? {
                    self.tree.add(&record, xml)?;
                }
            }
            _ => {}
        }
        self.stack.pop();
        limited(xml, count)
    }
}

fn limited<R: BufRead>(xml: &Xml<R>, count: usize) -> Result<()> {
    if count > MAX_ENTRIES {
        let found = format!("more than {MAX_ENTRIES} entries of one kind in a record");
        return Err(xml.error(found, "a record of the MeSH", "check that this is the file you meant"));
    }
    Ok(())
}

/// The identifier that stands before the end tag.
fn heading_id<R: BufRead>(xml: &Xml<R>) -> Result<String> {
    let id = xml.text().trim();
    if !id.is_empty() && id.len() <= 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(format!("MESH:{id}"));
    }
    let found = format!("`{}` for a record", id.chars().take(40).collect::<String>());
    Err(xml.error(found, "an identifier such as D006973", AGAIN))
}
