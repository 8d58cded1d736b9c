//! Telling from the raw line whether an entity can be of interest: most of a hundred million are not, and parsing them
//! would take most of the time.

use memchr::memmem::Finder;

/// Ids of properties or classes, as they stand in a line: `"P486"`.
pub(super) struct Mentions {
    start: Finder<'static>,
    /// In order.
    numbers: Vec<u64>,
}

impl Mentions {
    /// `start` is the letter behind its quote: `"P`.
    pub fn new(start: &'static str, numbers: impl Iterator<Item = u64>) -> Self {
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        Self { start: Finder::new(start), numbers }
    }

    /// Whether one of the ids stands anywhere in `line`: where none does, no claim can have it.
    pub fn any_in(&self, line: &str) -> bool {
        let bytes = line.as_bytes();
        let length = self.start.needle().len();
        !self.numbers.is_empty()
            && self.start.find_iter(bytes).any(|at| bytes.get(at + length..).is_some_and(|rest| self.is_wanted(rest)))
    }

    pub fn contains(&self, number: u64) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// Whether `rest` begins with the number of a wanted id and its closing quote.
    fn is_wanted(&self, rest: &[u8]) -> bool {
        let mut number = 0_u64;
        for &byte in rest.iter().take(12) {
            match byte {
                b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
                b'"' => return self.contains(number),
                _ => return false,
            }
        }
        false
    }
}

/// The number of an id: 486 of `P486` with the letter `P`.
pub(super) fn number(id: &str, letter: char) -> Option<u64> {
    let digits = id.strip_prefix(letter)?;
    let well_formed = (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn as_looking_for_each_id(line in "[\"PQ1234 ]{0,40}", numbers in prop::collection::vec(1_u64..500, 0..4)) {
            let plain = numbers.iter().any(|n| line.contains(&format!("\"P{n}\"")));
            prop_assert_eq!(Mentions::new("\"P", numbers.into_iter()).any_in(&line), plain);
        }
    }

    #[test]
    fn ids_are_found_as_a_whole() {
        let wanted = Mentions::new("\"P", [486, 31].into_iter());
        for line in ["{\"P486\":[", "{\"P4860\":1,\"P31\" : 2}", "\"P\"P\"P486\"", "\"P0486\""] {
            assert!(wanted.any_in(line), "{line}");
        }
        for line in ["", "\"P", "\"P48\"", "\"P4860\"", "P486\"", "\"P486", "\"Q486\"", "\"P99999999999999999999\""] {
            assert!(!wanted.any_in(line), "{line}");
        }
        assert!(!Mentions::new("\"P", std::iter::empty()).any_in("\"P486\""));
    }

    #[test]
    fn numbers_of_ids() {
        assert_eq!(number("P486", 'P'), Some(486));
        for id in ["Q486", "P", "P4a", "P+4", "P1234567890123", ""] {
            assert_eq!(number(id, 'P'), None, "{id}");
        }
    }
}
