use crate::archive::{Archive, is_archive};
use crate::cirrus::Cirrus;
use crate::document::paragraphs;
use crate::files::{File, files};
use crate::format::{Named, head, of_xml};
use crate::jats::Jats;
use crate::jsonl::Jsonl;
use crate::medline::Medline;
use crate::normalise::{Normalised, normalise};
use crate::plain::Plain;
use crate::reader::{Raw, Reader};
use crate::{Document, Format, OffsetMap, TextSource, language};
use kbioxlm_files::{FileError, Result, open};
use std::fmt;
use std::path::{Path, PathBuf};
use std::vec;

/// The documents of a [`TextSource`], read as a stream.
pub struct Documents {
    source: TextSource,
    files: vec::IntoIter<File>,
    reader: Option<Box<dyn Reader + Send>>,
    /// Of the document that was given last.
    path: PathBuf,
    line: usize,
    skipped: Skipped,
}

/// How many documents were not handed out, and why.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct Skipped {
    /// Their language is neither declared nor can it be told with certainty: too short, or mixed.
    pub unknown_language: u64,
    /// They are pages of a wiki, but no articles: talk, portals, pages of its users.
    pub no_articles: u64,
}

impl Documents {
    pub(crate) fn open(source: &TextSource) -> Result<Self> {
        let files = files(&source.path, source.format)?;
        Ok(Self {
            source: source.clone(),
            files: files.into_iter(),
            reader: None,
            path: source.path.clone(),
            line: 0,
            skipped: Skipped::default(),
        })
    }

    /// Where the last document stands: its file and the line that it begins in.
    pub fn place(&self) -> (&Path, usize) {
        (&self.path, self.line)
    }

    /// What was not handed out up to now.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    fn next_raw(&mut self) -> Result<Option<Raw>> {
        loop {
            if let Some(reader) = &mut self.reader {
                let passed_over = reader.passed_over();
                let raw = reader.next()?;
                self.skipped.no_articles += reader.passed_over() - passed_over;
                if raw.is_some() {
                    return Ok(raw);
                }
                self.reader = None;
            }
            let Some(file) = self.files.next() else { return Ok(None) };
            self.reader = Some(reader(&file)?);
            self.path = file.path;
        }
    }

    fn next_document(&mut self) -> Result<Option<Document>> {
        while let Some(raw) = self.next_raw()? {
            self.line = raw.line;
            if raw.id.is_empty() {
                let help = "give each document an id of its own";
                return Err(FileError::content(&self.path, raw.line, r#"an empty "id""#, "a name", help));
            }
            let declared = self.source.lang.clone().or_else(|| raw.lang.as_deref().and_then(language::tag));
            let Normalised { text, map } = if self.source.normalise {
                normalise(raw.text)
            } else {
                Normalised { text: raw.text, map: OffsetMap::default() }
            };
            let Some(lang) = declared.or_else(|| language::detect(&text)) else {
                self.skipped.unknown_language += 1;
                continue;
            };
            let paragraphs = paragraphs(&text);
            return Ok(Some(Document { id: raw.id, lang, text, subject: raw.subject, paragraphs, origin: map }));
        }
        Ok(None)
    }
}

fn reader(file: &File) -> Result<Box<dyn Reader + Send>> {
    let path = &file.path;
    let input = open(path)?;
    // JSON lines are the fastest to read: they are not looked at before.
    Ok(match file.format {
        Named::As(Format::Jsonl) => Box::new(Jsonl::new(path, input)),
        Named::As(Format::Text) => Box::new(Plain::new(path, &file.name, input)),
        Named::As(Format::Cirrus) => Box::new(Cirrus::new(path, input)),
        Named::As(Format::Medline) => Box::new(Medline::new(path, input)),
        Named::As(Format::Jats) | Named::Xml => {
            let (head, input) = head(path, input)?;
            if is_archive(&head) {
                Box::new(Archive::new(path, input))
            } else if file.format == Named::Xml && of_xml(path, &head)? == Format::Medline {
                Box::new(Medline::new(path, input))
            } else {
                Box::new(Jats::new(path, &file.name, input))
            }
        }
    })
}

impl Iterator for Documents {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_document();
        if next.is_err() {
            self.reader = None;
            self.files = Vec::new().into_iter();
        }
        next.transpose()
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("source", &self.source).field("path", &self.path).finish_non_exhaustive()
    }
}
