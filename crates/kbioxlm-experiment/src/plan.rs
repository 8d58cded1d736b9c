//! The description of an experiment: read, checked and resolved.

use crate::ExperimentError;
use crate::description::{AnchoredSection, CorpusFiles, Description, Place, Root, TaskSection, merged};
use crate::matrix::{Direction, Job, Method, jobs};
use kbioxlm_benchmarks::Join;
use kbioxlm_corpus::{AnchorConfig, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_eval::{Task, TaskOptions};
use kbioxlm_files::{FileError, read_text};
use kbioxlm_train::{FinetuneConfig, PretrainConfig, TermSample};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Table;

/// An experiment with all paths, settings and defaults resolved.
///
/// ```toml
/// [data]
/// root = "../data"                  # paths below are relative to it; KBIOXLM_DATA overrides it
/// [model]
/// base = "../models/base"           # HF directory; KBIOXLM_BASE overrides it
/// [knowledge]
/// lexicons = ["lexicon/a.tsv"]      # facts, relations, links
/// [trim]                            # optional
/// texts = ["corpora/en.jsonl"]      # .jsonl, .tsv, .conll; languages = ["en", "zh"] restricts lexica
/// [corpus]                          # the keys of AnchorConfig, and
/// texts = { en = "corpora/en.jsonl", zh = "corpora/zh.jsonl" }
/// passages = { en-zh = "passages/en-zh.jsonl" }
/// [pretrain]                        # the keys of PretrainConfig
/// budget = { tokens = 600000 }
/// [[anchored]]                      # optional: several models; without it one named "anchored"
/// name = "no facts"
/// from = "adapted"                  # optional: another of these models to start from
/// like = "anchored"                 # optional: another of these models whose overrides hold for this one, too
/// corpus = { levels = ["entity"] }  # overrides of [corpus]
/// pretrain = { seed = 2 }           # overrides of [pretrain]
/// [retrieval]                       # optional: names found across languages, by every model without fine-tuning
/// concepts = 1000
/// [finetune]                        # the keys of FinetuneConfig
/// [fewshot]                         # overrides of [finetune] for tuning further on a few documents
/// [switch]                          # the keys of AnchorConfig that say how fine-tuning data are code-switched
/// [[task]]
/// name = "ADE"
/// task = "ner"                      # classification, multilabel
/// train = { en = "ade/en/train.conll", zh = "ade/zh/train.conll" }
/// dev = { en = "ade/en/dev.conll", zh = "ade/zh/dev.conll" }
/// test = { en = "ade/en/test.conll", zh = "ade/zh/test.conll" }
/// finetune = { epochs = 5 }         # optional: overrides of [finetune]; fewshot too
/// [[matrix]]                        # every combination of what is listed; without it all models, tasks, directions
/// tasks = ["ADE"]
/// directions = ["en-zh"]
/// models = ["base", "anchored"]
/// methods = ["zero-shot"]           # code-switch, translate-train
/// seeds = [1, 2, 3]
/// shots = [10, 50]                  # documents of the target language
/// draws = 3
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Experiment {
    /// The base model.
    pub base: PathBuf,
    /// Sources of the knowledge base.
    pub knowledge: Option<KnowledgeFiles>,
    /// Vocabulary trimming of the base model.
    pub trim: Option<TrimPlan>,
    /// Models pretrained on anchored corpora; each stands behind the one it starts from.
    pub anchored: Vec<AnchoredModel>,
    /// Which names every model has to find across languages.
    pub retrieval: Option<TermSample>,
    /// How fine-tuning data are code-switched.
    pub switch: AnchorConfig,
    /// Tasks that the models are fine-tuned for.
    pub tasks: Vec<TaskPlan>,
    /// What is fine-tuned and tested, in this order.
    pub jobs: Vec<Job>,
}

/// Sources of a knowledge base.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeFiles {
    /// Lexica.
    pub lexicons: Vec<PathBuf>,
    /// Facts.
    #[serde(default)]
    pub facts: Vec<PathBuf>,
    /// Names of relations.
    #[serde(default)]
    pub relations: Option<PathBuf>,
    /// Concepts of several lexica that are the same.
    #[serde(default)]
    pub links: Vec<PathBuf>,
}

