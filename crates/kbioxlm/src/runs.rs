//! `kbioxlm runs …`

use anyhow::Result;
use clap::{Args, Subcommand};
use kbioxlm_files::write_atomic;
use kbioxlm_plot::{Chart, Curve, curves};
use kbioxlm_train::{History, read_history};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Figures that come first, in this order, and what they are called.
const TITLES: [(&str, &str); 14] = [
    ("loss", "loss"),
    ("entity_mlm.loss", "loss of masked words and mentions"),
    ("relation_mlm.loss", "loss of masked relations"),
    ("prp.loss", "loss of passage pairs"),
    ("tagging.loss", "loss of tagged mentions"),
    ("alignment.loss", "loss of aligned names"),
    ("entity_mlm.accuracy", "accuracy on masked words and mentions"),
    ("relation_mlm.accuracy", "accuracy on masked relations"),
    ("prp.accuracy", "accuracy on passage pairs"),
    ("tagging.accuracy", "accuracy on tagged mentions"),
    ("alignment.accuracy", "accuracy on aligned names"),
    ("learning_rate", "learning rate"),
    ("grad_norm", "norm of the gradient"),
    ("tokens_per_second", "tokens per second"),
];

#[derive(Subcommand)]
pub enum RunsCommand {
    Plot(PlotArgs),
}

/// Draw what pretraining runs did, step by step, as an SVG file
///
/// One chart for each figure in their metrics.jsonl and evaluations.jsonl: losses, accuracies, learning rate, speed. A run may still be going on.
#[derive(Args)]
pub struct PlotArgs {
    /// Directories that `pretrain` writes; of several, the curves are drawn over each other
    #[arg(required = true, value_name = "DIR")]
    runs: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "curves.svg")]
    out: PathBuf,
}

pub fn run(command: RunsCommand) -> Result<()> {
    let RunsCommand::Plot(PlotArgs { runs, out }) = command;
    let histories = runs.iter().map(|dir| read_history(dir)).collect::<Result<Vec<_>, _>>()?;
    let known = TITLES.map(|(figure, _)| figure);
    let others: BTreeSet<&str> = histories.iter().flat_map(History::keys).map(String::as_str).collect();
    let others = others.into_iter().filter(|figure| !known.contains(figure)).map(|figure| (figure, title(figure)));
    let chart = |(figure, title): (&str, String)| {
        let curve = |(name, history): (usize, &History)| {
            let points = history.get(figure)?.iter().map(|(step, value)| (*step as f64, *value)).collect();
            Some(Curve { name, points })
        };
        let curves: Vec<Curve> = histories.iter().enumerate().filter_map(curve).collect();
        (!curves.is_empty()).then_some(Chart { title, curves })
    };
    let charts: Vec<Chart> =
        TITLES.into_iter().map(|(figure, title)| (figure, title.to_owned())).chain(others).filter_map(chart).collect();
    let note = "Over the steps of each run. Thin: as measured; thick: mean over a fortieth of the steps.";
    let svg = curves("Training", &names(&runs), &charts, note);
    write_atomic(&out, |file| file.write_all(svg.as_bytes()))?;
    writeln!(std::io::stdout(), "{}", out.display())?;
    Ok(())
}

/// What a figure of an evaluation is called; the others keep their names.
fn title(figure: &str) -> String {
    let parts: Vec<&str> = figure.split('.').collect();
    let known = |task: &str, value: &str| {
        let key = format!("{task}.{value}");
        TITLES.iter().find(|(name, _)| *name == key).map_or(key.clone(), |(_, title)| (*title).to_owned())
    };
    match parts[..] {
        ["evaluation", task, value] => format!("held out: {}", known(task, value)),
        ["evaluation", language, task, value] => format!("held out, {language}: {}", known(task, value)),
        ["retrieval", ref rest @ ..] => {
            let words = rest.join(", ").replace("accuracy_at_", "accuracy@").replace("held_out", "held-out concepts");
            format!("names found: {}", words.replace("anchored", "anchored concepts"))
        }
        _ => figure.to_owned(),
    }
}

/// The last parts of the paths; the whole paths where these are the same.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let short =
        |path: &PathBuf| path.file_name().map_or_else(|| path.display().to_string(), |n| n.display().to_string());
    let names: Vec<String> = runs.iter().map(short).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() == names.len() { names } else { runs.iter().map(|path| path.display().to_string()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_have_titles_in_words() {
        assert_eq!(title("evaluation.prp.accuracy"), "held out: accuracy on passage pairs");
        assert_eq!(title("evaluation.en-zh.prp.loss"), "held out, en-zh: loss of passage pairs");
        assert_eq!(
            title("retrieval.en-zh.held_out.accuracy_at_1"),
            "names found: en-zh, held-out concepts, accuracy@1"
        );
        assert_eq!(title("skipped"), "skipped");
    }

    #[test]
    fn names_are_short_where_they_can_be() {
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(names(&paths(&["runs/a", "runs/b/"])), ["a", "b"]);
        assert_eq!(names(&paths(&["x/run", "y/run"])), ["x/run", "y/run"]);
        assert_eq!(names(&paths(&["."])), ["."]);
    }
}
