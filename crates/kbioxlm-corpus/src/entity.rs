//! Entity level: mentions replaced by terms of their concepts in other languages.

use crate::anchor::{Anchor, Marked};
use crate::documents::source_of;
use crate::text::TextBuilder;
use crate::{Example, Level, Role, Segment, Span};
use kbioxlm_documents::Document;
use kbioxlm_files::rng_for;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The document as it is and, where something can be switched, code-switched.
pub(crate) fn examples(anchor: &Anchor, document: &Document, mentions: &[Marked]) -> Vec<Example> {
    let original = unchanged(anchor, document, mentions, Level::Entity, ":original");
    std::iter::once(original).chain(switched(anchor, document, mentions)).collect()
}

/// The document as it is, with its mentions.
pub(crate) fn unchanged(
    anchor: &Anchor,
    document: &Document,
    mentions: &[Marked],
    level: Level,
    suffix: &str,
) -> Example {
    Example {
        id: format!("{level}:{}:{}{suffix}", document.lang, document.id),
        level,
        segments: vec![segment(document, document.text.clone())],
        spans: anchor.spans(0, mentions, |bytes| source_of(document, bytes)),
        label: None,
    }
}

/// The document's text or what became of it.
fn segment(document: &Document, text: String) -> Segment {
    let source = crate::documents::source(document, 0..document.text.len());
    Segment { lang: document.lang.clone(), text, source: Some(source) }
}

fn switched(anchor: &Anchor, document: &Document, mentions: &[Marked]) -> Option<Example> {
    let mut rng = rng_for(anchor.config.seed, &["entity", &document.lang, &document.id]);
    let replacements = choose(anchor, &document.lang, &document.text, mentions, &mut rng);
    let (text, mut spans) = replace(&document.text, mentions, &replacements)?;
    for (span, mention) in spans.iter_mut().zip(mentions) {
        span.concept = anchor.concept_id(mention.concept);
        span.source = Some(source_of(document, mention.bytes.clone()));
    }
    Some(Example {
        id: format!("entity:{}:{}:switched", document.lang, document.id),
        level: Level::Entity,
        segments: vec![segment(document, text)],
        spans,
        label: None,
    })
}

/// The text with `replacements` (number of the mention, name) in place of mentions, and where all mentions are in it; `None` if
/// there is nothing to replace.
pub(crate) fn replace(text: &str, mentions: &[Marked], replacements: &[(usize, &str)]) -> Option<(String, Vec<Span>)> {
    if replacements.is_empty() {
        return None;
    }
    let mut replacements = replacements.iter().peekable();
    let mut new = TextBuilder::with_capacity(text.len() + text.len() / 8);
    let mut spans = Vec::with_capacity(mentions.len());
    let mut rest = 0;
    let mut after_switch = false;
    for (number, mention) in mentions.iter().enumerate() {
        let between = text.get(rest..mention.bytes.start)?;
        let surface = text.get(mention.bytes.clone())?;
        rest = mention.bytes.end;
        let replacement = replacements.next_if(|&&(at, _)| at == number).map(|(_, name)| *name);
        if after_switch {
            new.part(between);
        }
        new.push(between);
        // Two mentions may touch: then the space belongs between the former replacement and this mention.
        if replacement.is_some() || (after_switch && between.is_empty()) {
            new.part(replacement.unwrap_or(surface));
        }
        let mut span = new.push_span(replacement.unwrap_or(surface), 0, Role::Entity);
        span.switched = replacement.is_some();
        after_switch = span.switched;
        spans.push(span);
    }
    let end = text.get(rest..)?;
    if after_switch {
        new.part(end);
    }
    new.push(end);
    Some((new.finish(), spans))
}

/// Numbers of mentions and what stands in their places, in order: as many as the settings want, drawn at random from
/// those that have a name in another language.
pub(crate) fn choose<'a>(
    anchor: &Anchor<'a>,
    lang: &str,
    text: &str,
    mentions: &[Marked],
    rng: &mut ChaCha8Rng,
) -> Vec<(usize, &'a str)> {
    let used = |(number, mention): (usize, &Marked)| mention.used.then_some(number);
    let mut left: Vec<usize> = mentions.iter().enumerate().filter_map(used).collect();
    if left.is_empty() {
        return Vec::new();
    }
    let wanted = wanted(anchor, mentions.len(), rng);
    let mut chosen = Vec::with_capacity(wanted.min(left.len()));
    while chosen.len() < wanted && !left.is_empty() {
        let number = left.swap_remove(rng.random_range(0..left.len()));
        let Some(mention) = mentions.get(number) else { continue };
        let surface = text.get(mention.bytes.clone()).unwrap_or_default();
        let name = anchor.foreign_name(mention.concept, lang, surface, rng);
        chosen.extend(name.map(|name| (number, name)));
    }
    chosen.sort_unstable_by_key(|&(number, _)| number);
    chosen
}

/// How many of so many mentions are to be switched.
fn wanted(anchor: &Anchor, mentions: usize, rng: &mut ChaCha8Rng) -> usize {
    let exact = anchor.config.switch_share * mentions as f64;
    let up = exact.fract() > 0.0 && rng.random_bool(exact.fract());
    anchor.config.max_switches.min(exact as usize + usize::from(up))
}
