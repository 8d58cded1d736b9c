//! Properties of the examples of any document.

use crate::world::{Place, check_spans, config, facts, kb, switches};
use kbioxlm_corpus::render::{Tint, pieces};
use kbioxlm_corpus::{Ambiguity, AnchorConfig, Example, Languages, Level, MinChars, Names, Role, Synonyms};
use kbioxlm_files::is_in_share;
use kbioxlm_knowledge::Matcher;
use proptest::prelude::*;
use std::collections::BTreeSet;

const PIECES: [&str; 31] = [
    "cold",
    "fever",
    "FEVER",
    "Pyrexia",
    "headache",
    "aspirin",
    "bacterial pneumonia",
    "pneumonia",
    "influenza",
    "COVID-19",
    "ibuprofen",
    "fatal",
    "发热",
    "发烧",
    "头痛",
    "阿司匹林",
    "细菌性肺炎",
    "肺炎",
    "流感",
    "感冒颗粒",
    "布洛芬",
    " ",
    " and ",
    ". Then ",
    "患者有",
    "。",
    "，剂量0.5 mg",
    "é",
    "😀",
    "x",
    "\n",
];

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 1..60).prop_map(|pieces| pieces.concat())
}

/// Short chunks, so that small documents have several.
fn settings() -> AnchorConfig {
    AnchorConfig {
        languages: ["en", "zh", "es"].into_iter().collect(),
        min_chunk: 40,
        min_tail: 20,
        ..config(&[Level::Plain, Level::Entity, Level::Fact])
    }
}

/// Any mixture of the options that decide what is marked and put in.
fn options() -> impl Strategy<Value = AnchorConfig> {
    let names = |names: &'static [&'static str]| {
        prop::sample::subsequence(names, 0..2).prop_map(|exclude| Names {
            include: Vec::new(),
            exclude: exclude.into_iter().map(str::to_owned).collect(),
        })
    };
    let types = || names(&["Symptom", "Drug", "Disease", "Exposure"]);
    let synonyms = prop::sample::select(vec![Synonyms::Preferred, Synonyms::Sampled]);
    let ambiguous = prop::sample::select(vec![Ambiguity::First, Ambiguity::Skip, Ambiguity::Drop]);
    let chars = (1..4_usize, 1..8_usize).prop_map(|(cjk, other)| MinChars { cjk, other });
    let relations = names(&["may_treat", "has_symptom"]);
    (0.0..1.0, synonyms, ambiguous, chars, types(), types(), relations, any::<u64>()).prop_map(
        |(switch_share, synonyms, ambiguous, min_term_chars, mark_types, use_types, relations, seed)| AnchorConfig {
            seed,
            switch_share,
            synonyms,
            ambiguous,
            min_term_chars,
            mark_types,
            use_types,
            relations,
            ..settings()
        },
    )
}

fn relation(id: &str) -> kbioxlm_knowledge::RelationIndex {
    kbioxlm_knowledge::RelationIndex(kb().relations().position(|relation| relation == id).unwrap() as u32)
}

/// That the options are followed and every span leads back to its document.
fn check_options(example: &Example, document: &str, options: &AnchorConfig) {
    let lang = example.segments[0].lang.as_str();
    let matcher = Matcher::new(kb(), lang).unwrap();
    let mentions = matcher.find(document);
    let source = example.segments[0].source.clone().unwrap();
    if !example.id.ends_with(":switched") {
        assert_eq!(document[source.bytes], example.segments[0].text);
    }
    for span in &example.spans {
        let concept = span.concept.as_ref().map(|id| kb().find_concept(id).unwrap());
        if let Some(bytes) = &span.source {
            let surface = &document[bytes.clone()];
            let mention = mentions.iter().find(|m| m.bytes == *bytes).expect("a mention of the document");
            assert_eq!(Some(mention.concept), concept);
            assert!(span.switched || example.text_of(span) == Some(surface));
            let MinChars { cjk, other } = options.min_term_chars;
            assert!(surface.chars().count() >= if surface.is_ascii() { other } else { cjk }, "{surface}");
            let ambiguous = matcher.candidates(document, mention).len() > 1;
            match options.ambiguous {
                Ambiguity::First => {}
                Ambiguity::Skip => assert!(!ambiguous || !span.switched, "{surface}"),
                Ambiguity::Drop => assert!(!ambiguous, "{surface}"),
            }
        }
        if let Some(concept) = concept {
            let excluded = |names: &Names| names.exclude.iter().any(|t| t == kb().concept(concept).semantic_type);
            assert!(!excluded(&options.mark_types), "{span:?}");
            let used = span.switched || span.role != Role::Entity;
            assert!(!used || !excluded(&options.use_types), "{span:?}");
        }
        if span.role == Role::Relation {
            let of = |id: &String| kb().relation_label(relation(id), &example.segments[span.segment].lang);
            assert!(!options.relations.exclude.iter().any(|id| of(id) == example.text_of(span)), "{span:?}");
        }
    }
}

