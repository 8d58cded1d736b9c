//! A tokenizer in the manner of XLM-R, trained on the demo's documents.

use crate::Text;
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use tokenizers::models::unigram::{Unigram, UnigramTrainerBuilder};
use tokenizers::normalizers::unicode::NFKC;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, NormalizedString, Normalizer, Tokenizer};

/// In the order of XLM-R's ids; `<mask>` comes last of all.
const SPECIAL: [&str; 4] = ["<s>", "<pad>", "</s>", "<unk>"];
const MASK: &str = "<mask>";
const UNKNOWN: usize = 3;
/// Whole sentences of a template would otherwise become pieces.
const LONGEST_PIECE: usize = 12;
/// The trainer takes a string as a candidate only if different characters follow it. Behind a whole word there is nothing, so no
/// whole word would ever be a piece; this character, which no text has, is the other thing that follows. It goes in the end.
const END: char = '\u{1}';
/// The mark of a space.
const SPACE: &str = "▁";
/// The trainer's step between the scores of characters that its model has lost.
const LOST_STEP: f64 = 1e-4;

/// Trains a Unigram tokenizer of at most `vocabulary` pieces and returns its `tokenizer.json`.
///
/// The trainer of `tokenizers` is not deterministic as it stands: it walks through hash maps of words, sums
/// floating-point numbers by thread, and gives the characters that its model lost their scores in the order of a hash
/// set. So the words come sorted here, one thread computes, and lost characters all get the lowest score.
///
/// No piece reaches over the end of a name. Between spaces this is so anyway; in Chinese it is the variety of real text that keeps
/// names apart from what stands beside them, and some dozens of templates do not have that.
///
/// # Errors
/// The texts have more characters than `vocabulary`.
pub fn train<'a>(texts: impl Iterator<Item = &'a Text>, vocabulary: u32) -> Result<String> {
    let words = count_words(texts)?;
    let specials: Vec<AddedToken> = SPECIAL.iter().map(|t| AddedToken::from(*t, true)).collect();
    let trainer = UnigramTrainerBuilder::default()
        .show_progress(false)
        // `<mask>` comes to the pieces, `END` goes.
        .vocab_size(vocabulary)
        .max_piece_length(LONGEST_PIECE)
        .special_tokens(specials.clone())
        .unk_token(Some("<unk>".to_owned()))
        .build()?;
    let mut model = Unigram::default();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    one_thread.install(|| trainer.do_train(words, &mut model)).map_err(failed)?;
    let model = in_order(&model)?;

    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(NFKC)).map_err(failed)?;
    tokenizer.with_pre_tokenizer(Some(Metaspace::new('▁', PrependScheme::Always, true)));
    tokenizer.with_decoder(Some(Metaspace::new('▁', PrependScheme::Always, true)));
    let processor = TemplateProcessing::builder()
        .try_single("<s> $A </s>")
        .and_then(|b| b.try_pair("<s> $A </s> </s> $B </s>"))
        .map_err(|e| anyhow!("{e}"))?
        .special_tokens(vec![("<s>", 0), ("</s>", 2)])
        .build()?;
    tokenizer.with_post_processor(Some(processor));
    tokenizer.add_special_tokens(specials).map_err(failed)?;
    tokenizer.add_special_tokens([AddedToken::from(MASK, true).lstrip(true)]).map_err(failed)?;
    tokenizer.to_string(true).map_err(failed)
}

fn failed(e: tokenizers::Error) -> anyhow::Error {
    anyhow!("the tokenizer cannot be trained: {e}")
}

