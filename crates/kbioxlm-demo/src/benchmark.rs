//! A small named-entity benchmark: annotated sentences as CoNLL files.

use crate::documents::cast_of;
use crate::render::{Text, Writer};
use crate::{Embedded, Fact, Relation};
use anyhow::{Result, ensure};
use kbioxlm_files::{rng_for, write_atomic};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// `count` sentences in `lang` in words that no document uses, about the concepts that `allowed` has.
///
/// # Errors
/// `allowed` leaves no drug with a disease that it treats.
pub fn sentences(
    knowledge: &Embedded,
    lang: &str,
    split: &str,
    count: usize,
    allowed: &[bool],
    seed: u64,
) -> Result<Vec<Text>> {
    let writer = Writer::new(knowledge, lang);
    let is_allowed = |c: usize| allowed.get(c).copied().unwrap_or(false);
    let may = |f: &&Fact| f.relation == Relation::MayTreat && is_allowed(f.head) && is_allowed(f.tail);
    let treatments: Vec<Fact> = knowledge.facts.iter().filter(may).copied().collect();
    ensure!(!treatments.is_empty(), "no treatment among the concepts of the split `{split}`");
    let sentence = |number: usize| {
        let rng = &mut rng_for(seed, &["benchmark", split, lang, &number.to_string()]);
        sentence(&writer, &treatments, allowed, rng)
    };
    Ok((0..count).filter_map(sentence).collect())
}

fn sentence(writer: &Writer, treatments: &[Fact], allowed: &[bool], rng: &mut ChaCha8Rng) -> Option<Text> {
    let fact = treatments.choose(rng)?;
    let mut cast = cast_of(writer.knowledge, fact, None, rng);
    let is_allowed = |c: &usize| allowed.get(*c).copied().unwrap_or(false);
    cast.symptom = cast.symptom.filter(is_allowed);
    cast.effect = cast.effect.filter(is_allowed);
    let template = writer.templates.benchmark.choose(rng)?;
    Some(writer.story(template, &cast, allowed, rng))
}

/// Writes one document a sentence: `-DOCSTART-<TAB>id`, then token and BIO tag. A token is a run of letters, digits and
/// hyphens; a Chinese character is one by itself.
///
/// # Errors
/// The file cannot be written.
pub fn write_conll(path: &Path, split: &str, knowledge: &Embedded, sentences: &[Text]) -> Result<()> {
    write_atomic(path, |w| {
        for (number, sentence) in sentences.iter().enumerate() {
            writeln!(w, "-DOCSTART-\t{split}:{number}\n")?;
            for token in tokens(&sentence.text) {
                let inside = sentence.names.iter().find(|n| n.bytes.start <= token.start && token.end <= n.bytes.end);
                let kind = inside.and_then(|n| Some((n, knowledge.concepts.get(n.concept)?.kind.as_str())));
                let word = sentence.text.get(token.clone()).unwrap_or_default();
                match kind {
                    None => writeln!(w, "{word}\tO")?,
                    Some((n, kind)) if n.bytes.start == token.start => writeln!(w, "{word}\tB-{kind}")?,
                    Some((_, kind)) => writeln!(w, "{word}\tI-{kind}")?,
                }
            }
            writeln!(w)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens: Vec<Range<usize>> = Vec::new();
    let mut in_run = false;
    for (at, c) in text.char_indices() {
        let han = ('\u{4e00}'..='\u{9fff}').contains(&c);
        let continues = !han && (c.is_alphanumeric() || c == '-');
        match tokens.last_mut() {
            Some(last) if in_run && continues => last.end = at + c.len_utf8(),
            _ if c.is_whitespace() => {}
            _ => tokens.push(at..at + c.len_utf8()),
        }
        in_run = continues;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|t| &text[t]).collect()
    }

    #[test]
    fn tokens_are_words_or_chinese_characters() {
        assert_eq!(cut("Post-traumatic pain , 5 mg."), ["Post-traumatic", "pain", ",", "5", "mg", "."]);
        assert_eq!(cut("含1型QT间期。"), ["含", "1", "型", "QT", "间", "期", "。"]);
    }

    #[test]
    fn gold_entities_read_back_from_the_file_are_names() {
        let knowledge = Embedded::load().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let allowed: Vec<bool> = (0..knowledge.concepts.len()).map(|i| i % 2 == 0).collect();
        for lang in ["en", "zh"] {
            let path = dir.path().join("test.conll");
            let gold = sentences(&knowledge, lang, "test", 120, &allowed, 9).unwrap();
            assert_eq!(gold, sentences(&knowledge, lang, "test", 120, &allowed, 9).unwrap());
            assert!(gold.iter().flat_map(|s| &s.names).all(|n| allowed[n.concept]));
            write_conll(&path, "test", &knowledge, &gold).unwrap();

            let mut read: Vec<(String, String)> = Vec::new();
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let Some((word, tag)) = line.split_once('\t').filter(|(word, _)| *word != "-DOCSTART-") else {
                    continue;
                };
                if let Some(kind) = tag.strip_prefix("B-") {
                    read.push((word.to_owned(), kind.to_owned()));
                } else if let Some(kind) = tag.strip_prefix("I-") {
                    let (name, of) = read.last_mut().unwrap();
                    assert_eq!(of, kind);
                    *name = if lang == "zh" { format!("{name}{word}") } else { format!("{name} {word}") };
                }
            }
            let name = |s: &Text, n: &crate::Named| {
                (s.text[n.bytes.clone()].to_owned(), knowledge.concepts[n.concept].kind.as_str().to_owned())
            };
            let expected: Vec<_> = gold.iter().flat_map(|s| s.names.iter().map(|n| name(s, n))).collect();
            let squeezed =
                |v: &[(String, String)]| v.iter().map(|(n, k)| (n.replace(' ', ""), k.clone())).collect::<Vec<_>>();
            assert_eq!(squeezed(&read), squeezed(&expected));
            assert!(gold.iter().any(|s| s.names.is_empty()), "sentences without a name belong to a benchmark");
        }
    }
}
