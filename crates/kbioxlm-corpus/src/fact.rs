//! Fact level: chunks of a document, each followed by facts about the concepts that it mentions.

use crate::anchor::Anchor;
use crate::documents::Document;
use crate::sentences::chunks;
use crate::text::TextBuilder;
use crate::{Example, Level, Role, Segment, Span};
use kbioxlm_files::rng_for;
use kbioxlm_knowledge::{ConceptIndex, Fact, Mention, RelationIndex, is_same_name};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What the chunks of a document gave.
pub(crate) struct Told {
    pub examples: Vec<Example>,
    pub chunks: u64,
    pub without_facts: u64,
}

/// Up to three examples a chunk: its facts in its own language, in another one, and mixed fact by fact.
///
/// A fact is told in a language only if both concepts have a name in it and the relation a label; otherwise it is left
/// out as a whole. A mixture that comes out in one language (a single fact) would repeat another example, so it is left out.
pub(crate) fn examples(anchor: &Anchor, document: &Document, mentions: &[Mention]) -> Told {
    let ranges = chunks(&document.text, mentions, anchor.config.min_chunk, anchor.config.min_tail);
    let mut told = Told { examples: Vec::new(), chunks: ranges.len() as u64, without_facts: 0 };
    let (mut byte, mut char) = (0, 0);
    for (number, range) in ranges.into_iter().enumerate() {
        char += document.text.get(byte..range.start).unwrap_or_default().chars().count();
        byte = range.start;
        let chunk = Chunk::new(document, number, range, char, mentions);
        let examples = chunk.examples(anchor);
        told.without_facts += u64::from(examples.is_empty());
        told.examples.extend(examples);
    }
    told
}

struct Chunk<'a> {
    document: &'a Document,
    number: usize,
    text: &'a str,
    /// Relative to the chunk.
    mentions: Vec<Mention>,
}

