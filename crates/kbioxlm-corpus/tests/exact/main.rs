//! Random lexica and texts in mixed scripts: every example is held against implementations that are written down here from the
//! specification, slow and plain, without calling what they test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod entities;
mod facts;
mod folding;
mod spans;
mod threads;
mod world;

use kbioxlm_corpus::{AnchorConfig, Example, Level};
use rayon::prelude::*;
use std::collections::BTreeMap;
use world::{Document, World};

/// Knowledge bases, and documents for each: a case is a document.
const WORLDS: u64 = 200;
const DOCUMENTS: usize = 52;

/// The examples of one document, in their order.
struct Case<'a> {
    world: &'a World,
    config: &'a AnchorConfig,
    document: &'a Document,
    examples: Vec<&'a Example>,
}

impl Case<'_> {
    fn of(&self, level: Level) -> impl Iterator<Item = &Example> {
        self.examples.iter().copied().filter(move |e| e.level == level)
    }

    /// The document as it is, with all its mentions.
    fn plain(&self) -> &Example {
        self.of(Level::Plain).next().unwrap_or_else(|| panic!("no plain example of {:?}", self.document))
    }
}

/// Runs `check` on 10,400 documents.
fn for_all(check: impl Fn(&Case) + Sync) {
    (0..WORLDS).into_par_iter().for_each(|seed| {
        let world = World::random(seed);
        let config = world.config(seed);
        let documents = world.documents(seed, DOCUMENTS);
        let examples = world.build(&documents, &config);
        let mut by_document: BTreeMap<(&str, &str), Vec<&Example>> = BTreeMap::new();
        for example in &examples {
            let mut parts = example.id.split(':').skip(1);
            let key = (parts.next().unwrap(), parts.next().unwrap());
            by_document.entry(key).or_default().push(example);
        }
        assert_eq!(by_document.len(), documents.len(), "every document has an example");
        for document in &documents {
            let examples = by_document.remove(&(document.lang, document.id.as_str())).unwrap();
            check(&Case { world: &world, config: &config, document, examples });
        }
    });
}

#[test]
fn every_span_is_the_term_it_claims() {
    for_all(spans::check);
}

#[test]
fn replacement_equals_a_naive_one() {
    for_all(entities::check);
}

#[test]
fn facts_are_those_of_a_naive_selection() {
    for_all(facts::check);
}

/// A check that finds nothing to check would pass.
#[test]
fn the_cases_are_rich_enough() {
    let (mut mentions, mut switched, mut told, mut mixed, mut capped) = (0, 0, 0, 0, 0);
    for seed in 0..20 {
        let world = World::random(seed);
        let config = world.config(seed);
        for example in world.build(&world.documents(seed, DOCUMENTS), &config) {
            mentions += usize::from(example.level == Level::Plain) * example.spans.len();
            switched += example.spans.iter().filter(|s| s.fact.is_none() && s.switched).count();
            told += usize::from(example.level == Level::Fact) * (example.segments.len() - 1);
            mixed += usize::from(example.id.ends_with(":mixed"));
            capped += usize::from(example.segments.len() == config.max_facts + 1);
        }
    }
    let counts = (mentions, switched, told, mixed, capped);
    assert!(mentions > 5000 && switched > 1500 && told > 2000 && mixed > 200 && capped > 100, "{counts:?}");
}
