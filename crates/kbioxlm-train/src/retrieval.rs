//! Finding a concept's names in another language by their embeddings.

use crate::TrainError;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, TermIndex};
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch, Pretrained, Tokenizer, compute_on};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names whose embeddings are computed at once.
const BATCH: usize = 64;

/// The answer to one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Id of the concept asked for.
    pub concept: String,
    /// Its preferred name in the one language.
    pub query: String,
    /// The nearest of all names in the other language.
    pub answer: String,
    /// The place of the concept's own name among them, the nearest one's, counted from 1.
    pub rank: usize,
}

impl Hit {
    /// Whether the nearest name is one of the concept's own.
    pub fn found(&self) -> bool {
        self.rank == 1
    }
}

/// How well names are found across languages.
#[derive(Clone, Debug, Serialize)]
pub struct Retrieval {
    /// Language of the queries.
    pub from: String,
    /// Language of the candidates.
    pub to: String,
    /// Distinct names among which to find the right one.
    pub candidates: usize,
    /// One answer a concept that has names in both languages, in the order of the knowledge base.
    pub hits: Vec<Hit>,
}

impl Retrieval {
    /// Share of the concepts found, of all.
    pub fn accuracy(&self) -> f64 {
        self.accuracy_where(|_| true).unwrap_or(0.0)
    }

    /// Share of the concepts found, of those that `choose` accepts; `None` where it accepts none.
    pub fn accuracy_where(&self, choose: impl Fn(&Hit) -> bool) -> Option<f64> {
        self.accuracy_at(1, choose)
    }

    /// Share of the concepts with a name of theirs among the `k` nearest, of those that `choose` accepts; `None` where it
    /// accepts none.
    pub fn accuracy_at(&self, k: usize, choose: impl Fn(&Hit) -> bool) -> Option<f64> {
        let chosen: Vec<&Hit> = self.hits.iter().filter(|h| choose(h)).collect();
        let found = chosen.iter().filter(|h| h.rank <= k).count();
        (!chosen.is_empty()).then(|| found as f64 / chosen.len() as f64)
    }

    /// Mean over the concepts that `choose` accepts of 1 / rank of their own name (mean reciprocal rank); `None` where it
    /// accepts none.
    pub fn mean_reciprocal_rank(&self, choose: impl Fn(&Hit) -> bool) -> Option<f64> {
        let ranks: Vec<f64> = self.hits.iter().filter(|h| choose(h)).map(|h| 1.0 / h.rank as f64).collect();
        (!ranks.is_empty()).then(|| ranks.iter().sum::<f64>() / ranks.len() as f64)
    }
}

/// Looks up each concept's name in language `to` from its preferred name in language `from`.
///
/// A name's embedding is the mean of the last hidden states of its own sub-tokens, without `<s>` and `</s>` (whose states
/// are the same kind of thing for every name and would bring all names closer together; no loss of pretraining teaches
/// `<s>` to stand for a name), of length 1. Candidates are
/// *all* distinct names in `to` that may stand for a concept, the nearest by cosine wins, of equally near ones the first in
/// the order of their characters. A name that several concepts share is right for each of them.
///
/// # Errors
/// The tokenizer fails.
pub fn name_retrieval(
    pretrained: &Pretrained,
    kb: &KnowledgeBase,
    from: &str,
    to: &str,
) -> Result<Retrieval, TrainError> {
    let Pretrained { config, model, tokenizer, .. } = pretrained;
    let names = Names::new(kb, from, to, |_| true, |_| true);
    Ok(Lookup::new(names, tokenizer, config.max_length())?.run(model))
}

/// The names to look up and those to find.
#[derive(Debug)]
pub(crate) struct Names {
    from: String,
    to: String,
    /// Concepts with their ids and names in `from`.
    queries: Vec<(ConceptIndex, String, String)>,
    /// Names in `to` with the concepts that they stand for.
    candidates: BTreeMap<String, BTreeSet<ConceptIndex>>,
}

impl Names {
    /// `asked`: the concepts to look up, if they have names in both languages; `offered`: those whose names in `to` are candidates
    /// besides.
    pub(crate) fn new(
        kb: &KnowledgeBase,
        from: &str,
        to: &str,
        asked: impl Fn(ConceptIndex) -> bool,
        offered: impl Fn(ConceptIndex) -> bool,
    ) -> Self {
        let text = |term: TermIndex| kb.term(term).text.to_owned();
        let mut names =
            Self { from: from.to_owned(), to: to.to_owned(), queries: Vec::new(), candidates: BTreeMap::new() };
        for concept in (0..kb.concepts().len() as u32).map(ConceptIndex) {
            let asked = asked(concept);
            if !asked && !offered(concept) {
                continue;
            }
            let own: Vec<String> = kb.translations(concept, to).map(text).collect();
            if let (true, Some(query), false) = (asked, kb.preferred(concept, from), own.is_empty()) {
                names.queries.push((concept, kb.concept(concept).id.to_owned(), text(query)));
            }
            for name in own {
                names.candidates.entry(name).or_default().insert(concept);
            }
        }
        names
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.queries.len(), self.candidates.len())
    }
}

/// Names as the model reads them: made once, run as often as the model has changed.
#[derive(Debug)]
pub(crate) struct Lookup {
    names: Names,
    queries: Vec<Vec<u32>>,
    candidates: Vec<Vec<u32>>,
    /// Numbers of the candidates that are names of a concept, ascending.
    own: HashMap<ConceptIndex, Vec<usize>>,
}

