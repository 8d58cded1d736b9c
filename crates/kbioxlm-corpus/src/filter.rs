//! What is left out of a corpus: texts that it must not contain, and texts that it has already.

mod exclusion;
mod grams;
mod near;
mod shared;
#[cfg(test)]
mod tests;
mod texts;
mod units;

use crate::report::{FilterCounts, LeftOut, Reason};
use crate::{AnchorConfig, CorpusError, Result};
use exclusion::Exclusion;
use near::{NearDuplicates, Signature};
use rayon::prelude::*;
pub use shared::SharedSequences;
use std::collections::BTreeMap;
use units::Units;

/// Finds what is to be left out, as the configuration says.
#[derive(Debug)]
pub(crate) struct Filters {
    exclusion: Option<Exclusion>,
    threshold: Option<f64>,
}

impl Filters {
    /// Reads the texts to exclude.
    ///
    /// # Errors
    /// A setting that cannot be followed, a file that cannot be read.
    pub fn new(config: &AnchorConfig) -> Result<Self> {
        if let Some(threshold) = config.near_duplicates
            && !(threshold > 0.0 && threshold <= 1.0)
        {
            let help = "0.8 is usual; leave the key out to keep near duplicates";
            return Err(CorpusError::setting(
                "near_duplicates",
                threshold.to_string(),
                "a number above 0 up to 1",
                help,
            ));
        }
        for (key, value) in [("exclude_words", config.exclude_words), ("exclude_characters", config.exclude_characters)]
        {
            if value < 2 {
                let help = "13 words and 20 characters are usual";
                return Err(CorpusError::setting(key, value.to_string(), "at least 2", help));
            }
        }
        let exclusion = (!config.exclude.is_empty())
            .then(|| Exclusion::read(&config.exclude, config.exclude_words, config.exclude_characters))
            .transpose()?;
        Ok(Self { exclusion, threshold: config.near_duplicates })
    }

    /// A filter for texts among which near duplicates are looked for.
    pub fn filter(&self) -> Filter<'_> {
        Filter { exclusion: self.exclusion.as_ref(), near: self.threshold.map(NearDuplicates::new) }
    }
}

/// Lets texts through in the order of their source.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    exclusion: Option<&'a Exclusion>,
    near: Option<NearDuplicates>,
}

/// A text, or several that belong together, with their id.
pub(crate) trait Filtered: Sync {
    fn id(&self) -> &str;
    fn texts(&self) -> Vec<&str>;
}

/// What a look at one item alone says.
enum Seen {
    Excluded(String),
    Signed(Option<Signature>),
}

impl Filter<'_> {
    /// The items that are not to be left out; what is, is counted under its `languages`.
    pub fn keep<T: Filtered>(
        &mut self,
        items: Vec<T>,
        languages: impl Fn(&T) -> String,
        report: &mut BTreeMap<String, FilterCounts>,
    ) -> Vec<T> {
        let kept = self.kept(&items, languages, report);
        items.into_iter().zip(kept).filter_map(|(item, kept)| kept.then_some(item)).collect()
    }

    /// Of each item whether it is to be kept. Of near duplicates the first is.
    ///
    /// The items are read in parallel and compared in their order, so that the result is the same on any number of threads.
    pub fn kept<T: Filtered>(
        &mut self,
        items: &[T],
        languages: impl Fn(&T) -> String,
        report: &mut BTreeMap<String, FilterCounts>,
    ) -> Vec<bool> {
        if self.exclusion.is_none() && self.near.is_none() {
            return vec![true; items.len()];
        }
        let (exclusion, signed) = (self.exclusion, self.near.is_some());
        let look = |units: &mut Units, item: &T| {
            units.read(&item.texts());
            match exclusion.and_then(|exclusion| exclusion.find(units)) {
                Some(name) => Seen::Excluded(name.to_owned()),
                None => Seen::Signed(signed.then(|| Signature::new(units)).flatten()),
            }
        };
        let seen: Vec<Seen> = items.par_iter().map_init(Units::default, look).collect();
        let keep = |(item, seen): (&T, Seen)| match self.reason(item.id(), seen) {
            Some(left_out) => {
                report.entry(languages(item)).or_default().add(left_out);
                false
            }
            None => true,
        };
        items.iter().zip(seen).map(keep).collect()
    }

    fn reason(&mut self, id: &str, seen: Seen) -> Option<LeftOut> {
        let (reason, of) = match seen {
            Seen::Excluded(name) => (Reason::Excluded, name),
            Seen::Signed(signature) => (Reason::NearDuplicate, self.near.as_mut()?.insert(id, &signature?)?.to_owned()),
        };
        Some(LeftOut { id: id.to_owned(), reason, of })
    }
}
