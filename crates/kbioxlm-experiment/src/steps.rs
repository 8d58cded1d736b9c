//! Steps that are done once: each has a key of what goes into it, and a marker that is written last.

use crate::report::StepReport;
use crate::{ExperimentError, ExperimentObserver};
use kbioxlm_files::{create_dir, hash_bytes, hash_path, read_json, remove, write_json_atomic};
use kbioxlm_model::{TOKENIZER_FILE, WEIGHTS_FILE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const MARKER: &str = "done.json";
/// Characters of the key in a directory's name.
const SHORT: usize = 12;

/// Runs steps in directories below one directory.
pub(crate) struct Steps<'a> {
    out: &'a Path,
    /// Nothing is run.
    pub dry: bool,
    stop: &'a AtomicBool,
    observer: &'a mut dyn ExperimentObserver,
    total: usize,
    hashes: BTreeMap<PathBuf, String>,
    /// Steps that were begun or skipped.
    begun: usize,
    done: Vec<StepReport>,
}

/// A step, and where its result lies or would lie.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    name: String,
    /// Where its result lies.
    pub dir: PathBuf,
    /// What goes into it, as one hash.
    pub key: String,
    done: bool,
}

impl Step {
    /// A directory that is given, such as that of a base model.
    pub fn given(dir: &Path, key: String) -> Self {
        Self { name: dir.display().to_string(), dir: dir.to_owned(), key, done: true }
    }

    pub fn is_done(&self) -> bool {
        self.done
    }

    /// A file of its result.
    ///
    /// # Errors
    /// [`ExperimentError::NotRun`] if the step is not done.
    pub fn file(&self, name: &str) -> Result<PathBuf, ExperimentError> {
        if self.done { Ok(self.dir.join(name)) } else { Err(ExperimentError::NotRun { step: self.name.clone() }) }
    }
}

#[derive(Serialize, Deserialize)]
struct Marker {
    step: String,
    key: String,
    seconds: f64,
    /// Whether the model that it made was removed since.
    #[serde(default)]
    discarded: bool,
    /// What the key is the hash of.
    inputs: Value,
}

impl<'a> Steps<'a> {
    pub fn new(
        out: &'a Path,
        dry: bool,
        stop: &'a AtomicBool,
        observer: &'a mut dyn ExperimentObserver,
        total: usize,
    ) -> Self {
        Self { out, dry, stop, observer, total, hashes: BTreeMap::new(), begun: 0, done: Vec::new() }
    }

    /// With hashes of input files that are known already.
    pub fn with_hashes(self, hashes: BTreeMap<PathBuf, String>) -> Self {
        Self { hashes, ..self }
    }

    /// Number of steps that were begun or skipped.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// Steps that will not be begun, since what they need is missing.
    pub fn skip(&mut self, steps: usize) {
        self.begun += steps;
    }

    /// Skips what is missing to so many steps.
    pub fn skip_to(&mut self, steps: usize) {
        self.begun = self.begun.max(steps);
    }

    /// Tells that a step failed.
    pub fn failed(&mut self, step: &str, error: &ExperimentError) {
        self.observer.step_failed(step, error);
    }

    /// A path below the experiment's directory, for reports that are read elsewhere.
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(self.out).unwrap_or(path).display().to_string()
    }

    /// The hash of a file, or of the files in a directory; computed once.
    pub fn hash(&mut self, path: &Path) -> Result<String, ExperimentError> {
        if let Some(hash) = self.hashes.get(path) {
            return Ok(hash.clone());
        }
        let hash = hash_path(path)?;
        self.hashes.insert(path.to_owned(), hash.clone());
        Ok(hash)
    }

    /// The hashes of several files, in their order.
    pub fn hash_all<'p>(
        &mut self,
        paths: impl IntoIterator<Item = &'p PathBuf>,
    ) -> Result<Vec<String>, ExperimentError> {
        paths.into_iter().map(|p| self.hash(p)).collect()
    }

    /// Does `work` in a directory named after `name` and the hash of `inputs`, unless that is done already or nothing is to be run.
    ///
    /// `inputs` holds everything that the result depends on: resolved settings, hashes of files, keys of earlier steps.
    /// A directory without marker is given to `work` as it is, so that training goes on from its checkpoint.
    pub fn run(
        &mut self,
        name: &str,
        inputs: Value,
        work: impl FnOnce(&Path, &mut dyn ExperimentObserver) -> Result<(), ExperimentError>,
    ) -> Result<Step, ExperimentError> {
        self.check_stop(name)?;
        self.begun += 1;
        let key = hash_bytes(format!("{} {inputs}", env!("CARGO_PKG_VERSION")).as_bytes());
        let directory = format!("{}-{}", slug(name), &key[..SHORT]);
        let dir = self.out.join(&directory);
        let marker_path = dir.join(MARKER);
        let former: Option<Marker> =
            marker_path.exists().then(|| read_json(&marker_path, "a finished step")).transpose()?;
        // What was discarded is as good as there, unless it is to be used.
        let former = former.filter(|m| m.key == key && (self.dry || !m.discarded));
        let reused = former.is_some();
        if self.dry && !reused {
            return Ok(Step { name: name.to_owned(), dir, key, done: false });
        }
        self.observer.step_started(name, self.begun, self.total);
        let seconds = match former {
            Some(marker) => marker.seconds,
            None => {
                let start = Instant::now();
                let worked = work(&dir, &mut *self.observer);
                // Training that was told to stop returns early, with or without an error; without the marker it is taken up again.
                self.check_stop(name)?;
                worked?;
                let seconds = start.elapsed().as_secs_f64();
                create_dir(&dir)?;
                let marker = Marker { step: name.to_owned(), key: key.clone(), seconds, discarded: false, inputs };
                write_json_atomic(&marker_path, &marker)?;
                seconds
            }
        };
        self.observer.step_finished(name, seconds, reused);
        // A step of several jobs (a base model's fine-tuning data) is one step.
        if !self.done.iter().any(|step| step.directory == directory) {
            self.done.push(StepReport { step: name.to_owned(), directory, key: key.clone(), seconds, reused });
        }
        Ok(Step { name: name.to_owned(), dir, key, done: true })
    }

    /// Removes weights and tokenizer of a fine-tuned model that is no longer needed. What its training says stays.
    pub fn discard(&mut self, tuned: &Step) -> Result<(), ExperimentError> {
        let marker_path = tuned.dir.join(MARKER);
        if !tuned.done || !marker_path.exists() {
            return Ok(());
        }
        let marker: Marker = read_json(&marker_path, "a finished step")?;
        // First the marker: what is half removed must not be taken for whole.
        write_json_atomic(&marker_path, &Marker { discarded: true, ..marker })?;
        Ok([WEIGHTS_FILE, TOKENIZER_FILE].iter().try_for_each(|name| remove(&tuned.dir.join(name)))?)
    }

    fn check_stop(&self, step: &str) -> Result<(), ExperimentError> {
        if self.stop.load(Ordering::Relaxed) { Err(ExperimentError::Stopped { step: step.to_owned() }) } else { Ok(()) }
    }

    /// The steps in their order, and the hashes of all input files.
    pub fn finish(self) -> (Vec<StepReport>, BTreeMap<PathBuf, String>) {
        (self.done, self.hashes)
    }
}

/// A name that every file system takes.
fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|w| !w.is_empty()).collect();
    words.join("-")
}
