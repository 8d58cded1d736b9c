//! `kbioxlm eval leaks`

use crate::progress::{counter, print_json};
use crate::settings::named_file;
use anstyle::Style;
use anyhow::Result;
use clap::Args;
use kbioxlm_eval::{LeakKind, LeakOptions, LeakPair, LeakReport, check_leaks};
use kbioxlm_plot::text_table;
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct LeaksArgs {
    /// Data sets by name, in any format that is read: test=test.conll dev=dev.conll train=train.conll
    #[arg(long, value_name = "NAME=PATH", num_args = 1.., required = true, value_parser = named_file)]
    data: Vec<(String, PathBuf)>,
    /// Anchored corpus, as `corpus build` writes it
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Model whose states find near duplicates and translations
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Consecutive words that two texts have in common
    #[arg(long, value_name = "N", default_value_t = LeakOptions::default().words)]
    words: usize,
    /// The same in characters, for scripts without spaces
    #[arg(long, value_name = "N", default_value_t = LeakOptions::default().characters)]
    characters: usize,
    /// Least cosine of texts in two languages that are taken for translations; besides, each must be the other's nearest
    #[arg(long, value_name = "X", default_value_t = LeakOptions::default().cosine)]
    cosine: f64,
    /// The same within a language, for near duplicates
    #[arg(long, value_name = "X", default_value_t = LeakOptions::default().cosine_within)]
    cosine_within: f64,
    /// Examples of each kind
    #[arg(long, value_name = "N", default_value_t = LeakOptions::default().examples)]
    examples: usize,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &LeaksArgs) -> Result<()> {
    let LeaksArgs { words, characters, cosine, cosine_within, examples, .. } = *args;
    let options = LeakOptions { words, characters, cosine, cosine_within, examples };
    let counter = counter("examples of the corpus compared");
    let progress = |done| counter.set_position(done);
    let report = check_leaks(&args.data, args.corpus.as_deref(), args.model.as_deref(), &options, &progress)?;
    counter.finish_and_clear();
    if args.json { print_json(&report) } else { print(&report, args) }
}

fn print(report: &LeakReport, args: &LeaksArgs) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let bold = Style::new().bold();
    let size = |name: &str| report.data.iter().find(|d| d.name == name).map_or(0, |d| d.documents);
    let header = ["documents of", "", "also in", "by id", "equal text", "shared text", "near"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for pair in &report.pairs {
        let ids = format!("{}{}", pair.same_id, if pair.numbered && pair.same_id > 0 { "*" } else { "" });
        let near = pair.near.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let numbers = [ids, pair.same_text.to_string(), pair.shared.to_string(), near];
        let names = [pair.of.clone(), size(&pair.of).to_string(), pair.with.clone()];
        rows.push(names.into_iter().chain(numbers).collect());
    }
    writeln!(out, "{}\n", text_table(&rows))?;
    writeln!(
        out,
        "shared text: {} consecutive words or {} characters, or a shorter text as a whole",
        args.words, args.characters
    )?;
    if args.model.is_some() {
        let LeaksArgs { cosine, cosine_within, .. } = args;
        writeln!(
            out,
            "near: each other's nearest by embedding, cosine at least {cosine}, within a language {cosine_within}"
        )?;
    }
    if report.pairs.iter().any(|pair| pair.numbered && pair.same_id > 0) {
        writeln!(out, "*: the ids only count rows, which says nothing")?;
    }
    for pair in report.pairs.iter().filter(|pair| !pair.examples.is_empty()) {
        writeln!(out, "\n{bold}{} in {}{bold:#}", pair.of, pair.with)?;
        examples(&mut out, pair)?;
    }
    Ok(())
}

fn examples(out: &mut dyn Write, pair: &LeakPair) -> Result<()> {
    for example in &pair.examples {
        let by = match example.by {
            LeakKind::Text => "equal text".to_owned(),
            LeakKind::Shared => "shared text".to_owned(),
            LeakKind::Near => format!("near, cosine {:.2}", example.cosine.unwrap_or_default()),
            LeakKind::Id => "id".to_owned(),
        };
        writeln!(out, "{by}")?;
        writeln!(out, "  {}: {}", example.id, example.text.replace('\n', " "))?;
        writeln!(out, "  {}: {}", example.with_id, example.with_text.replace('\n', " "))?;
    }
    Ok(())
}
