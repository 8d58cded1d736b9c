use crate::{ConceptIndex, KnowledgeBase, Matcher};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many of the most ambiguous names are told.
const MOST_AMBIGUOUS: usize = 10;

/// Counts of a knowledge base.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Concepts.
    pub concepts: usize,
    /// Terms by language.
    pub languages: BTreeMap<String, LanguageStats>,
    /// Concepts that have a translation in both languages, by the pair: `en-zh`.
    pub translated: BTreeMap<String, usize>,
    /// Facts by relation.
    pub facts: BTreeMap<String, usize>,
    /// Concepts by semantic type; one of several types counts for each.
    pub semantic_types: BTreeMap<String, usize>,
    /// The names that are looked for and belong to the most concepts.
    pub ambiguous: Vec<AmbiguousName>,
}

/// A name of several concepts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AmbiguousName {
    /// Language of the name.
    pub lang: String,
    /// One of its spellings.
    pub name: String,
    /// How many concepts it belongs to.
    pub concepts: usize,
}

/// Counts of one language.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LanguageStats {
    /// Terms.
    pub terms: usize,
    /// Terms that are looked for in text.
    pub matched: usize,
    /// Terms that may replace a mention.
    pub translations: usize,
    /// Concepts with a term that may replace a mention.
    pub concepts: usize,
}

impl Stats {
    pub(crate) fn of<'a>(kb: &'a KnowledgeBase) -> Self {
        let mut stats = Self { concepts: kb.concepts().len(), ..Self::default() };
        let mut pairs: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        // Terms are sorted by concept and language.
        let mut named: Vec<&str> = Vec::new();
        let mut concept = None;
        let mut count = |named: &mut Vec<&'a str>, languages: &mut BTreeMap<String, LanguageStats>| {
            for (i, &a) in named.iter().enumerate() {
                if let Some(language) = languages.get_mut(a) {
                    language.concepts += 1;
                }
                for &b in &named[i + 1..] {
                    *pairs.entry((a, b)).or_default() += 1;
                }
            }
            named.clear();
        };
        for term in kb.terms() {
            if concept.replace(term.concept) != Some(term.concept) {
                count(&mut named, &mut stats.languages);
            }
            if term.translation && named.last() != Some(&term.lang) {
                named.push(term.lang);
            }
            if !stats.languages.contains_key(term.lang) {
                stats.languages.insert(term.lang.to_owned(), LanguageStats::default());
            }
            if let Some(language) = stats.languages.get_mut(term.lang) {
                language.terms += 1;
                language.matched += usize::from(term.matched);
                language.translations += usize::from(term.translation);
            }
        }
        count(&mut named, &mut stats.languages);
        stats.translated = pairs.into_iter().map(|((a, b), n)| (format!("{a}-{b}"), n)).collect();
        for fact in kb.facts() {
            *stats.facts.entry(kb.relation_id(fact.relation).to_owned()).or_default() += 1;
        }
        for number in 0..stats.concepts as u32 {
            for semantic_type in kb.semantic_types(ConceptIndex(number)) {
                *stats.semantic_types.entry(semantic_type.to_owned()).or_default() += 1;
            }
        }
        stats.ambiguous = ambiguous(kb);
        stats
    }
}

fn ambiguous(kb: &KnowledgeBase) -> Vec<AmbiguousName> {
    let mut names = Vec::new();
    for lang in kb.languages() {
        // A language without names to look for has none that are ambiguous.
        let Ok(matcher) = Matcher::new(kb, lang) else { continue };
        let name = |(term, concepts): (_, usize)| AmbiguousName {
            lang: lang.to_owned(),
            name: kb.term(term).text.to_owned(),
            concepts,
        };
        names.extend(matcher.most_ambiguous(MOST_AMBIGUOUS).into_iter().map(name));
    }
    names.sort_by_key(|name| Reverse(name.concepts));
    names.truncate(MOST_AMBIGUOUS);
    names
}