impl Lookup {
    pub(crate) fn new(names: Names, tokenizer: &Tokenizer, max_length: usize) -> Result<Self, TrainError> {
        let special = tokenizer.special();
        let encode = |text: &str| -> Result<Vec<u32>, TrainError> {
            let ids = tokenizer.encode(text)?.ids;
            let inner = ids.into_iter().take(max_length - 2);
            Ok(std::iter::once(special.bos).chain(inner).chain([special.eos]).collect())
        };
        let queries = names.queries.iter().map(|(_, _, name)| encode(name)).collect::<Result<_, _>>()?;
        let candidates = names.candidates.keys().map(|name| encode(name)).collect::<Result<_, _>>()?;
        let mut own: HashMap<ConceptIndex, Vec<usize>> = HashMap::new();
        for (i, concepts) in names.candidates.values().enumerate() {
            concepts.iter().for_each(|c| own.entry(*c).or_default().push(i));
        }
        Ok(Self { names, queries, candidates, own })
    }

    /// The questions alone, each with an answer beyond all candidates.
    pub(crate) fn unanswered(&self) -> Retrieval {
        let Names { from, to, queries, candidates } = &self.names;
        let hit = |(_, concept, query): &(ConceptIndex, String, String)| Hit {
            concept: concept.clone(),
            query: query.clone(),
            answer: String::new(),
            rank: candidates.len() + 1,
        };
        let hits = queries.iter().map(hit).collect();
        Retrieval { from: from.clone(), to: to.clone(), candidates: candidates.len(), hits }
    }

    pub(crate) fn run(&self, model: &Model) -> Retrieval {
        let model = model.valid();
        let Names { from, to, queries, candidates } = &self.names;
        let names: Vec<&String> = candidates.keys().collect();
        let embedded = embed(&model, &self.candidates);
        let mut hits = Vec::with_capacity(queries.len());
        for (chunk, ids) in queries.chunks(BATCH).zip(self.queries.chunks(BATCH)) {
            let near = embed(&model, ids).matmul(embedded.clone().transpose()).into_data();
            let near: Vec<f32> = near.iter::<f32>().collect();
            for ((concept, id, query), row) in chunk.iter().zip(near.chunks(names.len().max(1))) {
                let own = self.own.get(concept).into_iter().flatten().filter_map(|&i| Some((i, *row.get(i)?)));
                let (Some((answer, _)), Some((own, value))) =
                    (first_of(row.iter().copied().enumerate()), first_of(own))
                else {
                    continue; // Never: a concept that is asked for has a name among the candidates.
                };
                let before = row.iter().enumerate().filter(|&(i, &other)| other > value || (other == value && i < own));
                let rank = 1 + before.count();
                let answer = names.get(answer).map_or_else(String::new, |name| (*name).clone());
                hits.push(Hit { concept: id.clone(), query: query.clone(), answer, rank });
            }
        }
        Retrieval { from: from.clone(), to: to.clone(), candidates: names.len(), hits }
    }
}

/// The largest, of equally large ones the first.
fn first_of(values: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
    values.reduce(|best, other| if other.1 > best.1 { other } else { best })
}

/// Embeddings of length 1 of the sequences, `[sequences, hidden]`: see [`name_retrieval`]. Nothing is trained on them, so `model` should
/// be one without gradients.
pub fn embed(model: &Model, sequences: &[Vec<u32>]) -> Tensor<2> {
    let mut rows: Vec<f32> = Vec::new();
    let mut width = 0;
    let device = model.device();
    for chunk in sequences.chunks(BATCH) {
        let batch = PackedBatch::from_sequences(chunk);
        let hidden = compute_on(&device, || model.encode(&batch, &mut DropoutSeeds::off()));
        [_, width] = hidden.dims();
        let hidden: Vec<f32> = hidden.into_data().iter::<f32>().collect();
        let mut states = hidden.chunks(width);
        for sequence in chunk {
            let mut sum = vec![0.0f64; width];
            for (i, state) in states.by_ref().take(sequence.len()).enumerate() {
                if i > 0 && i + 1 < sequence.len() {
                    sum.iter_mut().zip(state).for_each(|(s, &x)| *s += f64::from(x));
                }
            }
            let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            rows.extend(sum.iter().map(|x| (x / norm) as f32));
        }
    }
    Tensor::from_data(TensorData::new(rows, [sequences.len(), width]), &device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_the_mean_reciprocal_rank_are_of_the_concepts_chosen() {
        let hit =
            |concept: &str, rank| Hit { concept: concept.into(), query: String::new(), answer: String::new(), rank };
        let hits = vec![hit("a", 1), hit("b", 4), hit("b", 2), hit("c", 10)];
        let found = Retrieval { from: "en".into(), to: "zh".into(), candidates: 10, hits };
        assert_eq!([found.accuracy_at(1, |_| true), found.accuracy_at(5, |_| true)], [Some(0.25), Some(0.75)]);
        assert_eq!(found.mean_reciprocal_rank(|h| h.concept == "b"), Some((0.25 + 0.5) / 2.0));
        assert_eq!(found.mean_reciprocal_rank(|h| h.concept == "d"), None);
    }
}
