//! `kbioxlm corpus stats`

use crate::progress::{bar, print_json};
use anstyle::Style;
use anyhow::Result;
use clap::Args;
use kbioxlm_corpus::Corpus;
use kbioxlm_corpus::stats::{CorpusStats, LengthUnit, Lengths, Ranked, StatsOptions, stats};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::Tokenizer;
use kbioxlm_plot::{
    Bar, Histogram, Page, decimal, grouped, svg_bars, svg_histogram, text_bars, text_histogram, text_table,
};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Columns of the longest bar on a terminal.
const BAR: usize = 36;

#[derive(Args)]
pub struct StatsArgs {
    /// Corpus, as `corpus build` writes it
    corpus: PathBuf,
    /// Measure lengths in tokens: a model directory or a tokenizer.json
    #[arg(long, value_name = "PATH")]
    tokenizer: Option<PathBuf>,
    /// Knowledge base: gives names and semantic types, and says what share of it the corpus covers
    #[arg(long, value_name = "DIR")]
    kb: Option<PathBuf>,
    /// Length of the model's input, against which lengths are shown
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_length: u64,
    /// Entries of each ranking
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Write a page with plots too, in one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub fn run(args: &StatsArgs) -> Result<()> {
    let corpus = Corpus::open(&args.corpus)?;
    let kb = args.kb.as_deref().map(KnowledgeBase::open).transpose()?;
    let tokenizer = args.tokenizer.as_deref().map(tokenizer).transpose()?;
    let count = |text: &str| -> Result<usize, String> {
        tokenizer.as_ref().map_or(Ok(0), |t| t.encode(text).map(|e| e.ids.len()).map_err(|e| e.to_string()))
    };
    let options = StatsOptions {
        count_tokens: tokenizer.is_some().then_some(&count),
        kb: kb.as_ref(),
        max_length: args.max_length,
        top: args.top,
    };
    let bar = bar(corpus.len() as u64, "counting");
    let stats = stats(&corpus, &options, &|done| bar.set_position(done))?;
    bar.finish_and_clear();
    if let Some(path) = &args.html {
        let page = page(&stats, &args.corpus);
        kbioxlm_files::write_atomic(path, |out| out.write_all(page.html().as_bytes()))?;
    }
    if args.json { print_json(&stats) } else { print(&stats) }
}

fn tokenizer(path: &Path) -> Result<Tokenizer> {
    Ok(if path.is_dir() { Tokenizer::load(path)? } else { Tokenizer::from_file(path)? })
}

fn print(stats: &CorpusStats) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let bold = Style::new().bold();
    writeln!(out, "{}\n", text_table(&sizes(stats)))?;
    let section = |out: &mut dyn Write, title: &str, body: &str| -> std::io::Result<()> {
        if body.is_empty() { Ok(()) } else { writeln!(out, "{bold}{title}{bold:#}\n{body}\n") }
    };
    let all = overall(stats);
    section(&mut out, &length_title(stats), &text_histogram(&histogram(&all, stats), BAR))?;
    section(&mut out, "By level", &text_table(&lengths(stats)))?;
    section(&mut out, "Coverage", &text_table(&coverage(stats)))?;
    section(&mut out, "Facts by language", &text_bars(&counts(&stats.facts), BAR))?;
    section(&mut out, "Passage pairs", &text_bars(&labels(stats), BAR))?;
    for (title, ranking) in rankings(stats) {
        section(&mut out, title, &text_bars(&bars(ranking), BAR))?;
    }
    Ok(())
}

fn page(stats: &CorpusStats, corpus: &Path) -> Page {
    let name = corpus.file_name().unwrap_or(corpus.as_os_str()).to_string_lossy();
    let mut page =
        Page::new(&format!("Corpus {name}"), "What the anchored corpus holds, as kbioxlm corpus stats counts it.");
    let sum = |of: fn(&kbioxlm_corpus::stats::Group) -> u64| -> String {
        grouped(stats.groups.values().flat_map(|groups| groups.values()).map(of).sum())
    };
    page.tiles(&[
        ("examples", grouped(stats.examples)),
        (unit(stats), sum(|g| g.length)),
        ("mentions", sum(|g| g.counts.mentions)),
        ("switched mentions", sum(|g| g.counts.switches)),
        ("facts told", sum(|g| g.counts.facts)),
        ("concepts mentioned", grouped(stats.coverage.mentioned_concepts)),
    ]);
    page.table("Sizes", &sizes(stats));
    page.begin_group();
    page.list("Coverage", &coverage(stats));
    page.table("Lengths", &lengths(stats));
    for (level, of) in &stats.lengths {
        let title = format!("Length of {level} examples, in {}", unit(stats));
        let plot = histogram(of, stats);
        let share = over_share(of);
        let note = match stats.unit {
            LengthUnit::Tokens => {
                format!("{share} are longer than {} tokens; the last column has all longer ones.", stats.max_length)
            }
            LengthUnit::WordsAndCharacters => "The last column has all longer ones.".to_owned(),
        };
        page.chart(&title, &svg_histogram(&title, &plot), &note);
    }
    for (title, bars) in [("Facts by language", counts(&stats.facts)), ("Passage pairs", labels(stats))] {
        if !bars.is_empty() {
            page.chart(title, &svg_bars(title, &bars), "");
        }
    }
    for (title, ranking) in rankings(stats) {
        if !ranking.is_empty() {
            page.chart(title, &svg_bars(title, &bars(ranking)), "");
        }
    }
    page.end_group();
    page
}

