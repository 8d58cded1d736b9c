//! The matcher against a naive one, on random lexica and texts in mixed scripts.

use super::tests::{Setting, base_of};
use super::*;
use proptest::prelude::*;

/// The characters of the property test, with their class and folding (decomposed), written down independently of the matcher.
const LETTERS: [(char, &str); 31] = [
    ('a', "a"),
    ('A', "a"),
    ('b', "b"),
    ('B', "b"),
    ('1', "1"),
    ('é', "e\u{301}"),
    ('É', "e\u{301}"),
    ('e', "e"),
    ('ß', "ß"),
    ('ẞ', "ß"),
    ('İ', "i\u{307}"),
    ('i', "i"),
    ('\u{212A}', "k"),
    ('k', "k"),
    ('ς', "σ"),
    ('Σ', "σ"),
    ('Ａ', "a"),
    ('１', "1"),
    ('ŉ', "ŉ"),
    ('ﬃ', "ﬃ"),
    ('Ω', "ω"),
    ('\u{2126}', "ω"),
    ('ω', "ω"),
    ('ǅ', "ǆ"),
    ('ǆ', "ǆ"),
    ('Ｂ', "b"),
    ('Я', "я"),
    ('я', "я"),
    ('σ', "σ"),
    ('Ο', "ο"),
    ('ο', "ο"),
];
const CJK: [(char, &str); 5] = [('高', "高"), ('血', "血"), ('か', "か"), ('が', "か\u{3099}"), ('한', "한")];
const OTHERS: [(char, &str); 8] = [
    ('-', "-"),
    ('（', "("),
    ('(', "("),
    ('🧬', "🧬"),
    ('①', "①"),
    // With a zero-width joiner between them: a health worker.
    ('👩', "👩"),
    ('⚕', "⚕"),
    ('🏽', "🏽"),
];
/// What a character is where case counts, if not itself or its folding.
const CASED: [(char, &str); 15] = [
    ('A', "A"),
    ('Ａ', "A"),
    ('B', "B"),
    ('É', "E\u{301}"),
    ('ẞ', "ẞ"),
    ('İ', "I\u{307}"),
    ('\u{212A}', "K"),
    ('ς', "ς"),
    ('Σ', "Σ"),
    ('Ο', "Ο"),
    ('Ω', "Ω"),
    ('\u{2126}', "Ω"),
    ('ǅ', "ǅ"),
    ('Ｂ', "B"),
    ('Я', "Я"),
];
/// Marks and their canonical combining class, by which they are ordered.
const MARKS: [(char, u8); 4] = [('\u{301}', 230), ('\u{307}', 230), ('\u{323}', 220), ('\u{3099}', 8)];
const INVISIBLE: [char; 4] = ['\u{FE0F}', '\u{AD}', '\u{200B}', '\u{200D}'];
const SPACES: [char; 5] = [' ', '\n', '\u{3000}', '\r', '\u{2029}'];

fn order_of(mark: char) -> Option<u8> {
    MARKS.iter().find(|(m, _)| *m == mark).map(|(_, order)| *order)
}

#[derive(Copy, Clone, Eq, PartialEq)]
enum Kind {
    Letter,
    Cjk,
    Other,
}

/// What a reader sees as one character.
struct Seen {
    start: usize,
    end: usize,
    kind: Kind,
    /// Line ends and other white space before it.
    lines: usize,
    spaces: usize,
    folded: String,
    cased: String,
}

fn fold_of(table: &[(char, &str)], c: char) -> Option<String> {
    table.iter().find(|(l, _)| *l == c).map(|(_, fold)| (*fold).to_owned())
}

