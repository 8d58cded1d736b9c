//! Monolingual documents and aligned passages about the embedded concepts.

use crate::render::{Cast, Text, Writer, choose};
use crate::{Embedded, Fact, Relation};
use anyhow::Result;
use kbioxlm_files::{rng_for, write_atomic};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// A document and its names.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Document {
    /// Unique within the language.
    pub id: String,
    /// Text and names.
    pub text: Text,
}

/// `count` documents in `lang`. Every concept is the subject of equally many, give or take one; what a document says and
/// in which words is drawn for each language by itself: the documents of two languages are not translations.
pub fn documents(knowledge: &Embedded, lang: &str, count: usize, seed: u64) -> Vec<Document> {
    let everything = vec![true; knowledge.concepts.len()];
    let writer = Writer::new(knowledge, lang);
    let mut subjects: Vec<usize> = (0..knowledge.concepts.len()).collect();
    subjects.shuffle(&mut rng_for(seed, &["subjects", lang]));
    let document = |(number, &subject): (usize, &usize)| {
        let id = format!("demo-{lang}:{number:05}");
        let mut rng = rng_for(seed, &["document", &id]);
        Document { text: document(&writer, subject, &everything, &mut rng), id }
    };
    subjects.iter().cycle().take(count).enumerate().map(document).collect()
}

fn document(writer: &Writer, subject: usize, allowed: &[bool], rng: &mut ChaCha8Rng) -> Text {
    let Writer { knowledge, templates } = writer;
    let mut text = Text::default();
    let mut push = |sentence: Text| text.push(&sentence, templates.space);
    if let Some(concept) = knowledge.concepts.get(subject) {
        let template = choose(templates.opening(concept.kind), rng);
        push(writer.render(template, rng, |_, _| vec![subject]));
    }
    let own = facts_about(knowledge, subject, allowed);
    let mut told: Vec<Fact> = own.clone();
    told.shuffle(rng);
    told.truncate(rng.random_range(3..=5));
    for fact in told {
        push(writer.fact(fact.head, fact.relation, fact.tail, allowed, rng));
        match rng.random_range(0..6) {
            0 => push(writer.render(choose(templates.neutral, rng), rng, |_, _| Vec::new())),
            1 => {
                if let Some(cast) = cast(knowledge, subject, rng) {
                    push(writer.story(choose(templates.cases, rng), &cast, allowed, rng));
                }
            }
            // One step away: what is said of a concept that the subject has to do with.
            2 => {
                let neighbour = if fact.head == subject { fact.tail } else { fact.head };
                if let Some(fact) = facts_about(knowledge, neighbour, allowed).choose(rng) {
                    push(writer.fact(fact.head, fact.relation, fact.tail, allowed, rng));
                }
            }
            _ => {}
        }
    }
    text
}

fn facts_about(knowledge: &Embedded, concept: usize, allowed: &[bool]) -> Vec<Fact> {
    let is_allowed = |c: usize| allowed.get(c).copied().unwrap_or(false);
    let about = |f: &&Fact| (f.head == concept || f.tail == concept) && is_allowed(f.head) && is_allowed(f.tail);
    knowledge.facts.iter().filter(about).copied().collect()
}

/// People for a story in which `concept` plays a part.
fn cast(knowledge: &Embedded, concept: usize, rng: &mut ChaCha8Rng) -> Option<Cast> {
    let treats = |f: &&Fact| f.relation == Relation::MayTreat && plays(knowledge, f, concept);
    let fact = knowledge.facts.iter().filter(treats).collect::<Vec<_>>().choose(rng).copied().copied()?;
    Some(cast_of(knowledge, &fact, Some(concept), rng))
}

fn plays(knowledge: &Embedded, fact: &Fact, concept: usize) -> bool {
    fact.head == concept
        || fact.tail == concept
        || knowledge.related(fact.tail, Relation::HasSymptom).any(|s| s == concept)
        || knowledge.related(fact.head, Relation::MayCause).any(|e| e == concept)
}

/// The drug and the disease of a fact, a symptom of the disease and an effect of the drug; `wanted` if it is one.
pub(crate) fn cast_of(knowledge: &Embedded, treats: &Fact, wanted: Option<usize>, rng: &mut ChaCha8Rng) -> Cast {
    let mut pick = |options: Vec<usize>| {
        let wanted = wanted.filter(|w| options.contains(w));
        wanted.or_else(|| options.choose(rng).copied())
    };
    let symptom = pick(knowledge.related(treats.tail, Relation::HasSymptom).collect());
    let effect = pick(knowledge.related(treats.head, Relation::MayCause).collect());
    Cast { disease: treats.tail, drug: treats.head, symptom, effect }
}

/// Two texts on the same subject that tell the same facts in the words of their languages.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Passage {
    /// Unique within the language pair.
    pub id: String,
    /// Id of the concept that it is about.
    pub topic: String,
    /// One text a language.
    pub texts: [Text; 2],
}

/// Facts in a passage.
const FACTS: usize = 3;

