//! Statistics and selections, held against counting by hand.

use crate::passages::articles;
use crate::world::{Place, config, examples, kb};
use kbioxlm_corpus::stats::{CorpusStats, CountTokens, LengthUnit, StatsOptions, stats};
use kbioxlm_corpus::{AnchorConfig, Corpus, Example, Level, PassageLabel, Role, Selection, sample};

fn corpus(place: &Place) -> Corpus {
    place.try_build(&AnchorConfig { min_chunk: 20, min_tail: 10, ..config(&Level::ALL) }).unwrap()
}

fn place() -> Place {
    let text = |n: usize| format!("Case {n}: aspirin lowers fever in influenza. ").repeat(1 + n % 3);
    let english: Vec<String> = (0..300).map(text).collect();
    Place::new()
        .texts("en", &english)
        .texts("zh", &["阿司匹林可治疗流感引起的发热，也可治疗头痛。", "没有。"])
        .passages(&articles())
}

fn of(corpus: &Corpus, count_tokens: Option<&CountTokens>, with_kb: bool) -> CorpusStats {
    let options = StatsOptions { count_tokens, kb: with_kb.then(kb), max_length: 64, top: 3 };
    stats(corpus, &options, &|_| ()).unwrap()
}

/// As long as this text is in characters.
fn characters(text: &str) -> Result<usize, String> {
    Ok(text.chars().count())
}

#[test]
fn counts_are_those_of_the_examples() {
    let place = place();
    let corpus = corpus(&place);
    let all = examples(&corpus);
    let stats = of(&corpus, Some(&characters), true);
    assert_eq!(stats.examples, all.len() as u64);
    assert_eq!(stats.unit, LengthUnit::Tokens);
    let expected = |level: Level, of: &dyn Fn(&Example) -> usize| -> u64 {
        all.iter().filter(|e| e.level == level).map(|e| of(e) as u64).sum()
    };
    let text = |e: &Example| e.segments.iter().map(|s| s.text.chars().count()).sum::<usize>();
    let spans = |e: &Example, role: Role| e.spans.iter().filter(|s| s.role == role).count();
    for level in Level::ALL {
        let sum = |of: fn(&kbioxlm_corpus::stats::Group) -> u64| -> u64 { stats.groups[&level].values().map(of).sum() };
        assert_eq!(sum(|g| g.counts.examples), expected(level, &|_| 1));
        assert_eq!(sum(|g| g.counts.characters), expected(level, &text));
        assert_eq!(sum(|g| g.counts.mentions), expected(level, &|e| spans(e, Role::Entity)));
        assert_eq!(sum(|g| g.counts.facts), expected(level, &|e| spans(e, Role::Relation)));
        let switched = |e: &Example| e.spans.iter().filter(|s| s.role == Role::Entity && s.switched).count();
        assert_eq!(sum(|g| g.counts.switches), expected(level, &switched));
        // One token begins and one ends each segment but the pairs', which are parted by two.
        let length = |e: &Example| text(e) + if level == Level::Passage { 4 } else { 1 + e.segments.len() };
        assert_eq!(sum(|g| g.length), expected(level, &length));
        let lengths = &stats.lengths[&level];
        let mut sorted: Vec<usize> = all.iter().filter(|e| e.level == level).map(length).collect();
        sorted.sort_unstable();
        assert_eq!(lengths.bins.iter().sum::<u64>(), sorted.len() as u64);
        assert_eq!(lengths.median, sorted[(sorted.len() - 1) / 2] as u64);
        assert_eq!(lengths.longest, sorted[sorted.len() - 1] as u64);
        assert_eq!(lengths.percentile_95, sorted[(sorted.len() * 95).div_ceil(100) - 1] as u64);
        assert_eq!(lengths.over, sorted.iter().filter(|&&n| n > 64).count() as u64);
        let bin = |n: &usize| (n / 4).min(31);
        for (n, &count) in lengths.bins.iter().enumerate() {
            assert_eq!(count, sorted.iter().filter(|&l| bin(l) == n).count() as u64, "{level} bin {n}");
        }
    }
    let with_mention = all.iter().filter(|e| e.spans.iter().any(|s| s.role == Role::Entity)).count();
    assert!((stats.coverage.with_mention - with_mention as f64 / all.len() as f64).abs() < 1e-12);
    for label in PassageLabel::ALL {
        assert_eq!(stats.labels[&label], all.iter().filter(|e| e.label == Some(label)).count() as u64);
    }
    assert_eq!(stats.facts.values().sum::<u64>(), expected(Level::Fact, &|e| spans(e, Role::Relation)));
}

