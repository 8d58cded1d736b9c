//! The entity level, written down plainly.

use crate::Case;
use crate::folding::{is_invisible, is_mark, is_word, same_name};
use kbioxlm_corpus::{Level, Span};

pub fn check(case: &Case) {
    let original = &case.plain().segments[0].text;
    let mentions = &case.plain().spans;
    let allowed: Vec<Vec<&str>> = mentions.iter().map(|mention| allowed(case, original, mention)).collect();
    let possible = allowed.iter().filter(|names| !names.is_empty()).count();
    let switched = case.of(Level::Entity).find(|e| e.id.ends_with(":switched"));
    let Some(switched) = switched else {
        assert_eq!(possible, 0, "nothing was switched of {original:?}");
        return;
    };
    assert_eq!(switched.spans.len(), mentions.len(), "every mention stays marked: {switched:?}");
    let done = switched.spans.iter().filter(|s| s.switched).count();
    assert_eq!(done, possible.min(case.config.max_switches), "{switched:?}");

    // What was chosen is taken as given; everything that follows from it is not.
    let mut parts: Vec<(&str, bool)> = Vec::new();
    let mut rest = 0;
    for ((mention, names), span) in mentions.iter().zip(&allowed).zip(&switched.spans) {
        assert_eq!(span.concept, mention.concept);
        parts.push((&original[rest..mention.bytes.start], false));
        let name = switched.text_of(span).unwrap();
        if span.switched {
            assert!(names.contains(&name), "`{name}` is none of {names:?}: {switched:?}");
            parts.push((name, true));
        } else {
            parts.push((&original[mention.bytes.clone()], false));
        }
        rest = mention.bytes.end;
    }
    parts.push((&original[rest..], false));
    let (text, places) = joined(&parts);
    assert_eq!(switched.segments[0].text, text, "of {original:?}");
    // The mentions are every second part.
    for (span, (start, end)) in switched.spans.iter().zip(places.iter().skip(1).step_by(2)) {
        assert_eq!((span.bytes.start, span.bytes.end), (*start, *end), "{switched:?}");
    }
}

/// The names that may stand in the place of a mention: in each other language the first that is not the mention again.
fn allowed<'a>(case: &'a Case, original: &str, mention: &Span) -> Vec<&'a str> {
    let surface = &original[mention.bytes.clone()];
    let concept = mention.concept.as_deref().unwrap();
    let first = |lang: &&str| case.world.names(concept, lang).find(|name| !same_name(name, surface));
    crate::world::LANGUAGES
        .iter()
        .copied()
        .filter(|lang| *lang != case.document.lang)
        .filter_map(|lang| first(&lang))
        .collect()
}

/// The parts one behind the other, with a space where a new one would otherwise read as one word with what stands beside it.
/// Returns where each part begins and ends.
fn joined(parts: &[(&str, bool)]) -> (String, Vec<(usize, usize)>) {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut new_before = false;
    for &(part, new) in parts {
        let last = text.chars().rev().find(|&c| !is_mark(c) && !is_invisible(c));
        let glued = last.is_some_and(is_word) && part.chars().find(|&c| !is_invisible(c)).is_some_and(is_word);
        if glued && (new || new_before) {
            text.push(' ');
        }
        places.push((text.len(), text.len() + part.len()));
        text.push_str(part);
        if !part.is_empty() {
            new_before = new;
        }
    }
    (text, places)
}
