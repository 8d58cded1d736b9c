//! `kbioxlm corpus …`

mod build;
mod show;
mod stats;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum CorpusCommand {
    /// Anchor text and passages in a knowledge base; the same seed gives the same bytes
    Build(build::BuildArgs),
    /// Say what a corpus holds: sizes, lengths, coverage, the concepts and relations met most often
    Stats(stats::StatsArgs),
    /// Show examples with their spans coloured
    Show(show::ShowArgs),
}

pub fn run(command: CorpusCommand) -> Result<()> {
    match command {
        CorpusCommand::Build(args) => build::run(&args),
        CorpusCommand::Stats(args) => stats::run(&args),
        CorpusCommand::Show(args) => show::run(&args),
    }
}
