//! `kbioxlm eval retrieval`

use crate::progress::print_json;
use anyhow::Result;
use clap::Args;
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{Heads, load};
use kbioxlm_plot::text_table;
use kbioxlm_train::{NamesFound, RetrievalMetrics, TermSample, term_retrieval};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Args)]
pub struct RetrievalArgs {
    /// Model directories: pretrained, fine-tuned or neither
    #[arg(long, value_name = "DIR", num_args = 1.., required = true)]
    model: Vec<PathBuf>,
    /// Knowledge base that has the names
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Languages: from each to each other
    #[arg(long, value_name = "LANG", num_args = 2.., value_delimiter = ',', required = true)]
    languages: Vec<String>,
    /// Concepts looked up at most, of those held out and of the others each
    #[arg(long, value_name = "N", default_value = "1000")]
    concepts: NonZeroUsize,
    /// Names among which to find the right one; default all there are
    #[arg(long, value_name = "N")]
    max_names: Option<NonZeroUsize>,
    /// Share of the concepts that the corpus held out (its `held_out_share`); they are reported apart
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    held_out: f64,
    /// Seed of the choice of concepts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &RetrievalArgs) -> Result<()> {
    let kb = KnowledgeBase::open(&args.kb)?;
    let sample = TermSample {
        languages: args.languages.iter().cloned().collect(),
        concepts: args.concepts,
        max_names: args.max_names.unwrap_or(NonZeroUsize::MAX),
        held_out: args.held_out,
        seed: args.seed,
    };
    let mut all = Vec::new();
    for dir in &args.model {
        let pretrained = load(dir, &Heads::default(), 0, &kbioxlm_model::device())?;
        all.push((dir.display().to_string(), term_retrieval(&pretrained, &kb, &sample)?));
    }
    if args.json {
        let models =
            all.into_iter().map(|(model, directions)| serde_json::json!({ "model": model, "directions": directions }));
        return print_json(&models.collect::<Vec<_>>());
    }
    let header = ["model", "from → to", "", "concepts", "names", "@1", "@5", "MRR"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (model, directions) in &all {
        for RetrievalMetrics { from, to, names, held_out, anchored } in directions {
            let others = if held_out.is_some() { "others" } else { "all" };
            for (group, found) in [("held out", held_out), (others, anchored)] {
                let Some(NamesFound { concepts, accuracy_at_1, accuracy_at_5, mrr }) = found else { continue };
                let figures = [accuracy_at_1, accuracy_at_5, mrr].map(|x| format!("{:.1}", 100.0 * x));
                let mut row = vec![model.clone(), format!("{from} → {to}"), group.to_owned()];
                row.extend([concepts.to_string(), names.to_string()]);
                row.extend(figures);
                rows.push(row);
            }
        }
    }
    writeln!(std::io::stdout(), "{}", text_table(&rows))?;
    Ok(())
}
