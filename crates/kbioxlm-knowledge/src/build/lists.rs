//! The lists of names and ids that a description excludes or keeps.

use super::description::TermOptions;
use super::draft::{Draft, NONE};
use crate::fold;
use crate::report::Dropped;
use kbioxlm_files::{FileError, Lines, open};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Any language.
const ANY: &str = "*";

/// A list of names, each found by its language and hash.
#[derive(Default)]
pub(super) struct NameList {
    /// The language's number, [`NONE`] for any; and the entry.
    entries: HashMap<(u32, u64), usize>,
    /// The entries as they were written, and whether a name is one.
    written: Vec<(String, bool)>,
}

impl NameList {
    fn add(&mut self, draft: &Draft, name: &str, lang: &str, entry: String) {
        let lang = if lang == ANY { Some(NONE) } else { draft.languages.find(lang) };
        if let Some(lang) = lang {
            self.entries.insert((lang, fold::fingerprint(name, &mut String::new())), self.written.len());
        }
        self.written.push((entry, false));
    }

    /// Is the name of this hash in the list?
    pub fn has(&mut self, lang: u16, hash: u64) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let entry = self.entries.get(&(u32::from(lang), hash)).or_else(|| self.entries.get(&(NONE, hash)));
        let Some((_, used)) = entry.and_then(|&entry| self.written.get_mut(entry)) else { return false };
        *used = true;
        true
    }

    /// Reports the entries that no name was.
    pub fn report(&self, unused: &mut Dropped) {
        for (entry, _) in self.written.iter().filter(|(_, used)| !used) {
            unused.add(|| entry.clone());
        }
    }
}

/// What the lists of a description say.
pub(super) struct Lists {
    pub exclude: NameList,
    pub keep: NameList,
    /// For each concept of the draft whether it is left out.
    pub excluded: Vec<bool>,
}

impl Lists {
    /// Reads the lists; ids that no source names are reported.
    pub fn read(options: &TermOptions, draft: &Draft, unused: &mut Dropped) -> Result<Self, FileError> {
        let mut lists = Self {
            exclude: NameList::default(),
            keep: NameList::default(),
            excluded: vec![false; draft.concepts.len()],
        };
        entries("terms.exclude", &options.exclude, &options.exclude_files, |_, entry| {
            if let Some((name, lang)) = name(entry) {
                lists.exclude.add(draft, name, lang, entry.to_owned());
                return Ok(());
            }
            let concept = draft.ids.find(entry).map(|id| draft.id_rows[id as usize].concept);
            match concept.and_then(|concept| lists.excluded.get_mut(concept as usize)) {
                Some(excluded) => *excluded = true,
                None => unused.add(|| entry.to_owned()),
            }
            Ok(())
        })?;
        entries("terms.keep", &options.keep, &options.keep_files, |(path, line), entry| {
            let Some((name, lang)) = name(entry) else {
                let help = "write the name, `@` and its language, or `@*` for all";
                return Err(FileError::content(path, line, format!("`{entry}`"), "a name as `NAME@LANG`", help));
            };
            lists.keep.add(draft, name, lang, entry.to_owned());
            Ok(())
        })?;
        Ok(lists)
    }
}

/// `NAME@LANG`.
fn name(entry: &str) -> Option<(&str, &str)> {
    let (name, lang) = entry.rsplit_once('@')?;
    let is_lang = lang == ANY || !lang.is_empty() && lang.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_lang && !name.trim().is_empty()).then(|| (name.trim(), lang))
}

type Place<'a> = (&'a Path, Option<usize>);

fn entries(
    key: &str,
    given: &[String],
    files: &[PathBuf],
    mut take: impl FnMut(Place<'_>, &str) -> Result<(), FileError>,
) -> Result<(), FileError> {
    for entry in given {
        take((Path::new(key), None), entry.trim())?;
    }
    for path in files {
        let mut lines = Lines::new(path, open(path)?);
        while let Some((line, text)) = lines.next_line()? {
            let entry = text.trim();
            if !entry.is_empty() && !entry.starts_with('#') {
                take((path, Some(line)), entry)?;
            }
        }
    }
    Ok(())
}
