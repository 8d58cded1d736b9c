//! Text as the matcher sees it: folded tokens that know where they stand in the original.
//!
//! A token is a run of letters and digits of a script that separates words, or else one character; combining marks
//! and invisible characters belong to the token before them. Each token is folded for itself, so its place in the original is
//! exact whatever the folding does to lengths. Folded are:
//! - case, character by character; final sigma and the micro sign become the ordinary Greek letters, or the same word in
//!   capitals would differ;
//! - full-width forms of ASCII; composed and decomposed forms of a character (Unicode NFC);
//! - invisible characters, which disappear;
//! - white space between tokens: any amount is one space, but an empty line separates for good. Between a
//!   Chinese, Japanese or Korean character and a word a space is typography and means nothing (`2 型` is `2型`).

use crate::script::{Class, class};
pub(crate) use ascii::{LOWER, SHORT, is_visible, lower};
use ascii::{leading, sixteen};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

mod ascii;

/// What stands between a token and the one before it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Gap {
    /// Nothing, or a space that means nothing.
    None,
    /// White space.
    Space,
    /// An empty line: no term goes across it.
    Break,
}

/// The folded text of a token.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Key<'a> {
    /// At most [`SHORT`] ASCII letters and digits, folded, or one other [visible](is_visible) character of ASCII: the first in
    /// the lowest byte; and how many.
    Short([u64; 2], usize),
    /// More ASCII letters and digits, as they stand in the text: [`lower`] folds them.
    Ascii(&'a [u8]),
    /// Another character, folded.
    Char(char),
    /// Folded text; several characters, or one that makes words.
    Text(&'a str),
}

impl<'a> Key<'a> {
    /// One folded character that makes no words.
    fn of_char(c: char) -> Self {
        match u8::try_from(c) {
            Ok(byte) if is_visible(byte) => Self::Short([byte.into(), 0], 1),
            _ => Self::Char(c),
        }
    }

    /// The folded text, in `buffer` where it is not written anywhere yet.
    pub(crate) fn written<'b>(self, buffer: &'b mut String) -> &'b str
    where
        'a: 'b,
    {
        buffer.clear();
        match self {
            Self::Short(bytes, length) => {
                buffer.extend(bytes.map(u64::to_le_bytes).as_flattened().iter().take(length).map(|&b| char::from(b)))
            }
            Self::Ascii(bytes) => buffer.extend(bytes.iter().map(|&b| char::from(lower(b)))),
            Self::Char(c) => buffer.push(c),
            Self::Text(text) => return text,
        }
        buffer
    }

    /// Whether it is the same word, however it was found.
    fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Short(a, _), Self::Short(b, _)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => self.written(&mut String::new()) == other.written(&mut String::new()),
        }
    }
}

/// A token and its place in the text.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Token<'a> {
    pub start: usize,
    pub end: usize,
    pub gap: Gap,
    pub key: Key<'a>,
}

/// ASCII white space.
const fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// No simple folding: see [`FOLDS`].
const COMPLEX: u16 = u16::MAX;
/// What each character of the Basic Multilingual Plane becomes alone, where that is one such character again.
static FOLDS: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let fold = |c: u32| {
        let mut folded = String::new();
        fold_char(char::from_u32(c)?, &mut folded);
        let mut chars = folded.nfc();
        let first = chars.next()?;
        chars.next().is_none().then(|| u16::try_from(u32::from(first)).ok()).flatten()
    };
    (0..=0xFFFF_u32).map(|c| fold(c).unwrap_or(COMPLEX)).collect()
});

/// Case and width of one character.
fn fold_char(c: char, into: &mut String) {
    let c = match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    into.extend(c.to_lowercase().map(|l| match l {
        'ς' => 'σ',
        'µ' => 'μ',
        other => other,
    }));
}

/// Makes something of tokens. A trait rather than a closure, which is not compiled anew for each kind of key: the scanner knows
/// the kind where it has found it, and telling it again costs more than the rest.
pub(crate) trait TakeToken<'s> {
    /// What is made.
    type Made;
    /// Makes it.
    fn take(self, token: Token<'s>) -> Self::Made;
}

