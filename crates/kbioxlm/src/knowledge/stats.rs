use crate::progress::print_json;
use anyhow::Result;
use clap::Args;
use kbioxlm_knowledge::{KnowledgeBase, read_report};
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct StatsArgs {
    /// Knowledge base, as `knowledge build` writes it
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &StatsArgs) -> Result<()> {
    let kb = KnowledgeBase::open(&args.kb)?;
    let (description, report) = read_report(&args.kb)?;
    let stats = kb.stats();
    if args.json {
        let sources = serde_json::json!({ "hash": kb.hash(), "sources": report.sources, "description": description });
        let mut value = serde_json::to_value(&stats)?;
        if let (Some(all), serde_json::Value::Object(more)) = (value.as_object_mut(), sources) {
            all.extend(more);
        }
        return print_json(&value);
    }
    let mut out = std::io::stdout().lock();
    write!(out, "{stats}")?;
    for source in &report.sources {
        writeln!(out, "source {} ({})", source.path, source.format)?;
    }
    Ok(())
}
