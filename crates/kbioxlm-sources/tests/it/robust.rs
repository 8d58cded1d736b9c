//! No file makes a reader panic: valid ones with some bytes changed, cut out, repeated or put elsewhere.

use kbioxlm_sources::fuzz;
use proptest::prelude::*;

const UMLS: &str = "C0000005|ENG|P|L0000005|PF|S0007492|Y|A26634265||M0019694|D012711|MSH|PEP|D012711|(131)I-MAA|0|N|256|\n\
    C0000005|FRE|S|L0270109|PF|S0007491|Y|A26634266||M0019694|D012711|MSHFRE|MH|D012711|macroagrégats|0|N|256|\n\
    C0000039|JPN|P|L1|PF|S1|Y|A1||||HPO|PT|HP:0000001|腎|0|O||\n\
    %C0000005|T116|A1.4.1.2.1.7|Amino Acid, Peptide, or Protein|AT17648347|256|\n\
    %0699|MTH|PN|N|\n\
    %C0000005|A26634265|SCUI|PAR|C0000039|A1|SCUI|inverse_isa|R1||MSH|MSH|||N||\n";
const MESH: &str = "<?xml version=\"1.0\"?><!DOCTYPE DescriptorRecordSet><DescriptorRecordSet LanguageCode=\"eng\">\n\
    <DescriptorRecord><DescriptorUI>D1</DescriptorUI><TreeNumberList><TreeNumber>C1.2</TreeNumber><TreeNumber>C1</TreeNumber>\
    </TreeNumberList><ConceptList><Concept PreferredConceptYN=\"Y\"><ConceptUI>M1</ConceptUI><RegistryNumber>txid1</RegistryNumber>\
    <ConceptRelation RelationName=\"NRW\"><Concept1UI>M1</Concept1UI><Concept2UI>M2</Concept2UI></ConceptRelation><TermList>\
    <Term RecordPreferredTermYN=\"Y\" LexicalTag=\"TRD\"><String>a &amp; &#xe9;</String></Term></TermList></Concept></ConceptList>\
    </DescriptorRecord></DescriptorRecordSet>";
const SKOS: &str = "<http://a/b> <http://www.w3.org/2004/02/skos/core#prefLabel> \"\\u00e9 \\\"x\\\" \\U0001F600\"@en-GB .\n\
    _:b <http://www.w3.org/2004/02/skos/core#narrower> <http://purl.obolibrary.org/obo/HP_1> <g> . # c\n\
    <a> <http://www.w3.org/2004/02/skos/core#altLabel> \"é\"^^<t> .\n";

type Read = fn(&[u8]) -> kbioxlm_sources::Result<fuzz::Count>;

/// A change: where, how much is taken away, what is put there.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "|",
            "\n",
            "%",
            "<",
            ">",
            "&",
            ";",
            "\"",
            "\\u",
            "\\",
            "@",
            ".",
            "é",
            "<a>",
            "</",
            "_:",
            "]]>",
            "<![CDATA["
        ])
        .prop_map(|s| s.as_bytes().to_vec()),
    ];
    (any::<prop::sample::Index>(), 0_usize..40, piece)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn damaged_files_are_errors_at_most(which in 0_usize..3, changes in prop::collection::vec(change(), 0..6)) {
        let (content, read): (&str, Read) =
            [(UMLS, fuzz::umls as _), (MESH, fuzz::mesh as _), (SKOS, fuzz::skos as _)][which];
        let mut bytes = content.as_bytes().to_vec();
        let whole = read(&bytes).unwrap();
        prop_assert!(whole.records > 0);
        for (at, taken, put) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + taken).min(bytes.len());
            bytes.splice(at..end, put);
        }
        // Reading ends, and what it says is in proportion to the file.
        if let Ok(count) = read(&bytes) {
            prop_assert!(count.records + count.dropped <= bytes.len());
        }
    }
}
