//! `kbioxlm corpus show`

use crate::progress::colour;
use anstyle::{AnsiColor, Style};
use anyhow::{Result, bail};
use clap::Args;
use kbioxlm_corpus::render::{Tint, pieces};
use kbioxlm_corpus::{Corpus, Example, Level, PassageLabel, Selection, sample};
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct ShowArgs {
    /// Corpus, as `corpus build` writes it
    corpus: PathBuf,
    /// Show this kind only: plain, entity, fact or passage
    #[arg(long)]
    kind: Option<Level>,
    /// Show examples with running text in this language only
    #[arg(long)]
    lang: Option<String>,
    /// Show passage pairs with this label only: link, context or random
    #[arg(long)]
    label: Option<PassageLabel>,
    /// Show examples that mention this concept or tell a fact about it
    #[arg(long, value_name = "ID")]
    concept: Option<String>,
    /// Show the example with this id
    #[arg(long, value_name = "EXAMPLE")]
    id: Option<String>,
    /// Number of examples
    #[arg(short, default_value_t = 5, value_name = "N")]
    n: usize,
    /// Draw the examples at random instead of taking the first; the same seed draws the same
    #[arg(long)]
    sample: bool,
    /// Seed of the sample
    #[arg(long, default_value_t = 0, value_name = "N", requires = "sample")]
    seed: u64,
    /// Print the examples as JSON, one a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ShowArgs) -> Result<()> {
    let corpus = Corpus::open(&args.corpus)?;
    let selection = Selection {
        level: args.kind,
        lang: args.lang.clone(),
        label: args.label,
        concept: args.concept.clone(),
        id: args.id.clone(),
    };
    let mut fitting =
        corpus.examples()?.filter(|example| example.as_ref().map_or(true, |example| selection.fits(example)));
    // The first ones are shown as they are read: a corpus may be long.
    let mut sampled = args.sample.then(|| sample(&mut fitting, args.n, args.seed)).transpose()?.map(Vec::into_iter);
    let mut next = || match &mut sampled {
        Some(sampled) => sampled.next().map(Ok),
        None => fitting.next(),
    };
    let mut out = anstream::stdout().lock();
    let mut shown = 0;
    while shown < args.n {
        let Some(example) = next() else { break };
        let example = example?;
        shown += 1;
        if args.json {
            serde_json::to_writer(&mut out, &example)?;
            writeln!(out)?;
        } else {
            draw(&example, &mut out)?;
        }
    }
    if shown == 0 && args.n > 0 {
        bail!(
            "{}: none of its {} examples is like that; ask for less, see `corpus stats`",
            args.corpus.display(),
            corpus.len()
        );
    }
    if !args.json {
        legend(&mut out)?;
    }
    Ok(())
}

fn draw(example: &Example, out: &mut impl Write) -> Result<()> {
    let dim = Style::new().dimmed();
    let languages: Vec<&str> = example.segments.iter().map(|s| s.lang.as_str()).collect();
    let label = example.label.map(|l| format!(" · {l}")).unwrap_or_default();
    writeln!(out, "{dim}{} · {} · {}{label}{dim:#}", example.level, example.id, languages.join(" "))?;
    for piece in pieces(example) {
        let style = style_of(piece.tint);
        write!(out, "{style}{}{style:#}", piece.text)?;
    }
    writeln!(out, "\n")?;
    Ok(())
}

fn legend(out: &mut impl Write) -> Result<()> {
    let tints = [
        (Tint::Entity, "entity"),
        (Tint::Switched, "switched entity"),
        (Tint::Head, "head"),
        (Tint::Relation, "relation"),
        (Tint::Tail, "tail"),
    ];
    for (tint, name) in tints {
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
