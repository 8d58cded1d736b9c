use super::*;
use crate::types::Tables;
use crate::{Concept, KnowledgeBase, Term};
use proptest::prelude::*;

/// A knowledge base of (concept, term) in `en`; every further setting is the usual one.
fn base(terms: &[(u32, &str)]) -> KnowledgeBase {
    base_of(
        terms.iter().map(|&(concept, text)| Setting { concept, text: text.to_owned(), ..Setting::default() }).collect(),
    )
}

#[derive(Clone, Debug, Default)]
struct Setting {
    concept: u32,
    text: String,
    synonym: bool,
    case_sensitive: bool,
    inexact: bool,
}

fn base_of(mut settings: Vec<Setting>) -> KnowledgeBase {
    settings.sort_by_key(|s| s.concept);
    let concepts = settings.iter().map(|s| s.concept + 1).max().unwrap_or(0);
    let concept = |n| Concept { id: format!("C:{n}"), members: vec![format!("C:{n}")], semantic_type: String::new() };
    let term = |s: Setting| Term {
        concept: ConceptIndex(s.concept),
        lang: "en".to_owned(),
        text: s.text,
        preferred: !s.synonym,
        case_sensitive: s.case_sensitive,
        translation: !s.inexact,
        matched: true,
        flags: Vec::new(),
    };
    KnowledgeBase::new(Tables {
        concepts: (0..concepts).map(concept).collect(),
        terms: settings.into_iter().map(term).collect(),
        ..Tables::default()
    })
}

fn found<'a>(kb: &KnowledgeBase, text: &'a str) -> Vec<&'a str> {
    let mentions = Matcher::new(kb, "en").unwrap().find(text);
    for m in &mentions {
        let chars: String = text.chars().skip(m.chars.start).take(m.chars.len()).collect();
        assert_eq!(chars, text[m.bytes.clone()], "character and byte ranges differ");
        assert_eq!(kb.term(m.term).concept, m.concept);
    }
    mentions.into_iter().map(|m| &text[m.bytes]).collect()
}

// Trap 6: Chinese terms longer than five characters never match.
#[test]
fn trap_06_long_terms_match() {
    let kb = base(&[(0, "先天性肾上腺皮质增生症"), (1, "severe combined immunodeficiency disease of the newborn")]);
    assert_eq!(found(&kb, "患先天性肾上腺皮质增生症。"), ["先天性肾上腺皮质增生症"]);
    let text = "Severe combined immunodeficiency disease of the newborn";
    assert_eq!(found(&kb, text), [text]);
}

// Trap 7: overlapping matches survive; a rejected long match kills a valid short one.
#[test]
fn trap_07_mentions_do_not_overlap_and_invalid_ones_hide_nothing() {
    let kb = base(&[(0, "lung cancer"), (1, "cancer cell"), (2, "cell"), (3, "cancer")]);
    assert_eq!(found(&kb, "lung cancer cell"), ["lung cancer", "cell"]);
    // "cancer cell" and "lung cancer" are rejected at their boundaries, what is in them is not.
    assert_eq!(found(&kb, "cancer cells"), ["cancer"]);
    assert_eq!(found(&kb, "xlung cancer"), ["cancer"]);
    let case = |text: &str, case_sensitive| Setting { text: text.to_owned(), case_sensitive, ..Setting::default() };
    let kb = base_of(vec![case("ALL relapse", true), case("relapse", false)]);
    assert_eq!(found(&kb, "all relapse"), ["relapse"]);
    assert_eq!(found(&kb, "ALL relapse"), ["ALL relapse"]);
}

