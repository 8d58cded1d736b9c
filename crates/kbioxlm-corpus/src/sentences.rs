//! Sentence ends by rule, for cutting documents into chunks: a missed end makes a chunk longer, a false one tears a
//! number or an abbreviation apart, so in doubt there is no end.

use crate::anchor::Marked;
use crate::text::is_cjk;
use std::ops::Range;

/// Abbreviations that a capital letter or a number may follow within a sentence, without their last full stop.
const ABBREVIATIONS: [&str; 34] = [
    "al", "approx", "ca", "cf", "dept", "dr", "drs", "ed", "eds", "eq", "eqs", "fig", "figs", "inc", "jr", "ltd", "mr",
    "mrs", "ms", "prof", "pp", "ref", "refs", "resp", "sp", "spp", "sr", "st", "subsp", "suppl", "univ", "viz", "vol",
    "vs",
];

/// The sentences of a text as byte ranges that follow each other without a gap: white space belongs to the sentence
/// before it.
///
/// A sentence ends at `。！？`, and at `.!?` before white space and no lower-case letter (unless the word before is an
/// abbreviation or an initial) or directly before a CJK character; closing quotes and brackets go with it. A line end
/// is always a sentence end. `0.5 mg`, `e.g. this` and `et al. (2020)` stay whole.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let char_at = |i: usize| chars.get(i).map(|&(_, c)| c);
    let byte_at = |i: usize| chars.get(i).map_or(text.len(), |&(byte, _)| byte);
    let mut sentences = Vec::new();
    let (mut start, mut i) = (0, 0);
    while let Some(c) = char_at(i) {
        let mut end = i + 1;
        let is_end = if c == '\n' {
            true
        } else if is_stop(c) {
            end = skip(&chars, end, is_stop);
            let wide = chars.get(i..end).unwrap_or_default().iter().any(|&(_, c)| is_wide_stop(c));
            let single = end == i + 1;
            end = skip(&chars, end, is_closer);
            wide || ends_latin(text.get(start..byte_at(i)).unwrap_or_default(), c, single, &chars, end)
        } else {
            false
        };
        i = end;
        if is_end {
            i = skip(&chars, i, char::is_whitespace);
            sentences.push(start..byte_at(i));
            start = byte_at(i);
        }
    }
    if start < text.len() {
        sentences.push(start..text.len());
    }
    sentences
}

fn skip(chars: &[(usize, char)], from: usize, passes: impl Fn(char) -> bool) -> usize {
    let rest = chars.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&(_, c)| passes(c)).count()
}

fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

fn is_stop(c: char) -> bool {
    is_wide_stop(c) || matches!(c, '.' | '!' | '?')
}

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '）' | '】' | '」' | '』' | '》')
}

/// Whether a sentence ends at the stop that follows `before`; `next` is the character behind stop and closing marks.
fn ends_latin(before: &str, stop: char, single: bool, chars: &[(usize, char)], next: usize) -> bool {
    let Some(&(_, follower)) = chars.get(next) else { return true };
    if !follower.is_whitespace() {
        // Chinese text with half-width stops has no space behind them; a digit before it is a list number.
        return is_cjk(follower) && !before.ends_with(|c: char| c.is_ascii_digit());
    }
    let after = chars.get(skip(chars, next, char::is_whitespace)).map(|&(_, c)| c);
    let continues = after.is_some_and(char::is_lowercase);
    let abbreviated = stop == '.' && single && is_abbreviation(before, after);
    !continues && !abbreviated
}

fn is_abbreviation(before: &str, after: Option<char>) -> bool {
    // Only what opens a word is cut off: the C of `37 °C` is no initial.
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| c.is_ascii_punctuation() || matches!(c, '“' | '‘' | '«' | '（'));
    let initials = !word.is_empty()
        && word.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic));
    let lower = word.to_lowercase();
    // "No. 5" is an abbreviation, "The answer is no. We" is not.
    let number = matches!(lower.as_str(), "no" | "nos") && after.is_some_and(|c| c.is_ascii_digit());
    initials || number || ABBREVIATIONS.contains(&lower.as_str())
}

