use kbioxlm_corpus::CorpusError;
use kbioxlm_eval::EvalError;
use kbioxlm_files::FileError;
use kbioxlm_knowledge::KnowledgeError;
use kbioxlm_model::ModelError;
use kbioxlm_train::TrainError;

/// Why an experiment, or a step of it, could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// A file is missing, unreadable or not what it has to be; the message names file and line.
    #[error(transparent)]
    File(#[from] FileError),
    /// The knowledge base.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The anchored corpus.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The model, its directory or its tokenizer.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Pretraining or the search for names.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Fine-tuning or evaluation.
    #[error(transparent)]
    Eval(Box<EvalError>),
    /// The experiment was interrupted; what is finished is kept.
    #[error("stopped in the step {step}; run the same command again to go on from here")]
    Stopped {
        /// The step that was not finished.
        step: String,
    },
    /// Only what is finished was asked for, and this is not.
    #[error("the step {step} has not been run; `kbioxlm experiment run` runs it")]
    NotRun {
        /// The step.
        step: String,
    },
}

impl From<EvalError> for ExperimentError {
    fn from(error: EvalError) -> Self {
        Self::Eval(Box::new(error))
    }
}
