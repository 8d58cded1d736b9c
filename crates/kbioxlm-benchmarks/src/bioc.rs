//! BioC XML: collection, document, passage (or passage and sentence), annotation.

use crate::annotated::{Annotated, Collector, Entity};
use crate::conll::{Conll, abridged};
use kbioxlm_files::xml::{Node, Xml};
use kbioxlm_files::{FileError, Result};
use std::io::BufRead;
use std::ops::Range;
use std::path::Path;

/// Most characters between two passages that offsets may leave out: what lies between is filled with spaces.
const MAX_GAP: usize = 4096;
const HELP: &str = "correct it as the BioC format has it, or export the file again";

/// A document while it is read.
#[derive(Default)]
struct Draft {
    id: String,
    line: usize,
    /// Offset of the first passage.
    base: Option<usize>,
    /// Offset of the passage or sentence that is read.
    offset: Option<usize>,
    text: String,
    chars: usize,
    breaks: Vec<usize>,
    annotations: Vec<Annotation>,
}

#[derive(Default)]
struct Annotation {
    label: Option<String>,
    text: Option<String>,
    /// As the file counts, from the beginning of the document.
    pieces: Vec<Range<usize>>,
    line: usize,
}

pub(crate) fn read(path: &Path, reader: impl BufRead) -> Result<Conll> {
    let mut xml = Xml::new(path, reader);
    let mut collector = Collector::default();
    let mut open: Vec<String> = Vec::new();
    let (mut document, mut annotation) = (Draft::default(), Annotation::default());
    while let Some(node) = xml.next_node()? {
        if node == Node::Open {
            match (open.is_empty(), xml.name()) {
                (true, name) if name != "collection" => {
                    return Err(xml.error(format!("the element `{}`", abridged(name)), "a BioC `collection`", HELP));
                }
                (_, "document") => document = Draft { line: xml.line(), ..Draft::default() },
                (_, "passage" | "sentence") => document.offset = None,
                (_, "annotation") => annotation = Annotation { line: xml.line(), ..Annotation::default() },
                _ => {}
            }
            open.push(xml.name().to_owned());
            continue;
        }
        let name = open.pop().unwrap_or_default();
        match (open.last().map(String::as_str).unwrap_or_default(), name.as_str()) {
            ("document", "id") => document.id = xml.text().trim().to_owned(),
            ("passage" | "sentence", "offset") => document.offset = Some(number(&xml, "offset", xml.text())?),
            ("passage" | "sentence", "text") => document.append(&xml)?,
            ("annotation", "infon") if xml.has("key", "type") => annotation.label = Some(xml.text().trim().to_owned()),
            ("annotation", "text") => annotation.text = Some(xml.text().to_owned()),
            ("annotation", "location") => {
                let of = |key: &str| number(&xml, key, &xml.attribute(key).unwrap_or_default());
                let (offset, length) = (of("offset")?, of("length")?);
                annotation.pieces.push(offset..offset.saturating_add(length));
            }
            ("passage" | "sentence", "annotation") => document.annotations.push(std::mem::take(&mut annotation)),
            (_, "document") => collector.push(path, std::mem::take(&mut document).finish(path)?)?,
            _ => {}
        }
    }
    collector.finish(path)
}

fn number<R: BufRead>(xml: &Xml<R>, what: &str, text: &str) -> Result<usize> {
    let parsed = text.trim().parse();
    parsed.map_err(|_| xml.error(format!("`{}` as {what}", abridged(text)), "a number of characters", HELP))
}

