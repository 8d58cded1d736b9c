//! What a corpus holds: what a person asks of it first.

use crate::report::{ExampleCounts, languages_of};
use crate::{Corpus, CorpusError, Example, Languages, Level, PassageLabel, Result, Role};
use kbioxlm_knowledge::{KnowledgeBase, RelationIndex, TokenKind, folded_tokens};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Examples that are measured at a time.
const BATCH: usize = 256;
/// Bins up to the length of a model's input, and as many behind it.
const BINS: u64 = 16;

/// Counts the tokens of a text, or says why it cannot.
pub type CountTokens<'a> = dyn Fn(&str) -> Result<usize, String> + Sync + 'a;

/// What statistics are made with.
#[derive(Copy, Clone)]
pub struct StatsOptions<'a> {
    /// Measures lengths in tokens; without it they are in words, of scripts without spaces in characters.
    pub count_tokens: Option<&'a CountTokens<'a>>,
    /// Gives concepts their preferred names and types, and says what share of it the corpus covers.
    pub kb: Option<&'a KnowledgeBase>,
    /// The length of a model's input: lengths are shown up to it and as far again.
    pub max_length: u64,
    /// Entries of each ranking.
    pub top: usize,
}

/// What a corpus holds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CorpusStats {
    /// Examples.
    pub examples: u64,
    /// Sizes by level and by the languages of the running texts.
    pub groups: BTreeMap<Level, BTreeMap<String, Group>>,
    /// Facts told, by the language in which they are told.
    pub facts: BTreeMap<String, u64>,
    /// Passage pairs by label.
    pub labels: BTreeMap<PassageLabel, u64>,
    /// What lengths are measured in.
    pub unit: LengthUnit,
    /// The length of a model's input.
    pub max_length: u64,
    /// Lengths of the examples, by level.
    pub lengths: BTreeMap<Level, Lengths>,
    /// How much knowledge there is in the texts.
    pub coverage: Coverage,
    /// The concepts whose mentions were switched most often.
    pub switched: Vec<Ranked>,
    /// The concepts mentioned most often.
    pub mentioned: Vec<Ranked>,
    /// The relations told most often.
    pub relations: Vec<Ranked>,
    /// The semantic types mentioned most often; empty without a knowledge base.
    pub semantic_types: Vec<Ranked>,
}

/// What the length of an example is measured in.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthUnit {
    /// Tokens, with those that begin, separate and end.
    Tokens,
    /// Words, of scripts without spaces characters.
    WordsAndCharacters,
}

/// Sizes of the examples of one level and one language, or two.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Group {
    /// Examples, characters, mentions, switched mentions, facts.
    #[serde(flatten)]
    pub counts: ExampleCounts,
    /// Sum of the lengths.
    pub length: u64,
}

/// How long examples are.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Lengths {
    /// Examples with a length in `[n * bin_width, (n + 1) * bin_width)`; the last bin has all longer ones too.
    pub bins: Vec<u64>,
    /// Width of a bin.
    pub bin_width: u64,
    /// Mean length.
    pub mean: f64,
    /// Half of the examples are not longer.
    pub median: u64,
    /// 95 of 100 examples are not longer.
    pub percentile_95: u64,
    /// The longest.
    pub longest: u64,
    /// Examples longer than the model's input.
    pub over: u64,
}

/// How much knowledge there is in the running texts.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Coverage {
    /// Share of the examples with a mention.
    pub with_mention: f64,
    /// Mentions per 1,000 characters of running text.
    pub mentions_per_1000_characters: f64,
    /// Distinct concepts mentioned.
    pub mentioned_concepts: u64,
    /// Distinct concepts of which a mention was switched.
    pub switched_concepts: u64,
    /// Distinct concepts in facts.
    pub told_concepts: u64,
    /// Concepts of the knowledge base, if one is given.
    pub known_concepts: Option<u64>,
    /// Share of these that are mentioned or told.
    pub known_share: Option<f64>,
}

/// An entry of a ranking.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Ranked {
    /// Id of the concept or relation, or the semantic type. Without a knowledge base a relation is known by its label only.
    pub id: String,
    /// Its names: by the knowledge base, in each language of the corpus; without one, as first met.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// Reads a corpus once. Memory grows with the distinct concepts only.
///
/// # Errors
/// The corpus cannot be read, a text cannot be tokenised.
pub fn stats(corpus: &Corpus, options: &StatsOptions, progress: &dyn Fn(u64)) -> Result<CorpusStats> {
    let mut count = Count::default();
    let mut examples = corpus.examples()?;
    loop {
        let batch: Vec<Example> = examples.by_ref().take(BATCH).collect::<Result<_>>()?;
        if batch.is_empty() {
            return Ok(count.finish(corpus, options));
        }
        let lengths = batch.par_iter().map(|example| length(example, options.count_tokens));
        let lengths: Vec<u64> = lengths.collect::<Result<_>>()?;
        batch.iter().zip(lengths).for_each(|(example, length)| count.add(example, length));
        progress(count.examples);
    }
}

