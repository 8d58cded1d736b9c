//! Names, codes and semantic types: `MRCONSO.RRF` joined with `MRSTY.RRF`, both in the order of concepts.

use super::rows::{Kept, Rows, cui, suppressed};
use super::{Umls, codes};
use crate::list::List;
use crate::text::tidy;
use crate::{FileError, LinkReason, Reason, Record, Result, Sink};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::io::BufRead;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Most rows that one concept may have: a concept's rows are held in memory. The largest has some thousands.
const MAX_ATOMS: usize = 1 << 18;
/// Most semantic types that one concept may have; none has ten.
const MAX_TYPES: usize = 1000;

/// `MRRANK.RRF`: how much a vocabulary's term type is preferred; the higher, the more.
#[derive(Default)]
pub(super) struct Ranks(HashMap<Box<str>, HashMap<Box<str>, u32>>);

impl Ranks {
    pub(super) fn read<R: BufRead>(mut rows: Rows<R>) -> Result<Self> {
        let mut ranks = Self::default();
        let path = rows.path().to_owned();
        while let Some((line, [rank, sab, tty, _suppress])) = rows.next::<4>()? {
            let rank: u32 = rank.parse().map_err(|_| {
                let found = format!("`{rank}` for a rank");
                FileError::content(&path, line, found, "a number", "fetch or export the table again")
            })?;
            let of_type = ranks.0.entry(sab.into()).or_default().entry(tty.into()).or_default();
            *of_type = rank.max(*of_type);
        }
        Ok(ranks)
    }

    fn of(&self, sab: &str, tty: &str) -> u32 {
        self.0.get(sab).and_then(|types| types.get(tty)).copied().unwrap_or_default()
    }
}

/// A row of MRCONSO that is kept.
struct Atom {
    line: usize,
    lang: &'static str,
    text: Range<usize>,
    flags: u8,
    /// How much this name is preferred in its language.
    preference: (bool, u32, bool, bool, bool),
}

/// All that is kept of one concept, buffers reused from one to the next.
#[derive(Default)]
struct Concept {
    cui: String,
    texts: String,
    atoms: Vec<Atom>,
    /// Line and id of each other vocabulary's code.
    codes: Vec<(usize, &'static str, String)>,
    types: Vec<(usize, String)>,
    /// Scratch space for grouping.
    order: Vec<usize>,
}

/// A name that several rows may give.
struct Name {
    first: usize,
    flags: u8,
}

/// Reads names, codes and types; gives back which concepts are kept.
pub(super) fn read<R: BufRead>(
    options: &Umls,
    mut rows: Rows<R>,
    types: Option<Rows<R>>,
    ranks: &Ranks,
    sink: &mut dyn Sink,
) -> Result<Kept> {
    let mut types = types.map(Types::new).transpose()?;
    let mut kept = Kept::default();
    let mut concept = Concept::default();
    let path = rows.path().to_owned();
    while let Some((line, cells)) = rows.next::<18>()? {
        let [
            id,
            lat,
            ts,
            _lui,
            stt,
            _sui,
            ispref,
            _aui,
            _saui,
            _scui,
            _sdui,
            sab,
            tty,
            code,
            text,
            _srl,
            suppress,
            _cvf,
        ] = cells;
        let id = cui(&path, line, id)?;
        if id != concept.cui {
            in_order(&path, line, &concept.cui, id)?;
            concept.finish(options, types.as_mut(), &mut kept, sink)?;
            concept.clear(id);
        }
        let text = tidy(text);
        let out = suppressed(suppress).filter(|reason| match reason {
            Reason::Obsolete => !options.obsolete,
            _ => !options.suppressible,
        });
        if let Some(reason) = out {
            sink.dropped(line, reason, &text);
            continue;
        }
        if !options.keeps_vocabulary(sab) {
            sink.dropped(line, Reason::Vocabulary, &text);
            continue;
        }
        concept.add_code(line, sab, tty, code);
        let asked = |tag: &&str| options.languages.is_empty() || options.languages.iter().any(|l| l == tag);
        let Some(lang) = codes::language(lat).filter(asked) else {
            sink.dropped(line, Reason::Language, &text);
            continue;
        };
        if text.is_empty() {
            sink.dropped(line, Reason::Empty, id);
            continue;
        }
        if concept.atoms.len() == MAX_ATOMS {
            return Err(FileError::content(
                &path,
                line,
                format!("more than {MAX_ATOMS} names of {id}"),
                "a concept's names",
                "check that this is the file you meant",
            ));
        }
        let start = concept.texts.len();
        concept.texts.push_str(&text);
        let preference = (suppressed(suppress).is_none(), ranks.of(sab, tty), ts == "P", stt == "PF", ispref == "Y");
        concept.atoms.push(Atom {
            line,
            lang,
            text: start..concept.texts.len(),
            flags: codes::flags(sab, tty),
            preference,
        });
    }
    concept.finish(options, types.as_mut(), &mut kept, sink)?;
    Ok(kept)
}

fn in_order(path: &Path, line: usize, before: &str, id: &str) -> Result<()> {
    if before < id {
        return Ok(());
    }
    Err(FileError::content(
        path,
        line,
        format!("{id} after {before}"),
        "rows in the order of their concepts, as NLM ships them",
        "fetch the table again or sort it with `LC_ALL=C sort`",
    ))
}

impl Concept {
    fn clear(&mut self, id: &str) {
        self.cui.clear();
        self.cui.push_str(id);
        self.texts.clear();
        self.atoms.clear();
        self.codes.clear();
        self.types.clear();
    }

