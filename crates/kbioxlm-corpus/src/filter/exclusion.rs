//! Texts that must not be in a corpus, most often the benchmarks on which its models will be tested.

use super::grams::Grams;
use super::texts;
use super::units::{Units, hash, is_mostly_unspaced, is_unbroken};
use crate::Result;
use kbioxlm_files::FileError;
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

/// Excluded texts, ready to be looked for in documents.
///
/// A document is refused when it shares `exclude_words` consecutive words, or `exclude_characters` consecutive characters
/// at least half of which are of a script without spaces, with an excluded text. A shorter excluded text counts as a
/// whole: where a document contains it or, if it has less than half of those words or characters, where a document is it.
///
/// Memory: at most 32 bytes for each word (of scripts without spaces: character) of the excluded texts, and their names.
#[derive(Debug)]
pub(crate) struct Exclusion {
    words: Sequences,
    characters: Sequences,
    /// `file:id` of each text.
    names: Vec<String>,
}

#[derive(Debug)]
struct Sequences {
    /// Units that a document may not share.
    shared: usize,
    grams: Grams,
    /// Texts that are too short to be looked for within another.
    tiny: HashMap<u64, u32>,
}

impl Sequences {
    fn new(shared: usize) -> Self {
        Self { shared, grams: Grams::new(shared.div_ceil(2)), tiny: HashMap::new() }
    }

    fn insert_windows(&mut self, units: &[u64], text: u32, counts: impl Fn(&[u64]) -> bool) {
        for window in units.windows(self.shared).filter(|w| counts(w)) {
            self.grams.insert(window, text);
        }
    }

    fn insert_whole(&mut self, units: &[u64], text: u32) {
        if units.len() >= self.grams.shortest() {
            self.grams.insert(units, text);
        } else if !units.is_empty() {
            self.tiny.entry(hash(units)).or_insert(text);
        }
    }

    fn find(&self, units: &[u64]) -> Option<u32> {
        if units.len() < self.grams.shortest() {
            return self.tiny.get(&hash(units)).copied();
        }
        self.grams.find(units).map(|(_, text): (Range<usize>, u32)| text)
    }
}

impl Exclusion {
    /// Reads the texts of all files.
    ///
    /// # Errors
    /// A file cannot be read or is not what it seems to be; it holds no text.
    pub fn read(files: &[PathBuf], words: usize, characters: usize) -> Result<Self> {
        let mut exclusion = Self::new(words, characters);
        let mut units = Units::default();
        for path in files {
            let before = exclusion.names.len();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            texts::read(path, |id, text| {
                units.read(&[text]);
                exclusion.insert(&units, format!("{file}:{id}"));
            })?;
            if exclusion.names.len() == before {
                let help = "name a file that has texts, or leave it out of `exclude`";
                return Err(FileError::content(path, None, "no text", "texts to exclude", help).into());
            }
        }
        exclusion.finish();
        Ok(exclusion)
    }

    /// Without any text yet.
    pub fn new(words: usize, characters: usize) -> Self {
        Self { words: Sequences::new(words), characters: Sequences::new(characters), names: Vec::new() }
    }

    /// To be called once after the last text.
    pub fn finish(&mut self) {
        self.words.grams.finish();
        self.characters.grams.finish();
    }

    /// Adds a text.
    pub fn insert(&mut self, units: &Units, name: String) {
        // More texts than this do not fit into any memory.
        let text = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name);
        self.words.insert_windows(&units.words, text, is_unbroken);
        self.characters.insert_windows(&units.characters, text, is_mostly_unspaced);
        let (main, sequences) = if units.is_unspaced() {
            (&units.characters, &mut self.characters)
        } else {
            (&units.words, &mut self.words)
        };
        if main.len() < sequences.shared {
            sequences.insert_whole(main, text);
        }
    }

    /// The name of a text that a document shares too much with.
    pub fn find(&self, units: &Units) -> Option<&str> {
        self.names.get(self.number(units)?).map(String::as_str)
    }

    /// The number of that text, in the order in which they were added.
    pub fn number(&self, units: &Units) -> Option<usize> {
        let text = self.words.find(&units.words).or_else(|| self.characters.find(&units.characters))?;
        Some(text as usize)
    }
}
