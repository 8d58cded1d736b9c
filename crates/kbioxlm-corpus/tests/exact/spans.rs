//! What holds for the spans of any example.

use crate::Case;
use crate::folding::folded;
use crate::world::World;
use kbioxlm_corpus::{Example, Level, Role, Span};
use kbioxlm_knowledge::Matcher;

pub fn check(case: &Case) {
    for example in &case.examples {
        bookkeeping(example);
        for span in &example.spans {
            claim(case.world, example, span);
        }
    }
    let plain = case.plain();
    assert_eq!(plain.segments[0].text, case.document.text, "a document is kept to the byte");
    let found = Matcher::new(&case.world.kb, case.document.lang).unwrap().find(&case.document.text);
    let found: Vec<_> = found.into_iter().map(|m| (m.bytes, m.chars, case.world.id(m.concept))).collect();
    let spans: Vec<_> =
        plain.spans.iter().map(|s| (s.bytes.clone(), s.chars.clone(), s.concept.clone().unwrap())).collect();
    assert_eq!(spans, found, "every mention, once: {}", plain.id);
    let original = case.of(Level::Entity).next();
    assert_eq!(original.is_some(), !found.is_empty());
    if let Some(original) = original {
        assert!(original.id.ends_with(":original"));
        assert_eq!((&original.segments, &original.spans), (&plain.segments, &plain.spans));
    }
}

/// Bytes and characters name the same stretch, in order, without overlap.
fn bookkeeping(example: &Example) {
    let mut end = (0, 0);
    for span in &example.spans {
        let text = &example.segments[span.segment].text;
        let bytes = text.get(span.bytes.clone()).unwrap_or_else(|| panic!("within a character: {span:?} {example:?}"));
        let chars: String = text.chars().skip(span.chars.start).take(span.chars.len()).collect();
        assert_eq!(bytes, chars, "{span:?} {example:?}");
        assert!(!bytes.is_empty() && (span.segment, span.bytes.start) >= end, "{span:?} {example:?}");
        end = (span.segment, span.bytes.end);
    }
}

/// The span's text is a name of its concept, or the label of a relation.
fn claim(world: &World, example: &Example, span: &Span) {
    let text = example.text_of(span).unwrap();
    let lang = example.segments[span.segment].lang.as_str();
    let own = example.segments[0].lang.as_str();
    let Some(concept) = span.concept.as_deref() else {
        assert_eq!(span.role, Role::Relation, "{span:?} {example:?}");
        assert!(
            world.labels.iter().any(|(_, l, label)| *l == lang && label == text),
            "{text} is no label: {example:?}"
        );
        return;
    };
    let fits = world.terms_of(concept).any(|term| match (span.role, span.switched) {
        // In the place of a mention: a name in another language, as the knowledge base writes it.
        (Role::Entity, true) => term.lang != lang && term.translation && term.text == text,
        // A mention: a name in the text's language, but for the matcher's folding.
        (Role::Entity, false) => {
            let case_counts = term.case_sensitive;
            term.lang == lang && term.matched && folded(&term.text, case_counts) == folded(text, case_counts)
        }
        // In a fact: a name in the language it is told in; in the text's own the name it is called by will do.
        _ => term.lang == lang && (term.translation || lang == own) && term.text == text,
    });
    assert!(fits, "`{text}` is no name of {concept}: {span:?} {example:?}");
    if span.role != Role::Entity {
        assert_eq!(span.switched, lang != own, "{span:?} {example:?}");
        assert_eq!(span.fact, Some(span.segment as u32 - 1), "{span:?} {example:?}");
    }
}
