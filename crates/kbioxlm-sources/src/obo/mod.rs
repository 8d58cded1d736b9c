//! OBO flat files (1.2 and 1.4) as the Human Phenotype Ontology, MONDO, the Disease Ontology and ChEBI publish them.

mod lexer;
mod ontology;
mod term;

use crate::{Record, Result, Sink};
use lexer::{Clause, Clauses, id, plain};
use ontology::Ontology;
use serde::{Deserialize, Serialize};
use std::io::BufRead;
use std::path::PathBuf;
use term::{Relations, Term};

/// An ontology as an OBO flat file (`hp.obo`, `mondo.obo`, `doid.obo`, `chebi.obo`).
///
/// Obsolete terms are left out; the id that replaces one, and other ids of a term, become links. The file is read
/// twice, because relations are named at its end; in memory are only the names of relations, and with `root` the ids.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obo {
    /// The file.
    pub path: PathBuf,
    /// Language of its names; `en` if not given.
    #[serde(default = "english")]
    pub lang: String,
    /// Semantic type of all its terms. If not given, it is the term's namespace, else that of the file, else the ontology's name.
    #[serde(default)]
    pub semantic_type: Option<String>,
    /// Only terms below these: `["HP:0000118"]` takes the phenotypic abnormalities and leaves out modes of inheritance
    /// and the like. The named terms themselves are not taken. Empty: all terms.
    #[serde(default)]
    pub root: Vec<String>,
    /// Only terms of these vocabularies: `["MONDO"]` leaves out terms that the file imports from others. Empty: all.
    #[serde(default)]
    pub vocabularies: Vec<String>,
    /// Synonyms of these scopes are taken: `exact` ones are true names; `broad`, `narrow` and `related` ones get a flag of that name.
    /// All if not given.
    #[serde(default = "all_scopes")]
    pub synonyms: Vec<Scope>,
    /// Relations that become facts, by id: `["is_a", "part_of"]`; `[]` for none, all if not given.
    #[serde(default)]
    pub relations: Option<Vec<String>>,
    /// Vocabularies whose ids, given as cross-references, are links; `[]` for none. If not given, all but codes of
    /// classifications (ICD, ATC), which many terms share.
    #[serde(default)]
    pub links: Option<Vec<String>>,
}

/// How a synonym relates to the term.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Names the same.
    Exact,
    /// Names something wider.
    Broad,
    /// Names something narrower.
    Narrow,
    /// Names something near.
    Related,
}

impl Obo {
    /// The file with all options at their defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            lang: english(),
            semantic_type: None,
            root: Vec::new(),
            vocabularies: Vec::new(),
            synonyms: all_scopes(),
            relations: None,
            links: None,
        }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        self.read_twice(|| kbioxlm_files::open(&self.path), sink)
    }

    /// Reads what `open` gives, which must be the same both times.
    pub(crate) fn read_twice<R: BufRead>(&self, open: impl Fn() -> Result<R>, sink: &mut dyn Sink) -> Result<()> {
        let ontology = Ontology::scan(self, open()?)?;
        let relations = Relations::new(self, &ontology);
        let mut term = Term::default();
        let mut typedef = String::new();
        let mut stanza = String::new();
        let mut clauses = Clauses::new(&self.path, open()?);
        while let Some((line, clause)) = clauses.next()? {
            let (tag, value) = match clause {
                Clause::Stanza(kind) => {
                    term.tell(self, &ontology, &relations, sink)?;
                    term.clear(line);
                    typedef.clear();
                    kind.clone_into(&mut stanza);
                    continue;
                }
                Clause::Tag(tag, value) => (tag, value),
            };
            match (stanza.as_str(), tag) {
                ("Term", _) => term.add(self, line, tag, value)?,
                ("Typedef", "id") => typedef = id(value).0,
                ("Typedef", "name") => {
                    if let Some(relation) = relations.labelled(&typedef) {
                        let label = plain(&value.replace('_', " "));
                        if !label.is_empty() {
                            sink.record(line, Record::Label { relation: &relation, lang: &self.lang, label: &label })?;
                        }
                    }
                }
                _ => {}
            }
        }
        term.tell(self, &ontology, &relations, sink)
    }
}

#[cfg(test)]
pub(crate) use term::known as relations;

fn english() -> String {
    "en".to_owned()
}

fn all_scopes() -> Vec<Scope> {
    vec![Scope::Exact, Scope::Broad, Scope::Narrow, Scope::Related]
}
