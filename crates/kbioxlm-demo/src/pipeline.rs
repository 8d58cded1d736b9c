//! The whole way, from embedded knowledge to scores.

use crate::measure::{Hits, accuracy, passage_relations, retrieval};
use crate::report::{BeforeAfter, DemoReport, LossCurves, RetrievalScores, TrainingTokens};
use crate::{Embedded, LANGUAGES, Scale, benchmark, documents, tokenizer};
use anyhow::{Context, Result};
use kbioxlm_corpus::{AnchorConfig, Level, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_eval::{FinetuneData, Join, Task, evaluate, finetune_task};
use kbioxlm_files::{create_dir, read_jsonl, rng_for, write_atomic, write_json_atomic};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{Heads, Layout, ModelConfig, Tokenizer, init, save};
use kbioxlm_train::{Budget, FinetuneConfig, Observer, PretrainConfig, PretrainInput, StepMetrics, pretrain};
use rand::seq::SliceRandom;
use std::collections::BTreeSet;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Share of the concepts that are never code-switched: one in …
const HELD_OUT: usize = 5;
/// Share of the subjects whose passage pairs are kept for the measurement: one in …
const UNSEEN_SUBJECTS: usize = 6;
/// Passages about a subject.
const PASSAGES: usize = 2;
/// Share of the concepts that the English training sentences speak about: so many in five.
const TRAIN_CONCEPTS: usize = 3;

/// Share of the steps in which the learning rate rises; a model that begins with nothing needs more than others.
const WARMUP: f64 = 0.15;

/// What to run and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory for everything that is made; without one it goes to a temporary directory that is removed.
    pub out: Option<PathBuf>,
    /// Seed of every random choice.
    pub seed: u64,
    /// How large.
    pub scale: Scale,
}

impl Default for Options {
    fn default() -> Self {
        Self { out: None, seed: 1, scale: Scale::demo() }
    }
}

/// Is told how the demo goes on. All methods do nothing by default.
pub trait Progress {
    /// A part begins.
    fn stage(&mut self, what: &'static str) {
        let _ = what;
    }

    /// `done` of `total` steps of the part are done.
    fn advance(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }
}

/// Nobody watches.
impl Progress for () {}

/// Runs the whole pipeline on the embedded data. The result depends on `seed` and `scale` only (the seconds apart).
///
/// Two models with a common beginning are compared: after the same tokens of plain text, one gets more plain text
/// (`before`), the other as many tokens of anchored examples (`after`), with the same settings.
///
/// # Errors
/// A file cannot be written; any error of the crates that do the work.
pub fn run(options: &Options, progress: &mut dyn Progress) -> Result<DemoReport> {
    let begin = Instant::now();
    let temporary;
    let out = match &options.out {
        Some(out) => out.as_path(),
        None => {
            temporary = tempfile::tempdir().context("no temporary directory")?;
            temporary.path()
        }
    };
    let mut report = Demo { options, out, knowledge: Embedded::load()? }.run(progress)?;
    report.seconds = begin.elapsed().as_secs_f64();
    write_json_atomic(&out.join("report.json"), &report)?;
    Ok(report)
}

struct Demo<'a> {
    options: &'a Options,
    out: &'a Path,
    knowledge: Embedded,
}

/// The corpora: plain text, anchored examples, and passage pairs about subjects that these do not have.
struct Corpora {
    plain: PathBuf,
    anchored: PathBuf,
    unseen_passages: PathBuf,
}

/// A fine-tuned tagger's scores.
struct Tagger {
    english_dev: f64,
    chinese: f64,
}

