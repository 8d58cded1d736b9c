use documented::DocumentedFields;
use kbioxlm_sources::{Source, TsvFile};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a knowledge base is built from and how, as a TOML file says it:
///
/// ```toml
/// [[source]]
/// format = "umls"
/// path = "2025AA/META"
/// languages = ["en", "zh"]
///
/// [[source]]
/// format = "lexicon"
/// path = "hpo.tsv"
///
/// [merge]
/// xrefs = true
/// same_names = ["en", "zh"]
///
/// [terms]
/// max_concepts_per_name = 4
/// exclude = ["human@en", "CMK:00001"]
/// ```
#[derive(Clone, Eq, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Description {
    /// What is read. The order decides the numbers of concepts, and by which of its ids a joined one is known.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Which concepts become one.
    pub merge: MergeOptions,
    /// Which names are used.
    pub terms: TermOptions,
}

impl Description {
    /// Tab-separated tables, with the default of every option.
    pub fn of_tables(
        lexicons: Vec<PathBuf>,
        facts: Vec<PathBuf>,
        relations: Option<PathBuf>,
        links: Vec<PathBuf>,
    ) -> Self {
        fn all(
            files: impl IntoIterator<Item = PathBuf>,
            format: fn(TsvFile) -> Source,
        ) -> impl Iterator<Item = Source> {
            files.into_iter().map(move |path| format(TsvFile { path }))
        }
        let sources = all(lexicons, Source::Lexicon)
            .chain(all(links, Source::Links))
            .chain(all(relations, Source::Relations))
            .chain(all(facts, Source::Facts));
        Self { sources: sources.collect(), ..Self::default() }
    }
}

/// Which concepts become one. What tables of links say is always followed.
///
/// A vocabulary (the part of an id before `:`) that is read keeps its concepts apart: what would bring two of them together
/// is refused, unless the vocabulary itself says that they are the same. The best-founded statements go first: those whose two
/// concepts have equal names, or at least none that contradict.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct MergeOptions {
    /// Join concepts by the ids of other vocabularies that the sources give: one that is read, or one that two of them share.
    pub xrefs: bool,
    /// Join concepts of different vocabularies that have an equal name in each of these languages, at least two; none: do not.
    pub same_names: Vec<String>,
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self { xrefs: true, same_names: Vec::new() }
    }
}

/// Which names are used. A name that is not stays in the knowledge base and has a flag that says why
/// (see [`flags`](crate::flags)).
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct TermOptions {
    /// Shortest name that is looked for, in characters. `1` also looks for single characters.
    pub min_length: usize,
    /// English names that spell out how a Chinese name of the concept is read (`Gan mao`, `gǎnmào`) are neither looked for nor
    /// written. Single plain words are left alone: many a Chinese name is made after an English one (`tamoxifen`).
    pub drop_pinyin: bool,
    /// Names that are also an English name of the concept are no translations: they are looked for, but not written.
    pub drop_equal: bool,
    /// Function words of a language (`about`, `如果`) are neither looked for nor written.
    pub drop_stop_words: bool,
    /// Names that belong to more concepts of the result than this are written, but not looked for; 0: no limit.
    pub max_concepts_per_name: usize,
    /// Names that are neither looked for nor written, as `NAME@LANG` (`human@en`; `human@*` in every language), and ids
    /// of concepts that are left out.
    pub exclude: Vec<String>,
    /// Files with more of them, one a line; lines that begin with `#` say nothing.
    pub exclude_files: Vec<PathBuf>,
    /// Names that no rule above but `exclude` applies to, as `NAME@LANG`.
    pub keep: Vec<String>,
    /// Files with more of them.
    pub keep_files: Vec<PathBuf>,
}

impl Default for TermOptions {
    fn default() -> Self {
        Self {
            min_length: 2,
            drop_pinyin: true,
            drop_equal: true,
            drop_stop_words: true,
            max_concepts_per_name: 4,
            exclude: Vec::new(),
            exclude_files: Vec::new(),
            keep: Vec::new(),
            keep_files: Vec::new(),
        }
    }
}
