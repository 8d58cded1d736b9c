//! Sources written to a directory and read back.

use kbioxlm_documents::{Document, TextSource};
use std::fs;
use std::path::Path;

pub fn read(source: &TextSource) -> Vec<Document> {
    source.documents().unwrap().map(Result::unwrap).collect()
}

pub fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> TextSource {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    TextSource::new(path)
}

pub fn error(source: &TextSource) -> String {
    match source.documents() {
        Ok(mut documents) => documents.find_map(Result::err).unwrap().to_string(),
        Err(e) => e.to_string(),
    }
}
