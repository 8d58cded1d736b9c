use super::*;
use kbioxlm_corpus::{PassageLabel, Segment, Span};

const SPECIAL: SpecialTokens = SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 4 };

/// Pieces of at most three characters; a word of Latin letters begins after white space. Id: 10 + number of the piece.
fn pieces(text: &str) -> Encoding {
    let mut encoding = Encoding::default();
    let mut after_space = true;
    let mut open: Option<(usize, usize)> = None; // start, characters
    let mut push = |range: Range<usize>, start: bool| {
        encoding.ids.push(10 + encoding.ids.len() as u32);
        encoding.offsets.push(range);
        encoding.word_starts.push(start);
    };
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if let Some((start, n)) = open
            && (n == 3 || c == ' ')
        {
            push(start..i, std::mem::take(&mut after_space));
            open = None;
        }
        if c == ' ' {
            after_space = true;
        } else {
            open = Some(open.map_or((i, 1), |(start, n)| (start, n + 1)));
        }
    }
    encoding
}

fn example(level: Level, texts: &[&str], spans: &[(usize, &str, Role, Option<u32>)]) -> Example {
    let segments = texts.iter().map(|t| Segment { lang: "en".into(), text: (*t).to_owned(), source: None }).collect();
    let span = |&(segment, part, role, fact): &(usize, &str, Role, Option<u32>)| {
        let start = texts[segment].find(part).unwrap();
        let chars = texts[segment][..start].chars().count();
        Span {
            segment,
            bytes: start..start + part.len(),
            chars: chars..chars + part.chars().count(),
            role,
            concept: None,
            fact,
            switched: false,
            source: None,
        }
    };
    let label = (level == Level::Passage).then_some(PassageLabel::Link);
    Example { id: "e".into(), level, segments, spans: spans.iter().map(span).collect(), label }
}

fn encode(example: &Example, max_length: usize) -> EncodedExample {
    let encodings: Vec<Encoding> = example.segments.iter().map(|s| pieces(&s.text)).collect();
    assemble(example, &encodings, &SPECIAL, max_length).unwrap()
}

#[test]
fn a_span_takes_all_tokens_that_it_overlaps_and_words_are_whole() {
    let text = example(Level::Entity, &["the aspirin-like drug"], &[(0, "aspirin", Role::Entity, None)]);
    let encoded = encode(&text, 64);
    // <s> the | asp iri n-l ike | dru g </s>
    assert_eq!(encoded.ids, [0, 10, 11, 12, 13, 14, 15, 16, 2]);
    assert_eq!(encoded.words, [1..2, 2..6, 6..8]);
    assert_eq!(encoded.spans, [TokenSpan { tokens: 2..5, role: Role::Entity, fact: None, number: 0 }]);
    assert_eq!((encoded.cut_tokens, encoded.cut_facts, encoded.label), (0, 0, None));
}

#[test]
fn of_two_spans_in_one_token_the_first_is_kept() {
    let spans = [(0, "头痛", Role::Entity, None), (0, "发", Role::Entity, None), (0, "热病", Role::Entity, None)];
    let encoded = encode(&example(Level::Entity, &["头痛发热病人"], &spans), 64);
    assert_eq!(encoded.spans.iter().map(|s| s.tokens.clone()).collect::<Vec<_>>(), [1..2, 2..3]);
}

#[test]
fn trap_13_chinese_is_tokenised_as_running_text_and_its_words_are_tokens() {
    // Trap 13: Chinese split character by character in one stage and as running text in the other.
    let encoded = encode(&example(Level::Entity, &["患者服用阿司abc后"], &[]), 64);
    assert_eq!(encoded.ids.len(), 2 + 4, "pieces of the whole text, not one per character");
    assert_eq!(encoded.words, (1..5).map(|i| i..i + 1).collect::<Vec<_>>());
}

#[test]
fn a_lone_space_piece_belongs_to_the_word_after_it() {
    let encoding =
        Encoding { ids: vec![9, 10, 11], offsets: vec![0..0, 0..6, 6..9], word_starts: vec![true, false, false] };
    assert_eq!(words_of("患者服", &encoding), [0..2, 2..3]);
}

