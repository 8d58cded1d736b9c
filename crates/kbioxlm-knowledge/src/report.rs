use crate::KnowledgeBase;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

/// What a build read, kept and dropped, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BuildReport {
    /// Each lexicon.
    pub lexicons: Vec<LexiconReport>,
    /// How many terms carry each flag.
    pub flags: BTreeMap<String, usize>,
    /// Those of the flags whose meaning is not known here; the terms are used as if they had none.
    pub unknown_flags: Vec<String>,
    /// Joining of concepts.
    pub links: LinkReport,
    /// Concepts left out because their semantic type says that they are no entities.
    pub not_entities: usize,
    /// Terms that a concept has already in the same language and spelling.
    pub repeated_terms: usize,
    /// Terms in characters that their language does not use: kept, but neither looked for nor written.
    pub foreign_script: usize,
    /// Each table of facts.
    pub facts: Vec<FactReport>,
    /// Relations of facts that have a label in no language.
    pub unlabelled_relations: Vec<String>,
    /// The first few rows that were dropped because of an unknown concept, as `FILE:LINE: what`.
    pub examples: Vec<String>,
    /// What came out.
    pub knowledge: Stats,
}

/// What a lexicon holds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct LexiconReport {
    /// The file as it was named.
    pub file: String,
    /// Rows, that is, terms.
    pub rows: usize,
    /// Concepts that no lexicon before it has.
    pub concepts: usize,
}

/// What the links did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct LinkReport {
    /// Rows of all tables of links.
    pub rows: usize,
    /// Dropped: they name a concept that no lexicon has.
    pub unknown_concept: usize,
    /// Dropped: they would join, through a third, concepts that one vocabulary keeps apart.
    pub refused: usize,
    /// Concepts of the sources that are now members of another one.
    pub joined: usize,
    /// The largest number of concepts in one.
    pub largest: usize,
}

/// What became of a table of facts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct FactReport {
    /// The file as it was named.
    pub file: String,
    /// Rows.
    pub rows: usize,
    /// Facts kept.
    pub kept: usize,
    /// Dropped: head or tail is in no lexicon.
    pub unknown_concept: usize,
    /// Dropped: head or tail is no entity.
    pub not_an_entity: usize,
    /// Dropped: head and tail are the same concept, most often since they were joined.
    pub self_facts: usize,
    /// Dropped: said before, most often since concepts were joined.
    pub repeated: usize,
}

/// Counts of a knowledge base.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Stats {
    /// Concepts.
    pub concepts: usize,
    /// Terms by language.
    pub languages: BTreeMap<String, LanguageStats>,
    /// Concepts that have a translation in both languages, by the pair: `en-zh`.
    pub translated: BTreeMap<String, usize>,
    /// Facts by relation.
    pub facts: BTreeMap<String, usize>,
}

/// Counts of one language.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
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
        stats
    }
}

impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{} concepts, {} facts", self.concepts, self.facts.values().sum::<usize>())?;
        writeln!(
            f,
            "{:<10}{:>10}{:>13}{:>14}{:>19}",
            "language", "terms", "looked for", "translations", "concepts named"
        )?;
        for (lang, l) in &self.languages {
            writeln!(f, "{lang:<10}{:>10}{:>13}{:>14}{:>19}", l.terms, l.matched, l.translations, l.concepts)?;
        }
        let mut pairs: Vec<_> = self.translated.iter().collect();
        pairs.sort_by_key(|&(pair, &n)| (std::cmp::Reverse(n), pair));
        for (pair, n) in pairs.iter().take(5) {
            writeln!(f, "{n} concepts named in both of {pair}")?;
        }
        let mut facts: Vec<_> = self.facts.iter().collect();
        facts.sort_by_key(|&(relation, &n)| (std::cmp::Reverse(n), relation));
        for (relation, n) in facts {
            writeln!(f, "{n:>10} facts {relation}")?;
        }
        Ok(())
    }
}

impl Display for BuildReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for l in &self.lexicons {
            writeln!(f, "{}: {} terms, {} concepts", l.file, l.rows, l.concepts)?;
        }
        let l = &self.links;
        writeln!(f, "links: {} rows joined {} concepts to others, at most {} in one", l.rows, l.joined, l.largest)?;
        let dropped = [
            (l.unknown_concept, "links dropped: unknown concept"),
            (l.refused, "links refused: they join concepts that one vocabulary keeps apart"),
            (self.not_entities, "concepts left out: their semantic type is none of an entity"),
            (self.repeated_terms, "terms folded: the concept has them already"),
            (self.foreign_script, "terms not used: in characters that their language does not use"),
        ];
        for (n, what) in dropped.into_iter().filter(|&(n, _)| n > 0) {
            writeln!(f, "{n} {what}")?;
        }
        for t in &self.facts {
            writeln!(
                f,
                "{}: {} facts, {} kept; dropped: {} of an unknown concept, {} of no entity, {} of a concept with itself, \
                 {} said before",
                t.file, t.rows, t.kept, t.unknown_concept, t.not_an_entity, t.self_facts, t.repeated
            )?;
        }
        for (what, names) in [
            ("flags without a known meaning", &self.unknown_flags),
            ("relations without a label", &self.unlabelled_relations),
        ] {
            if !names.is_empty() {
                writeln!(f, "{what}: {}", names.join(", "))?;
            }
        }
        for example in &self.examples {
            writeln!(f, "for example {example}")?;
        }
        write!(f, "{}", self.knowledge)
    }
}
