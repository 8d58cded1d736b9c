use super::element::IdKind;
use crate::language;
use crate::prose::Prose;
use crate::reader::Raw;

/// An article and what it says in other languages.
#[derive(Default)]
pub(super) struct Article {
    pub line: usize,
    /// An identifier that is being read.
    pub field: String,
    pmc: String,
    pmid: String,
    doi: String,
    /// By language, the article's own first.
    texts: Vec<(Option<String>, Prose)>,
    /// The text of the article or of the translation that is being read.
    home: usize,
    /// The text that is being written.
    current: usize,
    /// What stands outside of any article.
    outside: Prose,
    /// Language of a group of titles.
    pub group: Option<String>,
    /// The paragraph has a heading only.
    labelled: bool,
}

impl Article {
    pub fn new(line: usize, lang: Option<String>) -> Self {
        Self { line, texts: vec![(lang.as_deref().and_then(language::tag), Prose::default())], ..Self::default() }
    }

    /// What follows is a title or abstract: in its own language, or in that of the article.
    pub fn turn_to(&mut self, lang: Option<String>, translated: bool) {
        let lang = lang.as_deref().and_then(language::tag);
        let own = self.texts.get(self.home).is_some_and(|(own, _)| own.is_none() || lang.is_none() || *own == lang);
        self.current = if own && !translated { self.home } else { self.place(lang) };
    }

    /// What follows is the article in another language.
    pub fn translate(&mut self, lang: Option<String>) {
        self.home = self.place(lang.as_deref().and_then(language::tag));
        self.current = self.home;
        // It has the abstract once more.
        if let Some((_, text)) = self.texts.get_mut(self.home) {
            *text = Prose::default();
        }
    }

    /// Where the text of this language is, which is not the article's own.
    fn place(&mut self, lang: Option<String>) -> usize {
        if let Some(place) = self.texts.iter().skip(1).position(|(l, _)| *l == lang) {
            return place + 1;
        }
        self.texts.push((lang, Prose::default()));
        self.texts.len() - 1
    }

    /// The title or abstract is over.
    pub fn turn_back(&mut self) {
        self.block();
        self.current = self.home;
    }

    /// The translation is over.
    pub fn end_translation(&mut self) {
        self.home = 0;
        self.turn_back();
    }

    pub fn text(&mut self) -> &mut Prose {
        match self.texts.get_mut(self.current) {
            Some((_, text)) => text,
            None => &mut self.outside,
        }
    }

    pub fn len(&self) -> usize {
        self.texts.get(self.current).map_or(0, |(_, text)| text.len())
    }

    /// Ends the paragraph, unless it is a heading that the next one begins with.
    pub fn block(&mut self) {
        if !std::mem::take(&mut self.labelled) {
            self.text().end_paragraph();
        }
    }

    /// The heading is over: its section follows in the same paragraph.
    pub fn label(&mut self) {
        self.labelled = self.text().end_label();
    }

    pub fn identify(&mut self, kind: IdKind) {
        let id = match kind {
            IdKind::Pmc => &mut self.pmc,
            IdKind::Pmid => &mut self.pmid,
            IdKind::Doi => &mut self.doi,
        };
        // A translation has identifiers of its own.
        if id.is_empty() && self.home == 0 {
            self.field.trim().clone_into(id);
        }
    }

    /// `name` is the id of an article that has none.
    pub fn documents(self, name: &str) -> Vec<Raw> {
        let digits = !self.pmc.is_empty() && self.pmc.bytes().all(|b| b.is_ascii_digit());
        let pmc = if digits { format!("PMC{}", self.pmc) } else { self.pmc };
        let ids = [pmc.as_str(), &self.pmid, &self.doi, name];
        let id = ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        let subject = if self.pmid.is_empty() { id } else { &self.pmid };
        let texts = self.texts.into_iter().enumerate().map(|(i, (lang, text))| (i, lang, text.finish()));
        texts
            .filter(|(i, _, text)| *i == 0 || !text.is_empty())
            .map(|(_, lang, text)| Raw {
                id: id.to_owned(),
                lang,
                text,
                subject: Some(subject.to_owned()),
                line: self.line,
            })
            .collect()
    }
}
