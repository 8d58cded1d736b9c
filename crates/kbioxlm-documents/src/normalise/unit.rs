//! What a text consists of before it is composed: characters, white space, and what is not seen.

use htmlize::ENTITIES;
use std::ops::Range;

/// Longest entity that is looked for, in bytes; HTML's longest name has 31.
const MAX_ENTITY: usize = 40;

/// A piece of the original and what it stands for.
pub(super) struct Unit {
    pub range: Range<usize>,
    pub what: What,
}

pub(super) enum What {
    Chars(Chars),
    /// White space, and how many line ends there are in it.
    Space(usize),
    Invisible,
}

/// One character, or what an entity stands for.
pub(super) enum Chars {
    One(char),
    Named(&'static str),
}

/// The unit at `at`.
pub(super) fn unit(text: &str, at: usize) -> Option<Unit> {
    let rest = text.get(at..)?;
    let c = rest.chars().next()?;
    if let Some((len, chars)) = entity(rest) {
        let what = match chars {
            Chars::One(c) => of_char(c),
            named @ Chars::Named(_) => What::Chars(named),
        };
        return Some(Unit { range: at..at + len, what });
    }
    let pair = rest.starts_with("\r\n");
    let (len, what) = if pair { (2, What::Space(1)) } else { (c.len_utf8(), of_char(c)) };
    Some(Unit { range: at..at + len, what })
}

fn of_char(c: char) -> What {
    match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' => What::Space(1),
        '\u{2029}' => What::Space(2),
        c if c.is_whitespace() => What::Space(0),
        c if c.is_control() => What::Invisible,
        // Soft hyphen, zero-width space, marks of direction, word joiner and invisible operators, byte-order mark. The joiners
        // U+200C and U+200D stay: they tell words apart in Persian and hold emoji together.
        '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{feff}' => What::Invisible,
        c => What::Chars(Chars::One(c)),
    }
}

/// The entity that `text` begins with: its length and what it stands for. `&amp;alpha;`, escaped twice, is one too.
fn entity(text: &str) -> Option<(usize, Chars)> {
    let (mut len, mut chars) = reference(text)?;
    while matches!(chars, Chars::One('&')) {
        let Some((inner, again)) = body(text.get(len..)?) else { break };
        (len, chars) = (len + inner, again);
    }
    Some((len, chars))
}

fn reference(text: &str) -> Option<(usize, Chars)> {
    let (len, chars) = body(text.strip_prefix('&')?)?;
    Some((len + 1, chars))
}

/// What follows the `&`: its length with the semicolon, and what it stands for.
fn body(text: &str) -> Option<(usize, Chars)> {
    let near = text.as_bytes().get(..MAX_ENTITY.min(text.len()))?;
    let end = near
        .iter()
        .position(|&b| !(b.is_ascii_alphanumeric() || b == b'#'))
        .filter(|&at| near.get(at) == Some(&b';'))?;
    let name = text.get(..end)?;
    let chars = if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let (digits, radix) = hex.map_or((number, 10), |digits| (digits, 16));
        Chars::One(u32::from_str_radix(digits, radix).ok().filter(|&code| code > 0).and_then(char::from_u32)?)
    } else {
        let meaning = std::str::from_utf8(ENTITIES.get(format!("&{name};").as_bytes())?).ok()?;
        let mut chars = meaning.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Chars::One(c),
            _ => Chars::Named(meaning),
        }
    };
    Some((end + 1, chars))
}
