//! Which concepts become one, and which names are ruled out.

use crate::common::{self, Bench};
use kbioxlm_knowledge::{KnowledgeBase, Matcher, NameRule, Source, read_report};
use kbioxlm_sources::Obo;

fn members(kb: &KnowledgeBase) -> Vec<String> {
    (0..kb.concepts().len() as u32)
        .map(|c| kb.members(kbioxlm_knowledge::ConceptIndex(c)).collect::<Vec<_>>().join("+"))
        .collect()
}

fn obo(bench: Bench, name: &str, terms: &str) -> Bench {
    let path = bench.write(name, format!("format-version: 1.2\nontology: {name}\n\n{terms}").as_bytes());
    let mut bench = bench;
    bench.description.sources.push(Source::Obo(Obo::new(path)));
    bench
}

/// HP and MONDO terms that give ids of MeSH and the UMLS as theirs.
fn ontologies() -> Bench {
    let hp = "[Term]\nid: HP:0000001\nname: Fever\nxref: UMLS:C0015967\nxref: UMLS:C0000009\n\n\
        [Term]\nid: HP:0000002\nname: Cough\nxref: MSH:D003371\n\n\
        [Term]\nid: HP:0000003\nname: Dry cough\nalt_id: HP:0000009\nis_a: HP:0000009\nis_a: HP:0000002\n";
    let mondo = "[Term]\nid: MONDO:0000001\nname: pyrexia\nxref: UMLS:C0015967\n\n\
        [Term]\nid: MONDO:0000002\nname: tussis\nxref: MESH:D003371\nis_a: MONDO:0000001\n\n\
        [Term]\nid: MONDO:0000003\nname: dry cough\nxref: HP:0000003\nxref: HP:0000002\n";
    obo(obo(Bench::new(), "hp.obo", hp), "mondo.obo", mondo)
}

#[test]
fn ids_of_vocabularies_that_are_not_read_tie_concepts_together() {
    let (kb, report) = ontologies().build();
    let expected = ["HP:0000001+MONDO:0000001", "HP:0000002+MONDO:0000002", "HP:0000003+MONDO:0000003"];
    assert_eq!(members(&kb), expected);
    let xrefs = &report.merge.xrefs;
    assert_eq!((xrefs.refused.count, report.merge.joined), (1, 3));
    assert_eq!(xrefs.refused.examples, ["MONDO:0000003 = HP:0000002"], "MONDO:0000003 shares its name with HP:0000003");
    // An alternative id names the concept too: the fact is one of a concept with itself.
    let facts: Vec<_> = report.sources.iter().map(|s| (s.facts.read, s.facts.kept, s.facts.self_facts)).collect();
    assert_eq!(facts, [(2, 1, 1), (1, 1, 0)]);
    assert_eq!(
        kb.semantic_types(kb.find_concept("MONDO:0000001").unwrap()).collect::<Vec<_>>(),
        ["hp.obo", "mondo.obo"]
    );
}

#[test]
fn cross_references_can_be_left_alone() {
    let mut bench = ontologies();
    bench.description.merge.xrefs = false;
    let (kb, report) = bench.build();
    assert_eq!((kb.concepts().len(), report.merge.joined, report.merge.xrefs.joined), (6, 0, 0));
}

#[test]
fn equal_names_in_two_languages_join_on_request() {
    let bench = || {
        Bench::new()
            .lexicon(
                "a.tsv",
                &["A:1|en|Heart attack|1|T|", "A:1|zh|心肌梗死|1|T|", "A:2|en|Cold|1|T|", "A:2|zh|感冒|1|T|"],
            )
            .lexicon(
                "b.tsv",
                &["B:1|en|heart  ATTACK|1|T|", "B:1|zh|心肌梗死|0|T|", "B:2|en|cold|1|T|", "B:2|zh|寒冷|1|T|"],
            )
    };
    assert_eq!(bench().build().0.concepts().len(), 4);
    let mut wanted = bench();
    wanted.description.merge.same_names = vec!["en".into(), "zh".into()];
    let (kb, report) = wanted.build();
    assert_eq!(members(&kb), ["A:1+B:1", "A:2", "B:2"]);
    assert_eq!((report.merge.names.read, report.merge.names.joined), (1, 1));
}

fn found(kb: &KnowledgeBase, lang: &str, text: &str) -> Vec<String> {
    Matcher::new(kb, lang).unwrap().find(text).into_iter().map(|m| text[m.bytes].to_owned()).collect()
}

