//! What data sets share with each other and with a pretraining corpus.

use super::near::{Embedder, MIN_DOCUMENTS, Nearest, Neighbour, Neighbours, centre, mean};
use super::{Fingerprint, numbered};
use crate::EvalError;
use kbioxlm_benchmarks::read_benchmark_texts;
use kbioxlm_corpus::{Corpus, Example, SharedSequences};
use kbioxlm_documents::detect_language;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Texts of a corpus that are embedded at once.
const CORPUS_BATCH: usize = 256;
/// Texts of a language from which the mean of a corpus in this language is taken.
const CORPUS_MEAN: usize = 1024;
/// Characters of a text in an example.
const EXCERPT: usize = 120;

/// What counts as shared.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct LeakOptions {
    /// Consecutive words that two texts have in common; a shorter text counts as a whole.
    pub words: usize,
    /// The same in characters, for scripts without spaces.
    pub characters: usize,
    /// Least cosine of two documents in different languages that are taken for translations; besides, each must be the other's nearest.
    ///
    /// With multilingual-e5-small, 0.5 finds 28 of 100 translated sentences (ADE) and 71 of 100 translated abstracts (HoC) beside
    /// at most one of 300 that have no translation there; 0.4 finds 58 and 94 beside 13. So a leak of many documents shows at
    /// 0.5, and a lower one helps to find single ones.
    pub cosine: f64,
    /// The same where both are in one language: there 0.5 is the cosine of any two texts on one subject.
    pub cosine_within: f64,
    /// Examples of each kind.
    pub examples: usize,
}

impl Default for LeakOptions {
    fn default() -> Self {
        Self { words: 13, characters: 20, cosine: 0.5, cosine_within: 0.85, examples: 3 }
    }
}

/// What was compared, and what is shared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakReport {
    /// The data sets.
    pub data: Vec<LeakData>,
    /// Each two of them, and each with the corpus.
    pub pairs: Vec<LeakPair>,
}

/// A data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakData {
    /// Name as given: `test`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Documents in it.
    pub documents: usize,
}

/// Documents of one data set that occur in another, or in the corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LeakPair {
    /// The data set whose documents are counted.
    pub of: String,
    /// Where they occur: a data set, or `corpus`.
    pub with: String,
    /// Documents whose id occurs there: the same document, or its translation.
    pub same_id: usize,
    /// Whether the ids on both sides only count rows, which then says nothing.
    pub numbered: bool,
    /// Documents whose text occurs there, but for white space and case.
    pub same_text: usize,
    /// Documents that share a long sequence with one there.
    pub shared: usize,
    /// Documents with a near duplicate or translation there, by embedding; `None` without a model, or with too few documents.
    pub near: Option<usize>,
    /// Some of these documents.
    pub examples: Vec<LeakExample>,
}

/// A document, and the one it was found by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakExample {
    /// How it was found.
    pub by: LeakKind,
    /// Its id.
    pub id: String,
    /// Beginning of its text.
    pub text: String,
    /// Id of the other document.
    pub with_id: String,
    /// Beginning of that text.
    pub with_text: String,
    /// Cosine of the two, of near ones.
    pub cosine: Option<f32>,
}

/// How two documents are alike.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeakKind {
    /// The same text.
    Text,
    /// A long sequence in common.
    Shared,
    /// Nearest by embedding.
    Near,
    /// The same id.
    Id,
}

/// The other document of a finding: its id and the beginning of its text.
type Other = (String, String);

/// A data set in memory.
struct Set {
    name: String,
    documents: Vec<(String, String)>,
    fingerprints: Vec<Fingerprint>,
    /// Numbers of documents by id and by text.
    ids: HashMap<String, Vec<usize>>,
    texts: HashMap<String, Vec<usize>>,
    /// Language of most documents.
    language: Option<String>,
    /// Centred embeddings; empty without a model or with too few documents.
    embeddings: Vec<Vec<f32>>,
}

impl LeakOptions {
    /// Whether two documents, each other's nearest, are as near as that.
    fn are_near(&self, cosine: f32, language: Option<&str>, other: Option<&str>) -> bool {
        let least = if language.is_some() && language == other { self.cosine_within } else { self.cosine };
        f64::from(cosine) >= least
    }
}

