use super::exclusion::Exclusion;
use super::near::{NearDuplicates, Signature};
use super::units::Units;
use kbioxlm_files::rng_for;
use proptest::prelude::*;
use rand::RngExt;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn units(text: &str) -> Units {
    let mut units = Units::default();
    units.read(&[text]);
    units
}

/// Texts of excluded files, each file with its name.
fn exclusion(files: &[(&str, &str)], words: usize, characters: usize) -> Exclusion {
    let dir = tempfile::tempdir().unwrap();
    let mut paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, content)| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            // Of a file in a directory, the directory is what is named.
            if name.contains('/') { path.parent().unwrap().to_owned() } else { path }
        })
        .collect();
    paths.dedup();
    Exclusion::read(&paths, words, characters).unwrap()
}

fn found<'a>(exclusion: &'a Exclusion, text: &str) -> Option<&'a str> {
    exclusion.find(&units(text))
}

const BIOC: &str = "<?xml version=\"1.0\"?><collection><document><id>9</id><passage><offset>0</offset><text>Big cats sleep long\
                    </text></passage></document></collection>";

#[test]
fn files_of_every_format_are_read() {
    let conll = "-DOCSTART-\td7\n\nOral\tO\naspirin\tB-Drug\n\nhelps\tO\nsome\tO\n\n-DOCSTART-\td8\n\n头\tB-D\n痛\tI-D\n三\tO\n天\tO\n";
    let jsonl = "{\"id\": 5, \"text\": \"seven green birds fly\"}\n\n{\"text\": \"no id at all here\"}\n";
    let bare = "first\tO\nsecond\tB-X\nthird\tO\nfourth\tO\n\nlater\tO\nalso\tO\ncomes\tO\nthis\tO\n";
    let e = exclusion(
        &[
            ("a.conll", conll),
            ("b.jsonl", jsonl),
            ("c.txt", "one plain line only\nanother plain line here\n"),
            ("d", bare),
            ("e.pubtator", "77|t|Two red foxes\n77|a|They run far away.\n77\t4\t13\tred foxes\tAnimal\tX\n"),
            ("f.xml", BIOC),
            ("g/report.ann", ""),
            ("g/report.txt", "Small dogs bark loudly\n"),
        ],
        4,
        4,
    );
    for (text, name) in [
        ("Say: ORAL ASPIRIN, helps   some!", "a.conll:d7"),
        ("病人头 痛，三天了", "a.conll:d8"),
        ("So seven green birds fly.", "b.jsonl:5"),
        ("no id (at all) here", "b.jsonl:3"),
        ("Another plain\nline here", "c.txt:2"),
        ("first, second, third, fourth", "d:1"),
        ("and later also comes this", "d:6"),
        ("they run far away now", "e.pubtator:77"),
        ("big cats sleep long here", "f.xml:9"),
        ("small dogs bark loudly", "g:report"),
    ] {
        assert_eq!(found(&e, text), Some(name), "{text}");
    }
    for text in ["oral aspirin helps none", "头痛三月", "seven green bird fly", "only another plain line", ""] {
        assert_eq!(found(&e, text), None, "{text}");
    }
}

#[test]
fn compressed_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.jsonl.zst");
    std::fs::write(&path, zstd::encode_all("{\"text\": \"a b c d e\"}\n".as_bytes(), 1).unwrap()).unwrap();
    assert_eq!(found(&Exclusion::read(&[path], 4, 4).unwrap(), "b c d e"), Some("test.jsonl.zst:1"));
}

#[test]
fn bad_files_are_errors_with_a_line() {
    let error = |content: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, content).unwrap();
        Exclusion::read(&[path], 13, 20).unwrap_err().to_string()
    };
    assert!(error("{\"text\": \"a\"}\n{\"txt\": \"b\"}\n").contains("x:2: found missing field `text`"));
    assert!(error("a\tO\nb\n").contains("x:2: found `b` without a tab"));
    assert!(error("\n\n").contains("found no text"));
}

