//! The result of an experiment as one table.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// A step of an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// What was done.
    pub step: String,
    /// Directory of its result, below the experiment's.
    pub directory: String,
    /// Hash of everything that went into it.
    pub key: String,
    /// How long it took, when it was done.
    pub seconds: f64,
    /// Whether it was done before and not repeated.
    pub reused: bool,
}

/// The scores of one fine-tuned model.
#[derive(Clone, Debug, Serialize)]
pub struct SeedScore {
    /// Seed of the fine-tuning.
    pub seed: u64,
    /// Score on the dev data, in the language of the training data.
    pub dev: f64,
    /// Score on the test data.
    pub test: f64,
}

/// A cell of the table: a model on a test file.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Name of the model.
    pub model: String,
    /// Name of the task.
    pub task: String,
    /// Name of the test file: its language.
    pub test: String,
    /// Name of the score.
    pub metric: String,
    /// Mean test score over the seeds.
    pub mean: f64,
    /// Standard deviation over the seeds (of a sample: n - 1); `None` for one seed.
    pub std: Option<f64>,
    /// Each seed apart.
    pub seeds: Vec<SeedScore>,
}

/// The result of an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct ExperimentReport {
    /// Version of this program.
    pub version: String,
    /// Scores, in the order models × tasks × tests.
    pub outcomes: Vec<Outcome>,
    /// What to keep in mind when reading the scores.
    pub warnings: Vec<String>,
    /// What was done, in its order.
    pub steps: Vec<StepReport>,
    /// BLAKE3 hashes of the input files.
    pub data: BTreeMap<String, String>,
    /// The experiment with all settings resolved.
    pub experiment: Value,
}

/// Mean, and standard deviation where there is more than one value.
pub(super) fn mean_std(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

fn percent(mean: f64, std: Option<f64>) -> String {
    match std {
        Some(std) => format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * std),
        None => format!("{:.1}", 100.0 * mean),
    }
}

impl ExperimentReport {
    /// Header and rows: a row a model; for each task a dev column and a column a test.
    fn table(&self) -> Vec<Vec<String>> {
        let mut header = vec!["model".to_owned()];
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut task = None;
        for outcome in &self.outcomes {
            if rows.last().and_then(|r| r.first()) != Some(&outcome.model) {
                rows.push(vec![outcome.model.clone()]);
                task = None;
            }
            let mut cells = Vec::new();
            if task != Some(&outcome.task) {
                let (mean, std) = mean_std(&outcome.seeds.iter().map(|s| s.dev).collect::<Vec<_>>());
                cells.push((format!("{} dev", outcome.task), percent(mean, std)));
                task = Some(&outcome.task);
            }
            cells.push((format!("{} {}", outcome.task, outcome.test), percent(outcome.mean, outcome.std)));
            for (name, cell) in cells {
                if rows.len() == 1 {
                    header.push(name);
                }
                if let Some(row) = rows.last_mut() {
                    row.push(cell);
                }
            }
        }
        rows.insert(0, header);
        rows
    }

    fn legend(&self) -> String {
        let mut metrics: Vec<String> = Vec::new();
        for outcome in &self.outcomes {
            let entry = format!("{}: {} in %", outcome.task, outcome.metric);
            if !metrics.contains(&entry) {
                metrics.push(entry);
            }
        }
        let seeds = self.outcomes.first().map_or(0, |o| o.seeds.len());
        let spread = if seeds > 1 { format!("; mean ± standard deviation over {seeds} seeds") } else { String::new() };
        format!("{}{spread}. The epoch is chosen on dev.", metrics.join(", "))
    }

    /// The report as a page of Markdown.
    pub fn markdown(&self) -> String {
        let mut page = String::from("# Experiment\n\n");
        let escape = |cell: &String| cell.replace('|', "\\|");
        for (i, row) in self.table().iter().enumerate() {
            page.push_str(&format!("| {} |\n", row.iter().map(escape).collect::<Vec<_>>().join(" | ")));
            if i == 0 {
                page.push_str(&format!("|{}\n", "---|".repeat(row.len())));
            }
        }
        page.push_str(&format!("\n{}\n", self.legend()));
        if !self.warnings.is_empty() {
            page.push_str("\n## Warnings\n\n");
            self.warnings.iter().for_each(|w| page.push_str(&format!("- {w}\n")));
        }
        page.push_str("\n## Steps\n\n| step | directory | seconds |\n|---|---|---|\n");
        for step in &self.steps {
            page.push_str(&format!("| {} | `{}` | {:.0} |\n", escape(&step.step), step.directory, step.seconds));
        }
        page.push_str("\n## Data (BLAKE3)\n\n");
        self.data.iter().for_each(|(path, hash)| page.push_str(&format!("- `{path}` {hash}\n")));
        let experiment = serde_json::to_string_pretty(&self.experiment).unwrap_or_default();
        page.push_str(&format!("\n## Settings\n\nkbioxlm {}\n\n```json\n{experiment}\n```\n", self.version));
        page
    }
}

impl fmt::Display for ExperimentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        let columns = table.first().map_or(0, Vec::len);
        let width =
            |c: usize| table.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &table {
            let mut line = String::new();
            for (c, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                if c == 0 { write!(line, "{cell:<width$}")? } else { write!(line, "  {cell:>width$}")? }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "\n{}", self.legend())?;
        self.warnings.iter().try_for_each(|w| writeln!(f, "warning: {w}"))
    }
}
