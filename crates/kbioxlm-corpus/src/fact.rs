//! Fact level: chunks of a document, each followed by facts about the concepts that it mentions.

use crate::anchor::{Anchor, Marked, draw};
use crate::chunks::chunks;
use crate::documents::{source, source_of};
use crate::text::TextBuilder;
use crate::{Example, Level, Role, Segment, Span};
use kbioxlm_documents::Document;
use kbioxlm_files::rng_for;
use kbioxlm_knowledge::{ConceptIndex, Fact, KnowledgeBase, RelationIndex, is_same_name};
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
pub(crate) fn examples(anchor: &Anchor, document: &Document, mentions: &[Marked]) -> Told {
    let ranges = chunks(&document.text, mentions, anchor.config.min_chunk, anchor.config.min_tail);
    let mut told = Told { examples: Vec::new(), chunks: ranges.len() as u64, without_facts: 0 };
    for (number, range) in ranges.into_iter().enumerate() {
        let examples = Chunk::new(document, number, range, mentions).examples(anchor);
        told.without_facts += u64::from(examples.is_empty());
        told.examples.extend(examples);
    }
    told
}

struct Chunk<'a> {
    document: &'a Document,
    number: usize,
    range: Range<usize>,
    /// Those within; their places are the document's.
    mentions: &'a [Marked],
}

