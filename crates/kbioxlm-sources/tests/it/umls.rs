//! The UMLS as NLM ships it: rows in the real layout, with the edge cases of its documentation.

use crate::common::{error, gzip, read, write};
use kbioxlm_sources::{Source, Umls, fuzz};
use std::io::Write;
use std::path::Path;

/// A row of MRCONSO from what matters: CUI, language, `TS STT ISPREF`, vocabulary, term type, code, name, SUPPRESS.
fn atom(cui: &str, lat: &str, status: [&str; 3], source: [&str; 3], name: &str, suppress: &str) -> String {
    let ([ts, stt, ispref], [sab, tty, code]) = (status, source);
    format!(
        "{cui}|{lat}|{ts}|L0000001|{stt}|S0000001|{ispref}|A0000001||M01|D01|{sab}|{tty}|{code}|{name}|0|{suppress}|256|\n"
    )
}

const PREFERRED: [&str; 3] = ["P", "PF", "Y"];
const SYNONYM: [&str; 3] = ["S", "VO", "N"];

fn conso() -> String {
    [
        atom("C0011849", "ENG", SYNONYM, ["MSH", "MH", "D003920"], "Diabetes Mellitus", "N"),
        atom("C0011849", "ENG", SYNONYM, ["MTH", "ACR", "NOCODE"], "DM", "N"),
        atom("C0011849", "ENG", SYNONYM, ["CHV", "SY", "0000003806"], "sugar diabetes", "N"),
        atom("C0011849", "ENG", PREFERRED, ["SNOMEDCT_US", "PT", "73211009"], "Diabetes mellitus", "N"),
        atom("C0011849", "ENG", SYNONYM, ["SNOMEDCT_US", "SY", "73211009"], "Diabetes mellitus", "N"),
        atom("C0011849", "ENG", SYNONYM, ["SNOMEDCT_US", "OP", "191041000"], "Diabetes NOS", "O"),
        atom("C0011849", "ENG", SYNONYM, ["ICD10", "PS", "E10-E14.9"], "DM unspecified", "Y"),
        atom("C0011849", "SPA", PREFERRED, ["MSHSPA", "MH", "D003920"], "diabetes mellitus", "N"),
        atom("C0011849", "CHI", PREFERRED, ["MDRCHI", "PT", "10012601"], "糖尿病", "N"),
        atom("C0011849", "XXX", PREFERRED, ["NEW", "PT", "1"], "unknown tongue", "N"),
        atom("C0020538", "ENG", PREFERRED, ["HPO", "PT", "HP:0000822"], " Hypertension ", "N"),
        atom("C0020538", "ENG", SYNONYM, ["OMIM", "PT", "MTHU000012"], "  ", "N"),
        atom("C0025598", "ENG", PREFERRED, ["RXNORM", "IN", "6809"], "Metformin", "N"),
        atom("C0025598", "ENG", SYNONYM, ["RXNORM", "BN", "151827"], "Glucophage", "N"),
    ]
    .concat()
}

const STY: &str = "C0011849|T047|B2.2.1.2.1|Disease or Syndrome|AT32679180|256|\n\
    C0011850|T047|B2.2.1.2.1|Disease or Syndrome|AT0000001||\n\
    C0020538|T047|B2.2.1.2.1|Disease or Syndrome|AT0000002|256|\n\
    C0025598|T109|A1.4.1.2.1|Organic Chemical|AT0000003|256|\n\
    C0025598|T121|A1.4.1.1.1|Pharmacologic Substance|AT0000004|256|\n";

const RANK: &str = "0699|MTH|PN|N|\n0675|MSH|MH|N|\n0668|SNOMEDCT_US|PT|N|\n0100|CHV|SY|N|\n";

/// A row of MRREL: the second concept stands in the relation to the first.
fn relation(first: &str, rel: &str, second: &str, rela: &str, sab: &str, suppress: &str) -> String {
    format!("{first}|A1|SCUI|{rel}|{second}|A2|SCUI|{rela}|R1||{sab}|{sab}||N|{suppress}||\n")
}

fn source(dir: &Path) -> Source {
    Source::Umls(Umls::new(dir))
}

fn release() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "MRCONSO.RRF", conso());
    write(dir.path(), "MRSTY.RRF", STY);
    write(dir.path(), "MRRANK.RRF", RANK);
    dir
}

