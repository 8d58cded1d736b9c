use crate::aligned::Articles;
use crate::anchor::Anchor;
use crate::corpus::{EXAMPLES, FORMAT, FORMAT_VERSION, MANIFEST, Manifest, SourceFile};
use crate::documents::Sample;
use crate::filter::{Filter, Filters};
use crate::passage::Passages;
use crate::passages::Pairs;
use crate::read::{Reading, read};
use crate::report::{DocumentCounts, PassageCounts};
use crate::table::{Writer, rows};
use crate::{
    AnchorConfig, CorpusError, CorpusReport, Example, Level, PassageSource, Result, Texts, entity, fact, passages,
};
use arrow::array::RecordBatch;
use kbioxlm_documents::Document;
use kbioxlm_files::{FileError, StagedDir, hash_file, hash_path, write_json_atomic};
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{ScopedJoinHandle, scope};

/// Passage pairs that are worked on at a time.
const BATCH: usize = 512;
/// Parts into which a batch is cut, each the work of one thread at a time; not the number of threads, which must not show in
/// the file.
const PARTS: usize = 16;
/// Parts that may wait to be written: those of one batch.
const QUEUE: usize = PARTS;

/// Anchors texts and passages in a knowledge base and writes the examples to the directory `out`:
/// `examples.parquet`, one row an example, and `manifest.json`. The directory appears when it is complete.
///
/// The rows follow the order of the sources and of their documents; those of one document follow the levels, and
/// passages come last. The same input, configuration and seed give the same bytes on any number of threads. Memory does
/// not grow with the number of documents (some 40 bytes each aside, by which an id is known again); the passage files are held whole, one at a time.
///
/// Documents of a language that is not declared and that the knowledge base does not have are left out and counted.
///
/// `progress` is told how many documents and passage pairs are done, and of how many: 0 until that is known, which is at the end,
/// since the texts are read once only, unless a sample of them is drawn.
///
/// # Errors
/// Bad input with file and line, a setting that cannot be followed, a declared language that the knowledge base does not have,
/// output that cannot be written.
pub fn build(
    kb: &KnowledgeBase,
    texts: &[Texts],
    passages: &[PassageSource],
    config: &AnchorConfig,
    out: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<CorpusReport> {
    let config = config.resolved(kb, texts, passages)?;
    let anchor = Anchor::new(kb, &config)?;
    let filters = Filters::new(&config)?;
    // A corpus of passages alone does not look at the documents, and the other way round.
    let aligned = if config.has(Level::Passage) && config.aligned_articles > 0 { texts } else { &[] };
    let texts = if config.levels == [Level::Passage] { aligned } else { texts };
    let passages = if config.has(Level::Passage) { passages } else { &[] };
    let matchers = matchers(kb, texts, passages)?;

    let staged = StagedDir::new(out)?;
    let examples = staged.path().join(EXAMPLES);
    let mut writer = Writer::create(&examples)?;
    let report = scope(|scope| -> Result<CorpusReport> {
        let (sink, batches) = sync_channel::<RecordBatch>(QUEUE);
        let writing = scope.spawn(move || {
            batches.iter().try_for_each(|batch| writer.write(&batch))?;
            writer.close()
        });
        let mut build = Build {
            anchor: &anchor,
            matchers: &matchers,
            filters: &filters,
            sink,
            report: CorpusReport::default(),
            progress,
            done: 0,
            total: 0,
        };
        let mut built = Ok(());
        if config.levels != [Level::Passage] {
            built = build.documents(texts);
        }
        built = built.and_then(|()| build.all_passages(passages)).and_then(|()| build.aligned(aligned));
        let Build { report, done, sink, .. } = build;
        drop(sink);
        // Where writing fails all else does, so its error is the one to tell.
        finished(writing)?;
        built?;
        progress(done, done);
        Ok(report)
    })?;

    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: FORMAT_VERSION,
        examples: report.total(),
        hash: hash_file(&examples)?,
        sources: sources(texts, passages, &config.exclude)?,
        config: AnchorConfig {
            exclude: config.exclude.iter().map(|path| name(path).into()).collect(),
            ..config.clone()
        },
        report: report.clone(),
    };
    write_json_atomic(&staged.path().join(MANIFEST), &manifest)?;
    staged.commit()?;
    Ok(report)
}

