//! The mistakes of the reference code that this crate could repeat.

use crate::passages::articles;
use crate::world::{Place, check_spans, config, facts};
use kbioxlm_corpus::{Ambiguity, AnchorConfig, Level, Synonyms};
use std::path::Path;

#[test]
fn trap_04_each_language_has_its_own_texts() {
    // Trap 4: the English corpus is silently replaced by the Chinese one.
    let place = Place::new().texts("en", &["Fever one.", "Headache two."]).texts("zh", &["发热一。", "头痛二。"]);
    let examples = place.build(&config(&[Level::Plain]));
    let found: Vec<_> = examples.iter().map(|e| (e.segments[0].lang.as_str(), e.segments[0].text.as_str())).collect();
    assert_eq!(found, [("en", "Fever one."), ("en", "Headache two."), ("zh", "发热一。"), ("zh", "头痛二。")]);
}

#[test]
fn trap_06_long_terms_are_switched() {
    // Trap 6: Chinese terms longer than 5 characters never match.
    let place = Place::new()
        .texts("zh", &["患者为非ST段抬高型心肌梗死。"])
        .texts("en", &["A non-ST-elevation myocardial infarction."]);
    let examples = place.build(&config(&[Level::Entity]));
    let texts: Vec<&str> = examples.iter().map(|e| e.segments[0].text.as_str()).collect();
    assert!(texts.contains(&"患者为non-ST-elevation myocardial infarction。"), "{texts:?}");
    assert!(texts.contains(&"A 非ST段抬高型心肌梗死."), "{texts:?}");
}

#[test]
fn trap_07_overlapping_terms_leave_the_text_whole() {
    // Trap 7: overlapping matches survive, so replacement corrupts the text.
    let place =
        Place::new().texts("en", &["Bacterial pneumonia, then pneumonia!"]).texts("zh", &["细菌性肺炎，后肺炎！"]);
    let examples = place.build(&config(&[Level::Entity]));
    let texts: Vec<&str> = examples.iter().map(|e| e.segments[0].text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Bacterial pneumonia, then pneumonia!",
            "细菌性肺炎, then 肺炎!",
            "细菌性肺炎，后肺炎！",
            "bacterial pneumonia，后pneumonia！"
        ]
    );
}

#[test]
fn trap_08_texts_and_offsets_survive() {
    // Trap 8: punctuation is spaced out (`0.5` becomes `0 . 5`), offsets are lost, sentences split inside numbers.
    let text = "Aspirin (0.5 mg, e.g. Bayer's) lowers FEVER\u{a0}by 1.2 °C.  Done.\n Headache😀 too.";
    let place = Place::new().texts("en", &[text]);
    let settings = AnchorConfig {
        languages: ["zh"].into_iter().collect(),
        min_chunk: 30,
        min_tail: 10,
        ..config(&[Level::Plain, Level::Entity, Level::Fact])
    };
    let examples = place.build(&settings);
    examples.iter().for_each(check_spans);
    assert_eq!(examples[0].segments[0].text, text);
    assert_eq!(
        examples.iter().find(|e| e.id == "entity:en:d0:switched").unwrap().segments[0].text,
        "阿司匹林 (0.5 mg, e.g. Bayer's) lowers 发热\u{a0}by 1.2 °C.  Done.\n 头痛😀 too."
    );
    let chunks: Vec<&str> =
        examples.iter().filter(|e| e.level == Level::Fact).map(|e| e.segments[0].text.as_str()).collect();
    assert_eq!(chunks[0], "Aspirin (0.5 mg, e.g. Bayer's) lowers FEVER\u{a0}by 1.2 °C.");
}

#[test]
fn trap_09_facts_join_two_concepts_in_the_same_way_in_all_languages() {
    // Trap 9: facts pair a concept with itself; English and Chinese facts use different separators.
    let place = Place::new()
        .texts("en", &["Fever, pyrexia and fever: aspirin and ibuprofen help in influenza."])
        .texts("zh", &["发热、发烧、发热：阿司匹林和布洛芬对流感有帮助，对头痛也有。"]);
    let settings = AnchorConfig { min_chunk: 20, min_tail: 10, ..config(&[Level::Fact]) };
    let examples = place.build(&settings);
    assert_eq!(examples.len(), 6);
    for example in &examples {
        check_spans(example);
        for (segment, [head, relation, tail]) in example.segments[1..].iter().zip(facts(example)) {
            assert_ne!(head, tail);
            assert_eq!(segment.text, format!("{head} {relation} {tail}"), "a segment a fact, single spaces");
        }
    }
}

fn bytes(dir: &Path) -> [Vec<u8>; 2] {
    ["examples.parquet", "manifest.json"].map(|name| std::fs::read(dir.join(name)).unwrap())
}

#[test]
fn trap_09_the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    // Trap 9: set iteration makes the output irreproducible.
    let texts: Vec<String> = (0..700)
        .map(|n| format!("Case {n}: aspirin for fever and headache, ibuprofen for influenza. ").repeat(1 + n % 7))
        .collect();
    let place = Place::new().texts("en", &texts).any_texts(&crate::sources::articles()).passages(&articles());
    let settings = AnchorConfig {
        seed: 5,
        max_documents: Some(600),
        languages: [("en", 1.0), ("zh", 2.0), ("es", 1.5)].into(),
        switch_share: 0.6,
        synonyms: Synonyms::Sampled,
        ambiguous: Ambiguity::Skip,
        aligned_articles: 5,
        hard_random_share: 0.4,
        min_chunk: 40,
        min_tail: 20,
        ..config(&Level::ALL)
    };
    let built = |name: &str, threads: usize, settings: &AnchorConfig| {
        let out = place.path(name);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| place.build_into(&out, settings)).unwrap();
        bytes(&out)
    };
    let one = built("one", 1, &settings);
    assert!(one == built("three", 3, &settings), "threads change the bytes");
    let other = built("other", 3, &AnchorConfig { seed: 6, ..settings.clone() });
    assert!(one[0] != other[0], "the seed does not matter");
}