#[test]
fn names_types_and_codes_are_read_in_the_order_of_the_file() {
    let dir = release();
    let log = read(&source(dir.path()));
    assert_eq!(
        log.records,
        [
            "1: type UMLS:C0011849 Disease or Syndrome",
            "1: term UMLS:C0011849 en Diabetes Mellitus preferred",
            "2: term UMLS:C0011849 en DM [abbreviation]",
            "3: term UMLS:C0011849 en sugar diabetes [layperson]",
            "4: term UMLS:C0011849 en Diabetes mellitus",
            "8: term UMLS:C0011849 es diabetes mellitus preferred",
            "9: term UMLS:C0011849 zh 糖尿病 preferred",
            "1: link UMLS:C0011849 MESH:D003920 Xref",
            "4: link UMLS:C0011849 SNOMED:73211009 Xref",
            "3: type UMLS:C0020538 Disease or Syndrome",
            "11: term UMLS:C0020538 en Hypertension preferred",
            "11: link UMLS:C0020538 HP:0000822 Xref",
            "4: type UMLS:C0025598 Organic Chemical",
            "5: type UMLS:C0025598 Pharmacologic Substance",
            "13: term UMLS:C0025598 en Metformin preferred",
            "14: term UMLS:C0025598 en Glucophage [brand_or_alt]",
            "13: link UMLS:C0025598 RXNORM:6809 Xref",
            "14: link UMLS:C0025598 RXNORM:151827 Xref",
        ]
    );
    assert_eq!(
        log.dropped,
        [
            "6: Obsolete Diabetes NOS",
            "7: Suppressed DM unspecified",
            "10: Language unknown tongue",
            "12: Empty C0020538"
        ]
    );
}

#[test]
fn without_ranks_the_status_of_the_name_decides() {
    let dir = release();
    std::fs::remove_file(dir.path().join("MRRANK.RRF")).unwrap();
    let terms = read(&source(dir.path()));
    assert!(terms.of("term").contains(&"UMLS:C0011849 en Diabetes mellitus preferred"));
    assert!(terms.of("term").contains(&"UMLS:C0011849 en Diabetes Mellitus"));
}

#[test]
fn options_choose_languages_vocabularies_types_and_suppressed_names() {
    let dir = release();
    let with = |change: fn(&mut Umls)| {
        let mut umls = Umls::new(dir.path());
        change(&mut umls);
        read(&Source::Umls(umls))
    };
    let log = with(|u| u.languages = vec!["zh".into()]);
    assert_eq!(log.of("term"), ["UMLS:C0011849 zh 糖尿病 preferred"]);
    assert_eq!(log.of("link").len(), 2, "codes are kept, for they need no language");

    let log = with(|u| u.vocabularies = vec!["MSHSPA".into()]);
    assert_eq!(log.of("term"), ["UMLS:C0011849 es diabetes mellitus preferred"]);

    for chosen in ["T121", "Pharmacologic Substance"] {
        let mut umls = Umls::new(dir.path());
        umls.semantic_types = vec![chosen.into()];
        let log = read(&Source::Umls(umls));
        assert_eq!(log.of("term").len(), 2);
        assert_eq!(log.of("type").len(), 2, "all types of a kept concept are told");
        assert!(log.dropped.contains(&"11: SemanticType Hypertension".to_owned()));
    }

    let log = with(|u| (u.suppressible, u.obsolete) = (true, false));
    assert!(log.of("term").contains(&"UMLS:C0011849 en DM unspecified"));
    assert!(!log.of("term").contains(&"UMLS:C0011849 en Diabetes NOS"));
    let log = with(|u| u.obsolete = true);
    assert!(log.of("term").contains(&"UMLS:C0011849 en Diabetes NOS"));

    let mut umls = Umls::new(dir.path());
    umls.languages = vec!["xx".into()];
    assert!(error(&Source::Umls(umls)).contains("found the language `xx` in the options"));
}

