//! A small world on the disk: sixteen concepts in a ring ("a causes the next one") in two languages, a corpus about
//! them, and a tiny random model with a tokenizer.

use burn::tensor::Device;
use kbioxlm_corpus::{AnchorConfig, Level, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_knowledge::{Description, KnowledgeBase};
use kbioxlm_model::{Heads, Layout, ModelConfig, Tokenizer, init};
use kbioxlm_train::{Budget, PretrainConfig};
use serde_json::json;
use std::fmt::Write;
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use tempfile::TempDir;

const NAMES: [(&str, &str); 16] = [
    ("fever", "发热"),
    ("cough", "咳嗽"),
    ("asthma", "哮喘"),
    ("anemia", "贫血"),
    ("nausea", "恶心"),
    ("migraine", "偏头痛"),
    ("gastritis", "胃炎"),
    ("eczema", "湿疹"),
    ("gout", "痛风"),
    ("stroke", "中风"),
    ("edema", "水肿"),
    ("sepsis", "脓毒症"),
    ("measles", "麻疹"),
    ("rabies", "狂犬病"),
    ("diabetes", "糖尿病"),
    ("epilepsy", "癫痫"),
];
const OTHER: [&str; 14] =
    ["▁", "▁often", "▁causes", "▁in", "▁many", "▁patients", "▁.", ".", "常", "引起", "很多", "患者", "。", "导致"];

/// Settings under which the small model learns the small world.
pub fn config(steps: u64) -> PretrainConfig {
    PretrainConfig {
        max_length: 64,
        tokens_per_batch: 384,
        accumulation: NonZeroUsize::new(2).unwrap(),
        budget: Budget::Steps(NonZeroU64::new(steps).unwrap()),
        learning_rate: 5e-3,
        ..PretrainConfig::default()
    }
}

pub struct World {
    pub dir: TempDir,
    pub model: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("base");
        write_knowledge(&dir);
        write_texts(&dir);
        write_model(&model);
        Self { dir, model }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Builds the corpus `name` of these levels.
    pub fn corpus(&self, name: &str, levels: &[Level], seed: u64) -> PathBuf {
        self.corpus_without(name, levels, seed, &[])
    }

    /// The same without anchoring the concepts `held_out`.
    pub fn corpus_without(&self, name: &str, levels: &[Level], seed: u64, held_out: &[&str]) -> PathBuf {
        let out = self.path(name);
        let text = |lang: &str| {
            let path = self.path(&format!("{lang}.jsonl"));
            Texts::from(TextSource { lang: Some(lang.into()), ..TextSource::new(path) })
        };
        let passages = PassageSource::new(["en", "zh"], self.path("passages.jsonl"));
        let config = AnchorConfig {
            seed,
            levels: levels.to_vec(),
            min_chunk: 40,
            min_tail: 20,
            max_facts: 3,
            held_out: held_out.iter().map(|id| (*id).to_owned()).collect(),
            ..AnchorConfig::default()
        };
        let kb = KnowledgeBase::open(&self.path("kb")).unwrap();
        kbioxlm_corpus::build(&kb, &[text("en"), text("zh")], &[passages], &config, &out, &|_, _| ()).unwrap();
        out
    }
}

fn write_knowledge(dir: &TempDir) {
    let path = |name: &str| dir.path().join(name);
    let mut lexicon = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n".to_owned();
    let mut facts = "head_concept_id\trelation\ttail_concept_id\n".to_owned();
    for (i, (en, zh)) in NAMES.iter().enumerate() {
        write!(lexicon, "C{i}\ten\t{en}\t1\tdisease\t\nC{i}\tzh\t{zh}\t1\tdisease\t\n").unwrap();
        writeln!(facts, "C{i}\tcauses\tC{}", (i + 1) % 16).unwrap();
    }
    fs::write(path("lexicon.tsv"), lexicon).unwrap();
    fs::write(path("facts.tsv"), facts).unwrap();
    fs::write(path("relations.tsv"), "relation\tlang\tlabel\ncauses\ten\tcauses\ncauses\tzh\t引起\n").unwrap();
    let (lexicons, facts) = (vec![path("lexicon.tsv")], vec![path("facts.tsv")]);
    let description = Description::of_tables(lexicons, facts, Some(path("relations.tsv")), vec![]);
    kbioxlm_knowledge::build(&description, &path("kb")).unwrap();
}

fn sentence(i: usize, lang: &str) -> String {
    let ((en, zh), (next_en, next_zh)) = (NAMES[i % 16], NAMES[(i + 1) % 16]);
    if lang == "en" {
        format!("{en} often causes {next_en} in many patients.")
    } else {
        format!("{zh}常引起很多患者{next_zh}。")
    }
}

fn write_texts(dir: &TempDir) {
    for lang in ["en", "zh"] {
        let mut lines = String::new();
        for document in 0..24 {
            let space = if lang == "en" { " " } else { "" };
            let text: Vec<String> = (0..3).map(|j| sentence(document * 5 + j * 3, lang)).collect();
            writeln!(lines, "{}", json!({"id": format!("d{document}"), "text": text.join(space)})).unwrap();
        }
        fs::write(dir.path().join(format!("{lang}.jsonl")), lines).unwrap();
    }
    let mut lines = String::new();
    for topic in 0..16 {
        for part in 0..2 {
            let i = topic + part * 8;
            let row = json!({"id": format!("p{topic}-{part}"), "topic": format!("t{topic}"),
                "en": sentence(i, "en"), "zh": sentence(i, "zh")});
            writeln!(lines, "{row}").unwrap();
        }
    }
    fs::write(dir.path().join("passages.jsonl"), lines).unwrap();
}

fn write_model(out: &PathBuf) {
    let special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];
    let mut pieces: Vec<(String, f64)> = special.iter().map(|p| ((*p).to_owned(), 0.0)).collect();
    pieces.extend(OTHER.iter().map(|p| ((*p).to_owned(), -3.0)));
    for (en, zh) in NAMES {
        pieces.push((format!("▁{en}"), -4.0));
        // Two pieces: a mention is more than one token.
        let split = zh.char_indices().nth(1).unwrap().0;
        for part in [&zh[..split], &zh[split..]] {
            if pieces.iter().all(|(p, _)| p != part) {
                pieces.push((part.to_owned(), -4.0));
            }
        }
    }
    let added = special.iter().enumerate().map(|(id, content)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    });
    let added: Vec<_> = added.collect();
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": metaspace, "post_processor": null, "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": false},
    });
    fs::create_dir_all(out).unwrap();
    fs::write(out.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let tokenizer = Tokenizer::load(out).unwrap();
    let mut config = ModelConfig::new(Layout::XlmRoberta, tokenizer.vocab_size(), 32, 1, 4, 64);
    config.initializer_range = 0.1; // a narrow model learns little from the usual 0.02
    config.hidden_dropout_prob = 0.05;
    config.attention_probs_dropout_prob = 0.05;
    let model = init(&config, &Heads { mlm: true, ..Heads::default() }, 5, &Device::flex());
    kbioxlm_model::save(out, &config, &model, &tokenizer, None).unwrap();
}
