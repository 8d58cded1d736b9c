//! Finding a concept's names in another language by their embeddings.

use crate::EvalError;
use burn::tensor::{DType, Tensor, TensorData};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, TermIndex};
use kbioxlm_model::{DropoutSeeds, PackedBatch, Pretrained};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Whether that is one of the concept's own names.
    pub found: bool,
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
        let chosen: Vec<&Hit> = self.hits.iter().filter(|h| choose(h)).collect();
        let found = chosen.iter().filter(|h| h.found).count();
        (!chosen.is_empty()).then(|| found as f64 / chosen.len() as f64)
    }
}

/// Looks up each concept's name in language `to` from its preferred name in language `from` (accuracy@1).
///
/// A name's embedding is the mean of the last hidden states of its own sub-tokens, without `<s>` and `</s>` (whose states
/// are the same kind of thing for every name and would bring all names closer together), of length 1. Candidates are
/// *all* distinct names in `to` that may stand for a concept, the nearest by cosine wins, of equally near ones the first in
/// the order of their characters. A name that several concepts share is right for each of them.
///
/// # Errors
/// The tokenizer or the device fails.
pub fn name_retrieval(
    pretrained: &Pretrained,
    kb: &KnowledgeBase,
    from: &str,
    to: &str,
) -> Result<Retrieval, EvalError> {
    let text = |term: TermIndex| kb.term(term).text.to_owned();
    let mut owners: BTreeMap<String, BTreeSet<ConceptIndex>> = BTreeMap::new();
    let mut queries: Vec<(ConceptIndex, String)> = Vec::new();
    for concept in (0..kb.concepts().len() as u32).map(ConceptIndex) {
        let names: Vec<String> = kb.translations(concept, to).map(text).collect();
        if let (Some(query), false) = (kb.preferred(concept, from), names.is_empty()) {
            queries.push((concept, text(query)));
        }
        for name in names {
            owners.entry(name).or_default().insert(concept);
        }
    }
    let names: Vec<&str> = owners.keys().map(String::as_str).collect();
    let candidates = embed(pretrained, &names)?;
    let mut hits = Vec::with_capacity(queries.len());
    for chunk in queries.chunks(BATCH) {
        let texts: Vec<&str> = chunk.iter().map(|(_, query)| query.as_str()).collect();
        let near = values(embed(pretrained, &texts)?.matmul(candidates.clone().transpose()))?;
        for ((concept, query), row) in chunk.iter().zip(near.chunks(names.len())) {
            let best = (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
            let (answer, owners) = owners
                .get_key_value(names[best])
                .map_or((String::new(), false), |(a, o)| (a.clone(), o.contains(concept)));
            let concept = kb.concept(*concept).id.to_owned();
            hits.push(Hit { concept, query: query.clone(), answer, found: owners });
        }
    }
    Ok(Retrieval { from: from.to_owned(), to: to.to_owned(), candidates: names.len(), hits })
}

/// Embeddings of length 1 of the texts, `[texts, hidden]`.
fn embed(pretrained: &Pretrained, texts: &[&str]) -> Result<Tensor<2>, EvalError> {
    let Pretrained { config, model, tokenizer, .. } = pretrained;
    let special = tokenizer.special();
    let width = config.hidden_size;
    let mut rows: Vec<f32> = Vec::with_capacity(texts.len() * width);
    let mut device = None;
    for chunk in texts.chunks(BATCH) {
        let encode = |text: &&str| -> Result<Vec<u32>, EvalError> {
            let ids = tokenizer.encode(text)?.ids;
            let inner = ids.into_iter().take(config.max_length() - 2);
            Ok(std::iter::once(special.bos).chain(inner).chain([special.eos]).collect())
        };
        let sequences = chunk.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let hidden = model.encode(&PackedBatch::from_sequences(&sequences), &mut DropoutSeeds::off());
        device = Some(hidden.device());
        let hidden = values(hidden)?;
        let mut states = hidden.chunks(width);
        for sequence in &sequences {
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
    let device = device.unwrap_or_default();
    Ok(Tensor::from_data(TensorData::new(rows, [texts.len(), width]), &device))
}

fn values(tensor: Tensor<2>) -> Result<Vec<f32>, EvalError> {
    let data = tensor.into_data().convert_dtype(DType::F32);
    data.try_into_vec().map_err(|e| EvalError::Device(format!("{e:?}")))
}
