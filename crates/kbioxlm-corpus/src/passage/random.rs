//! Pairs of unrelated articles, and pairs of different articles that are near each other.

use super::{Passages, Side};
use kbioxlm_knowledge::ConceptIndex;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Draws of a partner that is unrelated by its topic's main concept, and then by its topic alone.
const DRAWS: usize = 32;

/// Passages with a rare concept that are compared, so that a frequent one does not make all be compared with all.
const COMPARED: usize = 64;

/// The passages that mention a concept: their pairs and languages, and of how many topics they are.
#[derive(Default)]
struct Mentioning {
    passages: Vec<(usize, usize)>,
    topics: usize,
}

impl Passages<'_> {
    /// Passages of different topics; the four pairs of languages in turn. Of a share of them, spread evenly, the topics are
    /// near each other.
    pub(super) fn randoms(&self, wanted: usize, rng: &mut ChaCha8Rng) -> Vec<[Side; 2]> {
        let share = self.anchor.config.hard_random_share;
        let index = if share > 0.0 { self.index() } else { BTreeMap::new() };
        let mut randoms = Vec::new();
        let mut taken = BTreeSet::new();
        while randoms.len() < wanted {
            let langs = [[0, 1], [0, 0], [1, 0], [1, 1]][randoms.len() % 4];
            let hard = ((randoms.len() + 1) as f64 * share).floor() > (randoms.len() as f64 * share).floor();
            let near = if hard { self.near(&index, langs, &taken, rng) } else { None };
            let Some(sides) = near.or_else(|| self.unrelated(langs, &taken, rng)) else { break };
            taken.insert(sides.clone());
            randoms.push(sides);
        }
        randoms
    }

    /// Two passages of unrelated articles.
    fn unrelated(&self, langs: [usize; 2], taken: &BTreeSet<[Side; 2]>, rng: &mut ChaCha8Rng) -> Option<[Side; 2]> {
        (0..2 * DRAWS).find_map(|n| {
            let sides = langs.map(|lang| self.whole(rng.random_range(0..self.pairs.len()), lang));
            let fits = self.are_unrelated(&sides, n < DRAWS) && !taken.contains(&sides);
            fits.then_some(sides)
        })
    }

    /// Different topics are not enough: a file may count one article as two. So, if `strict`, neither passage may
    /// mention the concept that the other's topic mentions most.
    fn are_unrelated(&self, sides: &[Side; 2], strict: bool) -> bool {
        let mentions_subject = |of: &Side, side: &Side| {
            let concepts = self.concepts.get(side.pair).map(|sides| &sides[side.lang]);
            matches!((self.subject(of.pair), concepts), (Some(s), Some(concepts)) if concepts.contains(&s))
        };
        let [a, b] = sides;
        self.topic(a.pair) != self.topic(b.pair) && !(strict && (mentions_subject(a, b) || mentions_subject(b, a)))
    }

    /// Two passages that share a concept, of articles on different subjects: of the passages that mention the rarest concept
    /// of one drawn, the one that shares most with it.
    fn near(
        &self,
        index: &BTreeMap<ConceptIndex, Mentioning>,
        [first, second]: [usize; 2],
        taken: &BTreeSet<[Side; 2]>,
        rng: &mut ChaCha8Rng,
    ) -> Option<[Side; 2]> {
        (0..DRAWS).find_map(|_| {
            let pair = rng.random_range(0..self.pairs.len());
            let own = &self.concepts.get(pair)?[first];
            let mut shared: Vec<&Mentioning> =
                own.iter().filter_map(|c| index.get(c)).filter(|m| m.topics > 1).collect();
            shared.sort_by_key(|mentioning| mentioning.topics);
            shared.into_iter().find_map(|Mentioning { passages, .. }| {
                let start = rng.random_range(0..passages.len());
                let others = passages.iter().cycle().skip(start).take(passages.len());
                let fits = |&(other, lang): &(usize, usize)| {
                    lang == second && self.topic(other) != self.topic(pair) && self.subject(other) != self.subject(pair)
                };
                let candidates = others.copied().filter(fits).take(COMPARED);
                let fresh = candidates.map(|(other, lang)| [self.whole(pair, first), self.whole(other, lang)]);
                let overlap = |[_, other]: &[Side; 2]| self.overlap(own, other);
                fresh.filter(|sides| !taken.contains(sides)).max_by_key(overlap)
            })
        })
    }

    fn index(&self) -> BTreeMap<ConceptIndex, Mentioning> {
        let mut index: BTreeMap<ConceptIndex, Mentioning> = BTreeMap::new();
        let mut topics: BTreeSet<(ConceptIndex, usize)> = BTreeSet::new();
        for (number, (pair, sides)) in self.pairs.iter().zip(&self.concepts).enumerate() {
            for (lang, concepts) in sides.iter().enumerate() {
                for &concept in concepts {
                    let mentioning = index.entry(concept).or_default();
                    mentioning.passages.push((number, lang));
                    mentioning.topics += usize::from(topics.insert((concept, pair.topic)));
                }
            }
        }
        index
    }

    fn overlap(&self, own: &BTreeSet<ConceptIndex>, other: &Side) -> usize {
        self.concepts.get(other.pair).map_or(0, |sides| sides[other.lang].intersection(own).count())
    }

    fn whole(&self, pair: usize, lang: usize) -> Side {
        Side { pair, lang, part: None }
    }

    fn topic(&self, pair: usize) -> Option<usize> {
        self.pairs.get(pair).map(|pair| pair.topic)
    }

    /// The concept that the article mentions most.
    fn subject(&self, pair: usize) -> Option<ConceptIndex> {
        self.subjects.get(self.topic(pair)?).copied().flatten()
    }
}
