//! `kbioxlm corpus build`

use crate::progress::{counter, print_json};
use crate::settings::{self, named_file};
use anyhow::{Context, Result, bail};
use clap::Args;
use kbioxlm_corpus::{AnchorConfig, Level, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_knowledge::KnowledgeBase;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

#[derive(Args)]
#[command(after_long_help = help())]
pub struct BuildArgs {
    /// Knowledge base, as `knowledge build` writes it
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Documents: a file or directory, with its language unless each document declares its own or it is to be detected
    #[arg(long, value_parser = text_source, value_name = "[LANG=]FILE")]
    text: Vec<TextSource>,
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
    /// Settings and sources in TOML; the arguments above go before them
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

const SOURCES: &str = r#"Sources in the settings file, beside those of the arguments; paths are relative to the file:
  [[text]]
  path = "pubmed"          # a file or a directory; .gz, .bz2, .zst are unpacked
  format = "medline"       # jsonl, text, medline, jats, cirrus; default: what the name says
  lang = "en"              # default: what each document declares, or else what is detected
  max_documents = 100000   # a random sample
  normalise = true         # default: texts stay as they came
  [[passages]]
  path = "passages.jsonl"
  langs = ["en", "zh"]
  max_documents = 1000
"#;

fn help() -> String {
    format!("{}\n{SOURCES}", settings::described("Settings, with the defaults", &AnchorConfig::default()))
}

pub fn run(args: &BuildArgs) -> Result<()> {
    let file = args.config.as_deref();
    let mut table = file.map_or_else(|| Ok(Table::new()), settings::file_table)?;
    let beside = |path: &mut PathBuf| {
        if let Some(dir) = file.and_then(Path::parent) {
            *path = dir.join(&*path);
        }
    };
    let exclude = table.get_mut("exclude").and_then(Value::as_array_mut);
    for path in exclude.into_iter().flatten() {
        if let Value::String(text) = path {
            let mut path = PathBuf::from(&*text);
            beside(&mut path);
            *text = path.display().to_string();
        }
    }
    let mut texts: Vec<Texts> = sources(&mut table, "text", file)?;
    texts.iter_mut().for_each(|text| beside(&mut text.source.path));
    let mut passages: Vec<PassageSource> = sources(&mut table, "passages", file)?;
    passages.iter_mut().for_each(|source| beside(&mut source.path));
    texts.extend(args.text.iter().cloned().map(Texts::from));
    for named in &args.passages {
        passages.push(passage_source(named)?);
    }
    settings::set_all(&mut table, &args.set)?;
    if !args.levels.is_empty() {
        table.insert("levels".into(), Value::try_from(&args.levels)?);
    }
    if let Some(seed) = args.seed {
        table.insert("seed".into(), Value::try_from(seed)?);
    }
    if let Some(limit) = args.max_documents {
        table.insert("max_documents".into(), Value::try_from(limit)?);
    }
    let config: AnchorConfig = settings::parse(table, file)?;

    let kb = KnowledgeBase::open(&args.kb)?;
    let counter = counter("documents and passage pairs anchored");
    let report = kbioxlm_corpus::build(&kb, &texts, &passages, &config, &args.out, &|done, _| {
        counter.set_position(done);
    })?;
    counter.finish_and_clear();
    if args.json { print_json(&report) } else { Ok(writeln!(std::io::stdout(), "{report}")?) }
}

/// The sources that a settings file lists under `key`.
fn sources<T: DeserializeOwned>(table: &mut Table, key: &str, file: Option<&Path>) -> Result<Vec<T>> {
    let Some(list) = table.remove(key) else { return Ok(Vec::new()) };
    let place = file.unwrap_or(Path::new("")).display();
    list.try_into().with_context(|| format!("{place}: [[{key}]] is not what it should be (see `corpus build --help`)"))
}

/// `FILE`, or `LANG=FILE`.
fn text_source(argument: &str) -> Result<TextSource, String> {
    let is_tag = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    match argument.split_once('=') {
        Some((lang, file)) if is_tag(lang) && !file.is_empty() => {
            Ok(TextSource { lang: Some(lang.to_owned()), ..TextSource::new(file) })
        }
        Some((lang, "")) if is_tag(lang) => Err("expected LANGUAGE=FILE, for example en=abstracts.jsonl".to_owned()),
        _ => Ok(TextSource::new(argument)),
    }
}

fn passage_source((languages, path): &(String, PathBuf)) -> Result<PassageSource> {
    match languages.split_once('-') {
        Some((a, b)) => Ok(PassageSource::new([a, b], path)),
        None => bail!("--passages {languages}=…: expected two languages, for example en-zh=passages.jsonl"),
    }
}
