//! What must be known of an ontology before its terms can be told: names of relations and of kinds of synonyms, which
//! stand at either end of the file, and who descends from whom.

use super::Obo;
use super::lexer::{Clause, Clauses, id, plain, quoted, word};
use crate::curie::canonical;
use crate::relation::snake;
use crate::{FileError, Result};
use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::path::Path;

/// What a first pass over the file gives.
#[derive(Debug, Default)]
pub(super) struct Ontology {
    /// The `default-namespace`, else the `ontology`.
    pub namespace: String,
    /// Names of the relations, by id.
    typedefs: HashMap<String, String>,
    /// Relations that say the same in either direction, by id.
    symmetric: HashSet<String>,
    /// Names of the kinds of synonyms, by id.
    synonym_types: HashMap<String, String>,
    /// Descendants of the roots asked for; `None` where none were.
    inside: Option<HashSet<String>>,
}

impl Ontology {
    pub fn scan(options: &Obo, reader: impl BufRead) -> Result<Self> {
        let mut ontology = Self::default();
        let (mut default_namespace, mut name) = (String::new(), String::new());
        let mut graph = Graph::default();
        let mut stanza = String::new();
        let mut subject = String::new();
        let mut clauses = Clauses::new(&options.path, reader);
        while let Some((_, clause)) = clauses.next()? {
            let (tag, value) = match clause {
                Clause::Stanza(kind) => {
                    kind.clone_into(&mut stanza);
                    subject.clear();
                    continue;
                }
                Clause::Tag(tag, value) => (tag, value),
            };
            match (stanza.as_str(), tag) {
                ("", "default-namespace") => default_namespace = plain(value),
                ("", "ontology") => name = plain(value),
                ("", "synonymtypedef") => {
                    let (kind, rest) = word(value);
                    if let Some((label, _)) = quoted(rest) {
                        ontology.synonym_types.insert(kind.to_owned(), label);
                    }
                }
                ("Typedef", "id") => subject = id(value).0,
                ("Typedef", "name") if !subject.is_empty() => {
                    ontology.typedefs.insert(subject.clone(), plain(value));
                }
                ("Typedef", "is_symmetric") if plain(value) == "true" => {
                    ontology.symmetric.insert(subject.clone());
                }
                ("Term", "id") if !options.root.is_empty() => {
                    subject = canonical(&id(value).0).map(|id| id.into_owned()).unwrap_or_default();
                    graph.number(&subject);
                }
                ("Term", "is_a") if !options.root.is_empty() => {
                    if let Some(parent) = canonical(&id(value).0) {
                        graph.edge(&subject, &parent);
                    }
                }
                _ => {}
            }
        }
        ontology.namespace = if default_namespace.is_empty() { name } else { default_namespace };
        if !options.root.is_empty() {
            ontology.inside = Some(graph.descendants(&options.root, &options.path)?);
        }
        Ok(ontology)
    }

    /// Whether a term is among those asked for.
    pub fn contains(&self, term: &str) -> bool {
        self.inside.as_ref().is_none_or(|inside| inside.contains(term))
    }

    /// The id of a relation as facts have it: from the id where that speaks (`part_of`), else from the name (`RO:0002200`).
    pub fn relation(&self, id: &str) -> String {
        match id {
            "BFO:0000050" => return "part_of".to_owned(),
            "BFO:0000051" => return "has_part".to_owned(),
            _ => {}
        }
        let name = if id.contains(':') { self.typedefs.get(id).map_or(id, String::as_str) } else { id };
        snake(name)
    }

    pub fn is_symmetric(&self, relation: &str) -> bool {
        self.symmetric.contains(relation)
    }

    /// What a kind of synonym is called: the id, or the name where the id is a number (`HP:0045076`).
    pub fn synonym_type(&self, id: &str) -> String {
        let name = if id.contains(':') { self.synonym_types.get(id).map_or(id, String::as_str) } else { id };
        snake(name)
    }
}

/// Terms and who descends from whom, in numbers.
#[derive(Default)]
struct Graph {
    numbers: HashMap<String, usize>,
    children: Vec<Vec<usize>>,
}

impl Graph {
    fn number(&mut self, term: &str) -> usize {
        if let Some(&number) = self.numbers.get(term) {
            return number;
        }
        self.numbers.insert(term.to_owned(), self.children.len());
        self.children.push(Vec::new());
        self.children.len() - 1
    }

    fn edge(&mut self, child: &str, parent: &str) {
        let (child, parent) = (self.number(child), self.number(parent));
        if let Some(children) = self.children.get_mut(parent) {
            children.push(child);
        }
    }

    fn descendants(self, roots: &[String], path: &Path) -> Result<HashSet<String>> {
        let mut seen = vec![false; self.children.len()];
        let mut left = Vec::new();
        for root in roots {
            let id = canonical(root).unwrap_or_default();
            let Some(&number) = self.numbers.get(id.as_ref()) else {
                return Err(FileError::content(
                    path,
                    None,
                    format!("no term `{root}`"),
                    "a term that is in the file for `root`",
                    "correct `root`, or leave it out to take all terms",
                ));
            };
            left.push(number);
        }
        while let Some(parent) = left.pop() {
            for &child in self.children.get(parent).map_or(&[][..], Vec::as_slice) {
                if let Some(seen) = seen.get_mut(child)
                    && !std::mem::replace(seen, true)
                {
                    left.push(child);
                }
            }
        }
        let is_inside = |&(_, number): &(String, usize)| seen.get(number).copied().unwrap_or_default();
        Ok(self.numbers.into_iter().filter(is_inside).map(|(term, _)| term).collect())
    }
}