    fn add_code(&mut self, line: usize, sab: &str, tty: &str, code: &str) {
        let Some((prefix, local)) = codes::xref(sab, tty, code) else { return };
        // Many names in a row have the same code; the rest is found when all are there.
        if self.codes.last().is_none_or(|(_, p, l)| (*p, l.as_str()) != (prefix, local)) && self.codes.len() < MAX_ATOMS
        {
            self.codes.push((line, prefix, local.to_owned()));
        }
    }

    fn text(&self, atom: &Atom) -> &str {
        self.texts.get(atom.text.clone()).unwrap_or_default()
    }

    /// Gives what is known of the concept to the sink, unless its type was not asked for.
    fn finish<R: BufRead>(
        &mut self,
        options: &Umls,
        types: Option<&mut Types<R>>,
        kept: &mut Kept,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let mut typed = options.semantic_types.is_empty();
        if let Some(types) = types {
            types.of(&self.cui, |row| {
                typed |= options.semantic_types.iter().any(|t| *t == row.tui || *t == row.name);
                self.types.push((row.line, row.name.clone()));
            })?;
        }
        if self.atoms.is_empty() {
            return Ok(());
        }
        if !typed {
            for atom in &self.atoms {
                sink.dropped(atom.line, Reason::SemanticType, self.text(atom));
            }
            return Ok(());
        }
        kept.insert(&self.cui);
        let id = format!("UMLS:{}", self.cui);
        for (line, name) in self.types.iter().filter(|(_, name)| !name.is_empty()) {
            sink.record(*line, Record::Type { concept: &id, semantic_type: name })?;
        }
        self.names(&id, sink)?;
        let mut seen = BTreeSet::new();
        let mut other = String::new();
        for (line, prefix, local) in &self.codes {
            if seen.insert((prefix, local)) {
                other.clear();
                // Writing to a string cannot fail.
                let _ = write!(other, "{prefix}:{local}");
                sink.record(*line, Record::Link { a: &id, b: &other, reason: LinkReason::Xref })?;
            }
        }
        Ok(())
    }