/// Length of an example as a model reads it, uncut: `<s> A </s> fact </s> …`, of a pair `<s> A </s></s> B </s>`.
fn length(example: &Example, count_tokens: Option<&CountTokens>) -> Result<u64> {
    let Some(count_tokens) = count_tokens else {
        let mut units = 0;
        for segment in &example.segments {
            folded_tokens(&segment.text, |_, kind| units += u64::from(kind != TokenKind::Symbol));
        }
        return Ok(units);
    };
    let segments = example.segments.len();
    let mut tokens = if example.level == Level::Passage { 2 * segments } else { 1 + segments };
    for segment in &example.segments {
        let count = count_tokens(&segment.text);
        tokens += count.map_err(|message| CorpusError::Tokens { id: example.id.clone(), message })?;
    }
    Ok(tokens as u64)
}

#[derive(Default)]
struct Count {
    examples: u64,
    groups: BTreeMap<Level, BTreeMap<String, Group>>,
    labels: BTreeMap<PassageLabel, u64>,
    lengths: BTreeMap<Level, BTreeMap<u64, u64>>,
    with_mention: u64,
    running_characters: u64,
    concepts: HashMap<String, ConceptCount>,
    /// By language and label.
    relations: BTreeMap<String, BTreeMap<String, u64>>,
}

#[derive(Default)]
struct ConceptCount {
    name: String,
    mentioned: u64,
    switched: u64,
    told: u64,
}

impl Count {
    fn add(&mut self, example: &Example, length: u64) {
        self.examples += 1;
        let group = self.groups.entry(example.level).or_default().entry(languages_of(example)).or_default();
        group.counts.count(example);
        group.length += length;
        *self.lengths.entry(example.level).or_default().entry(length).or_default() += 1;
        if let Some(label) = example.label {
            *self.labels.entry(label).or_default() += 1;
        }
        self.with_mention += u64::from(example.spans.iter().any(|span| span.role == Role::Entity));
        self.running_characters += example.running_text().map(|s| s.text.chars().count() as u64).sum::<u64>();
        for span in &example.spans {
            let text = example.text_of(span).unwrap_or_default();
            if span.role == Role::Relation {
                let lang = example.segments.get(span.segment).map_or("", |s| s.lang.as_str());
                let labels = self.relations.entry(lang.to_owned()).or_default();
                *labels.entry(text.to_owned()).or_default() += 1;
            }
            let Some(id) = &span.concept else { continue };
            if !self.concepts.contains_key(id) {
                self.concepts.insert(id.clone(), ConceptCount { name: text.to_owned(), ..ConceptCount::default() });
            }
            let Some(concept) = self.concepts.get_mut(id) else { continue };
            if span.role == Role::Entity {
                concept.mentioned += 1;
                concept.switched += u64::from(span.switched);
            } else {
                concept.told += 1;
            }
        }
    }

    fn finish(self, corpus: &Corpus, options: &StatsOptions) -> CorpusStats {
        let languages = &corpus.config().languages;
        let ranked = |count: fn(&ConceptCount) -> u64| {
            let counted = self.concepts.iter().map(|(id, concept)| (id.as_str(), count(concept)));
            top(counted, options.top, |id| {
                let named = options.kb.and_then(|kb| names(kb, id, languages));
                named.unwrap_or_else(|| self.concepts.get(id).map(|c| c.name.clone()).unwrap_or_default())
            })
        };
        let distinct = |count: fn(&ConceptCount) -> u64| self.concepts.values().filter(|c| count(c) > 0).count() as u64;
        let mentions: u64 = self.groups.values().flat_map(BTreeMap::values).map(|g| g.counts.mentions).sum();
        let known = options.kb.map(|kb| kb.concepts().len() as u64);
        let met = |kb: &KnowledgeBase| self.concepts.keys().filter(|id| kb.find_concept(id).is_some()).count() as u64;
        let coverage = Coverage {
            with_mention: share(self.with_mention, self.examples),
            mentions_per_1000_characters: 1000.0 * share(mentions, self.running_characters),
            mentioned_concepts: distinct(|c| c.mentioned),
            switched_concepts: distinct(|c| c.switched),
            told_concepts: distinct(|c| c.told),
            known_concepts: known,
            known_share: options.kb.map(|kb| share(met(kb), known.unwrap_or_default())),
        };
        CorpusStats {
            examples: self.examples,
            facts: self.relations.iter().map(|(lang, labels)| (lang.clone(), labels.values().sum())).collect(),
            unit: options.count_tokens.map_or(LengthUnit::WordsAndCharacters, |_| LengthUnit::Tokens),
            max_length: options.max_length,
            lengths: self.lengths.iter().map(|(&level, c)| (level, Lengths::of(c, options.max_length))).collect(),
            coverage,
            switched: ranked(|c| c.switched),
            mentioned: ranked(|c| c.mentioned),
            relations: relations(&self.relations, options),
            semantic_types: options.kb.map(|kb| self.semantic_types(kb, options.top)).unwrap_or_default(),
            groups: self.groups,
            labels: self.labels,
        }
    }

