//! Evaluation of a fine-tuned model on a benchmark file.

use crate::EvalError;
use crate::dataset::Dataset;
use crate::finetune::{heads, predict};
use crate::leak::{self, Leak, leak};
use crate::metrics::Scores;
use crate::outcome::{DocumentCounts, MainScore, Prediction, predictions};
use crate::score::{Answers, Scored, score};
use crate::task::{DOCUMENTS_FILE, DataFile, Task, TaskInfo, TaskOptions};
use crate::widen::Widening;
use kbioxlm_benchmarks::{Join, Simplified};
use kbioxlm_files::{FileError, write_atomic};
use kbioxlm_knowledge::Matcher;
use kbioxlm_model::load;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Write;
use std::path::Path;

/// The scores of a fine-tuned model on a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the main score.
    pub metric: String,
    /// The main score, from 0 to 1.
    pub score: f64,
    /// All scores.
    #[serde(flatten)]
    pub scored: Scored,
    /// What names had to do with it, where a knowledge base was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widening: Option<Widening>,
    /// Documents evaluated.
    pub documents: usize,
    /// The file.
    pub data: DataFile,
    /// Documents that the file shares with the data the model was trained or chosen on.
    pub leaks: Vec<Leak>,
    /// The main score as a function of counts.
    #[serde(default)]
    pub main_score: MainScore,
    /// The counts of each document, in the order of the file: what is needed to [compare](crate::Bootstrap::compare) two models.
    #[serde(default)]
    pub by_document: Vec<DocumentCounts>,
    /// What was predicted of each document. Not part of the written evaluation: see [`Self::write_predictions`].
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
}

impl Evaluation {
    /// Writes one [`Prediction`] a line as JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_predictions(&self, path: &Path) -> Result<(), FileError> {
        write_atomic(path, |w| {
            self.predictions.iter().try_for_each(|prediction| {
                serde_json::to_writer(&mut *w, prediction)?;
                w.write_all(b"\n")
            })
        })
    }
}

/// Evaluates the fine-tuned model in `model_dir` on `data`, a file of the model's task.
///
/// # Errors
/// The directory holds no fine-tuned model, the file cannot be read, or it has labels that the model does not know.
pub fn evaluate(model_dir: &Path, data: &Path, join: Join) -> Result<Evaluation, EvalError> {
    evaluate_widened(model_dir, data, join, None)
}

/// As [`evaluate`], but with `names` of a predicted entity that is a part of a longer mention of theirs, the whole mention is taken.
///
/// # Errors
/// As [`evaluate`]; names beside a model that is not one for named entities.
pub fn evaluate_widened(
    model_dir: &Path,
    data: &Path,
    join: Join,
    names: Option<&Matcher>,
) -> Result<Evaluation, EvalError> {
    let info = TaskInfo::read(model_dir)?;
    if names.is_some() && info.task != Task::Ner {
        let help = "leave the knowledge base out";
        let found = format!("a knowledge base beside a model for {}", info.task);
        return Err(EvalError::setting("knowledge", found, "a model for named entities, which it widens", help));
    }
    let dataset = Dataset::read(data, TaskOptions { task: info.task, join })?;
    dataset.check_labels(data, &info.labels)?;
    let heads = heads(info.task, info.labels.len(), info.settings.head);
    let pretrained = load(model_dir, &heads, info.settings.seed, &kbioxlm_model::device())?;
    if let Some(name) = pretrained.initialised.first() {
        let help = "copy the whole directory that fine-tuning wrote, or fine-tune again";
        return Err(FileError::content(
            model_dir,
            None,
            format!("no tensor `{name}`"),
            "all tensors of a fine-tuned model",
            help,
        )
        .into());
    }
    let encoded = dataset.encode(data, &pretrained.tokenizer, &info.settings)?;
    let mut answers = predict(&pretrained.model, &dataset, &encoded, &info.labels);
    let widening = match (&dataset, &mut answers, names) {
        (Dataset::Ner(conll), Answers::Tags(tags), Some(names)) => Some(Widening::apply(&conll.documents, tags, names)),
        _ => None,
    };
    let scored = score(&dataset, &encoded, &info.labels, &answers);
    let predictions = predictions(&dataset, &answers);
    let test = dataset.fingerprints();
    let seen = leak::read(&model_dir.join(DOCUMENTS_FILE))?;
    Ok(Evaluation {
        main_score: info.task.main_score(&info.labels),
        metric: info.metric,
        score: scored.score(&info.labels),
        scored,
        widening,
        documents: dataset.len(),
        data: DataFile::of(data)?,
        leaks: seen.iter().filter_map(|(split, documents)| leak(&test, documents, split)).collect(),
        by_document: predictions.iter().map(Prediction::counts).collect(),
        predictions,
    })
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |x: f64| format!("{:.2}", 100.0 * x);
        writeln!(f, "{} on {} documents: {}\n", self.metric, self.documents, percent(self.score))?;
        writeln!(f, "{:<20} {:>9} {:>9} {:>9} {:>9}", "", "precision", "recall", "F1", "support")?;
        let mut row = |name: &str, s: &Scores| {
            let [p, r, f1] = [s.precision, s.recall, s.f1].map(percent);
            writeln!(f, "{name:<20} {p:>9} {r:>9} {f1:>9} {:>9}", s.support)
        };
        match &self.scored {
            Scored::Ner { entities, f1_iob2, oracle_recall, orphans, simplified, windows } => {
                entities.by_type.iter().try_for_each(|(name, s)| row(name, s))?;
                row("all (micro)", &entities.micro)?;
                if let Some(Widening { score_before, names, others }) = &self.widening {
                    row("names", names)?;
                    row("other entities", others)?;
                    writeln!(f, "\nwidened to names of the knowledge base; {} before", percent(*score_before))?;
                }
                let (iob2, oracle) = (percent(*f1_iob2), percent(*oracle_recall));
                writeln!(f, "\nread in {windows} windows; recall is at most {oracle} in this encoding")?;
                writeln!(f, "I- tags without B-: {orphans}, each opens an entity (F1 without such entities: {iob2})")?;
                let Simplified { overlapping, discontinuous } = simplified;
                if overlapping + discontinuous > 0 {
                    let what = "gold entities that a longer one overlaps, left out";
                    writeln!(
                        f,
                        "{what}: {overlapping}; in several pieces, taken with what is between: {discontinuous}"
                    )?;
                }
            }
            Scored::Classification { classes, windows } => {
                classes.by_class.iter().try_for_each(|(name, s)| row(name, s))?;
                writeln!(f, "\naccuracy {}, macro F1 {}", percent(classes.accuracy), percent(classes.macro_f1))?;
                writeln!(f, "read in {windows} windows")?;
            }
            Scored::Multilabel { labels, windows } => {
                labels.by_label.iter().enumerate().try_for_each(|(i, s)| row(&i.to_string(), s))?;
                row("all (micro)", &labels.micro)?;
                writeln!(f, "\nmacro F1 {}", percent(labels.macro_f1))?;
                writeln!(f, "read in {windows} windows")?;
            }
        }
        self.leaks.iter().try_for_each(|leak| writeln!(f, "warning: {leak}"))
    }
}