/// Leaves tokens as they are.
struct Itself;

impl<'s> TakeToken<'s> for Itself {
    type Made = Token<'s>;

    #[inline(always)]
    fn take(self, token: Token<'s>) -> Token<'s> {
        token
    }
}

/// Cuts a text into tokens, from any token's beginning on.
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// The class of the token before: decides whether a space between means something.
    before: Class,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0, before: Class::Other }
    }

    /// The next token; `scratch` holds its folding where that differs from the text.
    #[inline]
    pub(crate) fn next<'s>(&mut self, scratch: &'s mut String) -> Option<Token<'s>>
    where
        't: 's,
    {
        self.next_into(scratch, Itself)
    }

    /// Calls `take` with tokens as long as it wants more and they are what most are: a word or a sign of ASCII behind one space or
    /// none. All that comes in many kinds is left to [`Self::next_into`], so that no branch in here is taken wrongly.
    #[inline(always)]
    pub(crate) fn simple(&mut self, mut take: impl FnMut(Token<'_>) -> bool) {
        if self.before == Class::Unspaced {
            return;
        }
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        let mut is_word = self.before == Class::Word;
        while let Some(window) = bytes.get(at..at + 17) {
            let space = usize::from(window[0] == b' ');
            let leading = leading(sixteen(window, space));
            if !leading.is_whole {
                break;
            }
            let start = at + space;
            at = start + leading.length;
            is_word = leading.is_word;
            let gap = if space > 0 { Gap::Space } else { Gap::None };
            if !take(Token { start, end: at, gap, key: Key::Short(leading.word, leading.length) }) {
                break;
            }
        }
        self.at = at;
        self.before = if is_word { Class::Word } else { Class::Other };
    }

    /// What `take` makes of the next token.
    #[inline(always)]
    pub(crate) fn next_into<'s, T: TakeToken<'s>>(&mut self, scratch: &'s mut String, take: T) -> Option<T::Made>
    where
        't: 's,
    {
        let bytes = self.text.as_bytes();
        // Most tokens are a word or a sign of ASCII behind one space or none: found without a branch for any of these.
        let space = usize::from(*bytes.get(self.at)? == b' ');
        let start = self.at + space;
        let leading = leading(sixteen(bytes, start));
        if leading.is_whole {
            let gap = self.gap(if space > 0 { Gap::Space } else { Gap::None }, leading.class());
            let end = start + leading.length;
            self.at = end;
            return Some(take.take(Token { start, end, gap, key: Key::Short(leading.word, leading.length) }));
        }
        self.next_of_any_kind(scratch, take)
    }

    #[inline(always)]
    fn next_of_any_kind<'s, T: TakeToken<'s>>(&mut self, scratch: &'s mut String, take: T) -> Option<T::Made>
    where
        't: 's,
    {
        let bytes = self.text.as_bytes();
        let mut gap = Gap::None;
        loop {
            let &first = bytes.get(self.at)?;
            if is_ascii_space(first) {
                gap = self.space(gap);
                continue;
            }
            let start = self.at;
            if is_visible(first) {
                let leading = leading(sixteen(bytes, start));
                let mut end = start + leading.length;
                let is_long = leading.length > SHORT;
                while is_long && bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
                    end += 1;
                }
                let gap = self.gap(gap, leading.class());
                if bytes.get(end).is_some_and(|&b| b >= 0x80) && goes_on(self.text, end, leading.is_word) {
                    return Some(take.take(self.slow(start, gap, scratch)));
                }
                self.at = end;
                let key =
                    if is_long { Key::Ascii(&bytes[start..end]) } else { Key::Short(leading.word, leading.length) };
                return Some(take.take(Token { start, end, gap, key }));
            }
            let c = self.text[start..].chars().next()?;
            let class = class(c);
            match class {
                Class::Space => gap = self.space(gap),
                // Nothing before it to belong to.
                Class::Ignorable => self.at += c.len_utf8(),
                Class::Word => {
                    let gap = self.gap(gap, class);
                    return Some(take.take(self.slow(start, gap, scratch)));
                }
                Class::Unspaced | Class::Other | Class::Extend => {
                    let gap = self.gap(gap, class);
                    let end = start + c.len_utf8();
                    let folded = FOLDS.get(c as usize).copied().filter(|&f| f != COMPLEX);
                    let alone = bytes.get(end).is_none_or(|&b| b < 0x80) || !goes_on(self.text, end, false);
                    if let (Some(folded), true) = (folded.and_then(|f| char::from_u32(f.into())), alone) {
                        self.at = end;
                        return Some(take.take(Token { start, end, gap, key: Key::of_char(folded) }));
                    }
                    return Some(take.take(self.slow(start, gap, scratch)));
                }
            }
        }
    }

    /// Passes over white space; an empty line, however it is written, is a break.
    fn space(&mut self, mut gap: Gap) -> Gap {
        let mut lines = 0;
        let mut returned = false;
        for c in self.text[self.at..].chars() {
            match class(c) {
                Class::Space => {
                    // `\r\n` ends one line.
                    lines += usize::from(matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}') && !(returned && c == '\n'));
                    lines += 2 * usize::from(c == '\u{2029}');
                    returned = c == '\r';
                }
                Class::Ignorable => {}
                _ => break,
            }
            self.at += c.len_utf8();
        }
        if gap != Gap::Break {
            gap = if lines >= 2 { Gap::Break } else { Gap::Space };
        }
        gap
    }

    fn gap(&mut self, gap: Gap, class: Class) -> Gap {
        let before = std::mem::replace(&mut self.before, class);
        let typography = matches!((before, class), (Class::Word, Class::Unspaced) | (Class::Unspaced, Class::Word));
        if gap == Gap::Space && typography { Gap::None } else { gap }
    }

    /// A token with characters beyond ASCII, marks or invisible characters.
    #[cold]
    fn slow<'s>(&mut self, start: usize, gap: Gap, scratch: &'s mut String) -> Token<'s> {
        scratch.clear();
        let mut end = start;
        let mut composed = true;
        let mut is_word = false;
        for c in self.text[start..].chars() {
            let class = class(c);
            let first = end == start;
            is_word |= first && class == Class::Word;
            let belongs =
                first || matches!(class, Class::Extend | Class::Ignorable) || (is_word && class == Class::Word);
            if !belongs {
                break;
            }
            end += c.len_utf8();
            if class == Class::Ignorable {
                continue;
            }
            match FOLDS.get(c as usize).copied().filter(|&f| f != COMPLEX && class != Class::Extend) {
                Some(folded) => scratch.extend(char::from_u32(folded.into())),
                None => {
                    composed = false;
                    fold_char(c, scratch);
                }
            }
        }
        if !composed {
            let nfc: String = scratch.nfc().collect();
            *scratch = nfc;
        }
        self.at = end;
        let mut chars = scratch.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(c), None) if !is_word && u32::from(c) <= 0xFFFF => Key::of_char(c),
            _ => Key::Text(scratch),
        };
        Token { start, end, gap, key }
    }
}

