//! Mention tagging: where mentions of the knowledge base begin and end in running text.

use crate::encode::{EncodedExample, is_special};
use kbioxlm_corpus::Level;
use kbioxlm_model::SpecialTokens;

/// Classes of the mention head.
const BEGIN: u32 = 0;
const INSIDE: u32 = 1;
const OUTSIDE: u32 = 2;

/// The positions of an example whose tokens are tagged, and the class of each: that of running text, special tokens left out.
///
/// Examples of facts have none: behind their text stand statements that are made of nothing but names.
pub(crate) fn mention_tags(example: &EncodedExample, special: &SpecialTokens) -> Vec<(usize, u32)> {
    if example.level == Level::Fact {
        return Vec::new();
    }
    let mut spans = example.spans.iter().peekable();
    let tag = |(position, id): (usize, &u32)| {
        while spans.next_if(|s| s.tokens.end <= position).is_some() {}
        let class = match spans.peek() {
            Some(span) if span.tokens.start == position => BEGIN,
            Some(span) if span.tokens.contains(&position) => INSIDE,
            _ => OUTSIDE,
        };
        (!is_special(*id, special)).then_some((position, class))
    };
    example.ids.iter().enumerate().filter_map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenSpan;
    use kbioxlm_corpus::Role;

    #[test]
    fn tokens_of_mentions_begin_or_continue_one_and_special_tokens_have_no_tag() {
        let special = SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 9 };
        let span = |tokens| TokenSpan { tokens, role: Role::Entity, fact: None, number: 0 };
        let mut example = EncodedExample {
            id: String::new(),
            level: Level::Entity,
            languages: "en".to_owned(),
            ids: vec![0, 5, 6, 7, 8, 5, 6, 2],
            spans: vec![span(2..4), span(4..5)],
            words: Vec::new(),
            label: None,
            cut_tokens: 0,
            cut_facts: 0,
        };
        let expected = [(1, OUTSIDE), (2, BEGIN), (3, INSIDE), (4, BEGIN), (5, OUTSIDE), (6, OUTSIDE)];
        assert_eq!(mention_tags(&example, &special), expected);
        example.level = Level::Fact;
        assert!(mention_tags(&example, &special).is_empty());
    }
}
