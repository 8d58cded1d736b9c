use crate::progress::print_json;
use anyhow::{Result, bail};
use clap::Args;
use kbioxlm_knowledge::{ConceptIndex, ConceptSummary, KnowledgeBase, Statement, TermIndex};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Say what a name or an id means: concepts, their names in every language, and facts
///
/// Case, width, accents' composition and white space do not matter. Where nothing is called so, names that are nearly the same or
/// that begin like this are suggested.
#[derive(Args)]
pub struct LookupArgs {
    /// Name in any language, or id of a concept
    #[arg(required = true, num_args = 1.., value_name = "TERM")]
    term: Vec<String>,
    /// Knowledge base, as `knowledge build` writes it
    #[arg(long, value_name = "DIR")]
    kb: PathBuf,
    /// Look among the names of this language only, and tell facts in it
    #[arg(long, value_name = "LANG")]
    lang: Option<String>,
    /// Show at most this many facts a concept
    #[arg(long, default_value_t = 10, value_name = "N")]
    facts: usize,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Names that are suggested where nothing is found.
const SUGGESTIONS: usize = 10;

#[derive(Serialize)]
struct Answer<'a> {
    query: &'a str,
    concepts: Vec<ConceptSummary<'a>>,
    suggestions: Vec<Suggestion<'a>>,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    name: &'a str,
    lang: &'a str,
    concept: &'a str,
}

pub fn run(args: &LookupArgs) -> Result<()> {
    let kb = KnowledgeBase::open(&args.kb)?;
    let lang = args.lang.as_deref();
    if let Some(lang) = lang.filter(|lang| !kb.languages().contains(lang)) {
        bail!(
            "found no names in the language `{lang}`, expected one of {}; choose one of these",
            kb.languages().join(", ")
        );
    }
    let query = args.term.join(" ");
    let mut concepts: Vec<ConceptIndex> = kb.find_concept(&query).into_iter().collect();
    if concepts.is_empty() {
        concepts.extend(kb.terms_named(&query, lang).into_iter().map(|term| kb.term(term).concept));
        concepts.dedup();
    }
    let told = lang.unwrap_or("en");
    let suggestion = |term: TermIndex| {
        let term = kb.term(term);
        Suggestion { name: term.text, lang: term.lang, concept: kb.concept(term.concept).id }
    };
    let near = if concepts.is_empty() { kb.terms_like(&query, lang, SUGGESTIONS) } else { Vec::new() };
    let answer = Answer {
        query: &query,
        concepts: concepts.into_iter().map(|concept| kb.summary(concept, told, args.facts)).collect(),
        suggestions: near.into_iter().map(suggestion).collect(),
    };
    if args.json {
        return print_json(&answer);
    }
    print(&answer, told)
}

fn print(answer: &Answer, lang: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if answer.concepts.is_empty() {
        writeln!(out, "Nothing is called `{}`.", answer.query)?;
        if !answer.suggestions.is_empty() {
            writeln!(out, "Nearest names:")?;
        }
        for near in &answer.suggestions {
            writeln!(out, "  {} ({}), {}", near.name, near.lang, near.concept)?;
        }
    }
    for (i, concept) in answer.concepts.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}  {}", concept.id, concept.semantic_types.join("; "))?;
        if let [_, others @ ..] = concept.members.as_slice()
            && !others.is_empty()
        {
            writeln!(out, "  also {}", others.join(", "))?;
        }
        for (lang, names) in &concept.names {
            let names: Vec<String> = names.iter().map(|name| format!("{}{}", name.name, remark(name))).collect();
            writeln!(out, "  {lang:<8}{}", names.join(" · "))?;
        }
        for fact in &concept.facts {
            writeln!(out, "  {}", sentence(fact, lang))?;
        }
        if concept.fact_count > concept.facts.len() {
            writeln!(out, "  … {} more facts", concept.fact_count - concept.facts.len())?;
        }
    }
    Ok(())
}

/// What has to be said of a name that is not used like any other.
fn remark(name: &kbioxlm_knowledge::Name) -> String {
    let not = match (name.looked_for, name.written) {
        (true, true) => return String::new(),
        (true, false) => "not written",
        (false, true) => "not looked for",
        (false, false) => "not used",
    };
    if name.flags.is_empty() { format!(" ({not})") } else { format!(" ({not}: {})", name.flags.join(", ")) }
}

fn sentence(fact: &Statement, lang: &str) -> String {
    let spaced = !matches!(lang.split('-').next(), Some("zh" | "ja"));
    fact.words.join(if spaced { " " } else { "" })
}