/// A document cut at sentence ends into chunks of at least `min_chunk` characters, as trimmed byte ranges.
///
/// A rest of at least `min_tail` characters is a chunk of its own, a shorter one joins the chunk before it; a document
/// shorter than `min_tail` has no chunk. No cut goes through a mention.
pub(crate) fn chunks(text: &str, mentions: &[Marked], min_chunk: usize, min_tail: usize) -> Vec<Range<usize>> {
    let length = |range: Range<usize>| text.get(range).unwrap_or_default().trim().chars().count();
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for sentence in sentences(text) {
        let cut = sentence.end;
        let torn = mentions.partition_point(|m| m.bytes.end <= cut);
        if mentions.get(torn).is_some_and(|m| m.bytes.start < cut) || length(start..cut) < min_chunk {
            continue;
        }
        chunks.push(start..cut);
        start = cut;
    }
    if length(start..text.len()) >= min_tail {
        chunks.push(start..text.len());
    } else if let Some(last) = chunks.last_mut() {
        last.end = text.len();
    }
    chunks.into_iter().map(|chunk| trimmed(text, chunk)).collect()
}

/// The range without the white space at its ends.
pub(crate) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = text.get(range.clone()).unwrap_or_default();
    let start = range.start + piece.len() - piece.trim_start().len();
    start..start + piece.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| text[range].trim_end()).collect()
    }

    #[test]
    fn trap_08_numbers_and_abbreviations_stay_whole() {
        // Trap 8: sentences split inside numbers.
        for whole in [
            "A dose of 0.5 mg was given to 3 patients.",
            "Some drugs, e.g. Aspirin and i.e. Heparin, were used.",
            "Smith et al. Showed this (Fig. 3, No. 5 vs. No. 6).",
            "The U.S. Food agency and J. R. Smith agreed.",
            "Sold by e.g. amazon.com and others ... in parts.",
            "剂量为0.5mg，P<0.05，见图1.2",
        ] {
            assert_eq!(cut(whole), [whole]);
        }
    }

    #[test]
    fn ends_are_found_in_both_scripts() {
        assert_eq!(cut("It was 37 °C. Then it fell."), ["It was 37 °C.", "Then it fell."]);
        assert_eq!(cut("It hurts. Why? \"Stop!\" He left."), ["It hurts.", "Why?", "\"Stop!\"", "He left."]);
        assert_eq!(cut("患者说：“头痛。”医生问：多久？三天。"), ["患者说：“头痛。”", "医生问：多久？", "三天。"]);
        assert_eq!(cut("观察疗效.方法 将87例分组(P小).结论有效."), ["观察疗效.", "方法 将87例分组(P小).", "结论有效."]);
        assert_eq!(cut("The answer is no. We left.\nNext line"), ["The answer is no.", "We left.", "Next line"]);
    }

    #[test]
    fn chunks_keep_their_lengths() {
        let text = "Aa bb. ".repeat(10);
        let ranges = chunks(&text, &[], 20, 10);
        let pieces: Vec<usize> = ranges.iter().map(|r| text[r.clone()].chars().count()).collect();
        // 20 characters are three sentences; the tenth sentence is shorter than a tail and joins its neighbour.
        assert_eq!(pieces, [20, 20, 27]);
        assert!(chunks("Too short.", &[], 20, 11).is_empty());
        assert_eq!(chunks("A tail only.", &[], 20, 11).len(), 1);
    }

    proptest! {
        #[test]
        fn sentences_cover_the_text(text in "[a-zA-Z0-9 .!?\"')\n。！？”发热—]{0,80}") {
            let joined: String = sentences(&text).into_iter().map(|r| text[r].to_owned()).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
