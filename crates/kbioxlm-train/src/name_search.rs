//! Names looked up across languages while a model trains.

use crate::TrainError;
use crate::config::share;
use crate::retrieval::{Hit, Lookup, Names, Retrieval};
use kbioxlm_files::{is_in_share, rng_for};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase};
use kbioxlm_model::{Model, Pretrained, Tokenizer};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::num::{NonZeroU64, NonZeroUsize};

/// Retrieval of names: how often the model's embedding of a concept's name in one language is nearest to one of its names in
/// another one, for each two languages of the corpora and in both directions.
///
/// A concept is *held out* from the corpora if no example that is trained on has it code-switched or tells a fact about
/// it, and none of its names is one of a concept for which that is so. It may well be mentioned in the text
/// of its language. Which concepts a corpus is to hold out are settings of `corpus build` (`held_out`, `held_out_share`);
/// those that its texts never mention are held out by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrievalConfig {
    /// Steps between searches; there is one more before the first step and one after the last.
    pub every: NonZeroU64,
    /// Concepts that are looked up at most, of those held out and of the others each; a sample by the run's seed.
    pub concepts: NonZeroUsize,
    /// Names among which to find the right one: all of the concepts looked up, then those of others, a sample, up to
    /// this number.
    pub max_names: NonZeroUsize,
}

impl Default for RetrievalConfig {
    fn default() -> Self {
        Self {
            every: NonZeroU64::MIN.saturating_add(499),
            concepts: NonZeroUsize::MIN.saturating_add(199),
            max_names: NonZeroUsize::MIN.saturating_add(4999),
        }
    }
}

/// How well names are found in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrievalMetrics {
    /// Language of the names looked up.
    pub from: String,
    /// Language of the names to find.
    pub to: String,
    /// Names among which to find the right one.
    pub names: usize,
    /// Concepts that are held out from the corpora.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_out: Option<NamesFound>,
    /// Concepts that the corpora code-switch or tell facts about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anchored: Option<NamesFound>,
}

/// How many names were found.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamesFound {
    /// Concepts looked up.
    pub concepts: u64,
    /// Share of them whose own name is the nearest.
    pub accuracy_at_1: f64,
    /// Share of them one of whose own names is among the five nearest.
    pub accuracy_at_5: f64,
    /// Mean of 1 / rank of their own name.
    #[serde(default)]
    pub mrr: f64,
}

impl NamesFound {
    fn new(retrieval: &Retrieval, choose: impl Fn(&Hit) -> bool) -> Option<Self> {
        Some(Self {
            concepts: retrieval.hits.iter().filter(|hit| choose(hit)).count() as u64,
            accuracy_at_1: retrieval.accuracy_at(1, &choose)?,
            accuracy_at_5: retrieval.accuracy_at(5, &choose)?,
            mrr: retrieval.mean_reciprocal_rank(&choose)?,
        })
    }
}

/// Which names a finished model has to find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermSample {
    /// Languages, at least two: from each to each other.
    pub languages: BTreeSet<String>,
    /// Concepts that are looked up at most, of those held out and of the others each; default 1000.
    #[serde(default = "TermSample::default_concepts")]
    pub concepts: NonZeroUsize,
    /// Names among which to find the right one, as [`RetrievalConfig::max_names`]; default all there are.
    #[serde(default = "TermSample::default_names")]
    pub max_names: NonZeroUsize,
    /// Share of the concepts that corpora and alignment held out, see [`RetrievalMetrics::held_out`]; default none.
    #[serde(default)]
    pub held_out: f64,
    /// Seed of the choice; default 0.
    #[serde(default)]
    pub seed: u64,
}

impl TermSample {
    fn default_concepts() -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(999)
    }

    fn default_names() -> NonZeroUsize {
        NonZeroUsize::MAX
    }
}

/// Term retrieval across languages without any fine-tuning, as in XL-BEL (Liu et al. 2021): a concept's name in one language, and
/// which of the names in another one is nearest to it. See [`name_retrieval`](crate::name_retrieval) for the embeddings.
///
/// Concepts are told apart into those that a corpus with the same `held_out_share` holds out, and all others (`anchored`), whether
/// or not the model has met them: so all models are asked for the same names.
///
/// # Errors
/// Settings that cannot work; the knowledge base has no concept with names in two of the languages; the tokenizer fails.
pub fn term_retrieval(
    pretrained: &Pretrained,
    kb: &KnowledgeBase,
    sample: &TermSample,
) -> Result<Vec<RetrievalMetrics>, TrainError> {
    share("held_out", sample.held_out)?;
    let ids = (0..kb.concepts().len() as u32).map(|c| kb.concept(ConceptIndex(c)).id.to_owned());
    let anchored = ids.filter(|id| !is_in_share(sample.held_out, &["held-out concept", id])).collect();
    let config =
        RetrievalConfig { concepts: sample.concepts, max_names: sample.max_names, ..RetrievalConfig::default() };
    let Pretrained { config: model_config, model, tokenizer, .. } = pretrained;
    let length = model_config.max_length();
    let search = NameSearch::new(kb, &config, sample.seed, &sample.languages, &anchored, tokenizer, length)?;
    Ok(search.run(model))
}

/// The names to look up, chosen and tokenised once.
#[derive(Debug)]
pub(crate) struct NameSearch {
    lookups: Vec<Lookup>,
    /// Ids of the held-out ones among the concepts looked up.
    held_out: BTreeSet<String>,
}

