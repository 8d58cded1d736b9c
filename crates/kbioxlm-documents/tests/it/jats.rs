//! Articles in JATS, in the layout of PubMed Central's Open Access subset.

use crate::common::{error, read, write};
use kbioxlm_documents::{Format, TextSource};

const ARTICLE: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.2 20190208//EN" "JATS-archivearticle1.dtd">
<article xmlns:mml="http://www.w3.org/1998/Math/MathML" xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article" xml:lang="es">
<?properties open_access?>
<front>
  <journal-meta><journal-title-group><journal-title>Revista</journal-title></journal-title-group></journal-meta>
  <article-meta>
    <article-id pub-id-type="pmid">2001</article-id>
    <article-id pub-id-type="pmc">PMC3001</article-id>
    <article-id pub-id-type="doi">10.1000/x.1</article-id>
    <article-categories><subj-group><subject>Artículo</subject></subj-group></article-categories>
    <title-group>
      <article-title>Presión <italic>arterial</italic><xref ref-type="fn" rid="fn1">*</xref></article-title>
      <trans-title-group xml:lang="en"><trans-title>Blood pressure</trans-title></trans-title-group>
    </title-group>
    <contrib-group><contrib><name><surname>Nadie</surname></name></contrib></contrib-group>
    <permissions><license><license-p>Texto de licencia.</license-p></license></permissions>
    <abstract>
      <title>Resumen</title>
      <sec><title>Antecedentes</title><p>La presión sube.</p></sec>
      <sec><title>Métodos:</title><p>La medimos.</p><p>Dos veces.</p></sec>
    </abstract>
    <abstract abstract-type="graphical"><p>Figura.</p></abstract>
    <trans-abstract xml:lang="en"><title>Abstract</title><p>It rises.</p></trans-abstract>
    <kwd-group><kwd>presión</kwd></kwd-group>
  </article-meta>
</front>
<body>
  <sec id="s1"><label>1</label><title>Introducción</title>
    <p>Es sabido [<xref ref-type="bibr" rid="B1">1</xref>,<xref ref-type="bibr" rid="B2">2</xref>]. Así
      lo dicen <xref ref-type="bibr" rid="B3">Pérez et al. (2019)</xref> y otros.<sup><xref ref-type="bibr" rid="B4">4</xref></sup> Véase la
      <xref ref-type="fig" rid="F1">Figura 1</xref>.<fig id="F1"><label>Figura 1</label><caption><p>Leyenda.</p></caption><graphic xlink:href="a"/></fig>
      Sigue.</p>
    <p>Con <inline-formula><mml:math id="M1"><mml:mfrac><mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac>
      <mml:mo>=</mml:mo> <mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math></inline-formula> y 10<sup>9</sup>
      células:<disp-formula><mml:math><mml:mi>y</mml:mi></mml:math></disp-formula> fin<inline-formula><alternatives><tex-math>\alpha</tex-math><mml:math><mml:mi>α</mml:mi></mml:math></alternatives></inline-formula>.</p>
    <table-wrap><label>Tabla 1</label><caption><p>Tabla.</p></caption><table><tr><td>1</td></tr></table></table-wrap>
    <sec><title>Pasos</title>
      <list list-type="order"><list-item><label>1.</label><p>Uno.</p></list-item><list-item><p>Dos.</p></list-item></list>
    </sec>
  </sec>
</body>
<back><ack><p>Gracias.</p></ack><ref-list><ref><mixed-citation>Pérez.</mixed-citation></ref></ref-list></back>
<sub-article article-type="reviewer-report" id="r1"><body><p>Review.</p></body></sub-article>
<sub-article article-type="translation" id="S1" xml:lang="en">
  <front-stub><article-id pub-id-type="doi">10.1000/x.1.en</article-id>
    <title-group><article-title>Blood pressure (translated)</article-title></title-group>
    <abstract><p>It rises again.</p></abstract></front-stub>
  <body><p>It is known.</p></body>
</sub-article>
</article>
"##;

#[test]
fn an_article_and_its_translations() {
    let dir = tempfile::tempdir().unwrap();
    let documents = read(&write(dir.path(), "PMC3001.nxml", ARTICLE));
    let spanish = [
        "Presión arterial",
        "Antecedentes: La presión sube.",
        "Métodos: La medimos.",
        "Dos veces.",
        "Introducción",
        "Es sabido. Así lo dicen Pérez et al. (2019) y otros. Véase la Figura 1. Sigue.",
        "Con a/b=x^2 y 10^9 células: finα.",
        "Pasos",
        "Uno.",
        "Dos.",
    ];
    let english = ["Blood pressure (translated)", "It rises again.", "It is known."];
    let found: Vec<_> = documents.iter().map(|d| (d.lang.as_str(), d.text.split("\n\n").collect::<Vec<_>>())).collect();
    assert_eq!(found, [("es", spanish.to_vec()), ("en", english.to_vec())]);
    for document in &documents {
        assert_eq!((document.id.as_str(), document.subject.as_deref()), ("PMC3001", Some("2001")));
        assert_eq!(document.paragraphs.len(), document.text.split("\n\n").count());
    }
}