impl Set {
    fn new(name: &str, path: &Path, embedder: Option<&Embedder>) -> Result<Self, EvalError> {
        let documents = read_benchmark_texts(path)?;
        let fingerprints: Vec<Fingerprint> = documents.iter().map(|(id, text)| Fingerprint::new(id, text)).collect();
        let (mut ids, mut texts) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (number, f) in fingerprints.iter().enumerate() {
            ids.entry(f.id.clone()).or_default().push(number);
            texts.entry(f.text.clone()).or_default().push(number);
        }
        let mut languages: BTreeMap<String, usize> = BTreeMap::new();
        documents
            .iter()
            .filter_map(|(_, text)| detect_language(text))
            .for_each(|l| *languages.entry(l).or_default() += 1);
        let language = languages.into_iter().max_by_key(|&(_, n)| n).map(|(language, _)| language);
        let mut embeddings = Vec::new();
        if let Some(embedder) = embedder.filter(|_| documents.len() >= MIN_DOCUMENTS) {
            embeddings = embedder.embed(documents.iter().map(|(_, text)| text.as_str()))?;
            let common = mean(&embeddings);
            centre(&mut embeddings, &common);
        }
        Ok(Self { name: name.to_owned(), documents, fingerprints, ids, texts, language, embeddings })
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().map(|(_, text)| text.as_str())
    }
}

/// What of a set was found elsewhere: by kind, the number of its document and where it was found first.
#[derive(Default)]
struct Findings {
    found: BTreeMap<LeakKind, BTreeMap<usize, (Other, Option<f32>)>>,
}

impl Findings {
    fn add(&mut self, by: LeakKind, document: usize, id: &str, text: &str, cosine: Option<f32>) {
        let found = self.found.entry(by).or_default();
        found.entry(document).or_insert_with(|| ((id.to_owned(), excerpt(text)), cosine));
    }

    fn pair(self, set: &Set, with: &str, options: &LeakOptions) -> LeakPair {
        let count = |by| self.found.get(&by).map_or(0, BTreeMap::len);
        let example = |by: LeakKind, (number, ((with_id, with_text), cosine)): (&usize, &(Other, Option<f32>))| {
            let (id, text) = set.documents.get(*number)?;
            let (with_id, with_text) = (with_id.clone(), with_text.clone());
            Some(LeakExample { by, id: id.clone(), text: excerpt(text), with_id, with_text, cosine: *cosine })
        };
        let examples = self.found.iter().flat_map(|(&by, found)| {
            found.iter().filter_map(move |finding| example(by, finding)).take(options.examples)
        });
        LeakPair {
            of: set.name.clone(),
            with: with.to_owned(),
            same_id: count(LeakKind::Id),
            numbered: false,
            same_text: count(LeakKind::Text),
            shared: count(LeakKind::Shared),
            near: None,
            examples: examples.collect(),
        }
    }
}

/// Compares data sets (name, file or directory in any format that is read) with each other, and with an anchored corpus, by ids,
/// equal texts, long sequences in common and, given a model directory, near duplicates across languages by embedding.
///
/// An embedding is the mean of the last hidden states, less the mean of its data set (of a corpus: of its language), since what all
/// texts of a set have in common says nothing. Two documents are near when each is the other's nearest and their cosine is at least
/// [`LeakOptions::cosine`], or within a language [`LeakOptions::cosine_within`]. Of a corpus, code-switched texts are compared by sequences only. Memory is bounded by the data sets.
///
/// `progress` is told how many examples of the corpus have been read.
///
/// # Errors
/// A file, the corpus or the model cannot be read, or a setting cannot be followed.
pub fn check_leaks(
    data: &[(String, PathBuf)],
    corpus: Option<&Path>,
    model: Option<&Path>,
    options: &LeakOptions,
    progress: &dyn Fn(u64),
) -> Result<LeakReport, EvalError> {
    if options.words == 0 || options.characters == 0 {
        let help = "13 words and 20 characters are usual";
        return Err(EvalError::setting("words, characters", "0", "a number of at least 1", help));
    }
    let embedder = model.map(Embedder::load).transpose()?;
    let sets = data.iter().map(|(name, path)| Set::new(name, path, embedder.as_ref()));
    let sets = sets.collect::<Result<Vec<Set>, EvalError>>()?;
    let mut pairs = Vec::new();
    for (i, of) in sets.iter().enumerate() {
        pairs.extend(sets.iter().skip(i + 1).map(|with| pair(of, with, options)));
    }
    if let Some(dir) = corpus {
        pairs.extend(with_corpus(&sets, &Corpus::open(dir)?, embedder.as_ref(), options, progress)?);
    }
    let data = data.iter().zip(&sets).map(|((name, path), set)| LeakData {
        name: name.clone(),
        path: path.clone(),
        documents: set.documents.len(),
    });
    Ok(LeakReport { data: data.collect(), pairs })
}

