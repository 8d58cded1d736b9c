//! Passage pairs: classes, languages, determinism.

use crate::world::{Place, check_spans, config};
use kbioxlm_corpus::{AnchorConfig, Balance, Example, Level, PassageLabel};
use std::collections::BTreeMap;

/// Twelve articles of three passages each; article n is about one of the concepts.
pub fn articles() -> String {
    let names = [
        ("fever", "发热"),
        ("headache", "头痛"),
        ("aspirin", "阿司匹林"),
        ("influenza", "流感"),
        ("ibuprofen", "布洛芬"),
        ("pneumonia", "肺炎"),
    ];
    let mut rows = String::new();
    for article in 0..12 {
        let (en, zh) = names[article % names.len()];
        for part in 0..3 {
            let row = serde_json::json!({
                "id": format!("p{article}-{part}"),
                "en": format!("Part {part} of article {article} is about {en}. It says that {en} matters."),
                "zh": format!("文章{article}第{part}部分讲{zh}。{zh}很重要。"),
                "topic": format!("t{article}"),
                "label": "link",
            });
            rows.push_str(&format!("{row}\n"));
        }
    }
    rows
}

/// (article, part) of each passage, read from its text.
fn places(example: &Example) -> [(u32, u32); 2] {
    [0, 1].map(|n| {
        let segment = &example.segments[n];
        let numbers: Vec<u32> =
            segment.text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        if segment.lang == "en" { (numbers[1], numbers[0]) } else { (numbers[0], numbers[1]) }
    })
}

#[test]
fn trap_03_all_three_labels_are_there_and_balanced() {
    // Trap 3: label 0 is treated as "no label", only link pairs are built.
    let place = Place::new().passages(&articles());
    let corpus = place.try_build(&config(&[Level::Passage])).unwrap();
    let examples = crate::world::examples(&corpus);
    let mut by_label: BTreeMap<PassageLabel, Vec<&Example>> = BTreeMap::new();
    for example in &examples {
        check_spans(example);
        assert_eq!(example.segments.len(), 2);
        by_label.entry(example.label.expect("a label")).or_default().push(example);
    }
    assert_eq!(by_label.len(), 3);
    assert!(by_label.values().all(|class| class.len() == 36), "36 pairs, so 36 of each class");
    assert_eq!(corpus.report().labels.values().copied().collect::<Vec<_>>(), [36, 36, 36]);

    let languages = |label: PassageLabel| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for example in &by_label[&label] {
            *counts.entry(format!("{} {}", example.segments[0].lang, example.segments[1].lang)).or_default() += 1;
        }
        counts.into_iter().map(|(pair, n)| format!("{pair} {n}")).collect::<Vec<_>>()
    };
    assert_eq!(languages(PassageLabel::Link), ["en zh 18", "zh en 18"]);
    assert_eq!(languages(PassageLabel::Context), ["en en 18", "zh zh 18"]);
    assert_eq!(languages(PassageLabel::Random), ["en en 9", "en zh 9", "zh en 9", "zh zh 9"]);
}

#[test]
fn labels_mean_what_they_say() {
    let place = Place::new().passages(&articles());
    for example in place.build(&config(&[Level::Passage])) {
        let [a, b] = places(&example);
        match example.label.unwrap() {
            PassageLabel::Link => assert_eq!(a, b),
            PassageLabel::Context => assert_eq!((a.0, a.1 + 1), b, "the second follows the first"),
            // Articles n and n + 6 are about the same concept although they are two topics.
            PassageLabel::Random => assert_ne!(a.0 % 6, b.0 % 6, "{}", example.id),
        }
    }
}

#[test]
fn trap_10_both_passages_are_there_also_where_one_is_cut_in_two() {
    // Trap 10: the second passage of a pair can be lost as a whole.
    let row = |n: usize, name: &str, zh: &str| {
        let en =
            format!("The first half of text {n} is about {name} alone. The second half goes on about {name} still.");
        let zh = format!("第{n}篇的前一半讲的是{zh}这个问题本身。后一半继续讲{zh}以及其他相关的问题。");
        format!("{}\n", serde_json::json!({"id": n.to_string(), "en": en, "zh": zh}))
    };
    let rows: String = [("fever", "发热"), ("headache", "头痛"), ("aspirin", "阿司匹林"), ("influenza", "流感")]
        .iter()
        .enumerate()
        .map(|(n, (en, zh))| row(n, en, zh))
        .collect();
    let settings = AnchorConfig { min_tail: 15, ..config(&[Level::Passage]) };
    let examples = Place::new().passages(&rows).build(&settings);
    assert_eq!(examples.len(), 12);
    for example in examples.iter().filter(|e| e.label == Some(PassageLabel::Context)) {
        check_spans(example);
        let texts: Vec<&str> = example.segments.iter().map(|s| s.text.as_str()).collect();
        let halves = if example.segments[0].lang == "en" { ["The first", "The second"] } else { ["第", "后一半"] };
        assert!(texts[0].starts_with(halves[0]) && texts[1].starts_with(halves[1]), "{texts:?}");
        assert!(texts.iter().all(|text| text.chars().count() >= 15), "neither side is lost");
    }
}

