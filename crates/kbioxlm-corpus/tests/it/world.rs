//! A knowledge base of a dozen concepts in three languages, and shortcuts for building corpora with it.

use kbioxlm_corpus::{AnchorConfig, Corpus, CorpusError, Example, Level, PassageSource, Role, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_knowledge::{Description, KnowledgeBase};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

const LEXICON: &str = "\
concept_id|lang|term|preferred|semantic_type|flags
C1|en|Fever|1|Symptom|
C1|en|pyrexia|0|Symptom|
C1|zh|发热|1|Symptom|
C1|zh|发烧|0|Symptom|
C1|es|fiebre|1|Symptom|
C2|en|Headache|1|Symptom|
C2|zh|头痛|1|Symptom|
C2|es|cefalea|1|Symptom|
C3|en|aspirin|1|Drug|
C3|zh|阿司匹林|1|Drug|
C3|es|aspirina|1|Drug|
C4|en|pneumonia|1|Disease|
C4|zh|肺炎|1|Disease|
C4|es|neumonía|1|Disease|
C5|en|influenza|1|Disease|
C5|zh|流感|1|Disease|
C5|es|gripe|1|Disease|
C6|en|bacterial pneumonia|1|Disease|
C6|zh|细菌性肺炎|1|Disease|
C7|en|COVID-19|1|Disease|
C7|zh|COVID-19|1|Disease|same_as_english
C8|en|ibuprofen|1|Drug|
C8|zh|布洛芬|1|Drug|
C8|es|ibuprofeno|1|Drug|
C9|zh|感冒颗粒|1|Drug|
C10|en|non-ST-elevation myocardial infarction|1|Disease|
C10|zh|非ST段抬高型心肌梗死|1|Disease|
C11|en|fatal|1|Symptom|
C11|es|Fatal|1|Symptom|
C12|en|common cold|1|Disease|
C12|en|cold|0|Disease|
C12|zh|感冒|1|Disease|
C13|en|cold|1|Exposure|
C13|zh|寒冷|1|Exposure|
";

const FACTS: &str = "\
head_concept_id|relation|tail_concept_id
C3|may_treat|C1
C3|may_treat|C2
C3|may_treat|C5
C8|may_treat|C1
C8|may_treat|C2
C5|has_symptom|C1
C5|has_symptom|C2
C4|has_symptom|C1
C6|kind_of|C4
C3|meets|C8
C9|may_treat|C5
C1|kind_of|C1
C3|may_treat|C12
";

const RELATIONS: &str = "\
relation|lang|label
may_treat|en|may treat
may_treat|zh|可用于治疗
may_treat|es|puede tratar
has_symptom|en|has symptom
has_symptom|zh|常见症状为
has_symptom|es|tiene síntoma
kind_of|en|is a
kind_of|zh|是一种
meets|en|interacts with
";

pub static WORLD: LazyLock<(TempDir, KnowledgeBase)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text.replace('|', "\t")).unwrap();
        path
    };
    let (lexicons, facts) = (vec![write("lexicon.tsv", LEXICON)], vec![write("facts.tsv", FACTS)]);
    let description = Description::of_tables(lexicons, facts, Some(write("relations.tsv", RELATIONS)), vec![]);
    let out = dir.path().join("kb");
    kbioxlm_knowledge::build(&description, &out).unwrap();
    let kb = KnowledgeBase::open(&out).unwrap();
    (dir, kb)
});

pub fn kb() -> &'static KnowledgeBase {
    &WORLD.1
}

/// Every relation label of a language.
pub fn is_label(lang: &str, text: &str) -> bool {
    RELATIONS.lines().any(|line| line.ends_with(&format!("|{lang}|{text}")))
}

