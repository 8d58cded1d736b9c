//! Articles in JATS XML, as PubMed Central has them: one a file (`.nxml`), or several in a `pmc-articleset`.
//!
//! Title, abstracts and the paragraphs and headings of the body are a document in the article's language; sections of an abstract are
//! `Heading: text`. Translated titles and abstracts, and translations of the article (`sub-article`), are documents of their
//! languages. The id is the PMCID, or else the PMID or the DOI; the subject is the PMID, as in PubMed's own files, or else the id.
//!
//! Left out are what has no sentences (tables and figures with their captions, formulas set apart, code), what is not about the
//! subject (references, footnotes, acknowledgements, reviews and replies) and citations by number; citations by name stay, since
//! they are part of their sentence. Of a formula in a line its characters remain, fractions and powers as `a/b` and `a^b`.

mod article;
mod element;

use crate::format::stem;
use crate::reader::{MAX_DOCUMENT, Raw, Reader, too_long};
use article::Article;
use element::{Element, element, is_block};
use kbioxlm_files::Result;
use kbioxlm_files::xml::{Node, Xml};
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::{Path, PathBuf};

const ROOTS: [&str; 3] = ["article", "pmc-articleset", "articles"];

pub(crate) struct Jats<R> {
    path: PathBuf,
    /// Names an article without an id, with its number.
    name: String,
    articles: usize,
    xml: Xml<R>,
    open: Vec<Element>,
    rooted: bool,
    article: Article,
    ready: VecDeque<Raw>,
}

impl<R: BufRead> Jats<R> {
    /// `name` is the path below the source's directory.
    pub(crate) fn new(path: &Path, name: &str, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            name: stem(name).to_owned(),
            articles: 0,
            xml: Xml::new(path, reader),
            open: Vec::new(),
            rooted: false,
            article: Article::default(),
            ready: VecDeque::new(),
        }
    }

    fn start(&mut self) -> Result<()> {
        if !self.rooted {
            self.rooted = true;
            if !ROOTS.contains(&self.xml.name()) {
                let found = format!("the element `{}`", self.xml.name());
                return Err(self.xml.error(found, "an article in JATS", "check that this is the file you meant"));
            }
        }
        let name = self.xml.name();
        let parent = self.open.last().copied().unwrap_or(Element::Container);
        let mut element = element(name, parent, &self.xml);
        match element {
            Element::Article => self.article = Article::new(self.xml.line(), self.xml.attribute("xml:lang")),
            Element::Translation => self.article.translate(self.xml.attribute("xml:lang")),
            Element::Title | Element::Abstract | Element::Translated => {
                let translated = element == Element::Translated;
                let group = self.article.group.clone().filter(|_| translated && name != "trans-abstract");
                self.article.turn_to(self.xml.attribute("xml:lang").or(group), translated);
                self.article.block();
            }
            Element::Id(_) => self.article.field.clear(),
            Element::Container if name == "trans-title-group" => self.article.group = self.xml.attribute("xml:lang"),
            _ => {}
        }
        if is_block(name) && element != Element::Left {
            self.article.block();
        }
        if let Element::Superscript(mark) | Element::Citation(mark) = &mut element {
            *mark = self.article.text().mark();
        }
        // What stands between the parts of a formula.
        let between = match self.open.last_mut() {
            Some(Element::Fraction(parts)) => (parts.next() == 1).then_some("/"),
            Some(Element::Power(parts)) => (parts.next() == 1).then_some("^"),
            _ => None,
        };
        if let Some(between) = between {
            self.article.text().push(between);
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match element {
            Element::Id(kind) => self.article.identify(kind),
            Element::Superscript(mark) => {
                let cited = self.open.iter().any(|e| matches!(e, Element::Citation(_)));
                self.article.text().raise(mark, cited);
            }
            Element::Citation(mark) => self.article.text().cite(mark),
            Element::Heading => self.article.label(),
            Element::Block | Element::Section => self.article.block(),
            Element::Title | Element::Abstract | Element::Translated => self.article.turn_back(),
            Element::Translation => self.article.end_translation(),
            Element::Break => self.article.text().push(" "),
            Element::Article => {
                self.articles += 1;
                let name = &self.name;
                let name = if self.articles == 1 { name.clone() } else { format!("{name}#{}", self.articles) };
                self.ready.extend(std::mem::take(&mut self.article).documents(&name));
            }
            _ => {}
        }
    }

    fn take_text(&mut self) -> Result<()> {
        let text = self.xml.text();
        match self.open.last() {
            None | Some(Element::Left | Element::Container | Element::Article | Element::Translation) => {}
            Some(Element::Id(_)) => self.article.field.push_str(text),
            // White space between the parts of a formula is none in it.
            Some(Element::Formula | Element::Fraction(_) | Element::Power(_)) => self.article.text().push(text.trim()),
            Some(_) => self.article.text().push(text),
        }
        if self.article.len() > MAX_DOCUMENT {
            return Err(too_long(&self.path, self.article.line));
        }
        Ok(())
    }
}

impl<R: BufRead> Reader for Jats<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        loop {
            if let Some(document) = self.ready.pop_front() {
                return Ok(Some(document));
            }
            let node = self.xml.next_node()?;
            self.take_text()?;
            match node {
                Some(Node::Open) => self.start()?,
                Some(Node::Close) => self.end(),
                None if self.rooted => return Ok(None),
                None => {
                    let help = "check that this is the file you meant";
                    return Err(self.xml.error("no element", "an article in JATS", help));
                }
            }
        }
    }
}
