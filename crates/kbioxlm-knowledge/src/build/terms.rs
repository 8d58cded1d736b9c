//! The names of the result: folded where a concept has one twice, ruled out where it would do harm, sorted.

use super::description::TermOptions;
use super::draft::Draft;
use super::lists::Lists;
use super::merge::Numbers;
use super::names::{self, Name};
use super::pinyin::Pinyin;
use crate::content::{Pool, TermRow, Text};
use crate::flags::{self, language_of};
use crate::fold;
use crate::report::{BuildReport, NameRule};
use foldhash::fast::FixedState;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// Names and what they refer to, as [`Content`](crate::content::Content) has them.
pub(super) struct Finished {
    pub terms: Vec<TermRow>,
    pub texts: Pool,
    pub languages: Vec<String>,
    pub flag_sets: Vec<Vec<String>>,
}

/// Takes the names out of the draft.
pub(super) fn terms(
    draft: &mut Draft,
    numbers: &Numbers,
    lists: &mut Lists,
    options: &TermOptions,
    report: &mut BuildReport,
) -> Option<Finished> {
    let mut rows = std::mem::take(&mut draft.terms);
    let languages = languages(draft, &rows, numbers);
    let mut new_lang = vec![0; draft.languages.len()];
    for (lang, new) in languages.iter().zip(0..) {
        new_lang[draft.languages.find(lang)? as usize] = new;
    }
    rows.retain_mut(|row| match numbers.of_concept(row.concept) {
        Some(number) => {
            (row.concept, row.lang) = (number, new_lang[usize::from(row.lang)]);
            true
        }
        None => false,
    });
    // Stable: within a concept and language the order of the sources stays.
    rows.par_sort_by_key(|row| (row.concept, row.lang));
    report.repeated_terms = fold_repeated(&mut rows, &draft.texts, &draft.first_texts, report);
    let mut rules = Rules { draft, lists, options, report, languages: &languages };
    rules.apply(&mut rows)?;
    put_preferred_first(&mut rows);
    let mut texts = Pool::default();
    for row in &mut rows {
        row.text = texts.push(draft.texts.get(row.text))?;
    }
    draft.texts = Pool::default();
    let flag_set = |set: &[u32]| set.iter().map(|&flag| draft.flags.get(flag).to_owned()).collect();
    let flag_sets = draft.flag_sets.iter().map(flag_set).collect();
    Some(Finished { terms: rows, texts, languages, flag_sets })
}

/// The languages of the names that stay, sorted.
fn languages(draft: &Draft, rows: &[TermRow], numbers: &Numbers) -> Vec<String> {
    let mut used = vec![false; draft.languages.len()];
    for row in rows.iter().filter(|row| numbers.of_concept(row.concept).is_some()) {
        used[usize::from(row.lang)] = true;
    }
    let names = draft.languages.iter().zip(used).filter(|(_, used)| *used);
    let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names
}

/// Makes one of the names that a concept has several times in a language; returns how many went.
fn fold_repeated(rows: &mut Vec<TermRow>, texts: &Pool, first_texts: &[u32], report: &mut BuildReport) -> usize {
    let before = rows.len();
    let mut known: HashMap<&str, usize, FixedState> = HashMap::default();
    let (mut kept, mut at) = (0, 0);
    while at < rows.len() {
        let is_same = |row: &TermRow| (row.concept, row.lang) == (rows[at].concept, rows[at].lang);
        let end = at + rows[at..].iter().position(|row| !is_same(row)).unwrap_or(rows.len() - at);
        known.clear();
        for i in at..end {
            let row = rows[i];
            match known.get(texts.get(row.text)) {
                Some(&former) => fold(&mut rows[former], row),
                None => {
                    // Texts are numbered in the order of the sources.
                    let source = first_texts.partition_point(|&first| first <= row.text.0) - 1;
                    report.sources[source].kept_terms += 1;
                    known.insert(texts.get(row.text), kept);
                    rows[kept] = row;
                    kept += 1;
                }
            }
        }
        at = end;
    }
    rows.truncate(kept);
    before - kept
}