#[test]
fn a_sample_keeps_articles_whole() {
    let place = Place::new().passages(&articles());
    let settings = AnchorConfig { max_documents: Some(14), ..config(&[Level::Passage]) };
    let links: Vec<Example> =
        place.build(&settings).into_iter().filter(|e| e.label == Some(PassageLabel::Link)).collect();
    let mut parts: BTreeMap<u32, usize> = BTreeMap::new();
    links.iter().for_each(|e| *parts.entry(places(e)[0].0).or_default() += 1);
    assert_eq!(parts.values().copied().collect::<Vec<_>>(), [3, 3, 3, 3]);
}

#[test]
fn classes_have_the_weights_of_the_settings() {
    let place = Place::new().passages(&articles());
    let labels = |link, context, random| {
        let passage_balance = Balance { link, context, random };
        let examples = place.build(&AnchorConfig { passage_balance, ..config(&[Level::Passage]) });
        PassageLabel::ALL.map(|label| examples.iter().filter(|e| e.label == Some(label)).count())
    };
    assert_eq!(labels(1, 1, 1), [36, 36, 36]);
    assert_eq!(labels(2, 1, 1), [36, 18, 18], "36 pairs are all links that there are");
    assert_eq!(labels(3, 2, 0), [36, 24, 0]);
    assert_eq!(labels(1, 1, 2), [36, 36, 72]);
    assert_eq!(labels(0, 1, 1), [0, 48, 48], "two neighbours in each article and language");
    assert_eq!(labels(0, 0, 1), [0, 0, 36], "as many as there are rows");
    let settings =
        AnchorConfig { passage_balance: Balance { link: 0, context: 0, random: 0 }, ..config(&[Level::Passage]) };
    assert!(place.error(&settings).starts_with("passage_balance: found 0 for each class"));
}

#[test]
fn every_stretch_of_the_rows_has_its_share_of_each_class() {
    let passage_balance = Balance { link: 2, context: 1, random: 1 };
    let examples =
        Place::new().passages(&articles()).build(&AnchorConfig { passage_balance, ..config(&[Level::Passage]) });
    for stretch in examples.chunks(4) {
        assert_eq!(stretch.iter().filter(|e| e.label == Some(PassageLabel::Link)).count(), 2);
    }
}

/// Articles on ten subjects in two groups; of each group all mention one more concept, which is no subject.
fn groups() -> String {
    let subjects = [("fever", "发热"), ("headache", "头痛"), ("aspirin", "阿司匹林"), ("ibuprofen", "布洛芬")];
    let mut rows = String::new();
    for (article, (en, zh)) in subjects.iter().cycle().take(16).enumerate() {
        let (also, zh_also) = if article % 4 < 2 { ("influenza", "流感") } else { ("pneumonia", "肺炎") };
        for part in 0..2 {
            let row = serde_json::json!({
                "id": format!("p{article}-{part}"),
                "en": format!("Part {part} of article {article}: {en}, {en} and {also}."),
                "zh": format!("文章{article}第{part}部分：{zh}、{zh}和{zh_also}。"),
                "topic": format!("t{article}"),
            });
            rows.push_str(&format!("{row}\n"));
        }
    }
    rows
}

#[test]
fn a_share_of_the_random_pairs_is_near() {
    let place = Place::new().passages(&groups());
    let near = |hard_random_share| {
        let examples = place.build(&AnchorConfig { hard_random_share, ..config(&[Level::Passage]) });
        let randoms: Vec<&Example> = examples.iter().filter(|e| e.label == Some(PassageLabel::Random)).collect();
        assert_eq!(randoms.len(), 32);
        let shared = |e: &&&Example| {
            let concepts = |n: usize| e.spans.iter().filter(move |s| s.segment == n).map(|s| s.concept.as_deref());
            let [a, b] = places(e);
            assert_ne!(a.0, b.0, "different articles");
            assert_ne!(a.0 % 4, b.0 % 4, "on different subjects: {}", e.id);
            concepts(0).any(|c| concepts(1).any(|other| other == c))
        };
        randoms.iter().filter(shared).count()
    };
    assert_eq!(near(1.0), 32);
    // By chance one in three of the other subjects shares a concept.
    let (half, none) = (near(0.5), near(0.0));
    assert!(half > none && half >= 16 && none < 20, "{half} {none}");
}

#[test]
fn pairs_without_mentions_are_left_out_on_request() {
    let bare = |n: usize| {
        let row = serde_json::json!({
            "id": format!("b{n}"), "en": format!("Part 0 of article {n} has nothing."), "zh": format!("文章{n}第0部分。"),
            "topic": format!("t{}", n % 12),
        });
        format!("{row}\n")
    };
    let rows = articles() + &(100..120).map(bare).collect::<String>();
    let place = Place::new().passages(&rows);
    let keeping = |levels: &[Level]| {
        let keep_without_mentions = levels.iter().copied().collect();
        let corpus = place.try_build(&AnchorConfig { keep_without_mentions, ..config(&[Level::Passage]) }).unwrap();
        (corpus.report().passages["en-zh"].used, crate::world::examples(&corpus))
    };
    assert_eq!(keeping(&[Level::Passage]).0, 56);
    let (used, examples) = keeping(&[]);
    assert_eq!(used, 36);
    assert!(examples.iter().all(|e| (0..2).all(|n| e.spans.iter().any(|s| s.segment == n))));
}
