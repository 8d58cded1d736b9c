//! From the terms of a language to the trie that the matcher walks.

use super::words::{self, BeginningsBuilder, Hash, Slot, Token};
use crate::content::{Content, TermRow};
use crate::fold::{Gap, Key, Scanner};
use crate::intern::Interner;
use crate::store::StoreWriter;
use crate::{KnowledgeError, base::CompileError};
use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::io::Write;

/// A node of the trie. Nodes are numbered breadth first, so the children of each lie side by side.
#[derive(Copy, Clone, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Node {
    /// The first child; the last is before the first child of the next node.
    pub first_child: u32,
    /// The first candidate of the pattern that ends here plus one, 0 for none; see [`CASED`].
    pub terminal: u32,
}

/// Bit of [`Node::terminal`]: the first candidate is case-sensitive, so that the text has to be looked at. Bit of a candidate:
/// the term is.
pub(crate) const CASED: u32 = 1 << 31;
/// Bit of a candidate: the last of its pattern. The other bits are the number of the term.
pub(crate) const LAST: u32 = 1 << 30;

/// The label of an edge: the number of the token, and whether a space is before it.
pub(crate) fn label(token: u32, spaced: bool) -> u32 {
    token << 1 | u32::from(spaced)
}

/// Most tokens that labels can number.
const MOST_TOKENS: usize = (1 << 30) - 1;
/// The characters of [`Key::Char`].
const CHARS: usize = 1 << 16;

/// The tokens of all terms of a language.
#[derive(Default)]
struct Vocabulary {
    /// All tokens as text; empty for characters, which are found by `chars`.
    words: Interner,
    chars: Vec<u32>,
    buffer: String,
}

impl Vocabulary {
    fn number(&mut self, key: Key) -> Option<u32> {
        let Key::Char(c) = key else { return self.words.number(key.written(&mut self.buffer)) };
        let next = self.words.len() as u32;
        let slot = self.chars.get_mut(c as usize)?;
        if *slot == 0 {
            *slot = next + 1;
            self.words.reserve()?;
        }
        slot.checked_sub(1)
    }
}

/// Writes the matchers of all languages that have terms to look for.
pub(crate) fn write<W: Write>(content: &Content, out: &mut StoreWriter<W>) -> Result<(), CompileError> {
    let named = named_languages(content);
    for (lang, number) in content.languages.iter().zip(0_u16..) {
        let wanted = |row: &&TermRow| row.lang == number && row.usage & TermRow::MATCHED != 0;
        if content.terms.iter().any(|row| wanted(&row)) {
            write_language(content, number, lang, &named, out)?;
        }
    }
    Ok(())
}

/// In how many languages each concept has a name that may stand for it.
fn named_languages(content: &Content) -> Vec<u16> {
    let mut named = vec![0; content.concepts.len()];
    let mut last = None;
    for row in content.terms.iter().filter(|row| row.usage & TermRow::TRANSLATION != 0) {
        // Terms are sorted by concept and language.
        if last.replace((row.concept, row.lang)) != Some((row.concept, row.lang)) {
            named[row.concept as usize] += 1;
        }
    }
    named
}

