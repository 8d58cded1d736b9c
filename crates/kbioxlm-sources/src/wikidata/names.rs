//! Labels, aliases and titles of articles as names.

use super::Wikidata;
use super::entity::{Entity, Text};
use crate::lang::Language;
use crate::list::List;
use crate::text::tidy;
use crate::{Reason, Record, Result, Sink};
use std::borrow::Cow;
use std::collections::HashSet;

struct Name<'e> {
    lang: Language,
    kind: Kind,
    /// Among labels of one language: the lower, the better.
    rank: u8,
    text: Cow<'e, str>,
    /// A title without its parenthesis.
    is_cut: bool,
}

#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd)]
enum Kind {
    Label,
    Alias,
    Title,
}

/// For all languages at once: Wikidata's labels are the same in most.
const ANY_LANGUAGE: &str = "mul";

/// Gives the names of an entity, by language.
pub(super) fn tell(
    options: &Wikidata,
    line: usize,
    concept: &str,
    entity: &Entity<'_>,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut names = gather(options, line, entity, sink);
    names.sort_by(|a, b| (&a.lang.tag, a.kind, a.rank).cmp(&(&b.lang.tag, b.kind, b.rank)));
    let mut seen = HashSet::new();
    for of_lang in names.chunk_by(|a, b| a.lang.tag == b.lang.tag) {
        seen.clear();
        let mut best = of_lang.iter().position(|n| n.kind == Kind::Label);
        best = best.or_else(|| of_lang.iter().position(|n| n.kind == Kind::Title));
        for (i, name) in of_lang.iter().enumerate() {
            let text = name.text.as_ref();
            // Titles begin with a capital, whatever they are.
            if name.kind == Kind::Title && seen.contains(small_first(text).as_ref())
                || !seen.insert(Cow::Borrowed(text))
            {
                continue;
            }
            let flags = List::of([
                (name.kind == Kind::Alias).then_some("from_alias"),
                name.is_cut.then_some("disambiguated"),
                name.lang.british.then_some("uk_spelling"),
            ]);
            let (lang, preferred, flags) = (name.lang.tag.as_ref(), best == Some(i), flags.as_slice());
            sink.record(line, Record::Term { concept, lang, text, preferred, flags })?;
        }
    }
    Ok(())
}

/// The names in the languages asked for.
fn gather<'e>(options: &Wikidata, line: usize, entity: &'e Entity<'_>, sink: &mut dyn Sink) -> Vec<Name<'e>> {
    let mut names = Vec::new();
    let mut add = |code: &str, kind: Kind, text: &'e Text<'_>| {
        let text = tidy(&text.0);
        let Some((lang, rank)) = language(code).filter(|(lang, _)| lang.is_among(&options.languages)) else {
            sink.dropped(line, Reason::Language, &text);
            return;
        };
        if text.is_empty() {
            sink.dropped(line, Reason::Empty, &entity.id.0);
            return;
        }
        names.push(Name { lang, kind, rank, text, is_cut: false });
    };
    let is_english = |code: &str| code == "en" || code.starts_with("en-");
    let has_english = entity.labels.0.iter().any(|(code, _)| is_english(&code.0));
    for (code, label) in &entity.labels.0 {
        match code.0.as_ref() {
            ANY_LANGUAGE if has_english => {}
            ANY_LANGUAGE => add("en", Kind::Label, &label.value),
            code => add(code, Kind::Label, &label.value),
        }
    }
    for (code, aliases) in &entity.aliases.0 {
        let code = if code.0 == ANY_LANGUAGE { "en" } else { code.0.as_ref() };
        for alias in aliases {
            add(code, Kind::Alias, &alias.value);
        }
    }
    for (site, title) in entity.sitelinks.0.iter().filter(|_| options.titles) {
        let Some((lang, rank)) = wikipedia(&site.0).filter(|(lang, _)| lang.is_among(&options.languages)) else {
            continue;
        };
        let whole = title.title.0.trim();
        let cut = without_parenthesis(whole);
        let text = tidy(cut.unwrap_or(whole));
        if !text.is_empty() {
            names.push(Name { lang, kind: Kind::Title, rank, text, is_cut: cut.is_some() });
        }
    }
    names
}