#[test]
fn rows_of_relations_read_from_right_to_left_and_inverses_fold() {
    let dir = release();
    let (diabetes, metformin, hypertension) = ("C0011849", "C0025598", "C0020538");
    let rows = [
        relation(diabetes, "RO", metformin, "may_treat", "MED-RT", "N"),
        relation(metformin, "RO", diabetes, "may_be_treated_by", "MED-RT", "N"),
        relation(hypertension, "CHD", diabetes, "isa", "SNOMEDCT_US", "N"),
        relation(diabetes, "PAR", hypertension, "inverse_isa", "SNOMEDCT_US", "N"),
        relation(hypertension, "CHD", diabetes, "", "MSH", "N"),
        relation(diabetes, "PAR", hypertension, "", "MSH", "N"),
        relation(diabetes, "RO", hypertension, "associated_with", "SNOMEDCT_US", "N"),
        relation(hypertension, "RO", diabetes, "associated_with", "SNOMEDCT_US", "N"),
        relation(diabetes, "SIB", hypertension, "", "MSH", "N"),
        relation(diabetes, "RO", hypertension, "", "MSH", "N"),
        relation(diabetes, "RQ", hypertension, "mapped_to", "SNOMEDCT_US", "N"),
        relation(diabetes, "RO", metformin, "may_prevent", "MED-RT", "O"),
        relation(diabetes, "SY", diabetes, "has_part", "MSH", "N"),
        relation(diabetes, "RN", metformin, "", "MTH", "N"),
        relation(metformin, "RB", diabetes, "", "MTH", "N"),
        // Found by fuzzing: the inverse of nothing.
        relation(diabetes, "RO", metformin, "inverse_", "MSH", "N"),
        relation(diabetes, "RO", "C9999999", "may_treat", "MED-RT", "N"),
    ];
    write(dir.path(), "MRREL.RRF", rows.concat());
    let log = read(&source(dir.path()));
    assert_eq!(
        log.of("fact"),
        [
            "UMLS:C0025598 may_treat UMLS:C0011849",
            "UMLS:C0025598 may_treat UMLS:C0011849",
            "UMLS:C0011849 is_a UMLS:C0020538",
            "UMLS:C0011849 is_a UMLS:C0020538",
            "UMLS:C0011849 is_a UMLS:C0020538",
            "UMLS:C0011849 is_a UMLS:C0020538",
            "UMLS:C0011849 associated_with UMLS:C0020538",
            "UMLS:C0011849 associated_with UMLS:C0020538",
            "UMLS:C0025598 broader UMLS:C0011849",
            "UMLS:C0025598 broader UMLS:C0011849",
        ]
    );
    let dropped: Vec<&str> = log.dropped.iter().skip(4).map(String::as_str).collect();
    assert_eq!(
        dropped,
        [
            "9: Relation SIB",
            "10: Relation RO",
            "11: Relation mapped_to",
            "12: Obsolete may_prevent",
            "13: Relation has_part",
            "16: Relation inverse_",
            "17: Subset may_treat"
        ]
    );

    let mut umls = Umls::new(dir.path());
    umls.relations = vec!["may_be_treated_by".into(), "mapped_to".into()];
    let log = read(&Source::Umls(umls.clone()));
    assert_eq!(
        log.of("fact").len(),
        3,
        "either name of a relation chooses it, and naming one overrides its being left out"
    );
    let said = relation(diabetes, "RO", metformin, "sees", "X", "N")
        + &relation(metformin, "RO", diabetes, "looks_at", "X", "N");
    write(dir.path(), "MRREL.RRF", said);
    umls.relations.clear();
    let both = ["UMLS:C0025598 sees UMLS:C0011849", "UMLS:C0011849 looks_at UMLS:C0025598"];
    assert_eq!(read(&Source::Umls(umls.clone())).of("fact"), both, "names that tell nothing");
    write(dir.path(), "MRDOC.RRF", "RELA|sees|rela_inverse|looks_at|\nRELA|looks_at|rela_inverse|sees|\n");
    assert_eq!(read(&Source::Umls(umls.clone())).of("fact"), ["UMLS:C0011849 looks_at UMLS:C0025598"; 2]);
    umls.facts = false;
    assert!(read(&Source::Umls(umls)).of("fact").is_empty());
}

/// The same release in one archive, as NLM ships it: each table split, each part compressed.
fn archive(path: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let deflated = stored.compression_method(zip::CompressionMethod::Deflated);
    let conso = conso();
    // The cut is in the middle of a row.
    let (first, second) = conso.split_at(conso.len() / 2);
    zip.start_file("2025AA/META/MRCONSO.RRF.ab.gz", stored).unwrap();
    zip.write_all(&gzip(second.as_bytes())).unwrap();
    zip.start_file("2025AA/META/MRCONSO.RRF.aa.gz", stored).unwrap();
    zip.write_all(&gzip(first.as_bytes())).unwrap();
    zip.start_file("2025AA/META/MRSTY.RRF", deflated).unwrap();
    zip.write_all(STY.as_bytes()).unwrap();
    zip.start_file("2025AA/META/MRRANK.RRF", stored).unwrap();
    zip.write_all(RANK.as_bytes()).unwrap();
    zip.start_file("2025AA/META/MRSAT.RRF.aa.gz", stored).unwrap();
    zip.write_all(b"not read").unwrap();
    zip.finish().unwrap();
}

