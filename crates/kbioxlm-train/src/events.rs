//! TensorBoard's event files.
//!
//! A file is a row of *records*, as TensorFlow frames them:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | length of the data, little-endian |
//! | 4 | masked CRC-32C of these 8 bytes |
//! | length | data: an `Event` as protobuf |
//! | 4 | masked CRC-32C of the data |
//!
//! Of the messages (`tensorboard/compat/proto/{event,summary}.proto`) four fields of an `Event` are written: `wall_time`
//! (1, double), `step` (2, varint), and one of `file_version` (3, string), `summary` (5: repeated `value` (1) with `tag`
//! (1, string) and `simple_value` (2, float)), `session_log` (7: `status` (1), of which 1 is START). That little is written by
//! hand here: the crates for it bring a protobuf compiler or are not maintained.

use crate::append::Append;
use kbioxlm_files::{FileError, create_dir};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The event files of a run in one directory: each call of the run writes one of its own.
#[derive(Debug)]
pub(crate) struct EventFile {
    dir: PathBuf,
    /// There from the first step on: a call that has nothing to do leaves no file.
    file: Option<Append>,
}

impl EventFile {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), file: None }
    }

    /// Writes the figures of a step, under tags with `/` for `.`, which TensorBoard groups by.
    pub(crate) fn write(&mut self, step: u64, figures: &BTreeMap<String, f64>) -> Result<(), FileError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.dir, step)?),
        };
        let shown = figures.iter().filter(|(name, _)| is_shown(name));
        file.write(&record(&event(now(), step, SUMMARY, &summary(shown))))
    }
}

/// Figures that only count or repeat are no curves.
pub(crate) fn is_shown(name: &str) -> bool {
    !matches!(name.rsplit('.').next(), Some("step" | "epoch" | "tokens" | "seconds" | "count"))
}

/// Begins a file behind those that are there. Its session starts with `step`: what killed sessions wrote of this step and later
/// ones, a reader leaves out.
fn open(dir: &Path, step: u64) -> Result<Append, FileError> {
    create_dir(dir)?;
    let entries = fs::read_dir(dir).map_err(|e| FileError::io(dir, "list", e))?;
    // TensorBoard reads the files of a directory in the order of their names.
    let number = |name: &str| name.strip_prefix("events.out.tfevents.")?.parse::<u32>().ok();
    let last = entries.filter_map(|e| number(e.ok()?.file_name().to_str()?)).max();
    let path = dir.join(format!("events.out.tfevents.{:06}", last.map_or(0, |n| n + 1)));
    let mut file = Append::open(&path)?;
    let begin = [record(&event(now(), 0, FILE_VERSION, VERSION)), record(&event(now(), step, SESSION_LOG, START))];
    file.write(&begin.concat())?;
    Ok(file)
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The field of an `Event` that says what it is, and its content.
const FILE_VERSION: u64 = 3;
const VERSION: &[u8] = b"brain.Event:2";
const SUMMARY: u64 = 5;
const SESSION_LOG: u64 = 7;
/// A `SessionLog` with `status: START`.
const START: &[u8] = &[8, 1];

/// Kinds of encoding.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

fn event(wall_time: f64, step: u64, what: u64, content: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    varint(&mut message, 1 << 3 | FIXED64);
    message.extend(wall_time.to_le_bytes());
    if step > 0 {
        // As everywhere in protobuf, 0 is what is not there.
        varint(&mut message, 2 << 3 | VARINT);
        varint(&mut message, step);
    }
    field(&mut message, what, content);
    message
}

fn summary<'a>(figures: impl Iterator<Item = (&'a String, &'a f64)>) -> Vec<u8> {
    let mut message = Vec::new();
    for (name, value) in figures {
        let mut inner = Vec::new();
        field(&mut inner, 1, name.replace('.', "/").as_bytes());
        varint(&mut inner, 2 << 3 | FIXED32);
        inner.extend((*value as f32).to_le_bytes());
        field(&mut message, 1, &inner);
    }
    message
}

/// A string or a message within a message.
fn field(message: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(message, number << 3 | BYTES);
    varint(message, content.len() as u64);
    message.extend(content);
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checksum = |bytes| masked_crc(bytes).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// CRC-32C (Castagnoli), rotated and shifted: a checksum of data that has checksums in it would be weak otherwise.
fn masked_crc(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/fixtures/events.py` made the file with TensorBoard's own messages and its own writer.
    #[test]
    fn records_are_those_of_tensorboard() {
        let expected = include_bytes!("../tests/fixtures/events.out.tfevents.000000");
        let figures =
            |list: &[(&str, f64)]| list.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect::<BTreeMap<_, _>>();
        let step = |time, step, list: &[_]| record(&event(time, step, SUMMARY, &summary(figures(list).iter())));
        let ours = [
            record(&event(1_700_000_000.25, 0, FILE_VERSION, VERSION)),
            record(&event(1_700_000_000.5, 1, SESSION_LOG, START)),
            step(1_700_000_001.0, 1, &[("loss", 7.5), ("prp.accuracy", 1.0 / 3.0)]),
            step(1_700_000_002.0, 300, &[("learning_rate", 5e-5), ("loss", -0.0), ("sprache.größe", 1e30)]),
            record(&event(1_700_000_003.0, 1 << 40, SESSION_LOG, START)),
        ];
        assert!(ours.concat() == expected);
    }

    #[test]
    fn each_call_has_a_file_of_its_own_that_starts_with_its_first_step() {
        let dir = tempfile::tempdir().unwrap();
        let figures = crate::figures(&serde_json::json!({"loss": 2.0, "step": 7, "prp": {"loss": 1.0, "count": 3}}));
        EventFile::new(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        for (first, name) in [(1, "events.out.tfevents.000000"), (7, "events.out.tfevents.000001")] {
            let mut file = EventFile::new(dir.path());
            file.write(first, &figures).unwrap();
            let begun = fs::read(dir.path().join(name)).unwrap();
            let session = event(0.0, first, SESSION_LOG, START);
            // The time apart.
            assert!(begun.windows(session.len() - 9).any(|w| w == &session[9..]));
            let text = String::from_utf8_lossy(&begun);
            assert!(text.contains("prp/loss") && !text.contains("step") && !text.contains("count"));
            file.write(first + 1, &figures).unwrap();
            assert!(fs::read(dir.path().join(name)).unwrap().starts_with(&begun));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
