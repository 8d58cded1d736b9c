//! What the elements of JATS mean here.

use kbioxlm_files::xml::Xml;
use std::io::BufRead;

/// What an element means, where it stands.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Element {
    /// Of no text itself: `front`, `article-meta`.
    Container,
    Article,
    /// A `sub-article` that says the same in another language.
    Translation,
    Id(IdKind),
    /// The article's title.
    Title,
    Abstract,
    /// A title or abstract in another language, which stands beside the article's own.
    Translated,
    /// Of an abstract.
    Section,
    /// The heading of an abstract's section.
    Heading,
    /// Of paragraphs: `body`, `sec`, `p`, `title`, `list-item`.
    Block,
    /// Part of a line: `italic`, `named-content`.
    Inline,
    /// With the place in the text where it begins.
    Superscript(usize),
    /// A reference to the literature, with the place where it begins.
    Citation(usize),
    Break,
    Formula,
    Fraction(Parts),
    Power(Parts),
    /// Left out, with all that is in it.
    Left,
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum IdKind {
    Pmc,
    Pmid,
    Doi,
}

/// Counts the parts of a formula's element.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub(super) struct Parts(usize);

impl Parts {
    /// How many there were before this one.
    pub fn next(&mut self) -> usize {
        self.0 += 1;
        self.0 - 1
    }
}

/// What has paragraphs of its own, or is one.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "body"
            | "sec"
            | "p"
            | "title"
            | "subtitle"
            | "list"
            | "list-item"
            | "disp-quote"
            | "boxed-text"
            | "def-list"
            | "def-item"
            | "term"
            | "def"
            | "verse-group"
            | "verse-line"
            | "statement"
            | "speech"
            | "abstract"
            | "trans-abstract"
            | "address"
    )
}

/// What has no sentences, or is not about the article's subject.
fn is_left_out(name: &str) -> bool {
    matches!(
        name,
        "table-wrap"
            | "table-wrap-group"
            | "table"
            | "fig"
            | "fig-group"
            | "graphic"
            | "inline-graphic"
            | "media"
            | "disp-formula"
            | "disp-formula-group"
            | "tex-math"
            | "annotation"
            | "annotation-xml"
            | "code"
            | "preformat"
            | "chem-struct-wrap"
            | "supplementary-material"
            | "inline-supplementary-material"
            | "label"
            | "fn"
            | "fn-group"
            | "ref-list"
            | "back"
            | "floats-group"
            | "response"
            | "object-id"
            | "permissions"
            | "attrib"
            | "processing-meta"
            | "sec-meta"
            | "kwd-group"
    )
}

pub(super) fn element<R: BufRead>(name: &str, parent: Element, xml: &Xml<R>) -> Element {
    // The prefix of a formula's elements is up to the file.
    let local = name.rsplit(':').next().unwrap_or(name);
    match (local, parent) {
        (_, Element::Left) => Element::Left,
        ("article", Element::Container) => Element::Article,
        ("sub-article", _) if xml.has("article-type", "translation") => Element::Translation,
        ("sub-article", _) => Element::Left,
        ("body", _) => Element::Block,
        (_, Element::Container | Element::Article | Element::Translation) => in_front(local, xml),
        (_, Element::Id(_)) => Element::Left,
        ("title", Element::Abstract | Element::Translated) => Element::Left,
        ("title", Element::Section) => Element::Heading,
        ("sec", Element::Abstract | Element::Translated | Element::Section) => Element::Section,
        _ if is_left_out(local) => Element::Left,
        ("xref", _) if xml.has("ref-type", "bibr") => Element::Citation(0),
        // Letters and marks that lead to notes and addresses.
        ("xref", _) if ["fn", "table-fn", "aff", "corresp"].iter().any(|kind| xml.has("ref-type", kind)) => {
            Element::Left
        }
        ("sup", _) => Element::Superscript(0),
        ("break", _) => Element::Break,
        ("math", _) => Element::Formula,
        ("mfrac", Element::Formula | Element::Fraction(_) | Element::Power(_)) => Element::Fraction(Parts::default()),
        ("msup", Element::Formula | Element::Fraction(_) | Element::Power(_)) => Element::Power(Parts::default()),
        (_, Element::Formula | Element::Fraction(_) | Element::Power(_)) => Element::Formula,
        _ if is_block(local) => Element::Block,
        _ => Element::Inline,
    }
}

/// Before the body, what is named only is text.
fn in_front<R: BufRead>(local: &str, xml: &Xml<R>) -> Element {
    match local {
        "article-id" => match xml.attribute("pub-id-type").as_deref() {
            Some("pmc" | "pmcid") => Element::Id(IdKind::Pmc),
            Some("pmid") => Element::Id(IdKind::Pmid),
            Some("doi") => Element::Id(IdKind::Doi),
            _ => Element::Left,
        },
        "article-title" | "subtitle" => Element::Title,
        "trans-title" | "trans-subtitle" => Element::Translated,
        // Pictures and lists of contents have no sentences.
        "abstract" | "trans-abstract"
            if ["graphical", "toc", "video"].iter().any(|kind| xml.has("abstract-type", kind)) =>
        {
            Element::Left
        }
        "abstract" => Element::Abstract,
        "trans-abstract" => Element::Translated,
        "front" | "front-stub" | "article-meta" | "title-group" | "trans-title-group" | "pmc-articleset"
        | "articles" => Element::Container,
        _ => Element::Left,
    }
}
