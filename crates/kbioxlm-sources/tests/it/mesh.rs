//! MeSH in XML: descriptors and supplementary records in the layout of NLM's files.

use crate::common::{error, gzip, read, write};
use kbioxlm_sources::{Mesh, Source, fuzz};
use std::path::Path;

const HEAD: &str = "<?xml version=\"1.0\"?>\n\
    <!DOCTYPE DescriptorRecordSet SYSTEM \"https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20250101.dtd\">\n\
    <DescriptorRecordSet LanguageCode = \"eng\">\n";

/// A term; `what` is the values of ConceptPreferredTermYN, IsPermutedTermYN, LexicalTag and RecordPreferredTermYN.
fn term(what: [&str; 4], name: &str) -> String {
    let [concept, permuted, tag, record] = what;
    format!(
        "     <Term  ConceptPreferredTermYN=\"{concept}\"  IsPermutedTermYN=\"{permuted}\"  LexicalTag=\"{tag}\"  \
         RecordPreferredTermYN=\"{record}\">\n      <TermUI>T1</TermUI>\n      <String>{name}</String>\n      \
         <DateCreated><Year>1999</Year></DateCreated>\n     </Term>\n"
    )
}

fn hypertension() -> String {
    let terms = [
        term(["Y", "N", "NON", "Y"], "Hypertension"),
        term(["N", "N", "NON", "N"], "Blood Pressure, High &lt;&#x26;&gt;"),
        term(["N", "Y", "NON", "N"], "High Blood\n Pressure"),
        term(["N", "N", "ABB", "N"], "HTN"),
    ];
    format!(
        "<DescriptorRecord DescriptorClass = \"1\">\n <DescriptorUI>D006973</DescriptorUI>\n \
         <DescriptorName>\n  <String>Hypertension</String>\n </DescriptorName>\n \
         <AllowableQualifiersList><AllowableQualifier><QualifierReferredTo><QualifierUI>Q000097</QualifierUI>\
         <QualifierName><String>blood</String></QualifierName></QualifierReferredTo></AllowableQualifier>\
         </AllowableQualifiersList>\n \
         <SeeRelatedList><SeeRelatedDescriptor><DescriptorReferredTo><DescriptorUI>D000959</DescriptorUI>\
         <DescriptorName><String>Antihypertensive Agents</String></DescriptorName></DescriptorReferredTo>\
         </SeeRelatedDescriptor></SeeRelatedList>\n \
         <TreeNumberList>\n  <TreeNumber>C14.907.489</TreeNumber>\n </TreeNumberList>\n <ConceptList>\n  \
         <Concept PreferredConceptYN=\"Y\">\n   <ConceptUI>M0010699</ConceptUI>\n   \
         <ConceptName>\n    <String>Hypertension</String>\n   </ConceptName>\n   <ScopeNote>Persistently high.</ScopeNote>\n   \
         <ConceptRelationList><ConceptRelation RelationName=\"NRW\"><Concept1UI>M0010699</Concept1UI>\
         <Concept2UI>M0000001</Concept2UI></ConceptRelation></ConceptRelationList>\n   <TermList>\n{}   </TermList>\n  \
         </Concept>\n  <Concept PreferredConceptYN=\"N\">\n   <ConceptUI>M0000001</ConceptUI>\n   <TermList>\n{}   </TermList>\n  \
         </Concept>\n  <Concept PreferredConceptYN=\"N\">\n   <ConceptUI>M0000002</ConceptUI>\n   <TermList>\n{}   </TermList>\n  \
         </Concept>\n </ConceptList>\n</DescriptorRecord>\n",
        terms.concat(),
        term(["Y", "N", "NON", "N"], "Renal Hypertension"),
        term(["Y", "N", "NON", "N"], "Tension"),
    )
}

fn short(id: &str, tree: &str, name: &str) -> String {
    format!(
        "<DescriptorRecord DescriptorClass = \"1\"><DescriptorUI>{id}</DescriptorUI><TreeNumberList><TreeNumber>{tree}</TreeNumber>\
         </TreeNumberList><ConceptList><Concept PreferredConceptYN=\"Y\"><TermList>{}</TermList></Concept></ConceptList>\
         </DescriptorRecord>\n",
        term(["Y", "N", "NON", "Y"], name)
    )
}

fn descriptors() -> String {
    let others = [
        short("D014652", "C14.907", "Vascular Diseases"),
        short("D006257", "A01.456", "Head"),
        short("D005145", "A01.456.505", "Face"),
    ];
    format!("{HEAD}{}{}</DescriptorRecordSet>\n", hypertension(), others.concat())
}

fn mesh(path: &Path) -> Source {
    Source::Mesh(Mesh::new(path))
}

#[test]
fn descriptors_give_terms_categories_and_facts() {
    let dir = tempfile::tempdir().unwrap();
    let log = read(&mesh(&write(dir.path(), "desc2025.xml", descriptors())));
    assert_eq!(
        log.of("term"),
        [
            "MESH:D006973 en Hypertension preferred",
            "MESH:D006973 en Blood Pressure, High <&>",
            "MESH:D006973 en High Blood Pressure [variant_or_misspelling]",
            "MESH:D006973 en HTN [abbreviation]",
            "MESH:D006973 en Renal Hypertension [narrow]",
            "MESH:D006973 en Tension [related]",
            "MESH:D014652 en Vascular Diseases preferred",
            "MESH:D006257 en Head preferred",
            "MESH:D005145 en Face preferred",
        ]
    );
    assert_eq!(
        log.of("type"),
        ["MESH:D006973 Diseases", "MESH:D014652 Diseases", "MESH:D006257 Anatomy", "MESH:D005145 Anatomy"]
    );
    assert_eq!(
        log.of("fact"),
        ["MESH:D006973 see_also MESH:D000959", "MESH:D006973 is_a MESH:D014652"],
        "a face is no kind of head"
    );
    assert_eq!(log.records[0], "4: type MESH:D006973 Diseases", "the line of the record");
}

