use super::*;
use crate::content::{ConceptRow, Content};

/// A knowledge base of (concept, term) in `en`; every further setting is the usual one.
fn base(terms: &[(u32, &str)]) -> KnowledgeBase {
    base_of(
        terms.iter().map(|&(concept, text)| Setting { concept, text: text.to_owned(), ..Setting::default() }).collect(),
    )
}

#[derive(Clone, Debug, Default)]
pub(super) struct Setting {
    pub concept: u32,
    pub text: String,
    pub synonym: bool,
    pub case_sensitive: bool,
    pub inexact: bool,
    pub chinese: bool,
}

pub(super) fn base_of(mut settings: Vec<Setting>) -> KnowledgeBase {
    settings.sort_by_key(|s| (s.concept, s.chinese));
    let mut content = Content {
        languages: vec!["en".to_owned(), "zh".to_owned()],
        flag_sets: vec![Vec::new()],
        type_sets: vec![Vec::new()],
        ..Content::default()
    };
    for number in 0..settings.iter().map(|s| s.concept + 1).max().unwrap_or(0) {
        content.members.push(&format!("C:{number}")).unwrap();
        content.concepts.push(ConceptRow { first_member: number, types: 0 });
    }
    for s in settings {
        let bit = |is: bool, bit: u32| if is { bit } else { 0 };
        let usage = TermRow::MATCHED
            | bit(!s.synonym, TermRow::PREFERRED)
            | bit(s.case_sensitive, TermRow::CASE_SENSITIVE)
            | bit(!s.inexact, TermRow::TRANSLATION);
        let text = content.texts.push(&s.text).unwrap();
        content.terms.push(TermRow { concept: s.concept, text, lang: u16::from(s.chinese), flags: 0, usage });
    }
    KnowledgeBase::new(&content).unwrap()
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
fn form_is_folded_and_the_original_returned() {
    let kb = base(&[(0, "café"), (1, "type 2"), (2, "2型糖尿病"), (3, "가"), (4, "葛"), (5, "IL-6"), (6, "非 A 型")]);
    // Composed and decomposed, full-width, invisible: the mention is what stands in the text.
    assert_eq!(found(&kb, "cafe\u{301} CAFÉ"), ["cafe\u{301}", "CAFÉ"]);
    assert_eq!(found(&kb, "ＩＬ－６ il\u{AD}-6"), ["ＩＬ－６", "il\u{AD}-6"]);
    assert_eq!(found(&kb, "\u{1100}\u{1161}"), ["\u{1100}\u{1161}"]);
    assert_eq!(found(&kb, "葛\u{E0100}城"), ["葛\u{E0100}"]);
    assert_eq!(found(&kb, "\u{FEFF}葛"), ["葛"]);
    // White space is one, an empty line separates, and beside Chinese it is typography.
    assert_eq!(found(&kb, "type \r\n 2, type\u{3000}2"), ["type \r\n 2", "type\u{3000}2"]);
    assert_eq!(found(&kb, "type\n\n2 type\n \n2 type2 type\u{2029}2"), Vec::<&str>::new());
    assert_eq!(found(&kb, "2 型糖尿病和2型糖尿病, 非A型"), ["2 型糖尿病", "2型糖尿病", "非A型"]);
    assert_eq!(found(&kb, "2型糖 尿病"), Vec::<&str>::new());
}

#[test]
fn folded_tokens_are_what_the_matcher_compares() {
    let tokens = |text: &str| {
        let mut list = Vec::new();
        crate::folded_tokens(text, |token, kind| list.push((token.to_owned(), kind)));
        list
    };
    use crate::TokenKind::{Character, Symbol, Word};
    let expected =
        [("il", Word), ("-", Symbol), ("6", Word), ("高", Character), ("café", Word), ("immunodeficiency", Word)];
    let expected: Vec<_> = expected.map(|(text, kind)| (text.to_owned(), kind)).into();
    assert_eq!(tokens("IL-6高 Café ImmunoDeficiency"), expected);
    assert_eq!(tokens("ＩＬ－６ 高\r\ncafe\u{301} immuno\u{AD}deficiency"), expected);
}

#[test]
fn names_and_words_are_compared_as_the_matcher_does() {
    for (a, b) in [
        ("Café au  lait", "CAFE\u{301} AU LAIT"),
        ("ＩＬ－６", "il\u{AD}-6"),
        ("2 型糖尿病", "2型糖尿病"),
        ("immunodeficiency", "Immuno\u{AD}Deficiency"),
        ("ΟΔΟΣ", "οδος"),
        (" x", "x"),
    ] {
        assert!(crate::is_same_name(a, b) && crate::is_same_name(b, a), "{a} {b}");
    }
    for (a, b) in [("type 2", "type2"), ("fever", "fevers"), ("fever", ""), ("immunodeficiency", "immunodeficienza")] {
        assert!(!crate::is_same_name(a, b) && !crate::is_same_name(b, a), "{a} {b}");
    }
    for (a, b) in [("fever", "x"), ("é", "x"), ("e\u{301}", "x"), ("x\u{200b}", "y"), ("Ａ", "x"), ("7", "\u{feff}β")]
    {
        assert!(crate::is_one_word(a, b), "{a:?} {b:?}");
    }
    for (a, b) in [("fever ", "x"), ("热", "x"), ("x", "热"), ("x", "ท"), ("-", "x"), ("", "x"), ("x", ""), ("x", "🧬")]
    {
        assert!(!crate::is_one_word(a, b), "{a:?} {b:?}");
    }
}

#[test]
fn case_sensitive_terms_differ_in_form_only() {
    let kb = base_of(vec![Setting { text: "ALL é".to_owned(), case_sensitive: true, ..Setting::default() }]);
    assert_eq!(found(&kb, "ＡＬＬ  e\u{301}; ALL É; All é"), ["ＡＬＬ  e\u{301}"]);
}

#[test]
fn every_candidate_of_a_spelling_is_known() {
    let term = |concept, text: &str, case_sensitive| Setting {
        concept,
        text: text.to_owned(),
        case_sensitive,
        ..Setting::default()
    };
    let kb =
        base_of(vec![term(0, "AIDS", true), term(1, "aids", false), term(2, "Aids", false), term(3, "aid", false)]);
    let matcher = Matcher::new(&kb, "en").unwrap();
    let concepts = |text: &str| -> Vec<u32> {
        let mentions = matcher.find(text);
        matcher.candidates(text, &mentions[0]).into_iter().map(|(_, c)| c.0).collect()
    };
    assert_eq!(concepts("AIDS"), [0, 1, 2]);
    assert_eq!(concepts("hearing aids"), [1, 2]);
    assert_eq!(matcher.lookup("aid x"), []);
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
    let chinese = Setting { chinese: true, ..term(1, false, false) };
    let kb = base_of(vec![term(0, false, false), term(1, true, false), chinese]);
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

#[test]
fn signs_and_controls_are_tokens_like_others() {
    let kb = base(&[(0, "\0"), (1, "\0-\u{7f}"), (2, "(+)-x"), (3, "；a")]);
    assert_eq!(found(&kb, "a\0\0-\u{7f}"), ["\0", "\0-\u{7f}"]);
    assert_eq!(found(&kb, "（＋）- (+)-X（+)\u{AD}-x"), ["(+)-X", "（+)\u{AD}-x"]);
    // A Greek question mark is a semicolon.
    assert_eq!(found(&kb, ";a \u{37E}a ;\u{301}a"), [";a", "\u{37E}a"]);
}

#[test]
fn case_is_compared_but_form_is_not() {
    let case = |text: &str| Setting { text: text.to_owned(), case_sensitive: true, ..Setting::default() };
    let kb = base_of(vec![case("TEN-x É"), case("Ａ 型"), case("e\u{301}")]);
    assert_eq!(found(&kb, "ten-x É TEN-X É"), Vec::<&str>::new());
    assert_eq!(found(&kb, "ＴＥＮ\u{AD}-x  E\u{301}, A型, a型, é É"), ["ＴＥＮ\u{AD}-x  E\u{301}", "A型", "é"]);
}
