use crate::content::TermRow;
use crate::fold::{Gap, Scanner, equal_but_for_form};
use crate::store::{Section, Store};
use crate::{ConceptIndex, KnowledgeBase, KnowledgeError, Result, TermIndex};
use compile::{CASED, LAST, Node, label};
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use words::{Slot, Words};

pub(crate) mod compile;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
pub(crate) mod words;

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
/// Text and terms are cut into tokens: runs of letters and digits of a script that separates words, and single characters of
/// Chinese, Japanese, Korean, Thai, Lao, Khmer, Myanmar and of everything else; marks belong to the character before them.
/// A match is a sequence of whole tokens (`ulcer` is not in `ulcers`, `高血压` is in `高血压病`) that equals the term's but for
/// - case; a [case-sensitive](crate::Term::case_sensitive) term's case must be its own;
/// - full-width forms of ASCII, composed or decomposed accents, invisible characters;
/// - the amount of white space, line ends included; no term goes across an empty line. Between Chinese, Japanese or Korean characters
///   and words it does not matter at all.
///
/// Of the matches the leftmost is taken, of those that begin together the longest, and the search goes on behind it: the
/// mentions do not overlap. Where one spelling names several concepts, the mention is of the first in this order: terms that
/// may be [translations](crate::Term::translation); concepts named in another language too, for a vocabulary of one language
/// often repeats what another one has with translations; preferred terms; concepts named in more languages; smaller index.
///
/// A matcher is searched where it lies in the file: it costs nothing to open, and memory only for what is touched.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let lexicon = dir.path().join("lexicon.tsv");
/// let table = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\nHP:0000822\ten\tHypertension\t1\tPhenotype\t\n";
/// std::fs::write(&lexicon, table)?;
/// let description = kbioxlm_knowledge::Description::of_tables(vec![lexicon], vec![], None, vec![]);
/// kbioxlm_knowledge::build(&description, &dir.path().join("kb"))?;
/// let kb = kbioxlm_knowledge::KnowledgeBase::open(&dir.path().join("kb"))?;
/// let mentions = kbioxlm_knowledge::Matcher::new(&kb, "en")?.find("Café: hypertension.");
/// assert_eq!(mentions[0].bytes, 7..19);
/// assert_eq!(mentions[0].chars, 6..18);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Matcher {
    kb: KnowledgeBase,
    sections: Sections,
    /// Tokens of the longest pattern.
    longest: usize,
}

/// Where the parts of the matcher lie; see [`compile`].
#[derive(Copy, Clone)]
struct Sections {
    slots: Section,
    words: Section,
    word_starts: Section,
    chars: Section,
    roots: Section,
    nodes: Section,
    labels: Section,
    candidates: Section,
}

impl Sections {
    fn find(store: &Store, lang: &str) -> Option<Self> {
        let name = |part: &str| format!("matcher/{lang}/{part}");
        Some(Self {
            slots: store.find::<Slot>(&name("slots"))?,
            words: store.find::<u8>(&name("words"))?,
            word_starts: store.find::<u32>(&name("word_starts"))?,
            chars: store.find::<u32>(&name("chars"))?,
            roots: store.find::<u32>(&name("roots"))?,
            nodes: store.find::<Node>(&name("nodes"))?,
            labels: store.find::<u32>(&name("labels"))?,
            candidates: store.find::<u32>(&name("candidates"))?,
        })
    }
}

/// A token of the text and the label by which the trie knows it.
#[derive(Copy, Clone)]
struct Piece {
    start: usize,
    end: usize,
    /// Number of the token; [`UNKNOWN`]: no term has it.
    token: u32,
    gap: Gap,
}

const UNKNOWN: u32 = u32::MAX >> 1;
/// Tokens that are read ahead.
const WINDOW: usize = 1024;

thread_local! {
    /// The tokens and the folding buffer of a search, kept for the next.
    static BUFFERS: RefCell<(Vec<Piece>, String)> = const { RefCell::new((Vec::new(), String::new())) };
}

