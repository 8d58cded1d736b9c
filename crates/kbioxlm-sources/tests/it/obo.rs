//! OBO flat files in the layout of HPO, MONDO, the Disease Ontology and ChEBI.

use crate::common::{error, gzip, read, write};
use kbioxlm_sources::{Obo, Scope, Source, fuzz};
use std::path::Path;
use tempfile::tempdir;

/// Like `hp.obo`: kinds of synonyms by number, namespace of the file, terms that are no phenotypes.
const PHENOTYPES: &str = r#"format-version: 1.2
data-version: hp/releases/2025-01-16/hp.obo
subsetdef: hposlim_core "Core clinical terminology"
synonymtypedef: HP:0045076 "UK spelling"
synonymtypedef: HP:0045078 "plural form"
synonymtypedef: abbreviation "abbreviation"
synonymtypedef: layperson "layperson term"
synonymtypedef: obsolete_synonym "discarded/obsoleted synonym"
default-namespace: human_phenotype
ontology: hp
owl-axioms: Prefix(owl:=<http://www.w3.org/2002/07/owl#>)\n\nOntology(\nDeclaration(Class(<x>)))

[Term]
id: HP:0000001
name: All
xref: UMLS:C0444868

[Term]
id: HP:0000005
name: Mode of inheritance
is_a: HP:0000001 ! All

[Term]
id: HP:0000118
name: Phenotypic abnormality
is_a: HP:0000001 ! All

[Term]
id: HP:0000822
name: Hypertension
alt_id: HP:0001650
def: "The presence of chronic increased pressure; \"high\" blood pressure." [HPO:probinson, https://orcid.org/0000-0002-0736-9199]
comment: See also: nothing.
synonym: "High blood pressure" EXACT layperson [ORCID:0000-0001-5208-3432]
synonym: "Arterial hypertensions" EXACT HP:0045078 []
synonym: "Systemic haemorrhage, \"so called\"" EXACT HP:0045076 []
synonym: "HTN" EXACT abbreviation [ORCID:0000-0001-5208-3432]
synonym: "Old name" EXACT obsolete_synonym []
synonym: "Vascular disease" BROAD [MONDO:Lexical]
synonym: "Stage 2 hypertension" NARROW layperson []
synonym: "No scope" []
xref: MSH:D006973
xref: SNOMEDCT_US:38341003
xref: SNOMEDCT_US:24184005 {source="x"}
xref: UMLS:C0020538
xref: ICD-10:I10
xref: Wikipedia:Hypertension
xref: PMID:12345
is_a: HP:0032263 ! Increased blood pressure

[Term]
id: HP:0032263
name: Increased blood pressure
is_a: HP:0000118 {is_inferred="true"} ! Phenotypic abnormality
created_by: peter
creation_date: 2008-02-27T02:20:00Z

[Term]
id: HP:0000057
name: obsolete Clitoromegaly
is_obsolete: true
replaced_by: HP:0008665

[Typedef]
id: part_of
name: part of
is_transitive: true

[Instance]
id: HP:9999999
name: An instance
"#;

/// The number of the line that holds `part`.
fn line(text: &str, part: &str) -> usize {
    text.lines().position(|l| l.contains(part)).unwrap() + 1
}

#[test]
fn phenotypes() {
    let dir = tempdir().unwrap();
    let log = read(&Source::Obo(Obo::new(write(dir.path(), "hp.obo.gz", gzip(PHENOTYPES.as_bytes())))));
    let of = |kind, concept: &str| {
        log.of(kind).into_iter().filter_map(|r| r.strip_prefix(concept)).map(str::trim).collect::<Vec<_>>()
    };
    assert_eq!(
        of("term", "HP:0000822"),
        [
            "en Hypertension preferred",
            "en High blood pressure [layperson]",
            "en Arterial hypertensions [plural_form]",
            "en Systemic haemorrhage, \"so called\" [uk_spelling]",
            "en HTN [abbreviation]",
            "en Vascular disease [broad]",
            "en Stage 2 hypertension [narrow,layperson]",
            "en No scope [related]",
        ]
    );
    assert_eq!(of("type", "HP:0000822"), ["human_phenotype"]);
    assert_eq!(
        of("link", "HP:0000822"),
        ["HP:0001650 Xref", "MESH:D006973 Xref", "SNOMED:38341003 Xref", "SNOMED:24184005 Xref", "UMLS:C0020538 Xref"]
    );
    assert_eq!(of("fact", "HP:0000822"), ["is_a HP:0032263"]);
    assert_eq!(of("link", "HP:0008665"), ["HP:0000057 Xref"]);
    assert_eq!(log.of("label"), ["part_of en part of"]);
    let at = |part| line(PHENOTYPES, part);
    let obsolete = at("id: HP:0000057") - 1;
    assert_eq!(
        log.dropped,
        [format!("{}: Obsolete Old name", at("Old name")), format!("{obsolete}: Obsolete HP:0000057")]
    );
    let name = format!("{}: term HP:0000822 en Hypertension preferred", at("name: Hypertension"));
    assert!(log.records.contains(&name), "{:?}", log.records);
    assert!(!log.records.iter().any(|r| r.contains("9999999")));
}

#[test]
fn only_what_is_below_a_root() {
    let dir = tempdir().unwrap();
    let path = write(dir.path(), "hp.obo", PHENOTYPES);
    let below = |root: &str| Source::Obo(Obo { root: vec![root.to_owned()], ..Obo::new(&path) });
    let log = read(&below("HP:0000118"));
    let named: Vec<_> = log.of("term").into_iter().filter_map(|t| t.strip_suffix(" preferred")).collect();
    assert_eq!(named, ["HP:0000822 en Hypertension", "HP:0032263 en Increased blood pressure"]);
    assert_eq!(log.dropped.iter().filter(|d| d.contains("Subset")).count(), 3);
    assert_eq!(read(&below("http://purl.obolibrary.org/obo/HP_0000118")).records, log.records);
    let error = error(&below("HP:0000119"));
    assert!(error.contains("no term `HP:0000119`") && error.contains("hp.obo"), "{error}");
}

/// Like `mondo.obo`: qualifiers everywhere, terms of others, relations by name and by number, targets as addresses.
const DISEASES: &str = r#"format-version: 1.2
synonymtypedef: MISSPELLING "misspelling"
synonymtypedef: http://purl.obolibrary.org/obo/mondo#EXCLUDE "exclude"
synonymtypedef: OMO:0003012 "acronym"
ontology: mondo

[Term]
id: MONDO:0007743
name: attention deficit-hyperactivity disorder {source="X:1", source="y} z"} ! comment
synonym: "ADHD" EXACT OMO:0003012 [DOID:1094, NCIT:C35092]
synonym: "ADDH" EXACT MISSPELLING [] {source="MONDO:Lexical"}
synonym: "not to use" RELATED http://purl.obolibrary.org/obo/mondo#EXCLUDE []
xref: DOID:1094 {source="MONDO:equivalentTo", source="MONDO:1"}
xref: UMLS:C1263846 {source="MONDO:relatedTo"}
xref: OMIMPS:143465 {source="MONDO:equivalentTo"}
xref: ICD10CM:F90.9 {source="DOID:1094"}
is_a: MONDO:0002025 {source="NCIT:C35092"} ! psychiatric disorder
is_a: MONDO:0005395 {gci_relation="RO:0002573", gci_filler="PATO:1"} ! only in some
intersection_of: MONDO:0002025 ! psychiatric disorder
relationship: has_material_basis_in_germline_mutation_in http://identifiers.org/hgnc/3023 {source="x"} ! DRD4
relationship: RO:0004029 HP:0000752 ! disease has feature Hyperactivity
relationship: has_part MONDO:0000002 {cardinality="0"}
relationship: has_part MONDO:0000003
relationship: disease_shares_features_of MONDO:0000001
relationship: excluded_subClassOf MONDO:0000004

[Term]
id: HGNC:3023
name: DRD4

[Term]
id: http://example.org/strange
name: strange

[Typedef]
id: RO:0004029
name: disease has feature

[Typedef]
id: has_material_basis_in_germline_mutation_in
name: has material basis in germline mutation in

[Typedef]
id: has_part
name: has part

[Typedef]
id: disease_shares_features_of
name: disease shares features of
is_symmetric: true
"#;

#[test]
fn diseases() {
    let dir = tempdir().unwrap();
    let path = write(dir.path(), "mondo.obo", DISEASES);
    let obo =
        Obo { vocabularies: vec!["mondo".to_owned()], semantic_type: Some("Disease".to_owned()), ..Obo::new(path) };
    let log = read(&Source::Obo(obo.clone()));
    assert_eq!(
        log.of("term"),
        [
            "MONDO:0007743 en attention deficit-hyperactivity disorder preferred",
            "MONDO:0007743 en ADHD [abbreviation]",
            "MONDO:0007743 en ADDH [variant_or_misspelling]",
        ]
    );
    assert_eq!(log.of("type"), ["MONDO:0007743 Disease"]);
    assert_eq!(log.of("link"), ["MONDO:0007743 DOID:1094 Xref", "MONDO:0007743 OMIMPS:143465 Xref"]);
    assert_eq!(
        log.of("fact"),
        [
            "MONDO:0007743 is_a MONDO:0002025",
            "MONDO:0007743 has_material_basis_in_germline_mutation_in HGNC:3023",
            "MONDO:0007743 disease_has_feature HP:0000752",
            "MONDO:0000003 part_of MONDO:0007743",
            "MONDO:0000001 disease_shares_features_of MONDO:0007743",
            "MONDO:0007743 excluded_sub_class_of MONDO:0000004",
        ]
    );
    assert_eq!(
        log.of("label"),
        [
            "disease_has_feature en disease has feature",
            "has_material_basis_in_germline_mutation_in en has material basis in germline mutation in",
            "disease_shares_features_of en disease shares features of",
        ]
    );
    let stanza = |id| line(DISEASES, id) - 1;
    assert_eq!(
        log.dropped,
        [
            format!("{}: Suppressed not to use", line(DISEASES, "not to use")),
            format!("{}: Vocabulary HGNC:3023", stanza("id: HGNC")),
            format!("{}: Vocabulary http://example.org/strange", stanza("strange")),
        ]
    );

    let few = Obo {
        relations: Some(vec!["is_a".to_owned()]),
        links: Some(vec!["ICD10CM".to_owned()]),
        synonyms: vec![Scope::Exact],
        lang: "fr".to_owned(),
        ..obo.clone()
    };
    let log = read(&Source::Obo(few));
    assert_eq!(log.of("fact"), ["MONDO:0007743 is_a MONDO:0002025"]);
    assert_eq!(log.of("link"), ["MONDO:0007743 ICD10CM:F90.9 Xref"]);
    assert!(log.of("label").is_empty() && log.of("term").iter().all(|t| t.starts_with("MONDO:0007743 fr ")));
    assert!(log.dropped.contains(&"12: Scope not to use".to_owned()));
    let none = read(&Source::Obo(Obo { relations: Some(vec![]), links: Some(vec![]), ..obo }));
    assert!(none.of("fact").is_empty() && none.of("link").is_empty());
}

/// Like `chebi.obo`: brackets in names, kinds of synonyms in capitals, prefixes with blanks, both directions of a pair.
const CHEMICALS: &str = r#"format-version: 1.2
synonymtypedef: IUPAC_NAME "IUPAC NAME"
synonymtypedef: BRAND_NAME "BRAND NAME"
synonymtypedef: INN "INN"
synonymtypedef: SMILES "SMILES"
default-namespace: chebi_ontology
ontology: chebi

[Term]
id: CHEBI:15365
name: 2-\{[acetyl]oxy\}benzoic acid
synonym: "2-{[acetyl]oxy}benzoic acid" EXACT IUPAC_NAME [IUPAC]
synonym: "Bayer" RELATED BRAND_NAME [ChEBI]
synonym: "acide acetylsalicylique" RELATED INN [ChemIDplus]
synonym: "CC(=O)O" RELATED SMILES [ChEBI]
synonym: "two \
lines" RELATED [ChEBI]
xref: KEGG COMPOUND:C01405 "KEGG COMPOUND"
xref: drugbank:DB00945
xref: cas:50-78-2 {source="NIST", source="ChEMBL"}
xref: Patent:US6555133
is_a: CHEBI:22723
relationship: has_role CHEBI:35475 ! non-steroidal anti-inflammatory drug
relationship: is_conjugate_acid_of CHEBI:13719
relationship: is_tautomer_of CHEBI:1

[Term]
id: CHEBI:13719
name: acetylsalicylate
relationship: is_conjugate_base_of CHEBI:15365
"#;

#[test]
fn chemicals() {
    let dir = tempdir().unwrap();
    let log = read(&Source::Obo(Obo::new(write(dir.path(), "chebi.obo", CHEMICALS.replace('\n', "\r\n")))));
    assert_eq!(
        log.of("term"),
        [
            "CHEBI:15365 en 2-{[acetyl]oxy}benzoic acid preferred",
            "CHEBI:15365 en 2-{[acetyl]oxy}benzoic acid [iupac_name]",
            "CHEBI:15365 en Bayer [related,brand_or_alt]",
            "CHEBI:15365 en acide acetylsalicylique [related]",
            "CHEBI:15365 en two lines [related]",
            "CHEBI:13719 en acetylsalicylate preferred",
        ]
    );
    assert_eq!(
        log.of("fact"),
        [
            "CHEBI:15365 is_a CHEBI:22723",
            "CHEBI:15365 has_role CHEBI:35475",
            "CHEBI:13719 is_conjugate_base_of CHEBI:15365",
            "CHEBI:1 is_tautomer_of CHEBI:15365",
            "CHEBI:13719 is_conjugate_base_of CHEBI:15365",
        ]
    );
    assert_eq!(
        log.of("link"),
        ["CHEBI:15365 KEGG:C01405 Xref", "CHEBI:15365 DRUGBANK:DB00945 Xref", "CHEBI:15365 CAS:50-78-2 Xref"]
    );
}

#[test]
fn errors_name_file_and_line() {
    let dir = tempdir().unwrap();
    let of = |content: &str| error(&Source::Obo(Obo::new(write(dir.path(), "x.obo", content))));
    for (content, place, found) in [
        ("[Term]\nid: X:1\nname Fever\n", "x.obo:3", "`name Fever`"),
        ("<?xml version=\"1.0\"?>\n<rdf>\n", "x.obo:1", "OBO flat file"),
        ("[Term]\nname: Fever\n", "x.obo:1", "without `id`"),
        ("[Term\nid: X:1\n", "x.obo:1", "no `]`"),
        ("[Term]\nid: X:1\nsynonym: Fever EXACT []\n", "x.obo:3", "`synonym: Fever EXACT []`"),
    ] {
        let error = of(content);
        assert!(error.contains(place) && error.contains(found), "{error}");
    }
    assert!(error(&Source::Obo(Obo::new(dir.path().join("missing.obo")))).contains("missing.obo"));
    assert_eq!(read(&Source::Obo(Obo::new(write(dir.path(), "empty.obo", "")))).records, Vec::<String>::new());
}

#[test]
fn a_label_is_well_formed_whatever_the_name() {
    // Found by fuzzing: a name that begins with an underscore gave a label that began with a blank.
    let text = "[Typedef]\nid: part_of\nname: _part__of_\n\n[Typedef]\nid: x\nname: _\n";
    let dir = tempdir().unwrap();
    let log = read(&Source::Obo(Obo::new(write(dir.path(), "x.obo", text))));
    assert_eq!(log.of("label"), ["part_of en part of"]);
}

#[test]
fn options_from_toml() {
    let source = r#"{"format":"obo","path":"hp.obo","root":["HP:0000118"],"synonyms":["exact"],"relations":[]}"#;
    let Source::Obo(obo) = serde_json::from_str(source).unwrap() else { panic!("not OBO") };
    assert_eq!(obo.path, Path::new("hp.obo"));
    assert_eq!((obo.lang.as_str(), obo.synonyms, obo.relations), ("en", vec![Scope::Exact], Some(vec![])));
    let unknown = serde_json::from_str::<Source>(r#"{"format":"obo","path":"hp.obo","roots":[]}"#);
    assert!(unknown.unwrap_err().to_string().contains("roots"));
}

#[test]
fn any_bytes_are_survived() {
    for text in [PHENOTYPES, DISEASES, CHEMICALS] {
        for end in 0..text.len() {
            let _ = fuzz::obo(&text.as_bytes()[..end]);
        }
        let mut count = 0;
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            for bad in *b"\\\"[:\n\xff" {
                bytes[at] = bad;
                count += usize::from(fuzz::obo(&bytes).is_ok());
            }
        }
        assert!(count > text.len(), "{count}");
    }
}
