//! How a text says between which two of its entities a relation is asked for.

use crate::EvalError;
use kbioxlm_benchmarks::{Labelled, Mention};
use kbioxlm_files::FileError;
use kbioxlm_train::RelationText;
use std::borrow::Cow;
use std::path::Path;

/// The text of a document of `path` as the model reads it: as it is, or with its two entities replaced or marked.
///
/// Marks are made of pieces that any vocabulary has: `@ * gene * BRCA1 @` around the first entity that the document lists,
/// `# ^ disease ^ cancer #` around the second (the typed punctuation markers of Zhou & Chen 2022).
pub(crate) fn text<'a, L>(
    row: &'a Labelled<L>,
    path: &Path,
    relation: Option<RelationText>,
) -> Result<Cow<'a, str>, EvalError> {
    let Some(relation) = relation else { return Ok(Cow::Borrowed(&row.text)) };
    let wrong = |found: String, expected: &str, help: &str| {
        Err(FileError::content(path, row.line, format!("{found} in document `{}`", row.id), expected, help).into())
    };
    let [first, second] = &row.entities[..] else {
        let expected = r#"two, a list "entities" of {"start", "end", "label"}, between which a relation is asked for"#;
        return wrong(format!("{} entities", row.entities.len()), expected, "add them, or unset `relation`");
    };
    if first.bytes.start < second.bytes.end && second.bytes.start < first.bytes.end {
        return wrong("two entities that overlap".to_owned(), "two side by side", "correct or remove this line");
    }
    let shown = |mention: &Mention, sign: char, mark: char| {
        let (label, text) = (&mention.label, &row.text[mention.bytes.clone()]);
        match relation {
            RelationText::Anonymised => format!("@{}$", label.to_uppercase()),
            RelationText::Marked => format!("{sign} {mark} {} {mark} {text} {sign}", label.to_lowercase()),
        }
    };
    let mut mentions = [(first, shown(first, '@', '*')), (second, shown(second, '#', '^'))];
    mentions.sort_by_key(|(mention, _)| mention.bytes.start);
    let mut result = String::with_capacity(row.text.len() + 32);
    let mut rest = 0;
    for (mention, shown) in mentions {
        result.push_str(&row.text[rest..mention.bytes.start]);
        rest = mention.bytes.end;
        let spaced = relation == RelationText::Marked;
        if spaced && !result.is_empty() && !result.ends_with(char::is_whitespace) {
            result.push(' ');
        }
        result.push_str(&shown);
        if spaced && row.text[rest..].starts_with(|c: char| !c.is_whitespace()) {
            result.push(' ');
        }
    }
    result.push_str(&row.text[rest..]);
    Ok(Cow::Owned(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, entities: &[(&str, &str)]) -> Labelled<String> {
        let mention = |(mention, label): &(&str, &str)| {
            let start = text.find(mention).unwrap();
            Mention { bytes: start..start + mention.len(), label: (*label).to_owned() }
        };
        let entities = entities.iter().map(mention).collect();
        Labelled { id: "7".into(), text: text.into(), label: "1".into(), entities, line: 3 }
    }

    fn shown(row: &Labelled<String>, relation: RelationText) -> Result<String, String> {
        text(row, Path::new("a.jsonl"), Some(relation)).map(Cow::into_owned).map_err(|e| e.to_string())
    }

    #[test]
    fn entities_are_replaced_or_marked_in_the_order_of_the_list() {
        let english = row("BRCA1 in breast cancer.", &[("breast cancer", "Disease"), ("BRCA1", "Gene")]);
        let chinese = row("与乳腺癌相关的BRCA1基因", &[("BRCA1", "Gene"), ("乳腺癌", "Disease")]);
        let anonymised = |row| shown(row, RelationText::Anonymised).unwrap();
        assert_eq!(anonymised(&english), "@GENE$ in @DISEASE$.");
        assert_eq!(anonymised(&chinese), "与@DISEASE$相关的@GENE$基因");
        let marked = |row| shown(row, RelationText::Marked).unwrap();
        assert_eq!(marked(&english), "# ^ gene ^ BRCA1 # in @ * disease * breast cancer @ .");
        assert_eq!(marked(&chinese), "与 # ^ disease ^ 乳腺癌 # 相关的 @ * gene * BRCA1 @ 基因");
        assert_eq!(text(&english, Path::new("a"), None).unwrap(), english.text);
    }

    #[test]
    fn what_cannot_be_marked_is_named() {
        let none = shown(&row("BRCA1 in breast cancer.", &[]), RelationText::Marked).unwrap_err();
        assert!(none.contains("a.jsonl:3: found 0 entities in document `7`, expected two"), "{none}");
        let overlapping = row("breast cancer", &[("breast cancer", "Disease"), ("cancer", "Disease")]);
        assert!(shown(&overlapping, RelationText::Anonymised).unwrap_err().contains("overlap"));
    }
}
