use anyhow::Result;
use clap::Args;
use kbioxlm_files::FileError;
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use serde::Serialize;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

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
    /// Text files; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// A mention as it is printed; ranges are half-open and refer to the text as it was given.
#[derive(Serialize)]
struct MentionRow<'a> {
    /// The text's file, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    bytes: [usize; 2],
    chars: [usize; 2],
    text: &'a str,
    concept: &'a str,
    term: &'a str,
    semantic_type: &'a str,
    /// Other concepts that are called so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    or: Vec<&'a str>,
}

pub fn run(args: &MatchArgs) -> Result<()> {
    let kb = KnowledgeBase::open(&args.kb)?;
    let matcher = Matcher::new(&kb, &args.lang)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let several = args.files.len() > 1;
    for file in &args.files {
        let text = input_text(file)?;
        for mention in matcher.find(&text) {
            let concept = kb.concept(mention.concept);
            let mut or: Vec<&str> = Vec::new();
            for (_, other) in matcher.candidates(&text, &mention) {
                let id = kb.concept(other).id;
                if other != mention.concept && !or.contains(&id) {
                    or.push(id);
                }
            }
            let row = MentionRow {
                file: several.then_some(file),
                text: &text[mention.bytes.clone()],
                bytes: [mention.bytes.start, mention.bytes.end],
                chars: [mention.chars.start, mention.chars.end],
                concept: concept.id,
                term: kb.term(mention.term).text,
                semantic_type: concept.semantic_type,
                or,
            };
            print(&mut out, &row, args.json)?;
        }
    }
    Ok(out.flush()?)
}

fn print(out: &mut impl Write, row: &MentionRow, json: bool) -> Result<()> {
    if json {
        serde_json::to_writer(&mut *out, &row)?;
        return Ok(writeln!(out)?);
    }
    if let Some(file) = row.file {
        write!(out, "{}:", file.display())?;
    }
    let [from, to] = row.chars;
    write!(out, "{:<13} {:<16} {}  [{}]", format!("{from}..{to}"), row.concept, row.text, row.term)?;
    if !row.or.is_empty() {
        write!(out, "  or {}", row.or.join(", "))?;
    }
    Ok(writeln!(out)?)
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
