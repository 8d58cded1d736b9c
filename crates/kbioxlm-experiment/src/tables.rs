//! The tables of a report, and how Markdown, LaTeX and a terminal show them.

use crate::matrix::{Direction, Method};
use crate::report::{ExperimentReport, Outcome, mean_std};
use kbioxlm_plot::text_table;
use kbioxlm_train::NamesFound;
use std::fmt::Write;

/// A table with a header, and what has to be said of it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub heading: String,
    pub rows: Vec<Vec<Cell>>,
    pub note: String,
}

/// What stands in a table, and whether it is the best of its column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub text: String,
    pub best: bool,
}

impl<S: Into<String>> From<S> for Cell {
    fn from(text: S) -> Self {
        Self { text: text.into(), best: false }
    }
}

/// All tables of a report, the most important first.
pub(crate) fn tables(report: &ExperimentReport) -> Vec<Table> {
    let mut tables = Vec::new();
    tables.extend(summary(report));
    for (task, direction) in groups(report) {
        tables.extend(scores(report, task, direction));
        tables.extend(few_shot(report, task, direction));
    }
    tables.extend(retrieval(report));
    tables
}

/// Tasks and directions in the order of the outcomes.
pub(crate) fn groups(report: &ExperimentReport) -> Vec<(&str, &Direction)> {
    let mut groups: Vec<(&str, &Direction)> = Vec::new();
    for outcome in &report.outcomes {
        let group = (outcome.task.as_str(), &outcome.direction);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// Models and methods in the order of the report: first all models zero-shot.
pub(crate) fn systems(report: &ExperimentReport) -> Vec<(&str, Method)> {
    let methods = [Method::ZeroShot, Method::CodeSwitch, Method::Widened, Method::TranslateTrain];
    let all = methods.into_iter().flat_map(|method| report.models.iter().map(move |m| (m.as_str(), method)));
    all.filter(|&(model, method)| report.outcomes.iter().any(|o| (o.model.as_str(), o.method) == (model, method)))
        .collect()
}

/// What a system is called.
pub(crate) fn system_name(model: &str, method: Method) -> String {
    if method == Method::ZeroShot { model.to_owned() } else { format!("{model}, {method}") }
}

/// The outcome of a system that was tuned on `shots` documents of the target language, on the test data of a language.
fn find<'r>(
    report: &'r ExperimentReport,
    (task, direction): (&str, &Direction),
    (model, method): (&str, Method),
    shots: usize,
    test: &str,
) -> Option<&'r Outcome> {
    report.outcomes.iter().find(|o| {
        (o.task.as_str(), &o.direction, o.test.as_str()) == (task, direction, test)
            && (o.model.as_str(), o.method, o.shots) == (model, method, shots)
    })
}

/// The same on the target's test data.
pub(crate) fn few<'r>(
    report: &'r ExperimentReport,
    (task, direction): (&str, &Direction),
    system: (&str, Method),
    shots: usize,
) -> Option<&'r Outcome> {
    find(report, (task, direction), system, shots, &direction.to)
}

pub(crate) fn percent(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

fn with_std(mean: f64, std: Option<f64>) -> String {
    std.map_or_else(|| percent(mean), |std| format!("{} ± {}", percent(mean), percent(std)))
}

fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "−" } else { "+" }, percent(value.abs()))
}

/// Score on the target of every system and task: what the experiment is about.
fn summary(report: &ExperimentReport) -> Option<Table> {
    let groups = groups(report);
    let systems = systems(report);
    if groups.len() < 2 {
        return None;
    }
    let header = groups.iter().map(|(task, direction)| format!("{task} {direction}").into());
    let mut rows = vec![std::iter::once("model".into()).chain(header).collect::<Vec<Cell>>()];
    for &(model, method) in &systems {
        let cell = |&(task, direction): &(&str, &Direction)| {
            let outcome = few(report, (task, direction), (model, method), 0);
            outcome.map_or_else(Cell::default, |o| format!("{}{}", with_std(o.mean, o.std), mark(o)).into())
        };
        rows.push(std::iter::once(system_name(model, method).into()).chain(groups.iter().map(cell)).collect());
    }
    for (column, &(task, direction)) in groups.iter().enumerate() {
        let means = systems.iter().map(|system| Some(few(report, (task, direction), *system, 0)?.mean));
        mark_best(&mut rows, column + 1, &means.collect::<Vec<_>>());
    }
    let note = format!(
        "Test data of the target language; only translate-train was trained on documents in it. {}{MARKS}",
        metrics(report)
    );
    Some(Table { heading: "In the target language".to_owned(), rows, note })
}