/// A matcher for each language that is declared and, if texts declare none, for each that the knowledge base has.
fn matchers(kb: &KnowledgeBase, texts: &[Texts], passages: &[PassageSource]) -> Result<BTreeMap<String, Matcher>> {
    let declared = texts.iter().filter_map(|t| t.source.lang.as_ref()).chain(passages.iter().flat_map(|p| &p.langs));
    let declared: BTreeSet<&str> = declared.map(String::as_str).collect();
    let mut matchers = BTreeMap::new();
    for lang in declared {
        matchers.insert(lang.to_owned(), Matcher::new(kb, lang)?);
    }
    if texts.iter().any(|t| t.source.lang.is_none()) {
        let all = kb.languages().into_iter().filter_map(|lang| Some((lang.to_owned(), Matcher::new(kb, lang).ok()?)));
        matchers.extend(all);
    }
    Ok(matchers)
}

/// The manifest names the files without the directories above the sources: the same corpus has the same manifest on every machine.
fn sources(texts: &[Texts], passages: &[PassageSource], exclude: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let mut files: Vec<(String, String, PathBuf)> = Vec::new();
    for Texts { source, .. } in texts {
        let lang = source.lang.clone().unwrap_or_default();
        files.extend(source.files()?.into_iter().map(|(file, path)| (lang.clone(), file, path)));
    }
    files.extend(passages.iter().map(|p| (p.langs.join("-"), name(&p.path), p.path.clone())));
    files.extend(exclude.iter().map(|path| ("excluded".to_owned(), name(path), path.clone())));
    // Reading all once more is little beside anchoring it, if every core takes part.
    let hashed = files.into_par_iter().map(|(languages, file, path)| {
        let hash = hash_path(&path)?;
        Ok(SourceFile { languages, file, hash })
    });
    hashed.collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn finished<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

struct Build<'a> {
    anchor: &'a Anchor<'a>,
    matchers: &'a BTreeMap<String, Matcher>,
    filters: &'a Filters,
    sink: SyncSender<RecordBatch>,
    report: CorpusReport,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    done: u64,
    total: u64,
}

/// What a few documents or passage pairs gave.
struct Part {
    rows: RecordBatch,
    report: CorpusReport,
}

impl Part {
    fn new(examples: &[Example], mut report: CorpusReport) -> Result<Self> {
        examples.iter().for_each(|example| report.count(example));
        Ok(Self { rows: rows(examples)?, report })
    }
}

