//! From scores of sub-tokens to tags that describe entities.

use crate::marked::{document, outputs, settings};
use crate::tiny::tokenizer;
use kbioxlm_eval::{Document, Tag, Window, decode, spans, windows};
use kbioxlm_train::{Chain, FinetuneConfig, TextEncoding};
use proptest::prelude::*;

/// Scores of O, B-ADE and I-ADE for each token of a document whose tokens are one sub-token each.
fn decoded(marked: &str, max_length: usize, rows: &[[f32; 3]], chain: Option<&Chain>) -> String {
    let document = document(marked);
    let windows = windows(&document, &tokenizer(), &settings(max_length)).unwrap();
    let mut rows = rows.iter();
    let scores = |w: &Window| {
        let inner = rows.by_ref().take(w.ids.len() - 2).map(|r| r.to_vec());
        std::iter::once(vec![0.0; 3]).chain(inner).chain([vec![0.0; 3]]).collect()
    };
    let scores: Vec<Vec<Vec<f32>>> = windows.iter().map(scores).collect();
    let tags = decode(&document, &windows, &outputs(), &scores, chain);
    tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(" ")
}

const O: [f32; 3] = [4.0, 0.0, 0.0];
const I: [f32; 3] = [0.0, 1.0, 4.0];

#[test]
fn an_inside_without_a_beginning_becomes_an_entity_or_none() {
    // By the largest score alone these would be O I I, I O and O I O.
    assert_eq!(decoded("fever and nausea", 64, &[O, I, I], None), "O B-ADE I-ADE");
    assert_eq!(decoded("fever and", 64, &[I, O], None), "B-ADE O");
    let unsure = [3.0, 0.0, 4.0];
    assert_eq!(decoded("fever and nausea", 64, &[O, unsure, O], None), "O O O");
    // What comes before is changed, where that costs less.
    let nearly = [4.0, 3.9, 0.0];
    assert_eq!(decoded("fever and nausea", 64, &[nearly, I, I], None), "B-ADE I-ADE I-ADE");
}

#[test]
fn no_entity_goes_on_in_the_next_sentence_but_in_the_next_window() {
    assert_eq!(decoded("fever|fever", 64, &[[0.0, 4.0, 0.0], I], None), "B-ADE B-ADE");
    let long = "fever and nausea and severe fever and nausea and fever";
    let rows = [O, O, O, O, [0.0, 4.0, 0.0], I, I, I, O, O];
    assert_eq!(windows(&document(long), &tokenizer(), &settings(8)).unwrap()[0].tokens, 0..6);
    assert_eq!(decoded(long, 8, &rows, None), "O O O O B-ADE I-ADE I-ADE I-ADE O O");
}

#[test]
fn learnt_scores_of_neighbours_count() {
    let mut chain = Chain::neutral(3);
    chain.transitions[1][2] = -9.0;
    assert_eq!(decoded("fever and nausea", 64, &[[0.0, 4.0, 0.0], I, I], Some(&chain)), "B-ADE B-ADE B-ADE");
    chain.end[1] = -9.0;
    assert_eq!(decoded("fever and nausea", 64, &[[0.0, 4.0, 0.0], I, I], Some(&chain)), "B-ADE B-ADE O");
}

/// No tag of a sentence is an `I-` without a `B-`.
fn is_bio(document: &Document, tags: &[Tag]) -> bool {
    let orphans = |s: &std::ops::Range<usize>| spans(&tags[s.clone()], s.start, kbioxlm_eval::Orphan::Opens).1;
    tags.len() == document.tokens.len() && document.sentences.iter().all(|s| orphans(s) == 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the model answers, in Chinese too, where tokens share sub-tokens, the tags are BIO.
    #[test]
    fn any_answer_gives_bio_tags(
        sentences in prop::collection::vec(
            prop::collection::vec("aspirin|头|痛|发|热|阿|司|[a-z]{1,9}", 1..9), 1..4),
        length in 4usize..30,
        values in prop::collection::vec(prop::array::uniform3(-5f32..5.0), 40),
        encoding in prop_oneof![
            Just(TextEncoding::Text), Just(TextEncoding::Words), Just(TextEncoding::MarkedWords)],
    ) {
        let marked: Vec<String> = sentences.iter().map(|s| s.join(" ")).collect();
        let document = document(&marked.join("|"));
        let settings = FinetuneConfig { encoding, ..settings(length) };
        let windows = windows(&document, &tokenizer(), &settings).unwrap();
        let mut values = values.iter().cycle();
        let scores: Vec<Vec<Vec<f32>>> =
            windows.iter().map(|w| w.ids.iter().map(|_| values.next().unwrap().to_vec()).collect()).collect();
        let tags = decode(&document, &windows, &outputs(), &scores, None);
        prop_assert!(is_bio(&document, &tags), "{:?}", tags);
    }
}
