//! Wikidata's JSON dump: entities in the layout in which Wikibase writes them, one a line.

use crate::common::{self, error, gzip, read, write};
use kbioxlm_sources::{Source, Wikidata, fuzz};
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// A claim about another entity.
fn about(property: &str, id: u64, rank: &str) -> String {
    format!(
        r#"{{"mainsnak":{{"snaktype":"value","property":"{property}","datavalue":{{"value":{{"entity-type":"item","numeric-id":{id},"id":"Q{id}"}},"type":"wikibase-entityid"}},"datatype":"wikibase-item"}},"type":"statement","id":"Q1$0F","rank":"{rank}"}}"#
    )
}

/// A claim that gives an id, with qualifiers if any.
fn external(property: &str, id: &str, more: &str) -> String {
    format!(
        r#"{{"mainsnak":{{"snaktype":"value","property":"{property}","datavalue":{{"value":"{id}","type":"string"}},"datatype":"external-id"}},"type":"statement",{more}"id":"Q1$0F","rank":"normal","references":[{{"hash":"0","snaks":{{"P854":[]}},"snaks-order":["P854"]}}]}}"#
    )
}

fn without_value(property: &str, kind: &str) -> String {
    format!(
        r#"{{"mainsnak":{{"snaktype":"{kind}","property":"{property}","datatype":"wikibase-item"}},"type":"statement","id":"Q1$0F","rank":"normal"}}"#
    )
}

fn claims(groups: &[(&str, &[String])]) -> String {
    let groups: Vec<String> = groups.iter().map(|(p, list)| format!("\"{p}\":[{}]", list.join(","))).collect();
    format!("{{{}}}", groups.join(","))
}

fn entity(id: &str, labels: &str, aliases: &str, claims: &str, sitelinks: &str) -> String {
    format!(
        r#"{{"type":"item","id":"{id}","labels":{labels},"descriptions":[],"aliases":{aliases},"claims":{claims},"sitelinks":{sitelinks},"pageid":1,"ns":0,"title":"{id}","lastrevid":1,"modified":"2025-01-01T00:00:00Z"}}"#
    )
}

const LABELS: &str = r#"{"en":{"language":"en","value":"aspirin"},"en-gb":{"language":"en-gb","value":"Aspirin BP"},"zh":{"language":"zh","value":"\u963f\u65af\u5339\u9748"},"zh-hans":{"language":"zh-hans","value":"\u963f\u53f8\u5339\u6797"},"zh-cn":{"language":"zh-cn","value":"\u963f\u53f8\u5339\u6797"},"zh-hant":{"language":"zh-hant","value":"\u963f\u65af\u5339\u9748"},"de":{"language":"de","value":"Acetylsalicyls\u00e4ure"},"simple":{"language":"simple","value":"pill"}}"#;
const ALIASES: &str = r#"{"en":[{"language":"en","value":"ASA"},{"language":"en","value":"aspirin"},{"language":"en","value":" "}],"zh":[{"language":"zh","value":"\u4e59\u9170\u6c34\u6768\u9178"}]}"#;
const TITLES: &str = r#"{"enwiki":{"site":"enwiki","title":"Aspirin (drug)","badges":["Q17437796"]},"zhwiki":{"site":"zhwiki","title":"\u963f\u53f8\u5339\u6797","badges":[]},"frwiki":{"site":"frwiki","title":"Acide ac\u00e9tylsalicylique","badges":[]},"commonswiki":{"site":"commonswiki","title":"Category:Aspirin","badges":[]},"enwikiquote":{"site":"enwikiquote","title":"Aspirin","badges":[]}}"#;