/// The language of a code of Wikidata's and how good a label it has, 0 is best; see [`Wikidata`] for Chinese.
fn language(code: &str) -> Option<(Language, u8)> {
    let tag = match code {
        "nb" => "no",
        "be-x-old" => "be-tarask",
        "sr-ec" => "sr",
        "sr-el" => "sr-latn",
        "zh-classical" => "lzh",
        "zh-yue" => "yue",
        "zh-min-nan" => "nan",
        "bat-smg" => "sgs",
        "fiu-vro" => "vro",
        "roa-rup" => "rup",
        "als" => "gsw",
        other => other,
    };
    let primary = tag.split('-').next().unwrap_or_default();
    if !Language::is_tag(tag) || !matches!(primary.len(), 2 | 3) || !primary.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let rank = match tag {
        "zh-hans" | "zh-hant" => 0,
        "zh-cn" | "zh-tw" => 1,
        "zh" | "zh-hk" => 2,
        "zh-sg" | "zh-mo" => 3,
        _ if tag == primary => 0,
        "en-gb" => 2,
        _ if primary == "zh" => 4,
        _ => 1,
    };
    Some((Language::of(tag), rank))
}

/// The language of a Wikipedia: `zh_yuewiki` is `yue`; `None` for other sites and for the one in simple English.
fn wikipedia(site: &str) -> Option<(Language, u8)> {
    language(&site.strip_suffix("wiki")?.replace('_', "-"))
}

/// `Mercury` of `Mercury (element)`; `None` for a title without, or with nothing but, a parenthesis.
fn without_parenthesis(title: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in title.char_indices().rev() {
        match c {
            ')' | '）' => depth += 1,
            _ if depth == 0 => return None,
            '(' | '（' if depth > 1 => depth -= 1,
            '(' | '（' => {
                let name = title.get(..at)?;
                // `Copper(II)` is a name as a whole.
                let is_apart = c == '（' || name.ends_with(' ');
                return Some(name.trim_end()).filter(|name| is_apart && !name.is_empty());
            }
            _ => {}
        }
    }
    None
}

fn small_first(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        Some(first) if first.is_uppercase() => {
            let rest = text.get(first.len_utf8()..).unwrap_or_default();
            Cow::Owned(first.to_lowercase().chain(rest.chars()).collect())
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_at_the_end_are_cut() {
        for (title, name) in [
            ("Mercury (element)", Some("Mercury")),
            ("汞 (元素)", Some("汞")),
            ("汞（元素）", Some("汞")),
            ("Cold (X (Y))", Some("Cold")),
            ("A (b) c (d)", Some("A (b) c")),
            ("Copper(II)", None),
            ("Iron(III) oxide", None),
            ("(element)", None),
            (" (element)", None),
            ("Fever", None),
            ("odd)", None),
            ("odd (", None),
            ("", None),
        ] {
            assert_eq!(without_parenthesis(title), name, "{title}");
        }
    }

    #[test]
    fn codes_of_languages_and_sites() {
        let tag = |found: Option<(Language, u8)>| found.map(|(lang, rank)| (lang.tag.into_owned(), rank));
        for (code, expected) in [
            ("en", Some(("en", 0))),
            ("en-gb", Some(("en", 2))),
            ("zh-hans", Some(("zh", 0))),
            ("zh-cn", Some(("zh", 1))),
            ("zh", Some(("zh", 2))),
            ("zh-my", Some(("zh", 4))),
            ("zh-hk", Some(("zh-Hant", 2))),
            ("sr-el", Some(("sr-Latn", 1))),
            ("pt-br", Some(("pt", 1))),
            ("nb", Some(("no", 0))),
            ("simple", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(tag(language(code)), expected.map(|(t, r)| (t.to_owned(), r)), "{code}");
        }
        for (site, expected) in [
            ("zhwiki", Some("zh")),
            ("zh_yuewiki", Some("yue")),
            ("alswiki", Some("gsw")),
            ("enwikiquote", None),
            ("commonswiki", None),
            ("simplewiki", None),
            ("metawiki", None),
        ] {
            assert_eq!(tag(wikipedia(site)).map(|(t, _)| t), expected.map(str::to_owned), "{site}");
        }
    }
}
