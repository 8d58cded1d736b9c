//! Sentence ends by rule: a missed end makes a piece longer, a false one tears a number or an abbreviation apart, so in doubt there
//! is no end.
//!
//! Written by hand because of 88 cases (`tests/sentences.txt`) `sentencex` cuts 69 as they should be, ICU and `unicode-segmentation` 55,
//! `srx` with LanguageTool's rules 43: they tear `Figs. 3`, `Refs. 12`, `spp.` and numbered lists apart, or need to be told the language.

mod abbreviations;

use abbreviations::{MONTHS, begins_sentence, is_abbreviation};
use std::ops::Range;

/// Longest word or mark that is looked at beside a stop, in bytes: a text without white space must not take time that grows with its square.
const NEAR: usize = 48;
/// Longest quotation whose opening mark is looked for.
const QUOTED: usize = 1000;

/// The sentences of a text as byte ranges that follow each other without a gap: white space belongs to the sentence before it.
///
/// A sentence ends at `。！？`, and at `.!?` before white space unless what follows or the word before says that it goes on: a
/// lower-case letter, an abbreviation, an initial, a list number. Closing quotes and brackets go with it. A line end is always a
/// sentence end. `0.5 mg`, `e.g. this`, `Fig. 2` and `et al. (2020)` stay whole. Takes time in proportion to the text.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(at) = next_break(text, from) {
        let rest = text.get(at..).unwrap_or_default();
        let end = match stop(rest) {
            None => Some(at + first_len(rest)),
            Some(stops) => {
                let sentence = text.get(start..at).unwrap_or_default();
                let behind = rest.get(stops.len()..).unwrap_or_default();
                let closed = closers(sentence, behind);
                from = at + stops.len() + closed;
                ends(sentence, stops, behind.get(closed..).unwrap_or_default(), closed > 0)
                    .map(|citation| from + citation)
            }
        };
        if let Some(end) = end {
            let rest = text.get(end..).unwrap_or_default();
            from = end + rest.len() - rest.trim_start().len();
            sentences.push(start..from);
            start = from;
        }
    }
    if start < text.len() {
        sentences.push(start..text.len());
    }
    sentences
}

/// Where the next stop or line end is.
fn next_break(text: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(|c| is_stop(c) || is_line_end(c)).map(|at| from + at)
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// The stops that `text` begins with.
fn stop(text: &str) -> Option<&str> {
    let len = text.len() - text.trim_start_matches(is_stop).len();
    text.get(..len).filter(|stops| !stops.is_empty())
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Stops that end a sentence whatever follows, as a rule.
fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '।' | '॥' | '۔' | '؟' | '።')
}

fn is_stop(c: char) -> bool {
    is_wide_stop(c) || matches!(c, '.' | '!' | '?' | '…' | '．')
}

fn is_closer(c: char) -> bool {
    // English opens with “ what German closes with it; directly behind a stop it closes.
    matches!(
        c,
        '"' | '\''
            | '”'
            | '’'
            | '“'
            | '‘'
            | '»'
            | '«'
            | ')'
            | ']'
            | '）'
            | '］'
            | '】'
            | '」'
            | '』'
            | '》'
            | '〉'
            | '〕'
            | '}'
    )
}

/// Length of the closing quotes and brackets that `behind` begins with.
fn closers(sentence: &str, behind: &str) -> usize {
    let mut len = behind.len() - behind.trim_start_matches(is_closer).len();
    // French puts a space before `»`, where German opens with it: what was opened last tells.
    let spaced = behind.get(len..).unwrap_or_default();
    let after = spaced.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    if after.starts_with('»') && spaced.len() - after.len() <= 4 {
        let near = end(sentence, QUOTED);
        if near.rfind(['«', '»']).and_then(|at| near.get(at..)).is_some_and(|rest| rest.starts_with('«')) {
            len += spaced.len() - after.len() + '»'.len_utf8();
        }
    }
    len
}

