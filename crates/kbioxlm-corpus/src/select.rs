use crate::documents::sample_key;
use crate::{Example, Level, PassageLabel, Result};
use std::collections::BTreeMap;

/// Which examples to look at: all that fit every condition given.
#[derive(Clone, Eq, PartialEq, Default, Debug)]
pub struct Selection {
    /// Of this level.
    pub level: Option<Level>,
    /// With running text in this language.
    pub lang: Option<String>,
    /// Passage pairs with this label.
    pub label: Option<PassageLabel>,
    /// With a span of this concept.
    pub concept: Option<String>,
    /// With this id.
    pub id: Option<String>,
}

impl Selection {
    /// Whether an example fits.
    pub fn fits(&self, example: &Example) -> bool {
        self.level.is_none_or(|level| level == example.level)
            && self.label.is_none_or(|label| Some(label) == example.label)
            && self.id.as_ref().is_none_or(|id| *id == example.id)
            && self.lang.as_ref().is_none_or(|lang| example.running_text().any(|s| s.lang == *lang))
            && self.concept.as_ref().is_none_or(|id| example.spans.iter().any(|s| s.concept.as_ref() == Some(id)))
    }
}

/// A sample of at most `size` of the examples, in their order. It depends on the seed and on the examples' ids only; memory
/// grows with `size`.
///
/// # Errors
/// Those of the examples.
pub fn sample(examples: impl Iterator<Item = Result<Example>>, size: usize, seed: u64) -> Result<Vec<Example>> {
    let mut drawn: BTreeMap<u128, (usize, Example)> = BTreeMap::new();
    for (number, example) in examples.enumerate() {
        let example = example?;
        let key = sample_key(seed, &["show", &example.id]);
        if drawn.len() < size || drawn.last_key_value().is_some_and(|(&last, _)| key < last) {
            drawn.insert(key, (number, example));
            if drawn.len() > size {
                drawn.pop_last();
            }
        }
    }
    let mut drawn: Vec<(usize, Example)> = drawn.into_values().collect();
    drawn.sort_unstable_by_key(|(number, _)| *number);
    Ok(drawn.into_iter().map(|(_, example)| example).collect())
}
