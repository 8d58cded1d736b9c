//! Passage level: pairs of passages labelled link, context or random.
//!
//! All three classes are made from the same aligned passages, so that no class has a source, a style or a length of its
//! own. `link` is in two languages and `context` in one by definition; half of the `random` pairs are in two and half
//! in one, so that the languages alone give neither away.

use crate::anchor::{Anchor, Marked};
use crate::passages::Pair;
use crate::sentences::{sentences, trimmed};
use crate::{CorpusError, Example, Level, PassageLabel, PassageSource, Result, Segment};
use kbioxlm_files::{FileError, rng_for};
use kbioxlm_knowledge::{ConceptIndex, Matcher};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

/// Draws of a partner that is unrelated by its topic's main concept, and then by its topic alone.
const DRAWS: usize = 32;

/// A passage or a piece of one: which pair, which side, which part of the text.
#[derive(Clone, Eq, PartialEq, Ord, PartialOrd)]
struct Side {
    pair: usize,
    lang: usize,
    /// `None`: the whole text.
    part: Option<(usize, usize)>,
}

/// An example to be: its label and its two passages.
pub(crate) struct Choice {
    label: PassageLabel,
    sides: [Side; 2],
}

/// The aligned passages of one file with their mentions.
pub(crate) struct Passages<'a> {
    anchor: &'a Anchor<'a>,
    source: &'a PassageSource,
    pairs: &'a [Pair],
    matchers: [&'a Matcher; 2],
    /// By topic: the concept mentioned most often, and the pairs.
    subjects: Vec<Option<ConceptIndex>>,
    /// By pair: the concepts mentioned on each side.
    concepts: Vec<[BTreeSet<ConceptIndex>; 2]>,
}