const MARKS: &str = " * p < 0.05, ** p < 0.01 that it beats the base: paired bootstrap over the test documents, one-sided, not corrected for \
    the number of comparisons. Bold: the best of the column.";

fn mark(outcome: &Outcome) -> &'static str {
    match &outcome.against_base {
        Some(c) if c.p < 0.01 => " **",
        Some(c) if c.p < 0.05 => " *",
        _ => "",
    }
}

/// Marks the best of a column; `values` are those of the rows behind the header.
fn mark_best(rows: &mut [Vec<Cell>], column: usize, values: &[Option<f64>]) {
    let best = values.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.iter().flatten().count() < 2 {
        return;
    }
    for (row, value) in rows.iter_mut().skip(1).zip(values) {
        if let (Some(cell), Some(value)) = (row.get_mut(column), value) {
            cell.best = *value >= best;
        }
    }
}

fn metrics(report: &ExperimentReport) -> String {
    let mut metrics: Vec<String> = Vec::new();
    for outcome in &report.outcomes {
        let entry = format!("{}: {}", outcome.task, outcome.metric);
        if !metrics.contains(&entry) {
            metrics.push(entry);
        }
    }
    format!("{}, in %; mean ± standard deviation over seeds.", metrics.join(", "))
}

/// A task in a direction: dev and test in the source language, test in the target, and the difference to the base.
fn scores(report: &ExperimentReport, task: &str, direction: &Direction) -> Option<Table> {
    let Direction { from, to } = direction;
    let of = |system: (&str, Method), test: &str| find(report, (task, direction), system, 0, test);
    let systems: Vec<(&str, Method)> = systems(report).into_iter().filter(|s| of(*s, to).is_some()).collect();
    let first = of(*systems.first()?, to)?;
    let header = [
        "model".into(),
        "dev".into(),
        format!("test {from}"),
        format!("test {to}"),
        format!("oracle {to}"),
        "− base".into(),
        "95 %".into(),
        "p".into(),
        "seeds".into(),
    ];
    let mut rows: Vec<Vec<Cell>> = vec![header.into_iter().map(String::into).collect()];
    for &(model, method) in &systems {
        let outcome = of((model, method), to)?;
        let over = |values: Vec<f64>| {
            let (mean, std) = mean_std(&values);
            if values.is_empty() { String::new() } else { with_std(mean, std) }
        };
        let source = of((model, method), from).filter(|_| from != to);
        let against = outcome.against_base.as_ref();
        rows.push(vec![
            system_name(model, method).into(),
            over(outcome.runs.iter().filter_map(|r| r.dev).collect()).into(),
            source.map_or_else(String::new, |o| with_std(o.mean, o.std)).into(),
            with_std(outcome.mean, outcome.std).into(),
            over(outcome.runs.iter().filter_map(|r| r.oracle).collect()).into(),
            against.map_or_else(String::new, |c| signed(c.difference.value)).into(),
            against
                .map_or_else(String::new, |c| format!("{} to {}", signed(c.difference.low), signed(c.difference.high)))
                .into(),
            against.map_or_else(String::new, |c| format!("{:.4}", c.p)).into(),
            outcome.runs.len().to_string().into(),
        ]);
    }
    for (column, test) in [(2, from), (3, to)] {
        let means: Vec<Option<f64>> = systems.iter().map(|s| Some(of(*s, test)?.mean)).collect();
        mark_best(&mut rows, column, &means);
    }
    let note = format!(
        "{} in %, {} test documents in {to}. The epoch is chosen on dev, in the language of the training data; oracle: had it been chosen on \
         {to} dev, which is never done. − base: difference of the means, with the range of 95 % of the bootstrap's resamples of test documents, and \
         the p-value of \"beats the base\" (paired, one-sided).",
        first.metric, first.documents
    );
    Some(Table { heading: format!("{task}, {from} → {to}"), rows, note })
}

/// Numbers of documents of the target language for which there are outcomes.
pub(crate) fn shots(report: &ExperimentReport, task: &str, direction: &Direction) -> Vec<usize> {
    let here = report.outcomes.iter().filter(|o| (o.task.as_str(), &o.direction) == (task, direction));
    let mut shots: Vec<usize> = here.map(|o| o.shots).collect();
    shots.sort_unstable();
    shots.dedup();
    shots
}

