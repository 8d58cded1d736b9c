//! `kbioxlm eval …`

mod compare;
mod fewshot;
mod leaks;
mod retrieval;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum EvalCommand {
    /// Draw fixed samples of a few documents, for few-shot runs that others can repeat
    FewshotSample(fewshot::FewshotArgs),
    /// Name what test, dev and training data share with each other and with a pretraining corpus
    Leaks(leaks::LeaksArgs),
    /// Find the names of concepts in another language by their embeddings, without fine-tuning
    Retrieval(retrieval::RetrievalArgs),
    /// Say whether one model beats another on the same test documents, by the paired bootstrap
    Compare(compare::CompareArgs),
}

pub fn run(command: EvalCommand) -> Result<()> {
    match command {
        EvalCommand::FewshotSample(args) => fewshot::run(&args),
        EvalCommand::Leaks(args) => leaks::run(&args),
        EvalCommand::Retrieval(args) => retrieval::run(&args),
        EvalCommand::Compare(args) => compare::run(&args),
    }
}
