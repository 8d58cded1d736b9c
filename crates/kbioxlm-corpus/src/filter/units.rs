//! Texts as sequences of numbers: what is compared when one text is looked for in another.

use kbioxlm_knowledge::{TokenKind, folded_tokens};
use xxhash_rust::xxh3::xxh3_64;

/// Multiplier of the hash of a window: any odd number whose bits are mixed well.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// A word or character as a number. XXH3 is specified to the bit, so that the choices that depend on it are the same on every
/// machine and with every version of the library.
type Unit = u64;

/// Set in the unit of a character of a script without spaces, clear in every other unit.
const UNSPACED: Unit = 1;
/// Stands among the words where characters of a script without spaces lie between.
const BREAK: Unit = 0;

/// The words and the characters of a text. Punctuation, white space and case do not count.
#[derive(Debug, Default)]
pub(crate) struct Units {
    /// Words of the scripts that separate words.
    pub words: Vec<Unit>,
    /// Letters and digits of all scripts; left empty when the text has none of a script without spaces.
    pub characters: Vec<Unit>,
    unspaced: usize,
}

impl Units {
    /// Reads another text; the memory is used again.
    pub fn read(&mut self, texts: &[&str]) {
        self.words.clear();
        self.characters.clear();
        self.unspaced = 0;
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                self.part();
            }
            self.append(text);
        }
        if self.unspaced == 0 {
            self.characters.clear();
        }
    }

    fn append(&mut self, text: &str) {
        // Most texts of scripts with spaces have no such character, and need no list of their letters.
        let with_characters = text.chars().any(may_be_unspaced);
        folded_tokens(text, |token, kind| match kind {
            TokenKind::Word => {
                self.words.push(xxh3_64(token.as_bytes()) & !UNSPACED | 2);
                if with_characters {
                    let letter = |c: char| xxh3_64(c.encode_utf8(&mut [0; 4]).as_bytes()) & !UNSPACED;
                    self.characters.extend(token.chars().map(letter));
                }
            }
            TokenKind::Character => {
                self.unspaced += 1;
                self.part();
                self.characters.push(xxh3_64(token.as_bytes()) | UNSPACED);
            }
            TokenKind::Symbol => {}
        });
    }

    /// No sequence of words goes across.
    fn part(&mut self) {
        if self.words.last().is_some_and(|&word| word != BREAK) {
            self.words.push(BREAK);
        }
    }

    /// Whether most of the text is in a script without spaces.
    pub fn is_unspaced(&self) -> bool {
        2 * self.unspaced > self.characters.len()
    }
}

/// Beyond Thai lie the scripts without spaces, and little else that a text in another script has.
fn may_be_unspaced(c: char) -> bool {
    c >= '\u{0E00}' && c.is_alphabetic()
}

/// Whether words are all in one piece, as no break is among them.
pub(crate) fn is_unbroken(words: &[Unit]) -> bool {
    !words.contains(&BREAK)
}

/// Whether at least half of the characters are of a script without spaces.
pub(crate) fn is_mostly_unspaced(characters: &[Unit]) -> bool {
    2 * characters.iter().filter(|&unit| unit & UNSPACED != 0).count() >= characters.len()
}

/// The hash of a sequence.
pub(crate) fn hash(units: &[Unit]) -> u64 {
    finish(units.iter().fold(0, |sum: u64, &unit| sum.wrapping_mul(BASE).wrapping_add(unit)))
}

/// The hashes of all windows of `length` units, from left to right; none of a sequence that is shorter.
pub(crate) fn windows(units: &[Unit], length: usize) -> impl Iterator<Item = u64> {
    // The weight of the unit that leaves the window.
    let last = (0..length).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let mut sum = 0_u64;
    units.iter().enumerate().filter_map(move |(at, &unit)| {
        let gone = at.checked_sub(length).and_then(|gone| units.get(gone)).copied().unwrap_or_default();
        sum = sum.wrapping_mul(BASE).wrapping_add(unit).wrapping_sub(last.wrapping_mul(gone));
        (at + 1 >= length).then(|| finish(sum))
    })
}

/// Spreads the upper bits of a sum, the lower ones of which depend on few bits of the units.
fn finish(sum: u64) -> u64 {
    let sum = (sum ^ (sum >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    sum ^ (sum >> 32)
}
