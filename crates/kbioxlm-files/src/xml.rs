//! Reading XML as a stream, with limits, and with lines for errors.

use crate::{FileError, Result};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::fmt;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

/// Longest tag or text, in bytes: what is held in memory at a time.
const MAX_SIZE: usize = 4 << 20;
/// Deepest nesting; the formats read here need a dozen, formulas in them some more.
const MAX_DEPTH: usize = 256;

/// What stands next in the document.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Node {
    /// A start tag: see [`Xml::name`] and [`Xml::attribute`].
    Open,
    /// An end tag: [`Xml::text`] is what stands between it and the tag before.
    Close,
}

/// A document, read tag by tag. Entities other than the five predefined ones are an error: nothing is expanded.
pub struct Xml<R> {
    path: PathBuf,
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    text: String,
    /// The last start tag: name, then attributes.
    tag: String,
    name_len: usize,
    depth: usize,
    /// The tag was that of an empty element, whose end is still to be told.
    empty: bool,
}

impl<R: BufRead> Xml<R> {
    /// The document that `reader` gives; errors name `path`.
    pub fn new(path: &Path, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            reader: Reader::from_reader(Bounded { inner: reader, used: 0, lines: 1 }),
            buffer: Vec::new(),
            text: String::new(),
            tag: String::new(),
            name_len: 0,
            depth: 0,
            empty: false,
        }
    }

    /// The line that has been read to.
    pub fn line(&self) -> usize {
        self.reader.get_ref().lines
    }

    /// The text before the tag that was read last.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name in the last start tag.
    pub fn name(&self) -> &str {
        self.tag.get(..self.name_len).unwrap_or_default()
    }

    /// Whether the last start tag has this attribute with this value.
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.attribute(key).as_deref() == Some(value)
    }

    /// An attribute of the last start tag, its escapes undone.
    pub fn attribute(&self, key: &str) -> Option<String> {
        let tag = BytesStart::from_content(self.tag.as_str(), self.name_len);
        // The check for repeated names takes time that grows with their square.
        tag.attributes()
            .with_checks(false)
            .flatten()
            .find(|a| a.key.as_ref() == key)
            .map(|a| a.normalized_value(XmlVersion::Implicit1_0).unwrap_or(a.value).into_owned())
    }

    /// An error at the line that has been read to.
    pub fn error(&self, found: impl Into<String>, expected: &str, help: &str) -> FileError {
        FileError::content(&self.path, self.line(), found, expected, help)
    }

    /// The next tag; `None` at the end of the document.
    ///
    /// # Errors
    /// The document cannot be read, is not well-formed, ends too early, or goes beyond a limit.
    pub fn next_node(&mut self) -> Result<Option<Node>> {
        self.text.clear();
        if std::mem::take(&mut self.empty) {
            return Ok(Some(Node::Close));
        }
        loop {
            self.buffer.clear();
            self.reader.get_mut().used = 0;
            match self.reader.read_event_into(&mut self.buffer).map_err(Malformed::Xml) {
                Ok(Event::Start(tag)) => {
                    self.depth += 1;
                    (self.name_len, self.empty) = (copy(&mut self.tag, &tag), false);
                    if self.depth > MAX_DEPTH {
                        let found = format!("elements nested more than {MAX_DEPTH} deep");
                        return Err(self.error(found, "a few levels", "check that this is the file you meant"));
                    }
                    return Ok(Some(Node::Open));
                }
                Ok(Event::Empty(tag)) => {
                    (self.name_len, self.empty) = (copy(&mut self.tag, &tag), true);
                    return Ok(Some(Node::Open));
                }
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Node::Close));
                }
                Ok(Event::Text(text)) => self.text.push_str(&text.xml10_content()),
                Ok(Event::CData(text)) => self.text.push_str(&text.xml10_content()),
                Ok(Event::GeneralRef(entity)) => match resolve(&entity) {
                    Ok(c) => self.text.push(c),
                    Err(e) => return Err(self.malformed(e)),
                },
                Ok(Event::Eof) if self.depth == 0 => return Ok(None),
                Ok(Event::Eof) => {
                    let expected = "the end tags of all elements";
                    return Err(self.error("the end of the file", expected, "fetch the file again"));
                }
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
                Err(e) => return Err(self.malformed(e)),
            }
            if self.text.len() > MAX_SIZE {
                let found = format!("a text of more than {} MiB", MAX_SIZE >> 20);
                return Err(self.error(found, "short texts", "check that this is the file you meant"));
            }
        }
    }

    fn malformed(&self, error: Malformed) -> FileError {
        match error {
            // Shared by the library; damage of compressed data must be found in it, so it is taken out where it can be.
            Malformed::Xml(quick_xml::Error::Io(e)) => {
                let e = std::sync::Arc::try_unwrap(e).unwrap_or_else(|e| io::Error::new(e.kind(), e.to_string()));
                FileError::io(&self.path, "read", e)
            }
            Malformed::Xml(e) => self.error(e.to_string(), "well-formed XML", "fetch the file again"),
            Malformed::Entity(name) => {
                self.error(format!("the entity `&{name};`"), "text without entities", "replace it by its character")
            }
        }
    }
}

fn copy(target: &mut String, tag: &BytesStart<'_>) -> usize {
    target.clear();
    target.push_str(tag);
    tag.name().as_ref().len()
}

enum Malformed {
    Xml(quick_xml::Error),
    Entity(String),
}

fn resolve(entity: &quick_xml::events::BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(c) = entity.resolve_char_ref().map_err(Malformed::Xml)? {
        return Ok(c);
    }
    let predefined = resolve_predefined_entity(entity).and_then(|text| text.chars().next());
    predefined.ok_or_else(|| Malformed::Entity(entity.chars().take(40).collect()))
}

impl<R> fmt::Debug for Xml<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xml").field("path", &self.path).field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// Counts lines, and ends a tag or text that would fill the memory.
struct Bounded<R> {
    inner: R,
    /// Bytes since the last tag or text.
    used: usize,
    lines: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used > MAX_SIZE {
            let message = format!("line {}: a tag or text of more than {} MiB", self.lines, MAX_SIZE >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed has been read: this gives it again and reads nothing.
        let read = self.inner.fill_buf().ok().and_then(|available| available.get(..amount)).unwrap_or_default();
        self.lines += read.iter().filter(|&&b| b == b'\n').count();
        self.used = self.used.saturating_add(amount);
        self.inner.consume(amount);
    }
}