impl Build<'_> {
    /// Documents are read, anchored and written at the same time.
    fn documents(&mut self, texts: &[Texts]) -> Result<()> {
        let (config, matchers) = (self.anchor.config, self.matchers);
        let sample = Sample::draw(texts, config)?;
        self.total = sample.as_ref().map_or(0, |sample| sample.size);
        scope(|scope| {
            let reading = Reading { texts, config, matchers, sample: sample.as_ref() };
            let (batches, reader) = read(scope, reading);
            let mut filter = self.filters.filter();
            let anchored = batches.into_iter().try_for_each(|batch| self.batch(batch, &mut filter));
            let read = finished(reader)?;
            self.report.add(read);
            anchored
        })
    }

    fn batch(&mut self, documents: Vec<Document>, filter: &mut Filter) -> Result<()> {
        let (anchor, matchers) = (self.anchor, self.matchers);
        let read = documents.len();
        let documents = filter.keep(documents, |document| document.lang.clone(), &mut self.report.left_out);
        let parts: Vec<Result<Part>> = documents
            .par_chunks(documents.len().div_ceil(PARTS).max(1))
            .map(|part| {
                let mut report = CorpusReport::default();
                let mut examples = Vec::new();
                for document in part {
                    if let Some(matcher) = matchers.get(&document.lang) {
                        let counts = anchored(anchor, matcher, document, &mut examples);
                        report.document(&document.lang).add(&counts);
                    }
                }
                Part::new(&examples, report)
            })
            .collect();
        self.write(parts, read)
    }

    fn all_passages(&mut self, sources: &[PassageSource]) -> Result<()> {
        let config = self.anchor.config;
        let mut seen: BTreeMap<(String, String), &Path> = BTreeMap::new();
        let mut filter = self.filters.filter();
        for source in sources {
            let [first, second] = &source.langs;
            let (Some(a), Some(b)) = (self.matchers.get(first), self.matchers.get(second)) else { continue };
            let limit = source.max_documents.into_iter().chain(config.max_documents).min();
            let found = passages::read(source, config.seed, limit)?;
            let languages = source.langs.join("-");
            for pair in &found.pairs {
                if let Some(before) = seen.insert((languages.clone(), pair.id.clone()), &source.path)
                    && before != source.path
                {
                    return Err(FileError::content(
                        &source.path,
                        None,
                        format!("the id `{}`, which {} has too", pair.id, before.display()),
                        "an id of its own for each pair",
                        "remove or rename one of the two",
                    )
                    .into());
                }
            }
            let langs = [first.as_str(), second.as_str()];
            self.pairs(langs, &source.path, found, [a, b], &mut filter)?;
        }
        Ok(())
    }

    fn aligned(&mut self, texts: &[Texts]) -> Result<()> {
        let Some(first) = texts.first() else { return Ok(()) };
        let matchers = self.matchers;
        let articles = Articles::read(texts, self.anchor.config, matchers)?;
        let mut filter = self.filters.filter();
        for (langs, pairs) in articles.pairs() {
            if let (Some(a), Some(b)) = (matchers.get(langs[0]), matchers.get(langs[1])) {
                self.pairs(langs, &first.source.path, pairs, [a, b], &mut filter)?;
            }
        }
        Ok(())
    }

    /// Pairs of passages from those of one source.
    fn pairs(
        &mut self,
        langs: [&str; 2],
        path: &Path,
        found: Pairs,
        matchers: [&Matcher; 2],
        filter: &mut Filter,
    ) -> Result<()> {
        let languages = langs.join("-");
        let kept = filter.kept(&found.pairs, |_| languages.clone(), &mut self.report.left_out);
        let pairs = passages::only(found.pairs, &kept);
        let passages = Passages::new(self.anchor, langs, path, pairs, matchers);
        let used = passages.len();
        let counts = PassageCounts { read: found.read, empty: found.empty, used: used as u64 };
        self.report.passages.entry(languages).or_default().add(&counts);
        for batch in passages.choose()?.chunks(BATCH) {
            let part = |choices: &[_]| {
                let examples: Vec<Example> = choices.iter().map(|choice| passages.example(choice)).collect();
                Part::new(&examples, CorpusReport::default())
            };
            let parts = batch.par_chunks(BATCH / PARTS).map(part).collect();
            self.write(parts, 0)?;
        }
        self.write(Vec::new(), used)
    }

    fn write(&mut self, parts: Vec<Result<Part>>, done: usize) -> Result<()> {
        for part in parts {
            let Part { rows, report } = part?;
            self.report.add(report);
            // Nobody takes them where writing has failed; the writer says why, and goes before this.
            let ended = |_| CorpusError::table(Path::new(EXAMPLES), "write", "writing has ended");
            self.sink.send(rows).map_err(ended)?;
        }
        self.done += done as u64;
        (self.progress)(self.done, self.total);
        Ok(())
    }
}

/// All examples of one document, and what became of it.
fn anchored(anchor: &Anchor, matcher: &Matcher, document: &Document, examples: &mut Vec<Example>) -> DocumentCounts {
    let mentions = anchor.mark(matcher, &document.text);
    let mut counts = DocumentCounts { used: 1, without_mentions: u64::from(mentions.is_empty()), ..Default::default() };
    let builds = |level| {
        anchor.config.has(level) && (!mentions.is_empty() || anchor.config.keep_without_mentions.contains(&level))
    };
    if builds(Level::Plain) {
        examples.push(entity::unchanged(anchor, document, &mentions, Level::Plain, ""));
    }
    if builds(Level::Entity) {
        let versions = entity::examples(anchor, document, &mentions);
        counts.without_switch = u64::from(versions.len() == 1 && !mentions.is_empty());
        examples.extend(versions);
    }
    if anchor.config.has(Level::Fact) {
        let told = fact::examples(anchor, document, &mentions);
        counts.without_chunk = u64::from(told.chunks == 0);
        counts.chunks = told.chunks;
        counts.chunks_without_facts = told.without_facts;
        examples.extend(told.examples);
    }
    counts
}
