//! Mentions in running text and the names that stand in their places in the code-switched text.

use super::pairs::{Pairs, Place};
use crate::data::Data;
use crate::encode::EncodedExample;
use kbioxlm_corpus::{Example, Level};
use kbioxlm_files::rng_for;
use rand::seq::index;
use std::collections::HashSet;
use std::ops::Range;

/// A code-switched example beside what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextPair {
    /// Number of the original among the examples that are trained on.
    original: usize,
    /// Number of the switched one.
    switched: usize,
    /// Tokens of each mention in the original, and of the name in its place.
    mentions: Vec<(Range<usize>, Range<usize>)>,
}

impl ContextPair {
    /// The last of the examples, which is the encoded `example`, with the one before it, if these belong together: the entity level
    /// writes an original and behind it what became of it, with the same mentions in the same order.
    pub(crate) fn of_last(examples: &[EncodedExample], example: &Example) -> Option<Self> {
        let [.., original, switched] = examples else { return None };
        let document = switched.id.strip_suffix(":switched")?;
        if switched.level != Level::Entity || original.id.strip_suffix(":original") != Some(document) {
            return None;
        }
        let is_switched = |number: u32| example.spans.get(number as usize).is_some_and(|span| span.switched);
        let mentions = switched.spans.iter().filter(|s| is_switched(s.number)).filter_map(|name| {
            let mention = original.spans.iter().find(|s| s.number == name.number)?;
            Some((mention.tokens.clone(), name.tokens.clone()))
        });
        let mentions: Vec<_> = mentions.collect();
        let last = examples.len() - 1;
        (!mentions.is_empty()).then_some(Self { original: last - 1, switched: last, mentions })
    }
}

/// The mentions of so many documents, no two of them of the same tokens on either side: the same name elsewhere would be right and
/// wrong at once.
pub(crate) fn draw(data: &Data, documents: usize, seed: u64, step: u64) -> Pairs {
    let mut rng = rng_for(seed, &["alignment-contexts", &step.to_string()]);
    let mut pairs = Pairs::default();
    let mut seen: HashSet<&[u32]> = HashSet::new();
    for number in index::sample(&mut rng, data.contexts.len(), documents.min(data.contexts.len())) {
        let Some(pair) = data.contexts.get(number) else { continue };
        let ids = |example: usize| data.examples.get(example).map(|e| e.ids.as_slice()).unwrap_or_default();
        let (original, switched) = (ids(pair.original), ids(pair.switched));
        let sequence = pairs.sequences.len();
        for (mention, name) in &pair.mentions {
            let (Some(a), Some(b)) = (original.get(mention.clone()), switched.get(name.clone())) else { continue };
            if seen.contains(a) || seen.contains(b) {
                continue;
            }
            seen.extend([a, b]);
            pairs.first.push(Place { sequence, tokens: mention.clone() });
            pairs.second.push(Place { sequence: sequence + 1, tokens: name.clone() });
        }
        pairs.sequences.extend([original.to_vec(), switched.to_vec()]);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenSpan;
    use kbioxlm_corpus::{Role, Span};

    fn encoded(id: &str, level: Level, spans: &[(u32, Range<usize>)]) -> EncodedExample {
        let span = |(number, tokens): &(u32, Range<usize>)| TokenSpan {
            tokens: tokens.clone(),
            role: Role::Entity,
            fact: None,
            number: *number,
        };
        EncodedExample {
            id: id.to_owned(),
            level,
            languages: "en".to_owned(),
            ids: (0..20).collect(),
            spans: spans.iter().map(span).collect(),
            words: Vec::new(),
            label: None,
            cut_tokens: 0,
            cut_facts: 0,
        }
    }

    fn example(switched: &[bool]) -> Example {
        let span = |switched: &bool| Span {
            segment: 0,
            bytes: 0..0,
            chars: 0..0,
            role: Role::Entity,
            concept: None,
            fact: None,
            switched: *switched,
            source: None,
        };
        let (id, spans) = (String::new(), switched.iter().map(span).collect());
        Example { id, level: Level::Entity, segments: Vec::new(), spans, label: None }
    }

    #[test]
    fn a_mention_is_beside_the_name_in_its_place() {
        let level = Level::Entity;
        // Span 1 is not switched, span 2 was cut off in the original.
        let original = encoded("entity:en:a:original", level, &[(0, 1..3), (1, 4..5), (3, 9..10)]);
        let switched = encoded("entity:en:a:switched", level, &[(0, 1..2), (1, 3..4), (2, 6..8), (3, 8..12)]);
        let example = example(&[true, false, true, true]);
        let pair = ContextPair::of_last(&[original.clone(), switched.clone()], &example).unwrap();
        assert_eq!((pair.original, pair.switched), (0, 1));
        assert_eq!(pair.mentions, [(1..3, 1..2), (9..10, 8..12)]);
        // The original of another document, another level, nothing before it.
        let other = encoded("entity:en:b:original", level, &[(0, 1..3)]);
        assert_eq!(ContextPair::of_last(&[original.clone(), other, switched.clone()], &example), None);
        assert_eq!(ContextPair::of_last(std::slice::from_ref(&switched), &example), None);
        let plain = EncodedExample { level: Level::Plain, ..switched };
        assert_eq!(ContextPair::of_last(&[original, plain], &example), None);
    }
}
