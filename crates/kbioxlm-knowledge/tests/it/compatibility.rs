//! Knowledge bases that earlier versions wrote can still be read.

use kbioxlm_knowledge::{Description, KnowledgeBase, Matcher, NameRule, build, read_report};
use std::path::{Path, PathBuf};

/// Paths are relative to the crate, as they are where tests run: the report holds them.
const FIXTURE: &str = "tests/fixtures/knowledge-v5";

fn description() -> Description {
    let file = |name: &str| PathBuf::from("tests/fixtures/sources").join(name);
    let lexicons = vec![file("hpo.tsv"), file("drugs.tsv")];
    Description::of_tables(lexicons, vec![file("facts.tsv")], Some(file("relations.tsv")), vec![file("links.tsv")])
}

/// Run when the format has a new version: `cargo test -p kbioxlm-knowledge --test it compatibility -- --ignored`.
#[test]
#[ignore = "writes the fixture"]
fn write_fixture() {
    build(&description(), Path::new(FIXTURE)).unwrap();
}

#[test]
fn the_fixture_is_read() {
    let kb = KnowledgeBase::open(Path::new(FIXTURE)).unwrap();
    let ids: Vec<_> = kb.concepts().map(|c| (c.id, c.semantic_type)).collect();
    assert_eq!(ids, [("HP:0000822", "Phenotype"), ("HP:0001945", "Phenotype"), ("D:2", "Drug"), ("D:3", "Drug")]);
    let hypertension = kb.find_concept("D:1").unwrap();
    assert_eq!(kb.members(hypertension).collect::<Vec<_>>(), ["HP:0000822", "D:1"]);
    assert_eq!(kb.semantic_types(hypertension).collect::<Vec<_>>(), ["Phenotype", "Disease"]);
    let names = |id: &str| -> Vec<_> {
        kb.terms_of(kb.find_concept(id).unwrap())
            .map(|t| kb.term(t))
            .map(|t| (t.lang, t.text, t.flags.join(",")))
            .collect()
    };
    let none = String::new;
    assert_eq!(
        names("HP:0000822"),
        [
            ("en", "Hypertension", none()),
            ("en", "High blood pressure", "layperson".into()),
            ("en", "HTN", "abbreviation".into()),
            ("es", "Hipertensión", none()),
            ("zh", "高血压", none()),
            ("zh", "血压升高", none()),
        ]
    );
    assert_eq!(
        names("D:2"),
        [("en", "Captopril", none()), ("en", "Ka tuo pu li", "pinyin".into()), ("zh", "卡托普利", none())]
    );
    let text = "Captopril for HTN, not htn or Ka tuo pu li; HIGH  blood pressure.";
    let found = |lang: &str, text: &str| -> Vec<String> {
        let matcher = Matcher::new(&kb, lang).unwrap();
        matcher.find(text).into_iter().map(|m| format!("{}={}", &text[m.bytes], kb.concept(m.concept).id)).collect()
    };
    assert_eq!(found("en", text), ["Captopril=D:2", "HTN=HP:0000822", "HIGH  blood pressure=HP:0000822"]);
    assert_eq!(found("zh", "卡托普利可治疗高血压"), ["卡托普利=D:2", "高血压=HP:0000822"]);
    let [fact] = kb.facts() else { panic!("one fact expected") };
    assert_eq!((kb.concept(fact.head).id, kb.concept(fact.tail).id), ("D:2", "HP:0000822"));
    assert_eq!(kb.statement(fact, "zh").words, ["卡托普利", "可治疗", "高血压"]);
    let (written, report) = read_report(Path::new(FIXTURE)).unwrap();
    assert_eq!(written, description());
    assert_eq!(report.names.keys().collect::<Vec<_>>(), [&NameRule::Pinyin, &NameRule::StopWord]);
    assert_eq!(report.knowledge, kb.stats());
}