#[test]
fn tables_may_be_compressed_split_deeper_or_in_archives() {
    let plain = release();
    let expected = read(&source(plain.path())).records;

    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "2025AA/META/MRCONSO.RRF.gz", gzip(conso().as_bytes()));
    write(dir.path(), "2025AA/META/MRSTY.RRF.gz", gzip(STY.as_bytes()));
    write(dir.path(), "2025AA/META/MRRANK.RRF", RANK);
    assert_eq!(read(&source(dir.path())).records, expected);

    let dir = tempfile::tempdir().unwrap();
    archive(&dir.path().join("2025aa-1-meta.nlm"));
    assert_eq!(read(&source(dir.path())).records, expected, "an archive in the directory");
    assert_eq!(read(&source(&dir.path().join("2025aa-1-meta.nlm"))).records, expected, "the archive itself");
    write(dir.path(), "MRSTY.RRF", "");
    assert!(read(&source(dir.path())).of("type").is_empty(), "an unpacked file comes before the archive's");
}

#[test]
fn errors_name_file_and_line() {
    let dir = release();
    let conso_at = |content: &str| {
        write(dir.path(), "MRCONSO.RRF", content);
        error(&source(dir.path()))
    };
    let good = conso();
    let swapped: Vec<&str> = good.lines().rev().collect();
    let message = conso_at(&swapped.join("\n"));
    assert!(message.contains("MRCONSO.RRF:3: found C0020538 after C0025598, expected rows in the order"), "{message}");
    let message = conso_at(&format!("{good}C0030000|ENG|P|\n"));
    assert!(message.contains("MRCONSO.RRF:15: found 3 cells, expected 18 cells"), "{message}");
    let message = conso_at(&good.replacen("C0011849", "C001 849", 1));
    assert!(message.contains("MRCONSO.RRF:1: found `C001 849` for a concept"), "{message}");
    write(dir.path(), "MRCONSO.RRF", &good);
    write(dir.path(), "MRRANK.RRF", "high|MTH|PN|N|\n");
    assert!(error(&source(dir.path())).contains("MRRANK.RRF:1: found `high` for a rank"));
    write(dir.path(), "MRRANK.RRF", RANK);
    write(dir.path(), "MRSTY.RRF", STY.lines().rev().collect::<Vec<_>>().join("\n"));
    assert!(error(&source(dir.path())).contains("MRSTY.RRF:3: found C0020538 after C0025598"));
    std::fs::remove_file(dir.path().join("MRSTY.RRF")).unwrap();
    let mut umls = Umls::new(dir.path());
    umls.semantic_types = vec!["T047".into()];
    assert!(error(&Source::Umls(umls)).contains("found no MRSTY.RRF"));
    write(dir.path(), "other/MRCONSO.RRF", &good);
    assert!(error(&source(dir.path())).contains("found MRCONSO.RRF in two places"));
    let empty = tempfile::tempdir().unwrap();
    assert!(error(&source(empty.path())).contains("found no MRCONSO.RRF"));
}

#[test]
fn a_damaged_part_or_archive_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let whole = gzip(conso().as_bytes());
    write(dir.path(), "MRCONSO.RRF.aa.gz", &whole);
    write(dir.path(), "MRCONSO.RRF.ab.gz", &whole[..whole.len() / 2]);
    let message = error(&source(dir.path()));
    // The second part repeats the first, whose order is wrong before the damage is reached: take it away.
    assert!(message.contains("MRCONSO.RRF:15: found C0011849 after C0025598"), "{message}");
    write(dir.path(), "MRCONSO.RRF.aa.gz", gzip(b""));
    let message = error(&source(dir.path()));
    assert!(message.contains("MRCONSO.RRF.ab.gz: found gzip data that is cut off or damaged"), "{message}");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.nlm");
    archive(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|w| w == b"0699|MTH").unwrap();
    bytes[at] = b'1';
    std::fs::write(&path, &bytes).unwrap();
    let message = error(&source(&path));
    assert!(message.contains("meta.nlm/2025AA/META/MRRANK.RRF: cannot read: the archive is cut off"), "{message}");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(error(&source(&path)).contains("meta.nlm: found "));
}

#[test]
fn options_are_read_from_toml_like_settings() {
    let json = r#"{"format": "umls", "path": "2025AA", "languages": ["en", "zh"], "obsolete": true}"#;
    let Source::Umls(umls) = serde_json::from_str(json).unwrap() else { panic!("another source") };
    assert!(umls.obsolete && umls.facts && umls.languages == ["en", "zh"]);
    let error = serde_json::from_str::<Source>(r#"{"format": "umls", "path": "x", "langs": []}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `langs`"), "{error}");
}

#[test]
fn the_entry_for_fuzzing_reads_all_tables() {
    let rel = relation("C0011849", "RO", "C0025598", "may_treat", "MED-RT", "N");
    let count = fuzz::umls(format!("{}%{STY}%{RANK}%{rel}", conso()).as_bytes()).unwrap();
    assert_eq!((count.records, count.dropped), (19, 4));
    assert!(fuzz::umls(b"\xff%|").is_err());
}
