//! Predicted entities that are a part of a name of the knowledge base become the whole name.

use crate::Tag;
use crate::decode::entities;
use kbioxlm_benchmarks::{Document, Orphan, TokenSpan};
use kbioxlm_knowledge::Matcher;
use std::ops::Range;

/// The tags of a document with each entity that lies within a longer mention widened to it; its type stays.
///
/// A model that learned in another language often finds an entity without its border, and names show where it is. The other way
/// round it does not help: what is longer than a name is most often a phrase of which the name is a part. Of entities that become
/// one, the first stays; mentions that do not begin and end with a token are left alone.
pub(crate) fn widen(document: &Document, tags: &[Tag], matcher: &Matcher) -> Vec<Tag> {
    let token =
        |at: usize, end: fn(&Range<usize>) -> usize| document.tokens.binary_search_by_key(&at, |t| end(&t.bytes)).ok();
    let mentions: Vec<Range<usize>> = matcher
        .find(&document.text)
        .into_iter()
        .filter_map(|m| Some(token(m.bytes.start, |b| b.start)?..token(m.bytes.end, |b| b.end)? + 1))
        .collect();
    let mut widened = vec![Tag::Outside; tags.len()];
    let mut free = 0;
    for TokenSpan { start, end, label } in entities(document, tags, Orphan::Opens) {
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

    #[test]
    fn entities_within_a_name_become_it_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let header = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n";
        let rows =
            ["环孢菌素", "血栓形成", "肝炎", "阿司匹林肠溶片"].map(|name| format!("{name}\tzh\t{name}\t1\tX\t\n"));
        std::fs::write(path("lexicon.tsv"), header.to_owned() + &rows.concat()).unwrap();
        build(&Description::of_tables(vec![path("lexicon.tsv")], vec![], None, vec![]), &path("kb")).unwrap();
        let names = Matcher::new(&KnowledgeBase::open(&path("kb")).unwrap(), "zh").unwrap();
        let widened = |rows: &[(&str, &str)]| {
            let rows: String = rows.iter().map(|(token, tag)| format!("{token}\t{tag}\n")).collect();
            std::fs::write(path("a.conll"), format!("-DOCSTART-\t1\n\n{rows}")).unwrap();
            let document = read_conll(&path("a.conll"), Join::Auto).unwrap().documents.remove(0);
            let tags: Vec<Tag> = rows.lines().map(|row| row.split_once('\t').unwrap().1.parse().unwrap()).collect();
            let tags = widen(&document, &tags, &names);
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
}
