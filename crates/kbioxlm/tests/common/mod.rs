//! A directory with small files, and the binary to run on them.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

pub const LEXICON: &str = "\
concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags
C1\ten\tasthma\t1\tDisease\t
C1\tzh\t哮喘\t1\tDisease\t
C2\ten\tsalbutamol\t1\tDrug\t
C2\tzh\t沙丁胺醇\t1\tDrug\t
C3\ten\tacute lymphoblastic leukemia\t1\tDisease\t
C3\ten\tALL\t0\tDisease\tabbreviation
C3\tzh\t急性淋巴细胞白血病\t1\tDisease\t
";
pub const FACTS: &str = "head_concept_id\trelation\ttail_concept_id\nC2\tmay_treat\tC1\n";
pub const RELATIONS: &str = "relation\tlang\tlabel\nmay_treat\ten\tmay treat\nmay_treat\tzh\t可用于治疗\n";
pub const LINKS: &str = "concept_id_a\tconcept_id_b\tsame_name_in\n";
pub const CONLL: &str =
    "-DOCSTART-\td1\n\nsalbutamol\tB-Drug\nhelps\tO\n\n-DOCSTART-\td2\n\nin\tO\nasthma\tB-Disease\n\n";

/// A temporary directory of named files.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// With the files of a small knowledge base, documents, passages and a benchmark.
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.write("lexicon.tsv", LEXICON);
        place.write("facts.tsv", FACTS);
        place.write("relations.tsv", RELATIONS);
        place.write("links.tsv", LINKS);
        let sentence = "Children with asthma were given salbutamol twice a day. ";
        let english: String = (0..4)
            .map(|i| format!("{{\"id\": \"en-{i}\", \"text\": \"Report {i}. {}\"}}\n", sentence.repeat(6).trim_end()))
            .collect();
        let chinese: String = (0..4)
            .map(|i| {
                format!("{{\"id\": \"zh-{i}\", \"text\": \"{}\"}}\n", "患有哮喘的儿童每天两次使用沙丁胺醇。".repeat(16))
            })
            .collect();
        let passages: String = (0..6)
            .map(|i| {
                let (en, zh) =
                    (format!("Passage {i} on asthma. It is long."), format!("第{i}段关于哮喘。这一段很长。"));
                format!("{{\"id\": \"p{i}\", \"en\": \"{en}\", \"zh\": \"{zh}\", \"topic\": \"t{}\"}}\n", i / 2)
            })
            .collect();
        place.write("en.jsonl", english);
        place.write("zh.jsonl", chinese);
        place.write("passages.jsonl", passages);
        place.write("train.conll", CONLL);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// A copy of a tiny random model.
    pub fn model(&self, name: &str) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kbioxlm-model/tests/fixtures/xlm_roberta/mlm");
        let to = self.path(name);
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        to
    }

    /// Runs the binary in the directory with the words of `line` as arguments.
    pub fn run(&self, line: &str) -> Outcome {
        let output = Command::cargo_bin("kbioxlm")
            .unwrap()
            .current_dir(self.dir.path())
            .env_remove("RUST_LOG")
            .args(line.split_whitespace())
            .output()
            .unwrap();
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Builds the knowledge base `kb`.
    pub fn knowledge(&self) {
        self.run(
            "knowledge build --lexicon lexicon.tsv --facts facts.tsv --relations relations.tsv --links links.tsv --out kb",
        )
        .ok();
    }
}

/// What a run printed.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// The standard output of a run that succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Asserts that the run failed (exit code 1, nothing on stdout) with a message that has all `parts`.
    #[track_caller]
    pub fn fails_with(self, parts: &[&str]) {
        assert_eq!(self.code, Some(1), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}
