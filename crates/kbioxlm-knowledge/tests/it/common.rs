//! Small sources, written by hand.

use kbioxlm_knowledge::{BuildReport, Description, KnowledgeBase, KnowledgeError, Source, build};
use kbioxlm_sources::TsvFile;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const HEADER: &str = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags";

/// A directory with sources; a knowledge base can be built from them.
pub struct Bench {
    pub dir: TempDir,
    pub description: Description,
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), description: Description::default() }
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn table(&self, name: &str, header: &str, rows: &[&str]) -> PathBuf {
        // Cells are separated by `|` here, for reading.
        let lines: String = rows.iter().map(|row| row.replace('|', "\t") + "\n").collect();
        self.write(name, format!("{header}\n{lines}").as_bytes())
    }

    pub fn with(mut self, source: fn(TsvFile) -> Source, path: PathBuf) -> Self {
        self.description.sources.push(source(TsvFile { path }));
        self
    }

    pub fn lexicon(self, name: &str, rows: &[&str]) -> Self {
        let path = self.table(name, HEADER, rows);
        self.with(Source::Lexicon, path)
    }

    pub fn facts(self, rows: &[&str]) -> Self {
        let path = self.table("facts.tsv", "head_concept_id\trelation\ttail_concept_id", rows);
        self.with(Source::Facts, path)
    }

    pub fn relations(self, rows: &[&str]) -> Self {
        let path = self.table("relations.tsv", "relation\tlang\tlabel", rows);
        self.with(Source::Relations, path)
    }

    pub fn links(self, rows: &[&str]) -> Self {
        let path = self.table("links.tsv", "concept_id_a\tconcept_id_b\tsame_name_in", rows);
        self.with(Source::Links, path)
    }

    pub fn out(&self) -> PathBuf {
        self.dir.path().join("kb")
    }

    pub fn try_build(&self) -> Result<BuildReport, KnowledgeError> {
        build(&self.description, &self.out())
    }

    pub fn build(&self) -> (KnowledgeBase, BuildReport) {
        let report = self.try_build().unwrap();
        (KnowledgeBase::open(&self.out()).unwrap(), report)
    }
}

/// The file's name and what follows it in a message, whatever the directory.
pub fn message(error: &KnowledgeError, dir: &Path) -> String {
    error.to_string().replace(&format!("{}/", dir.display()), "")
}

/// Two vocabularies with diseases and a drug, linked; labels and facts.
pub fn small() -> Bench {
    Bench::new()
        .lexicon(
            "hpo.tsv",
            &[
                "HP:1|en|Hypertension|1|Phenotype|",
                "HP:1|en|High blood pressure|0|Phenotype|layperson",
                "HP:1|en|HTN|0|Phenotype|abbreviation",
                "HP:1|zh|高血压|1|Phenotype|",
                "HP:1|es|Hipertensión|1|Phenotype|",
                "HP:2|en|Insulinoma|1|Phenotype|",
                "HP:2|es|Insulinoma|1|Phenotype|same_as_english",
                "HP:2|zh|Insulinoma|1|Phenotype|untranslated",
                "HP:3|en|Autosomal dominant|1|HPO: Mode of inheritance|",
                "HP:4|en|Miscarriage|1|HPO: Clinical modifier|",
            ],
        )
        .lexicon(
            "drugs.tsv",
            &[
                "D:1|zh|高血压|1|Disease|",
                "D:1|zh|血压升高|0|Disease|",
                "D:2|en|Captopril|1|Drug|",
                "D:2|zh|卡托普利|1|Drug|",
                "D:3|zh|流产|1|Disease|",
            ],
        )
        .links(&["HP:1|D:1|zh", "D:3|HP:4|zh", "D:9|HP:1|zh"])
        .relations(&["may_treat|en|may treat", "may_treat|zh|可治疗"])
        .facts(&[
            "D:2|may_treat|D:1",
            "D:2|may_treat|HP:1",
            "HP:1|same_as|D:1",
            "D:2|related|HP:3",
            "D:2|related|X:1",
            "HP:2|related|HP:1",
        ])
}