fn pair(of: &Set, with: &Set, options: &LeakOptions) -> LeakPair {
    let mut findings = Findings::default();
    let mut sequences = SharedSequences::new(options.words, options.characters, with.texts());
    for (number, f) in of.fingerprints.iter().enumerate() {
        let mut add = |by, other: Option<usize>| {
            if let Some((id, text)) = other.and_then(|other| with.documents.get(other)) {
                findings.add(by, number, id, text, None);
            }
        };
        add(LeakKind::Id, with.ids.get(&f.id).and_then(|n| n.first()).copied());
        add(LeakKind::Text, with.texts.get(&f.text).and_then(|n| n.first()).copied());
        add(LeakKind::Shared, of.documents.get(number).and_then(|(_, text)| sequences.find(text)));
    }
    let compared = !of.embeddings.is_empty() && !with.embeddings.is_empty();
    let mut nearest = Nearest::new(&of.embeddings);
    nearest.add(&with.embeddings, |other| other);
    let near = nearest.mutual(|n| options.are_near(n.cosine, of.language.as_deref(), with.language.as_deref()));
    for (number, neighbour) in near.iter().enumerate() {
        let Some((neighbour, (id, text))) = neighbour.as_ref().and_then(|n| Some((n, with.documents.get(n.what)?)))
        else {
            continue;
        };
        findings.add(LeakKind::Near, number, id, text, Some(neighbour.cosine));
    }
    LeakPair {
        numbered: numbered(&of.fingerprints) && numbered(&with.fingerprints),
        near: compared.then(|| near.iter().flatten().count()),
        ..findings.pair(of, &with.name, options)
    }
}

/// A text of the corpus: language, id of its document, text.
type CorpusText = (String, String, String);

fn with_corpus(
    sets: &[Set],
    corpus: &Corpus,
    embedder: Option<&Embedder>,
    options: &LeakOptions,
    progress: &dyn Fn(u64),
) -> Result<Vec<LeakPair>, EvalError> {
    let mut findings: Vec<Findings> = sets.iter().map(|_| Findings::default()).collect();
    let mut sequences: Vec<SharedSequences> =
        sets.iter().map(|set| SharedSequences::new(options.words, options.characters, set.texts())).collect();
    let mut near = NearCorpus::new(sets, embedder);
    for (count, example) in corpus.examples()?.enumerate() {
        let example = example?;
        for (number, segment) in example.running_text().enumerate() {
            let id = segment.source.as_ref().map_or(&example.id, |source| &source.document);
            let f = Fingerprint::new(id, &segment.text);
            for ((set, findings), sequences) in sets.iter().zip(&mut findings).zip(&mut sequences) {
                let mut add = |by, documents: Option<&Vec<usize>>| {
                    documents.into_iter().flatten().for_each(|&d| findings.add(by, d, id, &segment.text, None));
                };
                add(LeakKind::Id, set.ids.get(id));
                add(LeakKind::Text, set.texts.get(&f.text));
                add(LeakKind::Shared, sequences.find(&segment.text).map(|d| vec![d]).as_ref());
            }
            if !is_switched(&example, number) && near.is_new(&f) {
                near.add((segment.lang.clone(), id.clone(), segment.text.clone()))?;
            }
        }
        progress(count as u64 + 1);
    }
    let near = near.finish(sets, options)?;
    let pairs = sets.iter().zip(findings).zip(near).map(|((set, mut findings), near)| {
        for (number, neighbour) in near.iter().flatten().enumerate() {
            if let Some(n) = neighbour {
                let (_, id, text) = &n.what;
                findings.add(LeakKind::Near, number, id, text, Some(n.cosine));
            }
        }
        let near = near.map(|near| near.iter().flatten().count());
        LeakPair { near, ..findings.pair(set, "corpus", options) }
    });
    Ok(pairs.collect())
}