/// Texts whose pieces a trimmed vocabulary keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrimPlan {
    /// Files, see [`read_texts`](kbioxlm_eval::read_texts).
    pub texts: Vec<PathBuf>,
    /// Languages of lexica and passages to use; none means all.
    #[serde(default)]
    pub languages: Vec<String>,
}

/// A model to be pretrained on an anchored corpus.
#[derive(Clone, Debug, Serialize)]
pub struct AnchoredModel {
    /// Its name in the table.
    pub name: String,
    /// The model it starts from; `None` is the (trimmed) base.
    pub from: Option<String>,
    /// Monolingual texts.
    pub texts: Vec<Texts>,
    /// Passage pairs.
    pub passages: Vec<PassageSource>,
    /// How the corpus is anchored.
    pub corpus: AnchorConfig,
    /// How the model is pretrained.
    pub pretrain: PretrainConfig,
}

/// A task and its data by language.
#[derive(Clone, Debug, Serialize)]
pub struct TaskPlan {
    /// Its name in the table.
    pub name: String,
    /// The task.
    pub task: Task,
    /// How CoNLL files are joined.
    pub join: Join,
    /// Training data.
    pub train: BTreeMap<String, PathBuf>,
    /// Data on which the epoch is chosen.
    pub dev: BTreeMap<String, PathBuf>,
    /// Test data.
    pub test: BTreeMap<String, PathBuf>,
    /// Settings of fine-tuning; the seed is that of the job.
    pub finetune: FinetuneConfig,
    /// Settings of tuning further on a few documents.
    pub fewshot: FinetuneConfig,
}

impl TaskPlan {
    /// The task and how its files are read.
    pub fn options(&self) -> TaskOptions {
        TaskOptions { task: self.task, join: self.join }
    }

    /// From every language with training and dev data to every other one with test data.
    pub(crate) fn directions(&self) -> Vec<Direction> {
        let to = |from: &String| self.test.keys().filter(|to| *to != from).cloned().collect::<Vec<_>>();
        let sources = self.train.keys().filter(|from| self.dev.contains_key(*from));
        sources.flat_map(|from| to(from).into_iter().map(|to| Direction { from: from.clone(), to })).collect()
    }

    /// Test data of a direction: of the target and, where there are any, of the source language.
    pub(crate) fn tests(&self, direction: &Direction) -> impl Iterator<Item = (&String, &PathBuf)> {
        let languages: BTreeSet<&String> = [&direction.from, &direction.to].into();
        self.test.iter().filter(move |(language, _)| languages.contains(language))
    }

    /// Checks that a direction has the data that the methods need.
    pub(crate) fn check(
        &self,
        direction: &Direction,
        methods: &[Method],
        few: bool,
        place: &Place,
    ) -> Result<(), ExperimentError> {
        let Direction { from, to } = direction;
        let translated = methods.contains(&Method::TranslateTrain);
        let source = methods.iter().any(|m| *m != Method::TranslateTrain);
        if methods.contains(&Method::Widened) && self.task != Task::Ner {
            let found = format!("the method widened for the task `{}`", self.name);
            return Err(place.error(
                found,
                "a task of named entities, which it widens",
                "leave it out of this [[matrix]]",
            ));
        }
        let needs = [
            (source, "train", &self.train, from),
            (source, "dev", &self.dev, from),
            (translated || few, "train", &self.train, to),
            (translated, "dev", &self.dev, to),
            (true, "test", &self.test, to),
        ];
        match needs.into_iter().find(|(needed, _, files, language)| *needed && !files.contains_key(*language)) {
            None => Ok(()),
            Some((_, what, _, language)) => Err(place.error(
                format!("the task `{}` in the direction {direction} without {what} data in {language}", self.name),
                format!("{what} = {{ {language} = \"PATH\" }}"),
                "add the file, or take the direction out of the [[matrix]]",
            )),
        }
    }
}

