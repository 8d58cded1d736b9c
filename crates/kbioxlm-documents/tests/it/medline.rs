//! PubMed's XML, in the layout of its baseline and update files.

use crate::common::{error, read, write};

const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
<PubmedArticleSet>
"#;

const ARTICLES: &str = r#"<PubmedArticle>
  <MedlineCitation Status="MEDLINE" Owner="NLM" IndexingMethod="Automated">
    <PMID Version="1">101</PMID>
    <DateRevised><Year>2024</Year><Month>05</Month><Day>06</Day></DateRevised>
    <Article PubModel="Print">
      <Journal><ISSN IssnType="Print">0000-0000</ISSN><Title>Journal of Nothing</Title></Journal>
      <ArticleTitle>Levels of CO<sub>2</sub> &amp; Ca<sup>2+</sup> in <i>E. coli</i>.</ArticleTitle>
      <Abstract>
        <AbstractText Label="BACKGROUND &amp; AIMS" NlmCategory="BACKGROUND">Cells grew to 10<sup>9</sup>/L
          (P &lt; 0.05).</AbstractText>
        <AbstractText Label="UNLABELLED">Where <mml:math xmlns:mml="m"><mml:mi>x</mml:mi></mml:math> is &#x3b1;<b>-<i>mild</i></b>.</AbstractText>
        <CopyrightInformation>Copyright nobody.</CopyrightInformation>
      </Abstract>
      <AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Nobody</LastName></Author></AuthorList>
      <Language>eng</Language>
    </Article>
    <OtherAbstract Type="Publisher" Language="fre">
      <AbstractText Label="CONTEXTE">Les cellules.</AbstractText>
      <AbstractText>Elles croissent.</AbstractText>
      <CopyrightInformation>Droits.</CopyrightInformation>
    </OtherAbstract>
    <OtherAbstract Type="plain-language-summary" Language="eng"><AbstractText>Cells grow.</AbstractText></OtherAbstract>
    <CommentsCorrectionsList><CommentsCorrections RefType="Cites"><PMID Version="1">999</PMID></CommentsCorrections></CommentsCorrectionsList>
  </MedlineCitation>
  <PubmedData><ReferenceList><Reference><Citation>Someone.</Citation></Reference></ReferenceList></PubmedData>
</PubmedArticle>
<PubmedArticle>
  <MedlineCitation Status="MEDLINE" Owner="NLM">
    <PMID Version="2">102</PMID>
    <Article PubModel="Print">
      <ArticleTitle>[A study of high blood pressure].</ArticleTitle>
      <Language>chi</Language>
      <VernacularTitle>高血压的研究。</VernacularTitle>
    </Article>
  </MedlineCitation>
</PubmedArticle>
<PubmedArticle>
  <MedlineCitation Status="MEDLINE" Owner="NLM">
    <PMID Version="1">103</PMID>
    <Article PubModel="Print">
      <ArticleTitle>[Not Available].</ArticleTitle>
      <Language>eng</Language><Language>ger</Language>
      <VernacularTitle>Über den Blutdruck.</VernacularTitle>
    </Article>
    <OtherAbstract Type="Publisher" Language="ger"><AbstractText>Er steigt.</AbstractText></OtherAbstract>
  </MedlineCitation>
</PubmedArticle>
<PubmedBookArticle>
  <BookDocument>
    <PMID Version="1">104</PMID>
    <Book><Publisher><PublisherName>P</PublisherName></Publisher><BookTitle book="b">A Book</BookTitle></Book>
    <ArticleTitle book="b" part="c">A Chapter</ArticleTitle>
    <Language>eng</Language>
    <Abstract><AbstractText>It says something.</AbstractText></Abstract>
  </BookDocument>
  <PubmedBookData/>
</PubmedBookArticle>
<DeleteCitation><PMID Version="1">105</PMID><PMID Version="1">106</PMID></DeleteCitation>
</PubmedArticleSet>
"#;

#[test]
fn citations_are_documents_of_their_languages() {
    let dir = tempfile::tempdir().unwrap();
    let source = write(dir.path(), "pubmed25n0001.xml", format!("{HEAD}{ARTICLES}"));
    let documents = read(&source);
    let found: Vec<_> = documents.iter().map(|d| (d.id.as_str(), d.lang.as_str(), d.text.as_str())).collect();
    let english = "Levels of CO2 & Ca2+ in E. coli.\n\nBACKGROUND & AIMS: Cells grew to 10^9/L (P < 0.05).\n\nWhere is α-mild.\n\nCells grow.";
    assert_eq!(
        found,
        [
            ("101", "en", english),
            ("101", "fr", "CONTEXTE: Les cellules.\n\nElles croissent."),
            ("102.2", "en", "A study of high blood pressure"),
            ("102.2", "zh", "高血压的研究。"),
            ("103", "en", ""),
            ("103", "de", "Über den Blutdruck.\n\nEr steigt."),
            ("104", "en", "A Chapter\n\nIt says something."),
        ]
    );
    let subjects: Vec<_> = documents.iter().map(|d| d.subject.as_deref().unwrap()).collect();
    assert_eq!(subjects, ["101", "101", "102", "102", "103", "103", "104"]);
    let first = &documents[0];
    assert_eq!(
        first.paragraphs.iter().map(|p| &first.text[p.clone()]).collect::<Vec<_>>(),
        english.split("\n\n").collect::<Vec<_>>()
    );
}

#[test]
fn bad_files_are_errors_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let good = format!("{HEAD}{ARTICLES}");
    let of = |content: &str| error(&write(dir.path(), "a.xml", content));
    let cut = of(&good[..good.find("</Abstract>").unwrap()]);
    assert!(cut.contains("a.xml:16: found the end of the file"), "{cut}");
    let nameless = of(&good.replace("<PMID Version=\"1\">101</PMID>", ""));
    assert!(nameless.contains("a.xml:5: found a citation without a PMID"), "{nameless}");
    let other = of("<html><body/></html>");
    assert!(other.contains("found the element `html`, expected a PubmedArticleSet"), "{other}");
    let bomb = of(&good
        .replacen("<!DOCTYPE PubmedArticleSet", "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><!--", 1)
        .replacen(".dtd\">", "-->", 1)
        .replace("&amp; Ca", "&b; Ca"));
    assert!(bomb.contains("found the entity `&b;`"), "{bomb}");
    let crossed = of(&good.replacen("</Abstract>", "</Abstrac>", 1));
    assert!(crossed.contains("expected well-formed XML"), "{crossed}");
    let deep = of(&good.replacen("Levels", &"<i>".repeat(1000), 1));
    assert!(deep.contains("nested more than"), "{deep}");
}