impl Matcher {
    /// The search for the terms of `lang` that are [looked for](crate::Term::matched).
    ///
    /// # Errors
    /// [`KnowledgeError::NoTerms`] when there are none.
    pub fn new(kb: &KnowledgeBase, lang: &str) -> Result<Self> {
        let parts = Sections::find(&kb.store, lang).zip(kb.store.find::<u32>(&format!("matcher/{lang}/longest")));
        let Some((sections, longest)) = parts else {
            let known = kb.languages().join(", ");
            return Err(KnowledgeError::NoTerms { lang: lang.to_owned(), known });
        };
        let longest = kb.store.get::<u32>(longest).first().map_or(1, |&n| n.max(1) as usize);
        Ok(Self { kb: kb.clone(), sections, longest })
    }

    /// The mentions in `text`, from left to right.
    pub fn find(&self, text: &str) -> Vec<Mention> {
        let mut mentions = Vec::new();
        // A search within a search cannot be: nothing that is called here calls back.
        BUFFERS.with_borrow_mut(|(pieces, scratch)| self.search(text, pieces, scratch, &mut mentions));
        mentions
    }

    /// All that the spelling of a mention in `text` names: the mention's own term first, in the order described above.
    pub fn candidates(&self, text: &str, mention: &Mention) -> Vec<(TermIndex, ConceptIndex)> {
        text.get(mention.bytes.clone()).map_or_else(Vec::new, |surface| self.lookup(surface))
    }

    /// The terms that are `name`, the one that a mention would be of first; empty when it is none.
    pub fn lookup(&self, name: &str) -> Vec<(TermIndex, ConceptIndex)> {
        let view = self.view();
        let (mut pieces, mut scratch) = (Vec::new(), String::new());
        let mut scanner = Scanner::new(name);
        while view.read(&mut scanner, &mut scratch, &mut pieces) {}
        let mut found = Vec::new();
        view.walk(&pieces, |tokens, terminal| {
            if tokens == pieces.len() {
                let terms = view.candidates(terminal).filter(|&c| self.is(c, name));
                found = terms.map(|c| (TermIndex(c & !(CASED | LAST)), self.concept(c))).collect();
            }
        });
        found
    }

    /// The names of the most concepts: a term of each and how many, the most first.
    pub(crate) fn most_ambiguous(&self, most: usize) -> Vec<(TermIndex, usize)> {
        let candidates = self.view().candidates;
        let mut names: Vec<(TermIndex, usize)> = Vec::new();
        let mut concepts = Vec::new();
        for namesakes in candidates.chunk_by(|candidate, _| candidate & LAST == 0).filter(|n| n.len() > 1) {
            concepts.clear();
            concepts.extend(namesakes.iter().map(|&c| self.concept(c)));
            concepts.sort_unstable();
            concepts.dedup();
            let fewest = names.last().filter(|_| names.len() == most).map_or(1, |&(_, n)| n);
            if concepts.len() > fewest {
                names.truncate(most - 1);
                let place = names.partition_point(|&(_, n)| n >= concepts.len());
                names.insert(place, (TermIndex(namesakes[0] & !(CASED | LAST)), concepts.len()));
            }
        }
        names
    }

