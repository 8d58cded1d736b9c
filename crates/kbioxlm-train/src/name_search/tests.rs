use super::*;
use kbioxlm_knowledge::Description;
use std::fmt::Write;
use tempfile::TempDir;

/// Forty concepts with a name in each of two languages, five with an English one only; `X` has the English name of `C7`.
fn knowledge() -> (TempDir, KnowledgeBase) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut lexicon = "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags\n".to_owned();
    for i in 0..40 {
        write!(lexicon, "C{i}\ten\tdisease number {i}\t1\tdisease\t\nC{i}\tde\tKrankheit Nummer {i}\t1\tdisease\t\n")
            .unwrap();
        writeln!(lexicon, "C{i}\tde\tLeiden Nummer {i}\t0\tdisease\t").unwrap();
    }
    for i in 40..45 {
        writeln!(lexicon, "C{i}\ten\tdisease number {i}\t1\tdisease\t").unwrap();
    }
    write!(lexicon, "X\ten\tdisease number 7\t1\tdisease\t\nX\tde\tSiebte Krankheit\t1\tdisease\t\n").unwrap();
    std::fs::write(path("lexicon.tsv"), lexicon).unwrap();
    std::fs::write(path("facts.tsv"), "head_concept_id\trelation\ttail_concept_id\n").unwrap();
    let description = Description::of_tables(vec![path("lexicon.tsv")], vec![path("facts.tsv")], None, vec![]);
    kbioxlm_knowledge::build(&description, &path("kb")).unwrap();
    let kb = KnowledgeBase::open(&path("kb")).unwrap();
    (dir, kb)
}

fn languages() -> BTreeSet<String> {
    ["de", "en"].map(str::to_owned).into()
}

#[test]
fn held_out_is_what_the_corpora_do_not_tie_together_by_itself_or_by_a_name() {
    let (_dir, kb) = knowledge();
    let languages = languages();
    let tied: HashSet<ConceptIndex> = (0..20).filter_map(|i| kb.find_concept(&format!("C{i}"))).collect();
    assert_eq!(tied.len(), 20);
    let groups = Groups::new(&kb, &languages, tied.clone(), 1);
    let held_out = |id: &str| groups.is_held_out(kb.find_concept(id).unwrap());
    assert!(held_out("C20") && held_out("C44"));
    assert!(!held_out("C3"));
    assert!(!held_out("X"), "its name is that of C7");
    let asked = groups.asked("en", "de", 8);
    assert_eq!(asked, groups.asked("de", "en", 8));
    let (known, new): (Vec<ConceptIndex>, Vec<ConceptIndex>) = asked.iter().partition(|c| tied.contains(c));
    assert_eq!((known.len(), new.len()), (8, 8));
    assert!(new.iter().all(|c| kb.preferred(*c, "de").is_some()), "concepts without a name to find are not looked up");
    assert_eq!(asked, Groups::new(&kb, &languages, tied.clone(), 1).asked("en", "de", 8));
    assert_ne!(asked, Groups::new(&kb, &languages, tied, 2).asked("en", "de", 8));
}

#[test]
fn candidates_are_all_names_of_the_concepts_looked_up_and_some_of_others() {
    let (_dir, kb) = knowledge();
    let languages = languages();
    let groups = Groups::new(&kb, &languages, HashSet::new(), 1);
    let asked = groups.asked("en", "de", 10);
    let names = |most: usize| {
        let offered = groups.offered(&asked, "de", most);
        Names::new(&kb, "en", "de", |c| asked.contains(&c), |c| offered.contains(&c)).counts()
    };
    let (queries, least) = names(0);
    assert_eq!(queries, 10);
    assert!((19..=20).contains(&least), "two names each: {least}");
    assert!((39..=40).contains(&names(40).1));
    assert_eq!(names(10_000), (10, 81));
}