/// A fact as it is told: its language, the fact, and head, relation, tail.
type Telling<'a> = (&'a str, Fact, [&'a str; 3]);

impl<'a> Chunk<'a> {
    fn new(document: &'a Document, number: usize, range: Range<usize>, mentions: &'a [Marked]) -> Self {
        let first = mentions.partition_point(|m| m.bytes.start < range.start);
        let end = mentions.partition_point(|m| m.bytes.end <= range.end);
        Self { document, number, range, mentions: mentions.get(first..end).unwrap_or_default() }
    }

    fn examples(&self, anchor: &Anchor) -> Vec<Example> {
        let facts = self.facts(anchor);
        if facts.is_empty() {
            return Vec::new();
        }
        let own = self.document.lang.as_str();
        let number = self.number.to_string();
        let rng = &mut rng_for(anchor.config.seed, &["fact", own, &self.document.id, &number]);
        let facts = in_order(facts, rng);
        let others: Vec<(&str, f64)> = anchor
            .other_languages(own)
            .filter(|(lang, _)| facts.iter().any(|&fact| self.tell(anchor, fact, lang, rng).is_some()))
            .collect();
        let other = draw(&others, rng);
        let in_own = self.all_in(anchor, &facts, own, rng);
        let in_other = other.map(|lang| self.all_in(anchor, &facts, lang, rng)).unwrap_or_default();
        let mixed = other.map(|other| self.mixed(anchor, &facts, [own, other], rng)).unwrap_or_default();
        let variants = [(own, in_own), (other.unwrap_or(own), in_other), ("mixed", mixed)];
        variants.into_iter().filter_map(|(name, tellings)| self.example(anchor, name, &tellings)).collect()
    }

    /// All facts that may be told between two distinct concepts that the chunk mentions.
    fn facts(&self, anchor: &Anchor) -> Vec<Fact> {
        let mut concepts: Vec<ConceptIndex> = self.mentions.iter().filter(|m| m.used).map(|m| m.concept).collect();
        concepts.sort_unstable();
        concepts.dedup();
        let relations = &anchor.config.relations;
        let mut facts: Vec<Fact> = Vec::new();
        for &head in &concepts {
            let of_head = facts_of(anchor.kb, head);
            for &tail in concepts.iter().filter(|&&tail| tail != head && !of_head.is_empty()) {
                let start = of_head.partition_point(|fact| fact.tail < tail);
                facts.extend(of_head.iter().skip(start).take_while(|fact| fact.tail == tail));
            }
        }
        facts.retain(|fact| relations.is_all() || relations.has(std::iter::once(anchor.kb.relation_id(fact.relation))));
        facts
    }

    fn tell<'b>(&self, anchor: &Anchor<'b>, fact: Fact, lang: &'b str, rng: &mut ChaCha8Rng) -> Option<Telling<'b>> {
        let relation = anchor.kb.relation_label(fact.relation, lang)?;
        let head = self.name(anchor, fact.head, lang, rng)?;
        let tail = self.name(anchor, fact.tail, lang, rng)?;
        // Two concepts of one name (a brand and its substance): "x contains x" teaches nothing.
        (!is_same_name(head, tail)).then_some((lang, fact, [head, relation, tail]))
    }

    /// In the chunk's own language a concept without a better name is called as the chunk calls it.
    fn name<'b>(
        &self,
        anchor: &Anchor<'b>,
        concept: ConceptIndex,
        lang: &str,
        rng: &mut ChaCha8Rng,
    ) -> Option<&'b str> {
        anchor.name(concept, lang, "", rng).or_else(|| {
            let mention = self.mentions.iter().find(|m| m.concept == concept)?;
            (lang == self.document.lang).then(|| anchor.kb.term(mention.term).text)
        })
    }

    /// As many of the facts as fit, in one language.
    fn all_in<'b>(&self, anchor: &Anchor<'b>, facts: &[Fact], lang: &'b str, rng: &mut ChaCha8Rng) -> Vec<Telling<'b>> {
        // Two facts may read the same where concepts share their names.
        let mut said = BTreeSet::new();
        let told = facts.iter().filter_map(|&fact| self.tell(anchor, fact, lang, rng));
        told.filter(|telling| said.insert(telling.2)).take(anchor.config.max_facts).collect()
    }

    /// The facts that can be told in either language, half of them in each; those of one language only stay in it.
    /// Empty if all would be in one language.
    fn mixed<'b>(
        &self,
        anchor: &Anchor<'b>,
        facts: &[Fact],
        [own, other]: [&'b str; 2],
        rng: &mut ChaCha8Rng,
    ) -> Vec<Telling<'b>> {
        let choices: Vec<[Option<Telling>; 2]> = facts
            .iter()
            .map(|&fact| [own, other].map(|lang| self.tell(anchor, fact, lang, rng)))
            .filter(|choice| choice.iter().any(Option::is_some))
            .take(anchor.config.max_facts)
            .collect();
        let mut first_own: Vec<bool> = (0..choices.len()).map(|n| n % 2 == 0).collect();
        first_own.shuffle(rng);
        let mut said = BTreeSet::new();
        let mixed: Vec<Telling> = choices
            .into_iter()
            .zip(first_own)
            .filter_map(|([own, other], first_own)| if first_own { own.or(other) } else { other.or(own) })
            .filter(|telling| said.insert(telling.2))
            .collect();
        let one_language = mixed.windows(2).all(|pair| matches!(pair, [a, b] if a.0 == b.0));
        if one_language { Vec::new() } else { mixed }
    }

    fn example(&self, anchor: &Anchor, variant: &str, tellings: &[Telling]) -> Option<Example> {
        if tellings.is_empty() {
            return None;
        }
        let own = &self.document.lang;
        let (chunk, mut spans) = self.text(anchor)?;
        let mut segments = vec![chunk];
        for (number, &(lang, fact, [head, relation, tail])) in tellings.iter().enumerate() {
            let mut text = TextBuilder::default();
            let parts = [
                (head, Role::Head, anchor.concept_id(fact.head)),
                (relation, Role::Relation, None),
                (tail, Role::Tail, anchor.concept_id(fact.tail)),
            ];
            for (part, role, concept) in parts {
                if role != Role::Head {
                    text.push(" ");
                }
                let span = text.push_span(part, segments.len(), role);
                spans.push(Span { concept, fact: Some(number as u32), switched: lang != own, ..span });
            }
            segments.push(Segment { lang: lang.to_owned(), text: text.finish(), source: None });
        }
        Some(Example {
            id: format!("fact:{own}:{}:{}:{variant}", self.document.id, self.number),
            level: Level::Fact,
            segments,
            spans,
            label: None,
        })
    }

    /// The chunk itself, with its mentions.
    fn text(&self, anchor: &Anchor) -> Option<(Segment, Vec<Span>)> {
        let text = self.document.text.get(self.range.clone())?;
        let start = self.range.start;
        let mut spans = anchor.spans(0, self.mentions, |bytes| source_of(self.document, bytes));
        if let Some(first) = self.mentions.first() {
            let first_char = first.chars.start - text.get(..first.bytes.start - start)?.chars().count();
            for span in &mut spans {
                span.bytes = span.bytes.start - start..span.bytes.end - start;
                span.chars = span.chars.start - first_char..span.chars.end - first_char;
            }
        }
        let source = Some(source(self.document, self.range.clone()));
        Some((Segment { lang: self.document.lang.clone(), text: text.to_owned(), source }, spans))
    }
}

/// All facts with this head, sorted by tail.
fn facts_of(kb: &KnowledgeBase, head: ConceptIndex) -> &[Fact] {
    let facts = kb.facts();
    let rest = facts.get(facts.partition_point(|fact| fact.head < head)..).unwrap_or_default();
    rest.get(..rest.partition_point(|fact| fact.head == head)).unwrap_or_default()
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
