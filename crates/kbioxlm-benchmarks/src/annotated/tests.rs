use super::*;
use proptest::prelude::*;

fn entity(label: &str, chars: Range<usize>) -> Entity {
    Entity { label: label.into(), chars, mention: None, discontinuous: false, line: 7 }
}

fn collect(text: &str, entities: Vec<Entity>) -> Result<Conll> {
    let mut collector = Collector::default();
    let annotated = Annotated { id: "1".into(), text: text.into(), line: 1, breaks: Vec::new(), entities };
    collector.push(Path::new("a"), annotated)?;
    collector.finish(Path::new("a"))
}

fn shown(conll: &Conll) -> String {
    let document = &conll.documents[0];
    let token = |t: &Token| format!("{}/{}", &document.text[t.bytes.clone()], t.tag);
    document.tokens.iter().map(token).collect::<Vec<_>>().join(" ")
}

#[test]
fn words_are_tokens_and_entities_cut_them() {
    let conll = collect("IL-2-induced fever: 3.5 mg.", vec![entity("Drug", 0..4), entity("ADE", 13..18)]).unwrap();
    assert_eq!(shown(&conll), "IL/B-Drug -/I-Drug 2/I-Drug -/O induced/O fever/B-ADE :/O 3.5/O mg/O ./O");
    let conll = collect("用IL2治头痛 2mg。", vec![entity("ADE", 5..7), entity("Drug", 2..3)]).unwrap();
    assert_eq!(shown(&conll), "用/O I/O L/B-Drug 2/O 治/O 头/B-ADE 痛/I-ADE 2mg/O 。/O");
    let document = &conll.documents[0];
    assert_eq!(document.chars(&(5..7)), 5..7);
    assert_eq!(document.tokens[5].line, 7);
}

#[test]
fn sentences_do_not_end_within_an_entity() {
    let text = "It was seen. Fever rose. Then it fell.";
    let bounds = |entities| collect(text, entities).unwrap().documents[0].sentences.clone();
    assert_eq!(bounds(vec![]), [0..4, 4..7, 7..11]);
    assert_eq!(bounds(vec![entity("X", 7..18)]), [0..7, 7..11]);
}

#[test]
fn the_longest_of_overlapping_entities_stays() {
    let text = "renal cell carcinoma cells";
    let entities =
        || vec![entity("A", 0..5), entity("A", 0..20), entity("B", 0..20), entity("A", 0..20), entity("C", 11..26)];
    let conll = collect(text, entities()).unwrap();
    assert_eq!(conll.documents[0].entities, [TokenSpan { label: "A".into(), start: 0, end: 3 }]);
    assert_eq!(conll.simplified.overlapping, 3, "the same entity twice is one");
}

#[test]
fn what_lies_outside_or_is_empty_is_an_error() {
    for (bad, expected) in [
        (entity("A", 2..9), "a:7: found an entity from 2 to 9, expected a range within the 4 characters"),
        (entity("A", 2..2), "found an entity from 2 to 2"),
        (entity("A", 1..2), "found white space from 1 to 2"),
        (entity(" A", 0..1), "found the entity type ` A`"),
        (entity("", 0..1), "found the entity type ``"),
        (Entity { mention: Some("b".into()), ..entity("A", 0..1) }, "found the mention `b` at 0 to 1, expected `é`"),
    ] {
        let message = collect("é bc", vec![bad]).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}\nlacks {expected}");
    }
    assert!(collect(" \n", vec![]).unwrap_err().to_string().contains("document `1` without text"));
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn every_kept_entity_is_found_again(text in "[ab1 .\n头。é\u{301}👍🏽]{1,24}", ranges in prop::collection::vec((0_usize..24, 1_usize..8), 0..5)) {
        let length = text.chars().count();
        let inside: Vec<(usize, usize)> = ranges
            .into_iter()
            .map(|(start, n)| (start, start + n))
            .filter(|&(start, end)| {
                end <= length && !text.chars().skip(start).take(end - start).all(char::is_whitespace)
            })
            .collect();
        if text.trim().is_empty() {
            return Ok(());
        }
        let conll = collect(&text, inside.iter().map(|&(s, e)| entity("A", s..e)).collect()).unwrap();
        crate::fuzz::check(&conll);
        // The naive definition: by length, then place, whatever overlaps none before it.
        let mut trimmed: Vec<(usize, usize)> = inside
            .iter()
            .map(|&(s, e)| {
                let chars: Vec<char> = text.chars().collect();
                let start = (s..e).find(|&i| !chars[i].is_whitespace()).unwrap();
                let end = (s..e).rfind(|&i| !chars[i].is_whitespace()).unwrap() + 1;
                (start, end)
            })
            .collect();
        let bytes = |i: usize| text.char_indices().nth(i).map_or(text.len(), |(at, _)| at);
        trimmed.sort_by_key(|&(s, e)| (usize::MAX - (bytes(e) - bytes(s)), s));
        let mut kept: Vec<(usize, usize)> = Vec::new();
        for (s, e) in trimmed {
            if kept.iter().all(|&(a, b)| e <= a || b <= s) {
                kept.push((s, e));
            }
        }
        kept.sort_unstable();
        let document = &conll.documents[0];
        let found: Vec<(usize, usize)> =
            document.entities.iter().map(|e| document.chars(&(e.start..e.end))).map(|c| (c.start, c.end)).collect();
        prop_assert_eq!(found, kept);
        // No character but white space is outside of all tokens.
        let covered: String = document.tokens.iter().map(|t| &text[t.bytes.clone()]).collect();
        let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(visible(&covered), visible(&text));
        // The tags say the same as the entities.
        let tags: Vec<Tag> = document.tokens.iter().map(|t| t.tag.clone()).collect();
        let spans: Vec<TokenSpan> =
            document.sentences.iter().flat_map(|s| crate::spans(&tags[s.clone()], s.start, crate::Orphan::Opens).0).collect();
        prop_assert_eq!(&spans, &document.entities);
    }
}
