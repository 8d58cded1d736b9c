/// A few words in a row without an allocation: flags of a name, languages of a link.
#[derive(Copy, Clone, Debug)]
pub(crate) struct List<'c, const N: usize> {
    entries: [&'c str; N],
    len: usize,
}

impl<'c, const N: usize> List<'c, N> {
    pub fn new() -> Self {
        Self { entries: [""; N], len: 0 }
    }

    /// Adds a word; `false` when there is no place for it.
    pub fn push(&mut self, entry: &'c str) -> bool {
        let Some(place) = self.entries.get_mut(self.len) else { return false };
        *place = entry;
        self.len += 1;
        true
    }

    /// Those of `entries` that are there.
    pub fn of(entries: [Option<&'c str>; N]) -> Self {
        let mut list = Self::new();
        for entry in entries.into_iter().flatten() {
            list.push(entry);
        }
        list
    }

    pub fn as_slice(&self) -> &[&'c str] {
        self.entries.get(..self.len).unwrap_or_default()
    }
}
