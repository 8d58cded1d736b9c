//! What every source has in common: files and their formats, languages, errors.

use crate::common::{error, read, write};
use kbioxlm_documents::{Format, TextSource};
use std::fs;

#[test]
fn json_lines_say_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let content = r#"{"text": "a\n\nb \u00e9", "id": "1", "lang": "eng", "subject": "Q1", "more": [{}]}

{"id": "2", "text": "剂量为"}
{"id": "3", "text": "1"}
"#;
    let source = write(dir.path(), "a.jsonl", content);
    let mut documents = source.documents().unwrap();
    let first = documents.next().unwrap().unwrap();
    assert_eq!((first.id.as_str(), first.lang.as_str(), first.text.as_str()), ("1", "en", "a\n\nb é"));
    assert_eq!(first.subject.as_deref(), Some("Q1"));
    assert_eq!(first.paragraphs, [0..1, 3..7]);
    assert_eq!(documents.next().unwrap().unwrap().lang, "zh");
    assert_eq!(documents.place().1, 3);
    assert!(documents.next().is_none());
    assert_eq!(documents.skipped().unknown_language, 1);

    // What the source says is stronger than what the documents say.
    let declared = read(&TextSource { lang: Some("xx".into()), ..source });
    assert_eq!(declared.iter().map(|d| d.lang.as_str()).collect::<Vec<_>>(), ["xx"; 3]);
}

#[test]
fn errors_name_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let source = write(dir.path(), "a.jsonl", "{\"id\": \"1\", \"text\": \"\", \"lang\": \"en\"}\n{\"id\": \"2\"}\n");
    assert!(error(&source).contains("a.jsonl:2: found missing field `text`"), "{}", error(&source));
    let documents: Vec<_> = source.documents().unwrap().collect();
    assert_eq!(documents.len(), 2);
    let source = write(dir.path(), "b.jsonl", "{\"id\": \"\", \"text\": \"x\"}\n");
    assert!(error(&source).contains("b.jsonl:1: found an empty"), "{}", error(&source));
    let source = write(dir.path(), "c.dat", "");
    assert!(error(&source).contains(".jsonl"), "{}", error(&source));
    assert!(error(&TextSource::new(dir.path().join("none.txt"))).contains("none.txt: cannot open"));
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert!(error(&TextSource::new(dir.path().join("empty"))).contains("a directory without a file"));
}

#[test]
fn directories_are_read_in_the_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in
        [("b.txt", "\u{feff}B\n\nC"), ("a/z.txt", "Z"), ("a.txt", "A"), ("README", "-"), (".h.txt", "-")]
    {
        write(dir.path(), name, content);
    }
    write(dir.path(), "c.jsonl", "{\"id\": \"c\", \"text\": \"\"}");
    let source = TextSource { lang: Some("en".into()), ..TextSource::new(dir.path()) };
    let names = |source: &TextSource| read(source).into_iter().map(|d| (d.id, d.text)).collect::<Vec<_>>();
    let expected = [("a/z", "Z"), ("a", "A"), ("b", "B\n\nC"), ("c", "")];
    assert_eq!(names(&source), expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
    assert_eq!(names(&TextSource { format: Some(Format::Jsonl), ..source.clone() }).len(), 1);
    // A file that is named is read, whatever its name says.
    let text = TextSource { path: dir.path().join("README"), format: Some(Format::Text), ..source };
    assert_eq!(names(&text), [("README".to_owned(), "-".to_owned())]);
}

#[test]
fn normalised_texts_lead_back_to_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let source =
        write(dir.path(), "a.jsonl", r#"{"id": "1", "lang": "en", "text": "TNF&amp;x\u00a0 rose.\n \nIt fell"}"#);
    let came = &read(&source)[0];
    assert!(came.origin.is_identity());
    let document = &read(&TextSource { normalise: true, ..source })[0];
    assert_eq!(document.text, "TNF&x rose.\n\nIt fell");
    assert_eq!(document.paragraphs, [0..11, 13..20]);
    assert_eq!(&came.text[document.origin.original(6..10)], "rose");
    assert_eq!(&came.text[document.origin.original(3..4)], "&amp;");
}
