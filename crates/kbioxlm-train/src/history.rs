use crate::events::is_shown;
use crate::{Evaluation, TrainError, figures};
use kbioxlm_files::{FileError, read_jsonl};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// For each figure its values, and the steps they are of.
pub type History = BTreeMap<String, Vec<(u64, f64)>>;

/// What a run in `dir` has done so far, as its `metrics.jsonl` has it and, if there is one, its `evaluations.jsonl`.
///
/// Figures that only count (tokens, seconds, examples) are left out.
///
/// # Errors
/// A file cannot be read, or a line of it is no record of a step or of an evaluation.
pub fn read_history(dir: &Path) -> Result<History, TrainError> {
    let path = dir.join("metrics.jsonl");
    let mut history = History::new();
    for line in read_jsonl::<Value>(&path, "the metrics of a step")? {
        let (number, record) = line?;
        let Some(step) = record.get("step").and_then(Value::as_u64) else {
            let help = "name the directory of a run, as `pretrain` writes it";
            return Err(FileError::content(&path, number, "no `step`", "the metrics of a step", help).into());
        };
        for (name, value) in figures(&record).into_iter().filter(|(name, _)| is_shown(name)) {
            history.entry(name).or_default().push((step, value));
        }
    }
    let path = dir.join("evaluations.jsonl");
    if path.exists() {
        for line in read_jsonl::<Evaluation>(&path, "an evaluation of a run")? {
            let (_, evaluation) = line?;
            for (name, value) in evaluation.figures() {
                history.entry(name).or_default().push((evaluation.step, value));
            }
        }
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_steps_that_have_them() {
        let dir = tempfile::tempdir().unwrap();
        let lines = "{\"step\": 1, \"loss\": 2.5, \"tokens\": 9}\n{\"step\": 2, \"loss\": null, \"prp\": {\"loss\": 1, \"count\": 4}}\n";
        std::fs::write(dir.path().join("metrics.jsonl"), lines).unwrap();
        let expected = [("loss".to_owned(), vec![(1, 2.5)]), ("prp.loss".to_owned(), vec![(2, 1.0)])];
        assert_eq!(read_history(dir.path()).unwrap(), expected.into());

        let tasks = r#"{"examples": 2, "prp": {"loss": 0.5, "accuracy": 1, "count": 2}}"#;
        let line = |step| {
            let held_out = format!(r#"{{"all": {tasks}, "languages": {{}}}}"#);
            format!("{{\"step\": {step}, \"tokens\": 0, \"seconds\": 1, \"held_out\": {held_out}}}\n")
        };
        std::fs::write(dir.path().join("evaluations.jsonl"), line(0) + &line(2)).unwrap();
        let history = read_history(dir.path()).unwrap();
        assert_eq!(history["evaluation.prp.loss"], [(0, 0.5), (2, 0.5)]);
        assert_eq!((history.len(), &history["prp.loss"]), (4, &vec![(2, 1.0)]));
        std::fs::write(dir.path().join("evaluations.jsonl"), line(0) + "{\"step\": 2}\n").unwrap();
        assert!(read_history(dir.path()).unwrap_err().to_string().contains("evaluations.jsonl:2"));
        std::fs::write(dir.path().join("metrics.jsonl"), "{\"step\": 1}\n{\"loss\": 2}\n").unwrap();
        assert!(read_history(dir.path()).unwrap_err().to_string().contains("metrics.jsonl:2: found no `step`"));
    }
}
