//! Documents on their way from the files to the threads that anchor them.

use crate::documents::{Sample, is_empty, key};
use crate::{AnchorConfig, CorpusReport, Result, Texts};
use kbioxlm_documents::Document;
use kbioxlm_files::FileError;
use kbioxlm_knowledge::Matcher;
use std::collections::{BTreeMap, HashMap};
use std::mem::take;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// Documents, and bytes of their texts, that are handed over at a time: enough for many threads, few enough to stay small in
/// memory.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 4 << 20;
/// Batches that may wait.
const QUEUE: usize = 2;

/// Reads in a thread of its own; it ends with the receiver.
pub(crate) fn read<'scope>(
    scope: &'scope Scope<'scope, '_>,
    reading: Reading<'scope>,
) -> (Receiver<Vec<Document>>, ScopedJoinHandle<'scope, Result<CorpusReport>>) {
    let (sink, batches) = sync_channel(QUEUE);
    let reader = scope.spawn(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let counts = reading.run(|document| {
            bytes += document.text.len();
            batch.push(document);
            if batch.len() < BATCH && bytes < BATCH_BYTES {
                return true;
            }
            bytes = 0;
            sink.send(take(&mut batch)).is_ok()
        })?;
        if !batch.is_empty() {
            // Nobody waits for it where anchoring has failed.
            let _ = sink.send(batch);
        }
        Ok(counts)
    });
    (batches, reader)
}

/// Reads documents once, in the order of the sources.
pub(crate) struct Reading<'a> {
    pub texts: &'a [Texts],
    pub config: &'a AnchorConfig,
    pub matchers: &'a BTreeMap<String, Matcher>,
    pub sample: Option<&'a Sample>,
}

impl Reading<'_> {
    /// Gives all documents to be used to `take`, until that gives false.
    ///
    /// # Errors
    /// Bad input, with file and line. An id is refused a second time within a language, since random choices and
    /// the names of the examples depend on it.
    fn run(&self, mut take: impl FnMut(Document) -> bool) -> Result<CorpusReport> {
        let mut report = CorpusReport::default();
        // The keys stand for the ids: 16 bytes a document instead of a string.
        let mut seen: HashMap<u128, (u32, u32)> = HashMap::new();
        for (number, text) in self.texts.iter().enumerate() {
            let mut documents = text.source.documents()?;
            while let Some(document) = documents.next() {
                let document = document?;
                let key = key(self.config, &document);
                let (path, line) = documents.place();
                if let Some((source, line_before)) = seen.insert(key, (number as u32, line as u32)) {
                    return Err(self.twice(&document, (path, line), (source, line_before)).into());
                }
                let has_text = !is_empty(&document);
                if !self.matchers.contains_key(&document.lang) {
                    *report.other_languages.entry(document.lang).or_default() += 1;
                    continue;
                }
                let counts = report.document(&document.lang);
                counts.read += 1;
                counts.empty += u64::from(!has_text);
                let used = has_text && self.sample.is_none_or(|s| s.has(number, &document.lang, key));
                if used && !take(document) {
                    return Ok(report);
                }
            }
            let skipped = documents.skipped();
            if skipped.unknown_language > 0 {
                *report.other_languages.entry("und".to_owned()).or_default() += skipped.unknown_language;
            }
            report.no_articles += skipped.no_articles;
        }
        Ok(report)
    }

    fn twice(&self, document: &Document, (path, line): (&Path, usize), (source, before): (u32, u32)) -> FileError {
        let first = self.texts.get(source as usize).map(|t| t.source.path.display().to_string()).unwrap_or_default();
        FileError::content(
            path,
            line,
            format!("the id `{}` a second time (first in {first}:{before})", document.id),
            "an id of its own for each document of a language",
            "remove or rename one of the two",
        )
    }
}
