//! Normalisation, against an implementation that passes over the whole text for each rule.

use kbioxlm_documents::normalise::{Normalised, normalise};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

fn text(original: &str) -> String {
    normalise(original.to_owned()).text
}

#[test]
fn every_rule_does_what_it_says() {
    for (original, expected) in [
        ("A plain text, 0.5 mg.\nNext", "A plain text, 0.5 mg.\nNext"),
        ("a &amp; b &lt;c&gt; &#x3b1;&#946;&alpha; &amp;lt; &amp;amp;#38;", "a & b <c> αβα < &"),
        ("&unknown; &amp &#0; &#xD800; &; R&D; AT&T", "&unknown; &amp &#0; &#xD800; &; R&D; AT&T"),
        ("&NotEqualTilde;", "\u{2242}\u{338}"),
        ("a\u{a0}\u{a0}b\u{3000}c\u{2009}d\t e&nbsp;f", "a b c d e f"),
        ("a \r\n \u{200b}\n b\rc\u{2029}d\u{2028}e", "a\n\nb\nc\n\nd\ne"),
        ("hy\u{ad}phen\u{200b}ated\u{0}\u{7f}\u{feff}", "hyphenated"),
        ("e\u{301} e\u{ad}\u{301} \u{212b} \u{1112}\u{1161}\u{11ab} a\u{323}\u{307}", "é é Å 한 ạ\u{307}"),
        ("ＡＢＣ１２３，Ｘ", "ＡＢＣ１２３，Ｘ"),
        ("👩\u{200d}🔬 می\u{200c}خواهم", "👩\u{200d}🔬 می\u{200c}خواهم"),
        ("", ""),
    ] {
        assert_eq!(text(original), expected, "{original:?}");
    }
}

#[test]
fn spans_lead_to_the_original() {
    let original = "TNF&#x3b1;  rose";
    let Normalised { text, map } = normalise(original.to_owned());
    assert_eq!(text, "TNFα rose");
    assert_eq!(&original[map.original(0..5)], "TNF&#x3b1;");
    assert_eq!(&original[map.original(5..6)], "  ");
    assert_eq!(&text[map.text(12..16)], "rose");
    assert!(normalise("TNF α rose".to_owned()).map.is_identity());
}

/// Pieces of which what matters happens often enough.
fn original() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9.,;& ]{0,6}",
        2 => prop::sample::select(vec![
            "&amp;", "&#x3b1;", "&lt;", "&nbsp;", "&#10;", "&#173;", "&NotEqualTilde;", "&amp;amp;", "&amp;alpha;", "amp;", "&", "&#",
            " ", "  ", "\n", "\r\n", "\r", "\t", "\u{a0}", "\u{3000}", "\u{2029}", "\u{ad}", "\u{200b}", "\u{feff}", "\u{1}", "\u{85}",
            "é", "e", "\u{301}", "\u{323}", "\u{338}", "\u{1100}", "\u{1161}", "\u{11a8}", "가", "\u{212b}", "\u{2126}", "\u{344}",
            "\u{fb1d}", "\u{0958}", "发", "热", "ﬁ", "Ａ", "😀", "\u{200d}", "ß", "İ", "\u{c7}", "\u{9c7}", "\u{9be}", "\u{1e0a}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Entities first, innermost last, then each character for itself, then composition of the whole.
fn naive(original: &str) -> String {
    let mut decoded: Vec<char> = Vec::new();
    let original = original.replace("\r\n", "\n");
    let mut rest = original.as_str();
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        let mut meaning = vec![c];
        while meaning == ['&'] {
            let Some(end) = rest[taken..].find(';').filter(|&end| (1..40).contains(&end)) else { break };
            let name = &rest[taken..taken + end];
            let code = name.strip_prefix("#x").or(name.strip_prefix("#X")).map(|d| u32::from_str_radix(d, 16));
            let code = code.or_else(|| name.strip_prefix('#').map(str::parse::<u32>));
            let found: Vec<char> = match code {
                Some(code) => code.ok().and_then(char::from_u32).filter(|&c| c != '\0').into_iter().collect(),
                None => {
                    let found = htmlize::ENTITIES.get(format!("&{name};").as_bytes());
                    found.into_iter().flat_map(|bytes| std::str::from_utf8(bytes).unwrap().chars()).collect()
                }
            };
            if found.is_empty() || name.contains('+') {
                break;
            }
            taken += end + 1;
            meaning = found;
        }
        decoded.extend(meaning);
        rest = &rest[taken..];
    }
    let decoded: String = decoded.into_iter().collect();
    let seen: String = decoded
        .chars()
        .filter(|&c| {
            !(c.is_control() && !c.is_whitespace() || "\u{ad}\u{180e}\u{200b}\u{200e}\u{200f}\u{feff}".contains(c))
        })
        .filter(|&c| !matches!(c as u32, 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f))
        .collect();
    let mut spaced = String::new();
    let mut run: Option<usize> = None;
    for c in seen.chars().chain(['x']) {
        if c.is_whitespace() {
            let breaks = if c == '\u{2029}' { 2 } else { usize::from("\n\r\u{85}\u{2028}".contains(c)) };
            run = Some(run.unwrap_or(0) + breaks);
        } else {
            match run.take() {
                Some(0) => spaced.push(' '),
                Some(1) => spaced.push('\n'),
                Some(_) => spaced.push_str("\n\n"),
                None => {}
            }
            spaced.push(c);
        }
    }
    spaced.pop();
    spaced.nfc().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn text_and_map_are_right(original in original()) {
        let Normalised { text, map } = normalise(original.clone());
        prop_assert_eq!(&text, &naive(&original));
        prop_assert_eq!(map.is_identity(), text == original);
        prop_assert_eq!(map.original(0..text.len()).end <= original.len(), true);
        let mut end = 0;
        for (at, c) in text.char_indices() {
            let range = at..at + c.len_utf8();
            let came_from = map.original(range.clone());
            // What it came from lies in the original, in order, and leads back to it.
            prop_assert!(original.is_char_boundary(came_from.start) && original.is_char_boundary(came_from.end));
            prop_assert!(came_from.end >= end && came_from.start < came_from.end);
            end = came_from.end;
            let back = map.text(came_from.clone());
            prop_assert!(back.start <= range.start && back.end >= range.end);
            // Normalised by itself it is what it became in the text.
            prop_assert_eq!(normalise(original[came_from].to_owned()).text, &text[back]);
        }
        // Whatever leads nowhere was removed.
        for (at, c) in original.char_indices() {
            let range = at..at + c.len_utf8();
            let became = map.text(range.clone());
            // Part of an entity, of which nothing is seen: there is nothing to lead back from.
            let hidden = c.is_ascii_graphic();
            if became.is_empty() {
                prop_assert!(hidden || naive(c.encode_utf8(&mut [0; 4])).is_empty());
            } else {
                let back = map.original(became);
                prop_assert!(back.start <= range.start && back.end >= range.end);
            }
        }
    }
}