#[test]
fn short_texts_count_as_a_whole() {
    let e = exclusion(&[("t", "one two three four five\nlone word\n头痛三天加重\n发热\n")], 8, 8);
    assert_eq!(found(&e, "so one two three four five six"), Some("t:1"), "at least half: anywhere");
    assert_eq!(found(&e, "one two three four"), None, "not a part of it");
    assert_eq!(found(&e, "Lone word."), Some("t:2"), "less than half: alone");
    assert_eq!(found(&e, "a lone word"), None);
    assert_eq!(found(&e, "患者头痛三天，加重"), Some("t:3"));
    assert_eq!((found(&e, "发热。"), found(&e, "有发热")), (Some("t:4"), None));
}

#[test]
fn mixed_scripts_are_read_in_both_ways() {
    let e = exclusion(&[("t", "给予IL-6受体拮抗剂托珠单抗8mg静脉滴注后症状明显好转出院")], 13, 20);
    assert_eq!(found(&e, "后给予 IL-6 受体拮抗剂托珠单抗 8 mg 静脉滴注。"), Some("t:1"), "letters and digits count");
    let english = "the patient was given eight milligrams of tocilizumab by slow intravenous infusion today";
    let e = exclusion(&[("t", english)], 13, 20);
    assert_eq!(found(&e, &format!("译文：{english}。")), Some("t:1"));
    let torn = english.replace("of", "of 托珠单抗");
    assert_eq!(found(&e, &torn), None, "words on both sides of other script are not consecutive");
}

/// Words of a text of this test's alphabet, and its characters.
fn plain_units(text: &str) -> (Vec<String>, Vec<char>) {
    let is_han = |c: char| c >= '\u{4e00}';
    let mut words: Vec<String> = Vec::new();
    let mut glued = false;
    for c in text.chars() {
        if is_han(c) {
            words.push("|".into());
        } else if !c.is_alphanumeric() {
            glued = false;
            continue;
        } else if let (true, Some(word)) = (glued, words.last_mut()) {
            word.extend(c.to_lowercase());
            continue;
        } else {
            words.push(c.to_lowercase().collect());
        }
        glued = !is_han(c);
    }
    words.dedup_by(|a, b| a == "|" && b == "|");
    (words, text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect())
}

/// The definition: what two texts share, compared place by place.
fn naive(excluded: &str, text: &str, n_words: usize, n_characters: usize) -> bool {
    let han = |list: &[char]| list.iter().filter(|&&c| c >= '\u{4e00}').count();
    let contains_word = |list: &[String], part: &[String]| list.windows(part.len()).any(|w| w == part);
    let contains_char = |list: &[char], part: &[char]| list.windows(part.len()).any(|w| w == part);
    let (words, characters) = plain_units(excluded);
    let (text_words, text_characters) = plain_units(text);
    let has_han = |list: &[char]| han(list) > 0;
    let words_of = |words: &[String]| words.iter().skip_while(|w| *w == "|").cloned().collect::<Vec<_>>();
    let (words, text_words) = (words_of(&words), words_of(&text_words));
    let shared_words = words.windows(n_words).any(|w| !w.iter().any(|w| w == "|") && contains_word(&text_words, w));
    let shared_characters = has_han(&characters)
        && characters.windows(n_characters).any(|w| 2 * han(w) >= w.len() && contains_char(&text_characters, w));
    let whole = if 2 * han(&characters) > characters.len() {
        let fits = if 2 * characters.len() >= n_characters { text_characters.len() } else { characters.len() };
        characters.len() < n_characters
            && text_characters.len() == fits
            && has_han(&text_characters)
            && contains_char(&text_characters, &characters)
    } else {
        let fits = if 2 * words.len() >= n_words { text_words.len() } else { words.len() };
        !words.is_empty() && words.len() < n_words && text_words.len() == fits && contains_word(&text_words, &words)
    };
    shared_words || shared_characters || whole
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn exclusion_equals_its_definition(
        excluded in "[abAB头痛 ,]{1,24}",
        text in "[abAB头痛 ,]{0,40}",
        (from, length) in (0_usize..20, 0_usize..20),
        (n_words, n_characters) in (2_usize..6, 2_usize..8),
    ) {
        // A part of the excluded text within the document: chance alone would seldom make them share much.
        let part: String = excluded.chars().skip(from).take(length).collect();
        let text = format!("{text}{part}");
        let mut e = Exclusion::new(n_words, n_characters);
        e.insert(&units("zzz zzz zzz zzz zzz zzz"), "other".into());
        e.insert(&units(&excluded), "excluded".into());
        e.finish();
        prop_assert_eq!(found(&e, &text).is_some(), naive(&excluded, &text, n_words, n_characters), "{:?}", text);
    }
}

