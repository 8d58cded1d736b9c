//! The fact level, written down plainly.

use crate::Case;
use crate::folding::same_name;
use crate::world::LANGUAGES;
use kbioxlm_corpus::{Example, Level, Role};
use std::collections::{BTreeMap, BTreeSet};

type Words<'a> = [&'a str; 3];

pub fn check(case: &Case) {
    let mut chunks: BTreeMap<&str, BTreeMap<&str, &Example>> = BTreeMap::new();
    for example in case.of(Level::Fact) {
        let (chunk, variant) = example.id.rsplit_once(':').unwrap();
        let before = chunks.entry(chunk).or_default().insert(variant, example);
        assert!(before.is_none(), "twice: {}", example.id);
    }
    for variants in chunks.values() {
        let first = variants.values().next().unwrap();
        for example in variants.values() {
            assert_eq!(example.segments[0], first.segments[0], "one chunk: {}", example.id);
        }
        check_chunk(case, first);
        check_variants(case, first, variants);
    }
}

/// A chunk is a stretch of the document that tears no mention and keeps those within.
fn check_chunk(case: &Case, example: &Example) {
    let document = &case.document.text;
    let text = &example.segments[0].text;
    assert!(text.chars().count() >= case.config.min_tail && text.trim() == text, "{example:?}");
    let spans: Vec<_> = example.spans.iter().filter(|s| s.segment == 0).collect();
    let fits = |at: usize| {
        let end = at + text.len();
        let mentions = &case.plain().spans;
        let whole = mentions
            .iter()
            .all(|m| m.bytes.end <= at || end <= m.bytes.start || at <= m.bytes.start && m.bytes.end <= end);
        let within: Vec<_> = mentions.iter().filter(|m| at <= m.bytes.start && m.bytes.end <= end).collect();
        let same = |(a, b): (&&kbioxlm_corpus::Span, &&kbioxlm_corpus::Span)| {
            (a.bytes.start - at, a.bytes.end - at, &a.concept) == (b.bytes.start, b.bytes.end, &b.concept)
        };
        whole && within.len() == spans.len() && within.iter().zip(&spans).all(same)
    };
    // A text may repeat itself, so any of the places will do.
    let places: Vec<usize> =
        (0..document.len()).filter(|&at| document.get(at..).is_some_and(|d| d.starts_with(text))).collect();
    assert!(places.into_iter().any(fits), "no place of {document:?} is {example:?}");
}

fn check_variants(case: &Case, first: &Example, variants: &BTreeMap<&str, &Example>) {
    let own = case.document.lang;
    // Named by concept: a mention's own name stands in where the language has no better one.
    let concepts: BTreeSet<&str> =
        first.spans.iter().filter(|s| s.segment == 0).filter_map(|s| s.concept.as_deref()).collect();
    let facts: Vec<_> = case
        .world
        .facts
        .iter()
        .filter(|(head, _, tail)| head != tail && concepts.contains(head.as_str()) && concepts.contains(tail.as_str()))
        .collect();
    // All that each language can say, every telling once.
    let told: BTreeMap<&str, BTreeSet<Words>> = LANGUAGES
        .iter()
        .map(|&lang| {
            let tell = |(head, relation, tail): &&(String, usize, String)| -> Vec<Words> {
                let label = case.world.labels.iter().find(|(r, l, _)| r == relation && *l == lang);
                let (heads, tails) = (names(case, first, head, lang), names(case, first, tail, lang));
                let Some((_, _, label)) = label else { return Vec::new() };
                let pairs = heads.iter().flat_map(|h| tails.iter().map(move |t| (*h, *t)));
                pairs.filter(|(h, t)| !same_name(h, t)).map(|(h, t)| [h, label.as_str(), t]).collect()
            };
            (lang, facts.iter().flat_map(tell).collect())
        })
        .collect();
    let max = case.config.max_facts;
    let others: Vec<&str> = LANGUAGES.into_iter().filter(|&l| l != own && !told[l].is_empty()).collect();
    assert_eq!(variants.contains_key(own), !told[own].is_empty(), "{first:?}");
    let told_in: Vec<&str> = variants.keys().copied().filter(|v| *v != own && *v != "mixed").collect();
    assert!(
        told_in.len() == usize::from(!others.is_empty()) && told_in.iter().all(|l| others.contains(l)),
        "{first:?}"
    );
    for (&variant, example) in variants {
        let words = words(example);
        let distinct: BTreeSet<Words> = words.iter().map(|(_, words)| *words).collect();
        assert_eq!(distinct.len(), words.len(), "said twice: {example:?}");
        assert!(!words.is_empty() && words.len() <= max, "{example:?}");
        for (lang, words) in &words {
            let fits = told.get(lang).is_some_and(|told| told.contains(words));
            assert!(fits, "{words:?} is no fact of the chunk in {lang}: {example:?}");
        }
        if variant != "mixed" {
            assert!(words.iter().all(|(lang, _)| *lang == variant), "{example:?}");
            // One fact may have several names at hand for a concept without a translation; else the number is known.
            let unnamed = facts.iter().any(|(h, _, t)| [h, t].iter().any(|c| names(case, first, c, variant).len() > 1));
            if !unnamed {
                assert_eq!(words.len(), told[variant].len().min(max), "{example:?}");
            }
        } else {
            let langs: BTreeSet<&str> = words.iter().map(|(lang, _)| *lang).collect();
            assert!(
                langs.contains(own) && langs.len() == 2 && langs.iter().all(|l| *l == own || told_in.contains(l)),
                "{example:?}"
            );
        }
    }
}

/// How a concept may be called in a language: by its first translation or, in the chunk's own language, as the chunk
/// does, in the spelling of the knowledge base.
fn names<'a>(case: &'a Case, chunk: &Example, concept: &str, lang: &str) -> Vec<&'a str> {
    if let Some(name) = case.world.names(concept, lang).next() {
        return vec![name];
    }
    if lang != case.document.lang {
        return Vec::new();
    }
    let first = chunk.spans.iter().find(|s| s.segment == 0 && s.concept.as_deref() == Some(concept)).unwrap();
    let surface = chunk.text_of(first).unwrap();
    let terms = case.world.terms_of(concept).filter(|t| t.lang == lang && same_name(&t.text, surface));
    terms.map(|t| t.text.as_str()).collect()
}

/// The facts of an example as they are told: their language, and head, relation, tail.
fn words(example: &Example) -> Vec<(&str, Words<'_>)> {
    let fact = |n: usize| {
        let segment = &example.segments[n];
        let of = |role: Role| {
            let spans: Vec<_> = example.spans.iter().filter(|s| s.segment == n && s.role == role).collect();
            assert_eq!(spans.len(), 1, "{example:?}");
            example.text_of(spans[0]).unwrap()
        };
        let words = [Role::Head, Role::Relation, Role::Tail].map(of);
        assert_eq!(segment.text, words.join(" "), "{example:?}");
        (segment.lang.as_str(), words)
    };
    (1..example.segments.len()).map(fact).collect()
}