/// Whether the sentence ends at `stops`, before `behind`: the length of what still belongs to it (`[1,2]`).
fn ends(sentence: &str, stops: &str, behind: &str, closed: bool) -> Option<usize> {
    let citation = citation(sentence, behind);
    let behind = behind.get(citation..).unwrap_or_default();
    let Some(follower) = behind.chars().next() else { return Some(citation) };
    let wide = stops.contains(is_wide_stop);
    let ends = if wide {
        // 「…。」と言った, “……。”，他说
        !(closed && (goes_on(follower) || is_hiragana(follower)))
    } else if follower.is_whitespace() {
        ends_before_space(sentence, stops, closed, behind.trim_start())
    } else {
        // Chinese text with half-width stops has no space behind them; a digit before it is a list number.
        is_cjk(follower)
            && !goes_on(follower)
            && !stops.contains('…')
            && !sentence.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '０'..='９'))
            && !is_abbreviation(last_word(sentence), follower)
    };
    ends.then_some(citation)
}

/// Length of a citation behind the stop: `[1,2]`, and behind a word what was a superscript once: `known.12,13 So`.
fn citation(sentence: &str, behind: &str) -> usize {
    let inner = behind.strip_prefix('[').unwrap_or(behind);
    if !inner.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let bracketed = inner.len() < behind.len();
    let in_list = |c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | '–') || bracketed && c == ' ';
    let rest = inner.trim_start_matches(in_list);
    let numbers = inner.get(..inner.len() - rest.len()).unwrap_or_default();
    if numbers.len() > NEAR {
        0
    } else if bracketed {
        if rest.starts_with(']') { numbers.len() + 2 } else { 0 }
    } else {
        let after_word = end(sentence, 4).len() == 4 && end(sentence, 4).bytes().all(|b| b.is_ascii_lowercase());
        let short = numbers.split([',', '-', '–']).all(|number| (1..=3).contains(&number.len()));
        if after_word && short && rest.starts_with(char::is_whitespace) { numbers.len() } else { 0 }
    }
}

/// Whether a half-width stop before white space ends the sentence; `after` is what follows the white space.
fn ends_before_space(sentence: &str, stops: &str, closed: bool, after: &str) -> bool {
    let Some(next) = after.chars().next() else { return true };
    if goes_on(next) || is_stop(next) || (next.is_lowercase() && !is_name(after)) {
        return false;
    }
    if stops != "." || closed {
        return true;
    }
    let word = last_word(sentence);
    let list_number = (1..=NEAR).contains(&sentence.len())
        && sentence.split('.').all(|part| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()));
    let following = first_word(after);
    // German dates: `am 3. März`.
    let ordinal = word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()) && MONTHS.contains(&following);
    !(list_number || ordinal || is_abbreviation(word, next) && !begins_sentence(word, following))
}

/// What stands before the stop up to white space or what opens a word: the C of `37 °C` is no initial.
fn last_word(sentence: &str) -> &str {
    let opens = |c: char| c.is_ascii_punctuation() || matches!(c, '“' | '‘' | '«' | '„' | '（');
    end(sentence, NEAR).rsplit(char::is_whitespace).next().unwrap_or_default().trim_start_matches(opens)
}

/// The last characters of a text, at most `len` bytes.
fn end(text: &str, len: usize) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(len))..).unwrap_or_default()
}

/// The letters that `text` begins with, if they are few.
fn first_word(text: &str) -> &str {
    let near = text.get(..text.floor_char_boundary(NEAR)).unwrap_or_default();
    near.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default()
}

/// Whether a word begins in lower case because it is spelt so: mRNA, pH, α-synuclein.
fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    let greek = chars.next().is_some_and(|c| matches!(c, 'α'..='ω'));
    greek && chars.next() == Some('-') || word.chars().take(5).take_while(|c| c.is_alphabetic()).any(char::is_uppercase)
}

/// Marks that never begin a sentence.
fn goes_on(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '，' | '、' | '；' | '：' | '､')
}

fn is_hiragana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゟ')
}

/// Han, kana, bopomofo, Hangul and full-width forms: scripts that put no space behind a stop.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
