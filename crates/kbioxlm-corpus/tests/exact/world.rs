//! Random knowledge bases and documents.

use kbioxlm_corpus::{AnchorConfig, Corpus, Example, Level, PassageSource, Texts};
use kbioxlm_documents::TextSource;
use kbioxlm_files::rng_for;
use kbioxlm_knowledge::{ConceptIndex, Description, KnowledgeBase};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use tempfile::TempDir;
use unicode_normalization::UnicodeNormalization;

pub const LANGUAGES: [&str; 3] = ["el", "en", "zh"];
const RELATIONS: usize = 3;

/// What names are made of, by language: lower and upper case, case pairs of other lengths (İ ß ŉ ﬃ), marks, full-width forms,
/// scripts without spaces, emoji joined by zero-width joiners.
const SYLLABLES: [&[&str]; 3] = [
    &["οδός", "ΟΔΟΣ", "άλφα", "α\u{301}λφα", "πόνος", "Ω", "μg", "ßα", "ΐ", "2", "-"],
    &[
        "fever",
        "FEVER",
        "Ache",
        "İz",
        "iz",
        "Straße",
        "ŉa",
        "oﬃce",
        "café",
        "cafe\u{301}",
        "ＦＥＶ",
        "fev",
        "B12",
        "2",
        "IL-6",
        "👨\u{200d}👩\u{200d}👧",
        "ſ",
        "\u{212a}",
        "a",
        "(x)",
    ],
    &["高", "血", "压", "头痛", "发热", "が", "か\u{3099}", "カ", "한", "ＩＬ－６", "型", "2", "B", "病", "𠀀", "🧬"],
];
const BETWEEN: [&str; 24] = [
    " ", " ", " ", " ", ", ", ". ", "。", "，", "\r\n", "\n\n", "\n", "\u{3000}", "\u{a0}", "\u{200b}", "\u{feff}",
    "-", "", "", "", "/", "! ", "？", "  ", "\u{2029}",
];
const FILLERS: [&str; 16] = [
    "and",
    "患者有",
    "και",
    "😀",
    "👩\u{200d}⚕\u{fe0f}",
    "0.5 mg",
    "e.g. ",
    "İ",
    "ŉ",
    "ß",
    "ﬃ",
    "é",
    "e\u{301}",
    "ท",
    "x",
    "7",
];

#[derive(Debug)]
pub struct Term {
    concept: ConceptIndex,
    pub lang: String,
    pub text: String,
    pub case_sensitive: bool,
    pub translation: bool,
    pub matched: bool,
}

#[derive(Debug)]
pub struct Document {
    pub id: String,
    pub lang: &'static str,
    pub text: String,
}

/// A knowledge base, and what is in it as plain lists.
pub struct World {
    dir: TempDir,
    pub kb: KnowledgeBase,
    terms: Vec<Term>,
    /// Head, number of the relation, tail.
    pub facts: Vec<(String, usize, String)>,
    /// Number of the relation, language, label.
    pub labels: Vec<(usize, &'static str, String)>,
}

fn pick<T: Copy>(list: &[T], rng: &mut ChaCha8Rng) -> T {
    *list.choose(rng).unwrap()
}

fn name(lang: usize, rng: &mut ChaCha8Rng) -> String {
    loop {
        let mut name = String::new();
        for n in 0..rng.random_range(1..4) {
            if n > 0 && rng.random_bool(0.4) {
                name.push(' ');
            }
            name.push_str(pick(SYLLABLES[lang], rng));
        }
        if name.chars().filter(|c| c.is_alphanumeric()).count() > 1 {
            return name;
        }
    }
}

impl World {
    pub fn random(seed: u64) -> Self {
        let rng = &mut rng_for(seed, &["world"]);
        let concepts = rng.random_range(4..16);
        let mut lexicon = String::from("concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n");
        let mut names: Vec<String> = Vec::new();
        for concept in 0..concepts {
            let mut any = false;
            for (number, lang) in LANGUAGES.iter().enumerate() {
                let count = pick(&[0, 1, 1, 1, 2, 3], rng).max(usize::from(number == 2 && !any));
                let preferred = rng.random_range(0..4);
                for n in 0..count {
                    any = true;
                    // Now and then the name of another concept, or in another case.
                    let name = match rng.random_range(0..12) {
                        0 if !names.is_empty() => names.choose(rng).unwrap().clone(),
                        1 if !names.is_empty() => names.choose(rng).unwrap().to_uppercase(),
                        _ => name(number, rng),
                    };
                    let flags = pick(&["", "", "", "", "candidate", "narrow", "abbreviation", "untranslated"], rng);
                    lexicon += &format!("C{concept}\t{lang}\t{name}\t{}\tDisease\t{flags}\n", u8::from(n == preferred));
                    names.push(name);
                }
            }
        }
        // Every language must have something to look for.
        for lang in LANGUAGES {
            lexicon += &format!("C0\t{lang}\tsomething else in {lang}\t0\tDisease\t\n");
        }
        let mut table = String::from("head_concept_id\trelation\ttail_concept_id\n");
        let mut facts = Vec::new();
        for _ in 0..rng.random_range(4..60) {
            let mut end = || format!("C{}", rng.random_range(0..concepts));
            let (head, tail) = (end(), end());
            let relation = rng.random_range(0..RELATIONS);
            table += &format!("{head}\tr{relation}\t{tail}\n");
            facts.push((head, relation, tail));
        }
        let mut labels = Vec::new();
        let mut relations = String::from("relation\tlang\tlabel\n");
        for relation in 0..RELATIONS {
            for lang in LANGUAGES {
                if rng.random_bool(0.85) {
                    let label = format!("{} r{relation}", pick(&["ist ß", "是", "είναι", "is a"], rng));
                    relations += &format!("r{relation}\t{lang}\t{label}\n");
                    labels.push((relation, lang, label));
                }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        };
        let (lexicons, facts_table) = (vec![write("lexicon.tsv", &lexicon)], vec![write("facts.tsv", &table)]);
        let relations = Some(write("relations.tsv", &relations));
        let description = Description::of_tables(lexicons, facts_table, relations, Vec::new());
        kbioxlm_knowledge::build(&description, &dir.path().join("kb")).unwrap();
        let kb = KnowledgeBase::open(&dir.path().join("kb")).unwrap();
        // How the sources' remarks decide what a name may be used for is tested where it is decided.
        let terms = kb.terms().map(|t| Term {
            concept: t.concept,
            lang: t.lang.to_owned(),
            text: t.text.to_owned(),
            case_sensitive: t.case_sensitive,
            translation: t.translation,
            matched: t.matched,
        });
        let terms = terms.collect();
        Self { dir, terms, facts, labels, kb }
    }

    pub fn id(&self, concept: ConceptIndex) -> String {
        self.kb.concept(concept).id.to_owned()
    }

    /// The terms of a concept: by language, the preferred one first, then in the order of the lexicon.
    pub fn terms_of(&self, concept: &str) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(move |t| self.kb.concept(t.concept).id == concept)
    }