impl<'a> Passages<'a> {
    pub fn new(anchor: &'a Anchor, source: &'a PassageSource, pairs: &'a [Pair], matchers: [&'a Matcher; 2]) -> Self {
        let side = |pair: &Pair, n: usize| -> Vec<ConceptIndex> {
            anchor.mark(matchers[n], &pair.texts[n]).into_iter().map(|mention| mention.concept).collect()
        };
        let mentioned: Vec<[Vec<ConceptIndex>; 2]> =
            pairs.par_iter().map(|pair| [side(pair, 0), side(pair, 1)]).collect();
        let mut counts: BTreeMap<usize, BTreeMap<ConceptIndex, usize>> = BTreeMap::new();
        for (pair, sides) in pairs.iter().zip(&mentioned) {
            let count = counts.entry(pair.topic).or_default();
            for &concept in sides.iter().flatten() {
                *count.entry(concept).or_default() += 1;
            }
        }
        let topics = pairs.iter().map(|pair| pair.topic + 1).max().unwrap_or_default();
        let most = |topic| Some(*counts.get(&topic)?.iter().max_by_key(|&(c, n)| (n, std::cmp::Reverse(c)))?.0);
        let subjects = (0..topics).map(most).collect();
        let concepts = mentioned.into_iter().map(|sides| sides.map(BTreeSet::from_iter)).collect();
        Self { anchor, source, pairs, matchers, subjects, concepts }
    }

    /// As many pairs of each class as the rarest class allows, the classes in turn.
    ///
    /// # Errors
    /// A class of which there is none: two classes cannot teach three.
    pub fn choose(&self) -> Result<Vec<Choice>> {
        let rng = |class: &str| rng_for(self.anchor.config.seed, &["passage", &self.source.langs.join("-"), class]);
        let links = self.links(&mut rng("link"));
        let contexts = self.contexts(links.len(), &mut rng("context"));
        let randoms = self.randoms(links.len().min(contexts.len()), &mut rng("random"));
        for (found, what) in [
            (contexts.len(), "two consecutive passages of one topic, or passages of two sentences, in each language"),
            (randoms.len(), "passages of at least two topics"),
        ] {
            if found == 0 {
                let read = format!("{} pairs, but not what a third class is made of", self.pairs.len());
                let help = "add such rows or leave the level passage out";
                return Err(CorpusError::File(FileError::content(&self.source.path, None, read, what, help)));
            }
        }
        let threes = links.into_iter().zip(contexts).zip(randoms);
        Ok(threes
            .flat_map(|((link, context), random)| {
                PassageLabel::ALL.into_iter().zip([link, context, random]).map(|(label, sides)| Choice { label, sides })
            })
            .collect())
    }

    /// Every pair once; the languages come first in turn.
    fn links(&self, rng: &mut ChaCha8Rng) -> Vec<[Side; 2]> {
        let mut order: Vec<usize> = (0..self.pairs.len()).collect();
        order.shuffle(rng);
        let side = |pair, lang| Side { pair, lang, part: None };
        order.into_iter().enumerate().map(|(n, pair)| [side(pair, n % 2), side(pair, 1 - n % 2)]).collect()
    }

    /// Consecutive passages, half of them in each language, in turn: neighbouring passages of a topic, and where these do
    /// not reach, passages cut in two.
    fn contexts(&self, wanted: usize, rng: &mut ChaCha8Rng) -> Vec<[Side; 2]> {
        let mut in_language = |lang: usize| {
            let wanted = wanted.div_ceil(2);
            let mut neighbours = self.neighbours(lang);
            neighbours.shuffle(rng);
            if neighbours.len() < wanted {
                let mut halves = self.halves(lang);
                halves.shuffle(rng);
                neighbours.extend(halves);
            }
            neighbours.truncate(wanted);
            neighbours
        };
        let (first, second) = (in_language(0), in_language(1));
        first.into_iter().zip(second).flat_map(|(a, b)| [a, b]).take(wanted).collect()
    }

    /// Neighbouring distinct passages of a topic. A file of pairs names a passage again for each of its partners.
    fn neighbours(&self, lang: usize) -> Vec<[Side; 2]> {
        let mut seen: HashSet<(usize, &str)> = HashSet::new();
        let mut last: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut neighbours = Vec::new();
        for (number, pair) in self.pairs.iter().enumerate() {
            if seen.insert((pair.topic, &pair.texts[lang])) {
                let side = |pair| Side { pair, lang, part: None };
                neighbours
                    .extend(last.insert((pair.topic, pair.gaps), number).map(|before| [side(before), side(number)]));
            }
        }
        neighbours
    }

    /// Distinct passages cut at the sentence end nearest to their middle, if both halves are as long as a tail.
    fn halves(&self, lang: usize) -> Vec<[Side; 2]> {
        let mut seen = HashSet::new();
        let fresh = self.pairs.iter().enumerate().filter(|(_, pair)| seen.insert(pair.texts[lang].as_str()));
        let long = |range: &Range<usize>, text: &str| {
            text.get(range.clone()).is_some_and(|t| t.chars().count() >= self.anchor.config.min_tail)
        };
        let cut = |(pair, row): (usize, &Pair)| {
            let text = row.texts[lang].as_str();
            let ends = sentences(text).into_iter().map(|sentence| sentence.end);
            let middle = ends.min_by_key(|end| end.abs_diff(text.len() / 2))?;
            let parts = [trimmed(text, 0..middle), trimmed(text, middle..text.len())];
            let side = |part: Range<usize>| Side { pair, lang, part: Some((part.start, part.end)) };
            parts.iter().all(|part| long(part, text)).then(|| parts.map(side))
        };
        fresh.filter_map(cut).collect()
    }

    /// Passages of different topics; the four pairs of languages in turn.
    fn randoms(&self, wanted: usize, rng: &mut ChaCha8Rng) -> Vec<[Side; 2]> {
        let mut randoms = Vec::new();
        let mut taken = BTreeSet::new();
        while randoms.len() < wanted {
            let langs = [[0, 1], [0, 0], [1, 0], [1, 1]][randoms.len() % 4];
            let draw = (0..2 * DRAWS).find_map(|n| {
                let sides = langs.map(|lang| Side { pair: rng.random_range(0..self.pairs.len()), lang, part: None });
                let fits = self.unrelated(&sides, n < DRAWS) && !taken.contains(&sides);
                fits.then_some(sides)
            });
            let Some(sides) = draw else { break };
            taken.insert(sides.clone());
            randoms.push(sides);
        }
        randoms
    }

    /// Different topics are not enough: a file may count one article as two. So, if `strict`, neither passage may
    /// mention the concept that the other's topic mentions most.
    fn unrelated(&self, sides: &[Side; 2], strict: bool) -> bool {
        let topic = |side: &Side| self.pairs.get(side.pair).map(|pair| pair.topic);
        let mentions_subject = |of: &Side, side: &Side| {
            let subject = topic(of).and_then(|t| self.subjects.get(t).copied().flatten());
            let concepts = self.concepts.get(side.pair).map(|sides| &sides[side.lang]);
            matches!((subject, concepts), (Some(s), Some(concepts)) if concepts.contains(&s))
        };
        let [a, b] = sides;
        topic(a) != topic(b) && !(strict && (mentions_subject(a, b) || mentions_subject(b, a)))
    }

    pub fn example(&self, choice: &Choice) -> Example {
        let mut segments = Vec::new();
        let mut spans = Vec::new();
        let mut names = Vec::new();
        for (number, side) in choice.sides.iter().enumerate() {
            let lang = &self.source.langs[side.lang];
            let Some(pair) = self.pairs.get(side.pair) else { continue };
            let (id, whole) = (pair.id.as_str(), pair.texts[side.lang].as_str());
            let text = side.part.and_then(|(start, end)| whole.get(start..end)).unwrap_or(whole);
            let start = side.part.map_or(0, |(start, _)| start);
            let mentions: Vec<Marked> = self.anchor.mark(self.matchers[side.lang], text);
            let source_of =
                |bytes: Range<usize>| pair.places[side.lang].source_of(bytes.start + start..bytes.end + start);
            spans.extend(self.anchor.spans(number, &mentions, source_of));
            let source = Some(pair.places[side.lang].source(start..start + text.len()));
            segments.push(Segment { lang: lang.clone(), text: text.to_owned(), source });
            names.push(match side.part {
                Some((start, _)) => format!("{lang}:{id}@{start}"),
                None => format!("{lang}:{id}"),
            });
        }
        Example {
            id: format!("passage:{}:{}:{}", self.source.langs.join("-"), choice.label, names.join("+")),
            level: Level::Passage,
            segments,
            spans,
            label: Some(choice.label),
        }
    }
}
