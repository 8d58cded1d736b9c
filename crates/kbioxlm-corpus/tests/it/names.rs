//! What is put in the place of mentions: languages, shares, synonyms.

use crate::world::{Place, check_spans, config, facts, switches};
use kbioxlm_corpus::{AnchorConfig, Example, Languages, Level, Synonyms};

fn entity() -> AnchorConfig {
    AnchorConfig { languages: ["en", "zh", "es"].into_iter().collect(), ..config(&[Level::Entity]) }
}

/// The names put into `count` documents of this text.
fn put_in(text: &str, count: usize, settings: &AnchorConfig) -> Vec<String> {
    let examples = Place::new().texts("en", &vec![text; count]).build(settings);
    examples.iter().for_each(check_spans);
    examples.iter().flat_map(|e| switches(e)).map(str::to_owned).collect()
}

#[test]
fn languages_are_chosen_by_weight() {
    let chinese = |languages: Languages| {
        let names = put_in("Fever.", 400, &AnchorConfig { languages, ..entity() });
        assert_eq!(names.len(), 400);
        names.iter().filter(|name| !name.is_ascii()).count()
    };
    let (mostly, rarely) = (chinese([("zh", 9.0), ("es", 1.0)].into()), chinese([("zh", 1.0), ("es", 9.0)].into()));
    assert!((330..390).contains(&mostly), "{mostly} of 400, about 360 expected");
    assert!((10..70).contains(&rarely), "{rarely} of 400, about 40 expected");
    assert!((150..250).contains(&chinese(entity().languages)), "without weights as often as Spanish");
}

#[test]
fn weights_are_for_facts_too() {
    let texts = ["Aspirin may treat fever and headache."; 200];
    let settings = AnchorConfig {
        languages: [("zh", 9.0), ("es", 1.0)].into(),
        min_chunk: 10,
        min_tail: 5,
        ..config(&[Level::Fact])
    };
    let examples = Place::new().texts("en", &texts).build(&settings);
    let chinese = examples.iter().filter(|e| e.id.ends_with(":zh")).count();
    assert!((160..198).contains(&chinese), "{chinese} of 200, about 180 expected");
}

#[test]
fn languages_are_written_as_a_list_or_a_table() {
    let read = |json: &str| serde_json::from_str::<Languages>(json);
    assert_eq!(read(r#"["zh", "es"]"#).unwrap(), read(r#"{"es": 1, "zh": 1}"#).unwrap());
    let weighted = read(r#"{"zh": 2, "es": 1}"#).unwrap();
    assert_eq!(weighted, [("zh", 2.0), ("es", 1.0)].into());
    assert_eq!(serde_json::to_string(&weighted).unwrap(), r#"{"es":1.0,"zh":2.0}"#);
    assert_eq!(serde_json::to_string(&read(r#"["zh", "es"]"#).unwrap()).unwrap(), r#"["es","zh"]"#);
    assert!(read("3").unwrap_err().to_string().contains("a list of languages, or a table"));
}

#[test]
fn a_share_of_the_mentions_is_switched() {
    let text = "Fever, headache, aspirin, influenza, pneumonia and ibuprofen. ";
    let switched = |text: &str, count, switch_share, max_switches| {
        put_in(text, count, &AnchorConfig { switch_share, max_switches, ..entity() }).len()
    };
    assert_eq!(switched(&text.repeat(4), 10, 0.25, 99), 60, "6 of 24 mentions in each");
    assert_eq!(switched(&text.repeat(4), 10, 0.25, 5), 50, "max_switches is an upper bound still");
    assert_eq!(switched(text, 5, 0.0, 99), 0);
    assert_eq!(switched(text, 5, 1.0, 99), 30);
    let rounded = switched("Fever, headache, aspirin.", 300, 0.5, 99);
    assert!((400..500).contains(&rounded), "{rounded} of 900, about 450 expected");
}

#[test]
fn synonyms_are_sampled_on_request() {
    let settings = |synonyms| AnchorConfig { synonyms, languages: ["zh"].into_iter().collect(), ..entity() };
    let preferred = put_in("Fever.", 50, &settings(Synonyms::Preferred));
    assert!(preferred.iter().all(|name| name == "发热"), "{preferred:?}");
    let sampled = put_in("Fever.", 50, &settings(Synonyms::Sampled));
    let second = sampled.iter().filter(|name| *name == "发烧").count();
    assert!((10..40).contains(&second) && sampled.len() == 50, "{sampled:?}");
}

#[test]
fn sampled_synonyms_reach_facts() {
    let told = |synonyms| {
        let settings = AnchorConfig { synonyms, min_chunk: 10, min_tail: 5, ..config(&[Level::Fact]) };
        let place = Place::new().texts("en", &["Aspirin may treat fever."; 30]).texts("zh", &["头痛"]);
        let examples: Vec<Example> = place.build(&settings);
        examples.iter().for_each(check_spans);
        let tails = |lang: &str| -> std::collections::BTreeSet<String> {
            let of = examples.iter().filter(|e| e.id.ends_with(&format!(":{lang}")));
            of.flat_map(|e| facts(e).into_iter().map(|f| f[2].to_owned()).collect::<Vec<_>>()).collect()
        };
        (tails("en"), tails("zh"))
    };
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(told(Synonyms::Preferred), (set(&["Fever"]), set(&["发热"])));
    assert_eq!(told(Synonyms::Sampled), (set(&["Fever", "pyrexia"]), set(&["发热", "发烧"])));
}
