//! The number of threads changes no byte.

use crate::world::{Document, World};
use kbioxlm_corpus::{AnchorConfig, CorpusReport, Level};

#[test]
fn a_corpus_is_the_same_to_the_byte_from_any_number_of_threads() {
    let place = tempfile::tempdir().unwrap();
    let mut total = CorpusReport::default();
    for seed in 0..6 {
        let world = World::random(seed);
        // More documents than are worked on at a time, some of them more than once.
        let mut documents = world.documents(seed, 1500);
        for n in (0..600).step_by(7) {
            let &Document { lang, ref text, .. } = &documents[n];
            documents.push(Document { id: format!("again{n}"), lang, text: format!("{text} x") });
        }
        let excluded = place.path().join("excluded.txt");
        std::fs::write(
            &excluded,
            documents
                .iter()
                .step_by(50)
                .map(|d| format!("{}\n", d.text.replace(['\n', '\r'], " ")))
                .collect::<String>(),
        )
        .unwrap();
        let of = |lang: &str| documents.iter().filter(move |d| d.lang == lang).take(200).collect::<Vec<_>>();
        let pairs: Vec<[&Document; 2]> = of("en").into_iter().zip(of("zh")).map(|(a, b)| [a, b]).collect();
        let config = AnchorConfig {
            levels: Level::ALL.to_vec(),
            near_duplicates: Some(0.7),
            exclude: vec![excluded],
            ..world.config(seed)
        };
        let built = |threads: usize| {
            let out = place.path().join(format!("{seed}-{threads}"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| world.build_into(&out, &documents, &pairs, &config));
            ["examples.parquet", "manifest.json"].map(|name| std::fs::read(out.join(name)).unwrap())
        };
        let one = built(1);
        assert!(one == built(4), "threads change the bytes of world {seed}");
        let manifest: serde_json::Value = serde_json::from_slice(&one[1]).unwrap();
        let report: CorpusReport = serde_json::from_value(manifest["report"].clone()).unwrap();
        total.left_out.extend(report.left_out);
        total.examples.extend(report.examples);
    }
    let left_out = |of: fn(&kbioxlm_corpus::FilterCounts) -> u64| total.left_out.values().map(of).sum::<u64>();
    assert!(left_out(|c| c.excluded) > 20 && left_out(|c| c.near_duplicates) > 20, "{:?}", total.left_out);
    assert_eq!(total.examples.len(), 4, "every level");
}