fn signature(text: &str) -> Signature {
    Signature::new(&units(text)).unwrap()
}

/// The exact share of phrases of five words.
fn jaccard(a: &str, b: &str) -> f64 {
    let shingles = |text: &str| -> BTreeSet<String> {
        text.split(' ').collect::<Vec<_>>().windows(5).map(|w| w.join(" ")).collect()
    };
    let (a, b) = (shingles(a), shingles(b));
    a.intersection(&b).count() as f64 / a.union(&b).count() as f64
}

#[test]
fn near_duplicates_are_found_and_others_kept() {
    let mut rng = rng_for(1, &["near"]);
    let (mut alike, mut missed, mut different, mut wrong) = (0, 0, 0, 0);
    for _ in 0..1500 {
        let length = rng.random_range(6..400);
        let words: Vec<String> = (0..length).map(|_| format!("w{}", rng.random_range(0..3000))).collect();
        let share = rng.random_range(0.0..0.08);
        let changed: Vec<String> =
            words.iter().map(|w| if rng.random_bool(share) { format!("{w}x") } else { w.clone() }).collect();
        let (a, b) = (words.join(" "), changed.join(" "));
        let mut near = NearDuplicates::new(0.8);
        assert_eq!(near.insert("a", &signature(&a)), None);
        let found = near.insert("b", &signature(&b)).is_some();
        match jaccard(&a, &b) {
            j if j >= 0.93 => {
                alike += 1;
                missed += usize::from(!found);
            }
            j if j < 0.65 => {
                different += 1;
                wrong += usize::from(found);
            }
            _ => {}
        }
    }
    assert!(alike > 200 && different > 200, "{alike} {different}");
    assert!(missed * 100 <= alike && wrong * 100 <= different, "{missed} of {alike}, {wrong} of {different}");
}

#[test]
fn the_first_stays_and_is_named() {
    let text = "A randomised trial of aspirin against placebo in two hundred adults with fever and headache in winter";
    let chinese = "阿司匹林与安慰剂治疗冬季发热头痛成人患者二百例的随机对照临床试验结果分析";
    let mut near = NearDuplicates::new(0.8);
    for (id, text, expected) in [
        ("1", text.to_owned(), None),
        ("2", text.to_uppercase().replace(' ', "\n "), Some("1")),
        ("3", format!("{text} again"), Some("1")),
        ("4", chinese.to_owned(), None),
        ("5", chinese.replace('与', "、与"), Some("4")),
        ("6", text.chars().rev().collect(), None),
        ("7", "发热".to_owned(), None),
        ("8", "发热。".to_owned(), Some("7")),
        ("9", "头痛".to_owned(), None),
    ] {
        assert_eq!(near.insert(id, &signature(&text)), expected, "{id}");
    }
    assert_eq!(Signature::new(&units(" … ")), None);
}

#[test]
fn many_texts_of_one_template_do_not_take_quadratic_time() {
    // Alike, but below the threshold: each has bands in common with all before it.
    let frame: Vec<String> = (0..60).map(|n| format!("frame{n}")).collect();
    let mut near = NearDuplicates::new(0.8);
    for n in 0..6000 {
        let own: Vec<String> = (0..24).map(|k| format!("own{n}x{k}")).collect();
        let text = format!("{} {}", frame.join(" "), own.join(" "));
        near.insert(&n.to_string(), &signature(&text));
    }
}
