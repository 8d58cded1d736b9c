//! Bad input and settings are named; samples do not depend on the order of the input.

use crate::passages::articles;
use crate::world::{Place, config};
use kbioxlm_corpus::{AnchorConfig, Example, Level, Names};
use std::collections::BTreeSet;

fn plain() -> AnchorConfig {
    config(&[Level::Plain])
}

#[test]
fn bad_lines_are_named() {
    let good = "{\"id\": \"a\", \"text\": \"fever\"}\n";
    for (content, line, found) in [
        (format!("{good}{{\"id\": \"b\"}}\n"), ":2:", "missing field `text`"),
        (format!("{good}\n{{\"id\": \"b\", \"te\n"), ":3:", "EOF while parsing"),
        (format!("{good}{good}"), ":2:", "the id `a` a second time"),
        ("{\"id\": \"\", \"text\": \"fever\"}\n".to_owned(), ":1:", "an empty \"id\""),
        ("{\"id\": 7, \"text\": \"fever\"}\n".to_owned(), ":1:", "invalid type: integer `7`"),
    ] {
        let error = Place::new().raw_texts("en", &content).error(&plain());
        assert!(error.contains("en-0.jsonl") && error.contains(line) && error.contains(found), "{error}");
    }
    let both = Place::new().raw_texts("en", good).raw_texts("en", good).error(&plain());
    assert!(both.contains("en-1.jsonl:1:") && both.contains("en-0.jsonl:1"), "{both}");
}

#[test]
fn bad_passages_are_named() {
    let settings = config(&[Level::Passage]);
    let good = "{\"id\": \"a\", \"en\": \"Fever.\", \"zh\": \"发热。\", \"topic\": \"t\"}\n";
    for (content, place, found) in [
        ("{\"id\": \"a\", \"en\": \"x\"}\n".to_owned(), ":1:", "no \"zh\""),
        ("{\"id\": \"a\", \"en\": \"x\", \"zh\": 5}\n".to_owned(), ":1:", "5 as \"zh\""),
        (format!("{good}{good}"), ":2:", "the id `a` a second time"),
        (good.to_owned(), ":", "1 pairs"),
        (articles().lines().take(3).collect::<Vec<_>>().join("\n"), ":", "at least two topics"),
    ] {
        let error = Place::new().passages(&content).error(&settings);
        assert!(error.contains(&format!("passages-0.jsonl{place}")) && error.contains(found), "{error}");
    }
}

fn names(excluded: &str) -> Names {
    Names { exclude: vec![excluded.to_owned()], ..Names::default() }
}

#[test]
fn settings_that_cannot_be_followed_are_named() {
    let texts = || Place::new().texts("en", &["Fever."]);
    let base = config(&[Level::Entity]);
    let two = AnchorConfig { languages: ["en", "zh"].into_iter().collect(), ..base.clone() };
    let held_out: BTreeSet<String> = ["C1".to_owned(), "C404".to_owned()].into();
    for (settings, expected) in [
        (base.clone(), "languages: found no language beside `en`"),
        (AnchorConfig { held_out, ..two.clone() }, "held_out: found `C404`"),
        (AnchorConfig { levels: vec![], ..two.clone() }, "levels: found none"),
        (AnchorConfig { levels: vec![Level::Passage], ..two.clone() }, "levels: found passage without passages"),
        (AnchorConfig { min_tail: 300, ..two.clone() }, "min_tail: found 300 with min_chunk 256"),
        (AnchorConfig { max_facts: 0, levels: vec![Level::Fact], ..two.clone() }, "max_facts: found 0"),
        (AnchorConfig { switch_share: 1.5, ..two.clone() }, "switch_share: found 1.5, expected a share from 0 to 1"),
        (AnchorConfig { hard_random_share: f64::NAN, ..two.clone() }, "hard_random_share: found NaN"),
        (AnchorConfig { languages: [("zh", 0.0)].into(), ..two.clone() }, "languages: found zh = 0, expected a weight"),
        (AnchorConfig { languages: ["xx"].into_iter().collect(), ..two.clone() }, "languages: found `xx`"),
        (AnchorConfig { mark_types: names("Drag"), ..two.clone() }, "mark_types: found `Drag`"),
        (AnchorConfig { use_types: names("drug"), ..two.clone() }, "use_types: found `drug`"),
        (AnchorConfig { relations: names("cures"), ..two.clone() }, "relations: found `cures`"),
        (
            AnchorConfig { keep_without_mentions: [Level::Fact].into(), ..two },
            "keep_without_mentions: found fact, expected plain, entity or passage",
        ),
    ] {
        let error = texts().error(&settings);
        assert!(error.starts_with(expected) && error.contains("; "), "{error}");
    }
    let unknown = Place::new().texts("xx", &["Fever."]).error(&plain());
    assert!(unknown.contains("`xx`"), "{unknown}");
    let error = serde_json::from_str::<AnchorConfig>("{\"max_switch\": 3}").unwrap_err().to_string();
    assert!(error.contains("unknown field `max_switch`") && error.contains("max_switches"), "{error}");
}

