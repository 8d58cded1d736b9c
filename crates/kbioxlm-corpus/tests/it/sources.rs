//! Where texts come from, and how many of them are taken.

use crate::world::{Place, check_spans, config};
use kbioxlm_corpus::{AnchorConfig, Example, Level, PassageLabel};
use kbioxlm_documents::TextSource;
use std::collections::BTreeSet;

fn plain() -> AnchorConfig {
    config(&[Level::Plain])
}

fn rows(rows: impl IntoIterator<Item = serde_json::Value>) -> String {
    rows.into_iter().map(|row| format!("{row}\n")).collect()
}

fn ids(examples: &[Example]) -> Vec<&str> {
    examples.iter().map(|e| e.id.as_str()).collect()
}

#[test]
fn documents_may_declare_their_languages() {
    let content = rows([
        serde_json::json!({"id": "a", "lang": "en", "text": "Fever."}),
        serde_json::json!({"id": "a", "lang": "zh", "text": "发热。"}),
        serde_json::json!({"id": "b", "lang": "de", "text": "Fieber."}),
        serde_json::json!({"id": "c", "lang": "en", "text": " "}),
    ]);
    let place = Place::new().any_texts(&content);
    let corpus = place.try_build(&plain()).unwrap();
    assert_eq!(ids(&crate::world::examples(&corpus)), ["plain:en:a", "plain:zh:a"]);
    let report = corpus.report();
    assert_eq!(report.other_languages.get("de"), Some(&1));
    assert_eq!((report.documents["en"].read, report.documents["en"].empty, report.documents["zh"].used), (2, 1, 1));
    assert!(report.to_string().contains("other languages"), "{report}");
    // Without `languages` those of the knowledge base are switched to.
    let switched = place.build(&config(&[Level::Entity]));
    assert!(switched.iter().any(|e| e.id == "entity:zh:a:switched"), "{:?}", ids(&switched));
}

#[test]
fn pages_that_are_no_articles_are_reported() {
    let place = Place::new();
    let path = place.path("enwiki-cirrussearch-content.json");
    let page = |id: u32, namespace: u32| {
        let (index, page) = (serde_json::json!({"index": {"_id": id}}), serde_json::json!({"namespace": namespace}));
        let said = serde_json::json!({"title": "Fever", "text": "Fever.", "language": "en"});
        let page: serde_json::Map<_, _> =
            [page, said].into_iter().flat_map(|v| v.as_object().unwrap().clone()).collect();
        rows([index, page.into()])
    };
    std::fs::write(&path, [page(1, 0), page(2, 1), page(3, 100)].concat()).unwrap();
    let corpus = place.source(TextSource::new(path)).try_build(&plain()).unwrap();
    let report = corpus.report();
    assert_eq!((report.documents["en"].read, report.no_articles), (1, 2));
    let shown = report.to_string();
    assert!(shown.contains("wiki pages that are no articles  2"), "{shown}");
}

#[test]
fn an_id_is_refused_twice_across_sources_too() {
    let row = |lang: &str| rows([serde_json::json!({"id": "a", "lang": lang, "text": "Fever."})]);
    let error = Place::new().raw_texts("en", &row("en")).any_texts(&row("en")).error(&plain());
    assert!(
        error.contains("any-1.jsonl:1: found the id `a` a second time (first in ") && error.contains("en-0.jsonl:1")
    );
    assert_eq!(Place::new().raw_texts("en", &row("en")).any_texts(&row("zh")).build(&plain()).len(), 2);
}

#[test]
fn a_source_has_a_cap_of_its_own() {
    let texts: Vec<String> = (0..30).map(|n| format!("Fever {n}.")).collect();
    let build = |cap: Option<usize>, max_documents| {
        let mut place = Place::new()
            .texts("en", &texts)
            .raw_texts("en", &rows((0..30).map(|n| serde_json::json!({"id": format!("x{n}"), "text": "Headache."}))));
        place.texts[1].max_documents = cap;
        let examples = place.build(&AnchorConfig { max_documents, ..plain() });
        let second = examples.iter().filter(|e| e.id.contains(":x")).count();
        (examples.len() - second, second)
    };
    assert_eq!(build(Some(4), None), (30, 4));
    assert_eq!(build(Some(0), None), (30, 0));
    assert_eq!(build(Some(50), None), (30, 30));
    let (first, second) = build(Some(4), Some(20));
    assert!(first + second == 20 && second <= 4, "{first} + {second}");
    assert_eq!(build(None, Some(20)).0 + build(None, Some(20)).1, 20);
}

#[test]
fn a_file_of_passages_has_a_cap_of_its_own() {
    let mut place = Place::new().passages(&crate::passages::articles());
    place.passages[0].max_documents = Some(14);
    let links = place.build(&config(&[Level::Passage])).iter().filter(|e| e.label == Some(PassageLabel::Link)).count();
    assert_eq!(links, 12, "whole articles of three passages each");
}

#[test]
fn examples_know_where_their_texts_come_from() {
    let text = " Aspirin lowers fever. Ibuprofen lowers headache in influenza.\n";
    let settings = AnchorConfig {
        languages: ["zh"].into_iter().collect(),
        min_chunk: 10,
        min_tail: 5,
        ..config(&[Level::Plain, Level::Entity, Level::Fact])
    };
    let examples = Place::new().texts("en", &[text]).build(&settings);
    assert!(examples.iter().any(|e| e.level == Level::Fact && e.id.contains(":1:")), "a second chunk");
    for example in &examples {
        check_spans(example);
        let source = example.segments[0].source.as_ref().unwrap();
        assert_eq!(source.document, "d0");
        if !example.id.ends_with(":switched") {
            assert_eq!(text[source.bytes.clone()], example.segments[0].text);
        }
        assert!(example.segments.iter().skip(1).all(|s| s.source.is_none()), "facts come from no document");
        for span in &example.spans {
            let cut = span.source.clone().map(|bytes| &text[bytes]);
            match (span.segment, span.switched) {
                (0, false) => assert_eq!(cut, example.text_of(span)),
                (0, true) => assert!(cut.is_some_and(str::is_ascii), "the mention that was replaced"),
                _ => assert_eq!(cut, None),
            }
        }
    }
}