impl Draft {
    /// Puts the text of a passage or sentence where its offset says.
    fn append<R: BufRead>(&mut self, xml: &Xml<R>) -> Result<()> {
        let Some(offset) = self.offset else {
            return Err(xml.error("a text before its offset", "`offset`, then `text`", HELP));
        };
        let base = *self.base.get_or_insert(offset);
        let gap = offset.checked_sub(base).and_then(|at| at.checked_sub(self.chars)).filter(|&gap| gap <= MAX_GAP);
        let Some(gap) = gap else {
            let end = base.saturating_add(self.chars);
            let expected = format!("{end}, where the text before it ends, up to {}", end.saturating_add(MAX_GAP));
            return Err(xml.error(format!("a text at offset {offset}"), &expected, HELP));
        };
        self.text.extend(std::iter::repeat_n(' ', gap));
        if !self.text.is_empty() {
            self.breaks.push(self.text.len());
        }
        self.text.push_str(xml.text());
        self.chars += gap + xml.text().chars().count();
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Annotated> {
        if self.id.is_empty() {
            return Err(FileError::content(path, self.line, "a document without id", "`<id>` in `<document>`", HELP));
        }
        let base = self.base.unwrap_or_default();
        let entity = |a: Annotation| {
            let (start, end) = (a.pieces.iter().map(|p| p.start).min()?, a.pieces.iter().map(|p| p.end).max()?);
            let discontinuous = a.pieces.len() > 1;
            let chars = start.checked_sub(base)?..end.checked_sub(base)?;
            let mention = a.text.filter(|_| !discontinuous);
            Some(Entity { label: a.label?, chars, mention, discontinuous, line: a.line })
        };
        let mut entities = Vec::with_capacity(self.annotations.len());
        for annotation in self.annotations {
            let line = annotation.line;
            let Some(entity) = entity(annotation) else {
                let expected = "`<infon key=\"type\">` and a `<location>` within the document";
                return Err(FileError::content(path, line, "an annotation without type or place", expected, HELP));
            };
            entities.push(entity);
        }
        Ok(Annotated { id: self.id, text: self.text, line: self.line, breaks: self.breaks, entities })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>test</source><date/><key/>
  <document>
    <id>101</id>
    <passage>
      <infon key="type">title</infon>
      <offset>0</offset>
      <text>Ren&#233; &amp; clonidine</text>
      <annotation id="0">
        <infon key="type">Chemical</infon>
        <infon key="MESH">D003000</infon>
        <location offset="7" length="9"/>
        <text>clonidine</text>
      </annotation>
    </passage>
    <passage>
      <infon key="type">abstract</infon>
      <offset>17</offset>
      <sentence>
        <offset>17</offset>
        <text>Liver and kidney failure was seen.</text>
        <annotation id="1">
          <infon key="type">Disease</infon>
          <location offset="17" length="5"/>
          <location offset="34" length="7"/>
          <text>Liver failure</text>
        </annotation>
      </sentence>
      <sentence><offset>52</offset><text>It went.</text></sentence>
    </passage>
    <relation id="R0"><infon key="relation">CID</infon><infon key="Chemical">D003000</infon></relation>
  </document>
</collection>
"#;

    fn parse(text: &str) -> Result<Conll> {
        read(Path::new("a.xml"), text.as_bytes())
    }

    #[test]
    fn passages_lie_at_their_offsets_and_pieces_are_covered() {
        let conll = parse(FILE).unwrap();
        let document = &conll.documents[0];
        assert_eq!(document.text, "René & clonidine Liver and kidney failure was seen. It went.");
        let mentions: Vec<_> = document
            .entities
            .iter()
            .map(|e| (e.label.as_str(), &document.text[document.bytes(&(e.start..e.end))]))
            .collect();
        assert_eq!(mentions, [("Chemical", "clonidine"), ("Disease", "Liver and kidney failure")]);
        assert_eq!((conll.simplified.discontinuous, document.sentences.len()), (1, 3));
        crate::fuzz::check(&conll);
    }

    #[test]
    fn offsets_count_from_the_first_passage() {
        let moved = FILE.replace("offset=\"", "offset=\"100").replace("<offset>", "<offset>100");
        // 7 became 1007, 17 10017: only those of one length still agree.
        assert!(parse(&moved).unwrap_err().to_string().contains("found a text at offset 10017"));
        let one = "<collection><document><id>1</id><passage><offset>50</offset><text>fever</text><annotation><infon key=\"type\">D</infon>\
                   <location offset=\"50\" length=\"5\"/></annotation></passage></document></collection>";
        assert_eq!(parse(one).unwrap().documents[0].entities.len(), 1);
    }

    #[test]
    fn bad_files_are_named() {
        for (from, to, expected) in [
            ("<collection>", "<articles>", "found the element `articles`, expected a BioC `collection`"),
            ("<id>101</id>", "", "found a document without id"),
            ("<offset>17</offset>", "<offset>x</offset>", "a.xml:19: found `x` as offset"),
            ("<offset>52</offset>", "<offset>40</offset>", "found a text at offset 40, expected 51"),
            ("<offset>52</offset>", "<offset>99999</offset>", "found a text at offset 99999"),
            ("<infon key=\"type\">Disease</infon>", "", "a.xml:23: found an annotation without type or place"),
            ("<text>clonidine</text>", "<text>aspirin</text>", "a.xml:10: found the mention `aspirin` at 7 to 16"),
            ("length=\"9\"", "", "found `` as length"),
            ("</collection>", "", "found the end of the file"),
        ] {
            let message = parse(&FILE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nlacks {expected}");
        }
        assert!(parse("<collection></collection>").unwrap_err().to_string().contains("found no document"));
    }
}
