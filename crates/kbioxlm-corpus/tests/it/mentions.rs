//! Which mentions are marked, and which of them are used.

use crate::world::{Place, check_spans, config, facts, switches};
use kbioxlm_corpus::{Ambiguity, AnchorConfig, Example, Level, MinChars, Names, Role};

fn settings() -> AnchorConfig {
    AnchorConfig {
        languages: ["en", "zh"].into_iter().collect(),
        min_chunk: 10,
        min_tail: 5,
        ..config(&[Level::Entity, Level::Fact])
    }
}

fn build(text: &str, settings: &AnchorConfig) -> Vec<Example> {
    let examples = Place::new().texts("en", &[text]).build(settings);
    examples.iter().for_each(check_spans);
    examples
}

/// What is marked in the original.
fn marked(examples: &[Example]) -> Vec<&str> {
    let original = examples.iter().find(|e| e.id.ends_with(":original")).unwrap();
    original.spans.iter().map(|s| original.text_of(s).unwrap()).collect()
}

/// What is put in, and the heads and tails of facts.
fn used(examples: &[Example]) -> Vec<&str> {
    let told = examples.iter().filter(|e| e.id.ends_with(":en")).flat_map(facts).flat_map(|f| [f[0], f[2]]);
    let mut used: Vec<&str> =
        examples.iter().filter(|e| e.level == Level::Entity).flat_map(switches).chain(told).collect();
    used.sort_unstable();
    used.dedup();
    used
}

fn names(include: &[&str], exclude: &[&str]) -> Names {
    let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Names { include: list(include), exclude: list(exclude) }
}

#[test]
fn ambiguous_names_are_used_or_marked_or_left() {
    let text = "Aspirin in cold and fever.";
    let with = |ambiguous| build(text, &AnchorConfig { ambiguous, ..settings() });
    let first = with(Ambiguity::First);
    assert_eq!(marked(&first), ["Aspirin", "cold", "fever"]);
    let switched = first.iter().find(|e| e.id.ends_with(":switched")).unwrap();
    assert_eq!(switched.spans.iter().filter(|s| s.switched).count(), 3);

    let skip = with(Ambiguity::Skip);
    assert_eq!(marked(&skip), ["Aspirin", "cold", "fever"]);
    assert_eq!(used(&skip), ["Fever", "aspirin", "发热", "阿司匹林"]);

    let drop = with(Ambiguity::Drop);
    assert_eq!(marked(&drop), ["Aspirin", "fever"]);
    assert_eq!(used(&drop), used(&skip));
    // `common cold` is the name of one concept only, whatever its other name is.
    assert_eq!(
        marked(&build("A common cold.", &AnchorConfig { ambiguous: Ambiguity::Drop, ..settings() })),
        ["common cold"]
    );
}

#[test]
fn a_skipped_mention_is_not_told_of() {
    let heads = |ambiguous| {
        let examples = build("Aspirin in cold.", &AnchorConfig { ambiguous, ..settings() });
        examples.iter().any(|e| e.level == Level::Fact)
    };
    // C12 is the first of the two that are called `cold`: it has a translation and so has C13, but it stands first.
    assert_eq!([Ambiguity::First, Ambiguity::Skip, Ambiguity::Drop].map(heads), [first_cold_is_told(), false, false]);
}

/// Whether the matcher takes `cold` for the concept that has a fact.
fn first_cold_is_told() -> bool {
    let mentions = kbioxlm_knowledge::Matcher::new(crate::world::kb(), "en").unwrap().find("cold");
    crate::world::kb().concept(mentions[0].concept).id == "C12"
}

#[test]
fn short_terms_are_neither_marked_nor_put_in() {
    let text = "Aspirin in fever and influenza.";
    let with = |cjk, other| build(text, &AnchorConfig { min_term_chars: MinChars { cjk, other }, ..settings() });
    assert_eq!(marked(&with(1, 5)), ["Aspirin", "fever", "influenza"]);
    assert_eq!(marked(&with(1, 6)), ["Aspirin", "influenza"]);
    assert_eq!(marked(&with(1, 8)), ["influenza"]);
    // 流感 and 发热 have two characters, 阿司匹林 four.
    let long = with(3, 1);
    assert_eq!(marked(&long), ["Aspirin", "fever", "influenza"]);
    let switched = long.iter().find(|e| e.id.ends_with(":switched")).unwrap();
    assert_eq!(switches(switched), ["阿司匹林"]);
    let zh = Place::new()
        .texts("zh", &["阿司匹林治发热。"])
        .build(&AnchorConfig { min_term_chars: MinChars { cjk: 3, other: 1 }, ..settings() });
    assert_eq!(marked(&zh), ["阿司匹林"]);
}

#[test]
fn semantic_types_choose_what_is_marked() {
    let text = "Aspirin and ibuprofen in fever and influenza.";
    let with = |mark_types| build(text, &AnchorConfig { mark_types, ..settings() });
    assert_eq!(marked(&with(names(&["Drug"], &[]))), ["Aspirin", "ibuprofen"]);
    assert_eq!(marked(&with(names(&["D"], &["Dis"]))), ["Aspirin", "ibuprofen"]);
    assert_eq!(marked(&with(names(&[], &["Sym"]))), ["Aspirin", "ibuprofen", "influenza"]);
    assert!(with(names(&["Drug"], &[])).iter().flat_map(facts).all(|f| f[1] == "interacts with"));
}

#[test]
fn semantic_types_choose_what_is_used() {
    let text = "Aspirin and ibuprofen in fever and influenza.";
    let examples = build(text, &AnchorConfig { use_types: names(&[], &["Symptom"]), ..settings() });
    assert_eq!(marked(&examples), ["Aspirin", "ibuprofen", "fever", "influenza"]);
    let used = used(&examples);
    assert!(!used.contains(&"发热") && !used.contains(&"Fever") && used.contains(&"流感"), "{used:?}");
}

#[test]
fn relations_choose_the_facts() {
    let text = "Aspirin and ibuprofen in fever and influenza.";
    let told = |relations| {
        let examples = build(text, &AnchorConfig { relations, ..settings() });
        let facts = examples.iter().flat_map(facts).map(|f| f[1]).collect::<std::collections::BTreeSet<_>>();
        facts.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(Names::default()).len(), 5, "three relations, two of them in two languages");
    assert_eq!(told(names(&["has_"], &[])), ["has symptom", "常见症状为"]);
    assert_eq!(told(names(&[], &["may", "has_symptom"])), ["interacts with"]);
}

#[test]
fn texts_without_mentions_are_kept_at_the_levels_named() {
    let place = Place::new().texts("en", &["Fever.", "Nothing to see."]);
    let ids = |keep: &[Level]| -> Vec<String> {
        let settings = AnchorConfig {
            levels: vec![Level::Plain, Level::Entity],
            keep_without_mentions: keep.iter().copied().collect(),
            ..settings()
        };
        let examples = place.build(&settings);
        examples.into_iter().filter(|e| e.spans.iter().all(|s| s.role != Role::Entity)).map(|e| e.id).collect()
    };
    assert_eq!(ids(&[Level::Plain]), ["plain:en:d1"]);
    assert_eq!(ids(&[Level::Entity]), ["entity:en:d1:original"]);
    assert_eq!(ids(&[]), [""; 0]);
}