/// Replaces every mention that has a name in `target`, the way one would on paper.
fn naive(text: &str, lang: &str, target: &str) -> String {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    let mut rest = 0;
    for mention in Matcher::new(kb(), lang).unwrap().find(text) {
        pieces.push((text[rest..mention.bytes.start].to_owned(), false));
        let surface = &text[mention.bytes.clone()];
        let name = kb().translations(mention.concept, target).map(|t| kb().term(t).text.to_owned()).next();
        pieces.push((name.clone().unwrap_or_else(|| surface.to_owned()), name.is_some()));
        rest = mention.bytes.end;
    }
    pieces.push((text[rest..].to_owned(), false));
    pieces.retain(|(piece, _)| !piece.is_empty());
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !('\u{3400}'..='\u{9fff}').contains(&c));
    let mut result = String::new();
    let mut before = false;
    for (piece, switched) in pieces {
        if (before || switched) && word(result.chars().last()) && word(piece.chars().next()) {
            result.push(' ');
        }
        result.push_str(&piece);
        before = switched;
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_span_is_the_term_it_claims(
        en in prop::collection::vec(document(), 1..4),
        zh in prop::collection::vec(document(), 1..4),
    ) {
        let place = Place::new().texts("en", &en).texts("zh", &zh);
        for example in place.build(&settings()) {
            check_spans(&example);
            let written: String =
                pieces(&example).into_iter().filter(|p| p.tint != Tint::Separator).map(|p| p.text).collect();
            prop_assert_eq!(written, example.segments.iter().map(|s| s.text.as_str()).collect::<String>());
            let named: Vec<&str> = example.id.split(':').collect();
            let number: usize = named[2][1..].parse().unwrap();
            let document = if named[1] == "en" { &en[number] } else { &zh[number] };
            if example.level == Level::Plain || named.last() == Some(&"original") {
                prop_assert_eq!(&example.segments[0].text, document, "documents are kept to the byte");
            }
            if example.level == Level::Fact {
                prop_assert!(document.contains(&example.segments[0].text));
                for (segment, words) in example.segments[1..].iter().zip(facts(&example)) {
                    prop_assert_eq!(&segment.text, &words.join(" "));
                }
            }
        }
    }

    #[test]
    fn no_option_breaks_a_span(
        en in prop::collection::vec(document(), 1..4),
        zh in prop::collection::vec(document(), 1..4),
        options in options(),
    ) {
        let place = Place::new().texts("en", &en).texts("zh", &zh);
        for example in place.build(&options) {
            let texts = if example.segments[0].lang == "en" { &en } else { &zh };
            let number = &example.segments[0].source.as_ref().unwrap().document[1..];
            check_spans(&example);
            check_options(&example, &texts[number.parse::<usize>().unwrap()], &options);
        }
    }

    #[test]
    fn replacement_equals_a_naive_one(en in document(), zh in document()) {
        let place = Place::new().texts("en", &[&en]).texts("zh", &[&zh]);
        let all = AnchorConfig { max_switches: usize::MAX, ..config(&[Level::Entity]) };
        let examples = place.build(&all);
        for (lang, target, text) in [("en", "zh", &en), ("zh", "en", &zh)] {
            let id = format!("entity:{lang}:d0:switched");
            let expected = naive(text, lang, target);
            let switched = examples.iter().find(|e| e.id == id).map(|e| e.segments[0].text.clone());
            prop_assert_eq!(switched.unwrap_or_else(|| text.clone()), expected);
        }
    }
}

#[test]
fn switches_are_limited_and_reach_all_languages() {
    let text = "Fever, headache, aspirin, influenza, pneumonia and ibuprofen. ".repeat(4);
    let place = Place::new().texts("en", &[&text; 20]);
    let settings = AnchorConfig { max_switches: 3, ..settings() };
    let examples = place.build(&settings);
    let switched: Vec<&Example> = examples.iter().filter(|e| e.id.ends_with(":switched")).collect();
    assert_eq!(switched.len(), 20);
    assert!(switched.iter().all(|e| switches(e).len() == 3 && e.spans.len() == 24));
    let names: Vec<&str> = switched.iter().flat_map(|e| switches(e)).collect();
    assert!(names.contains(&"发热") && names.contains(&"fiebre"), "the language is chosen at random");
    let places: BTreeSet<usize> =
        switched.iter().flat_map(|e| e.spans.iter().enumerate().filter(|(_, s)| s.switched)).map(|(n, _)| n).collect();
    assert!(places.len() > 12, "not always the first mentions");
}