/// Name of the base model in the table.
pub(crate) const BASE: &str = "base";

impl Experiment {
    /// Reads an experiment file. The environment variables `KBIOXLM_DATA` and `KBIOXLM_BASE`, where set, override
    /// `[data] root` and `[model] base`; these two are relative to the directory of the file, all others to the root.
    ///
    /// # Errors
    /// The file cannot be read or has an unknown key, a wrong value, or names that contradict each other.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        Self::read_with(path, |name| std::env::var_os(name))
    }

    pub(crate) fn read_with(path: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ExperimentError> {
        let place = Place { path };
        let text = read_text(path)?;
        let description: Description = toml::from_str(&text).map_err(|e| {
            let line = e.span().map(|span| text.get(..span.start).unwrap_or(&text).matches('\n').count() + 1);
            let expected = "an experiment as `Experiment` documents it";
            FileError::content(path, line, e.message().to_owned(), expected, "correct the key")
        })?;
        let beside = |file: PathBuf| path.parent().map_or(file.clone(), |dir| dir.join(&file));
        let set = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = set("KBIOXLM_DATA").or(description.data.root.map(beside)).unwrap_or_else(|| beside(PathBuf::new()));
        let base = set("KBIOXLM_BASE").or(description.model.base.map(beside));
        let base = base.ok_or_else(|| {
            let help = "add it or set the environment variable KBIOXLM_BASE";
            place.error("no [model] base", "the directory of a base model", help)
        })?;
        let files = Root { root };
        let corpus = Sections { corpus: description.corpus, pretrain: description.pretrain };
        let anchored = corpus.models(description.anchored, &place, &files)?;
        let tasks = description.task.into_iter();
        let tasks = tasks.map(|t| t.resolve(&description.finetune, &description.fewshot, &place, &files));
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        place.unique("the task", tasks.iter().map(|t| &t.name))?;
        let models: Vec<&str> = std::iter::once(BASE).chain(anchored.iter().map(|m| m.name.as_str())).collect();
        let has_knowledge = description.knowledge.is_some();
        let jobs = jobs(&description.matrix, &tasks, &models, has_knowledge, &place)?;
        if !has_knowledge && (!anchored.is_empty() || description.retrieval.is_some()) {
            let found = "[[anchored]] models or [retrieval], but no [knowledge]";
            return Err(place.error(found, "lexicons to anchor with", "add the section [knowledge]"));
        }
        Ok(Self {
            base,
            knowledge: description.knowledge.map(|k| KnowledgeFiles {
                lexicons: files.all(k.lexicons),
                facts: files.all(k.facts),
                relations: k.relations.map(|r| files.one(r)),
                links: files.all(k.links),
            }),
            trim: description.trim.map(|t| TrimPlan { texts: files.all(t.texts), languages: t.languages }),
            retrieval: description.retrieval,
            switch: place.section("switch", description.switch)?,
            anchored,
            tasks,
            jobs,
        })
    }
}

impl Experiment {
    /// Names of all models: the base, then the anchored ones.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        std::iter::once(BASE).chain(self.anchored.iter().map(|m| m.name.as_str()))
    }

    pub(crate) fn task(&self, name: &str) -> Option<&TaskPlan> {
        self.tasks.iter().find(|t| t.name == name)
    }
}

/// `[corpus]` and `[pretrain]`.
struct Sections {
    corpus: Option<Table>,
    pretrain: Option<Table>,
}

