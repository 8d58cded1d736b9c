use crate::fold::Folded;
use crate::script::at_boundaries;
use crate::{ConceptIndex, KnowledgeBase, KnowledgeError, Result, TermIndex};
use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// A span of a text that matches a term; the ranges point into the original text.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Mention {
    /// Range in bytes; both ends are character boundaries.
    pub bytes: Range<usize>,
    /// Range in characters (Unicode scalar values).
    pub chars: Range<usize>,
    /// The term found.
    pub term: TermIndex,
    /// Its concept.
    pub concept: ConceptIndex,
}

/// Finds the terms of one language in text.
///
/// A match is *valid* when
/// - the text is the term's, but for case; a [case-sensitive](crate::Term::case_sensitive) term's exactly;
/// - an edge that is a letter or digit has no other beside it, unless the edge is of a script that does not separate words
///   (Chinese, Japanese, Korean, Thai, Lao, Khmer, Myanmar): `ulcer` is not in `ulcers`, `高血压` is in `高血压病`;
/// - it does not end before a combining mark, that is, within what the reader sees as one character.
///
/// Of the valid matches the leftmost is taken, of those that begin together the longest, and the search goes on behind it: the
/// mentions do not overlap. Where one spelling names several concepts, the mention is of the first in this order: terms that
/// may be [translations](crate::Term::translation); concepts named in another language too, for a vocabulary of one language
/// often repeats what another one has with translations; preferred terms; concepts named in more languages; smaller index.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let lexicon = dir.path().join("lexicon.tsv");
/// let table = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\nHP:0000822\ten\tHypertension\t1\tPhenotype\t\n";
/// std::fs::write(&lexicon, table)?;
/// let sources = kbioxlm_knowledge::Sources { lexicons: vec![lexicon], ..Default::default() };
/// kbioxlm_knowledge::build(&sources, &dir.path().join("kb"))?;
/// let kb = kbioxlm_knowledge::KnowledgeBase::open(&dir.path().join("kb"))?;
/// let mentions = kbioxlm_knowledge::Matcher::new(&kb, "en")?.find("Café: hypertension.");
/// assert_eq!(mentions[0].bytes, 7..19);
/// assert_eq!(mentions[0].chars, 6..18);
/// # Ok(())
/// # }
/// ```
pub struct Matcher {
    automaton: CharwiseDoubleArrayAhoCorasick<u32>,
    /// The candidates of each pattern: `candidates[starts[p]..starts[p + 1]]`, the one to take first.
    starts: Vec<usize>,
    candidates: Vec<Candidate>,
}

struct Candidate {
    term: TermIndex,
    concept: ConceptIndex,
    /// What a case-sensitive term must equal.
    exact: Option<Box<str>>,
}

impl Matcher {
    /// Prepares the search for the terms of `lang` that are [looked for](crate::Term::matched).
    ///
    /// # Errors
    /// [`KnowledgeError::NoTerms`] when there are none.
    pub fn new(kb: &KnowledgeBase, lang: &str) -> Result<Self> {
        let mut patterns: BTreeMap<String, Vec<TermIndex>> = BTreeMap::new();
        for (term, number) in kb.terms().iter().zip(0..) {
            if term.matched && term.lang == lang {
                patterns.entry(Folded::new(&term.text).text().to_owned()).or_default().push(TermIndex(number));
            }
        }
        if patterns.is_empty() {
            let known = kb.languages().join(", ");
            return Err(KnowledgeError::NoTerms { lang: lang.to_owned(), known });
        }
        let mut starts = vec![0];
        let mut candidates = Vec::new();
        for terms in patterns.values_mut() {
            terms.sort_by_cached_key(|&index| {
                let term = kb.term(index);
                let languages = kb.named_languages(term.concept).len();
                // Terms are sorted by concept, so the smaller index is also that of the smaller concept.
                (!term.translation, languages < 2, !term.preferred, Reverse(languages), index)
            });
            candidates.extend(terms.iter().map(|&index| {
                let term = kb.term(index);
                let exact = term.case_sensitive.then(|| term.text.as_str().into());
                Candidate { term: index, concept: term.concept, exact }
            }));
            starts.push(candidates.len());
        }
        let automaton = CharwiseDoubleArrayAhoCorasickBuilder::new()
            .build_with_values(patterns.keys().zip(0_u32..))
            .map_err(|e| KnowledgeError::Automaton { lang: lang.to_owned(), message: e.to_string() })?;
        Ok(Self { automaton, starts, candidates })
    }

    /// The mentions in `text`, from left to right; they do not overlap.
    ///
    /// The time is proportional to the length of the text and the number of (overlapping) matches in it.
    pub fn find(&self, text: &str) -> Vec<Mention> {
        let mut mentions = Vec::new();
        let (mut byte, mut char) = (0, 0);
        for (start, end, candidate) in self.valid(text) {
            if start < byte {
                continue;
            }
            let first = char + text[byte..start].chars().count();
            let last = first + text[start..end].chars().count();
            let (term, concept) = (candidate.term, candidate.concept);
            mentions.push(Mention { bytes: start..end, chars: first..last, term, concept });
            (byte, char) = (end, last);
        }
        mentions
    }

    /// All valid matches, sorted: the leftmost first, of those that begin together the longest.
    fn valid(&self, text: &str) -> Vec<(usize, usize, &Candidate)> {
        let folded = Folded::new(text);
        let mut valid: Vec<(usize, usize, &Candidate)> = self
            .automaton
            .find_overlapping_iter(folded.text())
            .filter_map(|found| {
                let (start, end) = (folded.original(found.start())?, folded.original(found.end())?);
                let pattern = found.value() as usize;
                let candidates = &self.candidates[self.starts[pattern]..self.starts[pattern + 1]];
                let is = |exact: &str| *exact == text[start..end];
                let candidate = candidates.iter().find(|c| c.exact.as_deref().is_none_or(is))?;
                at_boundaries(text, start, end).then_some((start, end, candidate))
            })
            .collect();
        valid.sort_unstable_by_key(|&(start, end, _)| (start, Reverse(end)));
        valid
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("patterns", &(self.starts.len() - 1)).finish_non_exhaustive()
    }
}