fn seen(text: &[char]) -> Vec<Seen> {
    let mut list: Vec<Seen> = Vec::new();
    // White space since the last character that is seen.
    let mut space = String::new();
    for (at, &c) in text.iter().enumerate() {
        let after_space = !space.is_empty();
        if SPACES.contains(&c) {
            space.push(c);
            continue;
        }
        if let Some(last) = list.last_mut().filter(|_| !after_space) {
            if INVISIBLE.contains(&c) {
                last.end = at + 1;
                continue;
            }
            if let Some(order) = order_of(c) {
                last.end = at + 1;
                for text in [&mut last.folded, &mut last.cased] {
                    let later = text.chars().rev().take_while(|&m| order_of(m).is_some_and(|o| o > order));
                    let place = text.len() - later.map(char::len_utf8).sum::<usize>();
                    text.insert(place, c);
                }
                continue;
            }
        }
        if INVISIBLE.contains(&c) {
            continue;
        }
        let kinds = [(Kind::Letter, &LETTERS[..]), (Kind::Cjk, &CJK), (Kind::Other, &OTHERS)];
        let known = kinds.into_iter().find_map(|(kind, table)| Some((kind, fold_of(table, c)?)));
        let (kind, folded) = known.unwrap_or((Kind::Other, c.to_string()));
        let cased = fold_of(&CASED, c).unwrap_or_else(|| folded.clone());
        let ends = space.replace("\r\n", "\n");
        let lines = ends.matches(['\n', '\r']).count() + 2 * ends.matches('\u{2029}').count();
        list.push(Seen { start: at, end: at + 1, kind, lines, spaces: space.len(), folded, cased });
        space.clear();
    }
    list
}

/// Folded and cased text of a name; `None` when an empty line is in it.
fn naive_key(name: &[Seen]) -> Option<(String, String)> {
    let (mut folded, mut cased) = (String::new(), String::new());
    for (i, seen) in name.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| name[i].kind);
        let typography =
            matches!((before, seen.kind), (Some(Kind::Letter), Kind::Cjk) | (Some(Kind::Cjk), Kind::Letter));
        if i > 0 && seen.lines > 1 {
            return None;
        }
        if i > 0 && seen.spaces > 0 && !typography {
            folded.push(' ');
            cased.push(' ');
        }
        folded.push_str(&seen.folded);
        cased.push_str(&seen.cased);
    }
    Some((folded, cased))
}

/// The terms and their keys.
struct Lexicon<'a> {
    terms: Vec<crate::Term<'a>>,
    keys: Vec<(String, String)>,
}

impl<'a> Lexicon<'a> {
    fn new(kb: &'a KnowledgeBase) -> Self {
        let terms: Vec<_> = kb.terms().collect();
        let key = |t: &crate::Term| naive_key(&seen(&t.text.chars().collect::<Vec<_>>())).unwrap();
        let keys = terms.iter().map(key).collect();
        Self { terms, keys }
    }

    /// The terms that a spelling names, the best first.
    fn named(&self, folded: &str, cased: &str) -> Vec<u32> {
        let Self { terms, keys } = self;
        let mut found: Vec<usize> = (0..terms.len())
            .filter(|&t| keys[t].0 == folded && (!terms[t].case_sensitive || keys[t].1 == cased))
            .collect();
        found.sort_by_key(|&t| {
            let named = terms.iter().any(|other| other.concept == terms[t].concept && other.translation);
            (!terms[t].translation, !terms[t].preferred, !named, terms[t].concept.0, t)
        });
        found.into_iter().map(|t| u32::try_from(t).unwrap()).collect()
    }
}

/// Tries every start with every end and every term.
fn naive(kb: &KnowledgeBase, text: &str) -> Vec<(usize, usize, u32)> {
    let chars: Vec<char> = text.chars().collect();
    let seen = seen(&chars);
    let lexicon = Lexicon::new(kb);
    // Is there no word boundary before `at`?
    let inside = |at: usize| {
        let (Some(before), Some(here)) = (at.checked_sub(1).and_then(|b| seen.get(b)), seen.get(at)) else {
            return false;
        };
        before.kind == Kind::Letter && here.kind == Kind::Letter && here.spaces == 0
    };
    let mut mentions = Vec::new();
    let mut start = 0;
    'starts: while start < seen.len() {
        for end in (start + 1..=seen.len()).rev() {
            let Some((folded, cased)) = naive_key(&seen[start..end]) else { continue };
            let best = lexicon.named(&folded, &cased).first().copied();
            if let (false, false, Some(term)) = (inside(start), inside(end), best) {
                mentions.push((seen[start].start, seen[end - 1].end, term));
                start = end;
                continue 'starts;
            }
        }
        start += 1;
    }
    mentions
}