/// What the trainer counts: runs of letters and digits with the mark of the space before them, and punctuation marks, as
/// in SentencePiece, so that no piece reaches over the end of a sentence. Sorted.
fn count_words<'a>(texts: impl Iterator<Item = &'a Text>) -> Result<Vec<(String, u32)>> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut count = |word: &mut String| {
        if !word.is_empty() {
            *counts.entry(std::mem::take(word)).or_default() += 1;
        }
    };
    for text in texts {
        let mut word = String::from(SPACE);
        for part in parts(text) {
            if word != SPACE {
                count(&mut word);
            }
            let mut normalized = NormalizedString::from(part);
            NFKC.normalize(&mut normalized).map_err(failed)?;
            for c in normalized.get().chars() {
                if c.is_alphanumeric() {
                    word.push(c);
                    continue;
                }
                count(&mut word);
                if c.is_whitespace() {
                    word.push_str(SPACE);
                } else {
                    count(&mut c.to_string());
                }
            }
        }
        count(&mut word);
    }
    // Candidates are weighed by how often they are listed, characters by how often they occur: without repetitions short
    // words would fall apart. The square root keeps the list short.
    let repeated = |(word, count): (String, u32)| {
        let copies = count.isqrt().max(1);
        let with_end = (format!("{word}{END}"), 1);
        (0..copies).map(move |i| (word.clone(), (count + i) / copies)).chain([with_end])
    };
    Ok(counts.into_iter().flat_map(repeated).collect())
}

/// The text cut at both ends of each name.
fn parts(text: &Text) -> impl Iterator<Item = &str> {
    let cuts = text.names.iter().flat_map(|name| [name.bytes.start, name.bytes.end]).chain([text.text.len()]);
    cuts.scan(0, |start, end| text.text.get(std::mem::replace(start, end)..end))
}

/// The model with its pieces in an order that depends on the pieces and their scores only.
fn in_order(model: &Unigram) -> Result<Unigram> {
    let pieces: Vec<(String, f64)> = model.iter().cloned().collect();
    let (special, ordinary) = pieces.split_at_checked(SPECIAL.len()).context("the trainer lost the special tokens")?;
    let ordinary: Vec<&(String, f64)> = ordinary.iter().filter(|(piece, _)| !piece.contains(END)).collect();
    let is_character = |piece: &str| piece.chars().count() == 1;
    let lowest = ordinary.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let characters = ordinary.iter().filter(|(piece, _)| is_character(piece)).count();
    // Every lost character is below this score; which others are is the same in each run.
    let lost = lowest + LOST_STEP * characters as f64;
    let score = |piece: &str, score: f64| if is_character(piece) && score < lost { lowest } else { score };
    let mut ordinary: Vec<(String, f64)> = ordinary.into_iter().map(|(p, s)| (p.clone(), score(p, *s))).collect();
    ordinary.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
    let pieces = special.iter().cloned().chain(ordinary).collect();
    Unigram::from(pieces, Some(UNKNOWN), false).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Embedded, LANGUAGES, documents};
    use std::str::FromStr;

    fn texts(count: usize) -> Vec<Text> {
        let knowledge = Embedded::load().unwrap();
        let of = |lang| documents(&knowledge, lang, count, 1).into_iter().map(|d| d.text);
        LANGUAGES.into_iter().flat_map(of).collect()
    }

    #[test]
    fn training_twice_gives_the_same_bytes_and_a_tokenizer_like_xlm_r() {
        let texts = texts(60);
        let train = || train(texts.iter(), 1500).unwrap();
        let json = train();
        assert_eq!(json, train());
        // Another number of threads around it changes nothing.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(json, pool.install(train));

        let tokenizer = Tokenizer::from_str(&json).unwrap();
        let id = |piece: &str| tokenizer.token_to_id(piece).unwrap();
        assert_eq!(SPECIAL.map(id), [0, 1, 2, 3]);
        let size = tokenizer.get_vocab_size(true) as u32;
        assert_eq!(id(MASK), size - 1);
        assert!((1200..=1500).contains(&size), "{size}");
        assert!(!json.contains("\\u0001"));
        // Frequent words are pieces, so that the model need not spell.
        for word in ["▁patients", "▁pacientes"] {
            assert!(tokenizer.token_to_id(word).is_some(), "{word}");
        }
        for Text { text, names } in &texts {
            let encoding = tokenizer.encode(text.as_str(), true).unwrap();
            let crosses = |at: usize| {
                encoding
                    .get_offsets()
                    .iter()
                    .any(|&(start, end)| start < at && at < end && !text[start..at].trim().is_empty())
            };
            assert!(names.iter().all(|n| !crosses(n.bytes.start) && !crosses(n.bytes.end)), "{text}");
            assert_eq!((encoding.get_ids()[0], *encoding.get_ids().last().unwrap()), (0, 2));
            assert!(!encoding.get_ids().contains(&3), "unknown pieces in {text}");
        }
    }
}