impl Sections {
    fn models(
        &self,
        mut sections: Vec<AnchoredSection>,
        place: &Place,
        files: &Root,
    ) -> Result<Vec<AnchoredModel>, ExperimentError> {
        let (Some(corpus), Some(pretrain)) = (&self.corpus, &self.pretrain) else {
            return match (self.corpus.is_some() || self.pretrain.is_some(), sections.first()) {
                (false, None) => Ok(Vec::new()),
                _ => {
                    let help = "add the section that is missing, or remove the other";
                    Err(place.error("only a part of what anchoring needs", "[corpus] and [pretrain]", help))
                }
            };
        };
        if sections.is_empty() {
            let (corpus, pretrain) = (Table::new(), Table::new());
            sections.push(AnchoredSection { name: "anchored".into(), from: None, like: None, corpus, pretrain });
        }
        let unlike = (corpus.clone(), pretrain.clone());
        // The tables of the models before, by name.
        let mut known: BTreeMap<String, (Table, Table)> = BTreeMap::new();
        let mut models = Vec::new();
        for section in sections {
            let former = |what: &str, other: &Option<String>| {
                let Some(other) = other else { return Ok(None) };
                let missing = || {
                    let found = format!("the model `{}` {what} `{other}`", section.name);
                    let help = "reorder or rename the models";
                    place.error(found, "an [[anchored]] model that stands before it", help)
                };
                known.get(other).map(Some).ok_or_else(missing)
            };
            former("from", &section.from)?;
            let (corpus, pretrain) = former("like", &section.like)?.unwrap_or(&unlike);
            let (mut anchors, pretrain) = (merged(corpus, &section.corpus), merged(pretrain, &section.pretrain));
            known.insert(section.name.clone(), (anchors.clone(), pretrain.clone()));
            let name = format!("corpus of {}", section.name);
            let own = |key: &str, anchors: &mut Table| anchors.remove(key).map(|v| (key.to_owned(), v));
            let sources: Table = ["texts", "passages"].into_iter().filter_map(|key| own(key, &mut anchors)).collect();
            let sources: CorpusFiles = place.section(&name, sources)?;
            let text = |(lang, path)| Texts::from(TextSource { lang: Some(lang), ..TextSource::new(files.one(path)) });
            let passages = sources.passages.into_iter().map(|(pair, path)| match pair.split_once('-') {
                Some((a, b)) => Ok(PassageSource::new([a, b], files.one(path))),
                None => {
                    let found = format!("[corpus] passages.{pair}");
                    Err(place.error(found, "two languages as in en-zh", "rename the key"))
                }
            });
            models.push(AnchoredModel {
                pretrain: place.section(&format!("pretrain of {}", section.name), pretrain)?,
                passages: passages.collect::<Result<_, _>>()?,
                texts: sources.texts.into_iter().map(text).collect(),
                corpus: place.section(&name, anchors)?,
                from: section.from,
                name: section.name,
            });
        }
        let base = BASE.to_owned();
        place.unique("the model", models.iter().map(|m| &m.name).chain([&base]))?;
        Ok(models)
    }
}

impl TaskSection {
    fn resolve(
        self,
        finetune: &Table,
        fewshot: &Table,
        place: &Place,
        files: &Root,
    ) -> Result<TaskPlan, ExperimentError> {
        let tuned = merged(finetune, &self.finetune);
        let few = merged(&merged(&tuned, fewshot), &self.fewshot);
        let resolve = |what: &str, table: Table| -> Result<FinetuneConfig, ExperimentError> {
            if table.contains_key("seed") {
                let help = "write seeds = [1, 2, 3] in [[matrix]]";
                return Err(place.error(format!("[{what}] seed"), "seeds in the matrix only", help));
            }
            let config: FinetuneConfig = place.section(&format!("{what} of {}", self.name), table)?;
            config.check()?;
            Ok(config)
        };
        Ok(TaskPlan {
            finetune: resolve("finetune", tuned)?,
            fewshot: resolve("fewshot", few)?,
            train: files.named(self.train),
            dev: files.named(self.dev),
            test: files.named(self.test),
            task: self.task,
            join: self.join,
            name: self.name,
        })
    }
}
