//! Words that were cut before: running text repeats most of its words.

use crate::viterbi::Cut;
use std::ops::Range;

/// Words this thread has cut, each in the one place its letters give it; a newer one takes the place of an older.
/// It never changes a result, only when it is known, and never grows: it has 384 KiB, which a core's own cache holds.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: Vec<Entry>,
    /// The tokenizer whose pieces these are.
    owner: u64,
}

#[derive(Copy, Clone, Debug, Default)]
struct Entry {
    /// The word as a [`key`]; 0 if there is none.
    key: u128,
    ids: [u32; MAX_PIECES],
    /// Where each piece ends in the word.
    ends: [u8; MAX_PIECES],
    len: u8,
}

/// Longer words and those of more pieces are rare.
const MAX_PIECES: usize = 6;
const MAX_BYTES: usize = 15;
const BITS: u32 = 13;

/// The letters of a short word with their number, which makes it unique and never 0.
fn key(body: &str) -> Option<u128> {
    let mut letters = [0; MAX_BYTES + 1];
    letters.get_mut(..body.len()).filter(|_| body.len() <= MAX_BYTES)?.copy_from_slice(body.as_bytes());
    letters[MAX_BYTES] = body.len() as u8 + 1;
    Some(u128::from_le_bytes(letters))
}

fn place(key: u128) -> usize {
    let folded = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (key >> 64) as u64;
    (folded.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> (u64::BITS - BITS)) as usize
}

impl Cache {
    /// Forgets what another tokenizer left.
    pub(crate) fn claim(&mut self, owner: u64) {
        if self.owner != owner {
            self.entries.clear();
            self.entries.resize(1 << BITS, Entry::default());
            self.owner = owner;
        }
    }

    /// Puts the pieces of a word with `▁` into `cuts`, which come from `cut` if they are not known.
    pub(crate) fn cut(&mut self, body: &str, cuts: &mut Vec<Cut>, cut: impl FnOnce(&mut Vec<Cut>)) {
        let Some(key) = key(body) else { return cut(cuts) };
        let entry = &mut self.entries[place(key)];
        if entry.key == key {
            cuts.clear();
            let mut begin = 0;
            for (&id, &end) in entry.ids.iter().zip(&entry.ends).take(entry.len.into()) {
                let range: Range<usize> = begin..end.into();
                begin = range.end;
                cuts.push(Cut { id, range, is_byte: false });
            }
            return;
        }
        cut(cuts);
        if cuts.len() > MAX_PIECES || cuts.iter().any(|cut| cut.is_byte) {
            return;
        }
        *entry = Entry { key, len: cuts.len() as u8, ..Entry::default() };
        for ((id, end), cut) in entry.ids.iter_mut().zip(&mut entry.ends).zip(cuts) {
            (*id, *end) = (cut.id, cut.range.end as u8);
        }
    }
}
