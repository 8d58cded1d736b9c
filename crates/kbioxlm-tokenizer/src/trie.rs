//! The pieces of a vocabulary as a trie in a double array.
//!
//! Written by hand because the search has to begin behind `▁` (which is not in the text), to look pieces up by their letters
//! and to give ids and not keys: what crates offer begins at the root and hides its states.

/// A state of the trie: the letters read so far are the beginning of a piece.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct State {
    /// The child for byte `b` is in the slot `base ^ b`.
    base: u32,
    /// One more than the id of the piece that ends here, or 0.
    piece: u32,
}

impl State {
    /// The piece that ends here.
    pub(crate) fn piece(self) -> Option<u32> {
        self.piece.checked_sub(1)
    }
}

#[derive(Copy, Clone, Debug)]
struct Slot {
    base: u32,
    /// The byte that leads here in the lower 9 bits ([`EMPTY`] for none), above it [`State::piece`].
    label_and_piece: u32,
}

/// A label no byte has.
const EMPTY: u32 = 0x100;
const LABEL_BITS: u32 = 9;
const LABEL_MASK: u32 = (1 << LABEL_BITS) - 1;
/// Children of one state lie in one block, for they differ in the lowest byte only.
const BLOCK: usize = 256;
/// Blocks that are still searched for room; older ones keep their gaps.
const OPEN_BLOCKS: usize = 16;

/// The largest vocabulary that fits.
pub(crate) const MAX_PIECES: usize = (u32::MAX >> LABEL_BITS) as usize - 1;

#[derive(Clone, Debug)]
pub(crate) struct Trie {
    slots: Vec<Slot>,
}

impl Trie {
    /// Of equal pieces the last one counts.
    pub(crate) fn new<'a>(pieces: impl Iterator<Item = &'a str>) -> Self {
        let mut keys: Vec<(&[u8], u32)> = pieces.enumerate().map(|(id, piece)| (piece.as_bytes(), id as u32)).collect();
        keys.sort_unstable();
        let mut builder = Builder::new();
        // Depth first; not recursive, for a piece can be as long as the file.
        let mut open = vec![(0, keys.len(), 0, 0)];
        let mut children = Vec::new();
        while let Some((mut first, end, depth, slot)) = open.pop() {
            while let Some((_, id)) = keys[first..end].first().filter(|(key, _)| key.len() == depth) {
                builder.slots[slot].label_and_piece &= LABEL_MASK;
                builder.slots[slot].label_and_piece |= (id + 1) << LABEL_BITS;
                first += 1;
            }
            children.clear();
            for chunk in keys[first..end].chunk_by(|(a, _), (b, _)| a[depth] == b[depth]) {
                children.push((chunk[0].0[depth], first, first + chunk.len()));
                first += chunk.len();
            }
            if !children.is_empty() {
                let base = builder.place(slot, children.iter().map(|child| child.0));
                open.extend(children.iter().rev().map(|&(byte, from, to)| (from, to, depth + 1, base ^ byte as usize)));
            }
        }
        Self { slots: builder.slots }
    }

    /// Before the first letter.
    pub(crate) fn root(&self) -> State {
        State { base: self.slots[0].base, piece: 0 }
    }

    /// After one more byte; `None` if no piece goes on like that.
    #[inline]
    pub(crate) fn next(&self, state: State, byte: u8) -> Option<State> {
        let slot = self.slots.get((state.base ^ u32::from(byte)) as usize)?;
        let found = slot.label_and_piece & LABEL_MASK == u32::from(byte);
        found.then_some(State { base: slot.base, piece: slot.label_and_piece >> LABEL_BITS })
    }

    /// After all of `bytes`.
    pub(crate) fn walk(&self, from: State, bytes: &[u8]) -> Option<State> {
        bytes.iter().try_fold(from, |state, &byte| self.next(state, byte))
    }
}

/// A double array that grows by blocks and knows its free slots.
struct Builder {
    slots: Vec<Slot>,
    /// Free slots of open blocks, in a circle through the slot [`FREE_HEAD`], which is never free.
    next_free: Vec<u32>,
    previous_free: Vec<u32>,
    /// Two states with the same base would claim each other's children.
    is_base: Vec<bool>,
}