    fn semantic_types(&self, kb: &KnowledgeBase, limit: usize) -> Vec<Ranked> {
        let mut types: HashMap<&str, u64> = HashMap::new();
        for (id, count) in &self.concepts {
            if let Some(concept) = kb.find_concept(id) {
                *types.entry(kb.concept(concept).semantic_type).or_default() += count.mentioned;
            }
        }
        top(types.into_iter().filter(|(name, _)| !name.is_empty()), limit, str::to_owned)
    }
}

impl Lengths {
    /// From the number of examples of each length.
    fn of(counts: &BTreeMap<u64, u64>, max_length: u64) -> Self {
        let bin_width = max_length.div_ceil(BINS).max(1);
        let examples: u64 = counts.values().sum();
        let longest = counts.last_key_value().map_or(0, |(&length, _)| length);
        let mut bins = vec![0; 2 * BINS as usize];
        let last = bins.len() - 1;
        for (length, count) in counts {
            if let Some(bin) = bins.get_mut(((length / bin_width) as usize).min(last)) {
                *bin += count;
            }
        }
        let quantile = |share: f64| {
            let wanted = (share * examples as f64).ceil() as u64;
            let mut sum = 0;
            let reached = |(&length, &count): (&u64, &u64)| {
                sum += count;
                (sum >= wanted).then_some(length)
            };
            counts.iter().find_map(reached).unwrap_or_default()
        };
        let sum: u64 = counts.iter().map(|(length, count)| length * count).sum();
        Self {
            bin_width,
            mean: share(sum, examples),
            median: quantile(0.5),
            percentile_95: quantile(0.95),
            longest,
            over: counts.range(max_length + 1..).map(|(_, count)| count).sum(),
            bins,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The preferred names of a concept in these languages.
fn names(kb: &KnowledgeBase, id: &str, languages: &Languages) -> Option<String> {
    let concept = kb.find_concept(id)?;
    let preferred = |(lang, _): (&str, f64)| kb.preferred(concept, lang).map(|term| kb.term(term).text);
    let names: Vec<&str> = languages.iter().filter_map(preferred).collect();
    (!names.is_empty()).then(|| names.join(" / "))
}

/// Relations by their ids, if there is a knowledge base that knows what their labels mean; else by their labels.
fn relations(counts: &BTreeMap<String, BTreeMap<String, u64>>, options: &StatsOptions) -> Vec<Ranked> {
    let mut ids: HashMap<(&str, &str), &str> = HashMap::new();
    if let Some(kb) = options.kb {
        let relations: BTreeSet<RelationIndex> = kb.facts().iter().map(|fact| fact.relation).collect();
        for lang in counts.keys() {
            for &relation in &relations {
                if let Some(label) = kb.relation_label(relation, lang) {
                    ids.entry((lang, label)).or_insert(kb.relation_id(relation));
                }
            }
        }
    }
    let mut sums: HashMap<&str, (u64, Vec<&str>)> = HashMap::new();
    for (lang, labels) in counts {
        for (label, count) in labels {
            let id = ids.get(&(lang.as_str(), label.as_str())).copied().unwrap_or(label);
            let (sum, names) = sums.entry(id).or_default();
            *sum += count;
            names.push(label);
        }
    }
    let counted = sums.iter().map(|(&id, &(count, _))| (id, count));
    top(counted, options.top, |id| sums.get(id).map(|(_, names)| names.join(" / ")).unwrap_or_default())
}

/// The greatest, of equal ones the first by id.
fn top<'a>(counted: impl Iterator<Item = (&'a str, u64)>, limit: usize, name: impl Fn(&str) -> String) -> Vec<Ranked> {
    let mut counted: Vec<(&str, u64)> = counted.filter(|&(_, count)| count > 0).collect();
    counted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counted.truncate(limit);
    counted.into_iter().map(|(id, count)| Ranked { id: id.to_owned(), name: name(id), count }).collect()
}
