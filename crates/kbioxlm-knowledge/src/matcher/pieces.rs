//! The tokens of a text as the matcher meets them, batch after batch.
//!
//! Most tokens begin no name, but which do nobody can foretell: a processor that guesses at each is wrong all the time, and that costs
//! more than all the rest. So a batch is cut into tokens first, then sieved without a branch for any of them, and only from what is
//! left the matcher walks on.

use super::words::{Beginnings, Hash, Looked, Token, Words};
use crate::fold::{self, Gap, Scanner, TakeToken};

/// A token of the text.
#[derive(Copy, Clone)]
pub(crate) struct Piece {
    pub start: usize,
    pub end: usize,
    pub gap: Gap,
    state: State,
    hash: Hash,
}

#[derive(Copy, Clone)]
enum State {
    /// The key to look it up with.
    Word([u64; 2]),
    Known(Token),
}

/// In place of a token that is not there yet.
const NOTHING: Piece =
    Piece { start: 0, end: 0, gap: Gap::Break, state: State::Known(Token::UNKNOWN), hash: Hash::NONE };

impl Piece {
    /// What it is in the lexicon.
    #[inline(always)]
    pub(crate) fn token(&self) -> Token {
        match self.state {
            State::Known(token) => token,
            State::Word(_) => Token::UNKNOWN,
        }
    }

    #[inline(always)]
    fn look_up(&mut self, words: Words) {
        if let State::Word(word) = self.state {
            self.state = State::Known(words.short(word, self.hash));
        }
    }
}

impl<'s> TakeToken<'s> for Words<'_> {
    type Made = Piece;

    #[inline(always)]
    fn take(self, token: fold::Token<'s>) -> Piece {
        let fold::Token { start, end, gap, key } = token;
        match self.look(key) {
            Looked::Word(word, hash) => Piece { start, end, gap, state: State::Word(word), hash },
            Looked::Up(token, hash) => Piece { start, end, gap, state: State::Known(token), hash },
        }
    }
}

/// Tokens of a batch: few enough for the fastest cache. In this crate's tests so few that their short texts have many.
const BATCH: usize = if cfg!(test) { 4 } else { 128 };

/// The tokens of a text, and where names may begin.
pub(crate) struct Pieces<'v, 't> {
    words: Words<'v>,
    beginnings: Beginnings<'v>,
    scanner: Scanner<'t>,
    scratch: String,
    /// Of these the first `read` are tokens: `batch` of the batch, then what was read ahead.
    pieces: Vec<Piece>,
    read: usize,
    batch: usize,
    /// The first `done` are no longer of interest.
    done: usize,
    /// Places in the batch: those of the tokens with which names begin, up to `found`, of which `given` were given out.
    firsts: [u8; BATCH],
    found: usize,
    given: usize,
}

impl<'v, 't> Pieces<'v, 't> {
    pub(crate) fn new(words: Words<'v>, beginnings: Beginnings<'v>, text: &'t str) -> Self {
        Self {
            words,
            beginnings,
            scanner: Scanner::new(text),
            scratch: String::new(),
            pieces: vec![NOTHING; BATCH + 1],
            read: 0,
            batch: 0,
            done: 0,
            firsts: [0; BATCH],
            found: 0,
            given: 0,
        }
    }

    /// The place of the next token that a name begins with, of those that are not done with. Places hold until the next call.
    #[inline(always)]
    pub(crate) fn next_first(&mut self) -> Option<usize> {
        loop {
            while self.given < self.found {
                let first = usize::from(self.firsts[self.given]);
                self.given += 1;
                if first >= self.done {
                    return Some(first);
                }
            }
            self.next_batch();
            if self.batch == 0 {
                return None;
            }
        }
    }

    fn next_batch(&mut self) {
        let gone = self.batch.max(self.done);
        self.pieces.copy_within(gone..self.read, 0);
        self.read -= gone;
        // One more than the batch: the sieve looks at two tokens.
        while self.read <= BATCH && self.read_some() {}
        self.batch = self.read.min(BATCH);
        (self.done, self.found, self.given) = (0, 0, 0);
        if let Some(behind) = self.pieces.get_mut(self.read) {
            *behind = NOTHING;
        }
        let mut count = 0;
        for (pair, place) in self.pieces[..=self.batch].windows(2).zip(0..) {
            self.firsts[count] = place;
            count += usize::from(self.beginnings.may_have(pair[0].hash, pair[1].hash));
        }
        // One after the other without a walk between them: while the memory for one is on its way the next is asked for.
        for at in 0..count {
            let place = self.firsts[at];
            let piece = &mut self.pieces[usize::from(place)];
            piece.look_up(self.words);
            self.firsts[self.found] = place;
            self.found += usize::from(piece.token().root != 0);
        }
    }

    /// Reads the next token, and those behind it that still belong to the batch; `false` at the end of the text.
    fn read_some(&mut self) -> bool {
        if self.read == self.pieces.len() {
            self.pieces.push(NOTHING);
        }
        let (words, before) = (self.words, self.read);
        let room = &mut self.pieces[..before.max(BATCH) + 1];
        let mut read = before;
        self.scanner.simple(|token| {
            room[read] = words.take(token);
            read += 1;
            read < room.len()
        });
        if read == before {
            let Some(piece) = self.scanner.next_into(&mut self.scratch, words) else { return false };
            room[read] = piece;
            read += 1;
        }
        self.read = read;
        true
    }

    /// The token at a place; `None` behind the end of the text.
    #[inline]
    pub(crate) fn get(&mut self, place: usize) -> Option<&Piece> {
        while self.read <= place {
            if !self.read_some() {
                return None;
            }
        }
        let piece = &mut self.pieces[place];
        piece.look_up(self.words);
        Some(piece)
    }

    /// All tokens before a place are done with.
    pub(crate) fn done_before(&mut self, place: usize) {
        self.done = place;
    }
}
