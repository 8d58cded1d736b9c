//! Lower-casing that knows where every byte came from.

use std::ops::Range;

/// A text in lower case, and the way back to the original.
///
/// Each character is lower-cased for itself; final sigma and the micro sign become the ordinary Greek letters,
/// or the same word in capitals would differ. Case is all that is folded: composed and decomposed accents, full-width
/// and ordinary letters stay different characters.
pub(crate) struct Folded {
    text: String,
    /// The characters whose folding has another length or more than one character. There are hardly ever any.
    shifts: Vec<Shift>,
}

struct Shift {
    folded: Range<usize>,
    original_end: usize,
}

impl Folded {
    pub(crate) fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut shifts = Vec::new();
        for (at, c) in original.char_indices() {
            if c.is_ascii() {
                text.push(c.to_ascii_lowercase());
                continue;
            }
            let start = text.len();
            let lower = c.to_lowercase();
            let several = lower.len() > 1;
            text.extend(lower.map(|l| match l {
                'ς' => 'σ',
                'µ' => 'μ',
                other => other,
            }));
            if several || text.len() - start != c.len_utf8() {
                shifts.push(Shift { folded: start..text.len(), original_end: at + c.len_utf8() });
            }
        }
        Self { text, shifts }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The original byte offset of a character boundary of the folded text; `None` inside the folding of one character.
    pub(crate) fn original(&self, at: usize) -> Option<usize> {
        let before = self.shifts.partition_point(|s| s.folded.start < at);
        match before.checked_sub(1).and_then(|last| self.shifts.get(last)) {
            None => Some(at),
            Some(shift) if at < shift.folded.end => None,
            Some(shift) => Some(shift.original_end + (at - shift.folded.end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boundary_leads_back() {
        // İ: 2 bytes become 3 in two characters; the Kelvin sign: 3 become 1; ẞ: 3 become 2.
        let original = "aİ\u{212A}bẞΣς血";
        let folded = Folded::new(original);
        assert_eq!(folded.text(), "ai\u{307}kbßσσ血");
        let back: Vec<Option<usize>> = folded
            .text()
            .char_indices()
            .map(|(at, _)| at)
            .chain([folded.text().len()])
            .map(|at| folded.original(at))
            .collect();
        let expected = [Some(0), Some(1), None, Some(3), Some(6), Some(7), Some(10), Some(12), Some(14), Some(17)];
        assert_eq!(back, expected);
        assert_eq!(original.len(), 17);
    }

    #[test]
    fn nothing_shifts_in_ordinary_text() {
        let folded = Folded::new("Fever IN ÉCOLE 高血压");
        assert_eq!(folded.text(), "fever in école 高血压");
        assert!(folded.shifts.is_empty());
    }
}
