//! Predicted entities that are a part of a name of the knowledge base become the whole name.

use crate::decode::entities;
use crate::metrics::{CountsByLabel, count_entities, sum, total};
use crate::{Scores, Tag};
use kbioxlm_benchmarks::{Document, Orphan, TokenSpan};
use kbioxlm_knowledge::Matcher;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What names had to do with a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Widening {
    /// The main score of the entities as the model found them.
    pub score_before: f64,
    /// Scores of the entities that are mentions of a name, after widening.
    pub names: Scores,
    /// Scores of all other entities: names cannot help to find these.
    pub others: Scores,
}

impl Widening {
    /// Widens the entities of all documents.
    pub fn apply(documents: &[Document], tags: &mut [Vec<Tag>], matcher: &Matcher) -> Self {
        const NAME: &str = "name";
        const OTHER: &str = "other";
        let [mut before, mut after] = [CountsByLabel::new(), CountsByLabel::new()];
        for (document, tags) in documents.iter().zip(tags) {
            let gold = document.entities.as_slice();
            let mentions = mentions(document, matcher);
            let found = entities(document, tags, Orphan::Opens);
            sum(&mut before, count_entities(gold, &found, |e| &e.label));
            *tags = widen(found, &mentions, tags.len());
            let predicted = entities(document, tags, Orphan::Opens);
            let is_name = |e: &TokenSpan| mentions.contains(&(e.start..e.end));
            sum(&mut after, count_entities(gold, &predicted, |e| if is_name(e) { NAME } else { OTHER }));
        }
        let scores = |kind| after.get(kind).copied().unwrap_or_default().scores();
        Self { score_before: total(before.into_values()).scores().f1, names: scores(NAME), others: scores(OTHER) }
    }
}

/// Mentions of names in the text of a document, as ranges of tokens; those that do not begin and end with a token are left out.
fn mentions(document: &Document, matcher: &Matcher) -> Vec<Range<usize>> {
    let token =
        |at: usize, end: fn(&Range<usize>) -> usize| document.tokens.binary_search_by_key(&at, |t| end(&t.bytes)).ok();
    let found = matcher.find(&document.text).into_iter();
    found.filter_map(|m| Some(token(m.bytes.start, |b| b.start)?..token(m.bytes.end, |b| b.end)? + 1)).collect()
}

/// The tags of a document of so many `tokens` in which entities were `found`, each that lies within a longer mention widened to it; its type
/// stays.
///
/// A model that learned in another language often finds an entity without its border, and names show where it is. The other way
/// round it does not help: what is longer than a name is most often a phrase of which the name is a part. Of entities that become
/// one, the first stays.
fn widen(found: Vec<TokenSpan>, mentions: &[Range<usize>], tokens: usize) -> Vec<Tag> {
    let mut widened = vec![Tag::Outside; tokens];
    let mut free = 0;
    for TokenSpan { start, end, label } in found {
        let whole = mentions.iter().find(|m| m.start <= start && end <= m.end).cloned();
        let Some(span) = whole.into_iter().chain(std::iter::once(start..end)).find(|span| span.start >= free) else {
            continue;
        };
        free = span.end;
        for (i, tag) in widened.iter_mut().enumerate().take(span.end).skip(span.start) {
            *tag = if i == span.start { Tag::Begin(label.clone()) } else { Tag::Inside(label.clone()) };
        }
    }
    widened
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbioxlm_benchmarks::{Join, read_conll};
    use kbioxlm_knowledge::{Description, KnowledgeBase, build};
    use std::path::Path;

    fn names(dir: &Path) -> Matcher {
        let path = |name: &str| dir.join(name);
        let header = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n";
        let rows =
            ["环孢菌素", "血栓形成", "肝炎", "阿司匹林肠溶片"].map(|name| format!("{name}\tzh\t{name}\t1\tX\t\n"));
        std::fs::write(path("lexicon.tsv"), header.to_owned() + &rows.concat()).unwrap();
        build(&Description::of_tables(vec![path("lexicon.tsv")], vec![], None, vec![]), &path("kb")).unwrap();
        Matcher::new(&KnowledgeBase::open(&path("kb")).unwrap(), "zh").unwrap()
    }

    #[test]
    fn entities_within_a_name_become_it_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.conll");
        let names = names(dir.path());
        let widened = |rows: &[(&str, &str)]| {
            let rows: String = rows.iter().map(|(token, tag)| format!("{token}\t{tag}\n")).collect();
            std::fs::write(&path, format!("-DOCSTART-\t1\n\n{rows}")).unwrap();
            let document = read_conll(&path, Join::Auto).unwrap().documents.remove(0);
            let tags: Vec<Tag> = rows.lines().map(|row| row.split_once('\t').unwrap().1.parse().unwrap()).collect();
            let found = entities(&document, &tags, Orphan::Opens);
            let tags = widen(found, &mentions(&document, &names), tags.len());
            tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        // A part of a name becomes the name; what is longer than one, or none, stays.
        let rows = [
            ("环", "O"),
            ("孢", "B-D"),
            ("菌", "I-D"),
            ("素", "O"),
            ("致", "O"),
            ("血", "B-A"),
            ("栓", "I-A"),
            ("形", "O"),
            ("成", "O"),
        ];
        assert_eq!(widened(&rows), "B-D I-D I-D I-D O B-A I-A I-A I-A");
        let rows = [("急", "B-A"), ("肝", "I-A"), ("炎", "I-A"), ("与", "O"), ("痛", "B-A")];
        assert_eq!(widened(&rows), "B-A I-A I-A O B-A");
        // Of two parts of a name the first says what it is; an entity that a name does not contain keeps its place.
        let rows =
            [("肝", "B-A"), ("炎", "B-D"), ("血", "O"), ("栓", "B-A"), ("形", "B-D"), ("成", "I-D"), ("后", "I-D")];
        assert_eq!(widened(&rows), "B-A I-A B-A I-A I-A I-A O");
        // A name that begins within a token is none of its tokens'.
        let rows = [("用阿司匹林", "B-D"), ("肠", "O"), ("溶", "O"), ("片", "O")];
        assert_eq!(widened(&rows), "B-D O O O");
    }

    #[test]
    fn names_and_other_entities_are_counted_apart() {
        let dir = tempfile::tempdir().unwrap();
        let names = names(dir.path());
        let path = dir.path().join("a.conll");
        let rows = "血\tB-A\n栓\tI-A\n形\tI-A\n成\tI-A\n后\tO\n头\tB-A\n痛\tI-A\n致\tO\n肝\tO\n炎\tO\n";
        std::fs::write(&path, format!("-DOCSTART-\t1\n\n{rows}")).unwrap();
        let documents = read_conll(&path, Join::Auto).unwrap().documents;
        // A part of a name, the other entity as it is, and a name that is no entity.
        let mut tags =
            [["O", "B-A", "I-A", "O", "O", "B-A", "I-A", "O", "B-A", "I-A"].map(|t| t.parse().unwrap()).to_vec()];
        let Widening { score_before, names, others } = Widening::apply(&documents, &mut tags, &names);
        assert_eq!(tags[0][0], "B-A".parse().unwrap());
        assert_eq!((score_before, names.support, names.recall, names.precision), (0.4, 1, 1.0, 0.5));
        assert_eq!((others.support, others.recall, others.precision), (1, 1.0, 1.0));
    }
}
