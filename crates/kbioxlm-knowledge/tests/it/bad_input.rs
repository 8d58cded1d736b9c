//! What is wrong with a source or a knowledge base is said with its place and what to do.

use crate::common::{Bench, HEADER, message, small};
use kbioxlm_knowledge::{Description, KnowledgeBase, KnowledgeError, Source, build, fuzz};
use proptest::prelude::*;
use std::sync::LazyLock;

fn lexicon_error(content: &[u8]) -> String {
    let bench = Bench::new();
    let path = bench.write("a.tsv", content);
    let bench = bench.with(Source::Lexicon, path);
    let error = bench.try_build().unwrap_err();
    assert!(!bench.out().exists(), "nothing half-built remains");
    message(&error, bench.dir.path())
}

fn row_error(row: &str) -> String {
    lexicon_error(format!("{HEADER}\nA:1\ten\tgood\t1\tT\t\n{row}\n").as_bytes())
}

fn assert_starts(message: &str, start: &str) {
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn broken_lexica() {
    assert_starts(&lexicon_error(b""), "a.tsv: found an empty file, expected a header line");
    assert_starts(
        &lexicon_error(format!("{HEADER}\n").as_bytes()),
        "a.tsv: found nothing in it, expected names, facts, links or labels; check",
    );
    let no_flags = lexicon_error(b"concept_id\tlang\tterm\tpreferred\tsemantic_type\nA:1\ten\tx\t1\tT\n");
    assert!(no_flags.starts_with("a.tsv:1: found the columns") && no_flags.contains("`flags`"), "{no_flags}");
    let latin1 = lexicon_error(
        format!("{HEADER}\n")
            .into_bytes()
            .into_iter()
            .chain(*b"A:1\tde\tH\xe4matom\t1\tT\t\n")
            .collect::<Vec<_>>()
            .as_slice(),
    );
    assert_starts(&latin1, "a.tsv:2: found byte 0xe4 at column 9, expected UTF-8 text");
    assert_starts(&row_error("A:1\ten\tx\t1\tT"), "a.tsv:3: found 5 cells, expected 6 cells");
    assert_starts(&row_error("A:1\ten\tx\tyes\tT\t"), "a.tsv:3: found `yes` in the column `preferred`, expected 1");
    assert_starts(&row_error("A:1\ten\t\t1\tT\t"), "a.tsv:3: found an empty `term`");
    assert_starts(&row_error("A:1\ten\t x\t1\tT\t"), "a.tsv:3: found white space around `x` in the column `term`");
    assert_starts(&row_error("\ten\tx\t1\tT\t"), "a.tsv:3: found an empty `concept_id`");
    assert_starts(&row_error("A 1\ten\tx\t1\tT\t"), "a.tsv:3: found `A 1` in the column `concept_id`");
    assert_starts(&row_error("A:1\t中文\tx\t1\tT\t"), "a.tsv:3: found `中文` for a language");
}

#[test]
fn other_broken_sources() {
    let no_lexicon = build(&Description::default(), std::path::Path::new("unused")).unwrap_err();
    assert!(matches!(no_lexicon, KnowledgeError::NoLexicon));
    small().links(&[]).try_build().unwrap();
    let bench = small().with(Source::Lexicon, "missing.tsv".into());
    assert_starts(&bench.try_build().unwrap_err().to_string(), "missing.tsv: cannot open");
    let error = |bench: Bench| message(&bench.try_build().unwrap_err(), bench.dir.path());
    assert_starts(&error(small().facts(&["D:2||D:1"])), "facts.tsv:2: found an empty `relation`");
    assert_starts(&error(small().links(&["D:2|D:1|"])), "links.tsv:2: found `` for a language");
    assert_starts(&error(small().relations(&["r|en|"])), "relations.tsv:2: found an empty `label`");
    let twice = error(small().relations(&["r|en|treats", "r|en|cures"]));
    assert_starts(&twice, "relations.tsv:3: found a second label of `r` in `en`, after `treats`");
    let bench = Bench::new();
    let path = bench.write("facts.tsv", b"");
    assert_starts(&error(bench.with(Source::Facts, path)), "facts.tsv: found an empty file");
}

#[test]
fn broken_knowledge_bases() {
    let bench = small();
    bench.build();
    let kb = bench.out();
    let error = || message(&KnowledgeBase::open(&kb).unwrap_err(), &kb);
    let manifest = std::fs::read_to_string(kb.join("manifest.json")).unwrap();

    let compiled = kb.join("knowledge.bin");
    let whole = std::fs::read(&compiled).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&compiled, &whole[..cut]).unwrap();
        assert_starts(&error(), "knowledge.bin: found a file ");
        assert!(error().contains("knowledge build"), "{}", error());
    }
    for at in [20, whole.len() / 2, whole.len() - 45] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&compiled, &changed).unwrap();
        assert_starts(&error(), "knowledge.bin: found a file that is cut off or changed");
    }
    let mut other = whole.clone();
    other[8] = 99;
    std::fs::write(&compiled, &other).unwrap();
    assert_starts(&error(), "knowledge.bin: found version 99 of the format, expected version 5; build");

    std::fs::remove_file(&compiled).unwrap();
    assert_starts(&error(), "knowledge.bin: found no such file, expected the file that `manifest.json` names");

    std::fs::write(kb.join("manifest.json"), manifest.replace("\"version\": 5", "\"version\": 99")).unwrap();
    assert_starts(
        &error(),
        "manifest.json: found version 99 of the format, expected version 5; build the knowledge base again",
    );

    std::fs::write(kb.join("manifest.json"), manifest.replace("kbioxlm-knowledge", "kbioxlm-corpus")).unwrap();
    assert_starts(&error(), "manifest.json: found the format `kbioxlm-corpus`, expected `kbioxlm-knowledge`");

    std::fs::write(kb.join("manifest.json"), &manifest[..manifest.len() / 2]).unwrap();
    assert_starts(&error(), "manifest.json:");

    std::fs::remove_file(kb.join("manifest.json")).unwrap();
    assert!(error().contains("found no `manifest.json` in it, expected a knowledge base"), "{}", error());
    let missing = KnowledgeBase::open(&kb.join("nowhere")).unwrap_err().to_string();
    assert!(missing.contains("expected a knowledge base"), "{missing}");
}

/// A change: where, how much is taken away, what is put there.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let number = prop_oneof![any::<u32>(), Just(0), Just(u32::MAX), Just(1 << 31), 0_u32..64,];
    let piece = prop_oneof![prop::collection::vec(any::<u8>(), 0..4), number.prop_map(|n| n.to_le_bytes().to_vec())];
    (any::<prop::sample::Index>(), 0_usize..6, piece)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_knowledge_base_is_an_error_at_most(changes in prop::collection::vec(change(), 1..4), keep_length in any::<bool>()) {
        let whole = &*WHOLE;
        let mut bytes = whole.clone();
        for (at, taken, put) in changes {
            // At numbers, where the harm is done.
            let at = at.index(bytes.len() / 4 + 1) * 4;
            let taken = if keep_length { put.len() } else { taken };
            let end = (at + taken).min(bytes.len());
            bytes.splice(at.min(end)..end, put);
        }
        if bytes != *whole {
            prop_assert!(fuzz::knowledge(&bytes).is_err());
        }
        // With the right checksum there may be an answer, but no panic.
        let _ = fuzz::knowledge_with_checksum(&bytes);
    }
}

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let bench = small();
    bench.build();
    let whole = std::fs::read(bench.out().join("knowledge.bin")).unwrap();
    assert!(fuzz::knowledge(&whole).unwrap() > 20);
    whole
});
