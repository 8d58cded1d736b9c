//! What is measured before and after anchoring.

use anyhow::{Context, Result, ensure};
use kbioxlm_corpus::Corpus;
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{DropoutSeeds, Heads, PackedBatch, load};
use kbioxlm_train::{Hit, encode_example, name_retrieval};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Examples that are computed at once.
const BATCH: usize = 16;

/// Answers by language of the names looked for.
pub(crate) type Hits = BTreeMap<String, Vec<Hit>>;

/// Looks up every concept's names in `languages` from its preferred name in `from`.
pub(crate) fn retrieval(model: &Path, kb: &KnowledgeBase, from: &str, languages: &[&str], seed: u64) -> Result<Hits> {
    let pretrained = load(model, &Heads::default(), seed, &kbioxlm_model::device())?;
    let of = |to: &&str| Ok((to.to_string(), name_retrieval(&pretrained, kb, from, to)?.hits));
    languages.iter().map(of).collect()
}

/// Share of the concepts found, of those that `choose` accepts by their id; 0 where it accepts none.
pub(crate) fn accuracy<'a>(hits: impl IntoIterator<Item = &'a Hit>, choose: impl Fn(&str) -> bool) -> f64 {
    let chosen: Vec<&Hit> = hits.into_iter().filter(|h| choose(&h.concept)).collect();
    chosen.iter().filter(|h| h.found()).count() as f64 / chosen.len().max(1) as f64
}

/// How well the passage relation of the pairs in `corpora` is predicted: share of right answers, number of pairs.
pub(crate) fn passage_relations(model: &Path, corpora: &[&Path], max_length: usize, seed: u64) -> Result<(f64, usize)> {
    let pretrained = load(model, &Heads { prp: true, ..Heads::default() }, seed, &kbioxlm_model::device())?;
    let new: BTreeSet<&str> = pretrained.initialised.iter().map(String::as_str).collect();
    ensure!(new.is_empty(), "{}: no head for passage relations ({new:?})", model.display());
    let mut examples = Vec::new();
    for corpus in corpora {
        for example in Corpus::open(corpus)?.examples()? {
            examples.push(encode_example(&example?, &pretrained.tokenizer, max_length)?);
        }
    }
    let mut right = 0;
    for batch in examples.chunks(BATCH) {
        let sequences: Vec<&[u32]> = batch.iter().map(|e| e.ids.as_slice()).collect();
        let packed = PackedBatch::from_sequences(&sequences);
        let states = pretrained.model.encode_rows(&packed, &packed.starts(), &mut DropoutSeeds::off());
        let logits: Vec<f32> = pretrained.model.prp_logits(states).into_data().iter::<f32>().collect();
        let classes = logits.len() / batch.len();
        for (example, scores) in batch.iter().zip(logits.chunks(classes.max(1))) {
            let best = (0..scores.len())
                .max_by(|&a, &b| scores.get(a).partial_cmp(&scores.get(b)).unwrap_or(std::cmp::Ordering::Equal));
            let label = example.label.context("a passage pair without a label")?;
            right += usize::from(best == Some(usize::from(label)));
        }
    }
    ensure!(!examples.is_empty(), "no passage pairs to measure");
    Ok((right as f64 / examples.len() as f64, examples.len()))
}
