//! The hierarchy of headings.

use super::heading::Heading;
use crate::{Record, Result, Sink};
use kbioxlm_files::xml::Xml;
use std::collections::HashMap;
use std::io::BufRead;

/// Trees where narrower means "a kind of": elsewhere it is also "a part of" (anatomy, places) or "a topic within".
const KINDS: [&str; 6] = ["B", "C", "D", "E", "F03", "M"];
/// Most tree numbers; there are some 65,000.
const MAX_TREE: usize = 2_000_000;

/// The trees: which heading has which number. They are known when the file has been read.
#[derive(Default)]
pub(super) struct Tree {
    /// Line, number and heading.
    numbers: Vec<(usize, Box<str>, Box<str>)>,
}

impl Tree {
    pub(super) fn add<R: BufRead>(&mut self, record: &Heading, xml: &Xml<R>) -> Result<()> {
        for number in record.tree_numbers.iter().filter(|n| KINDS.iter().any(|kind| n.starts_with(kind))) {
            if self.numbers.len() == MAX_TREE {
                let found = format!("more than {MAX_TREE} tree numbers");
                return Err(xml.error(found, "the trees of the MeSH", "check that this is the file you meant"));
            }
            self.numbers.push((record.line, number.as_str().into(), record.id.as_str().into()));
        }
        Ok(())
    }

    /// A heading is a kind of the one whose number is its own without the last part.
    pub(super) fn facts(self, sink: &mut dyn Sink) -> Result<()> {
        let headings: HashMap<&str, &str> = self.numbers.iter().map(|(_, n, id)| (n.as_ref(), id.as_ref())).collect();
        for (line, number, head) in &self.numbers {
            let wider = number.rsplit_once('.').and_then(|(wider, _)| headings.get(wider));
            if let Some(tail) = wider.filter(|tail| **tail != head.as_ref()) {
                sink.record(*line, Record::Fact { head, relation: "is_a", tail })?;
            }
        }
        Ok(())
    }
}