/// Does the token before `at` go on there, a word or not?
fn goes_on(text: &str, at: usize, is_word: bool) -> bool {
    text[at..].chars().next().is_some_and(|c| match class(c) {
        Class::Word => is_word,
        class => matches!(class, Class::Extend | Class::Ignorable),
    })
}

/// A hash of what the matcher sees of a name: equal for names that it cannot tell apart but for their case.
pub(crate) fn fingerprint(name: &str, scratch: &mut String) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    let (mut scanner, mut buffer) = (Scanner::new(name), String::new());
    let mut first = true;
    while let Some(token) = scanner.next(scratch) {
        let spaced = token.gap != Gap::None && !first;
        first = false;
        let text = token.key.written(&mut buffer);
        // The length keeps "a b" + "c" and "a" + "b c" apart.
        hasher.write_usize(text.len() << 1 | usize::from(spaced));
        hasher.write(text.as_bytes());
    }
    hasher.finish()
}

/// A name as the matcher sees it: its tokens folded, with a space where there is white space between them.
pub(crate) fn folded<'b>(name: &str, scratch: &mut String, into: &'b mut String) -> &'b str {
    into.clear();
    let (mut scanner, mut buffer) = (Scanner::new(name), String::new());
    while let Some(token) = scanner.next(scratch) {
        if token.gap != Gap::None && !into.is_empty() {
            into.push(' ');
        }
        into.push_str(token.key.written(&mut buffer));
    }
    into
}

