use crate::{Babelon, Mesh, Obo, Result, Sink, Skos, Umls, Wikidata, tsv};
use kbioxlm_files::open;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A source of knowledge, as a TOML file lists it: `[[source]]`, `format = "lexicon"`, `path = "hpo.tsv"` and the format's options.
///
/// Files may be compressed with gzip, bzip2 or Zstandard.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub enum Source {
    /// Table of terms: `concept_id, lang, term, preferred (0 or 1), semantic_type, flags (comma separated, may be empty)`.
    Lexicon(TsvFile),
    /// Table of facts: `head_concept_id, relation, tail_concept_id`.
    Facts(TsvFile),
    /// Table of relation labels: `relation, lang, label`.
    Relations(TsvFile),
    /// Table of concepts that are the same: `concept_id_a, concept_id_b, same_name_in` (languages joined by `+`).
    Links(TsvFile),
    /// The UMLS Metathesaurus (`MRCONSO.RRF` and its neighbours).
    Umls(Umls),
    /// Medical Subject Headings in XML.
    Mesh(Mesh),
    /// A SKOS vocabulary in N-Triples.
    Skos(Skos),
    /// An ontology in the OBO flat file format: HPO, MONDO, Disease Ontology, ChEBI.
    Obo(Obo),
    /// Translations of an ontology as a babelon table.
    Babelon(Babelon),
    /// Wikidata's JSON dump.
    Wikidata(Wikidata),
}

/// A tab-separated table; columns are found by the name in the header line.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TsvFile {
    /// The file.
    pub path: PathBuf,
}

impl Source {
    /// Gives everything that the source says to `sink`, in the file's order.
    ///
    /// # Errors
    /// The file is missing or not what it has to be (file, line, remedy), or the sink refuses.
    pub fn read(&self, sink: &mut dyn Sink) -> Result<()> {
        match self {
            Self::Lexicon(file) => tsv::lexicon(&file.path, open(&file.path)?, sink),
            Self::Facts(file) => tsv::facts(&file.path, open(&file.path)?, sink),
            Self::Relations(file) => tsv::labels(&file.path, open(&file.path)?, sink),
            Self::Links(file) => tsv::links(&file.path, open(&file.path)?, sink),
            Self::Umls(umls) => umls.read(sink),
            Self::Mesh(mesh) => mesh.read(sink),
            Self::Skos(skos) => skos.read(sink),
            Self::Obo(obo) => obo.read(sink),
            Self::Babelon(babelon) => babelon.read(sink),
            Self::Wikidata(wikidata) => wikidata.read(sink),
        }
    }

    /// The file or directory that is read.
    pub fn path(&self) -> &Path {
        match self {
            Self::Lexicon(file) | Self::Facts(file) | Self::Relations(file) | Self::Links(file) => &file.path,
            Self::Umls(umls) => &umls.path,
            Self::Mesh(mesh) => &mesh.path,
            Self::Skos(skos) => &skos.path,
            Self::Obo(obo) => &obo.path,
            Self::Babelon(babelon) => &babelon.path,
            Self::Wikidata(wikidata) => &wikidata.path,
        }
    }
}
