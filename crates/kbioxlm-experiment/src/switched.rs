//! Fine-tuning data that are code-switched into the target language.

use crate::ExperimentError;
use crate::matrix::Direction;
use crate::plan::TaskPlan;
use crate::run::Run;
use crate::steps::Step;
use kbioxlm_corpus::{AnchorConfig, CodeSwitcher};
use kbioxlm_eval::{CharSpan, Task, TaskOptions, read_entities};
use kbioxlm_files::{FileError, StagedDir, read_jsonl, write_atomic, write_json_atomic};
use kbioxlm_knowledge::KnowledgeBase;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// The data in the directory of the step.
pub(crate) const SWITCHED_FILE: &str = "train.jsonl";

/// What became of the documents: `switch.json` beside them.
#[derive(Serialize)]
struct SwitchReport {
    /// Documents of the training data.
    documents: usize,
    /// Those that are there once more, with names of the other language.
    switched: usize,
}

impl Run<'_> {
    /// The training data of the source language and behind them the same code-switched, as JSONL.
    pub(crate) fn code_switched(&mut self, task: &TaskPlan, direction: &Direction) -> Result<Step, ExperimentError> {
        let Direction { from, to } = direction;
        let config = AnchorConfig { languages: [to].into_iter().collect(), ..self.experiment.switch.clone() };
        let Some(kb) = self.knowledge.clone() else {
            return Err(ExperimentError::NotRun { step: "knowledge".to_owned() });
        };
        let train = task.train.get(from).cloned().unwrap_or_default();
        let inputs = json!({
            "knowledge": kb.key, "train": self.steps.hash(&train)?, "task": task.task, "join": task.join,
            "from": from, "settings": config,
        });
        self.steps.run(&format!("code-switch {} {direction}", task.name), inputs, |dir, _| {
            let kb = KnowledgeBase::open(&kb.dir)?;
            let switcher = CodeSwitcher::new(&kb, &config, from)?;
            let documents = documents(&train, task.options())?;
            let switched: Vec<Map<String, Value>> =
                documents.iter().filter_map(|d| d.switched(&switcher, to)).collect();
            let report = SwitchReport { documents: documents.len(), switched: switched.len() };
            let staged = StagedDir::new(dir)?;
            write_atomic(&staged.path().join(SWITCHED_FILE), |w| {
                documents.iter().map(|d| &d.row).chain(&switched).try_for_each(|row| {
                    serde_json::to_writer(&mut *w, row)?;
                    w.write_all(b"\n")
                })
            })?;
            write_json_atomic(&staged.path().join("switch.json"), &report)?;
            Ok(staged.commit()?)
        })
    }
}

/// A document as a line of JSONL, and the parts of its text (in bytes) that must stay whole.
struct Item {
    row: Map<String, Value>,
    text: String,
    kept: Vec<Range<usize>>,
}

fn documents(path: &Path, options: TaskOptions) -> Result<Vec<Item>, FileError> {
    if options.task == Task::Ner {
        let item = |document: &kbioxlm_benchmarks::Document| {
            let kept: Vec<Range<usize>> = document.entities.iter().map(|e| document.bytes(&(e.start..e.end))).collect();
            let labels: Vec<&str> = document.entities.iter().map(|e| e.label.as_str()).collect();
            let mut row = Map::new();
            row.insert("id".to_owned(), document.id.clone().into());
            row.insert("text".to_owned(), document.text.clone().into());
            row.insert("entities".to_owned(), entities(&document.text, &kept, labels.iter().map(|l| (*l).into())));
            Item { row, text: document.text.clone(), kept }
        };
        return Ok(read_entities(path, options.join)?.documents.iter().map(item).collect());
    }
    let item = |row: Result<(usize, Map<String, Value>), FileError>| {
        let (_, row) = row?;
        let text = row.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        // Entities first: their labels are taken again in this order.
        let marked: Vec<CharSpan> =
            row.get("entities").and_then(|e| serde_json::from_value(e.clone()).ok()).unwrap_or_default();
        let kept = marked.iter().map(|span| byte(&text, span.start)..byte(&text, span.end));
        Ok(Item { kept: kept.chain(placeholders(&text)).collect(), text, row })
    };
    read_jsonl(path, "a JSON object with `id`, `text` and `label`")?.map(item).collect()
}

impl Item {
    /// The same in other words, if the knowledge base has any.
    fn switched(&self, switcher: &CodeSwitcher, to: &str) -> Option<Map<String, Value>> {
        let id = self.row.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))?;
        let switched = switcher.switch(&id, &self.text, &self.kept)?;
        let mut row = self.row.clone();
        if let Some(Value::Array(former)) = self.row.get("entities") {
            let labels = former.iter().map(|e| e.get("label").cloned().unwrap_or_default());
            row.insert("entities".to_owned(), entities(&switched.text, &switched.kept, labels));
        }
        row.insert("id".to_owned(), format!("{id}:{to}").into());
        row.insert("text".to_owned(), switched.text.into());
        Some(row)
    }
}

/// Entities as JSONL has them, with offsets in characters.
fn entities(text: &str, spans: &[Range<usize>], labels: impl Iterator<Item = Value>) -> Value {
    let chars = |at: usize| text.get(..at).map_or(0, |before| before.chars().count());
    let entity = |(span, label): (&Range<usize>, Value)| json!({ "start": chars(span.start), "end": chars(span.end), "label": label });
    spans.iter().zip(labels).map(entity).collect()
}

/// Where a character begins, counted from 0; the end of the text for all behind it.
fn byte(text: &str, char: usize) -> usize {
    text.char_indices().nth(char).map_or(text.len(), |(at, _)| at)
}

/// Anonymised entities such as `@GENE$`.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find('@')).map(|at| from + at) {
        let name = text.get(start + 1..).unwrap_or_default();
        let length = name.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(name.len());
        from = start + 1;
        if length > 0 && name.get(length..).is_some_and(|rest| rest.starts_with('$')) {
            found.push(start..start + length + 2);
            from = start + length + 2;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_of_a_relation_are_kept_whole_beside_placeholders() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("train.jsonl");
        let row =
            r#"{"id":"1","text":"乳腺 BRCA1 @GENE$","label":"1","entities":[{"start":3,"end":8,"label":"Gene"}]}"#;
        std::fs::write(&path, row).unwrap();
        let items = documents(&path, Task::Classification.into()).unwrap();
        let kept: Vec<&str> = items[0].kept.iter().map(|k| &items[0].text[k.clone()]).collect();
        assert_eq!(kept, ["BRCA1", "@GENE$"]);
        let labels = [Value::from("Gene")].into_iter();
        assert_eq!(entities(&items[0].text, &items[0].kept, labels), items[0].row["entities"]);
    }

    #[test]
    fn placeholders_are_found() {
        let text = "@GENE$ in @DISEASE$ at 5 @ $3, a@B$, @x$, @GENE";
        let found: Vec<&str> = placeholders(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(found, ["@GENE$", "@DISEASE$", "@B$"]);
    }
}
