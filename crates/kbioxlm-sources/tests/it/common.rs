//! A sink that writes down what it is given.

use kbioxlm_sources::{Reason, Record, Result, Sink, Source};
use std::path::{Path, PathBuf};

/// What a source said, one line a record, and what was left out.
#[derive(Default)]
pub struct Log {
    pub records: Vec<String>,
    pub dropped: Vec<String>,
}

impl Sink for Log {
    fn record(&mut self, line: usize, record: Record<'_>) -> Result<()> {
        let said = match record {
            Record::Type { concept, semantic_type } => format!("type {concept} {semantic_type}"),
            Record::Term { concept, lang, text, preferred, flags } => {
                let preferred = if preferred { " preferred" } else { "" };
                let flags = if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(",")) };
                format!("term {concept} {lang} {text}{preferred}{flags}")
            }
            Record::Fact { head, relation, tail } => format!("fact {head} {relation} {tail}"),
            Record::Link { a, b, reason } => format!("link {a} {b} {reason:?}"),
            Record::Label { relation, lang, label } => format!("label {relation} {lang} {label}"),
        };
        self.records.push(format!("{line}: {said}"));
        Ok(())
    }

    fn dropped(&mut self, line: usize, reason: Reason, what: &str) {
        self.dropped.push(format!("{line}: {reason:?} {what}"));
    }
}

impl Log {
    /// The records of one kind (`term`, `fact` …), without line numbers.
    pub fn of(&self, kind: &str) -> Vec<&str> {
        let said = self.records.iter().filter_map(|r| r.split_once(": ").map(|(_, said)| said));
        said.filter_map(|said| said.strip_prefix(kind)?.strip_prefix(' ')).collect()
    }
}

/// Reads a source that has no errors.
pub fn read(source: &Source) -> Log {
    let mut log = Log::default();
    source.read(&mut log).unwrap();
    log
}

/// The error of a source that has one.
pub fn error(source: &Source) -> String {
    source.read(&mut Log::default()).unwrap_err().to_string()
}

/// Writes a file and gives its path.
pub fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

/// Compresses with gzip.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
