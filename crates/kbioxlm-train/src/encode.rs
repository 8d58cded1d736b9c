use crate::TrainError;
use kbioxlm_corpus::{Example, Level, Role};
use kbioxlm_model::{Encoding, SpecialTokens, Tokenizer};
use std::collections::BTreeSet;
use std::ops::Range;

/// The shortest `max_length` that leaves room for something besides the special tokens of a pair.
pub(crate) const MIN_LENGTH: usize = 8;

/// Tokens of a span, as a range into [`EncodedExample::ids`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSpan {
    /// The tokens; never empty, never a special token.
    pub tokens: Range<usize>,
    /// What the span is.
    pub role: Role,
    /// Number of the fact within the example; of a mention none.
    pub fact: Option<u32>,
    /// Number of the span within the example.
    pub number: u32,
}

/// An example as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedExample {
    /// Id of the example; the scope of its random numbers.
    pub id: String,
    /// Kind of the example.
    pub level: Level,
    /// Languages of the running text, ordered: `en`, of a pair in two languages `en-zh`.
    pub languages: String,
    /// Token ids with the special tokens: `<s> A </s>`, `<s> chunk </s> fact </s> …`, `<s> A </s></s> B </s>`.
    pub ids: Vec<u32>,
    /// Knowledge spans, ordered, without common tokens.
    pub spans: Vec<TokenSpan>,
    /// Whole words as token ranges, ordered; words cut by the truncation are left out.
    pub words: Vec<Range<usize>>,
    /// Class of the passage pair (0 is a class).
    pub label: Option<u8>,
    /// Tokens lost by truncation.
    pub cut_tokens: usize,
    /// Facts lost by truncation.
    pub cut_facts: usize,
}

/// Tokenises an example and moves its spans from characters to tokens.
///
/// Text is tokenised as it runs, one segment at a time. A span takes all tokens that it overlaps; of two spans
/// with a common token the first is kept. What is longer than `max_length`: of a passage pair the longer side loses
/// tokens until the pair fits; of a fact example likewise the longer part, its chunk tokens from the end or its facts the last one
/// as a whole; other examples lose their end. Spans that lost a token are dropped.
///
/// # Errors
/// The tokenizer fails, a span lies outside its text, or `max_length` is too small for any text.
pub fn encode_example(
    example: &Example,
    tokenizer: &Tokenizer,
    max_length: usize,
) -> Result<EncodedExample, TrainError> {
    let pieces = example.segments.iter().map(|s| tokenizer.encode(&s.text)).collect::<Result<Vec<_>, _>>()?;
    assemble(example, &pieces, tokenizer.special(), max_length)
}

fn assemble(
    example: &Example,
    pieces: &[Encoding],
    special: &SpecialTokens,
    max_length: usize,
) -> Result<EncodedExample, TrainError> {
    if max_length < MIN_LENGTH {
        return Err(TrainError::Setting {
            key: "max_length",
            found: max_length.to_string(),
            expected: format!("at least {MIN_LENGTH} tokens"),
            help: "raise it".to_owned(),
        });
    }
    if let Some(span) = example.spans.iter().find(|s| example.text_of(s).is_none()) {
        return Err(TrainError::Example {
            id: example.id.clone(),
            found: format!("a span of bytes {:?} in segment {}", span.bytes, span.segment),
            expected: "spans at character boundaries inside their segment",
        });
    }
    let lengths: Vec<usize> = pieces.iter().map(|p| p.ids.len()).collect();
    let kept = kept_lengths(example.level, &lengths, max_length);

    let mut ids = vec![special.bos];
    let mut words = Vec::new();
    let mut first = Vec::with_capacity(kept.len()); // row of each segment's first token
    for (i, ((segment, encoding), &n)) in example.segments.iter().zip(pieces).zip(&kept).enumerate() {
        if i > 0 && example.level == Level::Passage {
            ids.push(special.eos); // XLM-R separates a pair by two
        }
        let base = ids.len();
        first.push(base);
        ids.extend(encoding.ids.iter().take(n));
        ids.push(special.eos);
        let in_segment = words_of(&segment.text, encoding);
        words.extend(in_segment.into_iter().filter(|w| w.end <= n).map(|w| w.start + base..w.end + base));
    }

    let mut spans = Vec::new();
    for (span, number) in example.spans.iter().zip(0..) {
        let (Some(&base), Some(&n), Some(encoding)) =
            (first.get(span.segment), kept.get(span.segment), pieces.get(span.segment))
        else {
            continue; // the span's fact was cut
        };
        let Some(tokens) = tokens_of(&span.bytes, &encoding.offsets).filter(|t| t.end <= n) else { continue };
        let tokens = tokens.start + base..tokens.end + base;
        spans.push(TokenSpan { tokens, role: span.role, fact: span.fact, number });
    }
    spans.sort_by_key(|s| s.tokens.start);
    let mut end = 0;
    spans.retain(|s| {
        let free = s.tokens.start >= end;
        if free {
            end = s.tokens.end;
        }
        free
    });

    // Text may contain `<mask>` or a character unknown to the tokenizer: nothing to predict there.
    let plain =
        |range: &Range<usize>| ids.get(range.clone()).is_some_and(|t| !t.iter().any(|id| is_special(*id, special)));
    spans.retain(|s| plain(&s.tokens));
    words.retain(plain);
    let cut_facts = pieces.len() - kept.len();
    let cut_tokens = lengths.iter().sum::<usize>() - kept.iter().sum::<usize>();
    let label = example.label.map(|l| l.index());
    let languages: BTreeSet<&str> = example.running_text().map(|s| s.lang.as_str()).collect();
    let languages = languages.into_iter().collect::<Vec<_>>().join("-");
    let (id, level) = (example.id.clone(), example.level);
    Ok(EncodedExample { id, level, languages, ids, spans, words, label, cut_tokens, cut_facts })
}