// Trap 8: matching is case-sensitive on text whose punctuation was spaced out; offsets are lost.
#[test]
fn trap_08_case_and_offsets_of_the_original_text() {
    let kb = base(&[(0, "vitamin B12"), (1, "0.5 mg aspirin"), (2, "高血压")]);
    let text = "İẞ: Vitamin b12,0.5 MG Aspirin;有高血压病";
    let mentions = Matcher::new(&kb, "en").unwrap().find(text);
    let ranges: Vec<_> = mentions.iter().map(|m| (m.bytes.clone(), m.chars.clone())).collect();
    assert_eq!(ranges, [(7..18, 4..15), (19..33, 16..30), (37..46, 32..35)]);
    assert_eq!(found(&kb, text), ["Vitamin b12", "0.5 MG Aspirin", "高血压"]);
    assert_eq!(found(&kb, "10.5 mg aspirin"), Vec::<&str>::new());
}

#[test]
fn case_is_folded_by_character() {
    let kb = base(&[(0, "i"), (1, "ΟΔΟΣ"), (2, "Straße"), (3, "µm"), (4, "istanbul")]);
    assert_eq!(found(&kb, "οδος ΟΔΟΣ οδοσ"), ["οδος", "ΟΔΟΣ", "οδοσ"]);
    assert_eq!(found(&kb, "STRAẞE STRASSE"), ["STRAẞE"]);
    assert_eq!(found(&kb, "μM"), ["μM"]);
    assert_eq!(found(&kb, "İ i İstanbul Istanbul"), ["i", "Istanbul"], "never half of a character");
}

#[test]
fn one_spelling_of_several_concepts() {
    let term = |concept, synonym, inexact| Setting {
        concept,
        text: "croup".to_owned(),
        synonym,
        inexact,
        ..Setting::default()
    };
    let first = |settings| Matcher::new(&base_of(settings), "en").unwrap().find("Croup")[0].concept.0;
    assert_eq!(first(vec![term(0, false, true), term(1, true, false)]), 1, "exact before preferred");
    assert_eq!(first(vec![term(0, true, false), term(1, false, false)]), 1, "preferred before synonym");
    assert_eq!(first(vec![term(0, true, false), term(1, true, false)]), 0, "the smaller index");
    let with_zh = |settings, concept| {
        let kb = base_of(settings);
        let chinese = Term { concept: ConceptIndex(concept), lang: "zh".to_owned(), ..kb.terms()[0].clone() };
        let terms = kb.terms().iter().cloned().chain([chinese]).collect();
        KnowledgeBase::new(Tables { concepts: kb.concepts().to_vec(), terms, ..Tables::default() })
    };
    let kb = with_zh(vec![term(0, false, false), term(1, true, false)], 1);
    assert_eq!(Matcher::new(&kb, "en").unwrap().find("croup")[0].concept.0, 1, "another language before preferred");
}

#[test]
fn a_language_without_terms_is_an_error() {
    let error = Matcher::new(&base(&[(0, "croup")]), "fi").unwrap_err().to_string();
    assert!(error.contains("`fi`") && error.contains("en"), "{error}");
}

#[test]
fn long_text_takes_linear_time() {
    // Quadratic work (counting characters from the start, looking back over marks) would take minutes here.
    let kb = base(&[(0, "aa"), (1, "高高"), (2, "b")]);
    let text = format!("{}{}", "高".repeat(200_000), format!("b{}", "\u{301}".repeat(50)).repeat(5_000));
    assert_eq!(Matcher::new(&kb, "en").unwrap().find(&text).len(), 100_000);
}

/// The characters of the property test, with their class and folding, written down independently of the matcher.
const LETTERS: [(char, &str); 16] = [
    ('a', "a"),
    ('A', "a"),
    ('b', "b"),
    ('B', "b"),
    ('1', "1"),
    ('é', "é"),
    ('É', "é"),
    ('ß', "ß"),
    ('ẞ', "ß"),
    ('İ', "i\u{307}"),
    ('i', "i"),
    ('\u{212A}', "k"),
    ('k', "k"),
    ('ς', "σ"),
    ('Σ', "σ"),
    ('Ａ', "ａ"),
];
const MARKS: [char; 3] = ['\u{301}', '\u{307}', '\u{3099}'];
const OTHERS: [char; 9] = ['高', '血', 'か', '한', ' ', '-', '🧬', '\u{FE0F}', '①'];

