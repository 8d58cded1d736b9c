//! Relations and how they are said.

use crate::content::Relation;
use crate::intern::Interner;
use std::collections::BTreeMap;

/// Relations by number, in the order in which sources name them.
#[derive(Debug, Default)]
pub(super) struct Relations {
    ids: Interner,
    labels: Vec<BTreeMap<String, Label>>,
}

#[derive(Debug)]
struct Label {
    text: String,
    source: u16,
    /// From a table of labels, which goes before what other sources say.
    table: bool,
}

/// Why a label is not taken.
pub(super) enum Refused {
    /// The table has one already.
    Second(String),
    TooMany,
}

impl Relations {
    /// The number of a relation, new if need be; `None` when there are more than can be numbered.
    pub fn number(&mut self, id: &str) -> Option<u16> {
        let number = u16::try_from(self.ids.number(id)?).ok()?;
        if usize::from(number) == self.labels.len() {
            self.labels.push(BTreeMap::new());
        }
        Some(number)
    }

    /// Takes a label from `source`. A table of labels goes before other sources, an earlier source before later ones.
    pub fn label(&mut self, relation: &str, lang: &str, text: &str, source: u16, table: bool) -> Result<(), Refused> {
        let number = self.number(relation).ok_or(Refused::TooMany)?;
        let labels = &mut self.labels[usize::from(number)];
        match labels.get(lang) {
            Some(former) if former.table && table && former.source == source => {
                return Err(Refused::Second(former.text.clone()));
            }
            Some(former) if former.table || !table => {}
            _ => {
                labels.insert(lang.to_owned(), Label { text: text.to_owned(), source, table });
            }
        }
        Ok(())
    }

    /// The relations with their labels; where no source has one in a language, the label that comes with the program.
    pub fn finish(mut self) -> Vec<Relation> {
        for (relation, lang, label) in kbioxlm_sources::relation_labels() {
            if let Some(number) = self.ids.find(relation) {
                let labels = &mut self.labels[number as usize];
                let own = || Label { text: label.to_owned(), source: u16::MAX, table: false };
                labels.entry(lang.to_owned()).or_insert_with(own);
            }
        }
        let texts = |labels: BTreeMap<_, Label>| labels.into_iter().map(|(lang, label)| (lang, label.text)).collect();
        let relation = |(id, labels): (&str, _)| Relation { id: id.to_owned(), labels: texts(labels) };
        self.ids.iter().zip(self.labels).map(relation).collect()
    }
}