    fn view(&self) -> View<'_> {
        let (store, at) = (&self.kb.store, &self.sections);
        View {
            words: Words {
                slots: store.get(at.slots),
                bytes: store.get(at.words),
                starts: store.get(at.word_starts),
                chars: store.get(at.chars),
            },
            roots: store.get(at.roots),
            nodes: store.get(at.nodes),
            labels: store.get(at.labels),
            candidates: store.get(at.candidates),
        }
    }

    fn search(&self, text: &str, pieces: &mut Vec<Piece>, scratch: &mut String, mentions: &mut Vec<Mention>) {
        let view = self.view();
        let terms: &[TermRow] = self.kb.term_rows();
        let mut scanner = Scanner::new(text);
        pieces.clear();
        // The text is read a window at a time: however long it is, the tokens in memory are few.
        let (mut at, mut more) = (0, true);
        let (mut counted, mut chars) = (0, 0);
        loop {
            if more && at + self.longest > pieces.len() {
                pieces.drain(..at);
                at = 0;
                while more && pieces.len() < self.longest + WINDOW {
                    more = view.read(&mut scanner, scratch, pieces);
                }
            }
            let Some(rest) = pieces.get(at..).filter(|rest| !rest.is_empty()) else { return };
            let mut best = None;
            view.walk(rest, |tokens, terminal| {
                let candidate = if terminal & CASED == 0 {
                    view.candidates.get(terminal as usize - 1).copied()
                } else {
                    let surface = &text[rest[0].start..rest[tokens - 1].end];
                    view.candidates(terminal).find(|&c| self.is(c, surface))
                };
                best = candidate.map(|c| (tokens, c)).or(best);
            });
            let Some((tokens, candidate)) = best else {
                at += 1;
                continue;
            };
            let bytes = rest[0].start..rest[tokens - 1].end;
            chars += text[counted..bytes.start].chars().count();
            let first_char = chars;
            chars += text[bytes.clone()].chars().count();
            counted = bytes.end;
            let term = candidate & !(CASED | LAST);
            let concept = ConceptIndex(terms[term as usize].concept);
            mentions.push(Mention { bytes, chars: first_char..chars, term: TermIndex(term), concept });
            at += tokens;
        }
    }

    /// May the candidate be written like this?
    fn is(&self, candidate: u32, surface: &str) -> bool {
        candidate & CASED == 0 || equal_but_for_form(self.kb.term(TermIndex(candidate & !(CASED | LAST))).text, surface)
    }

    fn concept(&self, candidate: u32) -> ConceptIndex {
        self.kb.term(TermIndex(candidate & !(CASED | LAST))).concept
    }
}

/// The parts of a matcher as they are searched.
struct View<'a> {
    words: Words<'a>,
    /// The node to which each token leads from the root; 0 for none.
    roots: &'a [u32],
    nodes: &'a [Node],
    labels: &'a [u32],
    candidates: &'a [u32],
}

impl View<'_> {
    /// Appends the next token; false at the end.
    #[inline]
    fn read(&self, scanner: &mut Scanner, scratch: &mut String, pieces: &mut Vec<Piece>) -> bool {
        let Some(token) = scanner.next(scratch) else { return false };
        let number = self.words.find(token.key).unwrap_or(UNKNOWN);
        pieces.push(Piece { start: token.start, end: token.end, token: number, gap: token.gap });
        true
    }

    /// Follows the trie along `pieces` and calls `found` with the number of tokens and the terminal of every pattern on the way.
    #[inline]
    fn walk(&self, pieces: &[Piece], mut found: impl FnMut(usize, u32)) {
        let Some(first) = pieces.first() else { return };
        let mut node = self.roots.get(first.token as usize).map_or(0, |&n| n as usize);
        let mut tokens = 1;
        while node != 0 {
            let (Some(here), Some(next)) = (self.nodes.get(node), self.nodes.get(node + 1)) else { return };
            if here.terminal != 0 {
                found(tokens, here.terminal);
            }
            let children = here.first_child as usize..next.first_child as usize;
            let Some(piece) = pieces.get(tokens).filter(|p| !children.is_empty() && p.gap != Gap::Break) else {
                return;
            };
            let label = label(piece.token, piece.gap == Gap::Space);
            let Some(labels) = self.labels.get(children.clone()) else { return };
            let child = if labels.len() <= 8 {
                labels.iter().position(|&l| l == label)
            } else {
                labels.binary_search(&label).ok()
            };
            let Some(child) = child else { return };
            node = children.start + child;
            tokens += 1;
        }
    }

    /// The candidates of a pattern.
    fn candidates(&self, terminal: u32) -> impl Iterator<Item = u32> {
        let rest = self.candidates.get(((terminal & !CASED) as usize).saturating_sub(1)..).unwrap_or_default();
        let count = rest.iter().position(|c| c & LAST != 0).map_or(rest.len(), |last| last + 1);
        rest[..count].iter().copied()
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("longest", &self.longest).finish_non_exhaustive()
    }
}