#[test]
fn translated_titles_and_abstracts_are_documents() {
    let dir = tempfile::tempdir().unwrap();
    let without = ARTICLE
        .replace("article-type=\"translation\"", "article-type=\"reply\"")
        .replace("PMC3001", "3001")
        .replace("pmid", "x");
    let documents = read(&write(dir.path(), "a.xml", &without));
    assert_eq!(documents[1].text, "Blood pressure\n\nIt rises.");
    assert_eq!((documents[1].lang.as_str(), documents[1].id.as_str()), ("en", "PMC3001"));
    assert_eq!(documents[1].subject.as_deref(), Some("PMC3001"));
}

#[test]
fn sets_and_articles_without_ids() {
    let dir = tempfile::tempdir().unwrap();
    let article = |text: &str| format!("<article><front><article-meta/></front><body><p>{text}</p></body></article>");
    let set = format!("<pmc-articleset>{}{}</pmc-articleset>", article("One"), article("Two"));
    let source = TextSource { lang: Some("en".into()), ..write(dir.path(), "set/a.xml", &set) };
    let documents = read(&source);
    let found: Vec<_> = documents.iter().map(|d| (d.id.as_str(), d.text.as_str())).collect();
    assert_eq!(found, [("a", "One"), ("a#2", "Two")]);
    // A directory of both kinds of XML, and of one kind when it is asked for.
    write(dir.path(), "set/b.xml", "<PubmedArticleSet/>");
    let both = TextSource { path: dir.path().join("set"), ..source };
    assert_eq!(read(&both).len(), 2);
    assert!(
        error(&TextSource { format: Some(Format::Jats), ..both })
            .contains("b.xml:1: found the element `PubmedArticleSet`")
    );
}

#[test]
fn bad_files_are_errors_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let of = |content: &str| error(&write(dir.path(), "a.nxml", content));
    assert!(of(&ARTICLE[..ARTICLE.find("<back>").unwrap()]).contains("a.nxml:43: found the end of the file"));
    assert!(of("").contains("a.nxml:1: found no element"), "{}", of(""));
    let entity = of(&ARTICLE.replace("Dos veces", "Dos &nbsp; veces"));
    assert!(entity.contains("a.nxml:21: found the entity `&nbsp;`"), "{entity}");
    let html = error(&write(dir.path(), "b.xml", "<!DOCTYPE html><html/>"));
    assert!(
        html.contains("b.xml: found the element `html`, expected a PubmedArticleSet (PubMed) or an article"),
        "{html}"
    );
}

#[test]
fn packages_are_read_member_by_member() {
    let dir = tempfile::tempdir().unwrap();
    let article = |id: usize| {
        let meta = format!("<article-meta><article-id pub-id-type=\"pmcid\">PMC{id}</article-id></article-meta>");
        format!("<article xml:lang=\"en\"><front>{meta}</front><body><p>Text {id}.</p></body></article>")
    };
    let long = format!("{}/PMC3.xml", "directory/".repeat(30));
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in [
        ("PMC000xxxxxx/PMC1.xml", article(1)),
        ("PMC000xxxxxx/list.csv", "a".repeat(1000)),
        ("PMC000xxxxxx/PMC2.nxml", article(2)),
        ("PMC000xxxxxx/._PMC2.nxml", "no XML".to_owned()),
        (&long, article(3)),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        let mut header = if name.len() > 100 { tar::Header::new_gnu() } else { header };
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.append_pax_extensions([("path", b"PMC4.nxml".as_slice())]).unwrap();
    let (mut header, content) = (tar::Header::new_ustar(), article(4));
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, "short", content.as_bytes()).unwrap();
    let bytes = builder.into_inner().unwrap();
    let documents = read(&write(dir.path(), "oa_comm_xml.PMC000xxxxxx.tar", &bytes));
    let found: Vec<_> = documents.iter().map(|d| (d.id.as_str(), d.text.as_str())).collect();
    assert_eq!(found, [("PMC1", "Text 1."), ("PMC2", "Text 2."), ("PMC3", "Text 3."), ("PMC4", "Text 4.")]);

    let of = |bytes: &[u8]| error(&write(dir.path(), "a.tar", bytes));
    assert!(of(&bytes[..600]).contains("a.tar: found an archive that is cut off"), "{}", of(&bytes[..600]));
    let mut damaged = bytes.clone();
    damaged[1024] ^= 1;
    assert!(of(&damaged).contains("a.tar: found an archive that is cut off or damaged"), "{}", of(&damaged));
    let mut bad = bytes;
    bad[520] = b'<';
    assert!(of(&bad).contains("a.tar/PMC000xxxxxx/PMC1.xml:1: found"), "{}", of(&bad));
    let (mut header, content) = (tar::Header::new_ustar(), &bad[..0]);
    header.set_size(1 << 40);
    header.set_path("a.xml").unwrap();
    header.set_cksum();
    assert!(of(&[header.as_bytes().as_slice(), content].concat()).contains("more than 64 MiB"));
}