impl Demo<'_> {
    fn run(&self, progress: &mut dyn Progress) -> Result<DemoReport> {
        let scale = &self.options.scale;
        progress.stage("knowledge base");
        let kb_dir = self.out.join("knowledge");
        kbioxlm_knowledge::build(&crate::write_sources(&self.out.join("sources"))?, &kb_dir)?;
        let kb = KnowledgeBase::open(&kb_dir)?;

        progress.stage("documents");
        let texts = self.write_texts()?;
        let held_out = self.held_out();
        progress.stage("corpora");
        let corpora = self.corpora(&kb, &texts, &held_out)?;
        progress.stage("tokenizer and model");
        let base = self.out.join("model");
        let vocabulary = self.initialise(&texts, &base)?;

        progress.stage("pretraining on plain text");
        let adapted = self.pretrain("adapted", &base, &corpora.plain, scale.adaptation_tokens, progress)?;
        progress.stage("more plain text (before)");
        let before = self.pretrain("before", &adapted.model, &corpora.plain, scale.anchoring_tokens, progress)?;
        progress.stage("anchoring (after)");
        let after = self.pretrain("after", &adapted.model, &corpora.anchored, scale.anchoring_tokens, progress)?;

        progress.stage("measuring");
        let found = |model: &Path| retrieval(model, &kb, LANGUAGES[0], &LANGUAGES[1..], self.options.seed);
        let retrieval_acc1 = compare(&found(&before.model)?, &found(&after.model)?, &held_out);
        let unseen = [corpora.unseen_passages.as_path()];
        let (prp_accuracy, prp_pairs) = passage_relations(&after.model, &unseen, scale.max_length, self.options.seed)?;

        let benchmark = self.write_benchmark()?;
        progress.stage("tagger from plain text (before)");
        let tagger_before = self.tag("tagger-before", &before.model, &benchmark)?;
        progress.stage("tagger from anchored model (after)");
        let tagger_after = self.tag("tagger-after", &after.model, &benchmark)?;
        Ok(DemoReport {
            retrieval_acc1,
            zero_shot_f1: BeforeAfter { before: tagger_before.chinese, after: tagger_after.chinese },
            english_dev_f1: BeforeAfter { before: tagger_before.english_dev, after: tagger_after.english_dev },
            prp_accuracy,
            prp_pairs,
            tokens: TrainingTokens { adaptation: adapted.tokens, before: before.tokens, after: after.tokens },
            loss_curve: LossCurves { adaptation: adapted.loss, before: before.loss, after: after.loss },
            concepts: kb.concepts().len(),
            facts: kb.facts().len(),
            documents: scale.documents * LANGUAGES.len(),
            vocabulary,
            seconds: 0.0,
        })
    }

    fn write_texts(&self) -> Result<Vec<Texts>> {
        let dir = self.out.join("text");
        create_dir(&dir)?;
        let write = |lang: &&str| {
            let path = dir.join(format!("{lang}.jsonl"));
            let documents =
                documents::documents(&self.knowledge, lang, self.options.scale.documents, self.options.seed);
            documents::write_documents(&path, &documents)?;
            Ok(TextSource { lang: Some((*lang).to_owned()), ..TextSource::new(path) }.into())
        };
        LANGUAGES.iter().map(write).collect()
    }

    /// Positions of all concepts in an order of chance that belongs to `purpose`.
    fn shuffled(&self, purpose: &str) -> Vec<usize> {
        let mut concepts: Vec<usize> = (0..self.knowledge.concepts.len()).collect();
        concepts.shuffle(&mut rng_for(self.options.seed, &[purpose]));
        concepts
    }

    fn held_out(&self) -> BTreeSet<String> {
        let order = self.shuffled("held out");
        let chosen = order.iter().take(order.len() / HELD_OUT);
        chosen.filter_map(|&c| self.knowledge.concepts.get(c)).map(|c| c.id.to_owned()).collect()
    }

    fn corpora(&self, kb: &KnowledgeBase, texts: &[Texts], held_out: &BTreeSet<String>) -> Result<Corpora> {
        let allowed: Vec<bool> = self.knowledge.concepts.iter().map(|c| !held_out.contains(c.id)).collect();
        let mut subjects = self.shuffled("subjects");
        subjects.retain(|&c| allowed.get(c).copied().unwrap_or(false));
        let (unseen, seen) = subjects.split_at(subjects.len() / UNSEEN_SUBJECTS);
        let config = AnchorConfig {
            seed: self.options.seed,
            languages: LANGUAGES.into_iter().collect(),
            // The documents are short, and the shortest are Chinese; few facts leave the chunk its share of the tokens.
            min_chunk: 120,
            min_tail: 60,
            max_facts: 5,
            held_out: held_out.clone(),
            ..AnchorConfig::default()
        };
        let corpora = Corpora {
            plain: self.out.join("corpus-plain"),
            anchored: self.out.join("corpus-anchored"),
            unseen_passages: self.out.join("corpus-unseen-passages"),
        };
        let build = |levels: &[Level], texts: &[Texts], passages: &[PassageSource], out: &Path| -> Result<()> {
            let config = AnchorConfig { levels: levels.to_vec(), ..config.clone() };
            kbioxlm_corpus::build(kb, texts, passages, &config, out, &|_, _| ())?;
            Ok(())
        };
        build(&[Level::Plain], texts, &[], &corpora.plain)?;
        let levels = [Level::Entity, Level::Fact, Level::Passage];
        build(&levels, texts, &self.write_passages("seen", seen, &allowed)?, &corpora.anchored)?;
        build(&[Level::Passage], &[], &self.write_passages("unseen", unseen, &allowed)?, &corpora.unseen_passages)?;
        Ok(corpora)
    }

    fn write_passages(&self, name: &str, subjects: &[usize], allowed: &[bool]) -> Result<Vec<PassageSource>> {
        let (english, others) = (LANGUAGES[0], &LANGUAGES[1..]);
        let write = |other: &&'static str| {
            let langs = [english, *other];
            let path = self.out.join("text").join(format!("passages-{name}-{}.jsonl", langs.join("-")));
            let passages = documents::passages(&self.knowledge, langs, subjects, allowed, PASSAGES, self.options.seed);
            documents::write_passages(&path, langs, &passages)?;
            Ok(PassageSource::new(langs, path))
        };
        others.iter().map(write).collect()
    }

    /// Trains the tokenizer, initialises the model, and writes both; returns the number of pieces.
    fn initialise(&self, texts: &[Texts], out: &Path) -> Result<usize> {
        let Scale { documents, vocabulary, hidden, layers, heads, max_length, .. } = self.options.scale;
        let of = |lang: &String| documents::documents(&self.knowledge, lang, documents, self.options.seed);
        let languages = texts.iter().filter_map(|t| t.source.lang.as_ref());
        let documents: Vec<documents::Document> = languages.flat_map(of).collect();
        let json = tokenizer::train(documents.iter().map(|d| &d.text), vocabulary)?;
        let path = self.out.join("tokenizer.json");
        write_atomic(&path, |w| w.write_all(json.as_bytes()))?;
        let tokenizer = Tokenizer::from_file(&path)?;
        let pieces = tokenizer.vocab_size();
        let mut config = ModelConfig::new(Layout::XlmRoberta, pieces, hidden, layers, heads, max_length);
        // A narrow model that sees its few documents often: it needs contrast between its pieces to begin with, and it
        // cannot afford to lose a tenth of its states.
        config.initializer_range = 0.1;
        config.hidden_dropout_prob = 0.0;
        config.attention_probs_dropout_prob = 0.0;
        let model =
            init(&config, &Heads { mlm: true, ..Heads::default() }, self.options.seed, &kbioxlm_model::device());
        save(out, &config, &model, &tokenizer, None)?;
        Ok(pieces)
    }

    fn pretrain(
        &self,
        name: &str,
        base: &Path,
        corpus: &Path,
        tokens: u64,
        progress: &mut dyn Progress,
    ) -> Result<Trained> {
        let scale = &self.options.scale;
        let config = PretrainConfig {
            seed: self.options.seed,
            max_length: scale.max_length,
            tokens_per_batch: scale.tokens_per_step,
            budget: Budget::Tokens(NonZeroU64::new(tokens).context("a budget of no tokens")?),
            learning_rate: scale.learning_rate,
            warmup_ratio: WARMUP,
            // The run takes a minute: a checkpoint of its end is enough.
            save_every: NonZeroU64::MAX,
            ..PretrainConfig::default()
        };
        let model = self.out.join(name);
        let never = AtomicBool::new(false);
        let input = PretrainInput { model: base, corpora: &[corpus.into()], knowledge: None };
        let summary = pretrain(&config, &input, &model, &never, &mut Steps { progress, total: 0 })?;
        let metrics = read_jsonl::<StepMetrics>(&model.join("metrics.jsonl"), "the metrics of a step")?;
        let loss = metrics.map(|line| Ok(line?.1.loss)).collect::<Result<_>>()?;
        Ok(Trained { model, tokens: summary.tokens, loss })
    }

    fn write_benchmark(&self) -> Result<Benchmark> {
        let Scale { train_sentences, test_sentences, .. } = self.options.scale;
        let dir = self.out.join("benchmark");
        create_dir(&dir)?;
        let order = self.shuffled("benchmark");
        let mut in_train = vec![false; order.len()];
        for &concept in order.iter().take(order.len() * TRAIN_CONCEPTS / 5) {
            if let Some(flag) = in_train.get_mut(concept) {
                *flag = true;
            }
        }
        let all = vec![true; order.len()];
        let write = |split: &str, lang: &str, count: usize, allowed: &[bool]| -> Result<PathBuf> {
            let path = dir.join(format!("{split}-{lang}.conll"));
            let sentences = benchmark::sentences(&self.knowledge, lang, split, count, allowed, self.options.seed)?;
            benchmark::write_conll(&path, split, &self.knowledge, &sentences)?;
            Ok(path)
        };
        Ok(Benchmark {
            train: write("train", "en", train_sentences, &in_train)?,
            dev: write("dev", "en", test_sentences, &all)?,
            test: write("test", "zh", test_sentences, &all)?,
        })
    }

    fn tag(&self, name: &str, model: &Path, benchmark: &Benchmark) -> Result<Tagger> {
        let scale = &self.options.scale;
        let config = FinetuneConfig {
            seed: self.options.seed,
            epochs: NonZeroU32::new(scale.epochs).context("no epochs")?,
            learning_rate: scale.finetune_learning_rate,
            max_length: scale.max_length,
            ..FinetuneConfig::default()
        };
        let out = self.out.join(name);
        let data = FinetuneData::new(&benchmark.train, &benchmark.dev);
        let tuned = finetune_task(&config, Task::Ner, model, &data, &out, &AtomicBool::new(false), &mut ())?;
        let chinese = evaluate(&out, &benchmark.test, Join::Auto)?;
        let english_dev = tuned.info.dev_score.context("no score on dev")?;
        Ok(Tagger { english_dev, chinese: chinese.score })
    }
}

