use crate::{Ambiguity, AnchorConfig, CorpusError, Result, Role, Span, Synonyms};
use kbioxlm_files::is_in_share;
use kbioxlm_knowledge::{ConceptIndex, KnowledgeBase, Matcher, TermIndex, is_same_name};
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::ops::Range;

/// What every level needs: the knowledge base and the resolved configuration.
pub(crate) struct Anchor<'a> {
    pub kb: &'a KnowledgeBase,
    pub config: &'a AnchorConfig,
    held_out: BTreeSet<ConceptIndex>,
}

/// A mention that is marked.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    pub bytes: Range<usize>,
    pub chars: Range<usize>,
    pub term: TermIndex,
    pub concept: ConceptIndex,
    /// It may be switched, and its concept be told of in facts.
    pub used: bool,
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

    pub fn concept_id(&self, concept: ConceptIndex) -> Option<String> {
        Some(self.kb.concept(concept).id.to_owned())
    }

    /// The mentions in a text that the settings let mark, from left to right.
    pub fn mark(&self, matcher: &Matcher, text: &str) -> Vec<Marked> {
        let AnchorConfig { ambiguous, mark_types, use_types, .. } = self.config;
        let has_type =
            |selection: &crate::Names, concept| selection.is_all() || selection.has(self.kb.semantic_types(concept));
        let mut marked = Vec::new();
        for mention in matcher.find(text) {
            let surface = text.get(mention.bytes.clone()).unwrap_or_default();
            if !self.is_long(surface, mention.chars.len()) || !has_type(mark_types, mention.concept) {
                continue;
            }
            let is_ambiguous = *ambiguous != Ambiguity::First
                && matcher.candidates(text, &mention).iter().any(|&(_, concept)| concept != mention.concept);
            if is_ambiguous && *ambiguous == Ambiguity::Drop {
                continue;
            }
            let used = !is_ambiguous && !self.is_held_out(mention.concept) && has_type(use_types, mention.concept);
            let kbioxlm_knowledge::Mention { bytes, chars, term, concept } = mention;
            marked.push(Marked { bytes, chars, term, concept, used });
        }
        marked
    }

    fn is_held_out(&self, concept: ConceptIndex) -> bool {
        self.held_out.contains(&concept)
            || is_in_share(self.config.held_out_share, &["held-out concept", self.kb.concept(concept).id])
    }

    /// Whether a term of so many characters is not too short.
    fn is_long(&self, term: &str, chars: usize) -> bool {
        let min = self.config.min_term_chars;
        // No text is looked through for its script unless that matters.
        chars >= min.cjk.max(min.other)
            || chars >= min.cjk.min(min.other) && chars >= if term.chars().any(is_cjk) { min.cjk } else { min.other }
    }

    /// The name by which a concept is told in `lang`: one that may stand for it and is not `surface` again.
    pub fn name(&self, concept: ConceptIndex, lang: &str, surface: &str, rng: &mut ChaCha8Rng) -> Option<&'a str> {
        let names = self.kb.translations(concept, lang).map(|term| self.kb.term(term).text);
        let mut fitting = names.filter(|name| !is_same_name(name, surface) && self.is_long(name, name.chars().count()));
        match self.config.synonyms {
            Synonyms::Preferred => fitting.next(),
            Synonyms::Sampled => fitting.choose(rng),
        }
    }

    /// A name in another language than `own`: the language is drawn by its weight from those that have one.
    pub fn foreign_name(
        &self,
        concept: ConceptIndex,
        own: &str,
        surface: &str,
        rng: &mut ChaCha8Rng,
    ) -> Option<&'a str> {
        let named: Vec<(&str, f64)> = self
            .other_languages(own)
            .filter_map(|(lang, weight)| Some((self.name(concept, lang, surface, rng)?, weight)))
            .collect();
        draw(&named, rng)
    }

    /// The languages other than `own` that may be switched to, and their weights.
    pub fn other_languages(&self, own: &str) -> impl Iterator<Item = (&'a str, f64)> {
        self.config.languages.iter().filter(move |(lang, _)| *lang != own)
    }

    /// The spans of mentions in a text that stands unchanged in a segment; `source` leads from it to the document's source.
    pub fn spans(
        &self,
        segment: usize,
        mentions: &[Marked],
        source: impl Fn(Range<usize>) -> Range<usize>,
    ) -> Vec<Span> {
        let span = |m: &Marked| Span {
            segment,
            bytes: m.bytes.clone(),
            chars: m.chars.clone(),
            role: Role::Entity,
            concept: self.concept_id(m.concept),
            fact: None,
            switched: false,
            source: Some(source(m.bytes.clone())),
        };
        mentions.iter().map(span).collect()
    }
}

/// Han, kana, bopomofo and Hangul, half-width forms included: scripts whose words have few characters.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

/// One of the values, by weight.
pub(crate) fn draw<T: Copy>(weighted: &[(T, f64)], rng: &mut ChaCha8Rng) -> Option<T> {
    match weighted {
        [] => None,
        [(only, _)] => Some(*only),
        // The weights have been checked: above zero and finite.
        several => several.choose_weighted(rng, |&(_, weight)| weight).ok().map(|&(value, _)| value),
    }
}
