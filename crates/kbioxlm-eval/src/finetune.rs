//! Fine-tuning on a benchmark's files.

use crate::EvalError;
use crate::dataset::{Dataset, Encoded};
use crate::leak;
use crate::score::{Answers, Scored, answers, score};
use crate::task::{DOCUMENTS_FILE, DataFile, HISTORY_FILE, INFO_FILE, Task, TaskInfo, TaskOptions};
use kbioxlm_files::{FileError, StagedDir, write_atomic, write_json_atomic};
use kbioxlm_model::{Heads, Model, ModelConfig, Tokenizer, load, save};
use kbioxlm_train::{
    Chain, EpochScore, FinetuneConfig, Judgement, Observer, TokenHead, finetune, predict_documents, predict_tokens,
    set_label_prior,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Sub-tokens that are predicted at once: bounds the memory, not the result.
const TOKENS_PER_BATCH: usize = 4096;

/// What fine-tuning did.
#[derive(Clone, Debug, Serialize)]
pub struct FinetuneReport {
    /// What stands in `kbioxlm.json`.
    #[serde(flatten)]
    pub info: TaskInfo,
    /// All scores on the dev data, at the epoch chosen.
    pub dev: Option<Scored>,
    /// Loss and scores of each epoch.
    pub history: Vec<EpochScore>,
    /// Training documents.
    pub train_documents: usize,
    /// Sequences they were read in.
    pub train_sequences: usize,
    /// Wall-clock time of the training steps, without reading, scoring and writing.
    pub train_seconds: f64,
}

impl fmt::Display for FinetuneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskInfo { task, metric, dev_score, best_epoch, labels, .. } = &self.info;
        writeln!(f, "task            {task}, outputs {}", labels.join(" "))?;
        let (documents, sequences, seconds) = (self.train_documents, self.train_sequences, self.train_seconds);
        writeln!(f, "trained on      {documents} documents in {sequences} sequences, {seconds:.1} s")?;
        writeln!(f, "best epoch      {best_epoch} of at most {}", self.info.settings.epochs)?;
        match dev_score {
            Some(score) => writeln!(f, "dev             {metric} {:.2}", 100.0 * score),
            None => writeln!(f, "dev             none, so the last epoch is kept"),
        }
    }
}

/// The files of a fine-tuning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinetuneData {
    /// Training data.
    pub train: PathBuf,
    /// Data on which the epoch is chosen; without it the last one is kept.
    pub dev: Option<PathBuf>,
    /// Data by name that are scored after each epoch and decide nothing, for instance those of the target language.
    pub watched: BTreeMap<String, PathBuf>,
}

impl FinetuneData {
    /// Training data, and data to choose the epoch on.
    pub fn new(train: impl Into<PathBuf>, dev: impl Into<PathBuf>) -> Self {
        Self { train: train.into(), dev: Some(dev.into()), watched: BTreeMap::new() }
    }
}

