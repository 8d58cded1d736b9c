//! From sources to an opened knowledge base.

use crate::common::{Bench, small};
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::UInt32Type;
use kbioxlm_knowledge::{ConceptIndex, FactReport, KnowledgeBase, Matcher, TermIndex};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn texts(kb: &KnowledgeBase, terms: impl IntoIterator<Item = TermIndex>) -> Vec<&str> {
    terms.into_iter().map(|t| kb.term(t).text).collect()
}

#[test]
fn concepts_are_joined_and_known_by_every_id() {
    let (kb, report) = small().build();
    let ids: Vec<_> = (0..kb.concepts().len() as u32)
        .map(ConceptIndex)
        .map(|c| {
            let members: Vec<_> = kb.members(c).collect();
            (kb.concept(c).id, members.join("+"), kb.concept(c).semantic_type)
        })
        .collect();
    let expected = [
        ("HP:1", "HP:1+D:1".to_owned(), "Phenotype"),
        ("HP:2", "HP:2".to_owned(), "Phenotype"),
        ("HP:4", "HP:4+D:3".to_owned(), "Disease"),
        ("D:2", "D:2".to_owned(), "Drug"),
    ];
    assert_eq!(ids, expected);
    let joined = kb.find_concept("D:1").unwrap();
    assert_eq!(Some(joined), kb.find_concept("HP:1"));
    assert_eq!(texts(&kb, kb.translations(joined, "zh")), ["高血压", "血压升高"]);
    assert_eq!(kb.find_concept("HP:3"), None, "a mode of inheritance is no entity");
    let links = &report.merge.links;
    assert_eq!((links.read, links.joined, links.unknown_concept.count, report.merge.joined), (3, 2, 1, 2));
    assert_eq!(report.merge.largest, [["HP:1", "D:1"], ["HP:4", "D:3"]]);
    assert_eq!((report.not_entities.count, report.repeated_terms), (1, 1));
    let unknown = &links.unknown_concept.examples[0];
    assert!(unknown.contains("links.tsv:4") && unknown.contains("`D:9`"), "{unknown}");
    assert_eq!(kb.languages(), ["en", "es", "zh"]);
}

#[test]
fn terms_are_sorted_and_flags_respected() {
    let (kb, report) = small().build();
    let (hypertension, insulinoma) = (ConceptIndex(0), ConceptIndex(1));
    let all = ["Hypertension", "High blood pressure", "HTN", "Hipertensión", "高血压", "血压升高"];
    assert_eq!(texts(&kb, kb.terms_of(hypertension)), all);
    assert_eq!(texts(&kb, kb.preferred(hypertension, "en")), ["Hypertension"]);
    assert_eq!(kb.preferred(hypertension, "fr"), None);
    assert_eq!(kb.translations(insulinoma, "es").count() + kb.translations(insulinoma, "zh").count(), 0);
    assert_eq!(kb.terms_of(insulinoma).len(), 3, "copies are kept, but not used");
    assert!(Matcher::new(&kb, "es").unwrap().find("Insulinoma").is_empty());
    let english = Matcher::new(&kb, "en").unwrap();
    assert_eq!(
        english.find("insulinoma, htn, HTN").iter().map(|m| m.bytes.clone()).collect::<Vec<_>>(),
        [0..10, 17..20]
    );
    assert_eq!(report.knowledge.languages["es"].concepts, 1);
    assert_eq!(report.knowledge.translated["en-zh"], 3);
    assert_eq!(report.knowledge, kb.stats());
}

// Trap 9: facts pair a concept with itself.
#[test]
fn trap_09_no_fact_pairs_a_concept_with_itself() {
    let (kb, report) = small().build();
    assert!(kb.facts().iter().all(|f| f.head != f.tail));
    let counts = FactReport { read: 6, kept: 2, unknown_concept: 1, left_out: 1, self_facts: 1, repeated: 1 };
    assert_eq!(report.sources.last().unwrap().facts, counts);
    assert!(report.unknown_facts.examples[0].contains("facts.tsv:6: no source has the concept `X:1`"));
    let (drug, disease) = (kb.find_concept("D:2").unwrap(), kb.find_concept("D:1").unwrap());
    let [fact] = kb.facts_between(drug, disease) else { panic!("one fact expected") };
    assert_eq!((kb.relation_id(fact.relation), kb.relation_label(fact.relation, "zh")), ("may_treat", Some("可治疗")));
    assert_eq!(kb.relation_label(fact.relation, "es"), Some("puede tratar"), "comes with the program");
    assert_eq!(kb.relation_label(fact.relation, "fi"), None);
    assert!(kb.facts_between(disease, drug).is_empty());
    assert_eq!(report.unlabelled_relations, ["related"]);
}

#[test]
fn one_preferred_term_a_language() {
    let (kb, _) = Bench::new()
        .lexicon(
            "a.tsv",
            &[
                "A:1|en|first|0|T|",
                "A:1|en|copied|1|T|variant_or_misspelling",
                "A:1|en|second|1|T|",
                "A:1|en|third|1|T|",
                "A:1|en|first|0|T|",
            ],
        )
        .build();
    let names: Vec<_> = kb.terms().map(|t| (t.text, t.preferred)).collect();
    assert_eq!(names, [("second", true), ("first", false), ("copied", false), ("third", false)]);
}