fn few_shot(report: &ExperimentReport, task: &str, direction: &Direction) -> Option<Table> {
    let shots = shots(report, task, direction);
    if shots.len() < 2 {
        return None;
    }
    let of = |system, k| few(report, (task, direction), system, k);
    let mut systems = systems(report);
    systems.retain(|system| shots.iter().any(|&k| k > 0 && of(*system, k).is_some()));
    let mut rows: Vec<Vec<Cell>> =
        vec![std::iter::once("model".into()).chain(shots.iter().map(|k| format!("k = {k}").into())).collect()];
    for &(model, method) in &systems {
        let cell = |&k: &usize| {
            of((model, method), k)
                .map_or_else(Cell::default, |o| format!("{}{}", with_std(o.mean, o.std), mark(o)).into())
        };
        rows.push(std::iter::once(system_name(model, method).into()).chain(shots.iter().map(cell)).collect());
    }
    for (column, &k) in shots.iter().enumerate() {
        let means: Vec<Option<f64>> = systems.iter().map(|s| Some(of(*s, k)?.mean)).collect();
        mark_best(&mut rows, column + 1, &means);
    }
    let note = format!(
        "The fine-tuned model tuned further on k documents of the target language, to its last epoch; mean ± standard deviation over \
         seeds and samples.{MARKS}"
    );
    Some(Table { heading: format!("{task}, few-shot {direction}"), rows, note })
}

fn retrieval(report: &ExperimentReport) -> Option<Table> {
    let first = report.retrieval.first()?;
    let mut header: Vec<Cell> = vec!["model".into()];
    let mut columns: Vec<(usize, bool)> = Vec::new();
    for (n, d) in first.directions.iter().enumerate() {
        for (held_out, group, name) in [(true, d.held_out, "held out"), (false, d.anchored, "others")] {
            if group.is_some() {
                columns.push((n, held_out));
                let what = if d.held_out.is_some() { format!(", {name}") } else { String::new() };
                header.extend(["@1", "@5", "MRR"].map(|m| format!("{} → {}{what} {m}", d.from, d.to).into()));
            }
        }
    }
    let found = |row: &crate::TermsFound, (n, held_out): (usize, bool)| -> Option<NamesFound> {
        let direction = row.directions.get(n)?;
        if held_out { direction.held_out } else { direction.anchored }
    };
    let figures = |f: NamesFound| [f.accuracy_at_1, f.accuracy_at_5, f.mrr];
    let mut rows = vec![header];
    for row in &report.retrieval {
        let cells = columns.iter().flat_map(|c| match found(row, *c) {
            Some(f) => figures(f).map(|x| percent(x).into()),
            None => std::array::from_fn(|_| Cell::default()),
        });
        rows.push(std::iter::once(row.model.as_str().into()).chain(cells).collect());
    }
    for (n, column) in columns.iter().enumerate() {
        for figure in 0..3 {
            let value = |row| Some(figures(found(row, *column)?)[figure]);
            mark_best(&mut rows, 1 + 3 * n + figure, &report.retrieval.iter().map(value).collect::<Vec<_>>());
        }
    }
    let counts: Vec<String> = first
        .directions
        .iter()
        .map(|d| {
            let n = |g: Option<NamesFound>| g.map_or(0, |g| g.concepts);
            format!("{} → {}: {} + {} concepts among {} names", d.from, d.to, n(d.held_out), n(d.anchored), d.names)
        })
        .collect();
    let note = format!(
        "Names of concepts found in the other language by embedding, without fine-tuning: accuracy@1, @5 and mean reciprocal rank in %. Held \
         out: concepts that no corpus and no alignment ties together. {}.",
        counts.join("; ")
    );
    Some(Table { heading: "Term retrieval".to_owned(), rows, note })
}

