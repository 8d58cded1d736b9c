//! Translations of ontologies as babelon tables, as the Human Phenotype Ontology publishes them.

mod rows;

use crate::curie::canonical;
use crate::lang::Language;
use crate::list::List;
use crate::text::tidy;
use crate::{FileError, Reason, Record, Result, Sink};
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// Translations of an ontology's names (`hp-zh.babelon.tsv`). Columns are found by name; those of translators, dates and versions
/// are passed over, as are translated definitions. Read the ontology itself as a source of its own.
///
/// A translation that nobody has approved yet (status `CANDIDATE`, `UNDER_REVIEW` or none) is flagged `candidate`, one of a
/// synonym that is not exact, or of a precision that is not, `broad`, `narrow` or `related`. One that nobody has approved and
/// that repeats the English name is also flagged `untranslated`.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Babelon {
    /// The file.
    pub path: PathBuf,
    /// Keep translations into these languages (tags: `fr`, `zh`); into all when empty.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Keep translations of these statuses: `official`, `under_review`, `candidate` (also those without any); all three if not given.
    #[serde(default = "all_statuses")]
    pub statuses: Vec<Status>,
}

/// How far a translation has come.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted by those who are responsible for the language.
    Official,
    /// Proposed by them, and not accepted yet.
    UnderReview,
    /// Proposed by a program or by anybody.
    Candidate,
}

fn all_statuses() -> Vec<Status> {
    vec![Status::Official, Status::UnderReview, Status::Candidate]
}

impl Status {
    /// What the column says; `None` for what is no translation (`NOT_TRANSLATED`).
    fn of(cell: &str) -> Option<Self> {
        let is = |status: &str| cell.eq_ignore_ascii_case(status);
        match cell {
            _ if is("OFFICIAL") => Some(Self::Official),
            _ if is("UNDER_REVIEW") => Some(Self::UnderReview),
            _ if is("CANDIDATE") || cell.is_empty() => Some(Self::Candidate),
            _ => None,
        }
    }
}

/// Columns that must be there, then those that may.
const REQUIRED: [&str; 4] = ["subject_id", "predicate_id", "translation_language", "translation_value"];
const OPTIONAL: [&str; 4] = ["translation_status", "translation_precision", "source_language", "source_value"];

/// What kind of name a predicate stands for.
#[derive(Copy, Clone)]
enum Predicate {
    Label,
    Synonym(Option<&'static str>),
}

impl Predicate {
    /// `None` for definitions, comments and all else that is no name.
    fn of(id: &str) -> Option<Self> {
        match id.rsplit([':', '#', '/']).next().unwrap_or_default() {
            "label" | "prefLabel" => Some(Self::Label),
            "hasExactSynonym" | "exactSynonym" | "altLabel" | "0000118" | "IAO_0000118" => Some(Self::Synonym(None)),
            "hasBroadSynonym" | "broadSynonym" => Some(Self::Synonym(Some("broad"))),
            "hasNarrowSynonym" | "narrowSynonym" => Some(Self::Synonym(Some("narrow"))),
            "hasRelatedSynonym" | "relatedSynonym" => Some(Self::Synonym(Some("related"))),
            _ => None,
        }
    }
}

impl Babelon {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), languages: Vec::new(), statuses: all_statuses() }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        self.read_from(kbioxlm_files::open(&self.path)?, sink)
    }

    /// The reader proper.
    pub(crate) fn read_from(&self, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
        let mut rows = Rows::new(&self.path, reader, &REQUIRED, &OPTIONAL)?;
        while let Some((line, cells)) = rows.next_row()? {
            self.row(line, cells, sink)?;
        }
        Ok(())
    }

    fn row(&self, line: usize, cells: [&str; 8], sink: &mut dyn Sink) -> Result<()> {
        let [subject, predicate, lang, text, status, precision, source_lang, source] = cells;
        let Some(predicate) = Predicate::of(predicate) else { return Ok(()) };
        let Some(concept) = canonical(subject) else {
            let reason = if subject.is_empty() { Reason::Empty } else { Reason::Vocabulary };
            sink.dropped(line, reason, subject);
            return Ok(());
        };
        if !Language::is_tag(lang) {
            let found = format!("`{lang}` for a language");
            let help = "correct the column `translation_language`";
            return Err(FileError::content(&self.path, line, found, "a language tag such as `en` or `zh`", help));
        }
        let lang = Language::of(lang);
        let text = tidy(text);
        if !lang.is_among(&self.languages) {
            sink.dropped(line, Reason::Language, &text);
            return Ok(());
        }
        let Some(status) = Status::of(status).filter(|status| self.statuses.contains(status)) else {
            sink.dropped(line, Reason::Status, if text.is_empty() { &concept } else { &text });
            return Ok(());
        };
        if text.is_empty() {
            sink.dropped(line, Reason::Empty, &concept);
            return Ok(());
        }
        let scope = match predicate {
            Predicate::Synonym(scope) => scope,
            Predicate::Label => None,
        };
        let of_precision = match precision.to_ascii_lowercase().as_str() {
            "broader" => Some("broad"),
            "narrower" => Some("narrow"),
            "close" => Some("related"),
            _ => None,
        };
        let is_open = status != Status::Official;
        let repeats = Language::of(source_lang).tag == "en" && lang.tag != "en" && tidy(source) == text;
        let flags = List::of([
            is_open.then_some("candidate"),
            scope,
            of_precision.filter(|flag| Some(*flag) != scope),
            (is_open && repeats).then_some("untranslated"),
            lang.british.then_some("uk_spelling"),
        ]);
        let preferred = matches!(predicate, Predicate::Label);
        let (concept, lang) = (concept.as_ref(), lang.tag.as_ref());
        sink.record(line, Record::Term { concept, lang, text: &text, preferred, flags: flags.as_slice() })
    }
}

/// For fuzzing.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    Babelon::new(Path::new("fuzz.tsv")).read_from(bytes, sink)
}
