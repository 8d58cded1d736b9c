use crate::alignment::ContextPair;
use crate::encode::{EncodedExample, encode_example};
use crate::evaluation::is_held_out;
use crate::mixture::{CorpusPart, Draw, Mixture, check_weights};
use crate::{Budget, Observer, PretrainConfig, TrainError, plan_epoch};
use kbioxlm_corpus::{Corpus, Example};
use kbioxlm_files::hash_bytes;
use kbioxlm_model::Tokenizer;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Examples that are tokenised in parallel at a time.
const CHUNK: usize = 2048;

/// The corpora on the disk, before anything is read from them.
#[derive(Debug)]
pub(crate) struct Corpora<'a> {
    parts: &'a [CorpusPart],
    opened: Vec<Corpus>,
}

impl<'a> Corpora<'a> {
    pub(crate) fn open(parts: &'a [CorpusPart]) -> Result<Self, TrainError> {
        check_weights(parts)?;
        let opened = parts.iter().map(|part| Corpus::open(&part.path)).collect::<Result<_, _>>()?;
        Ok(Self { parts, opened })
    }

    /// Of one corpus its hash, of several that of their hashes: the same for the same examples in the same order.
    pub(crate) fn hash(&self) -> String {
        match self.opened.as_slice() {
            [only] => only.hash().to_owned(),
            all => hash_bytes(all.iter().map(Corpus::hash).collect::<Vec<_>>().join("\n").as_bytes()),
        }
    }

    /// Languages of the texts and those that they are tied to.
    pub(crate) fn languages(&self) -> BTreeSet<String> {
        self.opened.iter().flat_map(|c| c.config().languages.iter()).map(|(lang, _)| lang.to_owned()).collect()
    }

    pub(crate) fn weights(&self) -> Vec<f64> {
        self.parts.iter().filter_map(|part| part.weight).collect()
    }
}

/// The corpora as the model reads them, in memory.
#[derive(Debug)]
pub(crate) struct Data {
    /// Those that are trained on.
    pub(crate) examples: Vec<EncodedExample>,
    /// Those that are not.
    pub(crate) held_out: Vec<EncodedExample>,
    /// Ids of the concepts that the examples trained on have code-switched or told in a fact; empty unless asked for.
    pub(crate) anchored: BTreeSet<String>,
    /// Code-switched examples beside what they were; empty unless asked for.
    pub(crate) contexts: Vec<ContextPair>,
    lengths: Vec<usize>,
    mixture: Mixture,
}

impl Data {
    /// `held_out`: the share of the documents whose examples are; `anchored`: whether to collect concepts; `contexts`: whether to
    /// pair code-switched examples with what they were.
    pub(crate) fn read(
        corpora: &Corpora<'_>,
        tokenizer: &Tokenizer,
        max_length: usize,
        held_out: f64,
        anchored: bool,
        contexts: bool,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let total = corpora.opened.iter().map(|c| c.len() as u64).sum();
        let (mut training, mut kept_back) = (Vec::new(), Vec::new());
        let mut concepts = BTreeSet::new();
        let mut pairs = Vec::new();
        let mut parts = Vec::new();
        for (part, corpus) in corpora.parts.iter().zip(&corpora.opened) {
            let first = training.len();
            let mut rows = corpus.examples()?;
            loop {
                let chunk = rows.by_ref().take(CHUNK).collect::<Result<Vec<_>, _>>()?;
                if chunk.is_empty() {
                    break;
                }
                let encoded: Result<Vec<_>, _> =
                    chunk.par_iter().map(|e| encode_example(e, tokenizer, max_length)).collect();
                for (example, encoded) in chunk.iter().zip(encoded?) {
                    if is_held_out(example, held_out)? {
                        kept_back.push(encoded);
                    } else {
                        if anchored {
                            concepts.extend(anchored_concepts(example));
                        }
                        training.push(encoded);
                        if contexts {
                            pairs.extend(ContextPair::of_last(&training, example));
                        }
                    }
                }
                observer.encoding((training.len() + kept_back.len()) as u64, total);
            }
            if first == training.len() {
                let help = "build it from more text or with more levels, or hold out a smaller share";
                return Err(TrainError::Nothing { what: part.path.display().to_string(), help });
            }
            parts.push((first..training.len(), part.weight));
        }
        let lengths: Vec<usize> = training.iter().map(|e| e.ids.len()).collect();
        let mixture = Mixture::new(&lengths, &parts);
        Ok(Self { examples: training, held_out: kept_back, anchored: concepts, contexts: pairs, lengths, mixture })
    }

    pub(crate) fn has_labels(&self) -> bool {
        self.examples.iter().chain(&self.held_out).any(|e| e.label.is_some())
    }

    /// Steps of micro-batches of one epoch.
    pub(crate) fn plan(&self, config: &PretrainConfig, epoch: u64) -> Vec<Vec<Vec<Draw>>> {
        let draws = self.mixture.epoch(&self.lengths, config.seed, epoch);
        let lengths: Vec<usize> = draws.iter().map(|d| self.length(d)).collect();
        let plan = plan_epoch(&lengths, config.tokens_per_batch, config.accumulation.get(), config.seed, epoch);
        let drawn = |batch: Vec<usize>| batch.into_iter().filter_map(|i| draws.get(i).copied()).collect();
        plan.into_iter().map(|step| step.into_iter().map(drawn).collect()).collect()
    }

    fn length(&self, draw: &Draw) -> usize {
        self.lengths.get(draw.example).copied().unwrap_or_default()
    }

    /// The steps of the whole run: fixed beforehand, because the learning rate depends on it.
    pub(crate) fn steps(&self, config: &PretrainConfig) -> u64 {
        match config.budget {
            Budget::Steps(n) => n.get(),
            Budget::Epochs(n) => (0..n.get()).map(|epoch| self.plan(config, epoch).len() as u64).sum(),
            Budget::Tokens(n) => {
                let tokens =
                    |step: &Vec<Vec<Draw>>| step.iter().flatten().map(|d| self.length(d)).sum::<usize>() as u64;
                let (mut steps, mut seen) = (0, 0);
                let mut all = (0..).flat_map(|epoch| self.plan(config, epoch));
                // Every plan has a step and every step tokens, since there are examples.
                while seen < n.get() {
                    seen += all.next().as_ref().map_or(n.get(), tokens);
                    steps += 1;
                }
                steps
            }
        }
    }
}

/// Concepts whose names the example ties together: switched, or told in a fact.
fn anchored_concepts(example: &Example) -> impl Iterator<Item = String> {
    let anchored = example.spans.iter().filter(|s| s.switched || s.fact.is_some());
    anchored.filter_map(|s| s.concept.clone())
}