/// A fact as it is told: head, relation, tail.
type Telling<'a> = (&'a str, Fact, [&'a str; 3]);

impl<'a> Chunk<'a> {
    fn new(
        document: &'a Document,
        number: usize,
        range: Range<usize>,
        first_char: usize,
        mentions: &[Mention],
    ) -> Self {
        let within = |m: &&Mention| range.start <= m.bytes.start && m.bytes.end <= range.end;
        let shift = |m: &Mention| Mention {
            bytes: m.bytes.start - range.start..m.bytes.end - range.start,
            chars: m.chars.start - first_char..m.chars.end - first_char,
            ..m.clone()
        };
        let mentions = mentions.iter().filter(within).map(shift).collect();
        Self { document, number, text: document.text.get(range).unwrap_or_default(), mentions }
    }

    fn examples(&self, anchor: &Anchor) -> Vec<Example> {
        let own = self.document.lang.as_str();
        let number = self.number.to_string();
        let mut rng = rng_for(anchor.config.seed, &["fact", own, &self.document.id, &number]);
        let facts = in_order(self.facts(anchor), &mut rng);
        let tell = |lang| -> Vec<Telling> { facts.iter().filter_map(|&fact| self.tell(anchor, fact, lang)).collect() };
        let in_own = tell(own);
        let others: Vec<Vec<Telling>> = anchor.other_languages(own).map(tell).filter(|t| !t.is_empty()).collect();
        let in_other = match others.len() {
            0 => Vec::new(),
            n => others.into_iter().nth(rng.random_range(0..n)).unwrap_or_default(),
        };
        let mixed = mixed(&facts, &in_own, &in_other, anchor.config.max_facts, &mut rng);
        let variants = [(own, in_own), (in_other.first().map_or(own, |t| t.0), in_other.clone()), ("mixed", mixed)];
        let example = |(name, tellings)| self.example(anchor, name, tellings);
        variants.into_iter().filter_map(example).collect()
    }

    /// All facts between two distinct concepts that the chunk mentions.
    fn facts(&self, anchor: &Anchor) -> Vec<Fact> {
        let concepts: BTreeSet<ConceptIndex> =
            self.mentions.iter().map(|m| m.concept).filter(|&c| !anchor.is_held_out(c)).collect();
        let mut facts = Vec::new();
        for &head in &concepts {
            for &tail in concepts.iter().filter(|&&tail| tail != head) {
                facts.extend_from_slice(anchor.kb.facts_between(head, tail));
            }
        }
        facts
    }

    fn tell<'b>(&self, anchor: &Anchor<'b>, fact: Fact, lang: &'b str) -> Option<Telling<'b>> {
        let head = self.name(anchor, fact.head, lang)?;
        let relation = anchor.kb.relation_label(fact.relation, lang)?;
        let tail = self.name(anchor, fact.tail, lang)?;
        // Two concepts of one name (a brand and its substance): "x contains x" teaches nothing.
        (!is_same_name(head, tail)).then_some((lang, fact, [head, relation, tail]))
    }

    /// In the chunk's own language a concept without a better name is called as the chunk calls it.
    fn name<'b>(&self, anchor: &Anchor<'b>, concept: ConceptIndex, lang: &'b str) -> Option<&'b str> {
        anchor.translation(concept, lang, "").or_else(|| {
            let mention = self.mentions.iter().find(|m| m.concept == concept)?;
            (lang == self.document.lang).then(|| anchor.kb.term(mention.term).text)
        })
    }

    fn example(&self, anchor: &Anchor, variant: &str, tellings: Vec<Telling>) -> Option<Example> {
        let own = &self.document.lang;
        let mut segments = vec![Segment { lang: own.clone(), text: self.text.to_owned() }];
        let mut spans = anchor.spans(0, &self.mentions);
        let mut said = BTreeSet::new();
        for (lang, fact, words) in tellings {
            // Two facts may read the same where concepts share their names.
            if segments.len() > anchor.config.max_facts || !said.insert(words) {
                continue;
            }
            let [head, relation, tail] = words;
            let mut text = TextBuilder::default();
            let parts = [
                (head, Role::Head, anchor.concept_id(fact.head)),
                (relation, Role::Relation, None),
                (tail, Role::Tail, anchor.concept_id(fact.tail)),
            ];
            for (number, (part, role, concept)) in parts.into_iter().enumerate() {
                if number > 0 {
                    text.push(" ");
                }
                let span = text.push_span(part, segments.len(), role);
                spans.push(Span { concept, fact: Some(segments.len() as u32 - 1), switched: lang != own, ..span });
            }
            segments.push(Segment { lang: lang.to_owned(), text: text.finish() });
        }
        (segments.len() > 1).then(|| Example {
            id: format!("fact:{own}:{}:{}:{variant}", self.document.id, self.number),
            level: Level::Fact,
            segments,
            spans,
            label: None,
        })
    }
}

/// An order whose first facts are spread over the relations: one of each in turn, both orders drawn.
fn in_order(facts: Vec<Fact>, rng: &mut ChaCha8Rng) -> Vec<Fact> {
    let mut groups: BTreeMap<RelationIndex, Vec<Fact>> = BTreeMap::new();
    let total = facts.len();
    for fact in facts {
        groups.entry(fact.relation).or_default().push(fact);
    }
    let mut groups: Vec<Vec<Fact>> = groups.into_values().collect();
    groups.iter_mut().for_each(|group| group.shuffle(rng));
    groups.shuffle(rng);
    let mut order = Vec::with_capacity(total);
    while order.len() < total {
        order.extend(groups.iter_mut().filter_map(Vec::pop));
    }
    order
}

/// The facts that can be told in either language, half of them in each; those of one language only stay in it.
/// Empty if all would be in one language.
fn mixed<'a>(
    facts: &[Fact],
    own: &[Telling<'a>],
    other: &[Telling<'a>],
    max_facts: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Telling<'a>> {
    let find = |tellings: &[Telling<'a>], fact: &Fact| tellings.iter().find(|t| t.1 == *fact).copied();
    let choices: Vec<_> = facts
        .iter()
        .map(|fact| (find(own, fact), find(other, fact)))
        .filter(|(a, b)| a.is_some() || b.is_some())
        .take(max_facts)
        .collect();
    let mut first_own: Vec<bool> = (0..choices.len()).map(|n| n % 2 == 0).collect();
    first_own.shuffle(rng);
    let mixed: Vec<Telling> = choices
        .into_iter()
        .zip(first_own)
        .filter_map(|((own, other), first_own)| if first_own { own.or(other) } else { other.or(own) })
        .collect();
    let one_language = mixed.windows(2).all(|pair| matches!(pair, [a, b] if a.0 == b.0));
    if one_language { Vec::new() } else { mixed }
}
