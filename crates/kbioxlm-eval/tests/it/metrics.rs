//! Our scores against those of seqeval and scikit-learn (tests/fixtures/make_metrics.py).

use kbioxlm_eval::{LabelScores, Orphan, Scores, Tag, TokenSpan, class_scores, entity_scores, label_scores, spans};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Fixture {
    entities: Vec<EntityCase>,
    classes: Vec<ClassCase>,
    labels: Vec<LabelCase>,
    blurb_hoc: Vec<HocCase>,
}

#[derive(Deserialize)]
struct EntityCase {
    gold: Vec<Vec<String>>,
    predicted: Vec<Vec<String>>,
    default: EntityExpected,
    strict_iob2: EntityExpected,
}

#[derive(Deserialize)]
struct EntityExpected {
    micro: Scores,
    by_type: BTreeMap<String, Scores>,
}

#[derive(Deserialize)]
struct ClassCase {
    gold: Vec<String>,
    predicted: Vec<String>,
    accuracy: f64,
    micro_f1: f64,
    macro_f1: f64,
    /// With `1` as the positive class, where the classes are `0` and `1`.
    binary: Option<Scores>,
    by_class: BTreeMap<String, Scores>,
}

#[derive(Deserialize)]
struct LabelCase {
    gold: Vec<Vec<u8>>,
    predicted: Vec<Vec<u8>>,
    micro: Scores,
    macro_f1: f64,
    by_label: Vec<Scores>,
}

#[derive(Deserialize)]
struct HocCase {
    gold: Vec<Vec<u8>>,
    predicted: Vec<Vec<u8>>,
    micro: Scores,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/metrics.json")).unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12, "{a} is not {b}");
}

fn same(ours: &Scores, theirs: &Scores) {
    close(ours.precision, theirs.precision);
    close(ours.recall, theirs.recall);
    close(ours.f1, theirs.f1);
    assert_eq!(ours.support, theirs.support);
}

fn entities(sentences: &[Vec<String>], orphan: Orphan) -> Vec<Vec<TokenSpan>> {
    let tags = |s: &Vec<String>| s.iter().map(|t| t.parse().unwrap()).collect::<Vec<Tag>>();
    sentences.iter().map(|s| spans(&tags(s), 0, orphan).0).collect()
}

#[test]
fn entity_scores_are_those_of_seqeval() {
    for case in fixture().entities {
        for (orphan, expected) in [(Orphan::Opens, &case.default), (Orphan::Ignored, &case.strict_iob2)] {
            let (gold, predicted) = (entities(&case.gold, orphan), entities(&case.predicted, orphan));
            let ours = entity_scores(gold.iter().map(Vec::as_slice).zip(predicted.iter().map(Vec::as_slice)));
            same(&ours.micro, &expected.micro);
            assert_eq!(ours.by_type.keys().collect::<Vec<_>>(), expected.by_type.keys().collect::<Vec<_>>());
            ours.by_type.values().zip(expected.by_type.values()).for_each(|(a, b)| same(a, b));
        }
    }
}

#[test]
fn class_scores_are_those_of_scikit_learn() {
    for case in fixture().classes {
        let ours = class_scores(case.gold.iter().map(String::as_str).zip(case.predicted.iter().map(String::as_str)));
        close(ours.accuracy, case.accuracy);
        close(ours.accuracy, case.micro_f1);
        close(ours.macro_f1, case.macro_f1);
        assert_eq!(ours.by_class.keys().collect::<Vec<_>>(), case.by_class.keys().collect::<Vec<_>>());
        ours.by_class.values().zip(case.by_class.values()).for_each(|(a, b)| same(a, b));
        if let Some(binary) = &case.binary {
            same(&ours.by_class.get("1").copied().unwrap_or_default(), binary);
        }
    }
}

fn scored_labels(gold: &[Vec<u8>], predicted: &[Vec<u8>]) -> LabelScores {
    let flags = |rows: &[Vec<u8>]| rows.iter().map(|r| r.iter().map(|&l| l == 1).collect()).collect::<Vec<Vec<bool>>>();
    let (gold, predicted) = (flags(gold), flags(predicted));
    label_scores(gold[0].len(), gold.iter().map(Vec::as_slice).zip(predicted.iter().map(Vec::as_slice)))
}

#[test]
fn label_scores_are_those_of_scikit_learn() {
    for case in fixture().labels {
        let ours = scored_labels(&case.gold, &case.predicted);
        same(&ours.micro, &case.micro);
        close(ours.macro_f1, case.macro_f1);
        ours.by_label.iter().zip(&case.by_label).for_each(|(a, b)| same(a, b));
    }
}

#[test]
fn documents_with_hallmarks_are_scored_as_in_blurb() {
    for case in fixture().blurb_hoc {
        same(&scored_labels(&case.gold, &case.predicted).micro, &case.micro);
    }
}

#[test]
fn nothing_against_nothing_is_zero() {
    assert_eq!(entity_scores(std::iter::empty()).micro, Scores::default());
    assert_eq!(class_scores(std::iter::empty()).accuracy, 0.0);
    assert_eq!(label_scores(2, std::iter::empty()).macro_f1, 0.0);
}
