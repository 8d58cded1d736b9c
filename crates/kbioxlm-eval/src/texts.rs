//! The texts of files of several formats, for vocabulary trimming.

use kbioxlm_benchmarks::read_benchmark_texts;
use kbioxlm_files::{FileError, Table, read_jsonl};
use std::path::{Path, PathBuf};

type Texts = Box<dyn Iterator<Item = Result<String, FileError>>>;

/// The texts of all `paths`, one after the other, as a stream. The name's end says what a file is:
///
/// - `.jsonl`: documents; every string under the key `text` or under a two-letter language key (`en`, `zh`);
/// - `.tsv`: a lexicon or relation labels; the column `term` or `label` beside the column `lang`;
/// - `.conll`, `.pubtator`, `.xml` (BioC), a directory (BRAT): a benchmark, whose running text is taken.
///
/// `languages` restricts lexica and language keys; none means all. Errors come as items, and each ends the use of its file.
pub fn read_texts(paths: &[PathBuf], languages: &[String]) -> impl Iterator<Item = Result<String, FileError>> + use<> {
    let languages = languages.to_vec();
    let paths = paths.to_vec();
    paths
        .into_iter()
        .flat_map(move |path| open(&path, &languages).unwrap_or_else(|e| Box::new(std::iter::once(Err(e)))))
}

fn open(path: &Path, languages: &[String]) -> Result<Texts, FileError> {
    let languages = languages.to_vec();
    let wanted = move |lang: &str| languages.is_empty() || languages.iter().any(|l| l == lang);
    match path.extension().and_then(|e| e.to_str()) {
        Some("jsonl") => {
            let is_text = move |key: &str| {
                key == "text"
                    || (key.len() == 2 && key != "id" && key.bytes().all(|b| b.is_ascii_lowercase()) && wanted(key))
            };
            let strings = move |row: Result<(usize, serde_json::Map<String, serde_json::Value>), FileError>| match row {
                Err(e) => vec![Err(e)],
                Ok((_, object)) => object
                    .into_iter()
                    .filter(|(key, _)| is_text(key))
                    .filter_map(|(_, value)| value.as_str().map(|text| Ok(text.to_owned())))
                    .collect(),
            };
            Ok(Box::new(read_jsonl(path, "a JSON object with texts")?.flat_map(strings)))
        }
        Some("tsv") => {
            let rows = Table::open(path, &["lang", "term"])
                .or_else(|first| Table::open(path, &["lang", "label"]).map_err(|_| first))?;
            Ok(Box::new(rows.filter_map(move |row| match row {
                Err(e) => Some(Err(e)),
                Ok((_, mut cells)) => cells.pop().filter(|_| cells.first().is_some_and(|lang| wanted(lang))).map(Ok),
            })))
        }
        Some("conll" | "pubtator" | "xml") => benchmark(path),
        _ if path.is_dir() => benchmark(path),
        _ => Err(FileError::content(
            path,
            None,
            "a file of unknown kind",
            "a name that ends in .jsonl, .tsv, .conll, .pubtator or .xml, or a directory of BRAT standoff",
            "rename the file after its format",
        )),
    }
}

fn benchmark(path: &Path) -> Result<Texts, FileError> {
    Ok(Box::new(read_benchmark_texts(path)?.into_iter().map(|(_, text)| Ok(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(name: &str, content: &str, languages: &[&str]) -> Result<Vec<String>, FileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        read_texts(&[path], &languages.iter().map(|l| l.to_string()).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn each_format_gives_its_texts() {
        let passages = "{\"id\":\"1\",\"en\":\"a b\",\"zh\":\"文\",\"label\":\"link\",\"text\":\"t\"}\n";
        assert_eq!(texts("a.jsonl", passages, &[]).unwrap(), ["a b", "t", "文"]);
        assert_eq!(texts("a.jsonl", passages, &["zh"]).unwrap(), ["t", "文"]);
        let lexicon = "concept_id\tlang\tterm\n1\ten\tfever\n1\tfr\tfièvre\n";
        assert_eq!(texts("a.tsv", lexicon, &["fr"]).unwrap(), ["fièvre"]);
        assert_eq!(texts("r.tsv", "relation\tlang\tlabel\nisa\ten\tis a\n", &[]).unwrap(), ["is a"]);
        assert_eq!(texts("a.conll", "a\tO\nb\tO\n", &[]).unwrap(), ["a b"]);
    }

    #[test]
    fn errors_are_items() {
        assert!(texts("a.txt", "a", &[]).unwrap_err().to_string().contains(".jsonl, .tsv, .conll"));
        assert!(texts("a.jsonl", "{}\n[]\n", &[]).unwrap_err().to_string().contains(":2: "));
        assert!(texts("a.tsv", "a\tb\n1\t2\n", &[]).unwrap_err().to_string().contains("column `lang`"));
    }
}
