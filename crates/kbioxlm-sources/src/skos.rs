//! Vocabularies in SKOS, as N-Triples: one statement a line, in any order.

use crate::curie::canonical;
use crate::lang::Language;
use crate::list::List;
use crate::text::tidy;
use crate::{FileError, LinkReason, Reason, Record, Result, Sink};
use kbioxlm_files::Lines;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// A SKOS vocabulary in N-Triples (`.nt`; N-Quads too). Read are `prefLabel`, `altLabel` and `hiddenLabel` (flagged
/// `variant_or_misspelling`), `exactMatch`, and `broader` and `narrower`, which both become facts with the relation `broader`;
/// their kinds in ISO 25964 become `is_a` and `part_of`.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skos {
    /// The file.
    pub path: PathBuf,
    /// Keep labels in these languages (tags: `en`, `zh`, which includes `zh-Hant`); in all when empty.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Language of labels that do not say theirs; without it, they are left out.
    #[serde(default)]
    pub untagged: Option<String>,
    /// Prefixes of ids and the addresses that they stand for (`EUROVOC = "http://eurovoc.europa.eu/"`), in addition to
    /// those known. Ids with an address that has none stay as they are.
    #[serde(default)]
    pub prefixes: BTreeMap<String, String>,
}

const CORE: &str = "http://www.w3.org/2004/02/skos/core#";
const THESAURUS: &str = "http://purl.org/iso25964/skos-thes#";

/// Addresses of vocabularies that only SKOS has, and the prefixes of their ids; for others see [`curie`](crate::curie).
const PREFIXES: [(&str, &str); 5] = [
    ("http://aims.fao.org/aos/agrovoc/", "AGROVOC"),
    ("http://eurovoc.europa.eu/", "EUROVOC"),
    ("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl#", "NCIT"),
    ("http://purl.bioontology.org/ontology/UATC/", "ATC"),
    ("http://www.eionet.europa.eu/gemet/concept/", "GEMET"),
];

impl Skos {
    /// With the default of every option.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), languages: Vec::new(), untagged: None, prefixes: BTreeMap::new() }
    }

    pub(crate) fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        self.read_from(kbioxlm_files::open(&self.path)?, sink)
    }

    /// The reader proper.
    pub(crate) fn read_from(&self, reader: impl BufRead, sink: &mut dyn Sink) -> Result<()> {
        let mut lines = Lines::new(&self.path, reader);
        let mut begun = false;
        while let Some((line, text)) = lines.next_line()? {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if !begun {
                begun = true;
                self.check_format(line, text)?;
            }
            let Some(triple) = triple(text) else {
                let found = format!("`{}`", text.chars().take(60).collect::<String>());
                let expected = "a statement of N-Triples: <subject> <predicate> <object or \"text\"@language> .";
                return Err(FileError::content(&self.path, line, found, expected, CONVERT));
            };
            self.statement(line, &triple, sink)?;
        }
        Ok(())
    }

    fn check_format(&self, line: usize, text: &str) -> Result<()> {
        let lower: String = text.chars().take(20).collect::<String>().to_ascii_lowercase();
        let format = if lower.starts_with("<?xml") || lower.starts_with("<rdf:") || lower.starts_with("<!doctype") {
            "RDF/XML"
        } else if ["@prefix", "@base", "prefix ", "base "].iter().any(|start| lower.starts_with(start)) {
            "Turtle"
        } else if lower.starts_with('{') || lower.starts_with('[') {
            "JSON"
        } else {
            return Ok(());
        };
        Err(FileError::content(&self.path, line, format, "SKOS as N-Triples", CONVERT))
    }

    fn statement(&self, line: usize, triple: &Triple<'_>, sink: &mut dyn Sink) -> Result<()> {
        let core = triple.predicate.strip_prefix(CORE);
        let (subject, object) = (&triple.subject, &triple.object);
        // The name of a node without an address means nothing outside this file.
        if is_blank(subject) || matches!(object, Object::Node(other) if is_blank(other)) {
            return Ok(());
        }
        match (core, object) {
            (Some(kind @ ("prefLabel" | "altLabel" | "hiddenLabel")), Object::Text { text, lang }) => {
                let text = tidy(text);
                let lang = lang.or(self.untagged.as_deref()).map(Language::of);
                let Some(lang) = lang.filter(|lang| lang.is_among(&self.languages)) else {
                    sink.dropped(line, Reason::Language, &text);
                    return Ok(());
                };
                if text.is_empty() {
                    sink.dropped(line, Reason::Empty, &self.id(subject));
                    return Ok(());
                }
                let hidden = (kind == "hiddenLabel").then_some("variant_or_misspelling");
                let flags = List::of([hidden, lang.british.then_some("uk_spelling")]);
                let (preferred, flags) = (kind == "prefLabel", flags.as_slice());
                let record =
                    Record::Term { concept: &self.id(subject), lang: &lang.tag, text: &text, preferred, flags };
                sink.record(line, record)
            }
            (Some("exactMatch"), Object::Node(other)) => {
                let (a, b) = (self.id(subject), self.id(other));
                sink.record(line, Record::Link { a: &a, b: &b, reason: LinkReason::Xref })
            }
            (_, Object::Node(other)) => {
                let of_thesaurus = triple.predicate.strip_prefix(THESAURUS);
                let (head, relation, tail) = match (core, of_thesaurus) {
                    (Some("broader"), _) => (subject, "broader", other),
                    (Some("narrower"), _) => (other, "broader", subject),
                    (_, Some("broaderGeneric" | "broaderInstantial")) => (subject, "is_a", other),
                    (_, Some("narrowerGeneric" | "narrowerInstantial")) => (other, "is_a", subject),
                    (_, Some("broaderPartitive")) => (subject, "part_of", other),
                    (_, Some("narrowerPartitive")) => (other, "part_of", subject),
                    // Other statements are no concern of a knowledge base, and most of the file.
                    _ => return Ok(()),
                };
                sink.record(line, Record::Fact { head: &self.id(head), relation, tail: &self.id(tail) })
            }
            _ => Ok(()),
        }
    }

    /// The id for an address: with a prefix where one is known.
    fn id<'a>(&self, iri: &'a str) -> Cow<'a, str> {
        let local_of = |prefix: &str, local: &str| {
            let well_formed = !local.is_empty() && !local.contains(['/', '#', '?']);
            well_formed.then(|| Cow::Owned(format!("{prefix}:{local}")))
        };
        let mut own =
            self.prefixes.iter().filter_map(|(prefix, base)| Some((prefix.as_str(), iri.strip_prefix(base.as_str())?)));
        let mut known = PREFIXES.iter().filter_map(|(base, prefix)| Some((*prefix, iri.strip_prefix(base)?)));
        let id = own.find_map(|(prefix, local)| local_of(prefix, local)).or_else(|| canonical(iri));
        id.or_else(|| known.find_map(|(prefix, local)| local_of(prefix, local))).unwrap_or(Cow::Borrowed(iri))
    }
}

