use crate::{AnchorConfig, CorpusError, Result, Role, Span};
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, Mention, is_same_name};
use std::collections::BTreeSet;

/// What every level needs: the knowledge base and the resolved configuration.
pub(crate) struct Anchor<'a> {
    pub kb: &'a KnowledgeBase,
    pub config: &'a AnchorConfig,
    held_out: BTreeSet<ConceptIndex>,
}

impl<'a> Anchor<'a> {
    /// # Errors
    /// A concept to hold out that the knowledge base does not have: passing over it would leave it in the corpus.
    pub fn new(kb: &'a KnowledgeBase, config: &'a AnchorConfig) -> Result<Self> {
        let find = |id: &String| {
            kb.find_concept(id).ok_or_else(|| {
                let help = "correct the id or use the knowledge base that has it";
                CorpusError::setting("held_out", format!("`{id}`"), "the id of a concept of the knowledge base", help)
            })
        };
        let held_out = config.held_out.iter().map(find).collect::<Result<_>>()?;
        Ok(Self { kb, config, held_out })
    }

    pub fn is_held_out(&self, concept: ConceptIndex) -> bool {
        self.held_out.contains(&concept)
    }

    pub fn concept_id(&self, concept: ConceptIndex) -> Option<String> {
        Some(self.kb.concept(concept).id.to_owned())
    }

    /// The name by which a concept is told in `lang`: its first usable translation that is not `surface` again.
    pub fn translation(&self, concept: ConceptIndex, lang: &'a str, surface: &str) -> Option<&'a str> {
        let mut names = self.kb.translations(concept, lang).map(|term| self.kb.term(term).text);
        names.find(|name| !is_same_name(name, surface))
    }

    /// The languages other than `own` that may be switched to.
    pub fn other_languages(&self, own: &str) -> impl Iterator<Item = &'a str> {
        self.config.languages.iter().map(String::as_str).filter(move |lang| *lang != own)
    }

    /// The spans of mentions in a text that stands unchanged in a segment.
    pub fn spans(&self, segment: usize, mentions: &[Mention]) -> Vec<Span> {
        let span = |m: &Mention| Span {
            segment,
            bytes: m.bytes.clone(),
            chars: m.chars.clone(),
            role: Role::Entity,
            concept: self.concept_id(m.concept),
            fact: None,
            switched: false,
        };
        mentions.iter().map(span).collect()
    }
}