fn naive_fold(c: char) -> String {
    LETTERS.iter().find(|(l, _)| *l == c).map_or_else(|| c.to_string(), |(_, fold)| (*fold).to_owned())
}

fn naive_is_word(c: Option<&char>) -> bool {
    c.is_some_and(|c| LETTERS.iter().any(|(l, _)| l == c))
}

/// The base character at or before position `at`.
fn naive_base(text: &[char], at: usize) -> Option<&char> {
    text[..at].iter().rev().find(|c| !MARKS.contains(c))
}

/// Tries every start with every end and every term.
fn naive(kb: &KnowledgeBase, text: &str) -> Vec<(usize, usize, u32)> {
    let chars: Vec<char> = text.chars().collect();
    let mut mentions = Vec::new();
    let mut start = 0;
    'starts: while start < chars.len() {
        for end in (start + 1..=chars.len()).rev() {
            if chars.get(end).is_some_and(|c| MARKS.contains(c)) {
                continue;
            }
            let left = naive_is_word(chars.get(start)) && naive_is_word(naive_base(&chars, start));
            let right = naive_is_word(naive_base(&chars[start..], end - start)) && naive_is_word(chars.get(end));
            let original: String = chars[start..end].iter().collect();
            let folded: String = chars[start..end].iter().map(|&c| naive_fold(c)).collect();
            let best = (0..kb.terms().len())
                .filter(|&t| {
                    let term = &kb.terms()[t];
                    term.text.chars().map(naive_fold).collect::<String>() == folded
                        && (!term.case_sensitive || term.text == original)
                })
                .min_by_key(|&t| {
                    let term = &kb.terms()[t];
                    let named = kb.terms().iter().any(|other| other.concept == term.concept && other.translation);
                    (!term.translation, !term.preferred, !named, term.concept.0, t)
                });
            if let (false, false, Some(term)) = (left, right, best) {
                mentions.push((start, end, u32::try_from(term).unwrap()));
                start = end;
                continue 'starts;
            }
        }
        start += 1;
    }
    mentions
}

fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letters: Vec<char> = LETTERS.iter().map(|(c, _)| *c).collect();
    // Few characters at a time, or nothing would ever match.
    let char = prop_oneof![
        6 => prop::sample::select(vec!['a', 'A', 'b', '高', '血', ' ']),
        3 => prop::sample::select(letters),
        1 => prop::sample::select(MARKS.to_vec()),
        2 => prop::sample::select(OTHERS.to_vec()),
    ];
    prop::collection::vec(char, length).prop_map(|chars| chars.into_iter().collect())
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let name = text(1..5).prop_filter("a name cannot begin with a mark", |t| !t.starts_with(MARKS));
    let flag = || prop::bool::weighted(0.3);
    let setting =
        (0..6_u32, name, flag(), flag(), flag()).prop_map(|(concept, text, synonym, case_sensitive, inexact)| {
            Setting { concept, text, synonym, case_sensitive, inexact }
        });
    prop::collection::vec(setting, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_naive_matcher_finds(settings in settings(), text in text(0..40)) {
        let kb = base_of(settings);
        let mentions = Matcher::new(&kb, "en").unwrap().find(&text);
        let byte = |char: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(char).unwrap();
        for m in &mentions {
            prop_assert_eq!(m.bytes.clone(), byte(m.chars.start)..byte(m.chars.end));
            prop_assert_eq!(kb.term(m.term).concept, m.concept);
        }
        let mentions: Vec<_> = mentions.iter().map(|m| (m.chars.start, m.chars.end, m.term.0)).collect();
        prop_assert_eq!(mentions, naive(&kb, &text));
    }
}
