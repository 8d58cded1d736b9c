//! Sentences, against a table of hard cases.

use kbioxlm_documents::sentences;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Language, and a text with `|` where a sentence ends.
const CASES: &str = include_str!("../sentences.txt");

#[test]
fn hard_cases_are_cut_where_they_should_be() {
    let mut wrong = Vec::new();
    for line in CASES.lines() {
        let (_, marked) = line.split_once('\t').unwrap();
        let text = marked.replace('|', "");
        let cut: Vec<&str> = sentences(&text).into_iter().map(|range| &text[range]).collect();
        if cut.join("|") != marked {
            wrong.push(format!("{marked}\n    {}", cut.join("|")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), CASES.lines().count(), wrong.join("\n"));
}

#[test]
fn a_line_end_is_a_sentence_end() {
    assert_eq!(sentences("One\n\n two\r\nthree"), [0..6, 6..11, 11..16]);
    assert_eq!(sentences(""), []);
    assert_eq!(sentences(" \n ").len(), 1);
}

/// Ten megabytes of what a rule could look at again and again.
#[test]
fn time_grows_with_the_text_only() {
    for piece in [
        "x", ".", "a.", ". ", "a. ", ".x", "。", "」", "。」", ".» ", "« .", ".[1", ".[1, ", "1. ", "A.B", "\n", "…",
        "« . »",
    ] {
        let text = piece.repeat((10 << 20) / piece.len());
        let started = Instant::now();
        let last = sentences(&text).last().map(|range| range.end);
        assert_eq!(last, Some(text.len()), "{piece}");
        // A quadratic rule would take hours.
        assert!(started.elapsed() < Duration::from_secs(60), "{piece}: {:?}", started.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn sentences_cover_the_text(text in "[a-zA-Z0-9 .!?\"'»«)\\[\\]\n。！？”」と，…．発热\u{a0}α—]{0,60}") {
        let digit = |c: char| c.is_ascii_digit();
        let ranges = sentences(&text);
        let mut end = 0;
        for range in &ranges {
            prop_assert_eq!(range.start, end);
            prop_assert!(range.end > range.start);
            end = range.end;
        }
        prop_assert_eq!(end, text.len());
        // No number is torn apart, and white space begins no sentence but the first.
        for range in ranges.iter().skip(1) {
            let (before, after) = text.split_at(range.start);
            prop_assert!(!after.starts_with(char::is_whitespace));
            let number = before.strip_suffix('.').is_some_and(|before| before.ends_with(digit)) && after.starts_with(digit);
            prop_assert!(!number);
        }
    }
}
