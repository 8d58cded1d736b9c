use kbioxlm_corpus::CorpusError;
use kbioxlm_files::FileError;
use kbioxlm_knowledge::KnowledgeError;
use kbioxlm_model::ModelError;
use std::fmt::{Display, Formatter};
use std::path::PathBuf;

/// Examples that a message names; the rest are counted.
const SHOWN: usize = 20;

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The anchored corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The knowledge base cannot be read.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The model or its tokenizer cannot be read, written or used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A setting has a value that cannot work.
    #[error("`{key}` is {found}, expected {expected}; {help}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// Its value.
        found: String,
        /// What would work.
        expected: String,
        /// What to do, as an imperative.
        help: String,
    },
    /// An example of the corpus does not hold together.
    #[error("example `{id}`: found {found}, expected {expected}; build the corpus again")]
    Example {
        /// Id of the example.
        id: String,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A training item does not fit the task or the model.
    #[error("training item {index} (counted from 0): found {found}, expected {expected}")]
    Item {
        /// Number of the item in the slice given.
        index: usize,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// A corpus or a list of items without content.
    #[error("{what}: found nothing to train on, expected at least one example; {help}")]
    Nothing {
        /// What is empty.
        what: String,
        /// What to do, as an imperative.
        help: &'static str,
    },
    /// Fine-tuning was told to stop; nothing of it is kept.
    #[error("fine-tuning was stopped; run the same command again")]
    Stopped,
    /// The output directory holds a checkpoint of another run.
    #[error(
        "{path}: found a checkpoint of another run ({differences}), expected one of this configuration, model and \
         corpus; give another output directory, restore the former settings, or delete the directory to start anew",
        path = path.display()
    )]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// Which settings differ, with both values.
        differences: String,
    },
    /// Another process trains in the output directory.
    #[error("{path}: found another process that trains in this directory, expected none; wait for it, stop it, or give \
             another output directory", path = path.display())]
    Running {
        /// The directory.
        path: PathBuf,
    },
    /// One of several processes that train together cannot go on.
    #[error("process {rank} of {size}, counted from 0: {message}")]
    Process {
        /// Its number, from 0.
        rank: usize,
        /// How many there are.
        size: usize,
        /// What is wrong there.
        message: String,
    },
    /// A process has been given something else than the first.
    #[error(
        "found other settings or input than in the first process ({differences}), expected the same in all; give all \
         processes the same arguments and files"
    )]
    OtherInput {
        /// What differs, with both values.
        differences: String,
    },
    /// There are checkpoints, but none to go on from.
    #[error(
        "{path}: found {count} damaged checkpoint{s}, expected an intact one; the newest: {damage}; or delete the \
         directory to start anew",
        path = path.display(),
        s = if *count == 1 { "" } else { "s" }
    )]
    NoIntactCheckpoint {
        /// Where they are.
        path: PathBuf,
        /// How many.
        count: usize,
        /// What is wrong with the newest.
        damage: Box<FileError>,
    },
    /// The loss or the gradient is no longer a number.
    #[error(
        "{0}; lower the learning rate, lengthen the warm-up, or look at the examples and leave out what is wrong with \
             them"
    )]
    Diverged(Box<Divergence>),
    /// More steps in a row than `max_skips` were skipped.
    #[error(
        "{last}; it is one of {count} steps in a row without a number, expected at most {most}, `max_skips`: the weights \
         are beyond help; start from an earlier checkpoint or anew with a lower learning rate"
    )]
    TooManySkips {
        /// The last of them.
        last: Box<Divergence>,
        /// How many.
        count: u64,
        /// How many may be.
        most: u64,
    },
}

/// Where the loss or the gradient is no number.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The step, counted from 1.
    pub step: u64,
    /// The pass through the data, counted from 0.
    pub epoch: u64,
    /// `loss` or `gradient norm`.
    pub what: &'static str,
    /// What it is: not a number, or infinite.
    pub value: f64,
    /// Those batches of the step that it comes from, counted from 1; of a gradient norm, all.
    pub batches: Vec<usize>,
    /// Ids of the examples in these batches; in fine-tuning, numbers of the items, counted from 0.
    pub examples: Vec<String>,
}

impl Display for Divergence {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { step, epoch, what, value, batches, examples } = self;
        let batches: Vec<String> = batches.iter().map(usize::to_string).collect();
        let (s, batches) = (if batches.len() == 1 { "" } else { "es" }, batches.join(", "));
        write!(
            f,
            "step {step} (epoch {epoch}, batch{s} {batches}): found a {what} of {value}, expected a finite number"
        )?;
        let shown: Vec<String> = examples.iter().take(SHOWN).map(|id| format!("`{id}`")).collect();
        write!(f, "; the examples were {}", shown.join(", "))?;
        match examples.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_names_its_place_and_counts_what_it_does_not_name() {
        let examples = (0..22).map(|n| format!("e{n}")).collect();
        let divergence = Divergence { step: 7, epoch: 1, what: "loss", value: f64::NAN, batches: vec![1, 3], examples };
        let message = TrainError::Diverged(Box::new(divergence.clone())).to_string();
        assert!(message.starts_with("step 7 (epoch 1, batches 1, 3): found a loss of NaN, expected a"), "{message}");
        assert!(message.contains("`e0`, `e1`, ") && message.contains("`e19` and 2 more; lower"), "{message}");
        let one = Divergence { batches: vec![1], examples: vec!["e".into()], value: f64::INFINITY, ..divergence };
        assert!(one.to_string().contains("batch 1): found a loss of inf"), "{one}");
        assert!(one.to_string().ends_with("the examples were `e`"), "{one}");
    }
}
