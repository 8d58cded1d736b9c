//! Compressed files read like plain ones; damaged ones are named with what to do.

use kbioxlm_files::{Lines, Table, decompress, open, read_jsonl, read_text};
use std::io::{Read, Write};
use std::path::PathBuf;

fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

/// Lines that do not compress away, so that the compressed data has a middle to be cut in.
fn long_text() -> Vec<u8> {
    let mut state = 1_u64;
    let mut line = |i: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{i}\t{:016x} 血红蛋白\n", state)
    };
    (0..20_000).map(&mut line).collect::<String>().into_bytes()
}

type Compress = fn(&[u8]) -> Vec<u8>;
const FORMATS: [(&str, Compress); 3] = [("gzip", gzip), ("bzip2", bzip2), ("Zstandard", zstandard)];

#[test]
fn each_format_is_told_by_its_content_not_by_its_name() {
    let text = long_text();
    for (name, compress) in FORMATS {
        for member in [compress(&text), [compress(&text[..100]), compress(b""), compress(&text[100..])].concat()] {
            let (_dir, path) = file("table.txt", &member);
            assert_eq!(read_text(&path).unwrap().as_bytes(), text, "{name}");
            let lines: Vec<_> = Lines::open(&path).unwrap().map(|l| l.unwrap().1).collect();
            assert_eq!(lines.join("\n") + "\n", String::from_utf8(text.clone()).unwrap(), "{name}");
        }
    }
    let (_dir, path) = file("plain.gz", b"no gzip at all\n");
    assert_eq!(read_text(&path).unwrap(), "no gzip at all\n");
    for short in ["", "B", "BZh9", "BZh91 is how bzip2 begins", "\u{1f}"] {
        let (_dir, path) = file("short.bz2", short.as_bytes());
        assert_eq!(read_text(&path).unwrap(), short);
    }
}

#[test]
fn tables_and_json_lines_read_compressed() {
    for (name, compress) in FORMATS {
        let (_dir, path) = file("t", &compress("a\tb\n1\t二\n".as_bytes()));
        let rows: Vec<_> = Table::open(&path, &["b"]).unwrap().map(|r| r.unwrap()).collect();
        assert_eq!(rows, [(2, vec!["二".to_owned()])], "{name}");
        let (_dir, path) = file("t", &compress(b"[1]\n[2]\n"));
        let rows: Vec<_> = read_jsonl::<[u8; 1]>(&path, "a number").unwrap().map(|r| r.unwrap().1).collect();
        assert_eq!(rows, [[1], [2]], "{name}");
    }
}

#[test]
fn an_empty_file_compressed_is_empty() {
    for (name, compress) in FORMATS {
        let (_dir, path) = file("t", &compress(b""));
        assert_eq!(read_text(&path).unwrap(), "", "{name}");
        assert!(Lines::open(&path).unwrap().next().is_none(), "{name}");
    }
}

#[test]
fn a_frame_to_be_skipped_may_come_first() {
    let skippable = [b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".as_slice(), &zstandard(b"text")].concat();
    let mut text = String::new();
    decompress(skippable.as_slice()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
}

#[test]
fn a_truncated_file_is_named_with_its_remedy_and_ends() {
    let text = long_text();
    for (name, compress) in FORMATS {
        let whole = compress(&text);
        for length in [whole.len() / 2, whole.len() - 1, 12] {
            let (_dir, path) = file("cut.tsv", &whole[..length]);
            let mut lines = Lines::open(&path).unwrap();
            let error = lines.find_map(Result::err).expect(name).to_string();
            let expected = format!("cut.tsv: found {name} data that is cut off or damaged (");
            assert!(error.contains(&expected) && error.ends_with("; fetch the file again"), "{error}");
            assert!(lines.next().is_none(), "{name}");
            assert!(read_text(&path).unwrap_err().to_string().contains(&expected), "{name}");
        }
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let text = long_text();
    for (name, compress) in FORMATS {
        let mut damaged = compress(&text);
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        // Zstandard's encoder writes no checksum here: there, what was read may be wrong without an error.
        let (_dir, path) = file("d", &damaged);
        match read_text(&path) {
            Err(e) => assert!(e.to_string().contains("fetch the file again") || name == "Zstandard", "{e}"),
            Ok(read) => assert!(name == "Zstandard" && read.as_bytes() != text, "{name}"),
        }
    }
}

#[test]
fn a_missing_file_is_no_damage() {
    let error = open(std::path::Path::new("/nowhere/x.gz")).err().unwrap().to_string();
    assert!(error.starts_with("/nowhere/x.gz: cannot open"), "{error}");
}

#[test]
fn rows_borrow_their_cells() {
    let mut table = Table::new("t".as_ref(), b"a\tb\tc\n1\t\t3\n4\t5\t6".as_slice(), &["c", "a", "b"]).unwrap();
    let mut seen = Vec::new();
    while let Some((line, row)) = table.next_row().unwrap() {
        seen.push(format!("{line}:{}|{}|{}|{}", row.cell(0), row.cell(1), row.cell(2), row.cell(3)));
    }
    assert_eq!(seen, ["2:3|1||", "3:6|4|5|"]);
}