/// The report as a page of Markdown.
pub(crate) fn markdown(report: &ExperimentReport) -> String {
    let mut page = String::from("# Experiment\n");
    let escape = |text: &str| text.replace('|', "\\|").replace('*', "\\*");
    // Writing to a string cannot fail.
    for Table { heading, rows, note } in tables(report) {
        let _ = writeln!(page, "\n## {heading}\n");
        for (i, row) in rows.iter().enumerate() {
            let cell = |c: &Cell| if c.best { format!("**{}**", escape(&c.text)) } else { escape(&c.text) };
            let _ = writeln!(page, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
            if i == 0 {
                let _ = writeln!(page, "|{}", "---|".repeat(row.len()));
            }
        }
        let _ = writeln!(page, "\n{}", escape(&note));
    }
    let mut list = |heading: &str, lines: &mut dyn Iterator<Item = String>| {
        let lines: Vec<String> = lines.map(|line| format!("- {line}\n")).collect();
        if !lines.is_empty() {
            let _ = write!(page, "\n## {heading}\n\n{}", lines.concat());
        }
    };
    list("Failed", &mut report.failures.iter().map(|f| format!("{}: {}", f.step, f.error.replace('\n', " "))));
    list("Not run yet", &mut report.missing.iter().cloned());
    list("Warnings", &mut report.warnings.iter().cloned());
    let _ = write!(page, "\n## Steps\n\n| step | directory | seconds |\n|---|---|---|\n");
    for step in &report.steps {
        let _ = writeln!(page, "| {} | `{}` | {:.0} |", escape(&step.step), step.directory, step.seconds);
    }
    let _ = write!(page, "\n## Data (BLAKE3)\n\n");
    for (path, hash) in &report.data {
        let _ = writeln!(page, "- `{path}` {hash}");
    }
    let settings = serde_json::to_string_pretty(&report.experiment).unwrap_or_default();
    let _ = write!(page, "\n## Settings\n\nkbioxlm {}\n\n```json\n{settings}\n```\n", report.version);
    page
}

/// The tables in LaTeX, for `\input`; they need `booktabs`.
pub(crate) fn latex(report: &ExperimentReport) -> String {
    let mut page = format!("% Made by kbioxlm {}; needs \\usepackage{{booktabs}}\n", report.version);
    for Table { heading, rows, note } in tables(report) {
        let columns = rows.first().map_or(0, Vec::len);
        let _ = write!(
            page,
            "\n\\begin{{table}}\n\\centering\n\\caption{{{}. {}}}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n",
            tex(&heading),
            tex(&note),
            "r".repeat(columns.saturating_sub(1))
        );
        for (i, row) in rows.iter().enumerate() {
            let cell = |c: &Cell| if c.best { format!("\\textbf{{{}}}", tex(&c.text)) } else { tex(&c.text) };
            let _ = writeln!(page, "{} \\\\", row.iter().map(cell).collect::<Vec<_>>().join(" & "));
            if i == 0 {
                page.push_str("\\midrule\n");
            }
        }
        page.push_str("\\bottomrule\n\\end{tabular}\n\\end{table}\n");
    }
    page
}

/// Text as LaTeX wants it.
fn tex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '%' | '&' | '#' | '_' | '$' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '^' => out.push_str("\\^{}"),
            '~' => out.push_str("\\~{}"),
            '±' => out.push_str("$\\pm$"),
            '−' => out.push_str("$-$"),
            '→' => out.push_str("$\\to$"),
            '<' => out.push_str("$<$"),
            c => out.push(c),
        }
    }
    out
}

/// The tables for a terminal.
pub(crate) fn text(report: &ExperimentReport) -> String {
    let mut page = String::new();
    for Table { heading, rows, note } in tables(report) {
        let cells = |row: &Vec<Cell>| row.iter().map(|c| c.text.clone()).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        let _ = writeln!(page, "{heading}\n\n{}\n\n{note}\n", text_table(&rows));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latex_is_escaped() {
        assert_eq!(
            tex("5 % of a_b & {x} ± 1 → −2 < 3 \\"),
            "5 \\% of a\\_b \\& \\{x\\} $\\pm$ 1 $\\to$ $-$2 $<$ 3 \\textbackslash{}"
        );
    }

    #[test]
    fn the_best_of_a_column_is_marked_equal_ones_too() {
        let mut rows: Vec<Vec<Cell>> = ["x", "a", "b", "c", "d"].iter().map(|t| vec![(*t).into()]).collect();
        mark_best(&mut rows, 0, &[Some(1.0), Some(2.0), None, Some(2.0)]);
        assert_eq!(rows.iter().map(|r| r[0].best).collect::<Vec<_>>(), [false, false, true, false, true]);
        let mut single = rows[..2].to_vec();
        single[1][0].best = false;
        mark_best(&mut single, 0, &[Some(1.0)]);
        assert!(!single[1][0].best, "the only one is no best one");
    }
}
