//! Babelon tables in the layouts in which the Human Phenotype Ontology's translations are published.

use crate::common::{error, gzip, read, write};
use kbioxlm_sources::{Babelon, Source, Status, fuzz};
use tempfile::tempdir;

/// Like `hp-zh.babelon.tsv`: few columns, cells with commas in quotes.
const CHINESE: &str = "source_language\ttranslation_language\tsubject_id\tpredicate_id\tsource_value\ttranslation_value\ttranslation_status\n\
    en\tzh\tHP:0000001\trdfs:label\tAll\t所有词汇\tOFFICIAL\n\
    en\tzh\tHP:0000033\trdfs:label\t\"Ambiguous genitalia, male\"\t男性外阴性别不明\tOFFICIAL\n\
    en\tzh-TW\tHP:0000034\trdfs:label\tHydrocele testis\t睪丸鞘膜積液\tCANDIDATE\n";

/// Like `hp-de.babelon.tsv`: other columns in another order, several kinds of names, comments.
const GERMAN: &str = "#babelon_version: 0.1\n\
    # curie_map:\n\
    source_language\tsource_value\tsubject_id\tpredicate_id\ttranslation_language\ttranslation_value\ttranslation_status\t\
    translation_precision\ttranslator\ttranslator_expertise\ttranslation_date\tcomment\n\
    en\tFever\tHP:0001945\trdfs:label\tde\tFieber\tOFFICIAL\tEXACT\torcid:0000-0002-0000-0000\tDOMAIN_EXPERT\t2024-12-10\t\n\
    en\tPyrexia\tHP:0001945\toboInOwl:hasExactSynonym\tde\tPyrexie\tCANDIDATE\t\tDeepL\tALGORITHM\t2024-05-08\tpreview\n\
    en\tInsulinoma\tHP:0012197\trdfs:label\tde\tInsulinoma\tUNDER_REVIEW\tclose\tDeepL\tALGORITHM\t2024-05-08\t\n\
    en\tHot body\tHP:0001945\toio:hasBroadSynonym\tde\theißer  Körper\t\tBROADER\t\t\t\t\n\
    # a remark\n\
    en\t\"A raised temperature;\tor\n\"\"fever\"\".\"\tHP:0001945\tIAO:0000115\tde\t\"Erhöhte\nTemperatur\"\tOFFICIAL\t\t\t\t\t\n\
    en\tCough\tHP:0012735\trdfs:label\tde\tCough\tNOT_TRANSLATED\t\t\t\t\t\n\
    en\tSneeze\tHP:0025095\trdfs:label\tde\t \tOFFICIAL\t\t\t\t\t\n\
    en\tSome page\thttp://example.org/x\trdfs:label\tde\tSeite\tOFFICIAL\t\t\t\t\t\n\
    \n\
    en\tPain\thttp://purl.obolibrary.org/obo/HP_0012531\thttp://www.w3.org/2000/01/rdf-schema#label\tde\t\"so \"\"genannter\"\"\nSchmerz\"\tOFFICIAL\tNARROWER\t\t\t\t\n";

fn babelon(dir: &tempfile::TempDir, content: &str) -> Babelon {
    Babelon::new(write(dir.path(), "hp.babelon.tsv", content))
}

#[test]
fn names_with_few_columns() {
    let dir = tempdir().unwrap();
    let expected = [
        "HP:0000001 zh 所有词汇 preferred",
        "HP:0000033 zh 男性外阴性别不明 preferred",
        "HP:0000034 zh-Hant 睪丸鞘膜積液 preferred [candidate]",
    ];
    let source = Source::Babelon(babelon(&dir, CHINESE));
    assert_eq!(read(&source).of("term"), expected);
    let zipped = write(dir.path(), "hp-zh.babelon.tsv.gz", gzip(CHINESE.replace('\n', "\r\n").as_bytes()));
    assert_eq!(read(&Source::Babelon(Babelon::new(zipped))).of("term"), expected);
}

#[test]
fn status_scope_and_precision_become_flags() {
    let dir = tempdir().unwrap();
    let log = read(&Source::Babelon(babelon(&dir, GERMAN)));
    assert_eq!(
        log.records,
        [
            "4: term HP:0001945 de Fieber preferred",
            "5: term HP:0001945 de Pyrexie [candidate]",
            "6: term HP:0012197 de Insulinoma preferred [candidate,related,untranslated]",
            "7: term HP:0001945 de heißer Körper [candidate,broad]",
            "16: term HP:0012531 de so \"genannter\" Schmerz preferred [narrow]",
        ]
    );
    assert_eq!(log.dropped, ["12: Status Cough", "13: Empty HP:0025095", "14: Vocabulary http://example.org/x"]);
}

#[test]
fn options_choose_languages_and_statuses() {
    let dir = tempdir().unwrap();
    let official = Babelon { statuses: vec![Status::Official], ..babelon(&dir, GERMAN) };
    let log = read(&Source::Babelon(official));
    assert_eq!(log.of("term").len(), 2);
    assert_eq!(log.dropped.iter().filter(|d| d.contains("Status")).count(), 4);
    let french = Babelon { languages: vec!["fr".to_owned()], ..babelon(&dir, GERMAN) };
    let log = read(&Source::Babelon(french));
    assert!(log.records.is_empty() && log.dropped.contains(&"4: Language Fieber".to_owned()), "{:?}", log.dropped);

    let json = r#"{"format":"babelon","path":"hp-de.babelon.tsv","statuses":["official","under_review"]}"#;
    let Source::Babelon(parsed) = serde_json::from_str(json).unwrap() else { panic!("another source") };
    assert_eq!(parsed.statuses, [Status::Official, Status::UnderReview]);
    let unknown = serde_json::from_str::<Source>(r#"{"format":"babelon","path":"x","status":"official"}"#);
    assert!(unknown.unwrap_err().to_string().contains("unknown field `status`"));
}

#[test]
fn errors_name_file_and_line() {
    let dir = tempdir().unwrap();
    let of = |content: &str| error(&Source::Babelon(babelon(&dir, content)));
    let header = CHINESE.lines().next().unwrap();
    for (content, place, found) in [
        (
            String::new(),
            "hp.babelon.tsv: ",
            "found no table, expected a header line with the tab-separated columns subject_id",
        ),
        ("# only\n\nsubject_id\tpredicate_id\n".to_owned(), ":3: ", "expected a column `translation_language`"),
        (format!("{header}\nen\tzh\tHP:1\n"), ":2: ", "found 3 cells, expected 7 cells"),
        (format!("{header}\nen\tz h\tHP:0000001\trdfs:label\ta\tb\tOFFICIAL\n"), ":2: ", "found `z h` for a language"),
        (
            format!("{header}\nen\tzh\tHP:0000001\trdfs:label\t\"a\tb\tOFFICIAL\n"),
            ":2: ",
            "a quote which is never closed",
        ),
        (format!("{header}\n\"{}", "a\n".repeat(200)), ":2: ", "a quote which is never closed"),
    ] {
        let error = of(&content);
        assert!(error.contains(place) && error.contains(found), "{error}");
    }
}

#[test]
fn any_bytes_are_survived() {
    for end in 0..GERMAN.len() {
        let _ = fuzz::babelon(&GERMAN.as_bytes()[..end]);
    }
    let mut count = 0;
    for at in 0..GERMAN.len() {
        let mut bytes = GERMAN.as_bytes().to_vec();
        for bad in *b"\"\t\n#\xff" {
            bytes[at] = bad;
            count += usize::from(fuzz::babelon(&bytes).is_ok());
        }
    }
    assert!(count > 0);
}
