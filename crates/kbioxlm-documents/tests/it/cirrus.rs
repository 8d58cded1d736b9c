//! Wikipedia's search index, in the layout of its dumps.

use crate::common::{error, read, write};

const DUMP: &str = r#"{"index":{"_type":"page","_id":"12"}}
{"version":1,"wiki":"enwiki","page_id":12,"namespace":0,"namespace_text":"","title":"Hypertension","timestamp":"2026-01-01T00:00:00Z","language":"en","category":["Medicine"],"outgoing_link":["Blood"],"text":"Hypertension is high \"blood\" pressure. It has no symptoms. Most have the primary kind.","opening_text":"Hypertension is high \"blood\" pressure. It has no symptoms.","source_text":"'''Hypertension''' is","auxiliary_text":["A caption"],"heading":["Kinds"],"wikibase_item":"Q41861","coordinates":[],"popularity_score":0.1}
{"index":{"_index":"enwiki_content","_id":13}}
{"namespace":1,"title":"Talk:Hypertension","text":"Is it?","language":"en"}
{"index":{"_id":14}}
{"namespace":0,"title":"Stub","text":"A stub.","opening_text":null,"language":"en","wikibase_item":null}
{"index":{"_id":15}}
{"namespace":0,"title":"Other","text":"Its lead is elsewhere.","opening_text":"Its lead is else","language":"zh-hant"}
"#;

#[test]
fn pages_are_documents_with_their_item() {
    let dir = tempfile::tempdir().unwrap();
    let source = write(dir.path(), "index_name=enwiki_content/enwiki_content-20260816-00000.json", DUMP);
    let mut documents = source.documents().unwrap();
    let first = documents.next().unwrap().unwrap();
    assert_eq!(
        first.text,
        "Hypertension is high \"blood\" pressure. It has no symptoms.\n\nMost have the primary kind."
    );
    assert_eq!((first.id.as_str(), first.lang.as_str(), first.subject.as_deref()), ("12", "en", Some("Q41861")));
    assert_eq!(first.paragraphs.len(), 2);
    assert_eq!(documents.place().1, 2);
    let second = documents.next().unwrap().unwrap();
    assert_eq!((second.id.as_str(), second.text.as_str(), second.subject), ("14", "A stub.", None));
    let third = documents.next().unwrap().unwrap();
    assert_eq!((third.text.as_str(), third.lang.as_str()), ("Its lead is elsewhere.", "zh-Hant"));
    assert!(documents.next().is_none());
    assert_eq!(documents.skipped().no_articles, 1);
    assert_eq!(read(&write(dir.path(), "enwiki-20240101-cirrussearch-content.json", DUMP)).len(), 3);
}

#[test]
fn bad_files_are_errors_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let of = |content: &str| error(&write(dir.path(), "a-cirrussearch-content.json", content));
    let lines: Vec<&str> = DUMP.lines().collect();
    let odd = of(&lines[..3].join("\n"));
    assert!(odd.contains("content.json:3: found the end of the file, expected the page"), "{odd}");
    let shifted = of(&lines[1..].join("\n"));
    assert!(shifted.contains("content.json:1: found missing field `index`"), "{shifted}");
    let cut = of(&DUMP[..300]);
    assert!(cut.contains("content.json:2: found EOF while parsing"), "{cut}");
}
