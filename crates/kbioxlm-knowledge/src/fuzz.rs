//! Entries for fuzzing: each takes the bytes of a file from outside. An error is a good answer; a panic or a hang is none.

use crate::store::Store;
use crate::{ConceptIndex, KnowledgeBase, Matcher, Result, TermIndex};
use std::path::Path;

/// Opens a compiled knowledge base and asks all that can be asked of it; gives how many answers there were.
///
/// # Errors
/// As of [`KnowledgeBase::open`].
pub fn knowledge(bytes: &[u8]) -> Result<usize> {
    let kb = KnowledgeBase::of(Store::from_bytes(bytes)?, Path::new("memory"))?;
    let mut answers = kb.stats().concepts;
    for number in 0..kb.concepts().len() as u32 {
        let concept = ConceptIndex(number);
        let summary = kb.summary(concept, "en", 3);
        answers += summary.members.iter().filter_map(|id| kb.find_concept(id)).count() + summary.facts.len();
        answers += kb.translations(concept, "zh").count();
    }
    for fact in kb.facts() {
        answers += kb.facts_between(fact.head, fact.tail).len();
    }
    for lang in kb.languages() {
        let Ok(matcher) = Matcher::new(&kb, lang) else { continue };
        for number in 0..kb.terms().len() as u32 {
            let text = kb.term(TermIndex(number)).text;
            answers += matcher.lookup(text).len() + matcher.find(&format!("x {text}, {text}")).len();
        }
    }
    Ok(answers + kb.terms_like("fever", None, 3).len())
}

/// As [`knowledge`], but of bytes whose checksum is made right first, so that what lies behind it is met.
///
/// # Errors
/// As of [`KnowledgeBase::open`].
pub fn knowledge_with_checksum(bytes: &[u8]) -> Result<usize> {
    knowledge(&Store::with_checksum(bytes))
}
