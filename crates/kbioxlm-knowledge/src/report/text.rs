//! The reports as text for people.

use super::{BuildReport, Dropped, LinkReport, NameRule, SourceReport, Stats};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

/// How many of a long list are told.
const FIRST: usize = 10;

impl NameRule {
    fn effect(self) -> &'static str {
        match self {
            Self::Excluded => "neither looked for nor written: excluded by a list",
            Self::ForeignScript => "neither looked for nor written: in characters that their language does not use",
            Self::Pinyin => "neither looked for nor written: they spell out how a Chinese name is read",
            Self::StopWord => "neither looked for nor written: function words",
            Self::Ambiguous => "written but not looked for: they belong to too many concepts",
            Self::Equal => "looked for but not written: the concept is called the same in English",
            Self::Short => "not looked for: too short, or without a letter",
        }
    }
}

impl Display for Dropped {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.examples.as_slice() {
            [] => Ok(()),
            [one] => write!(f, " (for example {one})"),
            [one, more @ ..] => write!(f, " (for example {one}; {})", more.join("; ")),
        }
    }
}

/// The most frequent first.
fn by_count(counts: &BTreeMap<String, usize>) -> Vec<(&String, usize)> {
    let mut list: Vec<_> = counts.iter().map(|(name, &n)| (name, n)).collect();
    list.sort_by_key(|&(name, n)| (Reverse(n), name));
    list
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
        let pairs = by_count(&self.translated);
        for (pair, n) in pairs.iter().take(FIRST) {
            writeln!(f, "{n:>10} concepts named in both of {pair}")?;
        }
        for (what, counts) in [("facts", &self.facts), ("concepts of type", &self.semantic_types)] {
            let list = by_count(counts);
            for (name, n) in list.iter().take(FIRST) {
                writeln!(f, "{n:>10} {what} {name}")?;
            }
            let others: usize = list.iter().skip(FIRST).map(|&(_, n)| n).sum();
            if others > 0 {
                writeln!(f, "{others:>10} {what} others ({})", list.len() - FIRST)?;
            }
        }
        for name in &self.ambiguous {
            writeln!(f, "{:>10} concepts are called `{}` ({})", name.concepts, name.name, name.lang)?;
        }
        Ok(())
    }
}

impl Display for SourceReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} ({}):", self.path, self.format)?;
        let facts = &self.facts;
        let mut counts = Vec::new();
        if self.terms > 0 {
            counts.push(format!("{} names, {} kept, of {} new concepts", self.terms, self.kept_terms, self.concepts));
        }
        if facts.read > 0 {
            counts.push(format!("{} facts, {} kept", facts.read, facts.kept));
        }
        for (n, what) in [(self.links, "links"), (self.labels, "labels of relations")] {
            if n > 0 {
                counts.push(format!("{n} {what}"));
            }
        }
        writeln!(f, " {}", if counts.is_empty() { "nothing".to_owned() } else { counts.join("; ") })?;
        let facts = [
            (facts.unknown_concept, "facts dropped: of a concept that no source has"),
            (facts.left_out, "facts dropped: of a concept that was left out"),
            (facts.self_facts, "facts dropped: of a concept with itself"),
            (facts.repeated, "facts dropped: said before"),
        ];
        for (n, what) in facts.into_iter().filter(|&(n, _)| n > 0) {
            writeln!(f, "{n:>10} {what}")?;
        }
        for (reason, dropped) in &self.dropped {
            writeln!(f, "{:>10} left out: {reason}{dropped}", dropped.count)?;
        }
        Ok(())
    }
}

fn links(f: &mut Formatter<'_>, what: &str, links: &LinkReport) -> Result {
    if links.read == 0 {
        return Ok(());
    }
    writeln!(f, "{what}: {} read, {} joined concepts", links.read, links.joined)?;
    for (dropped, why) in [
        (&links.refused, "refused: they join concepts that one vocabulary keeps apart"),
        (&links.unknown_concept, "dropped: unknown concept"),
    ] {
        if dropped.count > 0 {
            writeln!(f, "{:>10} {why}{dropped}", dropped.count)?;
        }
    }
    Ok(())
}

impl Display for BuildReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for source in &self.sources {
            write!(f, "{source}")?;
        }
        let merge = &self.merge;
        links(f, "cross-references", &merge.xrefs)?;
        links(f, "links", &merge.links)?;
        links(f, "pairs of concepts with equal names", &merge.names)?;
        if let Some(largest) = merge.largest.first() {
            writeln!(
                f,
                "{} concepts became members of others, at most {} in one ({})",
                merge.joined,
                largest.len(),
                largest.iter().take(FIRST).map(String::as_str).collect::<Vec<_>>().join(" ")
            )?;
        }
        for (dropped, what) in [
            (&self.not_entities, "concepts left out: their semantic type is none of an entity"),
            (&self.excluded_concepts, "concepts left out: excluded by a list"),
            (&self.unknown_facts, "facts dropped: unknown concept"),
            (&self.unused_entries, "entries of lists that no name or concept is"),
        ] {
            if dropped.count > 0 {
                writeln!(f, "{} {what}{dropped}", dropped.count)?;
            }
        }
        if self.repeated_terms > 0 {
            writeln!(f, "{} names folded: the concept has them already", self.repeated_terms)?;
        }
        for (rule, dropped) in &self.names {
            writeln!(f, "{} names {}{dropped}", dropped.count, rule.effect())?;
        }
        for (what, names) in [
            ("flags without a known meaning", &self.unknown_flags),
            ("relations without a label", &self.unlabelled_relations),
        ] {
            if !names.is_empty() {
                writeln!(f, "{what}: {}", names.join(", "))?;
            }
        }
        write!(f, "{}", self.knowledge)
    }
}