/// Fine-tunes the model in `model_dir`, keeps the epoch that scores best on the dev data, and writes an HF directory
/// to `out` with everything that [`evaluate`](crate::evaluate) needs: `kbioxlm.json` (task, labels, settings, hashes of
/// the data), `finetune.toml` (resolved settings), `history.json` (loss and scores of each epoch), `documents.tsv`
/// (fingerprints of the training and dev documents).
///
/// The outputs of the model follow from the training data: see [`TaskInfo::labels`]. A model that is fine-tuned for the task already keeps
/// its own, so that a few documents of another language (few-shot) need not show every label.
///
/// # Errors
/// A file or the model cannot be read, dev has labels that train has not, the settings cannot be followed. Once `stop` is set, training
/// ends with an error, and nothing is written.
pub fn finetune_task(
    config: &FinetuneConfig,
    task: impl Into<TaskOptions>,
    model_dir: &Path,
    data: &FinetuneData,
    out: &Path,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<FinetuneReport, EvalError> {
    config.check()?;
    let options = task.into();
    let task = options.task;
    let former = former(model_dir, task)?;
    if former.as_ref().is_some_and(|info| (info.settings.head, config.head) == (TokenHead::Crf, TokenHead::Softmax)) {
        let dir = model_dir.display();
        observer.warning(&format!(
            "{dir} has learned which label follows which (head = \"crf\"); head = \"softmax\" drops that"
        ));
    }
    let train = Dataset::read(&data.train, options)?;
    let labels = match &former {
        Some(info) => info.labels.clone(),
        None => train.labels(),
    };
    train.check_labels(&data.train, &labels)?;

    let heads = heads(task, labels.len(), config.head);
    let mut pretrained = load(model_dir, &heads, config.seed, &kbioxlm_model::device())?;
    check_length(config.max_length, &pretrained.config)?;
    let train_encoded = train.encode(&data.train, &pretrained.tokenizer, config)?;
    let items = train.items(&train_encoded, &labels);
    set_label_prior(&mut pretrained, &items);
    let scored = |path: &Path| ScoredData::read(path, options, &labels, &pretrained.tokenizer, config);
    let dev = data.dev.as_deref().map(scored).transpose()?;
    let watched: Vec<(&String, ScoredData)> =
        data.watched.iter().map(|(name, path)| Ok((name, scored(path)?))).collect::<Result<_, EvalError>>()?;
    // On the dev data, after each epoch.
    let mut dev_scores: Vec<Scored> = Vec::new();
    let mut judge = |model: &Model| {
        let score = |data: &ScoredData| data.score(model, &labels).score(&labels);
        let watched = watched.iter().map(|(name, data)| ((*name).clone(), score(data))).collect();
        let scored = dev.as_ref().map(|dev| dev.score(model, &labels));
        let score = scored.as_ref().map(|scored| scored.score(&labels));
        dev_scores.extend(scored);
        Ok(Judgement { score, watched })
    };
    let tuned = finetune(config, pretrained.model, &items, &mut judge, stop, observer)?;

    let info = TaskInfo {
        format: TaskInfo::FORMAT,
        task,
        max_length: config.max_length,
        base: model_dir.display().to_string(),
        metric: task.metric(&labels).to_owned(),
        dev_score: tuned.best_score,
        best_epoch: tuned.best_epoch,
        train: DataFile::of(&data.train)?,
        dev: data.dev.as_deref().map(DataFile::of).transpose()?,
        settings: config.clone(),
        labels: labels.clone(),
    };
    // What the model learned from before it was fine-tuned again, it still has seen.
    let mut seen = if former.is_some() { leak::read(&model_dir.join(DOCUMENTS_FILE))? } else { Vec::new() };
    leak::add(&mut seen, "train", train.fingerprints());
    if let Some(dev) = &dev {
        leak::add(&mut seen, "dev", dev.data.fingerprints());
    }
    let staged = StagedDir::new(out)?;
    let dir = staged.path();
    save(dir, &pretrained.config, &tuned.model, &pretrained.tokenizer, Some(&info.labels))?;
    write_json_atomic(&dir.join(INFO_FILE), &info)?;
    write_json_atomic(&dir.join(HISTORY_FILE), &tuned.history)?;
    leak::write(&dir.join(DOCUMENTS_FILE), &seen)?;
    write_toml(&dir.join("finetune.toml"), config)?;
    staged.commit()?;
    Ok(FinetuneReport {
        dev: dev_scores.into_iter().nth(tuned.best_epoch as usize - 1),
        train_documents: train.len(),
        train_sequences: train_encoded.len(),
        train_seconds: tuned.seconds,
        history: tuned.history,
        info,
    })
}

/// What the model in `dir` was fine-tuned for before, if it was.
fn former(dir: &Path, task: Task) -> Result<Option<TaskInfo>, EvalError> {
    if !dir.join(INFO_FILE).exists() {
        return Ok(None);
    }
    let info = TaskInfo::read(dir)?;
    if info.task != task {
        let found = format!("a model that was fine-tuned for {}", info.task);
        let help = "start from a pretrained model, or from one of this task";
        return Err(FileError::content(dir, None, found, format!("one for {task}, or for no task"), help).into());
    }
    Ok(Some(info))
}

/// Data that a model is scored on.
struct ScoredData {
    data: Dataset,
    encoded: Encoded,
}

impl ScoredData {
    fn read(
        path: &Path,
        task: TaskOptions,
        labels: &[String],
        tokenizer: &Tokenizer,
        config: &FinetuneConfig,
    ) -> Result<Self, EvalError> {
        let data = Dataset::read(path, task)?;
        data.check_labels(path, labels)?;
        let encoded = data.encode(path, tokenizer, config)?;
        Ok(Self { data, encoded })
    }

    fn score(&self, model: &Model, labels: &[String]) -> Scored {
        let answers = predict(model, &self.data, &self.encoded, labels);
        score(&self.data, &self.encoded, labels, &answers)
    }
}

/// The head that a task needs.
pub(crate) fn heads(task: Task, labels: usize, head: TokenHead) -> Heads {
    match task {
        Task::Ner => Heads { tokens: Some(labels), crf: head == TokenHead::Crf, ..Heads::default() },
        Task::Classification | Task::Multilabel => Heads { sequence: Some(labels), ..Heads::default() },
    }
}

/// What the model answers of a data set.
pub(crate) fn predict(model: &Model, data: &Dataset, encoded: &Encoded, labels: &[String]) -> Answers {
    let logits = match encoded {
        Encoded::Windows(windows) => {
            let sequences: Vec<Vec<u32>> = windows.iter().flatten().map(|w| w.ids.clone()).collect();
            predict_tokens(model, &sequences, TOKENS_PER_BATCH)
        }
        Encoded::Documents(documents) => {
            predict_documents(model, documents, TOKENS_PER_BATCH).into_iter().map(|row| vec![row]).collect()
        }
    };
    answers(data, encoded, labels, &logits, model.crf.as_ref().map(Chain::of).as_ref())
}

fn check_length(max_length: usize, model: &ModelConfig) -> Result<(), EvalError> {
    let limit = model.max_length();
    if (3..=limit).contains(&max_length) {
        return Ok(());
    }
    let help = "set it to what the documents need; longer documents are read in parts";
    Err(EvalError::setting(
        "max_length",
        max_length.to_string(),
        format!("a number from 3 to {limit}, as the model can read"),
        help,
    ))
}

fn write_toml(path: &Path, config: &FinetuneConfig) -> Result<(), EvalError> {
    let text = toml::to_string(config)
        .map_err(|e| EvalError::setting("finetune", e.to_string(), "settings", "report this"))?;
    write_atomic(path, |w| w.write_all(text.as_bytes()))?;
    Ok(())
}
