//! The description of an experiment: read, checked and resolved.

use super::description::{AnchoredSection, CorpusFiles, Description, Place, Root, TaskSection, merged};
use crate::EvalError;
use crate::task::{Task, TaskOptions};
use kbioxlm_benchmarks::Join;
use kbioxlm_corpus::{AnchorConfig, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_files::read_text;
use kbioxlm_train::{FinetuneConfig, PretrainConfig};
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
/// corpus = { levels = ["entity"] }  # overrides of [corpus]
/// pretrain = { seed = 2 }           # overrides of [pretrain]
/// [finetune]                        # the keys of FinetuneConfig, and
/// seeds = [1, 2, 3]                 # optional: repeats everything below for each
/// [[task]]
/// name = "ADE"
/// task = "ner"                      # classification, multilabel
/// train = "ade/en/train.conll"
/// dev = "ade/en/dev.conll"
/// tests = { en = "ade/en/test.conll", zh = "ade/zh/test.conll" }
/// finetune = { epochs = 5 }         # optional: overrides of [finetune]
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
    /// Tasks on which base and anchored models are compared.
    pub tasks: Vec<TaskPlan>,
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
    /// Files, see [`read_texts`](crate::read_texts).
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

/// A task for which every model is fine-tuned.
#[derive(Clone, Debug, Serialize)]
pub struct TaskPlan {
    /// Its name in the table.
    pub name: String,
    /// The task.
    pub task: Task,
    /// How CoNLL files are joined.
    pub join: Join,
    /// Training data.
    pub train: PathBuf,
    /// Data on which the epoch is chosen, in the language of the training data.
    pub dev: PathBuf,
    /// Test data by language (or any other name), in this order.
    pub tests: BTreeMap<String, PathBuf>,
    /// Settings, one for each seed.
    pub settings: Vec<FinetuneConfig>,
}

impl TaskPlan {
    /// The task and how its files are read.
    pub fn options(&self) -> TaskOptions {
        TaskOptions { task: self.task, join: self.join }
    }
}

/// Name of the base model in the table.
pub(super) const BASE: &str = "base";

impl Experiment {
    /// Reads an experiment file. The environment variables `KBIOXLM_DATA` and `KBIOXLM_BASE`, where set, override
    /// `[data] root` and `[model] base`; these two are relative to the directory of the file, all others to the root.
    ///
    /// # Errors
    /// The file cannot be read or has an unknown key, a wrong value, or names that contradict each other.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        Self::read_with(path, |name| std::env::var_os(name))
    }

    pub(super) fn read_with(path: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, EvalError> {
        let place = Place { path };
        let text = read_text(path)?;
        let description: Description = toml::from_str(&text).map_err(|e| {
            let line = e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            place.error(
                line,
                e.message().to_owned(),
                "an experiment as `Experiment` documents it".into(),
                "correct the key",
            )
        })?;
        let beside = |file: PathBuf| path.parent().map_or(file.clone(), |dir| dir.join(&file));
        let set = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let root = set("KBIOXLM_DATA").or(description.data.root.map(beside)).unwrap_or_else(|| beside(PathBuf::new()));
        let base = set("KBIOXLM_BASE").or(description.model.base.map(beside));
        let base = base.ok_or_else(|| {
            let expected = "the directory of a base model".to_owned();
            place.error(None, "no [model] base".into(), expected, "add it or set the environment variable KBIOXLM_BASE")
        })?;
        let files = Root { root };
        let corpus = Sections { corpus: description.corpus, pretrain: description.pretrain };
        let anchored = corpus.models(description.anchored, &place, &files)?;
        if let (Some(model), None) = (anchored.first(), &description.knowledge) {
            let found = format!("the model `{}` but no [knowledge]", model.name);
            return Err(place.error(None, found, "lexicons to anchor with".into(), "add the section [knowledge]"));
        }
        let tasks = description.task.into_iter().map(|t| t.resolve(&description.finetune, &place, &files));
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        place.unique("the task", tasks.iter().map(|t| &t.name))?;
        Ok(Self {
            base,
            knowledge: description.knowledge.map(|k| KnowledgeFiles {
                lexicons: files.all(k.lexicons),
                facts: files.all(k.facts),
                relations: k.relations.map(|r| files.one(r)),
                links: files.all(k.links),
            }),
            trim: description.trim.map(|t| TrimPlan { texts: files.all(t.texts), languages: t.languages }),
            anchored,
            tasks,
        })
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
    ) -> Result<Vec<AnchoredModel>, EvalError> {
        let (Some(corpus), Some(pretrain)) = (&self.corpus, &self.pretrain) else {
            return match (self.corpus.is_some() || self.pretrain.is_some(), sections.first()) {
                (false, None) => Ok(Vec::new()),
                _ => {
                    let help = "add the section that is missing, or remove the other";
                    Err(place.error(
                        None,
                        "only a part of what anchoring needs".into(),
                        "[corpus] and [pretrain]".into(),
                        help,
                    ))
                }
            };
        };
        if sections.is_empty() {
            let (corpus, pretrain) = (Table::new(), Table::new());
            sections.push(AnchoredSection { name: "anchored".into(), from: None, corpus, pretrain });
        }
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut models = Vec::new();
        for section in sections {
            if let Some(from) = section.from.as_ref().filter(|f| !known.contains(*f)) {
                let found = format!("the model `{}` from `{from}`", section.name);
                return Err(place.error(
                    None,
                    found,
                    "an [[anchored]] model that stands before it".into(),
                    "reorder or rename the models",
                ));
            }
            known.insert(section.name.clone());
            let (mut anchors, name) = (merged(corpus, &section.corpus), format!("corpus of {}", section.name));
            let own = |key: &str, anchors: &mut Table| anchors.remove(key).map(|v| (key.to_owned(), v));
            let sources: Table = ["texts", "passages"].into_iter().filter_map(|key| own(key, &mut anchors)).collect();
            let sources: CorpusFiles = place.section(&name, sources)?;
            let text = |(lang, path)| Texts::from(TextSource { lang: Some(lang), ..TextSource::new(files.one(path)) });
            let passages = sources.passages.into_iter().map(|(pair, path)| match pair.split_once('-') {
                Some((a, b)) => Ok(PassageSource::new([a, b], files.one(path))),
                None => Err(place.error(
                    None,
                    format!("[corpus] passages.{pair}"),
                    "two languages as in en-zh".into(),
                    "rename the key",
                )),
            });
            models.push(AnchoredModel {
                pretrain: place
                    .section(&format!("pretrain of {}", section.name), merged(pretrain, &section.pretrain))?,
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
    fn resolve(self, finetune: &Table, place: &Place, files: &Root) -> Result<TaskPlan, EvalError> {
        let mut settings = merged(finetune, &self.finetune);
        let name = format!("finetune of {}", self.name);
        let seeds = settings.remove("seeds");
        let resolved: FinetuneConfig = place.section(&name, settings)?;
        let seeds: Vec<u64> = match seeds {
            Some(seeds) => seeds.try_into().map_err(|_| {
                place.error(
                    None,
                    format!("[{name}] seeds of another kind"),
                    "a list of numbers".into(),
                    "write for example seeds = [1, 2, 3]",
                )
            })?,
            None => vec![resolved.seed],
        };
        if seeds.is_empty() || self.tests.is_empty() {
            let found = format!("the task `{}` without seeds or tests", self.name);
            return Err(place.error(
                None,
                found,
                "at least one of each".into(),
                "add one, for example tests = { zh = \"test.conll\" }",
            ));
        }
        Ok(TaskPlan {
            settings: seeds.into_iter().map(|seed| FinetuneConfig { seed, ..resolved.clone() }).collect(),
            train: files.one(self.train),
            dev: files.one(self.dev),
            tests: self.tests.into_iter().map(|(lang, path)| (lang, files.one(path))).collect(),
            task: self.task,
            join: self.join,
            name: self.name,
        })
    }
}
