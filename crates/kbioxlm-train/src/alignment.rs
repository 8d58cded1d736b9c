//! Term alignment: names of one concept in two languages are brought together, those of different concepts apart.

mod context;
mod pairs;

use crate::TrainError;
use crate::data::Data;
use crate::metrics::TaskSum;
use burn::tensor::Gradients;
use kbioxlm_files::{is_in_share, rng_for};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, TermIndex};
use kbioxlm_model::{DropoutSeeds, Model, Tokenizer, compute_on};
use rand::RngExt;
use rand::seq::{IndexedRandom, index};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;

pub(crate) use context::ContextPair;
pub(crate) use pairs::Pairs;
use pairs::forward;

/// Term alignment, a fourth loss beside those of masking and passage pairs; it needs a knowledge base.
///
/// Every step draws concepts and, for each, a name in either of two languages. A name's embedding is the mean of the last
/// hidden states of its own sub-tokens, of length 1, as retrieval sees it. The loss is the mean cross-entropy of telling
/// each name's translation from the names of the step's other concepts by the cosine divided by `temperature`, in both
/// directions: the in-batch softmax of van den Oord et al. (2018) on the pairs of SapBERT (Liu et al. 2021), which
/// takes a multi-similarity loss over mined pairs instead.
///
/// With `contexts` the same is done with mentions in running text: each mention of a document and the name that stands in its place in
/// the code-switched document, told from those of the step's other mentions. The loss is the mean over names and mentions together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlignmentConfig {
    /// Concepts a step.
    pub concepts: NonZeroUsize,
    /// What the cosine is divided by.
    pub temperature: f64,
    /// Factor of this loss beside the others.
    pub weight: f64,
    /// Share of the concepts that is never aligned, chosen by their ids: the same that `held_out_share` of a corpus holds out.
    pub held_out: f64,
    /// Code-switched documents a step whose mentions are aligned; they take corpora with the level entity. 0: names alone.
    pub contexts: usize,
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        Self {
            concepts: NonZeroUsize::MIN.saturating_add(63),
            temperature: 0.05,
            weight: 1.0,
            held_out: 0.0,
            contexts: 0,
        }
    }
}

/// The concepts that can be aligned.
#[derive(Debug)]
pub(crate) struct Alignment<'a> {
    kb: &'a KnowledgeBase,
    tokenizer: &'a Tokenizer,
    config: &'a AlignmentConfig,
    languages: Vec<String>,
    concepts: Vec<ConceptIndex>,
    max_length: usize,
}

impl<'a> Alignment<'a> {
    /// `languages`: those of the corpora.
    ///
    /// # Errors
    /// Fewer than two concepts have different names in two of the languages.
    pub(crate) fn new(
        kb: &'a KnowledgeBase,
        tokenizer: &'a Tokenizer,
        config: &'a AlignmentConfig,
        languages: &BTreeSet<String>,
        max_length: usize,
    ) -> Result<Self, TrainError> {
        let languages: Vec<String> = languages.iter().cloned().collect();
        let held_out = |c: ConceptIndex| is_in_share(config.held_out, &["held-out concept", kb.concept(c).id]);
        let all = (0..kb.concepts().len() as u32).map(ConceptIndex);
        let concepts: Vec<ConceptIndex> =
            all.filter(|&c| !held_out(c) && !pairs(kb, c, &languages).is_empty()).collect();
        if concepts.len() < 2 {
            return Err(TrainError::Setting {
                key: "alignment",
                found: format!("{} concepts to align", concepts.len()),
                expected: format!("concepts with different names in two of: {}", languages.join(", ")),
                help: "name the knowledge base that the corpora were built with, or leave out `alignment`".to_owned(),
            });
        }
        Ok(Self { kb, tokenizer, config, languages, concepts, max_length })
    }

    /// Ids of the concepts that are aligned.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.concepts.iter().map(|c| self.kb.concept(*c).id.to_owned())
    }

    /// What a step aligns, drawn by the run's `seed` and the step's number alone.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub(crate) fn draw(&self, data: &Data, seed: u64, step: u64) -> Result<Vec<Pairs>, TrainError> {
        let mut drawn = vec![self.names(seed, step)?];
        if self.config.contexts > 0 {
            drawn.push(context::draw(data, self.config.contexts, seed, step));
        }
        Ok(drawn)
    }

    /// Names of concepts, no two of which share one: it would be right and wrong at once.
    fn names(&self, seed: u64, step: u64) -> Result<Pairs, TrainError> {
        let mut rng = rng_for(seed, &["alignment", &step.to_string()]);
        let most = self.config.concepts.get().min(self.concepts.len());
        let mut names = HashSet::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for number in index::sample(&mut rng, self.concepts.len(), most) {
            let Some(&concept) = self.concepts.get(number) else { continue };
            let languages = pairs(self.kb, concept, &self.languages);
            let Some((a, b)) = languages.choose(&mut rng) else { continue };
            let (Some(&x), Some(&y)) = (a.choose(&mut rng), b.choose(&mut rng)) else { continue };
            let [x, y] = [x, y].map(|term| self.kb.term(term).text);
            if x == y || names.contains(x) || names.contains(y) {
                continue;
            }
            names.extend([x, y]);
            // Which language is asked and which answers is the same loss; changing sides costs nothing and keeps it plain.
            let (x, y) = if rng.random() { (x, y) } else { (y, x) };
            first.push(self.encode(x)?);
            second.push(self.encode(y)?);
        }
        Ok(Pairs::of_names(first, second))
    }

    fn encode(&self, name: &str) -> Result<Vec<u32>, TrainError> {
        let special = self.tokenizer.special();
        let ids = self.tokenizer.encode(name)?.ids;
        let inner = ids.into_iter().take(self.max_length - 2);
        Ok(std::iter::once(special.bos).chain(inner).chain([special.eos]).collect())
    }

    /// Forward and backward pass; `None` if there is nothing to tell apart.
    pub(crate) fn backward(
        &self,
        model: &Model,
        pairs: &[Pairs],
        seeds: &mut DropoutSeeds,
    ) -> Option<(Gradients, TaskSum)> {
        let AlignmentConfig { temperature, weight, .. } = *self.config;
        compute_on(&model.device(), || {
            let (loss, sum) = forward(model, pairs, temperature, seeds)?;
            Some((loss.mul_scalar(weight).backward(), sum))
        })
    }
}

/// The names of a concept in each two of the languages in which it has any.
fn pairs(kb: &KnowledgeBase, concept: ConceptIndex, languages: &[String]) -> Vec<(Vec<TermIndex>, Vec<TermIndex>)> {
    let names: Vec<Vec<TermIndex>> = languages
        .iter()
        .map(|lang| kb.translations(concept, lang).collect::<Vec<_>>())
        .filter(|names| !names.is_empty())
        .collect();
    let mut pairs = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in names.iter().skip(i + 1) {
            let differ = a.iter().any(|x| b.iter().any(|y| kb.term(*x).text != kb.term(*y).text));
            if differ {
                pairs.push((a.clone(), b.clone()));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests;