/// A directory with inputs and the corpora built from them.
pub struct Place {
    dir: TempDir,
    pub texts: Vec<Texts>,
    pub passages: Vec<PassageSource>,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), texts: Vec::new(), passages: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn raw_texts(mut self, lang: &str, content: &str) -> Self {
        let path = self.path(&format!("{lang}-{}.jsonl", self.texts.len()));
        std::fs::write(&path, content).unwrap();
        self.texts.push(TextSource { lang: Some(lang.into()), ..TextSource::new(path) }.into());
        self
    }

    /// Documents that declare their languages.
    pub fn any_texts(mut self, content: &str) -> Self {
        let path = self.path(&format!("any-{}.jsonl", self.texts.len()));
        std::fs::write(&path, content).unwrap();
        self.texts.push(TextSource::new(path).into());
        self
    }

    /// A source below the place.
    pub fn source(mut self, source: TextSource) -> Self {
        let path = self.path("").join(&source.path);
        self.texts.push(TextSource { path, ..source }.into());
        self
    }

    /// The texts by their ids.
    pub fn content(&self) -> BTreeMap<String, String> {
        let documents = self.texts.iter().flat_map(|t| t.source.documents().unwrap());
        documents.map(|d| d.unwrap()).map(|d| (d.id, d.text)).collect()
    }

    /// Documents with the ids d0, d1 …
    pub fn texts(self, lang: &str, texts: &[impl AsRef<str>]) -> Self {
        let row = |(n, text): (usize, &_)| {
            format!("{}\n", serde_json::json!({"id": format!("d{n}"), "text": AsRef::<str>::as_ref(text)}))
        };
        let content: String = texts.iter().enumerate().map(row).collect();
        self.raw_texts(lang, &content)
    }

    pub fn passages(mut self, content: &str) -> Self {
        let path = self.path(&format!("passages-{}.jsonl", self.passages.len()));
        std::fs::write(&path, content).unwrap();
        self.passages.push(PassageSource::new(["en", "zh"], path));
        self
    }

    pub fn build_into(&self, out: &Path, config: &AnchorConfig) -> Result<(), CorpusError> {
        kbioxlm_corpus::build(kb(), &self.texts, &self.passages, config, out, &|_, _| ()).map(|_| ())
    }

    pub fn try_build(&self, config: &AnchorConfig) -> Result<Corpus, CorpusError> {
        let out = self.path("corpus");
        self.build_into(&out, config)?;
        Corpus::open(&out)
    }

    pub fn build(&self, config: &AnchorConfig) -> Vec<Example> {
        examples(&self.try_build(config).unwrap())
    }

    pub fn error(&self, config: &AnchorConfig) -> String {
        self.try_build(config).unwrap_err().to_string()
    }
}

pub fn examples(corpus: &Corpus) -> Vec<Example> {
    corpus.examples().unwrap().collect::<Result<_, _>>().unwrap()
}

pub fn config(levels: &[Level]) -> AnchorConfig {
    AnchorConfig { levels: levels.to_vec(), ..AnchorConfig::default() }
}

/// The words of the facts of an example.
pub fn facts(example: &Example) -> Vec<[&str; 3]> {
    let of = |fact: u32, role: Role| {
        let span = example.spans.iter().find(|s| s.fact == Some(fact) && s.role == role).unwrap();
        example.text_of(span).unwrap()
    };
    (0..example.segments.len() as u32 - 1)
        .map(|n| [of(n, Role::Head), of(n, Role::Relation), of(n, Role::Tail)])
        .collect()
}

/// What was put in the place of mentions.
pub fn switches(example: &Example) -> Vec<&str> {
    example.spans.iter().filter(|s| s.switched && s.role == Role::Entity).map(|s| example.text_of(s).unwrap()).collect()
}

/// Asserts that every span, cut out by bytes and by characters, is what it claims to be.
pub fn check_spans(example: &Example) {
    let mut end = (0, 0);
    for span in &example.spans {
        let segment = &example.segments[span.segment];
        let text = example.text_of(span).expect("bytes at character boundaries");
        let by_chars: String =
            segment.text.chars().skip(span.chars.start).take(span.chars.end - span.chars.start).collect();
        assert_eq!(text, by_chars, "{example:?}");
        assert!(
            (span.segment, span.bytes.start) >= end && !text.is_empty(),
            "spans in order, not overlapping: {example:?}"
        );
        end = (span.segment, span.bytes.end);
        if span.role == Role::Relation {
            assert!(is_label(&segment.lang, text) && span.concept.is_none(), "{text} is a label");
            continue;
        }
        let concept = kb().find_concept(span.concept.as_deref().unwrap()).unwrap();
        let fits = kb().terms_of(concept).map(|t| kb().term(t)).any(|term| {
            let switched_in = span.role == Role::Entity && span.switched;
            let same = if span.role == Role::Entity && !span.switched {
                term.text.to_lowercase() == text.to_lowercase()
            } else {
                term.text == text
            };
            same && (switched_in == (term.lang != segment.lang)) && (!switched_in || term.translation)
        });
        assert!(fits, "`{text}` is no term of {:?}: {example:?}", span.concept);
    }
}