    /// Each name once a language, in the file's order.
    fn names(&mut self, id: &str, sink: &mut dyn Sink) -> Result<()> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(0..self.atoms.len());
        let (atoms, texts) = (&self.atoms, &self.texts);
        let key = |i: usize| atoms.get(i).map(|a| (a.lang, texts.get(a.text.clone()).unwrap_or_default()));
        order.sort_by_key(|&i| (key(i), i));
        // The best name of a language; of equal ones the first in the file.
        let best = |lang: &str| {
            let of_lang = atoms.iter().enumerate().filter(|(_, a)| a.lang == lang);
            of_lang.max_by_key(|(i, a)| (a.preference, Reverse(*i))).and_then(|(i, _)| key(i))
        };
        let mut names = Vec::new();
        let mut preferred = Vec::new();
        for same in order.chunk_by(|&a, &b| key(a) == key(b)) {
            let flags = same.iter().filter_map(|&i| atoms.get(i)).map(|a| a.flags);
            // A flag holds if every row that gives the name has it; but an abbreviation is one wherever it is said to be.
            let (all, any) = flags.fold((u8::MAX, 0), |(all, any), f| (all & f, any | f));
            let Some(&first) = same.first() else { continue };
            names.push(Name { first, flags: all | any & codes::ABBREVIATION });
        }
        names.sort_by_key(|name| name.first);
        for name in &names {
            let Some((atom, (lang, text))) = atoms.get(name.first).zip(key(name.first)) else { continue };
            if !preferred.iter().any(|(l, _)| *l == lang) {
                preferred.push((lang, best(lang)));
            }
            let is_best = preferred.iter().any(|(l, best)| *l == lang && *best == Some((lang, text)));
            let mut flags = List::<{ codes::FLAGS.len() }>::new();
            for (bit, flag) in codes::FLAGS.iter().enumerate() {
                if name.flags >> bit & 1 == 1 {
                    flags.push(flag);
                }
            }
            let flags = flags.as_slice();
            sink.record(atom.line, Record::Term { concept: id, lang, text, preferred: is_best, flags })?;
        }
        self.order = order;
        Ok(())
    }
}

/// `MRSTY.RRF`, read alongside.
struct Types<R> {
    path: PathBuf,
    rows: Rows<R>,
    /// The row that has been read and not yet been asked for; strings are reused, for there are millions of rows.
    ahead: TypeRow,
    ended: bool,
}

#[derive(Default)]
struct TypeRow {
    concept: String,
    line: usize,
    tui: String,
    name: String,
}

impl<R: BufRead> Types<R> {
    fn new(rows: Rows<R>) -> Result<Self> {
        let mut types = Self { path: rows.path().to_owned(), rows, ahead: TypeRow::default(), ended: false };
        types.advance()?;
        Ok(types)
    }

    /// The types of a concept, which must come after those asked for before.
    fn of(&mut self, id: &str, mut take: impl FnMut(&TypeRow)) -> Result<()> {
        let mut count = 0;
        while !self.ended && self.ahead.concept.as_str() <= id {
            if self.ahead.concept == id {
                take(&self.ahead);
                count += 1;
            }
            if count > MAX_TYPES {
                let found = format!("more than {MAX_TYPES} semantic types of {id}");
                let help = "check that this is the file you meant";
                return Err(FileError::content(&self.path, self.ahead.line, found, "a few", help));
            }
            self.advance()?;
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<()> {
        let Some((line, [id, tui, _stn, name, _atui, _cvf])) = self.rows.next::<6>()? else {
            self.ended = true;
            return Ok(());
        };
        let id = cui(&self.path, line, id)?;
        if self.ahead.concept != id {
            in_order(&self.path, line, &self.ahead.concept, id)?;
        }
        self.ahead.line = line;
        for (target, source) in
            [(&mut self.ahead.concept, id), (&mut self.ahead.tui, tui), (&mut self.ahead.name, name.trim())]
        {
            target.clear();
            target.push_str(source);
        }
        Ok(())
    }
}