/// The root's own slot.
const FREE_HEAD: usize = 0;

impl Builder {
    fn new() -> Self {
        let mut builder = Self {
            slots: Vec::new(),
            next_free: vec![FREE_HEAD as u32],
            previous_free: vec![FREE_HEAD as u32],
            is_base: Vec::new(),
        };
        builder.grow();
        // The base of states without children: with no children, none of its slots has its own byte for a label.
        builder.is_base[0] = true;
        builder
    }

    fn grow(&mut self) {
        let begin = self.slots.len();
        self.slots.resize(begin + BLOCK, Slot { base: 0, label_and_piece: EMPTY });
        self.is_base.resize(begin + BLOCK, false);
        self.next_free.resize(begin + BLOCK, 0);
        self.previous_free.resize(begin + BLOCK, 0);
        for slot in begin.max(FREE_HEAD + 1)..begin + BLOCK {
            let last = self.previous_free[FREE_HEAD] as usize;
            self.link(last, slot);
            self.link(slot, FREE_HEAD);
        }
        if let Some(closed) = begin.checked_sub(OPEN_BLOCKS * BLOCK) {
            for slot in closed.max(FREE_HEAD + 1)..closed + BLOCK {
                if self.is_free(slot) {
                    self.unlink(slot);
                }
            }
        }
    }

    fn link(&mut self, before: usize, after: usize) {
        self.next_free[before] = after as u32;
        self.previous_free[after] = before as u32;
    }

    fn unlink(&mut self, slot: usize) {
        self.link(self.previous_free[slot] as usize, self.next_free[slot] as usize);
    }

    fn is_free(&self, slot: usize) -> bool {
        slot != FREE_HEAD && self.slots[slot].label_and_piece == EMPTY
    }

    /// Finds room for the children of the state in `parent`; returns its base.
    fn place(&mut self, parent: usize, labels: impl Iterator<Item = u8> + Clone) -> usize {
        let Some(first) = labels.clone().next() else { return 0 };
        let mut slot = self.next_free[FREE_HEAD] as usize;
        let base = loop {
            if slot == FREE_HEAD {
                slot = self.slots.len();
                self.grow();
            }
            let base = slot ^ first as usize;
            if !self.is_base[base] && labels.clone().all(|label| self.is_free(base ^ label as usize)) {
                break base;
            }
            slot = self.next_free[slot] as usize;
        };
        self.is_base[base] = true;
        self.slots[parent].base = base as u32;
        for label in labels {
            self.unlink(base ^ label as usize);
            self.slots[base ^ label as usize].label_and_piece = label.into();
        }
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn every_piece_and_nothing_else_is_found(pieces in prop::collection::vec("[a-e\u{0}é中]{0,6}|.{0,3}", 0..200), other in "[a-e中]{1,4}") {
            let trie = Trie::new(pieces.iter().map(String::as_str));
            let ids: HashMap<&str, u32> = pieces.iter().enumerate().map(|(id, piece)| (piece.as_str(), id as u32)).collect();
            let find = |text: &str| trie.walk(trie.root(), text.as_bytes()).and_then(State::piece);
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                prop_assert_eq!(find(piece), ids.get(piece.as_str()).copied());
                for (end, _) in piece.char_indices().skip(1) {
                    prop_assert_eq!(find(&piece[..end]), ids.get(&piece[..end]).copied());
                }
                let longer = format!("{piece}{other}");
                prop_assert_eq!(find(&longer), ids.get(longer.as_str()).copied());
            }
            prop_assert_eq!(find(&other), ids.get(other.as_str()).copied());
        }
    }

    #[test]
    fn thousands_of_pieces_fill_many_blocks() {
        let pieces: Vec<String> =
            (0..40_000_u32).map(|i| format!("{:x}{}", i.wrapping_mul(2_654_435_761), i % 7)).collect();
        let trie = Trie::new(pieces.iter().map(String::as_str));
        for (id, piece) in pieces.iter().enumerate() {
            assert_eq!(trie.walk(trie.root(), piece.as_bytes()).and_then(State::piece), Some(id as u32));
        }
        assert!(trie.walk(trie.root(), b"xyz").is_none());
    }
}