#[test]
fn rankings_have_names_and_a_fixed_order() {
    let place = place();
    let corpus = corpus(&place);
    let all = examples(&corpus);
    let count = |id: &str, switched: bool| {
        let fits = |s: &&kbioxlm_corpus::Span| s.role == Role::Entity && s.concept.as_deref() == Some(id);
        let spans = all.iter().flat_map(|e| &e.spans).filter(fits);
        spans.filter(|s| s.switched || !switched).count() as u64
    };
    let stats = of(&corpus, None, true);
    assert_eq!(stats.unit, LengthUnit::WordsAndCharacters);
    assert_eq!(stats.switched.len(), 3);
    for entry in &stats.switched {
        assert_eq!(entry.count, count(&entry.id, true));
    }
    assert!(stats.switched.is_sorted_by_key(|e| (std::cmp::Reverse(e.count), e.id.clone())));
    let fever = stats.mentioned.iter().find(|e| e.id == "C1").unwrap();
    assert_eq!((fever.name.as_str(), fever.count), ("Fever / 发热", count("C1", false)));
    let treats = stats.relations.iter().find(|e| e.id == "may_treat").unwrap();
    assert_eq!(treats.name, "may treat / 可用于治疗");
    let types: Vec<&str> = stats.semantic_types.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(types.len(), 3);
    assert!(types.contains(&"Symptom"));
    assert_eq!(stats.coverage.known_concepts, Some(13));
    let met: std::collections::BTreeSet<&str> =
        all.iter().flat_map(|e| &e.spans).filter_map(|s| s.concept.as_deref()).collect();
    assert!((stats.coverage.known_share.unwrap() - met.len() as f64 / 13.0).abs() < 1e-12);

    let bare = of(&corpus, None, false);
    assert_eq!(bare.switched.iter().map(|e| e.count).max(), stats.switched.iter().map(|e| e.count).max());
    assert!(bare.relations.iter().any(|e| e.id == "may treat" && e.name == "may treat"));
    assert!(bare.semantic_types.is_empty() && bare.coverage.known_share.is_none());
}

#[test]
fn a_text_that_has_no_tokens_is_an_error_with_its_example() {
    let place = place();
    let fails = |_: &str| Err("no unknown piece".to_owned());
    let options = StatsOptions { count_tokens: Some(&fails), kb: None, max_length: 64, top: 3 };
    let error = stats(&corpus(&place), &options, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("example `plain:en:d0`: no unknown piece"), "{error}");
}

#[test]
fn selections_fit_and_samples_depend_on_the_seed_alone() {
    let place = place();
    let corpus = corpus(&place);
    let all = examples(&corpus);
    let fitting = |selection: Selection| -> Vec<&Example> { all.iter().filter(|e| selection.fits(e)).collect() };
    let random = fitting(Selection { label: Some(PassageLabel::Random), ..Selection::default() });
    assert!(!random.is_empty() && random.iter().all(|e| e.label == Some(PassageLabel::Random)));
    let chinese = fitting(Selection { level: Some(Level::Fact), lang: Some("zh".into()), ..Selection::default() });
    assert!(!chinese.is_empty() && chinese.iter().all(|e| e.segments[0].lang == "zh" && e.level == Level::Fact));
    let headache = fitting(Selection { concept: Some("C2".into()), ..Selection::default() });
    assert!(!headache.is_empty() && headache.len() < all.len());
    assert_eq!(fitting(Selection { id: Some("plain:en:d7".into()), ..Selection::default() }).len(), 1);

    let drawn = |seed: u64, size: usize| sample(all.iter().cloned().map(Ok), size, seed).unwrap();
    let (one, two) = (drawn(1, 40), drawn(2, 40));
    assert_eq!(one, drawn(1, 40));
    assert_ne!(one, two);
    assert_eq!(one.len(), 40);
    let place_of = |e: &Example| all.iter().position(|other| other.id == e.id).unwrap();
    assert!(one.is_sorted_by_key(place_of), "in the corpus's order");
    let smaller = drawn(1, 10);
    assert!(smaller.iter().all(|e| one.contains(e)), "a smaller sample is part of a larger one");
    assert_eq!(drawn(1, usize::MAX).len(), all.len());
    assert!(drawn(1, 0).is_empty());
}
