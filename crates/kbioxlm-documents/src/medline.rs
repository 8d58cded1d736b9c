//! PubMed and MEDLINE citations in XML, as the baseline and the update files have them (`pubmed25n0001.xml.gz`).
//!
//! A citation's title and abstract are a document in English, sections as `LABEL: text`. `VernacularTitle` (in the article's
//! language) and each `OtherAbstract` are documents of their languages. All have the PMID as id and as subject. A citation
//! without an abstract is its title; what `DeleteCitation` names is no document, and is not taken back from what was read before.

use crate::language;
use crate::prose::Prose;
use crate::reader::{MAX_DOCUMENT, Raw, Reader, too_long};
use kbioxlm_files::xml::{Node, Xml};
use kbioxlm_files::{FileError, Result};
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::{Path, PathBuf};

const ROOTS: [&str; 3] = ["PubmedArticleSet", "MedlineCitationSet", "PubmedArticle"];

pub(crate) struct Medline<R> {
    path: PathBuf,
    xml: Xml<R>,
    /// The open elements.
    open: Vec<Element>,
    rooted: bool,
    citation: Citation,
    ready: VecDeque<Raw>,
}

/// What an element means here.
#[derive(Copy, Clone, Eq, PartialEq)]
enum Element {
    /// A citation or a chapter of a book.
    Citation,
    Article,
    Pmid,
    Language,
    Title,
    VernacularTitle,
    Abstract,
    OtherAbstract,
    AbstractText,
    /// With the place in the text where it begins.
    Superscript(usize),
    /// Markup that says nothing about the text: `i`, `b`, `sub`.
    Inline,
    /// Of no interest, with all that is in it.
    Other,
}

#[derive(Default)]
struct Citation {
    line: usize,
    pmid: String,
    version: Option<String>,
    languages: Vec<String>,
    title: Prose,
    vernacular: Prose,
    /// Sections by language, in the order of the first.
    abstracts: Vec<(String, Prose)>,
    /// Which of them is being written.
    current: usize,
    /// What is neither a title nor an abstract: a number, a code.
    field: String,
}