fn ruled_out() -> Bench {
    Bench::new().lexicon(
        "a.tsv",
        &[
            "A:1|en|Gan mao|1|T|",
            "A:1|en|common cold|0|T|",
            "A:1|zh|感冒|1|T|",
            "A:2|en|HIV infection|1|T|",
            "A:2|zh|HIV infection|0|T|",
            "A:2|zh|艾滋病毒感染|1|T|",
            "A:3|en|About|1|T|",
            "A:3|en|Human|0|T|",
            "A:3|zh|第一|1|T|",
            "A:3|zh|血|0|T|",
            "A:4|en|node|1|T|",
            "A:5|en|Node|1|T|",
            "A:6|en|node|1|T|",
            "A:7|en|odd thing|1|T|",
        ],
    )
}

#[test]
fn names_that_would_do_harm_are_not_used() {
    let mut bench = ruled_out();
    bench.description.terms.max_concepts_per_name = 2;
    let list = bench.write("wrong.txt", "# names that are wrong\n\n第一@zh\nnever there@en\n".as_bytes());
    bench.description.terms.exclude = vec!["human@*".into(), "A:7".into(), "A:8".into()];
    bench.description.terms.exclude_files = vec![list];
    let (kb, report) = bench.build();
    let counts: Vec<_> = report.names.iter().map(|(rule, dropped)| (*rule, dropped.count)).collect();
    let expected = [
        (NameRule::Excluded, 2),
        (NameRule::Pinyin, 1),
        (NameRule::StopWord, 1),
        (NameRule::Ambiguous, 3),
        (NameRule::Equal, 1),
        (NameRule::Short, 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(report.excluded_concepts.examples, ["A:7"]);
    assert_eq!(report.unused_entries.examples, ["A:8", "never there@en"]);
    assert_eq!(
        found(&kb, "en", "About gan mao, common cold, node, human, HIV infection"),
        ["common cold", "HIV infection"]
    );
    assert_eq!(found(&kb, "zh", "第一感冒 HIV infection 血"), ["感冒", "HIV infection"]);
    let translations = |id: &str, lang| -> Vec<&str> {
        kb.translations(kb.find_concept(id).unwrap(), lang).map(|t| kb.term(t).text).collect()
    };
    assert_eq!(translations("A:1", "en"), ["common cold"]);
    assert_eq!(translations("A:4", "en"), ["node"], "who knows the concept may write the name");
    assert_eq!(translations("A:2", "zh"), ["艾滋病毒感染"]);
    assert_eq!(kb.find_concept("A:7"), None);
    let flags: Vec<_> = kb.terms_of(kb.find_concept("A:1").unwrap()).map(|t| kb.term(t).flags.join(",")).collect();
    assert_eq!(flags, ["pinyin", "", ""], "what was ruled out says why");
    assert!(
        kb.term(kb.terms_of(kb.find_concept("A:1").unwrap()).next().unwrap()).preferred,
        "the source's first choice"
    );
}

#[test]
fn every_rule_can_be_switched_off_or_told_exceptions() {
    let mut bench = ruled_out();
    let terms = &mut bench.description.terms;
    (terms.drop_pinyin, terms.drop_equal, terms.drop_stop_words) = (false, false, false);
    (terms.max_concepts_per_name, terms.min_length) = (0, 1);
    let (kb, report) = bench.build();
    assert_eq!(report.names.len(), 0, "{:?}", report.names);
    assert_eq!(found(&kb, "en", "About gan mao node"), ["About", "gan mao", "node"]);

    let mut bench = ruled_out();
    bench.description.terms.max_concepts_per_name = 2;
    bench.description.terms.keep =
        ["GAN MAO@en", "about@en", "node@en", "hiv INFECTION@zh", "血@*"].map(str::to_owned).to_vec();
    let (kb, report) = bench.build();
    assert_eq!(report.names.len(), 0, "{:?}", report.names);
    assert_eq!(found(&kb, "en", "About gan mao node"), ["About", "gan mao", "node"]);
    assert_eq!(found(&kb, "zh", "血"), ["血"]);
}

#[test]
fn a_list_that_cannot_be_read_is_an_error() {
    let mut bench = ruled_out();
    bench.description.terms.keep_files = vec![bench.write("keep.txt", b"about@en\nA:1\n")];
    let error = common::message(&bench.try_build().unwrap_err(), bench.dir.path());
    assert!(error.starts_with("keep.txt:2: found `A:1`, expected a name as `NAME@LANG`"), "{error}");
}

#[test]
fn the_report_lies_beside_the_tables() {
    let bench = ontologies();
    let (_, report) = bench.build();
    assert_eq!(read_report(&bench.out()).unwrap(), (bench.description, report));
}
