//! BRAT standoff: a directory of pairs of `name.txt` and `name.ann`.

use crate::annotated::{Annotated, Collector, Entity};
use crate::conll::{Conll, abridged};
use kbioxlm_files::{FileError, Lines, Result, read_text};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Range;
use std::path::{Path, PathBuf};

const HELP: &str = "write `T1<TAB>Type start end<TAB>text`, as BRAT does";

/// Reads all pairs of a directory, in the order of their names, which are the ids of the documents. Of the annotations, entities
/// (`T`) are read; relations, events, attributes, normalisations and notes are passed over.
pub(crate) fn read(dir: &Path) -> Result<Conll> {
    let mut pairs: BTreeMap<String, [Option<PathBuf>; 2]> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(|e| FileError::io(dir, "list", e))? {
        let path = entry.map_err(|e| FileError::io(dir, "list", e))?.path();
        let kind = match path.extension().and_then(|e| e.to_str()) {
            Some("txt") => 0,
            Some("ann") => 1,
            _ => continue,
        };
        let Some(name) = path.file_stem().and_then(|s| s.to_str()).map(str::to_owned) else { continue };
        if let Some(place) = pairs.entry(name).or_default().get_mut(kind) {
            *place = Some(path);
        }
    }
    if pairs.is_empty() {
        let help = "name the directory in which BRAT keeps its pairs of files";
        return Err(FileError::content(dir, None, "no .txt and .ann files", "a directory of BRAT standoff", help));
    }
    let mut collector = Collector::default();
    for (name, pair) in pairs {
        match pair {
            [Some(text), Some(annotations)] => {
                read_pair(&mut collector, name, read_text(&text)?, &annotations, Lines::open(&annotations)?)?;
            }
            [text, annotations] => {
                let (there, missing) = if annotations.is_none() { (text, "ann") } else { (annotations, "txt") };
                let help = "add it (an empty .ann file where nothing is annotated), or remove this file";
                let path = there.unwrap_or_default();
                return Err(FileError::content(
                    &path,
                    None,
                    "this file alone",
                    format!("{name}.{missing} beside it"),
                    help,
                ));
            }
        }
    }
    collector.finish(dir)
}

/// `path`: of the annotations.
pub(crate) fn read_pair(
    collector: &mut Collector,
    id: String,
    text: String,
    path: &Path,
    lines: Lines<impl BufRead>,
) -> Result<()> {
    let mut document = Annotated { id, text, line: 1, ..Annotated::default() };
    for line in lines {
        let (number, line) = line?;
        if !line.starts_with('T') {
            continue;
        }
        let Some((label, pieces, mention)) = entity(&line) else {
            let expected = "`T1<TAB>Type start end<TAB>text`";
            return Err(FileError::content(path, number, format!("`{}`", abridged(&line)), expected, HELP));
        };
        let discontinuous = pieces.len() > 1;
        let start = pieces.iter().map(|p| p.start).min().unwrap_or_default();
        let end = pieces.iter().map(|p| p.end).max().unwrap_or_default();
        let mention = Some(mention.to_owned()).filter(|_| !discontinuous);
        let label = label.to_owned();
        document.entities.push(Entity { label, chars: start..end, mention, discontinuous, line: number });
    }
    collector.push(path, document)
}

/// `T1<TAB>Type 0 5;8 10<TAB>text`: type, pieces, text.
fn entity(line: &str) -> Option<(&str, Vec<Range<usize>>, &str)> {
    let mut cells = line.splitn(3, '\t');
    let (_, place, mention) = (cells.next()?, cells.next()?, cells.next()?);
    let (label, pieces) = place.split_once(' ')?;
    let piece = |piece: &str| {
        let (start, end) = piece.split_once(' ')?;
        Some(start.parse().ok()?..end.parse().ok()?)
    };
    Some((label, pieces.split(';').map(piece).collect::<Option<_>>()?, mention))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNOTATIONS: &str = "\
T1\tDrug 0 7\tAspirin
T2\tADE 15 22;33 37\tpain in hand
T3\tADE 15 19\tpain
R1\tCauses Arg1:T1 Arg2:T2
#1\tAnnotatorNotes T1\tT9 is no entity
T4\tADE 42 54\tNausée forte
";
    const TEXT: &str = "Aspirin caused pain in the upper hand.\nSo Nausée\nforte was.\n";

    fn read_files(files: &[(&str, &str)]) -> Result<Conll> {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, content)| std::fs::write(dir.path().join(name), content).unwrap());
        read(dir.path())
    }

    #[test]
    fn pairs_are_documents_in_the_order_of_their_names() {
        let files = [("b.txt", TEXT), ("b.ann", ANNOTATIONS), ("a.txt", "No event"), ("a.ann", ""), ("readme.md", "x")];
        let conll = read_files(&files).unwrap();
        assert_eq!(conll.documents.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let document = &conll.documents[1];
        let mentions: Vec<_> = document
            .entities
            .iter()
            .map(|e| (e.label.as_str(), &document.text[document.bytes(&(e.start..e.end))]))
            .collect();
        assert_eq!(mentions, [("Drug", "Aspirin"), ("ADE", "pain in the upper hand"), ("ADE", "Nausée\nforte")]);
        assert_eq!((conll.simplified.discontinuous, conll.simplified.overlapping), (1, 1));
        assert_eq!(document.text, TEXT);
        crate::fuzz::check(&conll);
    }

    #[test]
    fn bad_files_are_named() {
        for (annotations, expected) in [
            ("T1\tDrug 0\tAspirin\n", "b.ann:1: found `T1\tDrug 0\tAspirin`"),
            ("T1 Drug 0 7 Aspirin\n", "b.ann:1: found `T1 Drug"),
            ("\nT1\tDrug 0 7\taspirin\n", "b.ann:2: found the mention `aspirin` at 0 to 7, expected `Aspirin`"),
            ("T1\tDrug 0 700\tAspirin\n", "b.ann:1: found an entity from 0 to 700"),
            ("T1\tDrug 7 0\tAspirin\n", "b.ann:1: found an entity from 7 to 0"),
        ] {
            let message = read_files(&[("b.txt", TEXT), ("b.ann", annotations)]).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nlacks {expected}");
        }
        let message = |files: &[(&str, &str)]| read_files(files).unwrap_err().to_string();
        assert!(message(&[("b.txt", TEXT)]).contains("expected b.ann beside it"));
        assert!(message(&[("b.ann", "")]).contains("expected b.txt beside it"));
        assert!(message(&[("b.txt", " "), ("b.ann", "")]).contains("document `b` without text"));
        assert!(message(&[("b.md", "")]).contains("no .txt and .ann files"));
    }
}