/// Tokens to keep of each segment; missing at the end: segments dropped as a whole.
fn kept_lengths(level: Level, lengths: &[usize], max_length: usize) -> Vec<usize> {
    let mut kept = lengths.to_vec();
    if level == Level::Passage {
        let separators = 2 * kept.len();
        while kept.iter().sum::<usize>() + separators > max_length {
            match kept.iter_mut().max_by_key(|n| **n) {
                Some(longest) if *longest > 0 => *longest -= 1,
                _ => break,
            }
        }
        return kept;
    }
    // `<s>`, then each segment with its `</s>`.
    let total = |kept: &[usize]| 1 + kept.iter().map(|n| n + 1).sum::<usize>();
    while let excess @ 1.. = total(&kept).saturating_sub(max_length) {
        let Some((chunk, facts)) = kept.split_first_mut() else { break };
        let facts: usize = facts.iter().sum();
        if facts > *chunk || *chunk == 0 {
            kept.pop();
        } else {
            // Down to the length of the facts at once; where both are equal it is the chunk's turn.
            *chunk -= excess.min((*chunk - facts).max(1));
        }
    }
    kept
}

/// The tokens that overlap `bytes`; `None` if none does.
fn tokens_of(bytes: &Range<usize>, offsets: &[Range<usize>]) -> Option<Range<usize>> {
    let overlaps = |o: &Range<usize>| o.start < bytes.end && o.end > bytes.start;
    let start = offsets.iter().position(overlaps)?;
    let end = offsets.iter().rposition(overlaps)? + 1;
    Some(start..end)
}

/// Whole words as token ranges within a segment.
///
/// A word starts at a piece that begins with white space (`▁`). In scripts without spaces that would make a whole sentence one
/// word, so there every token is a word. A lone `▁` belongs to the word that follows it.
fn words_of(text: &str, encoding: &Encoding) -> Vec<Range<usize>> {
    let piece = |i: usize| encoding.offsets.get(i).and_then(|o| text.get(o.clone())).unwrap_or_default();
    let starts = |i: usize| {
        let before = if i == 0 { "" } else { piece(i - 1) };
        let marked = encoding.word_starts.get(i).copied().unwrap_or(false);
        let script_change = piece(i).starts_with(is_unspaced) || before.ends_with(is_unspaced);
        i == 0 || marked || (script_change && !before.is_empty())
    };
    let mut words = Vec::new();
    let mut start = 0;
    for i in 1..=encoding.ids.len() {
        if i == encoding.ids.len() || starts(i) {
            words.push(start..i);
            start = i;
        }
    }
    words
}

/// Characters of scripts that are written without spaces between words, and their punctuation.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'   // Thai, Lao
        | '\u{1000}'..='\u{109F}' // Burmese
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{3000}'..='\u{30FF}' // CJK punctuation, kana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' // Han
        | '\u{FF00}'..='\u{FFEF}' // full-width forms
        | '\u{20000}'..='\u{3FFFF}')
}

pub(crate) fn is_special(id: u32, special: &SpecialTokens) -> bool {
    [special.bos, special.eos, special.pad, special.mask, special.unk].contains(&id)
}

#[cfg(test)]
mod tests;