/// Whether a segment has a term in another language than it had.
fn is_switched(example: &Example, segment: usize) -> bool {
    example.spans.iter().any(|span| span.segment == segment && span.switched)
}

/// The nearest texts of a corpus, found while it is read.
struct NearCorpus<'s> {
    embedder: Option<&'s Embedder>,
    nearest: Vec<Nearest<'s, CorpusText>>,
    /// Hashes of the texts that were compared: a document occurs in several examples.
    seen: HashSet<String>,
    /// By language, texts that wait.
    waiting: BTreeMap<String, Vec<CorpusText>>,
    /// By language, what its texts have in common, once enough of them have been read.
    means: BTreeMap<String, Vec<f32>>,
}

impl<'s> NearCorpus<'s> {
    fn new(sets: &'s [Set], embedder: Option<&'s Embedder>) -> Self {
        let nearest = sets.iter().map(|set| Nearest::new(set.embeddings.as_slice())).collect();
        Self { embedder, nearest, seen: HashSet::new(), waiting: BTreeMap::new(), means: BTreeMap::new() }
    }

    fn is_new(&mut self, text: &Fingerprint) -> bool {
        self.embedder.is_some() && self.seen.insert(text.text.chars().take(16).collect())
    }

    fn add(&mut self, text: CorpusText) -> Result<(), EvalError> {
        let lang = text.0.clone();
        let waiting = self.waiting.entry(lang.clone()).or_default();
        waiting.push(text);
        let full = if self.means.contains_key(&lang) { CORPUS_BATCH } else { CORPUS_MEAN };
        if waiting.len() >= full { self.compare(&lang) } else { Ok(()) }
    }

    /// Compares the waiting texts of a language.
    fn compare(&mut self, lang: &str) -> Result<(), EvalError> {
        let (Some(embedder), Some(texts)) = (self.embedder, self.waiting.remove(lang)) else { return Ok(()) };
        let mut rows = embedder.embed(texts.iter().map(|(_, _, text)| text.as_str()))?;
        let common = self.means.entry(lang.to_owned()).or_insert_with(|| mean(&rows));
        centre(&mut rows, common);
        for nearest in &mut self.nearest {
            nearest.add(&rows, |i| {
                let found = texts.get(i).map(|(lang, id, text)| (lang.clone(), id.clone(), excerpt(text)));
                found.unwrap_or_default()
            });
        }
        Ok(())
    }

    /// By set, the nearest of each document; `None` where nothing was compared.
    fn finish(mut self, sets: &[Set], options: &LeakOptions) -> Result<Vec<Option<Neighbours<CorpusText>>>, EvalError> {
        for lang in self.waiting.keys().cloned().collect::<Vec<_>>() {
            let enough = self.waiting.get(&lang).is_some_and(|texts| texts.len() >= MIN_DOCUMENTS);
            if enough || self.means.contains_key(&lang) {
                self.compare(&lang)?;
            }
        }
        let compared = !self.means.is_empty();
        let of_set = |(set, nearest): (&Set, Nearest<'s, CorpusText>)| {
            let near = |n: &Neighbour<CorpusText>| options.are_near(n.cosine, set.language.as_deref(), Some(&n.what.0));
            (compared && !nearest.is_empty()).then(|| nearest.mutual(near))
        };
        Ok(sets.iter().zip(self.nearest).map(of_set).collect())
    }
}

/// The beginning of a text.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
