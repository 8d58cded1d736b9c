use crate::anchor::Anchor;
use crate::corpus::{EXAMPLES, FORMAT, FORMAT_VERSION, MANIFEST, Manifest, SourceFile};
use crate::documents::{self, Document, Survey};
use crate::filter::{Filter, Filters};
use crate::passage::Passages;
use crate::report::DocumentCounts;
use crate::table::Writer;
use crate::{AnchorConfig, CorpusReport, Example, Level, PassageSource, Result, TextSource, entity, fact, passages};
use kbioxlm_files::{FileError, StagedDir, hash_file, write_json_atomic};
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Documents that are worked on at a time: enough for many threads, few enough to stay small in memory.
const BATCH: usize = 256;

/// Anchors texts and passages in a knowledge base and writes the examples to the directory `out`:
/// `examples.parquet`, one row an example, and `manifest.json`. The directory appears when it is complete.
///
/// The rows follow the order of the sources and of their documents; those of one document follow the levels, and
/// passages come last. The same input, configuration and seed give the same bytes on any number of threads. Memory does
/// not grow with the number of documents (16 bytes each aside); the passage files are held whole, one at a time.
///
/// `progress` is told how many documents and passage pairs are done, and of how many.
///
/// # Errors
/// Bad input with file and line, a setting that cannot be followed, a language that the knowledge base does not have,
/// output that cannot be written.
pub fn build(
    kb: &KnowledgeBase,
    texts: &[TextSource],
    passages: &[PassageSource],
    config: &AnchorConfig,
    out: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<CorpusReport> {
    let config = config.resolved(texts, passages)?;
    let anchor = Anchor::new(kb, &config)?;
    let filters = Filters::new(&config)?;
    // A corpus of passages alone does not look at the documents, and the other way round.
    let texts = if config.levels == [Level::Passage] { &[] } else { texts };
    let passages = if config.has(Level::Passage) { passages } else { &[] };
    let matchers = matchers(kb, texts, passages)?;
    let surveys = documents::survey(texts, &config)?;

    let staged = StagedDir::new(out)?;
    let examples = staged.path().join(EXAMPLES);
    let mut build = Build {
        anchor: &anchor,
        matchers: &matchers,
        filters: &filters,
        writer: Writer::create(&examples)?,
        report: CorpusReport::default(),
        progress,
        done: 0,
        total: surveys.values().map(|s| s.selected).sum(),
    };
    for (lang, survey) in &surveys {
        let counts = DocumentCounts { read: survey.read, empty: survey.empty, ..DocumentCounts::default() };
        build.report.documents.insert(lang.clone(), counts);
    }
    let mut filter = filters.filter();
    for source in texts {
        build.documents(source, surveys.get(&source.lang), &mut filter)?;
    }
    build.all_passages(passages)?;
    let Build { writer, report, .. } = build;
    writer.close()?;

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

fn matchers(kb: &KnowledgeBase, texts: &[TextSource], passages: &[PassageSource]) -> Result<BTreeMap<String, Matcher>> {
    let languages: BTreeSet<&String> =
        texts.iter().map(|t| &t.lang).chain(passages.iter().flat_map(|p| &p.langs)).collect();
    languages.into_iter().map(|lang| Ok((lang.clone(), Matcher::new(kb, lang)?))).collect()
}

/// The manifest names the files without their directories: the same corpus has the same manifest on every machine.
fn sources(texts: &[TextSource], passages: &[PassageSource], exclude: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let texts = texts.iter().map(|t| (t.lang.clone(), &t.path));
    let passages = passages.iter().map(|p| (p.langs.join("-"), &p.path));
    let exclude = exclude.iter().map(|path| ("excluded".to_owned(), path));
    let source =
        |(languages, path): (String, &PathBuf)| Ok(SourceFile { languages, file: name(path), hash: hash_file(path)? });
    texts.chain(passages).chain(exclude).map(source).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

struct Build<'a> {
    anchor: &'a Anchor<'a>,
    matchers: &'a BTreeMap<String, Matcher>,
    filters: &'a Filters,
    writer: Writer,
    report: CorpusReport,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    done: u64,
    total: u64,
}

impl Build<'_> {
    fn documents(&mut self, source: &TextSource, survey: Option<&Survey>, filter: &mut Filter) -> Result<()> {
        let (anchor, Some(matcher)) = (self.anchor, self.matchers.get(&source.lang)) else { return Ok(()) };
        let mut documents = documents::selected(source, survey, anchor.config)?;
        loop {
            let batch: Vec<Document> = documents.by_ref().take(BATCH).collect::<Result<_>>()?;
            if batch.is_empty() {
                return Ok(());
            }
            let read = batch.len();
            let batch = filter.keep(batch, &source.lang, &mut self.report.left_out);
            let done: Vec<(Vec<Example>, DocumentCounts)> =
                batch.par_iter().map(|document| anchored(anchor, matcher, document)).collect();
            let counts = self.report.documents.entry(source.lang.clone()).or_default();
            done.iter().for_each(|(_, part)| counts.add(part));
            let examples: Vec<Example> = done.into_iter().flat_map(|(examples, _)| examples).collect();
            self.write(&examples, read)?;
        }
    }

    fn all_passages(&mut self, sources: &[PassageSource]) -> Result<()> {
        let config = self.anchor.config;
        let mut seen: BTreeMap<(String, String), &Path> = BTreeMap::new();
        let mut filter = self.filters.filter();
        for source in sources {
            let [first, second] = &source.langs;
            let (Some(a), Some(b)) = (self.matchers.get(first), self.matchers.get(second)) else { continue };
            let found = passages::read(source, config.seed, config.max_documents)?;
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
            let kept = filter.kept(&found.pairs, &languages, &mut self.report.left_out);
            let pairs = passages::only(found.pairs, &kept);
            self.total += pairs.len() as u64;
            let counts = self.report.passages.entry(languages).or_default();
            counts.read += found.read;
            counts.empty += found.empty;
            counts.used += pairs.len() as u64;
            let passages = Passages::new(self.anchor, source, &pairs, [a, b]);
            let choices = passages.choose()?;
            for batch in choices.chunks(BATCH) {
                let examples: Vec<Example> = batch.par_iter().map(|choice| passages.example(choice)).collect();
                self.write(&examples, 0)?;
            }
            self.write(&[], pairs.len())?;
        }
        Ok(())
    }

    fn write(&mut self, examples: &[Example], done: usize) -> Result<()> {
        examples.iter().for_each(|example| self.report.count(example));
        self.writer.write(examples)?;
        self.done += done as u64;
        (self.progress)(self.done, self.total);
        Ok(())
    }
}

/// All examples of one document, and what became of it.
fn anchored(anchor: &Anchor, matcher: &Matcher, document: &Document) -> (Vec<Example>, DocumentCounts) {
    let mentions = matcher.find(&document.text);
    let mut counts = DocumentCounts { used: 1, without_mentions: u64::from(mentions.is_empty()), ..Default::default() };
    let mut examples = Vec::new();
    if anchor.config.has(Level::Plain) {
        examples.push(entity::unchanged(anchor, document, &mentions, Level::Plain, ""));
    }
    if anchor.config.has(Level::Entity) {
        let versions = entity::examples(anchor, document, &mentions);
        counts.without_switch = u64::from(versions.len() == 1);
        examples.extend(versions);
    }
    if anchor.config.has(Level::Fact) {
        let told = fact::examples(anchor, document, &mentions);
        counts.without_chunk = u64::from(told.chunks == 0);
        counts.chunks = told.chunks;
        counts.chunks_without_facts = told.without_facts;
        examples.extend(told.examples);
    }
    (examples, counts)
}
