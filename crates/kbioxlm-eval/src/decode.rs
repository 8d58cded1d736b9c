//! From scores of sub-tokens to BIO tags of tokens.

use crate::encode::Window;
use kbioxlm_benchmarks::{Document, Orphan, Tag, TokenSpan, spans};
use kbioxlm_train::Chain;
use std::collections::BTreeSet;
use std::ops::Range;

/// The tags of all tokens in `windows`: of all sequences in which an `I-` follows only a `B-` or `I-` of its type in the same
/// sentence, the one with the highest score.
///
/// `outputs` names the model's outputs, `scores` has for each window `[ids][outputs]`, `chain` the scores of neighbours if the
/// model has learnt some. A token's score is that of the sub-token that covers its first character; where several tokens
/// share it, it counts once and only the first of them can begin an entity. A token without any sub-token is outside.
pub fn decode(
    document: &Document,
    windows: &[Window],
    outputs: &[Tag],
    scores: &[Vec<Vec<f32>>],
    chain: Option<&Chain>,
) -> Vec<Tag> {
    let starts: BTreeSet<usize> = document.sentences.iter().map(|s| s.start).collect();
    let mut emissions: Vec<Vec<f64>> = Vec::new();
    // Of each token the position in the chain.
    let mut positions: Vec<usize> = Vec::new();
    for (window, rows) in windows.iter().zip(scores) {
        let mut former = None;
        for (token, piece) in window.tokens.clone().zip(window.answering(document)) {
            let begins = starts.contains(&token);
            if piece.is_none() || piece != former || begins {
                let row = piece.and_then(|p| rows.get(p)).filter(|row| row.len() == outputs.len());
                emissions.push(emission(row, outputs, begins));
            }
            positions.push(emissions.len() - 1);
            former = piece;
        }
    }
    let path = bio(outputs, chain).best_path(&emissions);
    let tag = |(i, &position): (usize, &usize)| {
        let tag = path.get(position).and_then(|&output| outputs.get(output)).unwrap_or(&Tag::Outside);
        match tag {
            Tag::Begin(label) if i > 0 && positions[i - 1] == position => Tag::Inside(label.clone()),
            tag => tag.clone(),
        }
    };
    positions.iter().enumerate().map(tag).collect()
}

/// The scores of one position; without a row, only outside is possible.
fn emission(row: Option<&Vec<f32>>, outputs: &[Tag], begins_sentence: bool) -> Vec<f64> {
    let score = |(i, tag): (usize, &Tag)| match (row, tag) {
        (Some(_), Tag::Inside(_)) if begins_sentence => f64::NEG_INFINITY,
        (Some(row), _) => row[i].into(),
        (None, Tag::Outside) => 0.0,
        (None, _) => f64::NEG_INFINITY,
    };
    outputs.iter().enumerate().map(score).collect()
}

/// The chain in which an `I-` follows only a `B-` or `I-` of its type.
fn bio(outputs: &[Tag], learnt: Option<&Chain>) -> Chain {
    let learnt = learnt.filter(|c| c.start.len() == outputs.len()).cloned();
    let mut chain = learnt.unwrap_or_else(|| Chain::neutral(outputs.len()));
    for (to, tag) in outputs.iter().enumerate().filter(|(_, tag)| matches!(tag, Tag::Inside(_))) {
        chain.start[to] = f64::NEG_INFINITY;
        for (row, _) in chain.transitions.iter_mut().zip(outputs).filter(|(_, from)| from.label() != tag.label()) {
            row[to] = f64::NEG_INFINITY;
        }
    }
    chain
}

/// The entities that the tags of all tokens of a document describe, sentence by sentence.
pub fn entities(document: &Document, tags: &[Tag], orphan: Orphan) -> Vec<TokenSpan> {
    let of_sentence =
        |s: &Range<usize>| tags.get(s.clone()).map(|tags| spans(tags, s.start, orphan).0).unwrap_or_default();
    document.sentences.iter().flat_map(of_sentence).collect()
}

/// The tags of all tokens when the model answers each sub-token with its gold tag: the best that can be reached.
pub fn oracle(document: &Document, windows: &[Window]) -> Vec<Tag> {
    let types: BTreeSet<&String> = document.entities.iter().map(|e| &e.label).collect();
    let pairs = types.into_iter().flat_map(|t| [Tag::Begin(t.clone()), Tag::Inside(t.clone())]);
    let outputs: Vec<Tag> = std::iter::once(Tag::Outside).chain(pairs).collect();
    let row = |gold: Option<Tag>| {
        let gold = gold.unwrap_or(Tag::Outside);
        outputs.iter().map(|tag| if *tag == gold { 1.0 } else { 0.0 }).collect()
    };
    let scores: Vec<_> = windows.iter().map(|w| w.tags(document).into_iter().map(row).collect()).collect();
    decode(document, windows, &outputs, &scores, None)
}