fn write_language<W: Write>(
    content: &Content,
    lang: u16,
    name: &str,
    named: &[u16],
    out: &mut StoreWriter<W>,
) -> Result<(), CompileError> {
    let too_many = |what: &'static str, limit: usize| KnowledgeError::TooMany { what, limit: limit as u64 };
    if content.terms.len() >= LAST as usize {
        return Err(too_many("terms", LAST as usize).into());
    }
    let mut vocabulary = Vocabulary { chars: vec![0; CHARS], ..Vocabulary::default() };
    let mut terms: Vec<u32> = Vec::new();
    let mut labels: Vec<u32> = Vec::new();
    let mut starts: Vec<usize> = vec![0];
    let mut scratch = String::new();
    for (row, number) in content.terms.iter().zip(0..) {
        if row.lang != lang || row.usage & TermRow::MATCHED == 0 {
            continue;
        }
        let begin = labels.len();
        let mut scanner = Scanner::new(content.texts.get(row.text));
        while let Some(token) = scanner.next(&mut scratch) {
            let spaced = token.gap != Gap::None && labels.len() > begin;
            let token = vocabulary.number(token.key).filter(|&t| (t as usize) < MOST_TOKENS);
            labels.push(label(token.ok_or_else(|| too_many("different words in terms", MOST_TOKENS))?, spaced));
        }
        // A name of invisible characters alone is no pattern.
        if labels.len() > begin {
            terms.push(number);
            starts.push(labels.len());
        }
    }
    // The token ids of each term; where two are equal, the better candidate comes first.
    let sequence = |i: u32| &labels[starts[i as usize]..starts[i as usize + 1]];
    let rank = |i: u32| {
        let number = terms[i as usize];
        let row = &content.terms[number as usize];
        let has = |bit: u32| row.usage & bit != 0;
        let languages = named[row.concept as usize];
        // Terms are sorted by concept, so the smaller number is also that of the smaller concept.
        (!has(TermRow::TRANSLATION), languages < 2, !has(TermRow::PREFERRED), Reverse(languages), number)
    };
    let mut order: Vec<u32> = (0..terms.len() as u32).collect();
    order.par_sort_unstable_by(|&a, &b| sequence(a).cmp(sequence(b)).then_with(|| rank(a).cmp(&rank(b))));

    let mut trie = Trie::default();
    let ends = trie.build(&order, &sequence);
    let candidate = |&i: &u32| {
        let number = terms[i as usize];
        let cased = content.terms[number as usize].usage & TermRow::CASE_SENSITIVE != 0;
        number | if cased { CASED } else { 0 }
    };
    let mut candidates: Vec<u32> = order.iter().map(candidate).collect();
    for end in ends {
        candidates[end as usize] |= LAST;
    }
    for node in trie.nodes.iter_mut().filter(|n| n.terminal != 0) {
        node.terminal |= candidates[node.terminal as usize - 1] & CASED;
    }
    let (tokens, beginnings) = roots(&vocabulary, &trie);
    let words: Vec<(&str, Token)> =
        vocabulary.words.iter().zip(tokens.iter().copied()).filter(|(word, _)| !word.is_empty()).collect();
    let slots: Vec<Slot> = words::table(words.into_iter());
    let used = vocabulary.chars.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1);
    let char_token = |&n: &u32| n.checked_sub(1).map_or(Token::UNKNOWN, |n| tokens[n as usize]);
    let chars: Vec<Token> = vocabulary.chars[..used].iter().map(char_token).collect();

    let section = |part: &str| format!("matcher/{name}/{part}");
    out.section(section("slots"), &slots)?;
    out.section(section("beginnings"), &beginnings)?;
    let (bytes, word_starts) = vocabulary.words.parts();
    out.section(section("words"), bytes.as_bytes())?;
    out.section(section("word_starts"), word_starts)?;
    out.section(section("chars"), &chars)?;
    out.section(section("nodes"), &trie.nodes)?;
    out.section(section("labels"), &trie.labels)?;
    Ok(out.section(section("candidates"), &candidates)?)
}

/// All tokens by their numbers, and the filter of what names begin with.
fn roots(vocabulary: &Vocabulary, trie: &Trie) -> (Vec<Token>, Vec<u64>) {
    let mut hashes: Vec<Hash> = vocabulary.words.iter().map(Hash::of_token).collect();
    for (c, &number) in (0..).zip(&vocabulary.chars) {
        if let (Some(number), Some(c)) = (number.checked_sub(1), char::from_u32(c)) {
            hashes[number as usize] = Hash::of_char(c);
        }
    }
    let mut tokens: Vec<Token> = (0..hashes.len() as u32).map(|number| Token { number, root: 0 }).collect();
    let mut beginnings = BeginningsBuilder::default();
    let token = |node: usize| (trie.labels[node] >> 1) as usize;
    let children = |node: usize| trie.nodes[node].first_child as usize..trie.nodes[node + 1].first_child as usize;
    for node in children(0) {
        let first = token(node);
        tokens[first].root = node as u32;
        if trie.nodes[node].terminal != 0 {
            beginnings.name(hashes[first]);
        }
        children(node).for_each(|child| beginnings.pair(hashes[first], hashes[token(child)]));
    }
    (tokens, beginnings.build())
}

/// The patterns as a trie over labels.
#[derive(Default)]
struct Trie {
    /// One more than there are, to end the last.
    nodes: Vec<Node>,
    /// The label of the edge to each node; of the root's, 0.
    labels: Vec<u32>,
}

impl Trie {
    /// `order` is sorted by sequence.
    /// Returns the last candidate of each pattern.
    fn build<'a>(&mut self, order: &[u32], sequence: &impl Fn(u32) -> &'a [u32]) -> Vec<u32> {
        let mut ends = Vec::new();
        // The terms that begin with what leads to a node lie side by side. Level after level, each node's range is cut into
        // its children's; the ranges of one level are all that has to be kept.
        self.labels.push(0);
        let mut level = Vec::new();
        level.push(0..order.len() as u32);
        let mut next_node = 1;
        let mut depth = 0;
        while !level.is_empty() {
            let mut below = Vec::new();
            for mut range in std::mem::take(&mut level) {
                let first_child = next_node;
                let ends_here = |i: u32| sequence(order[i as usize]).len() == depth;
                let begin = range.start;
                // The shortest sorts first.
                while range.start < range.end && ends_here(range.start) {
                    range.start += 1;
                }
                let mut terminal = 0;
                if range.start > begin {
                    terminal = begin + 1;
                    ends.push(range.start - 1);
                }
                while range.start < range.end {
                    let label = sequence(order[range.start as usize])[depth];
                    let from = range.start;
                    let rest = &order[from as usize..range.end as usize];
                    range.start += rest.partition_point(|&i| sequence(i)[depth] == label) as u32;
                    self.labels.push(label);
                    below.push(from..range.start);
                    next_node += 1;
                }
                self.nodes.push(Node { first_child, terminal });
            }
            level = below;
            depth += 1;
        }
        self.nodes.push(Node { first_child: next_node, terminal: 0 });
        ends
    }
}