/// The same name twice: it may be used as the less restricted of the two says, but an abbreviation remains one.
fn fold(former: &mut TermRow, again: TermRow) {
    let both = (former.usage | again.usage) & (TermRow::PREFERRED | TermRow::CASE_SENSITIVE);
    let freedom = |row: &TermRow| (row.usage & TermRow::TRANSLATION, row.usage & TermRow::MATCHED);
    if freedom(&again) > freedom(former) {
        *former = again;
    }
    former.usage |= both;
}

/// Of several preferred names of a concept in a language the first that may be written stays preferred, and goes first.
fn put_preferred_first(rows: &mut [TermRow]) {
    for names in rows.chunk_by_mut(|a, b| (a.concept, a.lang) == (b.concept, b.lang)) {
        let first = |wanted: u32| names.iter().position(|row| row.usage & wanted == wanted);
        let best = first(TermRow::PREFERRED | TermRow::TRANSLATION).or_else(|| first(TermRow::PREFERRED));
        for (i, name) in names.iter_mut().enumerate() {
            name.usage &= !TermRow::PREFERRED;
            if Some(i) == best {
                name.usage |= TermRow::PREFERRED;
            }
        }
        if let Some(best) = best {
            names[..=best].rotate_right(1);
        }
    }
}

/// The rules by which names are not used; see [`TermOptions`].
struct Rules<'a> {
    draft: &'a mut Draft,
    lists: &'a mut Lists,
    options: &'a TermOptions,
    report: &'a mut BuildReport,
    languages: &'a [String],
}