#[test]
fn a_name_again_without_its_restriction_may_be_used() {
    let (kb, report) = Bench::new()
        .lexicon("a.tsv", &["A:1|en|Cancer|0|T|related", "A:1|en|ALL-1|0|T|abbreviation,odd"])
        .lexicon("b.tsv", &["A:1|en|Cancer|1|T|", "A:1|en|ALL-1|0|T|"])
        .build();
    assert_eq!(kb.terms().len(), 2);
    assert!({
        let t = kb.term(TermIndex(0));
        t.translation && t.preferred && t.flags.is_empty()
    });
    assert!(kb.term(TermIndex(1)).case_sensitive);
    assert_eq!((report.repeated_terms, report.unknown_flags.as_slice()), (2, ["odd".to_owned()].as_slice()));
    let counts: Vec<_> = report.sources.iter().map(|s| (s.concepts, s.terms, s.kept_terms)).collect();
    assert_eq!(counts, [(1, 2, 2), (0, 2, 0)]);
}

#[test]
fn the_same_sources_give_the_same_bytes() {
    let (one, two) = (small(), small());
    one.build();
    two.build();
    for name in ["concepts.parquet", "terms.parquet", "facts.parquet", "relations.parquet", "manifest.json"] {
        let read = |bench: &Bench| std::fs::read(bench.out().join(name)).unwrap();
        assert_eq!(read(&one), read(&two), "{name}");
    }
    assert!(!std::fs::read_to_string(one.out().join("manifest.json")).unwrap().contains("tmp"));
}

#[test]
fn the_report_reads_well() {
    let (_, report) = small().build();
    let text = report.to_string();
    assert!(text.contains("links: 3 read, 2 joined concepts"), "{text}");
    assert!(text.contains("1 dropped: unknown concept (for example "), "{text}");
    assert!(text.contains("2 concepts became members of others, at most 2 in one (HP:1 D:1)"), "{text}");
    assert!(text.contains("3 concepts named in both of en-zh"), "{text}");
    assert!(text.contains("relations without a label: related"), "{text}");
}

#[test]
fn the_parquet_tables_hold_the_same() {
    let bench = small();
    let (kb, _) = bench.build();
    let table = |name: &str| {
        let file = std::fs::File::open(bench.out().join(format!("{name}.parquet"))).unwrap();
        let batches: Vec<_> = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().collect();
        let [Ok(batch)] = batches.as_slice() else { panic!("one batch of {name} expected") };
        batch.clone()
    };
    fn strings(column: &ArrayRef) -> Vec<String> {
        column.as_string::<i32>().iter().map(|s| s.unwrap_or_default().to_owned()).collect()
    }
    let lists = |column: &ArrayRef| -> Vec<Vec<String>> {
        column.as_list::<i32>().iter().map(|list| strings(&list.unwrap())).collect()
    };
    let numbers = |column: &ArrayRef| column.as_primitive::<UInt32Type>().values().to_vec();
    let owned = |list: &mut dyn Iterator<Item = &str>| list.map(str::to_owned).collect::<Vec<_>>();
    let all = || (0..kb.concepts().len() as u32).map(ConceptIndex);
    let concepts = table("concepts");
    assert_eq!(strings(&concepts["id"]), owned(&mut kb.concepts().map(|c| c.id)));
    assert_eq!(lists(&concepts["members"]), all().map(|c| owned(&mut kb.members(c))).collect::<Vec<_>>());
    assert_eq!(lists(&concepts["semantic_types"]), all().map(|c| owned(&mut kb.semantic_types(c))).collect::<Vec<_>>());
    let terms = table("terms");
    assert_eq!(strings(&terms["term"]), owned(&mut kb.terms().map(|t| t.text)));
    assert_eq!(strings(&terms["lang"]), owned(&mut kb.terms().map(|t| t.lang)));
    assert_eq!(numbers(&terms["concept"]), kb.terms().map(|t| t.concept.0).collect::<Vec<_>>());
    assert_eq!(lists(&terms["flags"]), kb.terms().map(|t| t.flags.to_vec()).collect::<Vec<_>>());
    let preferred: Vec<_> = terms["preferred"].as_boolean().iter().map(Option::unwrap).collect();
    assert_eq!(preferred, kb.terms().map(|t| t.preferred).collect::<Vec<_>>());
    let facts = table("facts");
    assert_eq!(numbers(&facts["head"]), kb.facts().iter().map(|f| f.head.0).collect::<Vec<_>>());
    assert_eq!(numbers(&facts["tail"]), kb.facts().iter().map(|f| f.tail.0).collect::<Vec<_>>());
    let relations = table("relations");
    let label = strings(&relations["label"]).iter().position(|label| label == "可治疗").unwrap();
    let relation = numbers(&relations["number"])[label];
    assert_eq!(kb.relation_id(kbioxlm_knowledge::RelationIndex(relation)), "may_treat");
    assert_eq!(
        (&strings(&relations["relation"])[label], &strings(&relations["lang"])[label]),
        (&"may_treat".into(), &"zh".into())
    );
}

/// Text is read in pieces; whatever stands before a name, it is found, and so is one that is longer than a piece.
#[test]
fn names_are_found_wherever_they_stand() {
    let long = (0..300).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let rows = ["A:1|en|Acute renal failure|1|Disease|".to_owned(), format!("A:2|en|{long}|1|Disease|")];
    let (kb, _) = Bench::new().lexicon("lexicon.tsv", &rows.each_ref().map(String::as_str)).build();
    let matcher = Matcher::new(&kb, "en").unwrap();
    for before in 0..300 {
        let filler =
            ["acute ", "é, ", "w0 w1 "].map(|word| word.repeat(before / 3)).concat() + &"x ".repeat(before % 3);
        for name in ["acute RENAL failure", &long] {
            let text = format!("{filler}{name} failure. {name}");
            let found: Vec<_> = matcher.find(&text).into_iter().map(|m| m.bytes).collect();
            let places: Vec<_> = text.match_indices(name).map(|(at, name)| at..at + name.len()).collect();
            assert_eq!((found, places.len()), (places, 2), "behind {before} words");
        }
    }
}
