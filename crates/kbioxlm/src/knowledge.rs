//! `kbioxlm knowledge …`

use crate::progress::print_json;
use anyhow::Result;
use clap::{Args, Subcommand};
use kbioxlm_files::FileError;
use kbioxlm_knowledge::{Description, KnowledgeBase, Matcher};
use serde::Serialize;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub enum KnowledgeCommand {
    /// Read lexica, facts and links, and write a knowledge base
    Build(BuildArgs),
    /// Find the mentions of a text: byte and character ranges, concept and term
    Match(MatchArgs),
}

#[derive(Args)]
pub struct BuildArgs {
    /// Tables of terms: concept_id, lang, term, preferred, semantic_type, flags (tab-separated, with a header)
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    lexicon: Vec<PathBuf>,
    /// Tables of facts: head_concept_id, relation, tail_concept_id
    #[arg(long, num_args = 1.., value_name = "FILE")]
    facts: Vec<PathBuf>,
    /// Table of the relations' names: relation, lang, label
    #[arg(long, value_name = "FILE")]
    relations: Option<PathBuf>,
    /// Tables of concepts that are one: concept_id_a, concept_id_b, same_name_in
    #[arg(long, num_args = 1.., value_name = "FILE")]
    links: Vec<PathBuf>,
    /// Directory to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct MatchArgs {
    /// Knowledge base, as `knowledge build` writes it
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Language of the text
    #[arg(long, value_name = "LANG")]
    lang: String,
    /// One JSON object a mention and line instead of a table
    #[arg(long)]
    json: bool,
    /// Text file; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    file: PathBuf,
}

/// A mention as it is printed; ranges are half-open and refer to the text as it was given.
#[derive(Serialize)]
struct MentionRow<'a> {
    bytes: [usize; 2],
    chars: [usize; 2],
    text: &'a str,
    concept: &'a str,
    term: &'a str,
    semantic_type: &'a str,
}

pub fn run(command: KnowledgeCommand) -> Result<()> {
    match command {
        KnowledgeCommand::Build(args) => build(args),
        KnowledgeCommand::Match(args) => find(&args),
    }
}

fn build(args: BuildArgs) -> Result<()> {
    let description = Description::of_tables(args.lexicon, args.facts, args.relations, args.links);
    let report = kbioxlm_knowledge::build(&description, &args.out)?;
    if args.json { print_json(&report) } else { Ok(writeln!(std::io::stdout(), "{report}")?) }
}

fn find(args: &MatchArgs) -> Result<()> {
    let kb = KnowledgeBase::open(&args.kb)?;
    let matcher = Matcher::new(&kb, &args.lang)?;
    let text = input_text(&args.file)?;
    let mut out = std::io::stdout().lock();
    for mention in matcher.find(&text) {
        let concept = kb.concept(mention.concept);
        let row = MentionRow {
            text: &text[mention.bytes.clone()],
            bytes: [mention.bytes.start, mention.bytes.end],
            chars: [mention.chars.start, mention.chars.end],
            concept: concept.id,
            term: kb.term(mention.term).text,
            semantic_type: concept.semantic_type,
        };
        if args.json {
            serde_json::to_writer(&mut out, &row)?;
            writeln!(out)?;
        } else {
            let [from, to] = row.chars;
            writeln!(out, "{:<13} {:<16} {}  [{}]", format!("{from}..{to}"), row.concept, row.text, row.term)?;
        }
    }
    Ok(())
}

fn input_text(file: &Path) -> Result<String> {
    if file != Path::new("-") {
        return Ok(kbioxlm_files::read_text(file)?);
    }
    let place = Path::new("standard input");
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| FileError::io(place, "read", e))?;
    Ok(kbioxlm_files::utf8(place, bytes)?)
}
