//! The report as one HTML page.

use crate::examples::hardest;
use crate::matrix::Direction;
use crate::report::ExperimentReport;
use crate::tables::{few, groups, percent, shots, system_name, systems, tables};
use kbioxlm_corpus::PassageLabel;
use kbioxlm_files::read_jsonl;
use kbioxlm_plot::{Bar, Chart, Curve, Page, curve_chart, grouped, svg_bars};
use kbioxlm_train::{Evaluation, read_history};
use std::path::Path;

/// Figures of pretraining that are drawn, and what they are called.
const FIGURES: [(&str, &str); 5] = [
    ("loss", "loss"),
    ("entity_mlm.accuracy", "accuracy on masked words and mentions"),
    ("relation_mlm.accuracy", "accuracy on masked relations"),
    ("prp.accuracy", "accuracy on passage pairs"),
    ("alignment.accuracy", "accuracy on aligned names"),
];

/// The page; `out` is the directory of the experiment, from which examples and training curves are read as far as they are there.
pub(crate) fn html(report: &ExperimentReport, out: &Path) -> String {
    let about = format!("kbioxlm {}: {}", report.version, report.models.join(" · "));
    let mut page = Page::new("Experiment", &about);
    let hours = report.steps.iter().map(|s| s.seconds).sum::<f64>() / 3600.0;
    page.tiles(&[
        ("models", grouped(report.models.len() as u64)),
        ("fine-tuned and tested", grouped(report.outcomes.iter().map(|o| o.runs.len() as u64).sum())),
        ("hours of all steps", format!("{hours:.1}")),
        ("steps failed", grouped(report.failures.len() as u64)),
        ("steps not run yet", grouped(report.missing.len() as u64)),
    ]);
    let failed: Vec<String> = report.failures.iter().map(|f| format!("{}: {}", f.step, f.error)).collect();
    for (heading, notes) in [("Failed", &failed), ("Not run yet", &report.missing)] {
        if !notes.is_empty() {
            page.notes(heading, notes);
        }
    }
    for table in tables(report) {
        let row = |row: &Vec<_>| row.iter().map(|c: &crate::tables::Cell| (c.text.clone(), c.best)).collect();
        let rows: Vec<Vec<(String, bool)>> = table.rows.iter().map(row).collect();
        page.marked_table(&table.heading, &rows, &table.note);
    }
    page.begin_group();
    for (task, direction) in groups(report) {
        few_shot(&mut page, report, task, direction);
    }
    for (task, direction) in groups(report) {
        by_label(&mut page, report, task, direction);
    }
    pretraining(&mut page, report, out);
    confusions(&mut page, report, out);
    page.end_group();
    for (task, direction) in groups(report) {
        for example in hardest(report, out, task, direction) {
            page.texts(&example.heading, &example.note, &example.texts);
        }
    }
    if !report.warnings.is_empty() {
        page.notes("Warnings", &report.warnings);
    }
    let steps = report.steps.iter().map(|s| format!("{:>7.0} s  {}  {}\n", s.seconds, s.step, s.directory));
    page.folded("Steps", &steps.collect::<String>());
    let data = report.data.iter().map(|(path, hash)| format!("{hash}  {path}\n"));
    page.folded("Data (BLAKE3)", &data.collect::<String>());
    page.folded("Settings", &serde_json::to_string_pretty(&report.experiment).unwrap_or_default());
    page.html()
}

/// Scores over the number of documents of the target language.
fn few_shot(page: &mut Page, report: &ExperimentReport, task: &str, direction: &Direction) {
    let shots = shots(report, task, direction);
    if shots.len() < 2 {
        return;
    }
    let (mut names, mut curves) = (Vec::new(), Vec::new());
    for (model, method) in systems(report) {
        let of = |&k: &usize| Some((k as f64, 100.0 * few(report, (task, direction), (model, method), k)?.mean));
        let points: Vec<(f64, f64)> = shots.iter().filter_map(of).collect();
        if points.len() > 1 {
            curves.push(Curve { name: names.len(), points });
            names.push(system_name(model, method));
        }
    }
    let chart = Chart { title: "score in % over documents of the target language".to_owned(), curves };
    page.chart(&format!("{task}, few-shot {direction}"), &curve_chart(&names, &chart), "");
}

/// F1 of each entity type, class or label in the target language.
fn by_label(page: &mut Page, report: &ExperimentReport, task: &str, direction: &Direction) {
    let mut bars = Vec::new();
    let here = |model, method| few(report, (task, direction), (model, method), 0);
    let systems = systems(report);
    let mut labels: Vec<&str> = Vec::new();
    for outcome in systems.iter().filter_map(|&(model, method)| here(model, method)) {
        for label in outcome.by_label.iter().map(|l| l.label.as_str()) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    for label in labels {
        for &(model, method) in &systems {
            let score = here(model, method).and_then(|o| o.by_label.iter().find(|l| l.label == label));
            if let Some(score) = score {
                let note =
                    format!("{} (P {}, R {})", percent(score.f1), percent(score.precision), percent(score.recall));
                bars.push(Bar { label: format!("{label} · {}", system_name(model, method)), value: score.f1, note });
            }
        }
    }
    let heading = format!("{task}, {direction}: F1 by type");
    page.chart(
        &heading,
        &svg_bars(&heading, &bars),
        "In % on the target's test data, zero-shot; P: precision, R: recall.",
    );
}

/// Curves of the pretraining runs.
fn pretraining(page: &mut Page, report: &ExperimentReport, out: &Path) {
    let runs = report.pretrained.iter();
    let histories: Vec<_> = runs.filter_map(|r| Some((r, read_history(&out.join(&r.directory)).ok()?))).collect();
    for (figure, title) in FIGURES {
        let (mut names, mut curves) = (Vec::new(), Vec::new());
        for (run, history) in &histories {
            if let Some(values) = history.get(figure) {
                let points = values.iter().map(|(step, value)| (*step as f64, *value)).collect();
                curves.push(Curve { name: names.len(), points });
                names.push(run.model.clone());
            }
        }
        if !curves.is_empty() {
            let chart = Chart { title: "over steps".to_owned(), curves };
            page.chart(&format!("Pretraining: {title}"), &curve_chart(&names, &chart), "");
        }
    }
}

/// What the models took held-out passage pairs for, at the end of their pretraining.
fn confusions(page: &mut Page, report: &ExperimentReport, out: &Path) {
    for run in &report.pretrained {
        let path = out.join(&run.directory).join("evaluations.jsonl");
        let rows = read_jsonl::<Evaluation>(&path, "an evaluation").ok();
        let last = rows.and_then(|rows| rows.filter_map(Result::ok).last());
        let confusion = last.and_then(|(_, evaluation)| evaluation.held_out?.all.prp_confusion);
        let Some(confusion) = confusion else { continue };
        let labels = PassageLabel::ALL.map(|label| label.to_string());
        let header = std::iter::once("label".to_owned()).chain(labels.iter().map(|l| format!("taken for {l}")));
        let mut rows = vec![header.map(|text| (text, false)).collect::<Vec<_>>()];
        for (gold, (label, counts)) in labels.iter().zip(&confusion).enumerate() {
            let cells = counts.iter().enumerate().map(|(taken, n)| (grouped(*n), taken == gold));
            rows.push(std::iter::once((label.clone(), false)).chain(cells).collect());
        }
        let note = "Pairs of held-out documents at the end of pretraining. Bold: right.";
        page.marked_table(&format!("Passage relations, {}", run.model), &rows, note);
    }
}
