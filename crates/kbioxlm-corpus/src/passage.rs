//! Passage level: pairs of passages labelled link, context or random.
//!
//! All three classes are made from the same aligned passages, so that no class has a source, a style or a length of its
//! own. `link` is in two languages and `context` in one by definition; half of the `random` pairs are in two and half
//! in one, so that the languages alone give neither away.

mod random;

use crate::anchor::{Anchor, Marked};
use crate::chunks::trimmed;
use crate::passages::{Pair, only};
use crate::{Balance, CorpusError, Example, Level, PassageLabel, Result, Segment};
use kbioxlm_documents::sentences;
use kbioxlm_files::{FileError, rng_for};
use kbioxlm_knowledge::{ConceptIndex, Matcher};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::Path;

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

/// The aligned passages of one source with their mentions.
pub(crate) struct Passages<'a> {
    anchor: &'a Anchor<'a>,
    langs: [&'a str; 2],
    /// What they were read from, for errors.
    path: &'a Path,
    pairs: Vec<Pair>,
    matchers: [&'a Matcher; 2],
    /// By topic: the concept mentioned most often.
    subjects: Vec<Option<ConceptIndex>>,
    /// By pair: the concepts mentioned on each side.
    concepts: Vec<[BTreeSet<ConceptIndex>; 2]>,
}

impl<'a> Passages<'a> {
    pub fn new(
        anchor: &'a Anchor,
        langs: [&'a str; 2],
        path: &'a Path,
        mut pairs: Vec<Pair>,
        matchers: [&'a Matcher; 2],
    ) -> Self {
        let side = |pair: &Pair, n: usize| -> Vec<ConceptIndex> {
            anchor.mark(matchers[n], &pair.texts[n]).into_iter().map(|mention| mention.concept).collect()
        };
        let mut mentioned: Vec<[Vec<ConceptIndex>; 2]> =
            pairs.par_iter().map(|pair| [side(pair, 0), side(pair, 1)]).collect();
        if !anchor.config.keep_without_mentions.contains(&Level::Passage) {
            let has_mentions = |sides: &[Vec<_>; 2]| sides.iter().all(|side| !side.is_empty());
            let kept: Vec<bool> = mentioned.iter().map(has_mentions).collect();
            pairs = only(pairs, &kept);
            mentioned.retain(has_mentions);
        }
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
        Self { anchor, langs, path, pairs, matchers, subjects, concepts }
    }

    /// How many pairs there are to choose from.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// As many pairs of each class as the rarest class allows at the weights of the settings, the classes in turn.
    ///
    /// # Errors
    /// A wanted class of which there is none: two classes cannot teach three.
    pub fn choose(&self) -> Result<Vec<Choice>> {
        let rng = |class: &str| rng_for(self.anchor.config.seed, &["passage", &self.langs.join("-"), class]);
        let mut size = Size { weights: self.anchor.config.passage_balance, units: None };
        let links = if size.wants(PassageLabel::Link) { self.links(&mut rng("link")) } else { Vec::new() };
        size.limit(PassageLabel::Link, links.len());
        let contexts = self.contexts(size.of(PassageLabel::Context), &mut rng("context"));
        size.limit(PassageLabel::Context, contexts.len());
        // Random pairs alone could be made without end.
        let wanted = if size.units.is_some() { size.of(PassageLabel::Random) } else { self.pairs.len() };
        let randoms = self.randoms(wanted, &mut rng("random"));
        size.limit(PassageLabel::Random, randoms.len());
        for (label, found, what) in [
            (PassageLabel::Link, links.len(), "aligned passages"),
            (
                PassageLabel::Context,
                contexts.len(),
                "two consecutive passages of one topic, or passages of two sentences, in each language",
            ),
            (PassageLabel::Random, randoms.len(), "passages of at least two topics"),
        ] {
            if size.wants(label) && found == 0 {
                let read = format!("{} pairs, but not what the class {label} is made of", self.pairs.len());
                let help = "add such rows, leave the class out (`passage_balance`) or the level passage";
                return Err(CorpusError::File(FileError::content(self.path, None, read, what, help)));
            }
        }
        let classes = [(PassageLabel::Link, links), (PassageLabel::Context, contexts), (PassageLabel::Random, randoms)];
        let mut choices = Vec::new();
        for (label, mut sides) in classes {
            sides.truncate(size.of(label));
            let total = sides.len();
            // Where in the whole the class has its nth, as a fraction: every part of the whole has its share of each class.
            let place = |n: usize| (2 * n + 1) as f64 / (2 * total) as f64;
            choices.extend(sides.into_iter().enumerate().map(|(n, sides)| (place(n), Choice { label, sides })));
        }
        choices.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(choices.into_iter().map(|(_, choice)| choice).collect())
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
        if wanted == 0 {
            return Vec::new();
        }
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
        let fresh = self.pairs.iter().enumerate().filter(|(_, pair)| seen.insert(&*pair.texts[lang]));
        let long = |range: &Range<usize>, text: &str| {
            text.get(range.clone()).is_some_and(|t| t.chars().count() >= self.anchor.config.min_tail)
        };
        let bare = self.anchor.config.keep_without_mentions.contains(&Level::Passage);
        let marked = |range: &Range<usize>, text: &str| {
            bare || text.get(range.clone()).is_some_and(|t| !self.anchor.mark(self.matchers[lang], t).is_empty())
        };
        let cut = |(pair, row): (usize, &Pair)| {
            let text = &*row.texts[lang];
            let ends = sentences(text).into_iter().map(|sentence| sentence.end);
            let middle = ends.min_by_key(|end| end.abs_diff(text.len() / 2))?;
            let parts = [trimmed(text, 0..middle), trimmed(text, middle..text.len())];
            let side = |part: Range<usize>| Side { pair, lang, part: Some((part.start, part.end)) };
            (parts.iter().all(|part| long(part, text) && marked(part, text))).then(|| parts.map(side))
        };
        fresh.filter_map(cut).collect()
    }

    pub fn example(&self, choice: &Choice) -> Example {
        let mut segments = Vec::new();
        let mut spans = Vec::new();
        let mut names = Vec::new();
        for (number, side) in choice.sides.iter().enumerate() {
            let lang = self.langs[side.lang];
            let Some(pair) = self.pairs.get(side.pair) else { continue };
            let (id, whole) = (pair.id.as_str(), &*pair.texts[side.lang]);
            let text = side.part.and_then(|(start, end)| whole.get(start..end)).unwrap_or(whole);
            let start = side.part.map_or(0, |(start, _)| start);
            let mentions: Vec<Marked> = self.anchor.mark(self.matchers[side.lang], text);
            let source_of =
                |bytes: Range<usize>| pair.places[side.lang].source_of(bytes.start + start..bytes.end + start);
            spans.extend(self.anchor.spans(number, &mentions, source_of));
            let source = Some(pair.places[side.lang].source(start..start + text.len()));
            segments.push(Segment { lang: lang.to_owned(), text: text.to_owned(), source });
            names.push(match side.part {
                Some((start, _)) => format!("{lang}:{id}@{start}"),
                None => format!("{lang}:{id}"),
            });
        }
        Example {
            id: format!("passage:{}:{}:{}", self.langs.join("-"), choice.label, names.join("+")),
            level: Level::Passage,
            segments,
            spans,
            label: Some(choice.label),
        }
    }
}

/// How many pairs of each class there may be.
struct Size {
    weights: Balance,
    /// The class that limits the others, as how many there are of it and its weight; none: nothing limits.
    units: Option<(usize, usize)>,
}

impl Size {
    fn wants(&self, label: PassageLabel) -> bool {
        self.weights.of(label) > 0
    }

    /// There are no more than `found` of a class.
    fn limit(&mut self, label: PassageLabel, found: usize) {
        let weight = self.weights.of(label) as usize;
        // found / weight < units / their weight
        if weight > 0 && self.units.is_none_or(|(units, of)| found.saturating_mul(of) < units.saturating_mul(weight)) {
            self.units = Some((found, weight));
        }
    }

    fn of(&self, label: PassageLabel) -> usize {
        let weight = self.weights.of(label) as usize;
        match self.units {
            _ if weight == 0 => 0,
            None => usize::MAX,
            Some((units, of)) => (units as u128 * weight as u128 / of as u128) as usize,
        }
    }
}
