//! `kbioxlm knowledge …`

mod build;
mod find;
mod lookup;
mod stats;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum KnowledgeCommand {
    Build(build::BuildArgs),
    /// Say what a knowledge base holds: concepts, names by language, facts, ambiguous names, sources
    Stats(stats::StatsArgs),
    Lookup(lookup::LookupArgs),
    /// Find the mentions of a text: byte and character ranges, concept and term
    Match(find::MatchArgs),
}

pub fn run(command: KnowledgeCommand) -> Result<()> {
    match command {
        KnowledgeCommand::Build(args) => build::run(args),
        KnowledgeCommand::Stats(args) => stats::run(&args),
        KnowledgeCommand::Lookup(args) => lookup::run(&args),
        KnowledgeCommand::Match(args) => find::run(&args),
    }
}