/// Whether two names are one to the matcher, and are written in the same case: they may differ in width, composition, invisible
/// characters and white space.
pub(crate) fn equal_but_for_form(a: &str, b: &str) -> bool {
    fn form(text: &str) -> impl Iterator<Item = char> {
        let visible = text.chars().filter(|&c| class(c) != Class::Ignorable);
        let narrow = visible.map(|c| match c {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            _ => c,
        });
        narrow.nfc()
    }
    let equal = |a: &str, b: &str| a == b || !(a.is_ascii() && b.is_ascii()) && form(a).eq(form(b));
    let (mut left, mut right) = (Scanner::new(a), Scanner::new(b));
    let mut scratch = String::new();
    let mut first = true;
    loop {
        let left = left.next(&mut scratch).map(|t| (t.gap, &a[t.start..t.end]));
        let right = right.next(&mut scratch).map(|t| (t.gap, &b[t.start..t.end]));
        match (left, right) {
            (None, None) => return true,
            (Some(a), Some(b)) if (first || a.0 == b.0) && equal(a.1, b.1) => first = false,
            _ => return false,
        }
    }
}

/// What a token is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum TokenKind {
    /// A word of a script that separates words, or a number.
    Word,
    /// A character of a script that does not: Chinese, Japanese, Korean, Thai, Lao, Khmer, Myanmar.
    Character,
    /// Punctuation, a symbol, a control character.
    Symbol,
}

/// Calls `each` with the tokens of a text, folded as a [`Matcher`](crate::Matcher) compares them: texts of equal tokens differ
/// in case, width, composition, invisible characters and white space only.
pub fn folded_tokens(text: &str, mut each: impl FnMut(&str, TokenKind)) {
    let mut scanner = Scanner::new(text);
    let (mut scratch, mut written) = (String::new(), String::new());
    while let Some(token) = scanner.next(&mut scratch) {
        let folded = token.key.written(&mut written);
        let kind = match folded.chars().next().map(class) {
            Some(Class::Word) => TokenKind::Word,
            Some(Class::Unspaced) => TokenKind::Character,
            _ => TokenKind::Symbol,
        };
        each(folded, kind);
    }
}

/// Whether two names are one to a [`Matcher`](crate::Matcher) that does not mind case.
pub fn is_same_name(a: &str, b: &str) -> bool {
    let (mut left, mut right) = (Scanner::new(a), Scanner::new(b));
    let (mut left_scratch, mut right_scratch) = (String::new(), String::new());
    let mut first = true;
    loop {
        match (left.next(&mut left_scratch), right.next(&mut right_scratch)) {
            (None, None) => return true,
            (Some(a), Some(b)) if (first || a.gap == b.gap) && a.key.is(b.key) => first = false,
            _ => return false,
        }
    }
}

/// Whether `before` and `after`, one directly behind the other, have a word that goes across.
pub fn is_one_word(before: &str, after: &str) -> bool {
    let last = before.chars().rev().map(class).find(|class| !matches!(class, Class::Extend | Class::Ignorable));
    let next = after.chars().map(class).find(|&class| class != Class::Ignorable);
    last == Some(Class::Word) && next == Some(Class::Word)
}