#[test]
fn held_out_concepts_are_marked_but_neither_switched_nor_told() {
    let place = Place::new().texts("en", &["Aspirin lowers fever and headache in influenza. ".repeat(4)]);
    let settings = AnchorConfig { held_out: ["C1".to_owned()].into(), max_switches: 99, ..settings() };
    for example in place.build(&settings) {
        let of_fever = || example.spans.iter().filter(|s| s.concept.as_deref() == Some("C1"));
        assert!(of_fever().count() > 0, "still marked in {}", example.id);
        assert!(of_fever().all(|s| s.role == Role::Entity && !s.switched), "{}", example.id);
    }
}

#[test]
fn a_share_of_the_concepts_is_held_out_by_their_ids() {
    let place = Place::new().texts("en", &["Aspirin lowers fever and headache in influenza. ".repeat(4)]);
    let used = |held_out_share| -> BTreeSet<String> {
        let examples = place.build(&AnchorConfig { held_out_share, max_switches: 99, ..settings() });
        let spans = examples.into_iter().flat_map(|e| e.spans);
        spans.filter(|s| s.switched || s.fact.is_some()).filter_map(|s| s.concept).collect()
    };
    let (all, some, none) = (used(0.0), used(0.5), used(1.0));
    assert!(none.is_empty() && some.is_subset(&all));
    let expected = all.iter().filter(|id| !is_in_share(0.5, &["held-out concept", id]));
    assert_eq!(some.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(!some.is_empty() && some.len() < all.len());
}

#[test]
fn names_that_are_no_translation_switch_nothing() {
    // COVID-19 is called so in Chinese, `fatal` in Spanish; 感冒颗粒 has no other name.
    let place = Place::new().texts("en", &["COVID-19 is fatal.", "Nothing here."]).texts("zh", &["感冒颗粒。"]);
    let examples = place.build(&AnchorConfig { levels: vec![Level::Entity], ..settings() });
    let ids: Vec<&str> = examples.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["entity:en:d0:original", "entity:zh:d0:original"], "a document without a mention gives nothing");
}

#[test]
fn facts_are_told_in_three_ways_and_dropped_whole() {
    let text = "Bacterial pneumonia causes fever; aspirin and ibuprofen treat fever.";
    let place = Place::new()
        .texts("en", &[text])
        .texts("zh", &["阿司匹林、感冒颗粒和布洛芬可治疗流感引起的发热与头痛等症状。"]);
    let settings = AnchorConfig { languages: Languages::default(), min_chunk: 10, min_tail: 10, ..settings() };
    let examples: Vec<Example> = place.build(&settings).into_iter().filter(|e| e.level == Level::Fact).collect();
    let of = |id: &str| facts(examples.iter().find(|e| e.id == format!("fact:{id}")).unwrap());
    let mut own = of("en:d0:0:en");
    own.sort_unstable();
    assert_eq!(
        own,
        [
            ["aspirin", "interacts with", "ibuprofen"],
            ["aspirin", "may treat", "Fever"],
            ["ibuprofen", "may treat", "Fever"]
        ]
    );
    let mut other = of("en:d0:0:zh");
    other.sort_unstable();
    // `meets` has no Chinese label.
    assert_eq!(other, [["布洛芬", "可用于治疗", "发热"], ["阿司匹林", "可用于治疗", "发热"]]);
    assert!(of("zh:d0:0:zh").contains(&["感冒颗粒", "可用于治疗", "流感"]), "a name in the chunk's language is enough");
    assert!(of("zh:d0:0:en").iter().flatten().all(|word| word.is_ascii()));
    let mixed = examples.iter().find(|e| e.id == "fact:zh:d0:0:mixed").unwrap();
    let langs: Vec<&str> = mixed.segments[1..].iter().map(|s| s.lang.as_str()).collect();
    assert!(langs.contains(&"en") && langs.contains(&"zh"), "{langs:?}");
}

#[test]
fn a_cap_on_facts_is_spread_over_relations() {
    let texts = ["Aspirin and ibuprofen for fever and headache in influenza and pneumonia."; 12];
    let place = Place::new().texts("en", &texts);
    let settings = AnchorConfig { max_facts: 2, ..settings() };
    let mut seen = std::collections::BTreeSet::new();
    for example in place.build(&settings).iter().filter(|e| e.id.ends_with(":0:en")) {
        let facts = facts(example);
        assert_eq!(facts.len(), 2);
        assert_ne!(facts[0][1], facts[1][1], "two relations before any has two facts");
        seen.extend(facts.iter().map(|f| f.join(" ")));
    }
    assert!(seen.len() > 4, "not the first facts only: {seen:?}");
}

#[test]
fn a_space_parts_words_that_a_switch_would_glue() {
    let place = Place::new().texts("zh", &["有T发热头痛3天，肺炎。"]);
    let settings = AnchorConfig { languages: ["en"].into_iter().collect(), levels: vec![Level::Entity], ..settings() };
    let examples = place.build(&settings);
    assert_eq!(examples[1].segments[0].text, "有T Fever Headache 3天，pneumonia。");
    check_spans(&examples[1]);
    assert_eq!(switches(&examples[1]), ["Fever", "Headache", "pneumonia"]);
}