const CONVERT: &str = "convert the file, for example with `riot --output=ntriples FILE > FILE.nt` (Apache Jena) or \
    `rapper -i guess -o ntriples FILE > FILE.nt` (Raptor)";

/// A statement.
struct Triple<'a> {
    subject: Cow<'a, str>,
    predicate: Cow<'a, str>,
    object: Object<'a>,
}

enum Object<'a> {
    /// An address or a node without one.
    Node(Cow<'a, str>),
    Text {
        text: Cow<'a, str>,
        lang: Option<&'a str>,
    },
}

fn is_blank(node: &str) -> bool {
    node.starts_with("_:")
}

fn triple(line: &str) -> Option<Triple<'_>> {
    let (subject, rest) = node(line)?;
    let (predicate, rest) = node(rest.trim_start())?;
    let (object, rest) = object(rest.trim_start())?;
    let mut rest = rest.trim_start();
    // A fourth part, as in N-Quads, names the graph.
    if rest.starts_with(['<', '_']) {
        rest = node(rest)?.1.trim_start();
    }
    let end = rest.strip_prefix('.')?.trim_start();
    (end.is_empty() || end.starts_with('#')).then_some(Triple { subject, predicate, object })
}

/// An address in angle brackets or a node `_:name`, and what follows.
fn node(text: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(rest) = text.strip_prefix('<') {
        let (iri, rest) = rest.split_once('>')?;
        let iri = unescape(iri)?;
        let clean = !iri.is_empty() && !iri.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<');
        return clean.then_some((iri, rest));
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '<' || c == '"').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    // The dot that ends the statement may stand right after the name.
    let bare = name.trim_end_matches('.');
    let rest = text.get(bare.len()..).filter(|_| bare.len() < name.len()).unwrap_or(rest);
    (bare.len() > 2 && bare.starts_with("_:")).then_some((Cow::Borrowed(bare), rest))
}

fn object(text: &str) -> Option<(Object<'_>, &str)> {
    let Some(literal) = text.strip_prefix('"') else {
        return node(text).map(|(node, rest)| (Object::Node(node), rest));
    };
    let mut escaped = false;
    let end = literal.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })?;
    let content = unescape(literal.get(..end)?)?;
    let rest = literal.get(end + 1..)?;
    if let Some(datatype) = rest.strip_prefix("^^") {
        return node(datatype).map(|(_, rest)| (Object::Text { text: content, lang: None }, rest));
    }
    let Some(tagged) = rest.strip_prefix('@') else { return Some((Object::Text { text: content, lang: None }, rest)) };
    let end = tagged.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(tagged.len());
    let (lang, rest) = tagged.split_at_checked(end)?;
    Language::is_tag(lang).then_some((Object::Text { text: content, lang: Some(lang) }, rest))
}

/// Resolves `\n`, `\"`, `\u00e9` and the like; `None` for what is no escape.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let kind = after.chars().next()?;
        rest = after.get(kind.len_utf8()..)?;
        plain.push(match kind {
            't' => '\t',
            'b' => '\u{8}',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            '"' | '\'' | '\\' => kind,
            'u' | 'U' => {
                let (digits, after) = rest.split_at_checked(if kind == 'u' { 4 } else { 8 })?;
                rest = after;
                // `from_str_radix` alone would take a sign.
                let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
                char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)?)?
            }
            _ => return None,
        });
    }
    plain.push_str(rest);
    Some(Cow::Owned(plain))
}

/// For fuzzing.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    Skos::new(Path::new("fuzz.nt")).read_from(bytes, sink)
}
