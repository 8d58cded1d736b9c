//! `kbioxlm corpus …`

mod build;

use crate::progress::colour;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use clap::{Args, Subcommand};
use kbioxlm_corpus::render::{Tint, pieces};
use kbioxlm_corpus::{Corpus, Level};
use std::io::Write;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum CorpusCommand {
    /// Anchor text and passages in a knowledge base; the same seed gives the same bytes
    Build(build::BuildArgs),
    /// Show examples with their spans coloured
    Show(ShowArgs),
}

#[derive(Args)]
pub struct ShowArgs {
    /// Corpus, as `corpus build` writes it
    corpus: PathBuf,
    /// Show this kind only: plain, entity, fact or passage
    #[arg(long)]
    kind: Option<Level>,
    /// Number of examples
    #[arg(short, default_value_t = 5, value_name = "N")]
    n: usize,
}

pub fn run(command: CorpusCommand) -> Result<()> {
    match command {
        CorpusCommand::Build(args) => build::run(&args),
        CorpusCommand::Show(args) => show(&args),
    }
}

fn show(args: &ShowArgs) -> Result<()> {
    let corpus = Corpus::open(&args.corpus)?;
    let mut out = anstream::stdout().lock();
    let dim = Style::new().dimmed();
    let mut shown = 0;
    for example in corpus.examples()? {
        let example = example?;
        if args.kind.is_some_and(|kind| kind != example.level) {
            continue;
        }
        if shown == args.n {
            break;
        }
        shown += 1;
        let languages: Vec<&str> = example.segments.iter().map(|s| s.lang.as_str()).collect();
        let label = example.label.map(|l| format!(" · {l}")).unwrap_or_default();
        writeln!(out, "{dim}{} · {} · {}{label}{dim:#}", example.level, example.id, languages.join(" "))?;
        for piece in pieces(&example) {
            let style = style_of(piece.tint);
            write!(out, "{style}{}{style:#}", piece.text)?;
        }
        writeln!(out, "\n")?;
    }
    let legend = [
        (Tint::Entity, "entity"),
        (Tint::Switched, "switched entity"),
        (Tint::Head, "head"),
        (Tint::Relation, "relation"),
        (Tint::Tail, "tail"),
    ];
    for (tint, name) in legend {
        let style = style_of(tint);
        write!(out, "{style}{name}{style:#}  ")?;
    }
    writeln!(out)?;
    Ok(())
}

fn style_of(tint: Tint) -> Style {
    match tint {
        Tint::Plain => Style::new(),
        Tint::Entity => colour(AnsiColor::Cyan).underline(),
        Tint::Switched => colour(AnsiColor::Green).bold().underline(),
        Tint::Head => colour(AnsiColor::Blue).bold(),
        Tint::Relation => colour(AnsiColor::Yellow),
        Tint::Tail => colour(AnsiColor::Magenta).bold(),
        Tint::Separator => Style::new().dimmed(),
    }
}
