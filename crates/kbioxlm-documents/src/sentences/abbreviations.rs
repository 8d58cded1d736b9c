//! Words that do not end a sentence although a full stop follows them.

use super::is_cjk;

/// Abbreviations that a capital letter or a number may follow within a sentence, without their last full stop: English, then
/// what Spanish, French and German have beside it.
#[rustfmt::skip]
const ABBREVIATIONS: [&str; 94] = [
    "al", "approx", "ca", "cf", "ch", "corp", "dept", "dr", "drs", "ed", "eds", "eg", "eq", "eqs", "eqn", "fig", "figs", "gen",
    "ie", "inc", "jr", "ltd", "mr", "mrs", "ms", "mt", "nov", "prof", "pp", "ref", "refs", "resp", "rev", "sect", "sects",
    "sp", "spp", "sr", "ssp", "st", "subsp", "suppl", "univ", "var", "viz", "vol", "vols", "vs",
    "aprox", "dra", "dres", "ee", "ej", "núm", "pág", "págs", "sra", "sres", "srta", "ud", "uds", "uu",
    "ann", "chap", "ex", "mlle", "mme", "mmes", "réf", "tabl",
    "abb", "abs", "bspw", "bzgl", "bzw", "evtl", "ggf", "hrsg", "inkl", "kap", "lt", "med", "nr", "sog", "tab", "usw",
    "verf", "vgl", "zit", "zz", "zzgl", "phil", "dipl", "ing",
];

/// Abbreviations before a number: `No. 5` is one, `The answer is no. We` is not.
#[rustfmt::skip]
const NUMBERED: [&str; 14] = [
    "no", "nos", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "dec", "art",
];

/// Months that German puts behind a day with its full stop.
pub(super) const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// Words that begin a sentence where a name could stand too: `vitamin C. They` against `J. Smith`. None of them is a family name.
#[rustfmt::skip]
const BEGINNINGS: [&str; 22] = [
    "After", "Although", "Both", "Furthermore", "Here", "However", "In", "It", "Its", "Moreover", "Our", "The", "Their", "There",
    "Therefore", "These", "They", "This", "Those", "Thus", "We", "When",
];

/// Whether `word`, which a full stop follows, is an abbreviation before a word that begins with `next`.
pub(super) fn is_abbreviation(word: &str, next: char) -> bool {
    let lower = word.to_lowercase();
    let number = next.is_ascii_digit() && NUMBERED.contains(&lower.as_str());
    is_initials(word) || number || ABBREVIATIONS.contains(&lower.as_str())
}

/// Letters of scripts in which words are longer: `J`, `U.S`, `e.g`, `Ph.D`.
fn is_initials(word: &str) -> bool {
    let longest = if word.contains('.') { 2 } else { 1 };
    let part = |part: &str| {
        (1..=longest).contains(&part.chars().count()) && part.chars().all(|c| c.is_alphabetic() && !is_cjk(c))
    };
    word.split('.').all(part)
}

/// Whether a sentence begins with `following` although an abbreviation stands before it, one that may end a sentence.
pub(super) fn begins_sentence(word: &str, following: &str) -> bool {
    BEGINNINGS.contains(&following) && (word.chars().all(char::is_uppercase) || word.contains('.') || is_last(word))
}

fn is_last(word: &str) -> bool {
    matches!(word, "al" | "Inc" | "Ltd" | "Corp" | "Jr" | "Sr" | "sp" | "spp")
}
