//! `kbioxlm corpus …`

use crate::progress::{bar, colour, print_json};
use crate::settings::{self, named_file};
use anstyle::{AnsiColor, Style};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use kbioxlm_corpus::render::{Tint, pieces};
use kbioxlm_corpus::{AnchorConfig, Corpus, Level, PassageSource, TextSource};
use kbioxlm_knowledge::KnowledgeBase;
use std::io::Write;
use std::path::PathBuf;
use toml::Value;

#[derive(Subcommand)]
pub enum CorpusCommand {
    /// Anchor text and passages in a knowledge base; the same seed gives the same bytes
    Build(BuildArgs),
    /// Show examples with their spans coloured
    Show(ShowArgs),
}

#[derive(Args)]
#[command(after_long_help = settings::defaults("Settings, with the defaults", &AnchorConfig::default()))]
pub struct BuildArgs {
    /// Knowledge base, as `knowledge build` writes it
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Documents of one language: JSONL with "id" and "text"
    #[arg(long, value_parser = named_file, value_name = "LANG=FILE")]
    text: Vec<(String, PathBuf)>,
    /// Aligned passages: JSONL with "id", a text under each language's name, and "topic"
    #[arg(long, value_parser = named_file, value_name = "LANG-LANG=FILE")]
    passages: Vec<(String, PathBuf)>,
    /// What to anchor: plain, entity, fact, passage
    #[arg(long, value_delimiter = ',', value_name = "LEVELS")]
    levels: Vec<Level>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Take at most this many documents a language, a random sample
    #[arg(long, value_name = "N")]
    max_documents: Option<usize>,
    /// Settings in TOML; the arguments above go before them
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any key of the settings, for example --set max_facts=4
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Directory to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
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
        CorpusCommand::Build(args) => build(&args),
        CorpusCommand::Show(args) => show(&args),
    }
}

fn build(args: &BuildArgs) -> Result<()> {
    let mut table = settings::table(args.config.as_deref(), &args.set)?;
    if !args.levels.is_empty() {
        table.insert("levels".into(), Value::try_from(&args.levels)?);
    }
    if let Some(seed) = args.seed {
        table.insert("seed".into(), Value::try_from(seed)?);
    }
    if let Some(limit) = args.max_documents {
        table.insert("max_documents".into(), Value::try_from(limit)?);
    }
    let config: AnchorConfig = settings::parse(table, args.config.as_deref())?;
    let texts: Vec<_> =
        args.text.iter().map(|(lang, path)| TextSource { lang: lang.clone(), path: path.clone() }).collect();
    let passages = args.passages.iter().map(passage_source).collect::<Result<Vec<_>>>()?;

    let kb = KnowledgeBase::open(&args.kb)?;
    let bar = bar(0, "anchoring");
    let report = kbioxlm_corpus::build(&kb, &texts, &passages, &config, &args.out, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    if args.json { print_json(&report) } else { Ok(writeln!(std::io::stdout(), "{report}")?) }
}

fn passage_source((languages, path): &(String, PathBuf)) -> Result<PassageSource> {
    match languages.split_once('-') {
        Some((a, b)) => Ok(PassageSource { langs: [a.to_owned(), b.to_owned()], path: path.clone() }),
        None => bail!("--passages {languages}=…: expected two languages, for example en-zh=passages.jsonl"),
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