#[test]
fn supplementary_records_have_actions_and_registry_numbers() {
    let record = |class: &str, id: &str, registry: &str| {
        format!(
            "<SupplementalRecord SCRClass = \"{class}\"><SupplementalRecordUI>{id}</SupplementalRecordUI>\
             <HeadingMappedToList><HeadingMappedTo><DescriptorReferredTo><DescriptorUI>*D000001</DescriptorUI>\
             </DescriptorReferredTo></HeadingMappedTo></HeadingMappedToList><PharmacologicalActionList><PharmacologicalAction>\
             <DescriptorReferredTo><DescriptorUI>D000959</DescriptorUI></DescriptorReferredTo></PharmacologicalAction>\
             </PharmacologicalActionList><ConceptList><Concept PreferredConceptYN=\"Y\"><ConceptUI>M1</ConceptUI>\
             <RegistryNumberList><RegistryNumber>{registry}</RegistryNumber></RegistryNumberList><TermList>{}</TermList></Concept>\
             </ConceptList></SupplementalRecord>",
            term(["Y", "N", "TRD", "Y"], "Brandol")
        )
    };
    let content = format!(
        "<?xml version=\"1.0\"?><SupplementalRecordSet LanguageCode = \"eng\">{}{}{}</SupplementalRecordSet>",
        record("1", "C000001", "37H9VM9WZL"),
        record("3", "C000002", "0"),
        record("4", "C000003", "txid9606"),
    );
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "supp2025.xml.gz", gzip(content.as_bytes()));
    let log = read(&mesh(&path));
    assert_eq!(log.of("type"), ["MESH:C000001 Chemicals and Drugs", "MESH:C000002 Diseases", "MESH:C000003 Organisms"]);
    assert_eq!(log.of("term")[0], "MESH:C000001 en Brandol preferred [brand_or_alt]");
    assert_eq!(log.of("link"), ["MESH:C000001 UNII:37H9VM9WZL Xref", "MESH:C000003 NCBITAXON:9606 Xref"]);
    assert_eq!(log.of("fact")[0], "MESH:C000001 has_pharmacological_action MESH:D000959");
    for category in ["C", "Diseases"] {
        let mut options = Mesh::new(&path);
        options.categories = vec![category.into()];
        let log = read(&Source::Mesh(options));
        assert_eq!(log.of("term"), ["MESH:C000002 en Brandol preferred [brand_or_alt]"]);
        assert_eq!(log.dropped, ["1: SemanticType Brandol", "11: SemanticType Brandol"]);
    }
}

#[test]
fn what_is_not_mesh_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let of = |content: &str| error(&mesh(&write(dir.path(), "desc.xml", content)));
    let good = descriptors();
    let cut = &good[..good.rfind("</DescriptorRecordSet>").unwrap()];
    assert!(of(cut).contains("found the end of the file, expected the end tags"), "{}", of(cut));
    let html = of("<html>\n</html>");
    assert!(html.contains("desc.xml:1: found the element `html`, expected a DescriptorRecordSet"), "{html}");
    let entity = of(&good.replacen("Head<", "&bomb;<", 1));
    assert!(entity.contains("found the entity `&bomb;`"), "{entity}");
    let wrong = of(&good.replacen("D006973", "D 6973", 1));
    assert!(wrong.contains("desc.xml:5: found `D 6973` for a record"), "{wrong}");
    let crossed = of(&good.replacen("</ConceptList>", "</Concepts>", 1));
    assert!(crossed.contains("expected well-formed XML"), "{crossed}");
    let french = of(&good.replacen("\"eng\"", "\"fre\"", 1));
    assert!(french.contains("desc.xml:3: found MeSH in the language `fre`"), "{french}");
    assert!(of("").contains("desc.xml: found no element"));
    let path = write(dir.path(), "cut.xml", &gzip(good.as_bytes())[..300]);
    assert!(error(&mesh(&path)).contains("cut.xml: found gzip data that is cut off or damaged"));
}

#[test]
fn a_document_cannot_fill_the_memory() {
    let deep = format!("{HEAD}{}", "<a>".repeat(1000));
    assert!(fuzz::mesh(deep.as_bytes()).unwrap_err().to_string().contains("nested more than 256 deep"));
    let long = format!("{HEAD}<a>{}", "x".repeat(5 << 20));
    assert!(fuzz::mesh(long.as_bytes()).unwrap_err().to_string().contains("more than 4 MiB"));
    let pieces = format!(
        "{HEAD}<a>{}",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx&amp;".repeat(70_000)
    );
    assert!(fuzz::mesh(pieces.as_bytes()).unwrap_err().to_string().contains("more than 4 MiB"));
    assert_eq!(fuzz::mesh(descriptors().as_bytes()).unwrap().records, 15);
}
