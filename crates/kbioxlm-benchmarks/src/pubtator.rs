//! PubTator, as BioCreative released BC5CDR: `id|t|title`, `id|a|abstract`, a row an annotation, an empty line between documents.

use crate::annotated::{Annotated, Collector, Entity};
use crate::conll::{Conll, abridged};
use kbioxlm_files::{FileError, Lines, Result};
use std::io::BufRead;
use std::path::Path;

const HELP: &str = "write `id|t|title`, `id|a|abstract`, then rows of `id<TAB>start<TAB>end<TAB>mention<TAB>type<TAB>concept`, and an \
    empty line after each document";

/// Whether a file that begins with this line is in this format.
pub(crate) fn begins_with(line: &str) -> bool {
    matches!(line.splitn(3, '|').collect::<Vec<_>>()[..], [id, "t", _] if !id.is_empty() && !id.contains(char::is_whitespace))
}

/// The text of a document is its title, a space and its abstract, which is how its offsets count. Relations (`CID`) are passed over.
pub(crate) fn read(path: &Path, lines: Lines<impl BufRead>) -> Result<Conll> {
    let mut collector = Collector::default();
    let mut open: Option<Annotated> = None;
    for line in lines {
        let (number, line) = line?;
        let error = |found: String, expected: &str| Err(FileError::content(path, number, found, expected, HELP));
        if line.trim().is_empty() {
            open.take().map_or(Ok(()), |document| collector.push(path, document))?;
            continue;
        }
        let Some(document) = &mut open else {
            let (true, Some((id, rest))) = (begins_with(&line), line.split_once('|')) else {
                return error(format!("`{}`", abridged(&line)), "`id|t|title`");
            };
            let text = rest.strip_prefix("t|").unwrap_or(rest).to_owned();
            open = Some(Annotated { id: id.to_owned(), text, line: number, ..Annotated::default() });
            continue;
        };
        let Some(rest) = line.strip_prefix(document.id.as_str()) else {
            return error(format!("`{}`", abridged(&line)), &format!("a line of document {}", document.id));
        };
        if let Some(text) = rest.strip_prefix("|a|") {
            if !document.breaks.is_empty() {
                return error(format!("a second abstract of document {}", document.id), "one");
            }
            document.text.push(' ');
            document.breaks.push(document.text.len());
            document.text.push_str(text);
            continue;
        }
        match rest.split('\t').collect::<Vec<_>>()[..] {
            // A relation: its type stands where a mention has its start.
            ["", kind, _, _, ..] if kind.starts_with(|c: char| c.is_ascii_alphabetic()) => {}
            ["", start, end, mention, label, ..] => {
                let (Ok(start), Ok(end)) = (start.parse(), end.parse()) else {
                    return error(format!("`{}` and `{}` as offsets", abridged(start), abridged(end)), "two numbers");
                };
                let (label, mention) = (label.to_owned(), Some(mention.to_owned()));
                let chars = start..end;
                document.entities.push(Entity { label, chars, mention, discontinuous: false, line: number });
            }
            _ => return error(format!("`{}`", abridged(&line)), "an abstract, a mention or a relation"),
        }
    }
    open.map_or(Ok(()), |document| collector.push(path, document))?;
    collector.finish(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
101|t|Naloxé reverses clonidine.
101|a|In rats, blood pressure fell. Clonidine (10 mg) acted.
101\t16\t25\tclonidine\tChemical\tD003000
101\t36\t50\tblood pressure\tDisease\tD001794\tblood|pressure
101\t57\t66\tClonidine\tChemical\tD003000
101\tCID\tD003000\tD001794

102|t|Nothing here
102|a|
";

    fn parse(text: &str) -> Result<Conll> {
        let path = Path::new("a.pubtator");
        read(path, Lines::new(path, text.as_bytes()))
    }

    #[test]
    fn documents_have_their_text_and_mentions() {
        let conll = parse(FILE).unwrap();
        let document = &conll.documents[0];
        assert_eq!(document.text, "Naloxé reverses clonidine. In rats, blood pressure fell. Clonidine (10 mg) acted.");
        let mentions: Vec<_> = document
            .entities
            .iter()
            .map(|e| (e.label.as_str(), &document.text[document.bytes(&(e.start..e.end))]))
            .collect();
        assert_eq!(mentions, [("Chemical", "clonidine"), ("Disease", "blood pressure"), ("Chemical", "Clonidine")]);
        assert_eq!(document.sentences.len(), 3);
        assert_eq!((conll.documents[1].id.as_str(), conll.documents[1].text.as_str()), ("102", "Nothing here "));
        crate::fuzz::check(&conll);
    }

    #[test]
    fn bad_lines_are_named() {
        for (bad, expected) in [
            ("", "found no document"),
            ("101|a|abstract\n", ":1: found `101|a|abstract`, expected `id|t|title`"),
            ("1|t|a\n2|a|b\n", ":2: found `2|a|b`, expected a line of document 1"),
            ("1|t|a\n1|a|b\n1|a|b\n", ":3: found a second abstract"),
            ("1|t|a\n1\t0\t1\n", ":2: found `1\t0\t1`"),
            ("1|t|a\n1\t0\tx\ta\tChemical\n", ":2: found `0` and `x` as offsets"),
            ("1|t|a\n1\t0\t1\tb\tChemical\tD1\n", ":2: found the mention `b` at 0 to 1, expected `a`"),
            ("1|t|a\n1\t0\t9\ta\tChemical\tD1\n", ":2: found an entity from 0 to 9"),
            ("1|t|\n1|a|\n", ":1: found document `1` without text"),
        ] {
            let message = parse(bad).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nlacks {expected}");
        }
    }
}