fn with_header<const N: usize>(mut rows: Vec<Vec<String>>, header: [&str; N]) -> Vec<Vec<String>> {
    rows.insert(0, header.map(str::to_owned).to_vec());
    rows
}

fn unit(stats: &CorpusStats) -> &'static str {
    match stats.unit {
        LengthUnit::Tokens => "tokens",
        LengthUnit::WordsAndCharacters => "words or characters",
    }
}

fn sizes(stats: &CorpusStats) -> Vec<Vec<String>> {
    let header = ["examples", "number", "characters", unit(stats), "mentions", "switched", "facts"];
    let mut rows = Vec::new();
    for (level, groups) in &stats.groups {
        for (languages, group) in groups {
            let c = &group.counts;
            let numbers = [c.examples, c.characters, group.length, c.mentions, c.switches, c.facts].map(grouped);
            rows.push(std::iter::once(format!("{level} {languages}")).chain(numbers).collect());
        }
    }
    with_header(rows, header)
}

fn length_title(stats: &CorpusStats) -> String {
    match stats.unit {
        LengthUnit::Tokens => {
            let (over, all): (u64, u64) = (stats.lengths.values().map(|l| l.over).sum(), stats.examples);
            format!(
                "Length in tokens ({} of {} examples are longer than {})",
                grouped(over),
                grouped(all),
                stats.max_length
            )
        }
        LengthUnit::WordsAndCharacters => {
            "Length in words, of scripts without spaces in characters (give --tokenizer for tokens)".to_owned()
        }
    }
}

/// The bins of all levels together.
fn overall(stats: &CorpusStats) -> Lengths {
    let mut all = Lengths::default();
    for lengths in stats.lengths.values() {
        all.bin_width = lengths.bin_width;
        all.longest = all.longest.max(lengths.longest);
        all.bins.resize(all.bins.len().max(lengths.bins.len()), 0);
        all.bins.iter_mut().zip(&lengths.bins).for_each(|(sum, count)| *sum += count);
    }
    all
}

fn histogram<'a>(lengths: &'a Lengths, stats: &CorpusStats) -> Histogram<'a> {
    Histogram {
        bins: &lengths.bins,
        width: lengths.bin_width,
        open: lengths.longest >= lengths.bins.len() as u64 * lengths.bin_width,
        mark: (stats.unit == LengthUnit::Tokens).then_some(stats.max_length),
    }
}

fn over_share(lengths: &Lengths) -> String {
    let examples: u64 = lengths.bins.iter().sum();
    format!("{} %", decimal(100.0 * lengths.over as f64 / examples.max(1) as f64, 1))
}

fn lengths(stats: &CorpusStats) -> Vec<Vec<String>> {
    let over = format!("over {}", stats.max_length);
    let row = |(level, l): (&kbioxlm_corpus::Level, &Lengths)| {
        let cells =
            [decimal(l.mean, 0), grouped(l.median), grouped(l.percentile_95), grouped(l.longest), over_share(l)];
        std::iter::once(level.to_string()).chain(cells).collect()
    };
    with_header(stats.lengths.iter().map(row).collect(), ["length", "mean", "median", "95 %", "longest", &over])
}

fn coverage(stats: &CorpusStats) -> Vec<Vec<String>> {
    let c = &stats.coverage;
    let percent = |share: f64| format!("{} %", decimal(100.0 * share, 1));
    let mut rows = vec![
        ("examples with a mention", percent(c.with_mention)),
        ("mentions per 1,000 characters", decimal(c.mentions_per_1000_characters, 1)),
        ("concepts mentioned", grouped(c.mentioned_concepts)),
        ("concepts switched", grouped(c.switched_concepts)),
        ("concepts in facts", grouped(c.told_concepts)),
    ];
    if let (Some(known), Some(share)) = (c.known_concepts, c.known_share) {
        rows.push(("concepts of the knowledge base", grouped(known)));
        rows.push(("share of these in the corpus", percent(share)));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

fn rankings(stats: &CorpusStats) -> [(&'static str, &[Ranked]); 4] {
    [
        ("Concepts switched most often", &stats.switched),
        ("Concepts mentioned most often", &stats.mentioned),
        ("Relations told most often", &stats.relations),
        ("Semantic types mentioned most often", &stats.semantic_types),
    ]
}

fn bars(ranking: &[Ranked]) -> Vec<Bar> {
    let label = |r: &Ranked| if r.id == r.name { r.id.clone() } else { format!("{} · {}", r.name, r.id) };
    ranking.iter().map(|r| Bar::count(label(r), r.count)).collect()
}

fn counts(counts: &std::collections::BTreeMap<String, u64>) -> Vec<Bar> {
    counts.iter().map(|(name, &count)| Bar::count(name, count)).collect()
}

fn labels(stats: &CorpusStats) -> Vec<Bar> {
    stats.labels.iter().map(|(label, &count)| Bar::count(label.as_str(), count)).collect()
}
