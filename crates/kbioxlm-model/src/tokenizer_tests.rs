use super::*;
use proptest::prelude::*;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bert/mlm")
}

fn tokenizer() -> Tokenizer {
    Tokenizer::load(&fixture()).unwrap()
}

/// The tokenizer of the fixture, its JSON changed.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Result<Tokenizer> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(TOKENIZER_FILE);
    let mut json: serde_json::Value = serde_json::from_str(&tokenizer().to_json()).unwrap();
    change(&mut json);
    std::fs::write(&path, json.to_string()).unwrap();
    Tokenizer::from_file(&path)
}

/// (piece, what it stands for, begins a word)
fn pieces(text: &str) -> Vec<(String, &str, bool)> {
    let tokenizer = tokenizer();
    let Encoding { ids, offsets, word_starts } = tokenizer.encode(text).unwrap();
    let piece = |((id, range), start): ((&u32, &Range<usize>), &bool)| {
        (tokenizer.id_to_piece(*id).unwrap(), &text[range.clone()], *start)
    };
    ids.iter().zip(&offsets).zip(&word_starts).map(piece).collect()
}

/// The words of a text by the rule that whole-word masking uses: runs from one start to the next.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (_, part, start) in pieces(text) {
        match words.last_mut() {
            Some(word) if !start => word.push_str(part),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[test]
fn special_tokens_are_found_by_name() {
    let special = *tokenizer().special();
    assert_eq!(special, SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 4 });
    let without = changed(|json| {
        json["model"]["vocab"][4][0] = "<gap>".into();
        json["added_tokens"][4]["content"] = "<gap>".into();
    });
    let message = without.unwrap_err().to_string();
    assert!(message.contains("tokenizer.json: found no piece <mask>, expected"), "{message}");
}

#[test]
fn ranges_are_bytes_of_the_text_without_white_space() {
    assert_eq!(words("  drug  and fever "), ["drug", "and", "fever", ""], "white space at the end is a piece, too");
    assert_eq!(words("a drug"), ["a", "drug"]);
    for text in ["a drug and fever", "患者发热 drug 患者", " 患者", "ｆｅｖｅｒ　and cough"] {
        let joined: String = pieces(text).iter().map(|(_, part, _)| *part).collect();
        let expected: String = text.split_whitespace().collect();
        assert_eq!(joined, expected, "every character belongs to one piece");
    }
}

#[test]
fn a_piece_of_white_space_alone_has_an_empty_range_before_the_next_word() {
    // `▁发` is no piece: the white space becomes one of its own.
    let text = "fever 发热";
    let encoding = tokenizer().encode(text).unwrap();
    let at = pieces(text).iter().position(|(piece, _, _)| piece == "▁").unwrap();
    let found: Vec<_> = pieces(text)[at..].to_vec();
    assert_eq!(found[0], ("▁".into(), "", true));
    assert_eq!(encoding.offsets[at], 6..6);
    assert_eq!((found[1].1, found[1].2), ("发", false));
    assert_eq!(tokenizer().encode("发").unwrap().offsets, [0..0, 0..3]);
}

#[test]
fn full_width_combining_and_unknown_characters_keep_their_place() {
    assert_eq!(words("ｄｒｕｇ　患者"), ["ｄｒｕｇ", "患者"], "full-width letters and white space");
    // Normalisation merges the accent into the letter, and the letter's place is what remains.
    let text = "e\u{301} drug 🙂 患";
    assert_eq!(words(text), ["e", "drug", "🙂", "患"]);
    // One character becomes two pieces: both stand for it.
    let both: Vec<_> = pieces("a ㎏ drug").into_iter().filter(|(_, part, _)| *part == "㎏").collect();
    assert_eq!(both.len(), 2, "{both:?}");
}

