//! From gold entities to sub-token tags and back.

use crate::marked::{self, document, settings};
use crate::tiny;
use kbioxlm_eval::{Document, Orphan, Tag, decode, entities, entity_scores, oracle, windows};
use kbioxlm_train::{FinetuneConfig, LabelledPieces, TextEncoding};
use proptest::prelude::*;

fn shown(tags: impl IntoIterator<Item = Option<Tag>>) -> String {
    tags.into_iter().map(|t| t.map_or("-".into(), |t| t.to_string())).collect::<Vec<_>>().join(" ")
}

/// Trap 13: Chinese was cut into single characters for fine-tuning, but read as running text in pretraining.
#[test]
fn trap_13_chinese_is_encoded_as_running_text_and_tags_come_back_by_offsets() {
    let tokenizer = tiny::tokenizer();
    let document = document("阿* 司+ 匹+ 林+ 引 起 严 重 头* 痛+ 。");
    assert_eq!(document.text, "阿司匹林引起严重头痛。");
    let windows = windows(&document, &tokenizer, &settings(64)).unwrap();
    let [window] = &windows[..] else { panic!("{} windows", windows.len()) };
    let inner = &window.ids[1..window.ids.len() - 1];
    assert_eq!(inner, tokenizer.encode(&document.text).unwrap().ids, "the same pieces as in pretraining");
    let pieces: Vec<String> = inner.iter().map(|&id| tokenizer.id_to_piece(id).unwrap()).collect();
    assert_eq!(pieces, ["▁", "阿司", "匹林", "引起", "严重", "头痛", "。"]);
    assert_eq!(shown(window.tags(&document)), "- - B-ADE I-ADE O O B-ADE O -");
    let decoded = oracle(&document, &windows);
    assert_eq!(decoded, document.tokens.iter().map(|t| t.tag.clone()).collect::<Vec<_>>());
}

#[test]
fn every_sub_token_of_a_word_has_a_tag_and_the_first_one_speaks_for_it() {
    let tokenizer = tiny::tokenizer();
    let document = document("aspirin causes severe* headache+");
    let window = windows(&document, &tokenizer, &settings(64)).unwrap().remove(0);
    assert_eq!(shown(window.tags(&document)), "- O O B-ADE I-ADE I-ADE -");
    let outputs = marked::outputs();
    // `ache` is not asked.
    let mut scores = marked::scores(window.tags(&document).into_iter().map(|t| t.unwrap_or(Tag::Outside)), &outputs);
    let last = scores.len() - 2;
    scores[last] = vec![9.0, 0.0, 0.0];
    assert_eq!(
        decode(&document, std::slice::from_ref(&window), &outputs, &[scores], None)[3],
        Tag::Inside("ADE".into())
    );
    assert_eq!(decode(&document, &[window], &outputs, &[vec![]], None), vec![Tag::Outside; 4], "nothing is answered");
}

#[test]
fn only_the_first_sub_token_of_a_word_is_labelled_on_request() {
    let tokenizer = tiny::tokenizer();
    let settings = FinetuneConfig { label: LabelledPieces::First, ..settings(64) };
    let labels = |document: &Document| shown(windows(document, &tokenizer, &settings).unwrap()[0].tags(document));
    assert_eq!(labels(&document("aspirin causes severe* headache+")), "- O O B-ADE I-ADE - -");
    // 头痛 is the first sub-token of both of its characters; the label is that of the entity it shares more with.
    assert_eq!(labels(&document("头 痛* 发+ 热+")), "- - B-ADE I-ADE -");
}

#[test]
fn characters_can_be_encoded_one_by_one_with_and_without_their_mark() {
    let tokenizer = tiny::tokenizer();
    let document = document("头 痛* 发+ 热+ fever* 。");
    assert_eq!(document.text, "头痛发热fever。");
    let seen = |encoding, label| {
        let settings = FinetuneConfig { encoding, label, ..settings(64) };
        let windows = windows(&document, &tokenizer, &settings).unwrap();
        let tags = oracle(&document, &windows);
        assert_eq!(entities(&document, &tags, Orphan::Opens), document.entities, "no sub-token straddles a border");
        let inner = &windows[0].ids[1..windows[0].ids.len() - 1];
        let pieces: Vec<String> = inner.iter().map(|&id| tokenizer.id_to_piece(id).unwrap()).collect();
        (pieces.join(" "), shown(windows[0].tags(&document)))
    };
    let (pieces, tags) = seen(TextEncoding::Words, LabelledPieces::All);
    // The text begins with a mark, as running text does; `fever` without one is no piece, so it keeps it.
    assert_eq!((pieces.as_str(), tags.as_str()), ("▁ 头 痛 发 热 ▁fever 。", "- - O B-ADE I-ADE I-ADE B-ADE O -"));
    let (pieces, tags) = seen(TextEncoding::MarkedWords, LabelledPieces::First);
    assert_eq!(pieces, "▁ 头 ▁ 痛 ▁ 发 ▁ 热 ▁fever ▁ 。");
    assert_eq!(tags, "- O - B-ADE - I-ADE - I-ADE - B-ADE O - -");
    let (_, tags) = seen(TextEncoding::MarkedWords, LabelledPieces::All);
    assert_eq!(tags, "- O O B-ADE I-ADE I-ADE I-ADE I-ADE I-ADE B-ADE O O -");
}

