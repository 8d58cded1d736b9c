//! Turning templates and concepts into text that knows where its names lie.

use crate::templates::Templates;
use crate::{Embedded, Kind};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// How often a preferred name is used where there are synonyms.
const PREFERRED: f64 = 0.7;

/// A name in a text.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Named {
    /// Byte range in the text.
    pub bytes: Range<usize>,
    /// Position of the concept.
    pub concept: usize,
}

/// A text and its names.
#[derive(Clone, Eq, PartialEq, Default, Debug)]
pub struct Text {
    /// The running text.
    pub text: String,
    /// In the order of the text.
    pub names: Vec<Named>,
}

impl Text {
    /// Appends a sentence behind `space`.
    pub(crate) fn push(&mut self, sentence: &Self, space: &str) {
        if !self.text.is_empty() {
            self.text.push_str(space);
        }
        let shift = self.text.len();
        self.text.push_str(&sentence.text);
        let moved = |n: &Named| Named { bytes: n.bytes.start + shift..n.bytes.end + shift, concept: n.concept };
        self.names.extend(sentence.names.iter().map(moved));
    }

    fn push_name(&mut self, name: &str, concept: usize) {
        let start = self.text.len();
        self.text.push_str(name);
        self.names.push(Named { bytes: start..self.text.len(), concept });
    }
}

/// Writes sentences of one language about the concepts in `knowledge`.
pub(crate) struct Writer<'a> {
    pub knowledge: &'a Embedded,
    pub templates: &'static Templates,
}

impl<'a> Writer<'a> {
    pub fn new(knowledge: &'a Embedded, lang: &str) -> Self {
        Self { knowledge, templates: Templates::of(lang) }
    }

    pub fn name(&self, concept: usize, rng: &mut ChaCha8Rng) -> &'static str {
        let names = self.knowledge.concepts.get(concept).and_then(|c| c.names.get(self.templates.lang));
        match names.map_or(&[] as &[_], Vec::as_slice) {
            [] => "",
            [only] => only,
            [preferred, synonyms @ ..] => {
                let synonym = (!rng.random_bool(PREFERRED)).then(|| synonyms.choose(rng)).flatten();
                synonym.copied().unwrap_or(preferred)
            }
        }
    }

    /// Fills the slots of a template; `fill` says which concepts stand in a slot (several in a list).
    pub fn render(
        &self,
        template: &str,
        rng: &mut ChaCha8Rng,
        mut fill: impl FnMut(&str, &mut ChaCha8Rng) -> Vec<usize>,
    ) -> Text {
        let mut sentence = Text::default();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            sentence.text.push_str(before);
            let (slot, after) = behind.split_once('}').unwrap_or((behind, ""));
            rest = after;
            if slot == "n" {
                sentence.text.push_str(&rng.random_range(2..80).to_string());
                continue;
            }
            let concepts = fill(slot, rng);
            for (i, &concept) in concepts.iter().enumerate() {
                let name = self.name(concept, rng);
                if i > 0 {
                    let last = i + 1 == concepts.len();
                    sentence.text.push_str(if last { self.templates.and(name) } else { self.templates.comma });
                }
                sentence.push_name(name, concept);
            }
        }
        sentence.text.push_str(rest);
        sentence
    }

    /// A sentence that tells the fact `head relation tail`, perhaps with further tails.
    pub fn fact(
        &self,
        head: usize,
        relation: crate::Relation,
        tail: usize,
        allowed: &[bool],
        rng: &mut ChaCha8Rng,
    ) -> Text {
        let template = choose(self.templates.relation(relation), rng);
        self.render(template, rng, |slot, rng| match slot {
            "h" => vec![head],
            "t" => vec![tail],
            _ => {
                let is_other = |&t: &usize| t != tail && allowed.get(t).copied().unwrap_or(false);
                let mut tails: Vec<usize> = self.knowledge.related(head, relation).filter(is_other).collect();
                tails.shuffle(rng);
                tails.truncate(rng.random_range(0..3));
                tails.push(tail);
                tails
            }
        })
    }

    /// A small story around the fact that `drug` may treat `disease`; a slot that comes again gets another concept.
    ///
    /// `symptom`, where given, is the one that the story tells.
    pub fn story(&self, template: &str, cast: &Cast, allowed: &[bool], rng: &mut ChaCha8Rng) -> Text {
        let mut used: Vec<usize> = Vec::new();
        self.render(template, rng, |slot, rng| {
            let (first, kind) = match slot {
                "c" => (Some(cast.disease), Kind::Disease),
                "d" => (Some(cast.drug), Kind::Drug),
                "s" => (cast.symptom, Kind::Symptom),
                _ => (cast.effect, Kind::Symptom),
            };
            let concept = first.filter(|c| !used.contains(c)).or_else(|| {
                let fits = |c: &usize| allowed.get(*c).copied().unwrap_or(false) && !used.contains(c);
                let others: Vec<usize> = self.knowledge.of_kind(kind).filter(fits).collect();
                others.choose(rng).copied()
            });
            used.extend(concept);
            concept.into_iter().collect()
        })
    }
}

/// Who plays in a story.
pub(crate) struct Cast {
    pub disease: usize,
    pub drug: usize,
    pub symptom: Option<usize>,
    pub effect: Option<usize>,
}

pub(crate) fn choose(templates: &'static [&'static str], rng: &mut ChaCha8Rng) -> &'static str {
    templates.choose(rng).copied().unwrap_or("")
}