struct Benchmark {
    train: PathBuf,
    dev: PathBuf,
    test: PathBuf,
}

struct Trained {
    model: PathBuf,
    tokens: u64,
    loss: Vec<f64>,
}

fn compare(before: &Hits, after: &Hits, held_out: &BTreeSet<String>) -> RetrievalScores {
    let is_held_out = |id: &str| held_out.contains(id);
    let both = |choose: &dyn Fn(&str) -> bool, only: Option<&str>| {
        let of = |hits: &Hits| {
            let chosen = hits.iter().filter(|(lang, _)| only.is_none_or(|only| only == lang.as_str()));
            accuracy(chosen.flat_map(|(_, hits)| hits), choose)
        };
        BeforeAfter { before: of(before), after: of(after) }
    };
    let ids: BTreeSet<&str> = after.values().flatten().map(|hit| hit.concept.as_str()).collect();
    let languages = || after.keys().cloned();
    RetrievalScores {
        all: both(&|_| true, None),
        by_language: languages().map(|l| (l.clone(), both(&|_| true, Some(&l)))).collect(),
        anchored: both(&|id| !is_held_out(id), None),
        held_out: both(&is_held_out, None),
        held_out_by_language: languages().map(|l| (l.clone(), both(&is_held_out, Some(&l)))).collect(),
        concepts: ids.len(),
        held_out_concepts: ids.iter().filter(|id| is_held_out(id)).count(),
    }
}

/// Passes the steps of training on.
struct Steps<'a> {
    progress: &'a mut dyn Progress,
    total: u64,
}

impl Observer for Steps<'_> {
    fn start(&mut self, done: u64, total: u64) {
        self.total = total;
        self.progress.advance(done, total);
    }

    fn step(&mut self, metrics: &StepMetrics) {
        self.progress.advance(metrics.step, self.total);
    }
}