#[test]
fn segments_are_separated_as_the_tokenizer_of_the_model_does() {
    let pair = encode(&example(Level::Passage, &["a b", "c"], &[]), 64);
    assert_eq!(pair.ids, [0, 10, 11, 2, 2, 10, 2]);
    assert_eq!(pair.label, Some(0));
    let facts = encode(&example(Level::Fact, &["a b", "c r d", "e"], &[]), 64);
    assert_eq!(facts.ids, [0, 10, 11, 2, 10, 11, 12, 2, 10, 2]);
}

#[test]
fn trap_10_truncation_leaves_both_passages() {
    // Trap 10: in a long pair truncation removed the whole second passage.
    let long = "a ".repeat(100);
    for (first, second) in [(long.as_str(), "b c d"), ("b c d", long.as_str()), (long.as_str(), long.as_str())] {
        let encoded = encode(&example(Level::Passage, &[first, second], &[]), 20);
        assert_eq!(encoded.ids.len(), 20);
        let middle = encoded.ids.iter().position(|&id| id == 2).unwrap();
        let sides = [middle - 1, 20 - middle - 3];
        assert_eq!(sides.iter().min(), Some(&if first.len() == second.len() { 8 } else { 3 }), "{sides:?}");
        assert!(encoded.cut_tokens > 0);
    }
}

#[test]
fn of_chunk_and_facts_the_longer_part_is_cut_and_facts_as_a_whole() {
    let spans = [
        (0, "b", Role::Entity, None),
        (1, "h1", Role::Head, Some(0)),
        (1, "r1", Role::Relation, Some(0)),
        (1, "t1", Role::Tail, Some(0)),
        (2, "h2", Role::Head, Some(1)),
    ];
    let facts = example(Level::Fact, &["a b c", "h1 r1 t1", "h2 r2 t2"], &spans);
    let whole = encode(&facts, 13);
    assert_eq!((whole.ids.len(), whole.spans.len(), whole.cut_facts), (13, 5, 0));
    let one = encode(&facts, 12);
    assert_eq!((one.ids.len(), one.spans.len(), one.cut_facts, one.cut_tokens), (9, 4, 1, 3));
    let long = example(Level::Fact, &[&"a ".repeat(20), "h1 r1 t1"], &[(1, "r1", Role::Relation, Some(0))]);
    let cut = encode(&long, 10);
    assert_eq!((cut.ids.len(), cut.spans.len(), cut.cut_facts, cut.cut_tokens), (10, 1, 0, 16));
    let short = encode(&example(Level::Fact, &["a b", &"h ".repeat(9)], &[]), 8);
    assert_eq!((short.ids.len(), short.cut_facts, short.cut_tokens), (4, 1, 9));
}

#[test]
fn spans_and_words_cut_by_the_end_are_dropped() {
    let spans = [(0, "aaaaaa", Role::Entity, None), (0, "bbbbbbbbb", Role::Entity, None)];
    let text = example(Level::Entity, &["aaaaaa bbbbbbbbb ccc"], &spans);
    let encoded = encode(&text, 8); // <s> aaa aaa | bbb bbb bbb | ccc </s>
    assert_eq!((encoded.spans.len(), encoded.words.len(), encoded.ids.len()), (2, 3, 8));
    let text = example(Level::Entity, &["aaaaaa dd ee bbbbbbbbb ccc"], &spans);
    let encoded = encode(&text, 8);
    assert_eq!(encoded.spans.len(), 1);
    assert_eq!(encoded.words, [1..3, 3..4, 4..5]);
}

#[test]
fn unknown_pieces_are_nothing_to_predict() {
    let text = example(Level::Entity, &["a b c"], &[(0, "b", Role::Entity, None)]);
    let mut encoding = pieces("a b c");
    encoding.ids[1] = SPECIAL.unk;
    let encoded = assemble(&text, &[encoding], &SPECIAL, 16).unwrap();
    assert!(encoded.spans.is_empty());
    assert_eq!(encoded.words, [1..2, 3..4]);
}

#[test]
fn a_span_outside_of_its_text_is_an_error_that_names_the_example() {
    let mut text = example(Level::Entity, &["a b"], &[(0, "b", Role::Entity, None)]);
    text.spans[0].bytes = 2..9;
    let message = assemble(&text, &[pieces("a b")], &SPECIAL, 16).unwrap_err().to_string();
    assert!(message.contains("example `e`") && message.contains("2..9"), "{message}");
    assert!(assemble(&text, &[], &SPECIAL, 4).unwrap_err().to_string().contains("max_length"));
}
