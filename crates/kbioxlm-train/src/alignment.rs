//! Term alignment: names of one concept in two languages are brought together, those of different concepts apart.

use crate::TrainError;
use crate::metrics::TaskSum;
use burn::tensor::{Gradients, Tensor, TensorData};
use kbioxlm_files::{is_in_share, rng_for};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, TermIndex};
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch, Tokenizer};
use kbioxlm_ops::cross_entropy;
use rand::RngExt;
use rand::seq::{IndexedRandom, index};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;

/// Term alignment, a fourth loss beside those of masking and passage pairs; it needs a knowledge base.
///
/// Every step draws concepts and, for each, a name in either of two languages. A name's embedding is the mean of the last
/// hidden states of its own sub-tokens, of length 1, as retrieval sees it. The loss is the mean cross-entropy of telling
/// each name's translation from the names of the step's other concepts by the cosine divided by `temperature`, in both
/// directions: the in-batch softmax of van den Oord et al. (2018) on the pairs of SapBERT (Liu et al. 2021), which
/// takes a multi-similarity loss over mined pairs instead.
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
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        Self { concepts: NonZeroUsize::MIN.saturating_add(63), temperature: 0.05, weight: 1.0, held_out: 0.0 }
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

    /// The names of a step, drawn by the run's `seed` and the step's number alone.
    ///
    /// No two of its concepts share a name, which would be right and wrong at once.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub(crate) fn draw(&self, seed: u64, step: u64) -> Result<TermPairs, TrainError> {
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
        Ok(TermPairs { sequences: first.into_iter().chain(second).collect() })
    }

    fn encode(&self, name: &str) -> Result<Vec<u32>, TrainError> {
        let special = self.tokenizer.special();
        let ids = self.tokenizer.encode(name)?.ids;
        let inner = ids.into_iter().take(self.max_length - 2);
        Ok(std::iter::once(special.bos).chain(inner).chain([special.eos]).collect())
    }

    /// Forward and backward pass over the names; `None` if there are fewer than two concepts to tell apart.
    pub(crate) fn backward(
        &self,
        model: &Model,
        pairs: &TermPairs,
        seeds: &mut DropoutSeeds,
    ) -> Option<(Gradients, TaskSum)> {
        let (loss, sum) = forward(model, pairs, self.config.temperature, seeds)?;
        Some((loss.mul_scalar(self.config.weight).backward(), sum))
    }
}

/// Names of `n` concepts in one language, then their names in another one, with special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TermPairs {
    sequences: Vec<Vec<u32>>,
}

impl TermPairs {
    pub(crate) fn tokens(&self) -> u64 {
        self.sequences.iter().map(|s| s.len() as u64).sum()
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

/// The mean loss over the names, and its sum with the number of names whose translation is the nearest.
fn forward(
    model: &Model,
    pairs: &TermPairs,
    temperature: f64,
    seeds: &mut DropoutSeeds,
) -> Option<(Tensor<1>, TaskSum)> {
    let n = pairs.sequences.len() / 2;
    if n < 2 {
        return None;
    }
    let states = model.encode(&PackedBatch::from_sequences(&pairs.sequences), seeds);
    let embeddings = mean_states(states, &pairs.sequences);
    let (first, second) = (embeddings.clone().narrow(0, 0, n), embeddings.narrow(0, n, n));
    let similarity = first.matmul(second.transpose()).div_scalar(temperature);
    let targets: Vec<u32> = (0..n as u32).collect();
    let right = nearest(&similarity.clone().inner(), n);
    let both = cross_entropy(similarity.clone(), &targets) + cross_entropy(similarity.transpose(), &targets);
    let loss: f64 = both.clone().into_scalar::<f32>().into();
    let names = 2 * n;
    Some((both.div_scalar(names as f64), TaskSum { loss, correct: right, count: names as u64 }))
}

/// Means of length 1 of the states of each sequence's own sub-tokens, `[sequences, hidden]`.
fn mean_states(states: Tensor<2>, sequences: &[Vec<u32>]) -> Tensor<2> {
    let [tokens, _] = states.dims();
    let mut weights = vec![0.0f32; sequences.len() * tokens];
    let mut start = 0;
    for (row, sequence) in weights.chunks_mut(tokens.max(1)).zip(sequences) {
        let own = start + 1..start + sequence.len() - 1;
        let share = 1.0 / own.len().max(1) as f32;
        row.iter_mut().take(own.end).skip(own.start).for_each(|w| *w = share);
        start += sequence.len();
    }
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [sequences.len(), tokens]), &states.device());
    let means = weights.matmul(states);
    let norms = means.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-9);
    means / norms
}

/// In how many rows and columns the diagonal is the largest, the first of equals.
fn nearest(similarity: &Tensor<2>, n: usize) -> u64 {
    let count = |largest: Tensor<2, burn::tensor::Int>| {
        let largest = largest.into_data();
        largest.iter::<i64>().zip(0..n as i64).filter(|(found, own)| found == own).count() as u64
    };
    count(similarity.clone().argmax(1)) + count(similarity.clone().argmax(0))
}

#[cfg(test)]
mod tests;
