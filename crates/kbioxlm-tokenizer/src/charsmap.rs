//! SentencePiece's table of replacements: which characters, or short sequences of them, become which text.

use crate::LoadError;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// `precompiled_charsmap`: a double array in the layout of Darts-clone, whose values are places in a list of texts.
#[derive(Clone, Debug)]
pub(crate) struct Charsmap {
    /// Every slot that a search can reach exists and every value is the beginning of a text: checked in [`Charsmap::new`].
    units: Vec<Unit>,
    /// Replacements, each ending with a zero.
    texts: String,
}

/// Unicode's longest has 33 bytes; without a limit a short text could become one that fills the memory.
const MAX_REPLACEMENT: usize = 256;

#[derive(Copy, Clone, Debug)]
struct Unit(u32);

impl Unit {
    fn has_leaf(self) -> bool {
        self.0 >> 8 & 1 == 1
    }

    fn value(self) -> usize {
        (self.0 & ((1 << 31) - 1)) as usize
    }

    /// The byte that leads here; never a byte in a unit that holds a value.
    fn label(self) -> u32 {
        self.0 & ((1 << 31) | 0xFF)
    }

    fn offset(self) -> usize {
        ((self.0 >> 10) << ((self.0 & (1 << 9)) >> 6)) as usize
    }
}

impl Charsmap {
    /// Reads the table from its base64 form.
    pub(crate) fn from_base64(base64: &str) -> Result<Self, LoadError> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&STANDARD, config).decode(base64);
        Self::new(&bytes.map_err(|e| broken(format!("base64 with an error: {e}")))?)
    }

    pub(crate) fn new(bytes: &[u8]) -> Result<Self, LoadError> {
        let (size, rest) = bytes.split_first_chunk().ok_or_else(|| broken(format!("{} bytes", bytes.len())))?;
        let size = u32::from_le_bytes(*size) as usize / 4 * 4;
        let (units, texts) = rest.split_at_checked(size).ok_or_else(|| {
            broken(format!("{} bytes behind the header, of which {size} should be the double array", rest.len()))
        })?;
        let units: Vec<Unit> = units.as_chunks().0.iter().map(|unit| Unit(u32::from_le_bytes(*unit))).collect();
        let texts = String::from_utf8(texts.to_vec()).map_err(|_| broken("replacements that are no UTF-8".into()))?;
        let charsmap = Self { units, texts };
        charsmap.check()?;
        Ok(charsmap)
    }

    /// Follows every path: states may have several parents, so they are visited once each.
    fn check(&self) -> Result<(), LoadError> {
        let root = self.units.first().ok_or_else(|| broken("an empty double array".into()))?.offset();
        let mut seen = vec![false; self.units.len()];
        let mut open = vec![root];
        while let Some(state) = open.pop() {
            if state | 0xFF >= self.units.len() {
                return Err(broken(format!("a path to the unit {state} of {}", self.units.len())));
            }
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            for label in 1..=0xFF {
                let unit = self.units[state ^ label];
                if unit.label() != label as u32 {
                    continue;
                }
                let child = state ^ label ^ unit.offset();
                let value = unit.has_leaf().then(|| self.units.get(child).map_or(usize::MAX, |leaf| leaf.value()));
                if let Some(value) = value {
                    if !self.texts.is_char_boundary(value) {
                        return Err(broken(format!("a replacement at {value} of {} bytes", self.texts.len())));
                    }
                    if self.texts[value..].bytes().take_while(|byte| *byte != 0).nth(MAX_REPLACEMENT).is_some() {
                        return Err(broken(format!("a replacement of more than {MAX_REPLACEMENT} bytes")));
                    }
                }
                open.push(child);
            }
        }
        Ok(())
    }

    /// What the *shortest* beginning of `part` in the table becomes; SentencePiece itself takes the longest, HF the shortest.
    pub(crate) fn replacement(&self, part: &str) -> Option<&str> {
        let mut state = self.units[0].offset();
        for byte in part.bytes().take_while(|byte| *byte != 0) {
            state ^= byte as usize;
            let unit = self.units[state];
            if unit.label() != u32::from(byte) {
                return None;
            }
            state ^= unit.offset();
            if unit.has_leaf() {
                return self.texts[self.units[state].value()..].split('\0').next();
            }
        }
        None
    }
}

fn broken(found: String) -> LoadError {
    LoadError::Broken { found: format!("a precompiled_charsmap of {found}"), expected: "SentencePiece's table" }
}
