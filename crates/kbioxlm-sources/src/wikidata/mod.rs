//! Wikidata, from its JSON dump.

mod claims;
mod entity;
mod names;
mod subset;
mod tables;

use crate::{FileError, Reason, Result, Sink};
use claims::Claims;
use entity::Entity;
use kbioxlm_files::{Lines, json_line_error};
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use subset::{Mentions, number};
use tables::IDENTIFIERS;

/// Entities of Wikidata from its JSON dump (`latest-all.json.gz`), one a line; brackets and commas around them are
/// passed over, so that lines cut out of a dump read as well. A line at a time is in memory.
///
/// Names are labels, aliases (flagged `from_alias`) and titles of Wikipedia articles; a title loses the parenthesis that tells it
/// from others (`Mercury (element)`) and is flagged `disambiguated`. Variants of a language are that language: `de-at` is `de`,
/// `en-gb` is `en` with the flag `uk_spelling`. The preferred name is the label; in Chinese the first there is of `zh-hans`,
/// `zh-cn`, `zh`, `zh-sg` and `zh-my`, while `zh-hant`, `zh-tw`, `zh-hk` and `zh-mo` (in this order) are names in `zh-Hant`.
/// Where Wikidata has no script for a name (labels in `zh`, titles), it counts as `zh`. A label for all languages (`mul`) is
/// English where no English one is given.
///
/// Ids in other vocabularies become links, unless the claim says that the match is not exact; claims about another entity
/// become facts for the properties that have a relation here. Deprecated claims, and those without a value, are left out.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wikidata {
    /// The file.
    pub path: PathBuf,
    /// Keep names in these languages (tags: `en`, `zh`, which includes `zh-Hant`); in all when empty.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Keep entities that bear one of these properties (`["P486"]`). If not given, ids of biomedical vocabularies: MeSH,
    /// UMLS, SNOMED CT, ICD, OMIM, Orphanet, MONDO, HPO, ChEBI, DrugBank, RxNorm, ATC, NCBI Gene, UniProt, GO, UBERON …
    #[serde(default)]
    pub properties: Option<Vec<String>>,
    /// Also keep entities that are an instance or a direct subclass of one of these (`["Q12136"]`); classes further up
    /// are not looked at, for that would need the whole dump in memory. People, articles and Wikipedia's own pages are never kept.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Take titles of Wikipedia articles as names.
    #[serde(default = "yes")]
    pub titles: bool,
    /// Read facts at all.
    #[serde(default = "yes")]
    pub facts: bool,
    /// Relations that become facts, by id: `["may_treat", "has_symptom"]`; all if not given.
    #[serde(default)]
    pub relations: Option<Vec<String>>,
    /// Vocabularies whose ids are links; `[]` for none. If not given, all but codes of classifications (ICD, ATC), which many
    /// entities share.
    #[serde(default)]
    pub links: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

impl Wikidata {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            languages: Vec::new(),
            properties: None,
            classes: Vec::new(),
            titles: true,
            facts: true,
            relations: None,
            links: None,
        }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        self.read_from(kbioxlm_files::open(&self.path)?, sink)
    }

    /// The reader proper.
    pub(crate) fn read_from(&self, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
        let subset = self.subset()?;
        let mut lines = Lines::new(&self.path, reader);
        let (mut bracket, mut ended, mut last) = (false, false, 0);
        while let Some((line, text)) = lines.next_line()? {
            let text = text.trim();
            last = line;
            match text {
                "" => continue,
                "[" if !bracket && !ended => {
                    bracket = true;
                    continue;
                }
                "]" if bracket && !ended => {
                    ended = true;
                    continue;
                }
                _ => {}
            }
            let text = text.strip_suffix(',').unwrap_or(text).trim_end();
            if ended || !text.starts_with('{') || !text.ends_with('}') {
                return Err(self.not_an_entity(line, text));
            }
            self.entity(line, text, &subset, sink)?;
        }
        if bracket && !ended {
            let (found, help) = ("the end of the file", "fetch the file again; it is cut off");
            return Err(FileError::content(&self.path, last, found, "a line `]` after the last entity", help));
        }
        Ok(())
    }

    fn entity(&self, line: usize, text: &str, subset: &Subset, sink: &mut dyn Sink) -> Result<()> {
        if !subset.properties.any_in(text) && !subset.classes.any_in(text) {
            sink.dropped(line, Reason::Subset, id_in(text));
            return Ok(());
        }
        let entity: Entity<'_> = serde_json::from_str(text)
            .map_err(|e| json_line_error(&self.path, line, &e, "an entity as Wikibase writes it"))?;
        let claims = Claims::new(self, line, &entity)?;
        let id = number(&entity.id.0, 'Q').filter(|_| entity.kind.0 == "item");
        let inside = claims.is_inside(&subset.properties, &subset.classes)?;
        let Some(id) = id.filter(|_| inside) else {
            sink.dropped(line, Reason::Subset, &entity.id.0);
            return Ok(());
        };
        let concept = format!("wd:Q{id}");
        names::tell(self, line, &concept, &entity, sink)?;
        claims.tell(&concept, sink)
    }

    fn subset(&self) -> Result<Subset> {
        let numbers = |ids: &[String], letter: char, what: &str, example: &str| {
            let number = |id: &String| {
                number(id, letter).ok_or_else(|| {
                    let (found, expected) =
                        (format!("`{id}` in the option `{what}`"), format!("ids such as `{example}`"));
                    FileError::content(&self.path, None, found, expected, "correct or remove it")
                })
            };
            ids.iter().map(number).collect::<Result<Vec<u64>>>()
        };
        let properties = match &self.properties {
            Some(ids) => numbers(ids, 'P', "properties", "P486")?,
            None => IDENTIFIERS.iter().filter(|i| i.selects).map(|i| u64::from(i.property)).collect(),
        };
        let classes = numbers(&self.classes, 'Q', "classes", "Q12136")?;
        Ok(Subset {
            properties: Mentions::new("\"P", properties.into_iter()),
            classes: Mentions::new("\"Q", classes.into_iter()),
        })
    }

    fn not_an_entity(&self, line: usize, text: &str) -> FileError {
        let start: String = text.chars().take(60).collect();
        FileError::content(
            &self.path,
            line,
            format!("`{start}`"),
            "one entity a line, from `{` to `}`, as in the JSON dumps of Wikidata",
            "fetch the file again, or bring it to one entity a line (`jq -c '.[]'`)",
        )
    }
}

/// What is kept of the dump.
struct Subset {
    properties: Mentions,
    classes: Mentions,
}

/// The id near the start of a line, for the report; empty where it stands elsewhere.
fn id_in(text: &str) -> &str {
    let head = text.get(..text.floor_char_boundary(80)).unwrap_or_default();
    let rest = head.split_once("\"id\":\"").map_or("", |(_, rest)| rest);
    rest.split_once('"').map_or("", |(id, _)| id)
}

/// The relations that properties become.
#[cfg(test)]
pub(crate) fn relations() -> impl Iterator<Item = &'static str> + Clone {
    tables::RELATIONS.iter().map(|(_, relation, _)| *relation)
}

/// For fuzzing.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    Wikidata { classes: vec!["Q12136".to_owned()], ..Wikidata::new(Path::new("fuzz.json")) }.read_from(bytes, sink)
}
