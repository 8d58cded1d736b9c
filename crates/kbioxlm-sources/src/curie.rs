//! One spelling for the id of a concept, so that sources that write the same id differently meet.
//!
//! Ids are `VOCABULARY:local`. `MSH:D006973`, `MeSH:D006973` and `http://id.nlm.nih.gov/mesh/D006973` all become
//! `MESH:D006973`. The table [`VOCABULARIES`] holds the vocabularies whose spelling varies; ids of others stay as they are.

use std::borrow::Cow;

/// A vocabulary whose ids are written in several ways.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Vocabulary {
    /// As it stands before the colon.
    pub name: &'static str,
    /// Other prefixes in use, in lower case and without `_`, `-`, `.` and blanks: `icd10` is also `ICD-10`.
    pub aliases: &'static [&'static str],
    /// How its local ids look.
    pub form: Form,
    /// Whether an id names one concept. A code of a classification (`ICD10CM:E88.8`) may be given to many; concepts
    /// that share one are not the same.
    pub identifies: bool,
}

/// How local ids look. What looks otherwise is no id of the vocabulary.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Form {
    /// Anything without white space.
    Any,
    /// Anything without white space, in capitals.
    Capitals,
    /// Digits.
    Digits,
    /// Digits, filled up with zeros on the left to this length.
    Padded(usize),
    /// One of these letters, then at least so many digits.
    Letter(&'static str, usize),
    /// This text, then digits; it is put before digits that stand alone.
    Prefixed(&'static str),
}

const fn vocabulary(name: &'static str, aliases: &'static [&'static str], form: Form) -> Vocabulary {
    Vocabulary { name, aliases, form, identifies: true }
}

const fn classification(name: &'static str, aliases: &'static [&'static str], form: Form) -> Vocabulary {
    Vocabulary { name, aliases, form, identifies: false }
}

/// The vocabularies whose ids are brought to one spelling.
pub const VOCABULARIES: &[Vocabulary] = &[
    vocabulary("UMLS", &["umls", "umlscui", "cui"], Form::Letter("C", 7)),
    vocabulary("MESH", &["mesh", "msh", "meshdescriptor"], Form::Letter("CDMQ", 5)),
    vocabulary("HP", &["hp", "hpo"], Form::Padded(7)),
    vocabulary("MONDO", &["mondo"], Form::Padded(7)),
    vocabulary("DOID", &["doid", "do"], Form::Digits),
    vocabulary("CHEBI", &["chebi"], Form::Digits),
    vocabulary("OMIM", &["omim", "mim"], Form::Digits),
    vocabulary("OMIMPS", &["omimps", "mimps", "phenotypicseries"], Form::Digits),
    vocabulary("ORPHA", &["orpha", "orphanet", "orphanetordo", "ordo", "orphacode"], Form::Digits),
    vocabulary(
        "SNOMED",
        &["snomed", "snomedct", "snomedctus", "snomedctcore", "snomedctinternational", "sctid", "sct"],
        Form::Digits,
    ),
    vocabulary("NCIT", &["ncit", "nci", "ncithesaurus", "ncithesauruscode"], Form::Letter("C", 2)),
    vocabulary("MEDDRA", &["meddra", "mdr"], Form::Digits),
    vocabulary("MEDGEN", &["medgen"], Form::Any),
    vocabulary("GARD", &["gard"], Form::Padded(7)),
    vocabulary("EFO", &["efo"], Form::Digits),
    vocabulary("DRUGBANK", &["drugbank"], Form::Prefixed("DB")),
    vocabulary("DRUGCENTRAL", &["drugcentral"], Form::Digits),
    vocabulary("RXNORM", &["rxnorm", "rxcui", "rxnormrxcui"], Form::Digits),
    vocabulary("NDFRT", &["ndfrt"], Form::Letter("N", 10)),
    vocabulary("UNII", &["unii", "fdasrs", "fdaunii"], Form::Capitals),
    vocabulary("CAS", &["cas", "casrn", "casregistrynumber"], Form::Any),
    vocabulary("CHEMBL", &["chembl", "chemblcompound"], Form::Prefixed("CHEMBL")),
    vocabulary("PUBCHEM", &["pubchem", "pubchemcompound", "pubchemcid"], Form::Digits),
    vocabulary("KEGG", &["kegg", "keggcompound", "keggdrug", "keggglycan", "keggdisease"], Form::Letter("CDGHR", 5)),
    vocabulary("HMDB", &["hmdb"], Form::Prefixed("HMDB")),
    vocabulary("LIPIDMAPS", &["lipidmaps", "lipidmapsinstance", "lipidmapsclass"], Form::Any),
    vocabulary("NCBIGENE", &["ncbigene", "ncbigeneid", "entrez", "entrezgene", "geneid"], Form::Digits),
    vocabulary("HGNC", &["hgnc"], Form::Digits),
    vocabulary("UNIPROT", &["uniprot", "uniprotkb", "uniprotkbswissprot", "swissprot"], Form::Capitals),
    vocabulary("NCBITAXON", &["ncbitaxon", "ncbitaxonomy", "taxonomy", "taxid"], Form::Digits),
    vocabulary("GO", &["go"], Form::Padded(7)),
    vocabulary("UBERON", &["uberon"], Form::Padded(7)),
    vocabulary("CL", &["cl"], Form::Padded(7)),
    vocabulary("FMA", &["fma", "fmaid"], Form::Digits),
    vocabulary("TA98", &["ta98"], Form::Capitals),
    vocabulary("ICD11F", &["icd11f", "icd11foundation"], Form::Digits),
    vocabulary("wd", &["wd", "wikidata", "wikidataentity"], Form::Letter("Q", 1)),
    classification("ICD9", &["icd9"], Form::Capitals),
    classification("ICD9CM", &["icd9cm"], Form::Capitals),
    classification("ICD10", &["icd10", "icd10who"], Form::Capitals),
    classification("ICD10CM", &["icd10cm"], Form::Capitals),
    classification("ICD11", &["icd11", "icd11mms"], Form::Capitals),
    classification("ICDO", &["icdo", "icdo3"], Form::Capitals),
    classification("ATC", &["atc", "atccode", "whoatc"], Form::Capitals),
    classification("LOINC", &["loinc", "lnc"], Form::Capitals),
];

/// Prefixes of what is no concept: articles, books, people, pages, and the terms that ontologies are written in.
const NO_CONCEPT: &[&str] = &[
    "agricola",
    "book",
    "citexplore",
    "dc",
    "dcterms",
    "doi",
    "email",
    "file",
    "foaf",
    "ftp",
    "github",
    "goc",
    "http",
    "https",
    "image",
    "isbn",
    "isbn10",
    "isbn13",
    "issn",
    "mailto",
    "medline",
    "mondorule",
    "oboinowl",
    "oio",
    "orcid",
    "owl",
    "patent",
    "person",
    "pmc",
    "pmcid",
    "pmid",
    "pubmed",
    "rdf",
    "rdfs",
    "reference",
    "skos",
    "submitter",
    "url",
    "wikipedia",
    "wikipediaen",
    "wiktionary",
    "xsd",
];

/// How the id follows the start of an address.
#[derive(Copy, Clone)]
enum Rest {
    /// `HP_0000822`
    Underscore,
    /// `mesh/D006973` or `mesh:D006973`
    Named,
    /// `D006973` of this vocabulary, perhaps after a folder
    Of(&'static str),
}

/// Web addresses that stand for ids, without scheme and `www.`.
const ADDRESSES: &[(&str, Rest)] = &[
    ("purl.obolibrary.org/obo/", Rest::Underscore),
    ("orpha.net/ORDO/", Rest::Underscore),
    ("ebi.ac.uk/efo/", Rest::Underscore),
    ("identifiers.org/", Rest::Named),
    ("bioregistry.io/", Rest::Named),
    ("purl.bioontology.org/ontology/", Rest::Named),
    ("id.nlm.nih.gov/mesh/", Rest::Of("MESH")),
    ("wikidata.org/entity/", Rest::Of("wd")),
    ("wikidata.org/wiki/", Rest::Of("wd")),
    ("snomed.info/id/", Rest::Of("SNOMED")),
    ("omim.org/entry/", Rest::Of("OMIM")),
    ("omim.org/phenotypicSeries/", Rest::Of("OMIMPS")),
    ("linkedlifedata.com/resource/umls/id/", Rest::Of("UMLS")),
    ("id.who.int/icd/entity/", Rest::Of("ICD11F")),
    ("ncbi.nlm.nih.gov/gene/", Rest::Of("NCBIGENE")),
    ("go.drugbank.com/drugs/", Rest::Of("DRUGBANK")),
    ("drugbank.ca/drugs/", Rest::Of("DRUGBANK")),
];

/// The one spelling of an id; `None` for what names no concept: web pages, articles, people, and what does not look
/// like an id of its vocabulary.
///
/// ```
/// use kbioxlm_sources::curie::canonical;
/// assert_eq!(canonical("MSH:D006973").as_deref(), Some("MESH:D006973"));
/// assert_eq!(canonical("http://purl.obolibrary.org/obo/HP_0000822").as_deref(), Some("HP:0000822"));
/// assert_eq!(canonical("PMID:12345"), None);
/// ```
pub fn canonical(id: &str) -> Option<Cow<'_, str>> {
    let id = id.trim();
    if let Some(address) = id.strip_prefix("https://").or_else(|| id.strip_prefix("http://")) {
        return of_address(address).map(Cow::Owned);
    }
    let (prefix, local) = id.split_once(':')?;
    match find(prefix) {
        Found::Vocabulary(vocabulary) => {
            let (name, local) = local_id(vocabulary, local)?;
            let same = id.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')) == Some(local.as_ref());
            Some(if same { Cow::Borrowed(id) } else { Cow::Owned(format!("{name}:{local}")) })
        }
        Found::NoConcept => None,
        Found::Unknown => (is_prefix(prefix) && is_local(local)).then_some(Cow::Borrowed(id)),
    }
}

/// The id that a vocabulary's name and a local id make: `of("DRUGBANK", "00945")` is `DRUGBANK:DB00945`.
pub fn of(vocabulary: &str, local: &str) -> Option<String> {
    match find(vocabulary) {
        Found::Vocabulary(vocabulary) => {
            let (name, local) = local_id(vocabulary, local.trim())?;
            Some(format!("{name}:{local}"))
        }
        Found::NoConcept => None,
        Found::Unknown => (is_prefix(vocabulary) && is_local(local)).then(|| format!("{vocabulary}:{local}")),
    }
}

/// The vocabulary of an id: what stands before the colon.
pub fn vocabulary_of(id: &str) -> &str {
    id.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// The name of a vocabulary in one spelling: `snomedct_us` is `SNOMED`. Unknown ones stay as they are.
pub fn vocabulary_name(name: &str) -> &str {
    match find(name) {
        Found::Vocabulary(vocabulary) => vocabulary.name,
        Found::NoConcept | Found::Unknown => name,
    }
}

/// Whether concepts that give this id (in its one spelling) as theirs are the same: not so for codes of classifications.
pub fn identifies(id: &str) -> bool {
    let name = vocabulary_of(id);
    VOCABULARIES.iter().find(|v| v.name == name).is_none_or(|v| v.identifies)
}

enum Found {
    Vocabulary(&'static Vocabulary),
    NoConcept,
    Unknown,
}

fn find(prefix: &str) -> Found {
    match look_up(prefix) {
        // `SNOMEDCT_US_2023_03_01`: the Disease Ontology says which release.
        Found::Unknown => look_up(prefix.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')),
        found => found,
    }
}

fn look_up(prefix: &str) -> Found {
    const LONGEST: usize = 32;
    let mut key = [0; LONGEST];
    let mut len = 0;
    for byte in prefix.bytes().filter(|b| !matches!(b, b'_' | b'-' | b'.' | b' ')) {
        let Some(place) = key.get_mut(len) else { return Found::Unknown };
        *place = byte.to_ascii_lowercase();
        len += 1;
    }
    let Some(Ok(key)) = key.get(..len).map(std::str::from_utf8) else { return Found::Unknown };
    if let Some(vocabulary) = VOCABULARIES.iter().find(|v| v.aliases.contains(&key)) {
        return Found::Vocabulary(vocabulary);
    }
    if NO_CONCEPT.contains(&key) { Found::NoConcept } else { Found::Unknown }
}

/// Checks and spells a local id; gives it with the name of its vocabulary.
fn local_id<'i>(vocabulary: &Vocabulary, local: &'i str) -> Option<(&'static str, Cow<'i, str>)> {
    let mut local = local.trim();
    // The prefix once more, as in `DOID:DOID:14330` and `ORPHA:Orphanet_558`.
    if let Some((again, rest)) = local.split_once([':', '_'])
        && matches!(look_up(again), Found::Vocabulary(same) if same.name == vocabulary.name)
    {
        local = rest;
    }
    // A series of phenotypes is written as an entry of OMIM, or of its own.
    if matches!(vocabulary.name, "OMIM" | "OMIMPS")
        && let Some(series) = local.strip_prefix("PS")
    {
        return Form::Digits.spell(series).map(|local| ("OMIMPS", local));
    }
    vocabulary.form.spell(local).map(|local| (vocabulary.name, local))
}

impl Form {
    fn spell(self, local: &str) -> Option<Cow<'_, str>> {
        let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
        if !is_local(local) {
            return None;
        }
        match self {
            Self::Any => Some(Cow::Borrowed(local)),
            Self::Capitals if local.bytes().any(|b| b.is_ascii_lowercase()) => {
                Some(Cow::Owned(local.to_ascii_uppercase()))
            }
            Self::Capitals => Some(Cow::Borrowed(local)),
            Self::Digits => digits(local, 1).then_some(Cow::Borrowed(local)),
            Self::Padded(_) if !digits(local, 1) => None,
            Self::Padded(len) if local.len() < len => Some(Cow::Owned(format!("{local:0>len$}"))),
            Self::Padded(_) => Some(Cow::Borrowed(local)),
            Self::Letter(letters, least) => {
                let (first, rest) = (local.get(..1)?, local.get(1..)?);
                if !digits(rest, least) {
                    return None;
                }
                if letters.contains(first) {
                    return Some(Cow::Borrowed(local));
                }
                letters.contains(&first.to_ascii_uppercase()).then(|| Cow::Owned(local.to_ascii_uppercase()))
            }
            Self::Prefixed(prefix) => {
                if local.strip_prefix(prefix).is_some_and(|rest| digits(rest, 1)) {
                    return Some(Cow::Borrowed(local));
                }
                digits(local, 1).then(|| Cow::Owned(format!("{prefix}{local}")))
            }
        }
    }
}

fn of_address(address: &str) -> Option<String> {
    let address = address.strip_prefix("www.").unwrap_or(address);
    let (rest, shape) =
        ADDRESSES.iter().find_map(|(start, shape)| address.strip_prefix(start).map(|rest| (rest, shape)))?;
    let rest = rest.split(['?', '#']).next()?.trim_end_matches('/');
    match shape {
        Rest::Underscore => rest.split_once('_').and_then(|(prefix, local)| of(prefix, local)),
        Rest::Named => rest.split_once(['/', ':']).and_then(|(prefix, local)| of(prefix, local)),
        Rest::Of(vocabulary) => of(vocabulary, rest.rsplit('/').next()?),
    }
}

fn is_prefix(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

fn is_local(text: &str) -> bool {
    const LONGEST: usize = 128;
    !text.is_empty() && text.len() <= LONGEST && !text.starts_with('/') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (id, expected) in [
            ("MSH:D006973", "MESH:D006973"),
            ("MeSH:D006973", "MESH:D006973"),
            ("MESH:D006973", "MESH:D006973"),
            ("UMLS_CUI:C0020538", "UMLS:C0020538"),
            ("umls:c0020538", "UMLS:C0020538"),
            ("SNOMEDCT_US_2023_03_01:38341003", "SNOMED:38341003"),
            ("SNOMEDCT_US:38341003", "SNOMED:38341003"),
            ("SCTID:38341003", "SNOMED:38341003"),
            ("Orphanet:558", "ORPHA:558"),
            ("ORDO:Orphanet_558", "ORPHA:558"),
            ("DOID:DOID:14330", "DOID:14330"),
            ("HP:822", "HP:0000822"),
            ("MIM:143100", "OMIM:143100"),
            ("OMIM:PS143100", "OMIMPS:143100"),
            ("OMIMPS:143100", "OMIMPS:143100"),
            ("NCI:C3117", "NCIT:C3117"),
            ("ICD-10:i10", "ICD10:I10"),
            ("ICD10WHO:I10", "ICD10:I10"),
            ("ICD10CM:I10", "ICD10CM:I10"),
            ("icd11.foundation:368780653", "ICD11F:368780653"),
            ("ICD11:BA00", "ICD11:BA00"),
            ("drugbank:00945", "DRUGBANK:DB00945"),
            ("DrugBank:DB00945", "DRUGBANK:DB00945"),
            ("KEGG COMPOUND:C01405", "KEGG:C01405"),
            ("kegg.drug:D00109", "KEGG:D00109"),
            ("Wikidata:Q12136", "wd:Q12136"),
            ("wd:Q12136", "wd:Q12136"),
            ("http://purl.obolibrary.org/obo/HP_0000822", "HP:0000822"),
            ("http://purl.obolibrary.org/obo/NCIT_C3117", "NCIT:C3117"),
            ("http://www.orpha.net/ORDO/Orphanet_558", "ORPHA:558"),
            ("https://identifiers.org/mesh/D006973", "MESH:D006973"),
            ("https://identifiers.org/mesh:D006973", "MESH:D006973"),
            ("http://identifiers.org/hgnc/5477", "HGNC:5477"),
            ("https://bioregistry.io/chebi:15365", "CHEBI:15365"),
            ("http://identifiers.org/chebi/CHEBI:15365", "CHEBI:15365"),
            ("http://id.nlm.nih.gov/mesh/2024/D006973", "MESH:D006973"),
            ("https://omim.org/phenotypicSeries/PS143100", "OMIMPS:143100"),
            ("http://www.wikidata.org/entity/Q12136", "wd:Q12136"),
            ("http://snomed.info/id/38341003", "SNOMED:38341003"),
            // Of vocabularies that nobody writes differently.
            ("Fyler:4870", "Fyler:4870"),
            ("cmekg:d-17", "cmekg:d-17"),
        ] {
            assert_eq!(canonical(id).as_deref(), Some(expected), "{id}");
            assert_eq!(canonical(expected).as_deref(), Some(expected), "{expected}");
        }
    }

    #[test]
    fn no_concepts() {
        for id in [
            "",
            ":",
            "HP:",
            "fever",
            "PMID:12345",
            "PubMed:12345",
            "Wikipedia:Fever",
            "wikipedia.en:Fever",
            "ISBN-13:978-0-306-40615-7",
            "https://orcid.org/0000-0002-0736-9199",
            "orcid:0000-0002-0736-9199",
            "http://example.org/HP_0000822",
            "url:http://example.org",
            "HPO:probinson",
            "MONDO:Lexical",
            "MESH:C01.252",
            "UMLS:CN12345",
            "UMLS:C00205381x",
            "a b:c",
            "x:y z",
            "é:1",
            "//:x",
        ] {
            assert_eq!(canonical(id), None, "{id}");
        }
    }

    #[test]
    fn the_same_is_not_copied() {
        for id in ["MESH:D006973", "HP:0000822", "UNII:R16CO5Y76E", "Fyler:4870"] {
            assert!(matches!(canonical(id), Some(Cow::Borrowed(_))), "{id}");
        }
    }

    #[test]
    fn names_and_codes() {
        assert!(identifies("UMLS:C0020538") && identifies("cmekg:1") && identifies("ICD11F:368780653"));
        assert!(!identifies("ICD10:I10") && !identifies("ATC:N02BA01"));
        assert_eq!(vocabulary_name("snomedct_us"), "SNOMED");
        assert_eq!(of("CHEBI", "15365").as_deref(), Some("CHEBI:15365"));
        assert_eq!(of("HP", "HP:0000822").as_deref(), Some("HP:0000822"));
        assert_eq!(of("PMID", "1"), None);
    }

    #[test]
    fn the_table_has_no_prefix_twice() {
        let mut all: Vec<&str> = VOCABULARIES.iter().flat_map(|v| v.aliases).chain(NO_CONCEPT).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for prefix in all {
            assert!(prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{prefix}");
        }
        for vocabulary in VOCABULARIES {
            assert_eq!(vocabulary_name(vocabulary.name), vocabulary.name);
        }
    }
}
