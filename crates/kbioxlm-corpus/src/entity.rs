//! Entity level: mentions replaced by terms of their concepts in other languages.

use crate::anchor::Anchor;
use crate::documents::Document;
use crate::text::TextBuilder;
use crate::{Example, Level, Role, Segment};
use kbioxlm_files::rng_for;
use kbioxlm_knowledge::Mention;
use rand::RngExt;
use std::collections::BTreeMap;

/// The document as it is and, where something can be switched, code-switched.
///
/// A document without a mention has nothing to teach at this level and gives nothing; one whose mentions have no
/// name in another language gives its original only.
pub(crate) fn examples(anchor: &Anchor, document: &Document, mentions: &[Mention]) -> Vec<Example> {
    if mentions.is_empty() {
        return Vec::new();
    }
    let original = unchanged(anchor, document, mentions, Level::Entity, ":original");
    std::iter::once(original).chain(switched(anchor, document, mentions)).collect()
}

/// The document as it is, with its mentions.
pub(crate) fn unchanged(
    anchor: &Anchor,
    document: &Document,
    mentions: &[Mention],
    level: Level,
    suffix: &str,
) -> Example {
    Example {
        id: format!("{level}:{}:{}{suffix}", document.lang, document.id),
        level,
        segments: vec![Segment { lang: document.lang.clone(), text: document.text.clone() }],
        spans: anchor.spans(0, mentions),
        label: None,
    }
}

fn switched(anchor: &Anchor, document: &Document, mentions: &[Mention]) -> Option<Example> {
    let replacements = choose(anchor, document, mentions);
    if replacements.is_empty() {
        return None;
    }
    let mut text = TextBuilder::default();
    let mut spans = Vec::with_capacity(mentions.len());
    let mut rest = 0;
    let mut after_switch = false;
    for (number, mention) in mentions.iter().enumerate() {
        let between = document.text.get(rest..mention.bytes.start)?;
        let surface = document.text.get(mention.bytes.clone())?;
        rest = mention.bytes.end;
        let replacement = replacements.get(&number).copied();
        if after_switch {
            text.part(between);
        }
        text.push(between);
        // Two mentions may touch: then the space belongs between the former replacement and this mention.
        if replacement.is_some() || (after_switch && between.is_empty()) {
            text.part(replacement.unwrap_or(surface));
        }
        let mut span = text.push_span(replacement.unwrap_or(surface), 0, Role::Entity);
        span.concept = anchor.concept_id(mention.concept);
        span.switched = replacement.is_some();
        after_switch = span.switched;
        spans.push(span);
    }
    let end = document.text.get(rest..)?;
    if after_switch {
        text.part(end);
    }
    text.push(end);
    Some(Example {
        id: format!("entity:{}:{}:switched", document.lang, document.id),
        level: Level::Entity,
        segments: vec![Segment { lang: document.lang.clone(), text: text.finish() }],
        spans,
        label: None,
    })
}

/// Number of the mention -> what stands in its place, for at most `max_switches` mentions chosen at random.
/// Of the languages that have a name for the concept one is chosen at random; in it, the preferred name is taken.
fn choose<'a>(anchor: &Anchor<'a>, document: &Document, mentions: &[Mention]) -> BTreeMap<usize, &'a str> {
    let mut rng = rng_for(anchor.config.seed, &["entity", &document.lang, &document.id]);
    let names = |mention: &Mention| -> Vec<&'a str> {
        let surface = document.text.get(mention.bytes.clone()).unwrap_or_default();
        let in_language = |lang| anchor.translation(mention.concept, lang, surface);
        anchor.other_languages(&document.lang).filter_map(in_language).collect()
    };
    let mut candidates: Vec<(usize, Vec<&str>)> = mentions
        .iter()
        .enumerate()
        .filter(|(_, mention)| !anchor.is_held_out(mention.concept))
        .map(|(number, mention)| (number, names(mention)))
        .filter(|(_, names)| !names.is_empty())
        .collect();
    let amount = anchor.config.max_switches.min(candidates.len());
    let mut chosen = BTreeMap::new();
    for _ in 0..amount {
        let (number, names) = candidates.swap_remove(rng.random_range(0..candidates.len()));
        if let Some(name) = names.get(rng.random_range(0..names.len())) {
            chosen.insert(number, *name);
        }
    }
    chosen
}