impl<R: BufRead> Medline<R> {
    pub(crate) fn new(path: &Path, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            xml: Xml::new(path, reader),
            open: Vec::new(),
            rooted: false,
            citation: Citation::default(),
            ready: VecDeque::new(),
        }
    }

    fn start(&mut self) -> Result<()> {
        if !self.rooted {
            self.rooted = true;
            if !ROOTS.contains(&self.xml.name()) {
                let found = format!("the element `{}`", self.xml.name());
                return Err(self.xml.error(found, "a PubmedArticleSet", "check that this is the file you meant"));
            }
        }
        let element = self.element();
        match element {
            Element::Citation => self.citation = Citation { line: self.xml.line(), ..Citation::default() },
            Element::Pmid => self.citation.version = self.xml.attribute("Version").filter(|version| version != "1"),
            Element::Abstract => self.citation.turn_to("en"),
            Element::OtherAbstract => {
                let code = self.xml.attribute("Language").unwrap_or_else(|| "eng".to_owned());
                self.citation.turn_to(&language::tag(&code).unwrap_or_default());
            }
            Element::AbstractText => {
                let label = self.xml.attribute("Label").filter(|label| !matches!(label.trim(), "" | "UNLABELLED"));
                if let (Some(label), Some(text)) = (label, self.citation.section()) {
                    text.push(label.trim().trim_end_matches(':'));
                    text.push(": ");
                }
            }
            _ => {}
        }
        self.citation.field.clear();
        self.open.push(element);
        Ok(())
    }

    /// What the element that was just opened means, where it stands.
    fn element(&mut self) -> Element {
        let parent = self.open.last().copied();
        match (self.xml.name(), parent) {
            ("MedlineCitation" | "BookDocument", _) => Element::Citation,
            ("Article", Some(Element::Citation)) => Element::Article,
            ("PMID", Some(Element::Citation)) => Element::Pmid,
            ("OtherAbstract", Some(Element::Citation)) => Element::OtherAbstract,
            ("ArticleTitle", Some(Element::Article | Element::Citation)) => Element::Title,
            ("VernacularTitle", Some(Element::Article | Element::Citation)) => Element::VernacularTitle,
            ("Language", Some(Element::Article | Element::Citation)) => Element::Language,
            ("Abstract", Some(Element::Article | Element::Citation)) => Element::Abstract,
            ("AbstractText", Some(Element::Abstract | Element::OtherAbstract)) => Element::AbstractText,
            ("sup", Some(_)) => {
                self.citation.target(&self.open).map_or(Element::Other, |text| Element::Superscript(text.mark()))
            }
            // Formulas would tear the sentence: their parts read in a row say something else.
            ("mml:math" | "math" | "DispFormula", _) => Element::Other,
            (
                _,
                Some(
                    Element::Title
                    | Element::VernacularTitle
                    | Element::AbstractText
                    | Element::Inline
                    | Element::Superscript(_),
                ),
            ) => Element::Inline,
            _ => Element::Other,
        }
    }

    /// Takes the text between the last two tags.
    fn take_text(&mut self) -> Result<()> {
        if self.xml.text().is_empty() {
            return Ok(());
        }
        match self.open.last() {
            Some(Element::Pmid | Element::Language) => self.citation.field.push_str(self.xml.text()),
            _ => {
                if let Some(text) = self.citation.target(&self.open) {
                    text.push(self.xml.text());
                    if text.len() > MAX_DOCUMENT {
                        return Err(too_long(&self.path, self.citation.line));
                    }
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(Element::Pmid) => self.citation.pmid = self.citation.field.trim().to_owned(),
            Some(Element::Language) => self.citation.languages.extend(language::tag(&self.citation.field)),
            Some(Element::AbstractText) => {
                if let Some(text) = self.citation.section() {
                    text.end_paragraph();
                }
            }
            Some(Element::Superscript(mark)) => {
                if let Some(text) = self.citation.target(&self.open) {
                    text.raise(mark, false);
                }
            }
            Some(Element::Citation) => {
                let citation = std::mem::take(&mut self.citation);
                if citation.pmid.is_empty() {
                    let help = "fetch the file again";
                    return Err(FileError::content(
                        &self.path,
                        citation.line,
                        "a citation without a PMID",
                        "one",
                        help,
                    ));
                }
                self.ready.extend(citation.documents());
            }
            _ => {}
        }
        Ok(())
    }
}

impl<R: BufRead> Reader for Medline<R> {
    fn next(&mut self) -> Result<Option<Raw>> {
        loop {
            if let Some(document) = self.ready.pop_front() {
                return Ok(Some(document));
            }
            let node = self.xml.next_node()?;
            self.take_text()?;
            match node {
                Some(Node::Open) => self.start()?,
                Some(Node::Close) => self.end()?,
                None if self.rooted => return Ok(None),
                None => {
                    return Err(self.xml.error(
                        "no element",
                        "a PubmedArticleSet",
                        "check that this is the file you meant",
                    ));
                }
            }
        }
    }
}

impl Citation {
    /// What follows is an abstract in this language.
    fn turn_to(&mut self, lang: &str) {
        self.current = self.abstracts.iter().position(|(l, _)| l == lang).unwrap_or(self.abstracts.len());
        if self.current == self.abstracts.len() {
            self.abstracts.push((lang.to_owned(), Prose::default()));
        }
    }

    fn section(&mut self) -> Option<&mut Prose> {
        self.abstracts.get_mut(self.current).map(|(_, text)| text)
    }

    /// The text that is being written, inside of these elements.
    fn target(&mut self, open: &[Element]) -> Option<&mut Prose> {
        match open.iter().rev().find(|e| !matches!(e, Element::Inline | Element::Superscript(_))) {
            Some(Element::Title) => Some(&mut self.title),
            Some(Element::VernacularTitle) => Some(&mut self.vernacular),
            Some(Element::AbstractText) => self.section(),
            _ => None,
        }
    }

    fn documents(self) -> Vec<Raw> {
        // Versions of one article have its PMID; the first is the rule.
        let id = self.version.iter().fold(self.pmid.clone(), |id, version| format!("{id}.{version}"));
        let title = self.title.finish();
        let vernacular = self.vernacular.finish();
        let own = self.languages.iter().find(|lang| *lang != "en").cloned();
        let mut texts = vec![("en".to_owned(), vec![in_english(&title).to_owned()])];
        if !vernacular.is_empty() {
            // Without a language that the article declares, it is detected.
            texts.push((own.unwrap_or_default(), vec![vernacular]));
        }
        for (lang, text) in self.abstracts {
            let text = text.finish();
            match texts.iter_mut().find(|(l, _)| *l == lang) {
                Some((_, parts)) => parts.push(text),
                None => texts.push((lang, vec![text])),
            }
        }
        let document = |(lang, mut parts): (String, Vec<String>)| {
            parts.retain(|part| !part.is_empty());
            let main = lang == "en";
            let (text, subject) = (parts.join("\n\n"), Some(self.pmid.clone()));
            let raw = Raw { id: id.clone(), lang: Some(lang), text, subject, line: self.line };
            (main || !raw.text.is_empty()).then_some(raw)
        };
        texts.into_iter().filter_map(document).collect()
    }
}

/// A title without the brackets that say that it was translated; nothing, where it says that there is none.
fn in_english(title: &str) -> &str {
    let inner = title.strip_prefix('[').and_then(|t| t.strip_suffix("].").or(t.strip_suffix(']'))).unwrap_or(title);
    let inner = if inner.contains(['[', ']']) { title } else { inner };
    if matches!(inner.trim_end_matches('.'), "Not Available" | "Not available") { "" } else { inner }
}
