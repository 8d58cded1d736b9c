use kbioxlm_files::Result;

/// A document as its file says it: language and paragraphs are settled later, in one place for all formats.
#[derive(Default)]
pub(crate) struct Raw {
    pub id: String,
    pub lang: Option<String>,
    /// Empty lines separate paragraphs.
    pub text: String,
    pub subject: Option<String>,
    /// The line that it begins in.
    pub line: usize,
}

/// The documents of one file.
pub(crate) trait Reader {
    fn next(&mut self) -> Result<Option<Raw>>;
}
