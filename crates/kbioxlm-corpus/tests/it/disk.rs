//! Corpora on disk: verified when opened, readable by later versions.

use crate::passages::articles;
use crate::world::{Place, check_spans, config, examples};
use kbioxlm_corpus::{AnchorConfig, Corpus, Example, FORMAT_VERSION, Level, PassageLabel, Source};
use std::path::PathBuf;

fn small() -> (Place, AnchorConfig) {
    let text = "Aspirin and ibuprofen lower fever in influenza.";
    let place = Place::new().texts("en", &[text]).texts("zh", &["阿司匹林可治疗发热、头痛。"]);
    (place, AnchorConfig { min_chunk: 10, min_tail: 5, ..config(&[Level::Plain, Level::Entity, Level::Fact]) })
}

#[test]
fn a_changed_or_foreign_directory_is_refused() {
    let (place, settings) = small();
    let corpus = place.try_build(&settings).unwrap();
    assert_eq!(corpus.len(), examples(&corpus).len());
    assert_eq!(corpus.hash(), kbioxlm_files::hash_file(&place.path("corpus/examples.parquet")).unwrap());
    let open = || Corpus::open(&place.path("corpus")).unwrap_err().to_string();

    let parquet = place.path("corpus/examples.parquet");
    let content = std::fs::read(&parquet).unwrap();
    std::fs::write(&parquet, &content[..content.len() - 9]).unwrap();
    assert!(open().contains("examples.parquet: found content of hash"), "{}", open());
    std::fs::remove_file(&parquet).unwrap();
    assert!(open().contains("examples.parquet: cannot open"), "{}", open());

    let manifest = place.path("corpus/manifest.json");
    let newer = std::fs::read_to_string(&manifest).unwrap().replace("\"version\": 2", "\"version\": 99");
    std::fs::write(&manifest, newer).unwrap();
    assert!(open().contains("format kbioxlm-corpus version 99"), "{}", open());
    std::fs::remove_file(&manifest).unwrap();
    assert!(open().contains("manifest.json"), "{}", open());
}

#[test]
fn foreign_parquet_is_refused() {
    // A directory whose manifest fits but whose table has other columns: the knowledge base's own, for example.
    let (place, settings) = small();
    place.try_build(&settings).unwrap();
    let foreign = crate::world::WORLD.0.path().join("kb");
    let table = std::fs::read_dir(foreign)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "parquet"));
    let content = std::fs::read(table.unwrap()).unwrap();
    let parquet = place.path("corpus/examples.parquet");
    let manifest = place.path("corpus/manifest.json");
    let hashes = [kbioxlm_files::hash_file(&parquet).unwrap(), kbioxlm_files::hash_bytes(&content)];
    std::fs::write(&parquet, content).unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap().replace(&hashes[0], &hashes[1]);
    std::fs::write(&manifest, text).unwrap();
    let corpus = Corpus::open(&place.path("corpus")).unwrap();
    let error = corpus.examples().err().unwrap().to_string();
    assert!(error.contains("expected the columns id, level"), "{error}");
}

fn fixture(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/corpus-v{version}"))
}

/// Writes the fixture; to be run by hand when the format gets a new version.
#[test]
#[ignore = "writes the fixture of the current format version"]
fn write_fixture() {
    let (place, settings) = small();
    let rows: String = articles().lines().step_by(3).take(2).map(|l| format!("{l}\n")).collect();
    let rows = rows + &articles().lines().skip(1).step_by(3).take(2).map(|l| format!("{l}\n")).collect::<String>();
    let place = place.passages(&rows);
    place.build_into(&fixture(FORMAT_VERSION), &AnchorConfig { levels: Level::ALL.to_vec(), ..settings }).unwrap();
}

/// What every version says, whatever it says beyond.
fn read_fixture(version: u32) -> Vec<Example> {
    let corpus = Corpus::open(&fixture(version)).unwrap();
    let examples = examples(&corpus);
    assert_eq!(corpus.len(), examples.len());
    examples.iter().for_each(check_spans);
    let of = |id: &str| examples.iter().find(|e| e.id == id).unwrap();
    assert_eq!(of("entity:en:d0:switched").segments[0].text, "阿司匹林 and 布洛芬 lower 发热 in 流感.");
    assert_eq!(of("fact:zh:d0:0:mixed").segments.len(), 3);
    let labels: std::collections::BTreeSet<_> = examples.iter().filter_map(|e| e.label).collect();
    assert!(labels.into_iter().eq(PassageLabel::ALL));
    examples
}

#[test]
fn a_corpus_of_format_version_1_is_read() {
    let examples = read_fixture(1);
    assert!(examples.iter().all(|e| e.segments.iter().all(|s| s.source.is_none())));
}

#[test]
fn a_corpus_of_format_version_2_is_read() {
    let examples = read_fixture(2);
    let switched = examples.iter().find(|e| e.id == "entity:en:d0:switched").unwrap();
    assert_eq!(switched.segments[0].source, Some(Source { document: "d0".into(), bytes: 0..47 }));
    assert_eq!(switched.spans[1].source, Some(12..21));
}