#[test]
fn a_directory_is_a_source() {
    let row = |id: &str| rows([serde_json::json!({"id": id, "text": "Fever."})]);
    let place = Place::new();
    std::fs::create_dir_all(place.path("all/later")).unwrap();
    std::fs::write(place.path("all/b.jsonl"), row("b")).unwrap();
    std::fs::write(place.path("all/a.txt"), "Headache.").unwrap();
    std::fs::write(place.path("all/later/c.jsonl"), row("c")).unwrap();
    let place = place.source(TextSource { lang: Some("en".into()), ..TextSource::new("all") });
    assert_eq!(ids(&place.build(&plain())), ["plain:en:a", "plain:en:b", "plain:en:c"]);
    let manifest = std::fs::read_to_string(place.path("corpus/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let files: Vec<&str> =
        manifest["sources"].as_array().unwrap().iter().map(|s| s["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["a.txt", "b.jsonl", "later/c.jsonl"]);
}

#[test]
fn normalised_texts_lead_back_to_what_they_were() {
    let text = "Aspirin\u{a0}\u{a0} lowers   fever.\tIbuprofen &amp; aspirin lower   headache in influ\u{ad}enza.";
    let content = rows([serde_json::json!({"id": "a", "text": text})]);
    let source = |normalise| {
        let place = Place::new();
        std::fs::write(place.path("n.jsonl"), &content).unwrap();
        place.source(TextSource { lang: Some("en".into()), normalise, ..TextSource::new("n.jsonl") })
    };
    let settings = AnchorConfig {
        languages: ["zh"].into_iter().collect(),
        min_chunk: 10,
        min_tail: 5,
        ..config(&[Level::Plain, Level::Entity, Level::Fact])
    };
    let examples = source(true).build(&settings);
    assert_ne!(examples[0].segments[0].text, text, "something was normalised");
    let mentions = kbioxlm_knowledge::Matcher::new(crate::world::kb(), "en").unwrap().find(text);
    let originals: BTreeSet<_> = mentions.iter().map(|m| (m.bytes.start, m.bytes.end)).collect();
    for example in &examples {
        check_spans(example);
        for span in example.spans.iter().filter(|s| s.segment == 0) {
            let bytes = span.source.clone().unwrap();
            assert!(originals.contains(&(bytes.start, bytes.end)), "{:?} in {}", &text[bytes], example.id);
        }
    }
    assert_eq!(source(false).build(&settings)[0].segments[0].text, text, "texts stay as they are");
}

/// Versions of ten articles in English and Chinese, of three paragraphs each, and one more in each language.
pub fn articles() -> String {
    let version = |n: usize, lang: &str| {
        let paragraph = |part: usize| match lang {
            "en" => format!("Paragraph {part} of article {n} says that fever is frequent."),
            _ => format!("第{n}篇文章的第{part}段说发热是常见的症状之一，需要及时治疗。"),
        };
        let text = [0, 1, 2].map(paragraph).join("\n\n");
        serde_json::json!({"id": format!("{lang}{n}"), "lang": lang, "subject": format!("Q{n}"), "text": text})
    };
    let english = (0..11).map(|n| version(n, "en"));
    let chinese = (0..12).rev().filter(|n| *n != 10).map(|n| version(n, "zh"));
    rows(english.chain(chinese))
}

#[test]
fn versions_of_an_article_give_passages() {
    let place = Place::new().any_texts(&articles());
    let settings = AnchorConfig { aligned_articles: 100, min_chunk: 20, min_tail: 10, ..config(&[Level::Passage]) };
    let corpus = place.try_build(&settings).unwrap();
    let examples = crate::world::examples(&corpus);
    assert_eq!(corpus.report().passages["en-zh"].used, 30, "three passages of ten articles");
    let label = |label| examples.iter().filter(move |e| e.label == Some(label));
    assert_eq!(PassageLabel::ALL.map(|l| label(l).count()), [30, 30, 30]);
    let documents = |e: &Example| [0, 1].map(|n| e.segments[n].source.as_ref().unwrap().document[2..].to_owned());
    let sources = place.content();
    for example in &examples {
        check_spans(example);
        let [a, b] = documents(example);
        assert_eq!(a == b, example.label != Some(PassageLabel::Random), "{}", example.id);
        for segment in &example.segments {
            let source = segment.source.as_ref().unwrap();
            assert_eq!(sources[&source.document][source.bytes.clone()], segment.text);
        }
    }
    let few = AnchorConfig { aligned_articles: 4, ..settings };
    let kept: BTreeSet<String> = place.build(&few).iter().flat_map(documents).collect();
    assert_eq!(kept.len(), 4);
}

#[test]
fn versions_need_subjects() {
    let settings = AnchorConfig { aligned_articles: 9, ..config(&[Level::Passage]) };
    let error = Place::new().texts("en", &["Fever."]).texts("zh", &["发热。"]).error(&settings);
    assert!(error.starts_with("aligned_articles: found no two documents"), "{error}");
}
