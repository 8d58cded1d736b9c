//! SKOS as N-Triples: statements in any order, escapes, language tags, and files that are something else.

use crate::common::{error, gzip, read, write};
use kbioxlm_sources::{Skos, Source, fuzz};

const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";

/// The object is given as it stands in the file.
fn statement(subject: &str, predicate: &str, object: &str) -> String {
    format!("<http://example.org/{subject}> <{SKOS}{predicate}> {object} .\n")
}

fn thesaurus() -> String {
    let start = "# A comment\n\n\
        <http://example.org/c1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2004/02/skos/core#Concept> .\n";
    [
        start.to_owned(),
        statement("c1", "prefLabel", "\"h\\u00e9moglobine\"@fr"),
        statement("c1", "prefLabel", "\"haemoglobin\"@en-GB"),
        statement("c2", "prefLabel", "\"protein\"@EN"),
        statement("c1", "altLabel", "\"Hb \\\"A\\\"\\n(adult)\"@en"),
        statement("c1", "prefLabel", "\"血紅蛋白\"@zh-TW"),
        statement("c1", "hiddenLabel", "\"hemaglobin\"@en"),
        statement("c1", "altLabel", "\"untagged\""),
        statement("c1", "altLabel", "\"typed\"^^<http://www.w3.org/2001/XMLSchema#string>"),
        statement("c1", "altLabel", "\"  \"@en"),
        statement("c1", "broader", "<http://example.org/c2>"),
        statement("c2", "narrower", "<http://example.org/c3>").replace(" .\n", ". # end\r\n"),
        statement("c1", "exactMatch", "<http://id.nlm.nih.gov/mesh/D006454>"),
        statement("c1", "exactMatch", "_:b1"),
        statement("c1", "exactMatch", "<http://purl.obolibrary.org/obo/CHEBI_35143>"),
        statement("c1", "closeMatch", "<http://www.wikidata.org/entity/Q43041>"),
        statement("c1", "definition", "\"a molecule\"@en"),
        format!("<http://example.org/c1>\t<{SKOS}altLabel>\t\"quad\"@en <http://example.org/graph> .\n"),
        format!("_:b1 <{SKOS}altLabel> \"a node without address\"@en .\n"),
        "<http://example.org/c4> <http://purl.org/iso25964/skos-thes#broaderPartitive> <http://example.org/c1>."
            .to_owned(),
    ]
    .concat()
}

#[test]
fn labels_hierarchy_and_matches_are_read_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Skos::new(write(dir.path(), "thesaurus.nt.gz", gzip(thesaurus().as_bytes())));
    options.prefixes = [("EX".to_owned(), "http://example.org/".to_owned())].into();
    let log = read(&Source::Skos(options.clone()));
    assert_eq!(
        log.of("term"),
        [
            "EX:c1 fr hémoglobine preferred",
            "EX:c1 en haemoglobin preferred [uk_spelling]",
            "EX:c2 en protein preferred",
            "EX:c1 en Hb \"A\" (adult)",
            "EX:c1 zh-Hant 血紅蛋白 preferred",
            "EX:c1 en hemaglobin [variant_or_misspelling]",
            "EX:c1 en quad",
        ]
    );
    assert_eq!(log.of("fact"), ["EX:c1 broader EX:c2", "EX:c3 broader EX:c2", "EX:c4 part_of EX:c1"]);
    assert_eq!(log.of("link"), ["EX:c1 MESH:D006454 Xref", "EX:c1 CHEBI:35143 Xref"]);
    assert_eq!(log.dropped, ["10: Language untagged", "11: Language typed", "12: Empty EX:c1"]);
    assert_eq!(log.records[0], "4: term EX:c1 fr hémoglobine preferred");

    options.languages = vec!["zh".into(), "fr".into()];
    options.untagged = Some("fr".into());
    options.prefixes.clear();
    let log = read(&Source::Skos(options));
    assert_eq!(
        log.of("term"),
        [
            "http://example.org/c1 fr hémoglobine preferred",
            "http://example.org/c1 zh-Hant 血紅蛋白 preferred",
            "http://example.org/c1 fr untagged",
            "http://example.org/c1 fr typed",
        ]
    );
}

#[test]
fn other_formats_are_named_with_how_to_convert_them() {
    let dir = tempfile::tempdir().unwrap();
    let of = |content: &str| error(&Source::Skos(Skos::new(write(dir.path(), "x.rdf", content))));
    for (content, format) in [
        ("<?xml version=\"1.0\"?>\n<rdf:RDF/>", "RDF/XML"),
        ("\n@prefix skos: <http://www.w3.org/2004/02/skos/core#> .", "Turtle"),
        ("PREFIX skos: <http://www.w3.org/2004/02/skos/core#>", "Turtle"),
        ("{\"@context\": {}}", "JSON"),
    ] {
        let message = of(content);
        assert!(message.contains(&format!("found {format}, expected SKOS as N-Triples; convert")), "{message}");
        assert!(message.contains("riot --output=ntriples"), "{message}");
    }
}

#[test]
fn ids_have_the_one_spelling() {
    let line = "<http://purl.obolibrary.org/obo/HP_822> <http://www.w3.org/2004/02/skos/core#exactMatch> \
        <http://id.nlm.nih.gov/mesh/2025/D006973> .\n\
        <http://purl.obolibrary.org/obo/_822> <http://www.w3.org/2004/02/skos/core#exactMatch> \
        <http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl#C3117> .\n";
    let dir = tempfile::tempdir().unwrap();
    let log = read(&Source::Skos(Skos::new(write(dir.path(), "x.nt", line))));
    assert_eq!(log.of("link"), ["HP:0000822 MESH:D006973 Xref", "http://purl.obolibrary.org/obo/_822 NCIT:C3117 Xref"]);
}

#[test]
fn a_malformed_statement_is_named_with_its_line() {
    let good = statement("c1", "altLabel", "\"x\"@en");
    for bad in [
        good.replace(" .\n", "\n"),
        good.replace("\"@", "@"),
        good.replace("\"x\"", "\"\\x\""),
        good.replace("\"x\"", "\"\\uD800\""),
        good.replace("\"x\"", "\"\\u+0ff\""),
        good.replace("\"@en", "\"@"),
        // Found by fuzzing: a tag without a language.
        good.replace("\"@en", "\"@-en"),
        good.replace("example.org/", "exam ple.org/"),
        good.replace(" .", " . more"),
        "skos:a skos:b skos:c .\n".to_owned(),
    ] {
        let message = fuzz::skos(format!("{good}{bad}").as_bytes()).unwrap_err().to_string();
        assert!(message.contains("fuzz.nt:2: found `"), "{bad}: {message}");
    }
    assert_eq!(fuzz::skos(thesaurus().as_bytes()).unwrap().dropped, 3);
}