#[test]
fn a_failed_build_leaves_nothing() {
    let place = Place::new().raw_texts("en", "{\"id\": \"a\", \"text\": \"fever\"}\nbroken\n");
    place.error(&plain());
    let left: Vec<_> = std::fs::read_dir(place.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["en-0.jsonl"]);
}

#[test]
fn empty_texts_are_counted() {
    let place = Place::new().texts("en", &["Fever.", "", " \n", "Nothing."]);
    let corpus = place.try_build(&plain()).unwrap();
    let counts = &corpus.report().documents["en"];
    assert_eq!((counts.read, counts.empty, counts.used, counts.without_mentions), (4, 2, 2, 1));
    let shown = corpus.report().to_string();
    assert!(shown.lines().any(|l| l.split_whitespace().eq(["en", "4", "2", "2", "1", "0", "0"])), "{shown}");
    assert!(shown.lines().any(|l| l.split_whitespace().eq(["plain", "en", "2", "14", "1", "0", "0"])), "{shown}");
}

#[test]
fn a_sample_depends_on_seed_and_ids_only() {
    let row = |n: usize| format!("{}\n", serde_json::json!({"id": n.to_string(), "text": format!("Fever {n}.")}));
    let forwards: String = (0..50).map(row).collect();
    let backwards: String = (0..50).rev().map(row).collect();
    let ids = |content: &str, seed: u64, limit: usize| -> BTreeSet<String> {
        let settings = AnchorConfig { seed, max_documents: Some(limit), ..plain() };
        let examples: Vec<Example> = Place::new().raw_texts("en", content).build(&settings);
        examples.into_iter().map(|e| e.id).collect()
    };
    let ten = ids(&forwards, 1, 10);
    assert_eq!(ten.len(), 10);
    assert_eq!(ten, ids(&backwards, 1, 10));
    assert!(ten.is_subset(&ids(&forwards, 1, 20)), "a larger sample contains the smaller one");
    assert_ne!(ten, ids(&forwards, 2, 10));
    assert_eq!(ids(&forwards, 1, 90).len(), 50);
    assert!(ids(&forwards, 1, 0).is_empty());
}

#[test]
fn progress_ends_at_its_total() {
    let place = Place::new().texts("en", &["Fever."; 5]).passages(&articles());
    let told = std::sync::Mutex::new(Vec::new());
    let settings = AnchorConfig { languages: ["en", "zh"].into_iter().collect(), ..config(&Level::ALL) };
    let progress = |done, total| told.lock().unwrap().push((done, total));
    kbioxlm_corpus::build(crate::world::kb(), &place.texts, &place.passages, &settings, &place.path("out"), &progress)
        .unwrap();
    assert_eq!(told.into_inner().unwrap().last(), Some(&(41, 41)));
}
