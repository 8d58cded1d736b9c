//! Samples of a few documents.

use crate::tiny::file;
use kbioxlm_eval::{FewshotManifest, FewshotOptions, Join, Task, fewshot_samples, read_classification, read_entities};
use std::collections::BTreeSet;
use std::path::Path;

fn draw(task: Task, data: &Path, out: &Path) -> FewshotManifest {
    let options = FewshotOptions { sizes: vec![20, 5, 10, 10], draws: 3, seed: 1 };
    fewshot_samples(task, data, &options, out).unwrap()
}

fn conll(n: usize) -> String {
    let tags = |i: usize| if i.is_multiple_of(9) { ("B-ADE", "I-Drug") } else { ("B-Drug", "O") };
    (0..n).map(|i| format!("-DOCSTART-\tid {i}\n\nw{i}\t{}\nx\t{}\n\ny\tO\n\n", tags(i).0, tags(i).1)).collect()
}

#[test]
fn samples_are_nested_parts_of_the_data_in_its_format() {
    let dir = tempfile::tempdir().unwrap();
    let data = file(dir.path(), "train.conll", &conll(60));
    let whole = read_entities(&data, Join::Auto).unwrap();
    let manifest = draw(Task::Ner, &data, &dir.path().join("few"));
    let shown: Vec<_> = manifest.samples.iter().map(|s| (s.file.as_str(), s.size, s.ids.len())).collect();
    assert_eq!(
        shown[..4],
        [("k5-draw1.conll", 5, 5), ("k10-draw1.conll", 10, 10), ("k20-draw1.conll", 20, 20), ("k5-draw2.conll", 5, 5)]
    );
    let written: FewshotManifest =
        serde_json::from_str(&std::fs::read_to_string(dir.path().join("few/manifest.json")).unwrap()).unwrap();
    assert_eq!(written, manifest);
    for draw in manifest.samples.chunks(3) {
        assert!(draw[1].ids.starts_with(&draw[0].ids) && draw[2].ids.starts_with(&draw[1].ids), "nested");
        for sample in draw {
            let path = dir.path().join("few").join(&sample.file);
            assert_eq!(sample.blake3, kbioxlm_files::hash_path(&path).unwrap());
            assert!(sample.labels["ADE"] >= 1 && sample.labels["Drug"] >= 1, "{sample:?}");
            let ids: BTreeSet<&String> = sample.ids.iter().collect();
            let expected: Vec<_> =
                whole.documents.iter().filter(|d| ids.contains(&d.id)).map(|d| (&d.id, &d.text, &d.entities)).collect();
            let read = read_entities(&path, Join::Auto).unwrap();
            let found: Vec<_> = read.documents.iter().map(|d| (&d.id, &d.text, &d.entities)).collect();
            assert_eq!(found, expected, "the documents as they were, in the order of the data");
        }
    }
    assert_ne!(manifest.samples[0].ids, manifest.samples[3].ids, "draws differ");
    let again = draw(Task::Ner, &data, &dir.path().join("again"));
    assert_eq!(again.samples, manifest.samples);
}

#[test]
fn translations_with_the_same_ids_give_the_same_sample() {
    let dir = tempfile::tempdir().unwrap();
    let english = draw(Task::Ner, &file(dir.path(), "en.conll", &conll(60)), &dir.path().join("en"));
    let other = conll(60).replace("\tB-", "é\tB-");
    let other = draw(Task::Ner, &file(dir.path(), "xx.conll", &other), &dir.path().join("xx"));
    let ids = |m: FewshotManifest| m.samples.into_iter().map(|s| s.ids).collect::<Vec<_>>();
    assert_eq!(ids(english), ids(other));
}

#[test]
fn lines_of_json_are_copied_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        format!("{{ \"label\": \"{}\", \"id\":\"{i}\", \"text\":\"t {i}\", \"more\": [1]}}", usize::from(i == 30))
    };
    let rows: Vec<String> = (0..60).map(row).collect();
    let data = file(dir.path(), "train.jsonl", &format!("\n{}\n", rows.join("\n")));
    let manifest = draw(Task::Classification, &data, &dir.path().join("few"));
    for sample in &manifest.samples {
        let path = dir.path().join("few").join(&sample.file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().all(|line| rows.iter().any(|row| row == line)) && text.ends_with('\n'), "{text}");
        assert_eq!(read_classification(&path).unwrap().len(), sample.size);
        assert_eq!(sample.labels["1"], 1, "the only document of its class");
    }
    std::fs::create_dir(dir.path().join("brat")).unwrap();
    for i in 0..20 {
        file(dir.path(), &format!("brat/{i}.txt"), "fever rose");
        file(dir.path(), &format!("brat/{i}.ann"), "T1\tADE 0 5\tfever\n");
    }
    let manifest = draw(Task::Ner, &dir.path().join("brat"), &dir.path().join("few"));
    let read = read_entities(&dir.path().join("few/k5-draw1.jsonl"), Join::Auto).unwrap();
    assert_eq!((read.documents.len(), read.documents[0].entities[0].end), (5, 1), "{manifest:?}");
}
