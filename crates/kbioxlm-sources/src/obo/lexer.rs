//! The lines of an OBO flat file: stanzas of `tag: value`, with continued lines, comments and escapes.

use crate::{FileError, Result};
use kbioxlm_files::Lines;
use std::io::BufRead;
use std::path::Path;

/// Longest clause, in bytes, over all its continued lines.
const MAX_CLAUSE: usize = 8 << 20;

/// One line of meaning.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Clause<'a> {
    /// `[Term]`
    Stanza(&'a str),
    /// `tag: value`; comments and escapes are still in the value.
    Tag(&'a str, &'a str),
}

/// Reads clause by clause.
pub(super) struct Clauses<'p, R> {
    path: &'p Path,
    lines: Lines<R>,
    text: String,
}

impl<'p, R: BufRead> Clauses<'p, R> {
    pub fn new(path: &'p Path, reader: R) -> Self {
        Self { path, lines: Lines::new(path, reader), text: String::new() }
    }

    /// The next clause and the line where it begins.
    pub fn next(&mut self) -> Result<Option<(usize, Clause<'_>)>> {
        let Some(line) = self.gather()? else { return Ok(None) };
        let text = self.text.trim();
        if let Some(rest) = text.strip_prefix('[') {
            let Some((name, _)) = rest.split_once(']') else {
                return Err(self.error(
                    line,
                    "a line that begins with `[` and has no `]`",
                    "the start of a stanza: `[Term]`",
                ));
            };
            return Ok(Some((line, Clause::Stanza(name))));
        }
        let Some((tag, value)) = text.split_once(':') else {
            let start: String = text.chars().take(40).collect();
            return Err(self.error(line, &format!("`{start}`"), "`tag: value`"));
        };
        Ok(Some((line, Clause::Tag(tag.trim_end(), value.trim_start()))))
    }

    /// Fills `text` with the next line that says something, and with the lines that continue it.
    fn gather(&mut self) -> Result<Option<usize>> {
        loop {
            self.text.clear();
            let Some((first, line)) = self.lines.next_line()? else { return Ok(None) };
            self.text.push_str(line);
            while is_continued(&self.text) {
                self.text.pop();
                let Some((_, more)) = self.lines.next_line()? else { break };
                self.text.push_str(more);
                if self.text.len() > MAX_CLAUSE {
                    let found = format!("a clause of more than {} MiB", MAX_CLAUSE >> 20);
                    return Err(self.error(first, &found, "shorter clauses"));
                }
            }
            let text = self.text.trim_start();
            if !text.trim_end().is_empty() && !text.starts_with('!') {
                return Ok(Some(first));
            }
        }
    }

    fn error(&self, line: usize, found: &str, expected: &str) -> FileError {
        FileError::content(
            self.path,
            line,
            found,
            expected,
            "check that this is an OBO flat file (`.obo`), not OWL or JSON",
        )
    }
}

/// A line ends in a backslash that is not itself escaped.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1
}

/// Text in quotes, without its escapes, and what follows it.
pub(super) fn quoted(value: &str) -> Option<(String, &str)> {
    let inner = value.strip_prefix('"')?;
    let end = unescaped(inner, |rest| rest.starts_with('"'))?;
    Some((unescape(inner.get(..end)?), inner.get(end + 1..)?.trim_start()))
}

/// Text without quotes: up to its comment or its trailing qualifiers (`{source="x"}`), without its escapes.
pub(super) fn plain(value: &str) -> String {
    // Looked for once, not at every blank.
    let bracket = value.rfind('}').unwrap_or_default();
    let is_before = |rest: &str| value.len() - rest.len() < bracket;
    let end = unescaped(value, |rest| rest.starts_with(" !") || is_before(rest) && is_qualifiers(rest));
    unescape(end.and_then(|end| value.get(..end)).unwrap_or(value))
}

/// An id and what follows it. Ids have no blanks, but a prefix may (`KEGG COMPOUND:C01405`): then it goes up to the
/// description, the qualifiers or the comment.
pub(super) fn id(value: &str) -> (String, &str) {
    let is_end = |rest: &str| rest.starts_with(" \"") || rest.starts_with(" !") || rest.starts_with(" {");
    let end = unescaped(value, is_end).unwrap_or(value.len());
    let (id, rest) = value.split_at_checked(end).unwrap_or((value, ""));
    (unescape(id), rest.trim_start())
}

/// The next word and what follows it.
pub(super) fn word(value: &str) -> (&str, &str) {
    let (word, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    (word, rest.trim_start())
}

/// ` {key="value"`: names of chemicals have brackets too.
fn is_qualifiers(rest: &str) -> bool {
    let Some(inner) = rest.strip_prefix(" {") else { return false };
    let key = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '/'));
    key.len() < inner.len() && key.starts_with("=\"")
}

/// Where the text, at a place that is not escaped, begins with what is looked for.
fn unescaped(text: &str, found: impl Fn(&str) -> bool) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if matches!(c, '"' | ' ') && text.get(at..).is_some_and(&found) {
            return Some(at);
        }
    }
    None
}

/// Resolves escapes; line ends and tabs become blanks, since names are single lines, and runs of blanks one.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('n' | 't' | 'W') | None => ' ',
                Some(other) if other.is_whitespace() => ' ',
                Some(other) => other,
            },
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_continued_and_comments_skipped() {
        let text = "! comment\nformat-version: 1.2\n\n[Term]\nname: a \\\n b\ncomment: ends \\\\\nid:X:1\n";
        let mut clauses = Clauses::new(Path::new("x.obo"), text.as_bytes());
        let mut all = Vec::new();
        while let Some((line, clause)) = clauses.next().unwrap() {
            all.push(format!("{line} {clause:?}"));
        }
        let expected = [
            r#"2 Tag("format-version", "1.2")"#,
            r#"4 Stanza("Term")"#,
            r#"5 Tag("name", "a  b")"#,
            r#"7 Tag("comment", "ends \\\\")"#,
            r#"8 Tag("id", "X:1")"#,
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn values() {
        assert_eq!(quoted(r#""a \"b\" \\" EXACT []"#), Some((r#"a "b" \"#.to_owned(), "EXACT []")));
        assert_eq!(quoted(r#""never closed"#), None);
        assert_eq!(quoted("no quotes"), None);
        assert_eq!(plain("Fever ! comment"), "Fever");
        assert_eq!(plain("Wow! \\! no comment"), "Wow! ! no comment");
        assert_eq!(plain(r#"Fever {source="X:1", source="a}b"}"#), "Fever");
        assert_eq!(plain("2-{[1,3] a} b"), "2-{[1,3] a} b");
        assert_eq!(plain("a {b} c"), "a {b} c");
        assert_eq!(plain("a {b=\"c"), "a {b=\"c");
        assert_eq!(plain("\\\u{a0}a"), "a", "found by fuzzing");
        assert_eq!(plain("2-\\{a\\n\\tb\\}\\,"), "2-{a b},");
        assert_eq!(
            id(r#"KEGG COMPOUND:C01405 "KEGG COMPOUND""#),
            ("KEGG COMPOUND:C01405".to_owned(), "\"KEGG COMPOUND\"")
        );
        assert_eq!(id(r#"UMLS:C1 {source="x"} ! y"#), ("UMLS:C1".to_owned(), r#"{source="x"} ! y"#));
        assert_eq!(id("http\\://a.b/c"), ("http://a.b/c".to_owned(), ""));
        assert_eq!(word("part_of HP:1 ! x"), ("part_of", "HP:1 ! x"));
    }
}
