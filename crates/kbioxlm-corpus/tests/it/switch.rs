//! Code-switching of texts with labels.

use crate::world::kb;
use kbioxlm_corpus::{AnchorConfig, CodeSwitcher, Switched};
use proptest::prelude::*;

fn config(languages: &[&str]) -> AnchorConfig {
    AnchorConfig { languages: languages.iter().copied().collect(), switch_share: 1.0, ..AnchorConfig::default() }
}

fn switch(text: &str, lang: &str, to: &str, kept: &[&str]) -> Option<(String, Vec<String>)> {
    let config = config(&[to]);
    let kept: Vec<_> = kept.iter().map(|k| text.find(k).map(|at| at..at + k.len()).unwrap()).collect();
    let Switched { text, kept } = CodeSwitcher::new(kb(), &config, lang).unwrap().switch("1", text, &kept)?;
    Some((text.clone(), kept.into_iter().map(|k| text[k].to_owned()).collect()))
}

#[test]
fn labelled_parts_are_found_again() {
    let (text, kept) =
        switch("Severe headache (aspirin) and fever.", "en", "zh", &["Severe headache", "aspirin"]).unwrap();
    assert_eq!(
        (text.as_str(), kept),
        ("Severe 头痛 (阿司匹林) and 发热.", vec!["Severe 头痛".into(), "阿司匹林".into()])
    );
    let (text, kept) = switch("服阿司匹林后头痛发热", "zh", "en", &["阿司匹林", "头痛", "后"]).unwrap();
    assert_eq!(text, "服aspirin后Headache Fever", "a space only where two names would read as one");
    assert_eq!(kept, ["aspirin", "Headache", "后"]);
}

#[test]
fn a_mention_that_a_border_cuts_stays() {
    assert_eq!(switch("A common cold.", "en", "zh", &["cold"]), None);
    let (text, kept) = switch("A common cold and fever.", "en", "zh", &["A common"]).unwrap();
    assert_eq!((text.as_str(), kept), ("A common cold and 发热.", vec!["A common".into()]));
    assert_eq!(switch("Nothing here.", "en", "zh", &["here"]), None);
}

#[test]
fn without_another_language_there_is_nothing_to_switch_to() {
    for languages in [&["en"][..], &[]] {
        let config = config(languages);
        let message = CodeSwitcher::new(kb(), &config, "en").err().unwrap().to_string();
        assert!(message.contains("another language"), "{message}");
    }
    assert!(CodeSwitcher::new(kb(), &config(&["en"]), "xx").is_err());
}

proptest! {
    /// Naive reference: a marker on each side of a labelled part goes where the part goes.
    #[test]
    fn parts_without_mentions_keep_their_text(words in prop::collection::vec(0usize..6, 1..12), from in 0usize..12, len in 1usize..4) {
        const WORDS: [&str; 6] = ["fever", "severe", "aspirin", "then", "common cold", "x"];
        let words: Vec<&str> = words.into_iter().map(|w| WORDS[w]).collect();
        let (from, to) = (from.min(words.len() - 1), (from + len).min(words.len()));
        let from = from.min(to - 1);
        let start = words[..from].iter().map(|w| w.len() + 1).sum::<usize>();
        let kept = words[from..to].join(" ");
        let part = start..start + kept.len();
        let (text, config) = (words.join(" "), config(&["zh"]));
        let switcher = CodeSwitcher::new(kb(), &config, "en").unwrap();
        if let Some(switched) = switcher.switch("1", &text, std::slice::from_ref(&part)) {
            // Every mention is switched, each by its preferred name: so is the part by itself.
            let alone = switcher.switch("1", &kept, &[]).map_or(kept.clone(), |s| s.text);
            prop_assert_eq!(&switched.text[switched.kept[0].clone()], alone);
        }
    }
}