    /// The names of a concept that may stand for it in a language.
    pub fn names(&self, concept: &str, lang: &str) -> impl Iterator<Item = &str> {
        self.terms_of(concept).filter(move |t| t.lang == lang && t.translation).map(|t| t.text.as_str())
    }

    pub fn config(&self, seed: u64) -> AnchorConfig {
        let rng = &mut rng_for(seed, &["config"]);
        AnchorConfig {
            seed,
            levels: vec![Level::Plain, Level::Entity, Level::Fact],
            max_switches: pick(&[1, 3, 10, 1000], rng),
            min_chunk: pick(&[20, 60, 200], rng),
            min_tail: pick(&[5, 20], rng),
            max_facts: pick(&[1, 3, 16], rng),
            ..AnchorConfig::default()
        }
    }

    pub fn documents(&self, seed: u64, count: usize) -> Vec<Document> {
        let rng = &mut rng_for(seed, &["documents"]);
        (0..count)
            .map(|n| {
                let lang = LANGUAGES[n % 3];
                let mut text = String::new();
                for _ in 0..rng.random_range(1..45) {
                    match rng.random_range(0..10) {
                        0..6 => text += &self.mention(lang, rng),
                        6 => text += &self.terms.choose(rng).unwrap().text,
                        _ => text += pick(&FILLERS, rng),
                    }
                    text += pick(&BETWEEN, rng);
                }
                if text.trim().is_empty() {
                    text.push('x');
                }
                Document { id: format!("d{n}"), lang, text }
            })
            .collect()
    }

    /// A term as texts write it.
    fn mention(&self, lang: &str, rng: &mut ChaCha8Rng) -> String {
        let own: Vec<&Term> = self.terms.iter().filter(|t| t.lang == lang).collect();
        let term = own.choose(rng).unwrap().text.clone();
        let full_width = |c: char| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).unwrap(),
            _ => c,
        };
        match rng.random_range(0..14) {
            0 => term.to_uppercase(),
            1 => term.to_lowercase(),
            2 => term.chars().map(full_width).collect(),
            3 => term.nfd().collect(),
            4 => term.nfc().collect(),
            5 => {
                let at = rng.random_range(0..term.chars().count());
                let invisible = pick(&['\u{ad}', '\u{200d}', '\u{200b}', '\u{fe0f}'], rng);
                term.chars()
                    .enumerate()
                    .flat_map(|(n, c)| [Some(c), (n == at).then_some(invisible)])
                    .flatten()
                    .collect()
            }
            6 => format!("{term}\u{301}"),
            7 => format!("{term}s"),
            8 => term.replace(' ', pick(&["\r\n", "  ", "\u{3000}", "\n\n"], rng)),
            _ => term,
        }
    }

    /// The examples of a corpus of the documents.
    pub fn build(&self, documents: &[Document], config: &AnchorConfig) -> Vec<Example> {
        let out = self.dir.path().join("corpus");
        self.build_into(&out, documents, &[], config);
        let examples = Corpus::open(&out).unwrap().examples().unwrap().collect::<Result<_, _>>().unwrap();
        std::fs::remove_dir_all(&out).unwrap();
        examples
    }

    pub fn build_into(&self, out: &Path, documents: &[Document], pairs: &[[&Document; 2]], config: &AnchorConfig) {
        let write = |name: String, rows: Vec<serde_json::Value>| {
            let path = self.dir.path().join(name);
            std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
            path
        };
        let texts = LANGUAGES.map(|lang| {
            let of_language = documents.iter().filter(|d| d.lang == lang);
            let rows = of_language.map(|d| serde_json::json!({"id": d.id, "text": d.text})).collect();
            let path = write(format!("{lang}.jsonl"), rows);
            Texts::from(TextSource { lang: Some(lang.to_owned()), ..TextSource::new(path) })
        });
        let row = |(n, [a, b]): (usize, &[&Document; 2])| serde_json::json!({"id": format!("p{n}"), a.lang: a.text, b.lang: b.text, "topic": format!("t{}", n / 4)});
        let passages: Vec<PassageSource> = pairs
            .first()
            .map(|[a, b]| PassageSource {
                langs: [a.lang.to_owned(), b.lang.to_owned()],
                max_documents: None,
                path: write("passages.jsonl".to_owned(), pairs.iter().enumerate().map(row).collect()),
            })
            .into_iter()
            .collect();
        kbioxlm_corpus::build(&self.kb, &texts, &passages, config, out, &|_, _| ()).unwrap();
    }
}
