//! Documents written down as one line of marked words, and what a model would give for them.

use crate::tiny::file;
use kbioxlm_eval::{Document, Join, Tag, read_conll};
use kbioxlm_train::FinetuneConfig;

pub fn settings(max_length: usize) -> FinetuneConfig {
    FinetuneConfig { max_length, ..FinetuneConfig::default() }
}

/// `B-ADE` tokens are marked `*`, `I-ADE` ones `+`; sentences are separated by `|`, tokens by spaces.
pub fn document(marked: &str) -> Document {
    let mut content = String::from("-DOCSTART-\t1\n\n");
    for sentence in marked.split('|') {
        for token in sentence.split_whitespace() {
            let (token, tag) = match token.strip_suffix(['*', '+']) {
                Some(plain) => (plain, if token.ends_with('*') { "B-ADE" } else { "I-ADE" }),
                None => (token, "O"),
            };
            content.push_str(&format!("{token}\t{tag}\n"));
        }
        content.push('\n');
    }
    let dir = tempfile::tempdir().unwrap();
    read_conll(&file(dir.path(), "a.conll", &content), Join::Auto).unwrap().documents.remove(0)
}

/// The outputs of a model for [`document`]s.
pub fn outputs() -> Vec<Tag> {
    ["O", "B-ADE", "I-ADE"].map(|t| t.parse().unwrap()).to_vec()
}

/// Scores of a model that gives these tags.
pub fn scores(tags: impl IntoIterator<Item = Tag>, outputs: &[Tag]) -> Vec<Vec<f32>> {
    tags.into_iter().map(|tag| outputs.iter().map(|o| if *o == tag { 1.0 } else { 0.0 }).collect()).collect()
}