/// A medication with everything, and what is left out for one reason or another.
fn dump() -> String {
    let exact = r#""qualifiers":{"P4390":[{"snaktype":"value","property":"P4390","hash":"0","datavalue":{"value":{"entity-type":"item","numeric-id":39893449,"id":"Q39893449"},"type":"wikibase-entityid"},"datatype":"wikibase-item"}]},"qualifiers-order":["P4390"],"#;
    let broad = exact.replace("39893449", "39894595");
    let aspirin = claims(&[
        (
            "P31",
            &[about("P31", 12_140, "normal"), about("P31", 113_145_171, "normal"), about("P31", 8_386, "deprecated")],
        ),
        ("P279", &[about("P279", 8_386, "normal")]),
        ("P486", &[external("P486", "D001241", exact), external("P486", "D000894", &broad)]),
        ("P267", &[external("P267", "N02BA01", "")]),
        ("P231", &[external("P231", "50-78-2", "")]),
        ("P715", &[external("P715", "00945", ""), external("P715", "none", "")]),
        (
            "P2175",
            &[
                about("P2175", 86, "preferred"),
                about("P2175", 38_933, "deprecated"),
                without_value("P2175", "somevalue"),
            ],
        ),
        ("P3780", &[about("P3780", 900, "normal")]),
        (
            "P129",
            &[about("P129", 7_187, "normal"), about("P129", 99_999_999, "normal"), about("P129", 18_216, "normal")],
        ),
        ("P61", &[about("P61", 84_533, "normal")]),
        ("P18", &[external("P18", "Aspirin.svg", "")]),
    ]);
    let page = claims(&[("P31", &[about("P31", 4_167_410, "normal")]), ("P486", &[external("P486", "D001241", "")])]);
    let deprecated = claims(&[("P486", &[external("P486", "D000001", "").replace("normal", "deprecated")])]);
    let disease = claims(&[("P279", &[about("P279", 12_136, "normal")])]);
    let old = r#"{"P486":[{"mainsnak":{"snaktype":"value","property":"P486","datavalue":{"value":"D005334","type":"string"}},"type":"statement","rank":"normal"}],"P780":[{"mainsnak":{"snaktype":"value","property":"P780","datavalue":{"value":{"entity-type":"item","numeric-id":86},"type":"wikibase-entityid"}},"rank":"normal"}]}"#;
    let mul = r#"{"mul":{"language":"mul","value":"BRCA1"},"ja":{"language":"ja","value":"BRCA1"}}"#;
    let property = r#"{"type":"property","datatype":"external-id","id":"P486","labels":{},"claims":{}}"#;
    let entities = [
        entity("Q18216", LABELS, ALIASES, &aspirin, TITLES),
        entity("Q5", r#"{"en":{"language":"en","value":"human"}}"#, "[]", "[]", "[]"),
        entity("Q2", "[]", "{}", &page, "{}"),
        entity("Q3", "[]", "{}", &deprecated, "{}"),
        entity("Q4", r#"{"en":{"language":"en","value":"rare thing"}}"#, "[]", &disease, "[]"),
        entity("Q38933", r#"{"en":{"language":"en","value":"fever"}}"#, "[]", old, "[]"),
        entity("Q227339", mul, "[]", &claims(&[("P351", &[external("P351", "672", "")])]), "[]"),
        property.to_owned(),
    ];
    format!("[\n{}\n]\n", entities.join(",\n"))
}

fn wikidata(dir: &TempDir, content: &str) -> Wikidata {
    Wikidata::new(write(dir.path(), "dump.json", content))
}

fn of<'l>(log: &'l common::Log, kind: &str, concept: &str) -> Vec<&'l str> {
    log.of(kind).into_iter().filter_map(|r| r.strip_prefix(concept)).map(str::trim).collect()
}

#[test]
fn an_entity_gives_names_types_links_and_facts() {
    let dir = tempdir().unwrap();
    let asked = Wikidata { languages: vec!["en".into(), "zh".into(), "fr".into()], ..wikidata(&dir, &dump()) };
    let log = read(&Source::Wikidata(asked));
    assert_eq!(
        of(&log, "term", "wd:Q18216"),
        [
            "en aspirin preferred",
            "en Aspirin BP [uk_spelling]",
            "en ASA [from_alias]",
            "fr Acide acétylsalicylique preferred",
            "zh 阿司匹林 preferred",
            "zh 阿斯匹靈",
            "zh 乙酰水杨酸 [from_alias]",
            "zh-Hant 阿斯匹靈 preferred",
        ]
    );
    assert_eq!(of(&log, "type", "wd:Q18216"), ["medication", "chemical compound"]);
    assert_eq!(
        of(&log, "link", "wd:Q18216"),
        ["MESH:D001241 Xref", "CAS:50-78-2 Xref", "DRUGBANK:DB00945 Xref"],
        "an ATC code is shared by many, and one MeSH heading is said to be wider"
    );
    assert_eq!(
        log.of("fact").into_iter().filter(|f| f.contains("Q18216")).collect::<Vec<_>>(),
        [
            "wd:Q18216 instance_of wd:Q12140",
            "wd:Q18216 instance_of wd:Q113145171",
            "wd:Q18216 is_a wd:Q8386",
            "wd:Q18216 may_treat wd:Q86",
            "wd:Q900 has_active_ingredient wd:Q18216",
            "wd:Q18216 physically_interacts_with wd:Q7187",
            "wd:Q18216 physically_interacts_with wd:Q99999999",
        ]
    );
    let dropped: Vec<&str> = log.dropped.iter().filter(|d| d.starts_with("2: ")).map(String::as_str).collect();
    assert_eq!(
        dropped,
        [
            "2: Language Acetylsalicylsäure",
            "2: Language pill",
            "2: Empty Q18216",
            "2: Obsolete Q18216",
            "2: Vocabulary none",
            "2: Obsolete Q18216",
            "2: Empty Q18216",
            "2: Relation physically_interacts_with",
            "2: Relation P61",
        ]
    );
}

#[test]
fn the_subset_is_chosen_by_property_or_class() {
    let dir = tempdir().unwrap();
    let log = read(&Source::Wikidata(wikidata(&dir, &dump())));
    let subset = |log: &common::Log| {
        log.dropped.iter().filter(|d| d.contains("Subset")).map(|d| d.replace(" Subset", "")).collect::<Vec<_>>()
    };
    assert_eq!(subset(&log), ["3: Q5", "4: Q2", "5: Q3", "6: Q4", "9: P486"]);
    assert_eq!(of(&log, "term", "wd:Q38933"), ["en fever preferred"]);
    assert_eq!(of(&log, "fact", "wd:Q38933"), ["has_symptom wd:Q86"], "dumps of before 2017 give numbers only");
    assert_eq!(of(&log, "term", "wd:Q227339"), ["en BRCA1 preferred", "ja BRCA1 preferred"]);
    assert_eq!(of(&log, "link", "wd:Q227339"), ["NCBIGENE:672 Xref"]);

    let class = Wikidata { classes: vec!["Q12136".into()], ..wikidata(&dir, &dump()) };
    let log = read(&Source::Wikidata(class));
    assert_eq!(of(&log, "term", "wd:Q4"), ["en rare thing preferred"]);
    assert_eq!(of(&log, "type", "wd:Q4"), ["disease"]);

    let few = Wikidata { properties: Some(vec!["P351".into()]), ..wikidata(&dir, &dump()) };
    let log = read(&Source::Wikidata(few));
    assert_eq!(log.of("term").len(), 2);
    assert_eq!(subset(&log).len(), 7);
    let none = Wikidata { properties: Some(vec![]), ..wikidata(&dir, &dump()) };
    assert!(read(&Source::Wikidata(none)).records.is_empty());
}

#[test]
fn options_choose_titles_relations_and_links() {
    let dir = tempdir().unwrap();
    let options = Wikidata {
        languages: vec!["fr".into()],
        titles: false,
        relations: Some(vec!["may_treat".into()]),
        links: Some(vec!["atc".into()]),
        ..wikidata(&dir, &dump())
    };
    let log = read(&Source::Wikidata(options.clone()));
    assert!(log.of("term").is_empty());
    assert_eq!(log.of("fact"), ["wd:Q18216 may_treat wd:Q86"]);
    assert_eq!(log.of("link"), ["wd:Q18216 ATC:N02BA01 Xref"]);
    assert!(log.dropped.contains(&"2: Relation is_a".to_owned()));
    assert!(read(&Source::Wikidata(Wikidata { facts: false, ..options })).of("fact").is_empty());

    let json = r#"{"format":"wikidata","path":"latest-all.json.bz2","languages":["en"],"properties":["P486"]}"#;
    let Source::Wikidata(parsed) = serde_json::from_str(json).unwrap() else { panic!("another source") };
    assert!(parsed.titles && parsed.facts && parsed.path == Path::new("latest-all.json.bz2"));
    let bad = Wikidata { properties: Some(vec!["486".into()]), ..wikidata(&dir, &dump()) };
    assert!(
        error(&Source::Wikidata(bad)).contains("found `486` in the option `properties`, expected ids such as `P486`")
    );
}

#[test]
fn titles_lose_their_parenthesis() {
    let dir = tempdir().unwrap();
    let titles = r#"{"enwiki":{"site":"enwiki","title":"Mercury (element)","badges":[]}}"#;
    let line = entity("Q925", "[]", "[]", &claims(&[("P683", &[external("P683", "16170", "")])]), titles);
    let log = read(&Source::Wikidata(wikidata(&dir, &line)));
    assert_eq!(log.of("term"), ["wd:Q925 en Mercury preferred [disambiguated]"]);
}

#[test]
fn brackets_commas_and_compression_do_not_matter() {
    let dir = tempdir().unwrap();
    let whole = dump();
    let said = |path| {
        let log = read(&Source::Wikidata(Wikidata::new(path)));
        log.records.into_iter().map(|r| r.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let expected = said(write(dir.path(), "dump.json", &whole));
    assert_eq!(expected.len(), 27);
    let lines = whole.trim_start_matches("[\n").trim_end_matches("\n]\n").replace(",\n", "\r\n");
    assert_eq!(said(write(dir.path(), "lines.ndjson", lines)), expected);
    assert_eq!(said(write(dir.path(), "dump.json.gz", gzip(whole.as_bytes()))), expected);
    // As other programs write it: blanks between, keys in another order.
    let spaced = whole.replace("\":", "\" : ").replace("\",\"", "\" , \"");
    assert_eq!(said(write(dir.path(), "spaced.json", spaced)), expected);
}

#[test]
fn errors_name_file_and_line() {
    let dir = tempdir().unwrap();
    let of = |content: &str| error(&Source::Wikidata(wikidata(&dir, content)));
    let whole = dump();
    let cut = &whole[..whole.len() / 2];
    let cut_line = cut.lines().count();
    assert!(of(cut).contains(&format!("dump.json:{cut_line}: found `{{\"type\":\"item\"")), "{}", of(cut));
    let without_end = whole.trim_end_matches("]\n");
    assert!(of(without_end).contains("dump.json:9: found the end of the file, expected a line `]`"));
    assert!(of(&format!("{whole}{{}}\n")).contains("dump.json:11: found `{}`"), "after the end");
    assert!(of("id,label\n").contains("dump.json:1: found `id,label`, expected one entity a line"));
    let label = whole.replacen("\"value\":\"aspirin\"", "\"value\":1", 1);
    assert!(of(&label).contains("dump.json:2: found invalid type: integer `1`, expected a string"), "{}", of(&label));
    let claim = whole.replacen("\"value\":\"D001241\"", "\"value\":{}", 1);
    assert!(of(&claim).contains("dump.json:2: found invalid type: map"), "{}", of(&claim));
    let deep = format!("{{\"P486\":{}}}", "[".repeat(100_000));
    assert!(of(&deep).contains("dump.json:1: "), "a deep line is an error, and no overflow");
}

#[test]
fn any_bytes_are_survived() {
    let text = dump();
    let mut count = 0;
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.as_bytes().to_vec();
        let _ = fuzz::wikidata(&bytes[..at]);
        for bad in *b"\"\\[{}1\xff" {
            bytes[at] = bad;
            count += usize::from(fuzz::wikidata(&bytes).is_ok());
        }
    }
    assert!(count > 0);
}
