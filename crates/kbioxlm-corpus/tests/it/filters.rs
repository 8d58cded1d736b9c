//! What is left out of a corpus on request.

use crate::passages::articles;
use crate::world::{Place, config};
use kbioxlm_corpus::{AnchorConfig, Corpus, FilterCounts, Level, PassageLabel, Reason};

const TEXT: &str = "Aspirin lowered fever in most of the two hundred adults who had influenza in that winter";

fn of<'a>(corpus: &'a Corpus, languages: &str) -> &'a FilterCounts {
    &corpus.report().left_out[languages]
}

fn ids(corpus: &Corpus) -> Vec<String> {
    crate::world::examples(corpus).into_iter().map(|e| e.id).collect()
}

#[test]
fn documents_are_left_out_and_counted_with_examples() {
    let texts = [TEXT, "Something else about ibuprofen.", &TEXT.to_uppercase(), &format!("Title. {TEXT}, it says.")];
    let place = Place::new().texts("en", &texts).texts("zh", &["患者发热三天，服用阿司匹林后好转。"; 3]);
    let benchmark = place.path("test.conll");
    let tokens: String = texts[1].split(' ').map(|word| format!("{word}\tO\n")).collect();
    std::fs::write(&benchmark, format!("-DOCSTART-\tPMID7\n\n{tokens}")).unwrap();
    let settings = AnchorConfig {
        near_duplicates: Some(0.7),
        exclude: vec![benchmark],
        exclude_words: 4,
        ..config(&[Level::Plain])
    };
    let corpus = place.try_build(&settings).unwrap();
    assert_eq!(ids(&corpus), ["plain:en:d0", "plain:zh:d0"], "of near duplicates the first stays");
    let left_out = of(&corpus, "en");
    assert_eq!((left_out.excluded, left_out.near_duplicates), (1, 2));
    let examples: Vec<(&str, Reason, &str)> =
        left_out.examples.iter().map(|e| (e.id.as_str(), e.reason, e.of.as_str())).collect();
    assert_eq!(
        examples,
        [
            ("d1", Reason::Excluded, "test.conll:PMID7"),
            ("d2", Reason::NearDuplicate, "d0"),
            ("d3", Reason::NearDuplicate, "d0"),
        ]
    );
    assert_eq!((of(&corpus, "zh").near_duplicates, corpus.report().documents["en"].used), (2, 1));
    let written = corpus.report().to_string();
    assert!(written.contains("`d1` shares too much with `test.conll:PMID7`"), "{written}");
    // The manifest names the file as it names sources: without its directory.
    assert_eq!(corpus.config().exclude, ["test.conll"].map(std::path::PathBuf::from));
}

#[test]
fn without_filters_everything_stays() {
    let place = Place::new().texts("en", &[TEXT, TEXT]);
    let corpus = place.try_build(&config(&[Level::Plain])).unwrap();
    assert_eq!(corpus.len(), 2);
    assert!(corpus.report().left_out.is_empty());
}

#[test]
fn passages_around_one_that_is_left_out_are_not_consecutive() {
    let place = Place::new().passages(&articles());
    let benchmark = place.path("test.txt");
    let second: serde_json::Value = serde_json::from_str(articles().lines().nth(1).unwrap()).unwrap();
    std::fs::write(&benchmark, second["en"].as_str().unwrap()).unwrap();
    for seed in 0..6 {
        let settings =
            AnchorConfig { exclude: vec![benchmark.clone()], exclude_words: 12, seed, ..config(&[Level::Passage]) };
        let out = place.path(&format!("corpus{seed}"));
        place.build_into(&out, &settings).unwrap();
        let corpus = Corpus::open(&out).unwrap();
        let left_out = of(&corpus, "en-zh");
        assert_eq!((left_out.excluded, left_out.examples[0].id.as_str()), (1, "p0-1"));
        for example in crate::world::examples(&corpus) {
            assert!(!example.id.contains("p0-1"), "{}", example.id);
            let gap = example.id.contains("p0-0") && example.id.contains("p0-2");
            assert!(!(gap && example.label == Some(PassageLabel::Context)), "{}", example.id);
        }
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let place = Place::new().texts("en", &[TEXT]);
    let plain = || config(&[Level::Plain]);
    for threshold in [0.0, 1.5, f64::NAN, -1.0] {
        let error = place.error(&AnchorConfig { near_duplicates: Some(threshold), ..plain() });
        assert!(error.contains("near_duplicates: found") && error.contains("above 0 up to 1"), "{error}");
    }
    let error = place.error(&AnchorConfig { exclude_words: 1, ..plain() });
    assert!(error.contains("exclude_words: found 1, expected at least 2"), "{error}");
    let error = place.error(&AnchorConfig { exclude: vec![place.path("none.jsonl")], ..plain() });
    assert!(error.contains("none.jsonl: cannot open"), "{error}");
}
