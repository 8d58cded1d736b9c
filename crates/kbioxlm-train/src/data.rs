use crate::encode::{EncodedExample, encode_example};
use crate::{Budget, Observer, PretrainConfig, TrainError, plan_epoch};
use kbioxlm_corpus::Corpus;
use kbioxlm_model::Tokenizer;
use rayon::prelude::*;
use std::path::Path;

/// Examples that are tokenised in parallel at a time.
const CHUNK: usize = 2048;

/// The corpus as the model reads it, in memory.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) examples: Vec<EncodedExample>,
    pub(crate) lengths: Vec<usize>,
}

impl Data {
    pub(crate) fn read(
        corpus: &Corpus,
        path: &Path,
        tokenizer: &Tokenizer,
        max_length: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let total = corpus.len() as u64;
        let mut rows = corpus.examples()?;
        let mut examples = Vec::with_capacity(corpus.len());
        loop {
            let chunk = rows.by_ref().take(CHUNK).collect::<Result<Vec<_>, _>>()?;
            if chunk.is_empty() {
                break;
            }
            let encoded: Result<Vec<_>, _> =
                chunk.par_iter().map(|e| encode_example(e, tokenizer, max_length)).collect();
            examples.extend(encoded?);
            observer.encoding(examples.len() as u64, total);
        }
        if examples.is_empty() {
            let help = "build it from more text, or with more levels";
            return Err(TrainError::Nothing { what: path.display().to_string(), help });
        }
        let lengths = examples.iter().map(|e| e.ids.len()).collect();
        Ok(Self { examples, lengths })
    }

    pub(crate) fn has_labels(&self) -> bool {
        self.examples.iter().any(|e| e.label.is_some())
    }

    pub(crate) fn plan(&self, config: &PretrainConfig, epoch: u64) -> Vec<Vec<Vec<usize>>> {
        plan_epoch(&self.lengths, config.tokens_per_batch, config.accumulation.get(), config.seed, epoch)
    }

    /// The steps of the whole run: fixed beforehand, because the learning rate depends on it.
    pub(crate) fn steps(&self, config: &PretrainConfig) -> u64 {
        match config.budget {
            Budget::Steps(n) => n.get(),
            Budget::Epochs(n) => (0..n.get()).map(|epoch| self.plan(config, epoch).len() as u64).sum(),
            Budget::Tokens(n) => {
                let tokens = |step: &Vec<Vec<usize>>| {
                    step.iter().flatten().filter_map(|&i| self.lengths.get(i)).sum::<usize>() as u64
                };
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
