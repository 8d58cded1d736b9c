//! The whole way in miniature: what comes out has its shape and is the same again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use kbioxlm_demo::{DemoReport, Embedded, LANGUAGES, Named, Options, Scale, documents, run, write_sources};
use kbioxlm_knowledge::{KnowledgeBase, Matcher};

fn miniature(out: &std::path::Path) -> DemoReport {
    run(&Options { out: Some(out.to_owned()), seed: 3, scale: Scale::miniature() }, &mut ()).unwrap()
}

#[test]
fn a_miniature_runs_through_and_is_deterministic() {
    let dir = tempfile::tempdir().unwrap();
    let first = miniature(&dir.path().join("a"));
    let json = serde_json::to_value(&first).unwrap();
    for pointer in [
        "/retrieval_acc1/before",
        "/retrieval_acc1/after",
        "/retrieval_acc1/by_language/zh/after",
        "/retrieval_acc1/by_language/es/before",
        "/retrieval_acc1/held_out/after",
        "/zero_shot_f1/before",
        "/zero_shot_f1/after",
        "/prp_accuracy",
    ] {
        let value = json.pointer(pointer).and_then(|v| v.as_f64()).unwrap_or_else(|| panic!("no number at {pointer}"));
        assert!((0.0..=1.0).contains(&value), "{pointer} is {value}");
    }
    assert!(first.seconds > 0.0 && first.prp_pairs >= 30);
    assert_eq!(first.retrieval_acc1.held_out_concepts, first.concepts / 5);
    // Both models see as much, give or take the last step.
    let (before, after) = (first.tokens.before as f64, first.tokens.after as f64);
    assert!((before / after - 1.0).abs() < 0.1, "{before} and {after} tokens");
    assert!(first.loss_curve.after.iter().all(|l| l.is_finite()));
    let shown = first.to_string();
    assert!(shown.contains("before") && shown.contains('█'), "{shown}");

    let again = miniature(&dir.path().join("b"));
    assert_eq!(DemoReport { seconds: 0.0, ..again }, DemoReport { seconds: 0.0, ..first });
}

#[test]
fn the_matcher_finds_exactly_the_names_that_the_generator_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let sources = write_sources(&dir.path().join("sources")).unwrap();
    kbioxlm_knowledge::build(&sources, &dir.path().join("kb")).unwrap();
    let kb = KnowledgeBase::open(&dir.path().join("kb")).unwrap();
    let knowledge = Embedded::load().unwrap();
    assert_eq!(kb.concepts().len(), knowledge.concepts.len());
    assert_eq!(kb.facts().len(), knowledge.facts.len());
    for lang in LANGUAGES {
        let matcher = Matcher::new(&kb, lang).unwrap();
        for document in documents(&knowledge, lang, 400, 7) {
            let text = &document.text;
            // A name spelled as in English is flagged `same_as_english` and stands for nothing in another language.
            let english = |concept: usize, name: &str| {
                knowledge.concepts[concept].names["en"].iter().any(|en| en.to_lowercase() == name.to_lowercase())
            };
            let counts = |n: &&Named| lang == "en" || !english(n.concept, &text.text[n.bytes.clone()]);
            let id = |n: &Named| knowledge.concepts[n.concept].id.to_owned();
            let written: Vec<_> = text.names.iter().filter(counts).map(|n| (n.bytes.clone(), id(n))).collect();
            let found: Vec<_> =
                matcher.find(&text.text).into_iter().map(|m| (m.bytes, kb.concept(m.concept).id.to_owned())).collect();
            assert_eq!(found, written, "{}", text.text);
        }
    }
}
