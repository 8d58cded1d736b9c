//! Errors name their place; output is whole or absent; seeds depend on names only.

use kbioxlm_files::{
    Lines, StagedDir, Table, hash_bytes, hash_file, hash_path, is_in_share, read_json, read_jsonl, read_text, rng_for,
    write_atomic,
};
use rand::Rng;
use std::io::Write;
use std::path::PathBuf;

fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

#[test]
fn lines_drop_line_ends_and_byte_order_mark() {
    let (_dir, path) = file("a.txt", "\u{feff}eins\r\nzwei\n\ndrei".as_bytes());
    let lines: Vec<_> = Lines::open(&path).unwrap().map(|l| l.unwrap()).collect();
    assert_eq!(lines, [(1, "eins".into()), (2, "zwei".into()), (3, String::new()), (4, "drei".into())]);
}

#[test]
fn a_byte_that_is_not_utf8_is_named_with_line_and_column() {
    let (_dir, path) = file("a.txt", b"good\nba\xffd\n");
    let error = Lines::open(&path).unwrap().find_map(Result::err).unwrap().to_string();
    assert!(error.contains("a.txt:2: found byte 0xff at column 3, expected UTF-8 text"), "{error}");
    let error = read_text(&path).unwrap_err().to_string();
    assert!(error.contains("a.txt:2: found byte 0xff"), "{error}");
}

#[test]
fn columns_are_found_by_name() {
    let (_dir, path) = file("t.tsv", b"b\tx\ta\n1\t2\t3\n");
    let rows: Vec<_> = Table::open(&path, &["a", "b"]).unwrap().map(|r| r.unwrap()).collect();
    assert_eq!(rows, [(2, vec!["3".to_owned(), "1".to_owned()])]);
}

#[test]
fn a_missing_column_a_short_row_and_an_empty_table_are_errors() {
    let (_dir, path) = file("t.tsv", b"a\tb\n1\n");
    let error = Table::open(&path, &["a", "c"]).unwrap_err().to_string();
    assert!(error.contains("t.tsv:1: found the columns a, b, expected a column `c`"), "{error}");
    let error = Table::open(&path, &["a"]).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(error.contains("t.tsv:2: found 1 cells, expected 2 cells"), "{error}");
    let (_dir, path) = file("e.tsv", b"");
    let error = Table::open(&path, &["a"]).unwrap_err().to_string();
    assert!(error.contains("e.tsv: found an empty file"), "{error}");
}

#[test]
fn a_broken_json_line_is_named_and_empty_lines_are_passed_over() {
    let (_dir, path) = file("d.jsonl", b"{\"a\": 1}\n\n{\"a\": \n");
    let rows: Vec<_> = read_jsonl::<serde_json::Value>(&path, "an object").unwrap().collect();
    assert_eq!(rows[0].as_ref().unwrap().0, 1);
    let error = rows[1].as_ref().unwrap_err().to_string();
    assert!(error.contains("d.jsonl:3: found EOF while parsing a value"), "{error}");
    let error = read_json::<serde_json::Value>(&path, "one JSON object").unwrap_err().to_string();
    assert!(error.contains("d.jsonl:3") && error.contains("expected one JSON object"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_that_says_what_to_do() {
    let path = PathBuf::from("/dev/full");
    let error = std::fs::write(&path, b"a").unwrap_err();
    let error = kbioxlm_files::FileError::io(&path, "write", error).to_string();
    assert!(error.starts_with("/dev/full: cannot write: No space left on device"), "{error}");
    assert!(error.ends_with("make room on the disk, then run the same command again"), "{error}");
}

#[test]
fn a_failed_write_leaves_the_former_file() {
    let (dir, path) = file("o.txt", b"former");
    let result = write_atomic(&path, |w| {
        w.write_all(b"half")?;
        Err(std::io::Error::other("power cut"))
    });
    assert!(result.unwrap_err().to_string().contains("cannot write: power cut"));
    assert_eq!(std::fs::read(&path).unwrap(), b"former");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn a_staged_directory_appears_when_committed_only() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("deep/out");
    let staged = StagedDir::new(&target).unwrap();
    std::fs::write(staged.path().join("x"), "1").unwrap();
    drop(staged);
    assert!(!target.exists());
    for content in ["1", "2"] {
        let staged = StagedDir::new(&target).unwrap();
        std::fs::write(staged.path().join("x"), content).unwrap();
        staged.commit().unwrap();
        assert_eq!(std::fs::read_to_string(target.join("x")).unwrap(), content);
    }
    assert_eq!(std::fs::read_dir(dir.path().join("deep")).unwrap().count(), 1, "the former one is gone");
}

#[test]
fn hashes_of_bytes_and_file_agree() {
    let (_dir, path) = file("h", b"content");
    assert_eq!(hash_file(&path).unwrap(), hash_bytes(b"content"));
}

#[test]
fn generators_depend_on_the_whole_scope() {
    let draw = |seed, scope: &[&str]| rng_for(seed, scope).next_u64();
    assert_eq!(draw(1, &["ab", "c"]), draw(1, &["ab", "c"]));
    assert_ne!(draw(1, &["ab", "c"]), draw(1, &["a", "bc"]));
    assert_ne!(draw(1, &["ab", "c"]), draw(2, &["ab", "c"]));
}

#[test]
fn shares_are_of_their_size_nested_and_of_each_scope_its_own() {
    let within =
        |what: &str, share| -> Vec<bool> { (0..20_000).map(|i| is_in_share(share, &[what, &i.to_string()])).collect() };
    let count = |chosen: &[bool]| chosen.iter().filter(|c| **c).count() as f64;
    let (few, many, others) = (within("document", 0.1), within("document", 0.3), within("concept", 0.1));
    // Five standard deviations.
    assert!((count(&few) - 2000.0).abs() < 212.0 && (count(&many) - 6000.0).abs() < 324.0);
    assert!(few.iter().zip(&many).all(|(few, many)| !few || *many));
    let both = few.iter().zip(&others).map(|(a, b)| *a && *b).collect::<Vec<_>>();
    assert!((count(&both) - 200.0).abs() < 70.0, "what is in one share says nothing of another");
    assert_eq!((count(&within("document", 0.0)), count(&within("document", 1.0))), (0.0, 20_000.0));
}

#[test]
fn a_directory_has_the_hash_of_its_names_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let hash = |files: &[(&str, &str)]| {
        let place = tempfile::tempdir_in(dir.path()).unwrap();
        files.iter().for_each(|(name, content)| std::fs::write(place.path().join(name), content).unwrap());
        hash_path(place.path()).unwrap()
    };
    assert_eq!(hash(&[("a", "1"), ("b", "2")]), hash(&[("b", "2"), ("a", "1")]));
    assert_ne!(hash(&[("a", "1"), ("b", "2")]), hash(&[("a", "2"), ("b", "1")]));
    std::fs::write(dir.path().join("file"), "1").unwrap();
    assert_eq!(hash_path(&dir.path().join("file")).unwrap(), kbioxlm_files::hash_bytes(b"1"));
    assert!(hash_path(&dir.path().join("none")).is_err());
}