impl NameSearch {
    /// `languages`: those of the corpora; `anchored`: ids of the concepts that they tie together.
    ///
    /// # Errors
    /// The knowledge base is not that of the corpora, has no concept with names in two of the languages, or the tokenizer fails.
    pub(crate) fn new(
        kb: &KnowledgeBase,
        config: &RetrievalConfig,
        seed: u64,
        languages: &BTreeSet<String>,
        anchored: &BTreeSet<String>,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self, TrainError> {
        let wrong = |found: &str, expected: String| TrainError::Setting {
            key: "knowledge",
            found: found.to_owned(),
            expected,
            help: "name the knowledge base that the corpora were built with".to_owned(),
        };
        let tied: HashSet<ConceptIndex> = anchored.iter().filter_map(|id| kb.find_concept(id)).collect();
        if let (true, Some(id)) = (tied.is_empty(), anchored.first()) {
            return Err(wrong("without any concept of the corpora", format!("one with `{id}`")));
        }
        let groups = Groups::new(kb, languages, tied, seed);
        let mut search = Self { lookups: Vec::new(), held_out: BTreeSet::new() };
        for from in languages {
            for to in languages.iter().filter(|to| *to != from) {
                let asked = groups.asked(from, to, config.concepts.get());
                let ids = asked.iter().filter(|c| groups.is_held_out(**c)).map(|c| kb.concept(*c).id.to_owned());
                search.held_out.extend(ids);
                let offered = groups.offered(&asked, to, config.max_names.get());
                let names = Names::new(kb, from, to, |c| asked.contains(&c), |c| offered.contains(&c));
                if !asked.is_empty() {
                    search.lookups.push(Lookup::new(names, tokenizer, max_length)?);
                }
            }
        }
        if search.lookups.is_empty() {
            let languages = languages.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(wrong("without a name to look up", format!("concepts with names in two of: {languages}")));
        }
        Ok(search)
    }

    pub(crate) fn run(&self, model: &Model) -> Vec<RetrievalMetrics> {
        self.metrics(|lookup| lookup.run(model))
    }

    /// What [`NameSearch::run`] gives, with no name found.
    pub(crate) fn unanswered(&self) -> Vec<RetrievalMetrics> {
        self.metrics(Lookup::unanswered)
    }

    fn metrics(&self, look: impl Fn(&Lookup) -> Retrieval) -> Vec<RetrievalMetrics> {
        let metrics = |lookup: &Lookup| {
            let retrieval = look(lookup);
            let is_held_out = |hit: &Hit| self.held_out.contains(&hit.concept);
            RetrievalMetrics {
                held_out: NamesFound::new(&retrieval, is_held_out),
                anchored: NamesFound::new(&retrieval, |hit| !is_held_out(hit)),
                names: retrieval.candidates,
                from: retrieval.from,
                to: retrieval.to,
            }
        };
        self.lookups.iter().map(metrics).collect()
    }
}

/// The concepts in an order of chance, and what the corpora do with them.
struct Groups<'a> {
    kb: &'a KnowledgeBase,
    order: Vec<ConceptIndex>,
    tied: HashSet<ConceptIndex>,
    /// Names of the concepts in `tied`.
    tied_names: HashSet<&'a str>,
    languages: &'a BTreeSet<String>,
}

impl<'a> Groups<'a> {
    fn new(kb: &'a KnowledgeBase, languages: &'a BTreeSet<String>, tied: HashSet<ConceptIndex>, seed: u64) -> Self {
        let mut order: Vec<ConceptIndex> = (0..kb.concepts().len() as u32).map(ConceptIndex).collect();
        order.sort_by_cached_key(|c| rng_for(seed, &["retrieval", kb.concept(*c).id]).next_u64());
        let names = |c: &ConceptIndex| languages.iter().flat_map(|lang| kb.translations(*c, lang)).collect::<Vec<_>>();
        let tied_names = tied.iter().flat_map(names).map(|term| kb.term(term).text).collect();
        Self { kb, order, tied, tied_names, languages }
    }

    fn is_held_out(&self, concept: ConceptIndex) -> bool {
        let mut names = self.languages.iter().flat_map(|lang| self.kb.translations(concept, lang));
        !self.tied.contains(&concept) && names.all(|term| !self.tied_names.contains(self.kb.term(term).text))
    }

    /// The first `most` held-out and the first `most` tied concepts with names in both languages: the same in both directions.
    fn asked(&self, from: &str, to: &str, most: usize) -> HashSet<ConceptIndex> {
        let named = |c: &&ConceptIndex| [from, to].iter().all(|lang| self.kb.preferred(**c, lang).is_some());
        let named = || self.order.iter().filter(named).copied();
        let held_out = named().filter(|c| self.is_held_out(*c)).take(most);
        held_out.chain(named().filter(|c| self.tied.contains(c)).take(most)).collect()
    }

    /// Further concepts whose names in `to`, with those of the concepts asked for, are about `most`.
    fn offered(&self, asked: &HashSet<ConceptIndex>, to: &str, most: usize) -> HashSet<ConceptIndex> {
        let names = |c: &ConceptIndex| self.kb.translations(*c, to).count();
        let mut total: usize = asked.iter().map(names).sum();
        let others = self.order.iter().filter(|c| !asked.contains(*c));
        let fits = |c: &&ConceptIndex| {
            total += names(c);
            total <= most
        };
        others.take_while(fits).copied().collect()
    }
}

#[cfg(test)]
mod tests;