impl Rules<'_> {
    /// Applies the rules to rows sorted by concept and language; `None` when there are more sets of flags than can be numbered.
    fn apply(&mut self, rows: &mut [TermRow]) -> Option<()> {
        let hashes = names::hashes(rows, &self.draft.texts);
        let kept: Vec<bool> =
            rows.iter().zip(&hashes).map(|(row, &hash)| self.lists.keep.has(row.lang, hash)).collect();
        let stop_words = self.stop_words();
        let mut pinyin = Pinyin::default();
        let mut at = 0;
        for names in rows.chunk_by_mut(|a, b| a.concept == b.concept) {
            let range = at..at + names.len();
            at = range.end;
            self.rule_out(names, &hashes[range.clone()], &kept[range], &stop_words, &mut pinyin)?;
        }
        let ambiguous = self.ambiguous(rows, &hashes);
        for ((row, &hash), &kept) in rows.iter_mut().zip(&hashes).zip(&kept) {
            if !kept && row.usage & TermRow::MATCHED != 0 && ambiguous.contains(&(row.lang, hash)) {
                self.mark(row, NameRule::Ambiguous)?;
            }
        }
        Some(())
    }

    /// The rules that look at one concept.
    fn rule_out(
        &mut self,
        names: &mut [TermRow],
        hashes: &[u64],
        kept: &[bool],
        stop_words: &[HashSet<u64>],
        pinyin: &mut Pinyin,
    ) -> Option<()> {
        let languages = self.languages;
        let in_language = |row: &TermRow, lang: &str| language_of(&languages[usize::from(row.lang)]) == lang;
        let texts_in = |lang: &'static str| {
            let rows: Vec<Text> = names.iter().filter(|row| in_language(row, lang)).map(|row| row.text).collect();
            rows
        };
        let has_english = names.iter().any(|row| in_language(row, "en"));
        let english: Vec<u64> = match has_english && self.options.drop_equal {
            true => names.iter().zip(hashes).filter(|(row, _)| in_language(row, "en")).map(|(_, &hash)| hash).collect(),
            false => Vec::new(),
        };
        let chinese = if has_english && self.options.drop_pinyin { texts_in("zh") } else { Vec::new() };
        for ((row, &hash), &kept) in names.iter_mut().zip(hashes).zip(kept) {
            if self.lists.exclude.has(row.lang, hash) {
                self.mark(row, NameRule::Excluded)?;
                continue;
            }
            if kept {
                row.usage |= TermRow::MATCHED;
                continue;
            }
            if row.usage & TermRow::MATCHED == 0 {
                let form = flags::usage(
                    &languages[usize::from(row.lang)],
                    self.draft.texts.get(row.text),
                    &[],
                    self.options.min_length,
                );
                if form.foreign_script {
                    self.mark(row, NameRule::ForeignScript)?;
                } else if form.short {
                    self.mark(row, NameRule::Short)?;
                }
            }
            let is_english = in_language(row, "en");
            let case_counts = row.usage & TermRow::CASE_SENSITIVE != 0;
            let texts = &self.draft.texts;
            if is_english && chinese.iter().any(|&name| pinyin.spells(texts.get(row.text), texts.get(name))) {
                self.mark(row, NameRule::Pinyin)?;
            } else if !case_counts && stop_words[usize::from(row.lang)].contains(&hash) {
                self.mark(row, NameRule::StopWord)?;
            } else if !is_english && row.usage & TermRow::TRANSLATION != 0 && english.contains(&hash) {
                self.mark(row, NameRule::Equal)?;
            }
        }
        Some(())
    }

    /// Gives a name the flag of a rule and counts it.
    fn mark(&mut self, row: &mut TermRow, rule: NameRule) -> Option<()> {
        const NEITHER: u32 = TermRow::MATCHED | TermRow::TRANSLATION;
        let flag = match rule {
            NameRule::Excluded => Some(("excluded", NEITHER)),
            NameRule::Pinyin => Some(("pinyin", NEITHER)),
            NameRule::StopWord => Some(("stop_word", NEITHER)),
            NameRule::Ambiguous => Some(("ambiguous", TermRow::MATCHED)),
            NameRule::Equal => Some(("equal_in_english", TermRow::TRANSLATION)),
            // The form of the name says it already.
            NameRule::ForeignScript | NameRule::Short => None,
        };
        if let Some((flag, cleared)) = flag {
            row.usage &= !cleared;
            let flag = self.draft.flags.number(flag)?;
            row.flags = u16::try_from(self.draft.flag_sets.with(u32::from(row.flags), flag)).ok()?;
        }
        let text = self.draft.texts.get(row.text);
        let lang = &self.languages[usize::from(row.lang)];
        self.report.names.entry(rule).or_default().add(|| format!("{text} ({lang})"));
        Some(())
    }

    /// The function words of each language.
    fn stop_words(&self) -> Vec<HashSet<u64>> {
        let mut scratch = String::new();
        let mut of = |lang: &String| {
            let words = stop_words::lookup(language_of(lang)).filter(|_| self.options.drop_stop_words);
            words.unwrap_or_default().iter().map(|word| fold::fingerprint(word, &mut scratch)).collect()
        };
        self.languages.iter().map(&mut of).collect()
    }

    /// The names that are looked for and belong to too many concepts.
    fn ambiguous(&self, rows: &[TermRow], hashes: &[u64]) -> HashSet<(u16, u64)> {
        let most = self.options.max_concepts_per_name;
        if most == 0 {
            return HashSet::new();
        }
        let looked_for = rows.par_iter().zip(hashes).filter(|(row, _)| row.usage & TermRow::MATCHED != 0);
        let mut names: Vec<Name> =
            looked_for.map(|(row, &hash)| Name { concept: row.concept, lang: row.lang, hash }).collect();
        names.par_sort_unstable_by_key(|name| (name.lang, name.hash, name.concept));
        names.dedup();
        let namesakes = names.chunk_by(|a, b| (a.lang, a.hash) == (b.lang, b.hash));
        namesakes.filter(|n| n.len() > most).map(|n| (n[0].lang, n[0].hash)).collect()
    }
}
