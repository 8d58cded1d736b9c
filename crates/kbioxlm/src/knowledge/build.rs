use crate::progress::{counter, print_json};
use crate::settings;
use anyhow::{Result, bail};
use clap::Args;
use kbioxlm_knowledge::{Description, MergeOptions, TermOptions, build_observed};
use std::io::Write;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Read sources of knowledge, join the concepts that are the same, and write a knowledge base
///
/// Sources are listed in a TOML file as [[source]] with `format`, `path` and the options of the format, or given as arguments; any
/// mixture will do. Paths in the file are relative to it. The report says what was joined and dropped, and why; it is written into
/// the knowledge base too, as report.json.
#[derive(Args)]
#[command(after_long_help = help())]
pub struct BuildArgs {
    /// Description in TOML: `[[source]]`, `[merge]`, `[terms]`; the arguments below are added to it
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A source in any format, for example umls=2025AA/META or obo=hp.obo
    #[arg(long, value_parser = source, value_name = "FORMAT=PATH")]
    source: Vec<(String, PathBuf)>,
    /// Tables of terms: concept_id, lang, term, preferred, semantic_type, flags (tab-separated, with a header)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    lexicon: Vec<PathBuf>,
    /// Tables of facts: head_concept_id, relation, tail_concept_id
    #[arg(long, num_args = 1.., value_name = "FILE")]
    facts: Vec<PathBuf>,
    /// Table of the relations' names, which go before those that come with the program: relation, lang, label
    #[arg(long, value_name = "FILE")]
    relations: Option<PathBuf>,
    /// Tables of concepts that are one: concept_id_a, concept_id_b, same_name_in
    #[arg(long, num_args = 1.., value_name = "FILE")]
    links: Vec<PathBuf>,
    /// Set any key of the description, for example --set terms.max_concepts_per_name=8
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Directory to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// The keys of a description that have defaults.
fn help() -> String {
    let merge = settings::described("[merge]", &MergeOptions::default());
    merge + "\n" + &settings::described("[terms]", &TermOptions::default())
}

pub fn run(args: BuildArgs) -> Result<()> {
    let mut table = settings::table(args.config.as_deref(), &args.set)?;
    if let Some(dir) = args.config.as_deref().and_then(Path::parent) {
        resolve(&mut table, dir);
    }
    let tables = [
        ("lexicon", args.lexicon),
        ("links", args.links),
        ("relations", args.relations.into_iter().collect()),
        ("facts", args.facts),
    ];
    let tables =
        tables.into_iter().flat_map(|(format, paths)| paths.into_iter().map(move |path| (format.to_owned(), path)));
    for (format, path) in tables.chain(args.source) {
        add(&mut table, format, &path)?;
    }
    let description: Description = settings::parse(table, args.config.as_deref())?;
    if description.sources.is_empty() {
        bail!(
            "found no source, expected at least one; name a description with -c, or a source with --source or --lexicon"
        );
    }
    let progress = counter("records");
    let report = build_observed(&description, &args.out, &mut |records| progress.set_position(records))?;
    progress.finish_and_clear();
    if args.json { print_json(&report) } else { Ok(write!(std::io::stdout(), "{report}")?) }
}

/// `FORMAT=PATH`.
fn source(argument: &str) -> Result<(String, PathBuf), String> {
    match argument.split_once('=') {
        Some((format, path)) if !format.is_empty() && !path.is_empty() => Ok((format.to_owned(), path.into())),
        _ => Err("expected FORMAT=PATH, for example obo=hp.obo".to_owned()),
    }
}

/// Makes the paths in a description relative to the directory of its file.
fn resolve(table: &mut Table, dir: &Path) {
    let join = |path: &mut Value| {
        if let Value::String(text) = path {
            *text = dir.join(&*text).display().to_string();
        }
    };
    let sources = table.get_mut("source").and_then(Value::as_array_mut);
    sources.into_iter().flatten().filter_map(|source| source.get_mut("path")).for_each(join);
    for list in ["exclude_files", "keep_files"] {
        let files = table.get_mut("terms").and_then(|terms| terms.get_mut(list)).and_then(Value::as_array_mut);
        files.into_iter().flatten().for_each(join);
    }
}

fn add(table: &mut Table, format: String, path: &Path) -> Result<()> {
    let path = path.display().to_string();
    let source =
        Table::from_iter([("format".to_owned(), Value::String(format)), ("path".to_owned(), Value::String(path))]);
    match table.entry("source").or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(sources) => sources.push(Value::Table(source)),
        _ => bail!("found one `source`, expected a list; write [[source]] for each"),
    }
    Ok(())
}