fn text(length: std::ops::Range<usize>, spaces: &'static [char]) -> impl Strategy<Value = String> {
    let letters: Vec<char> = LETTERS.iter().map(|(c, _)| *c).collect();
    let others: Vec<char> = CJK.iter().chain(&OTHERS).map(|(c, _)| *c).chain(INVISIBLE).collect();
    // Few characters at a time, or nothing would ever match.
    let char = prop_oneof![
        6 => prop::sample::select(vec!['a', 'A', 'b', '高', '血', ' ']),
        3 => prop::sample::select(letters),
        1 => prop::sample::select(MARKS.map(|(mark, _)| mark).to_vec()),
        1 => prop::sample::select(spaces),
        2 => prop::sample::select(others),
    ];
    let piece = prop_oneof![
        20 => char.prop_map(String::from),
        1 => prop::sample::select(vec!["\r\n", "\r\n\r\n", "👩\u{200D}⚕\u{FE0F}", "aﬃ", "ΟΣ"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, length).prop_map(|pieces| pieces.concat())
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    // A name begins with something to see and has no white space around it.
    let name = text(1..5, &SPACES[..1]).prop_map(|t| {
        let name =
            t.trim().trim_start_matches(|c| order_of(c).is_some() || INVISIBLE.contains(&c) || SPACES.contains(&c));
        // No text is matched across an empty line.
        let usable = !name.is_empty() && naive_key(&seen(&name.chars().collect::<Vec<_>>())).is_some();
        if usable { name.to_owned() } else { "a".to_owned() }
    });
    let flag = || prop::bool::weighted(0.3);
    let setting =
        (0..6_u32, name, flag(), flag(), flag()).prop_map(|(concept, text, synonym, case_sensitive, inexact)| {
            Setting { concept, text, synonym, case_sensitive, inexact, chinese: false }
        });
    prop::collection::vec(setting, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_the_naive_matcher_finds(settings in settings(), text in text(0..40, &SPACES)) {
        let kb = base_of(settings);
        let mentions = Matcher::new(&kb, "en").unwrap().find(&text);
        let byte = |char: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(char).unwrap();
        for m in &mentions {
            prop_assert_eq!(m.bytes.clone(), byte(m.chars.start)..byte(m.chars.end));
            prop_assert_eq!(kb.term(m.term).concept, m.concept);
        }
        let mentions: Vec<_> = mentions.iter().map(|m| (m.chars.start, m.chars.end, m.term.0)).collect();
        prop_assert_eq!(mentions, naive(&kb, &text));
    }

    #[test]
    fn looks_up_what_the_naive_lexicon_names(settings in settings(), name in text(1..4, &SPACES), which in any::<prop::sample::Index>()) {
        let kb = base_of(settings);
        let lexicon = Lexicon::new(&kb);
        // A name that is there in another case, or any.
        let known = lexicon.terms[which.index(lexicon.terms.len())].text;
        for name in [known.to_owned(), known.to_uppercase(), known.to_lowercase(), name] {
            let seen = seen(&name.chars().collect::<Vec<_>>());
            // Outside of what the naive lexicon knows (ŉ in capitals is two characters).
            if name.chars().any(|c| !is_known(c)) {
                continue;
            }
            let (named, called) = match naive_key(&seen) {
                Some((folded, cased)) => {
                    let called = (0..lexicon.terms.len()).filter(|&t| lexicon.keys[t].0 == folded);
                    (lexicon.named(&folded, &cased), called.map(|t| t as u32).collect())
                }
                None => (Vec::new(), Vec::new()),
            };
            let found: Vec<u32> = Matcher::new(&kb, "en").unwrap().lookup(&name).into_iter().map(|(t, _)| t.0).collect();
            prop_assert_eq!(found, named);
            if !seen.iter().skip(1).any(|s| s.lines > 1) {
                let found: Vec<u32> = kb.terms_named(&name, None).into_iter().map(|t| t.0).collect();
                prop_assert_eq!(found, called);
            }
        }
    }
}

fn is_known(c: char) -> bool {
    let known = |table: &[(char, &str)]| table.iter().any(|(known, _)| *known == c);
    known(&LETTERS)
        || known(&CJK)
        || known(&OTHERS)
        || order_of(c).is_some()
        || INVISIBLE.contains(&c)
        || SPACES.contains(&c)
}