#[test]
fn characters_removed_at_the_beginning_do_not_shift_the_rest() {
    let tokenizer = changed(|json| json["normalizer"] = serde_json::json!({"type": "Nmt"})).unwrap();
    let plain = tokenizer.encode("drug").unwrap();
    let encoding = tokenizer.encode("\u{1}\u{2}drug").unwrap();
    assert_eq!(encoding.ids, plain.ids);
    let shifted: Vec<_> = plain.offsets.iter().map(|range| range.start + 2..range.end + 2).collect();
    assert_eq!(encoding.offsets, shifted);
}

#[test]
fn text_cannot_give_commands() {
    let tokenizer = tokenizer();
    let SpecialTokens { bos, eos, pad, mask, .. } = *tokenizer.special();
    for text in ["<mask>", "a</s>b <pad>", "<s>drug"] {
        let ids = tokenizer.encode(text).unwrap().ids;
        assert!(ids.iter().all(|id| ![bos, eos, pad, mask].contains(id)), "{text}: {ids:?}");
        assert_eq!(ids, tokenizer.ids(text).unwrap());
    }
}

#[test]
fn truncation_and_padding_of_the_file_are_not_used() {
    let plain = tokenizer().encode("fever and cough").unwrap();
    let changed = changed(|json| {
        json["truncation"] =
            serde_json::json!({"max_length": 2, "stride": 0, "strategy": "LongestFirst", "direction": "Right"});
        json["padding"] = serde_json::json!({"strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>"});
    });
    assert_eq!(changed.unwrap().encode("fever and cough").unwrap(), plain);
}

#[test]
fn what_is_no_tokenizer_is_an_error() {
    let message = changed(|json| json["model"] = "none".into()).unwrap_err().to_string();
    assert!(message.contains("tokenizer.json: found"), "{message}");
    let message = Tokenizer::load(Path::new("nowhere")).unwrap_err().to_string();
    assert!(message.contains("nowhere/tokenizer.json"), "{message}");
}

#[test]
fn ours_reads_the_tokenizers_of_sentencepiece_and_hf_the_others() {
    assert!(matches!(tokenizer().inner, Inner::Unigram(_)));
    assert!(matches!(
        changed(|json| json["normalizer"] = serde_json::json!({"type": "Nmt"})).unwrap().inner,
        Inner::Hf(_)
    ));
    let message = changed(|json| json["model"]["unk_id"] = 100_000.into()).unwrap_err().to_string();
    assert!(message.contains("tokenizer.json: found unk_id 100000 among"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn ours_and_hf_agree(text in "([a-z]{1,3}|drug|fever|and| |  |\t|[\u{300}-\u{304}]|[患者发热]{1,3}|[！-～]|<mask>|▁|\\PC|.){0,16}") {
        static TOKENIZERS: LazyLock<[Tokenizer; 2]> = LazyLock::new(|| {
            let hf = HfTokenizer::from_json(&tokenizer().to_json()).unwrap();
            [tokenizer(), Tokenizer { inner: Inner::Hf(Arc::new(hf)), ..tokenizer() }]
        });
        let [ours, hf] = &*TOKENIZERS;
        prop_assert_eq!(ours.encode(&text).unwrap(), hf.encode(&text).unwrap());
        prop_assert_eq!(ours.ids(&text).unwrap(), hf.ids(&text).unwrap());
    }
}

proptest! {
    #[test]
    fn any_text_gives_sound_ranges_in_order(text in any::<String>()) {
        let tokenizer = tokenizer();
        let Encoding { ids, offsets, word_starts } = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(ids.len(), offsets.len());
        prop_assert_eq!(ids.len(), word_starts.len());
        prop_assert_eq!(&ids, &tokenizer.ids(&text).unwrap());
        let mut start = 0;
        for range in offsets {
            let part = text.get(range.clone());
            prop_assert!(part.is_some_and(|part| part.trim() == part), "{:?} of {:?}", range, text);
            prop_assert!(range.start >= start);
            start = range.start;
        }
    }
}
