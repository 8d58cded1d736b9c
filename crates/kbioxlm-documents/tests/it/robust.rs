//! No file makes a reader panic: valid ones with some bytes changed, cut out, repeated or put elsewhere.

use kbioxlm_documents::fuzz;
use proptest::prelude::*;

const JSONL: &str = "{\"id\": \"1\", \"text\": \"a \\\"b\\\" \\u00e9\\n\\nc\", \"lang\": \"en\", \"more\": [1, {\"a\": null}]}\n\n\
    {\"text\": \"发热\", \"subject\": \"Q1\", \"id\": \"2\"}\n";
const MEDLINE: &str = "<?xml version=\"1.0\"?><!DOCTYPE PubmedArticleSet><PubmedArticleSet><PubmedArticle><MedlineCitation>\
    <PMID Version=\"2\">1</PMID><Article><ArticleTitle>[A <i>title</i> &amp; 10<sup>9</sup>].</ArticleTitle><Abstract>\n\
    <AbstractText Label=\"A &lt;\">Text <mml:math><mml:mi>x</mml:mi></mml:math> &#xe9;</AbstractText></Abstract><Language>fre</Language>\
    <VernacularTitle>Titre</VernacularTitle></Article><OtherAbstract Language=\"chi\"><AbstractText>发热</AbstractText></OtherAbstract>\
    </MedlineCitation></PubmedArticle><DeleteCitation><PMID>2</PMID></DeleteCitation></PubmedArticleSet>";
const JATS: &str = "<?xml version=\"1.0\"?><article xml:lang=\"es\"><front><article-meta><article-id pub-id-type=\"pmc\">1</article-id>\
    <title-group><article-title>T</article-title><trans-title-group xml:lang=\"en\"><trans-title>U</trans-title></trans-title-group>\
    </title-group><abstract><title>R</title><sec><title>A</title><p>a</p></sec></abstract></article-meta></front><body><sec><title>S</title>\n\
    <p>b [<xref ref-type=\"bibr\">1</xref>, <xref ref-type=\"bibr\">2</xref>] c<sup><xref ref-type=\"bibr\">3</xref></sup> \
    <inline-formula><mml:math><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac></mml:math></inline-formula> &#945;</p></sec></body>\
    <sub-article article-type=\"translation\" xml:lang=\"en\"><body><p>d 10<sup>9</sup></p></body></sub-article></article>";
const CIRRUS: &str = "{\"index\":{\"_id\":\"1\"}}\n{\"namespace\":0,\"text\":\"a b c\",\"opening_text\":\"a b\",\"language\":\"en\",\
    \"wikibase_item\":\"Q1\",\"x\":[{}]}\n{\"index\":{\"_id\":2}}\n{\"namespace\":1}\n";
const TEXT: &str =
    "\u{feff}A &amp; b.\u{a0}\u{ad}e\u{301} (Fig. 2) &amp;#x3b1; 。”发热．[1,2] « x. » 1. A\r\n\r\n0.5 mg… e.g. X";

type Read = fn(&[u8]) -> kbioxlm_files::Result<fuzz::Count>;

/// A change: where, how much is taken away, what is put there.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let pieces = [
        "\n",
        "<",
        ">",
        "&",
        ";",
        "\"",
        "\\u",
        "\\",
        "{",
        "}",
        "é",
        "</",
        "<a>",
        "]]>",
        "<![CDATA[",
        "<!--",
        "<p>",
        "</p>",
        "<sup>",
        "<xref ref-type=\"bibr\">",
        "</xref>",
        "[",
        "]",
        "(",
        "9",
        "<article>",
        "<body>",
        "<sub-article>",
        "<abstract>",
        "。",
        ". ",
        "\u{301}",
    ];
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(pieces.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
    ];
    (any::<prop::sample::Index>(), 0_usize..40, piece)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn damaged_files_are_errors_at_most(which in 0_usize..5, changes in prop::collection::vec(change(), 0..6)) {
        let files: [(&str, Read); 5] = [
            (JSONL, fuzz::jsonl), (MEDLINE, fuzz::medline), (JATS, fuzz::jats), (CIRRUS, fuzz::cirrus), (TEXT, fuzz::text),
        ];
        let (content, read) = files[which];
        let mut bytes = content.as_bytes().to_vec();
        prop_assert!(read(&bytes).unwrap().documents > 0);
        for (at, taken, put) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + taken).min(bytes.len());
            bytes.splice(at..end, put);
        }
        // Reading ends, and what it says is in proportion to the file.
        if let Ok(count) = read(&bytes) {
            prop_assert!(count.documents <= bytes.len() + 1 && count.bytes <= 3 * bytes.len());
        }
    }
}

#[test]
fn pathological_files_take_time_in_proportion() {
    let citation = "<xref ref-type=\"bibr\">1</xref>";
    for (head, piece, tail) in [
        ("<article><body><p>", citation.to_owned(), "</p></body></article>"),
        ("<article><body><p>[", format!("{citation}, "), "</p></body></article>"),
        ("<article><body><p>", format!("[{citation}] "), "</p></body></article>"),
        ("<article><body><p>", format!("a<sup>{citation}</sup> b "), "</p></body></article>"),
        ("<article><body><p>", "1<sup>2</sup>".to_owned(), "</p></body></article>"),
        (
            "<article><front><article-meta>",
            "<abstract xml:lang=\"en\"><p>a</p></abstract>".to_owned(),
            "</article-meta></front></article>",
        ),
    ] {
        let file = format!("{head}{}{tail}", piece.repeat((2 << 20) / piece.len()));
        let started = std::time::Instant::now();
        assert_eq!(fuzz::jats(file.as_bytes()).unwrap().documents.min(1), 1);
        assert!(started.elapsed().as_secs() < 20, "{piece}: {:?}", started.elapsed());
    }
    for piece in ["\u{301}", "e\u{301}", "&amp;amp;", "&", " \u{ad}", "\u{212b}", "\u{ad}", "&#38;"] {
        let started = std::time::Instant::now();
        fuzz::text(piece.repeat((4 << 20) / piece.len()).as_bytes()).unwrap();
        assert!(started.elapsed().as_secs() < 20, "{piece:?}: {:?}", started.elapsed());
    }
}
