use super::exclusion::Exclusion;
use super::units::Units;

/// Texts among which the one is found that another shares a long sequence with, as texts that a corpus must not contain are
/// found when it is built: see [`AnchorConfig::exclude_words`](crate::AnchorConfig::exclude_words).
#[derive(Debug)]
pub struct SharedSequences {
    exclusion: Exclusion,
    units: Units,
}

impl SharedSequences {
    /// Of so many consecutive words, or so many consecutive characters of a script without spaces; each at least 1.
    pub fn new<'t>(words: usize, characters: usize, texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut exclusion = Exclusion::new(words, characters);
        let mut units = Units::default();
        for text in texts {
            units.read(&[text]);
            exclusion.insert(&units, String::new());
        }
        exclusion.finish();
        Self { exclusion, units }
    }

    /// The number of a text that `text` shares a sequence with; of several with that sequence the first.
    pub fn find(&mut self, text: &str) -> Option<usize> {
        self.units.read(&[text]);
        self.exclusion.number(&self.units)
    }
}