/// `rows` passages for each of `subjects`, in both languages. No concept is named that `allowed` excludes, so that a
/// concept held out from anchoring is not anchored by the side door.
pub fn passages(
    knowledge: &Embedded,
    langs: [&str; 2],
    subjects: &[usize],
    allowed: &[bool],
    rows: usize,
    seed: u64,
) -> Vec<Passage> {
    let writers = langs.map(|lang| Writer::new(knowledge, lang));
    let pair = langs.join("-");
    let mut passages = Vec::new();
    for &subject in subjects {
        let Some(concept) = knowledge.concepts.get(subject) else { continue };
        let mut rng = rng_for(seed, &["passages", &pair, concept.id]);
        let mut facts = facts_about(knowledge, subject, allowed);
        facts.shuffle(&mut rng);
        // A subject with few facts tells some of them again in other words.
        let mut facts = facts.iter().cycle().take(if facts.is_empty() { 0 } else { rows * FACTS });
        for row in 0..rows {
            let told: Vec<&Fact> = facts.by_ref().take(FACTS).collect();
            if told.is_empty() {
                continue;
            }
            let texts = writers.each_ref().map(|writer| {
                let mut text = Text::default();
                if row == 0 {
                    let template = choose(writer.templates.opening(concept.kind), &mut rng);
                    text.push(&writer.render(template, &mut rng, |_, _| vec![subject]), writer.templates.space);
                }
                for fact in &told {
                    let sentence = writer.fact(fact.head, fact.relation, fact.tail, allowed, &mut rng);
                    text.push(&sentence, writer.templates.space);
                }
                text
            });
            passages.push(Passage { id: format!("{}:{row}", concept.id), topic: concept.id.to_owned(), texts });
        }
    }
    passages
}

/// Writes documents as `{"id", "text"}` lines.
///
/// # Errors
/// The file cannot be written.
pub fn write_documents(path: &Path, documents: &[Document]) -> Result<()> {
    write_jsonl(path, documents.iter().map(|d| json!({"id": d.id, "text": d.text.text})))
}

/// Writes passages as `{"id", "topic", <lang>, <lang>}` lines.
///
/// # Errors
/// The file cannot be written.
pub fn write_passages(path: &Path, langs: [&str; 2], passages: &[Passage]) -> Result<()> {
    let row = |p: &Passage| {
        let [a, b] = &p.texts;
        json!({"id": p.id, "topic": p.topic, langs[0]: a.text, langs[1]: b.text})
    };
    write_jsonl(path, passages.iter().map(row))
}

fn write_jsonl(path: &Path, rows: impl Iterator<Item = Value>) -> Result<()> {
    write_atomic(path, |w| {
        for row in rows {
            writeln!(w, "{row}")?;
        }
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LANGUAGES;
    use std::collections::BTreeMap;

    #[test]
    fn the_same_seed_gives_the_same_documents_and_another_seed_others() {
        let knowledge = Embedded::load().unwrap();
        for lang in LANGUAGES {
            assert_eq!(documents(&knowledge, lang, 40, 1), documents(&knowledge, lang, 40, 1));
            assert_ne!(documents(&knowledge, lang, 40, 1), documents(&knowledge, lang, 40, 2));
            // A document does not depend on how many there are.
            assert_eq!(documents(&knowledge, lang, 40, 1)[..10], documents(&knowledge, lang, 10, 1));
        }
    }

    #[test]
    fn spans_cut_from_the_text_are_names_of_their_concepts() {
        let knowledge = Embedded::load().unwrap();
        for lang in LANGUAGES {
            let mut subjects: BTreeMap<usize, usize> = BTreeMap::new();
            for document in documents(&knowledge, lang, 400, 3) {
                let Text { text, names } = &document.text;
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(names.len() >= 3, "{text}");
                for name in names {
                    let cut = &text[name.bytes.clone()];
                    assert!(knowledge.concepts[name.concept].names[lang].contains(&cut), "{cut} in {text}");
                }
                *subjects.entry(names[0].concept).or_default() += 1;
            }
            assert_eq!(subjects.len(), knowledge.concepts.len(), "{lang}: a concept without a document");
            assert!(subjects.values().all(|&n| n <= 2));
        }
    }

    #[test]
    fn passages_tell_the_same_in_both_languages_and_nothing_of_excluded_concepts() {
        let knowledge = Embedded::load().unwrap();
        let allowed: Vec<bool> = (0..knowledge.concepts.len()).map(|i| i % 5 != 0).collect();
        let subjects: Vec<usize> = (0..allowed.len()).filter(|&i| allowed[i]).collect();
        let passages = passages(&knowledge, ["en", "es"], &subjects, &allowed, 2, 5);
        assert!(passages.len() > subjects.len());
        for passage in &passages {
            let [en, es] = &passage.texts;
            assert!(en.names.iter().chain(&es.names).all(|n| allowed[n.concept]), "{passage:?}");
            assert_ne!(en.text, es.text);
            // The subject is what both are about.
            let about = |t: &Text| t.names.iter().any(|n| knowledge.concepts[n.concept].id == passage.topic);
            assert!(about(en) && about(es), "{passage:?}");
        }
    }
}