#[test]
fn tokens_within_one_sub_token_share_its_answer_and_only_the_first_begins_an_entity() {
    let tokenizer = tiny::tokenizer();
    // The piece 头痛 holds the end of nothing and the beginning of 痛发热: it belongs to the entity.
    let document = document("头 痛* 发+ 热+");
    let windows = windows(&document, &tokenizer, &settings(64)).unwrap();
    assert_eq!(shown(windows[0].tags(&document)), "- - B-ADE I-ADE -");
    assert_eq!(shown(oracle(&document, &windows).into_iter().map(Some)), "B-ADE I-ADE I-ADE I-ADE");
}

#[test]
fn long_documents_are_cut_between_sentences() {
    let tokenizer = tiny::tokenizer();
    let document = document("aspirin causes fever*|fever* and nausea*|severe fever*|aspirin treats fever");
    let all = windows(&document, &tokenizer, &settings(64)).unwrap();
    assert_eq!(all.len(), 1);
    // Sentences of 3, 3, 2 and 3 sub-tokens into windows of 6.
    let cut = windows(&document, &tokenizer, &settings(8)).unwrap();
    assert_eq!(cut.iter().map(|w| w.tokens.clone()).collect::<Vec<_>>(), [0..6, 6..11]);
    assert!(cut.iter().all(|w| w.ids.len() <= 8));
    let tags = oracle(&document, &cut);
    assert_eq!(entities(&document, &tags, Orphan::Opens), document.entities);
}

/// Trap 14: gold entities behind the model's length left the score, which rose.
#[test]
fn trap_14_entities_that_the_model_cannot_read_count_as_missed() {
    let tokenizer = tiny::tokenizer();
    // A token of 30 letters is longer than a window.
    let document =
        document("aspirin causes abcdefghijklmnopqrstuvwxyzabcd* fever* and severe nausea* and fever* and nausea*");
    let windows = windows(&document, &tokenizer, &settings(8)).unwrap();
    assert!(windows.iter().all(|w| w.ids.len() <= 8));
    assert_eq!(
        windows.iter().flat_map(|w| w.tokens.clone()).collect::<Vec<_>>(),
        (0..document.tokens.len()).collect::<Vec<_>>()
    );
    let tags = oracle(&document, &windows);
    assert_eq!(entities(&document, &tags, Orphan::Opens), document.entities, "nothing is cut off");

    // Where nothing is predicted for a window, its entities stay in the score.
    let first: Vec<Tag> = oracle(&document, &windows[..1]);
    let found = entities(
        &document,
        &{
            let mut tags = first;
            tags.resize(document.tokens.len(), Tag::Outside);
            tags
        },
        Orphan::Opens,
    );
    let scores = entity_scores(std::iter::once((document.entities.as_slice(), found.as_slice()))).micro;
    assert_eq!(scores.support, 5);
    assert!(scores.recall < 1.0);
}

#[test]
fn a_sentence_longer_than_the_model_is_cut_between_tokens_also_within_an_entity() {
    let tokenizer = tiny::tokenizer();
    let document = document("fever and nausea and severe* fever+ and+ nausea+ and fever");
    let windows = windows(&document, &tokenizer, &settings(8)).unwrap();
    assert_eq!(windows.iter().map(|w| w.tokens.clone()).collect::<Vec<_>>(), [0..6, 6..10]);
    assert_eq!(shown(windows[1].tags(&document)), "- I-ADE I-ADE O O -");
    let tags = oracle(&document, &windows);
    assert_eq!(entities(&document, &tags, Orphan::Opens), document.entities);
}

fn sentence() -> impl Strategy<Value = Vec<(String, bool)>> {
    let token =
        prop_oneof!["aspirin|headache|fever|nausea|severe".prop_map(String::from), "[a-z]{1,9}", "[0-9]\\.[0-9]"];
    prop::collection::vec((token, any::<bool>()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// With spaces between tokens, or each encoded for itself, no sub-token belongs to two of them: right answers give
    /// back every entity, whatever the window and the labels, and the windows cover each token once.
    #[test]
    fn right_answers_give_back_every_entity(
        sentences in prop::collection::vec(sentence(), 1..5),
        length in 4usize..40,
        (chinese, encoding) in prop_oneof![
            Just((false, TextEncoding::Text)),
            (any::<bool>(), Just(TextEncoding::Words)),
            (any::<bool>(), Just(TextEncoding::MarkedWords)),
        ],
        label in prop_oneof![Just(LabelledPieces::All), Just(LabelledPieces::First)],
    ) {
        let settings = FinetuneConfig { encoding, label, ..settings(length) };
        // A Chinese text of single characters with a word now and then has nothing between its tokens.
        let token = |(t, e): &(String, bool)| {
            let mark = if *e { "*" } else { "" };
            if chinese { format!("头{mark} 痛 {t}{mark} 发") } else { format!("{t}{mark}") }
        };
        let marked: Vec<String> =
            sentences.iter().map(|s| s.iter().map(token).collect::<Vec<_>>().join(" ")).collect();
        let document = document(&marked.join("|"));
        let windows = windows(&document, &tiny::tokenizer(), &settings).unwrap();
        prop_assert!(windows.iter().all(|w| w.ids.len() <= length && !w.tokens.is_empty()));
        let covered: Vec<usize> = windows.iter().flat_map(|w| w.tokens.clone()).collect();
        prop_assert_eq!(covered, (0..document.tokens.len()).collect::<Vec<_>>());
        let tags = oracle(&document, &windows);
        prop_assert_eq!(entities(&document, &tags, Orphan::Opens), document.entities);
    }
}
