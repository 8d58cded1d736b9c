//! The examples that models get wrong most often.

use crate::matrix::{Direction, Method};
use crate::report::{ExperimentReport, Outcome};
use crate::tables::system_name;
use crate::tune::PREDICTIONS_FILE;
use kbioxlm_eval::{Answer, CharSpan, Prediction};
use kbioxlm_files::read_jsonl;
use kbioxlm_plot::MarkedText;
use std::collections::BTreeMap;
use std::path::Path;

/// Examples of a task and direction.
const EXAMPLES: usize = 6;
/// Longer texts are cut for the eye.
const CHARS: usize = 600;

/// A document with gold and predicted labels, in both languages where it has the same id.
pub(crate) struct Example {
    pub heading: String,
    pub note: String,
    pub texts: Vec<MarkedText>,
}

/// What a model predicted in its first run, by document.
struct Predicted {
    system: String,
    by_id: BTreeMap<String, Prediction>,
}

/// The documents of the target's test data with the most errors of all zero-shot models together, the worst first.
pub(crate) fn hardest(report: &ExperimentReport, out: &Path, task: &str, direction: &Direction) -> Vec<Example> {
    let of = |test: &str| -> Vec<Predicted> {
        let here = report.outcomes.iter().filter(|o| (o.task.as_str(), &o.direction) == (task, direction));
        let here = here.filter(|o| o.test == test && o.shots == 0 && o.method == Method::ZeroShot);
        here.filter_map(|o| predicted(o, out)).collect()
    };
    let (target, source) = (of(&direction.to), of(&direction.from));
    let mut errors: BTreeMap<&String, usize> = BTreeMap::new();
    for (id, prediction) in target.iter().flat_map(|p| &p.by_id) {
        let wrong = prediction.counts().counts.values().map(|c| c.predicted + c.gold - 2 * c.right).sum::<usize>();
        *errors.entry(id).or_default() += wrong;
    }
    let mut errors: Vec<(usize, &String)> = errors.into_iter().map(|(id, n)| (n, id)).filter(|(n, _)| *n > 0).collect();
    errors.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let example = |(n, id): &(usize, &String)| {
        let mut texts = Vec::new();
        for (language, models) in [(&direction.from, &source), (&direction.to, &target)] {
            if language == &direction.to && direction.from == direction.to {
                continue;
            }
            let gold = models.iter().find_map(|m| m.by_id.get(*id));
            texts.extend(gold.map(|p| marked(&format!("{language}, gold"), p, true)));
            let shown = models.iter().filter_map(|m| Some((&m.system, m.by_id.get(*id)?)));
            texts.extend(shown.map(|(system, p)| marked(&format!("{language}, {system}"), p, false)));
        }
        Example {
            heading: format!("{task}, {direction}: {id}"),
            note: format!("{n} wrong or missing labels in {}, all models together; first seed of each.", direction.to),
            texts,
        }
    };
    errors.iter().take(EXAMPLES).map(example).collect()
}

fn predicted(outcome: &Outcome, out: &Path) -> Option<Predicted> {
    let path = out.join(&outcome.runs.first()?.directory).join(PREDICTIONS_FILE);
    let rows = read_jsonl::<Prediction>(&path, "predictions").ok()?;
    let by_id = rows.map(|row| row.map(|(_, p)| (p.id.clone(), p))).collect::<Result<_, _>>().ok()?;
    Some(Predicted { system: system_name(&outcome.model, outcome.method), by_id })
}

fn marked(name: &str, prediction: &Prediction, gold: bool) -> MarkedText {
    let text: String = prediction.text.chars().take(CHARS).collect();
    let cut = if prediction.text.chars().nth(CHARS).is_some() { " …" } else { "" };
    let name = name.to_owned();
    match &prediction.answer {
        Answer::Entities { entities, predicted } => {
            let spans: &[CharSpan] = if gold { entities } else { predicted };
            let shown = spans.iter().filter(|s| s.end <= CHARS);
            let marks = shown.map(|s| (s.start..s.end, s.label.clone())).collect();
            let mut labels: Vec<String> = entities.iter().chain(predicted).map(|s| s.label.clone()).collect();
            labels.sort();
            labels.dedup();
            MarkedText { name, text: text + cut, marks, labels }
        }
        // Of classes and labels the text is shown once, with the gold ones.
        answer => {
            let (right, found) = match answer {
                Answer::Class { label, predicted, .. } => (label.clone(), predicted.clone()),
                Answer::Labels { label, predicted, .. } => (numbers(label), numbers(predicted)),
                Answer::Entities { .. } => unreachable!("matched above"),
            };
            let text = if gold { format!("{right}: {text}{cut}") } else { found };
            MarkedText { name, text, ..MarkedText::default() }
        }
    }
}

fn numbers(flags: &[u8]) -> String {
    let set: Vec<String> = flags.iter().enumerate().filter(|(_, f)| **f == 1).map(|(i, _)| i.to_string()).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(", ") }
}
