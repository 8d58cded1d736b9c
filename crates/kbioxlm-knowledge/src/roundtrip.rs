//! What is read from a mapped file against the content that was written, looked through naively.

use crate::base;
use crate::content::{ConceptRow, Content, Relation, TermRow, Text};
use crate::store::Store;
use crate::{ConceptIndex, Fact, KnowledgeBase, RelationIndex, TermIndex};
use proptest::prelude::*;
use std::path::Path;

/// A term: concept, text, language, flags, usage.
type RandomTerm = (u32, String, u16, u16, u32);

fn content(members: &[u8], terms: Vec<RandomTerm>, facts: Vec<(u32, u32, u32)>) -> Content {
    let concepts = members.len() as u32;
    let relation = |id: &str, label: &str| Relation {
        id: id.to_owned(),
        labels: [("en".to_owned(), label.to_owned())].into_iter().filter(|(_, l)| !l.is_empty()).collect(),
    };
    let mut content = Content {
        languages: ["en", "fr", "zh-Hant"].map(str::to_owned).to_vec(),
        flag_sets: [vec![], vec!["odd"], vec!["odd", "pinyin"]]
            .map(|set| set.into_iter().map(str::to_owned).collect())
            .to_vec(),
        semantic_types: ["T", "类型", ""].map(str::to_owned).to_vec(),
        type_sets: vec![vec![], vec![1], vec![2, 0, 1]],
        relations: vec![relation("r", "is"), relation("s", "")],
        ..Content::default()
    };
    for (number, &count) in members.iter().enumerate() {
        content.concepts.push(ConceptRow { first_member: content.members.len() as u32, types: u32::from(count) % 3 });
        for member in 0..=count {
            // Not in the order of their numbers.
            content.members.push(&format!("V{}:{}é{number}", member % 2, 9 - member)).unwrap();
        }
    }
    for (concept, text, lang, flags, usage) in terms {
        let text = content.texts.push(&text).unwrap();
        content.terms.push(TermRow { concept: concept % concepts, text, lang, flags, usage });
    }
    content.terms.sort_by_key(|row| (row.concept, row.lang));
    let fact = |(head, tail, relation)| Fact {
        head: ConceptIndex(head % concepts),
        tail: ConceptIndex(tail % concepts),
        relation: RelationIndex(relation),
    };
    content.facts = facts.into_iter().map(fact).filter(|f| f.head != f.tail).collect();
    content.facts.sort();
    content.facts.dedup();
    content
}

fn mapped(content: &Content, path: &Path) -> KnowledgeBase {
    base::write(content, std::fs::File::create(path).unwrap()).unwrap();
    KnowledgeBase::of(Store::open(path).unwrap(), path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_mapped_file_says_what_was_written(
        members in prop::collection::vec(0_u8..4, 1..6),
        terms in prop::collection::vec((0..6_u32, "[a-cA-C 高ß\u{301}🧬-]{0,5}", 0..3_u16, 0..3_u16, 0..16_u32), 0..12),
        facts in prop::collection::vec((0..6_u32, 0..6_u32, 0..2_u32), 0..20),
    ) {
        let content = content(&members, terms, facts);
        let dir = tempfile::tempdir().unwrap();
        let kb = mapped(&content, &dir.path().join("knowledge.bin"));
        prop_assert_eq!(kb.concepts().len(), members.len());
        let mut first = 0;
        for (number, &count) in members.iter().enumerate() {
            let concept = ConceptIndex(number as u32);
            let ids: Vec<&str> = (first..=first + u32::from(count)).map(|m| content.members.get(Text(m))).collect();
            first += u32::from(count) + 1;
            prop_assert_eq!(kb.members(concept).collect::<Vec<_>>(), &ids[..]);
            prop_assert_eq!(kb.concept(concept).id, ids[0]);
            for id in ids {
                prop_assert_eq!(kb.find_concept(id), Some(concept));
                prop_assert_eq!(kb.find_concept(&format!("{id}0")), None);
            }
            let set = &content.type_sets[content.concepts[number].types as usize];
            let types: Vec<&str> = set.iter().map(|&t| content.semantic_types[t as usize].as_str()).collect();
            prop_assert_eq!(kb.semantic_types(concept).collect::<Vec<_>>(), &types[..]);
            prop_assert_eq!(kb.concept(concept).semantic_type, types.first().copied().unwrap_or_default());
            let rows = || content.terms.iter().zip(0..).filter(|(row, _)| row.concept == concept.0);
            prop_assert_eq!(kb.terms_of(concept).collect::<Vec<_>>(), rows().map(|(_, t)| TermIndex(t)).collect::<Vec<_>>());
            for (lang, tag) in content.languages.iter().enumerate().map(|(l, tag)| (l as u16, tag.as_str())) {
                let written = rows().filter(|(row, _)| row.lang == lang && row.usage & TermRow::TRANSLATION != 0);
                let written: Vec<_> = written.map(|(_, t)| TermIndex(t)).collect();
                prop_assert_eq!(kb.preferred(concept, tag), written.first().copied());
                prop_assert_eq!(kb.translations(concept, tag).collect::<Vec<_>>(), written);
            }
            prop_assert_eq!(kb.translations(concept, "fi").count(), 0);
            let own: Vec<Fact> = content.facts.iter().copied().filter(|f| f.head == concept).collect();
            prop_assert_eq!(kb.facts_of(concept), &own[..]);
            for other in (0..members.len() as u32).map(ConceptIndex) {
                let between: Vec<Fact> = content.facts.iter().copied().filter(|f| (f.head, f.tail) == (concept, other)).collect();
                prop_assert_eq!(kb.facts_between(concept, other), &between[..]);
            }
        }
        prop_assert_eq!(kb.facts(), &content.facts[..]);
        for (row, term) in content.terms.iter().zip(kb.terms()) {
            let has = |bit: u32| row.usage & bit != 0;
            let usage = [term.preferred, term.case_sensitive, term.translation, term.matched];
            let bits = [TermRow::PREFERRED, TermRow::CASE_SENSITIVE, TermRow::TRANSLATION, TermRow::MATCHED];
            prop_assert_eq!(usage, bits.map(has));
            prop_assert_eq!((term.concept.0, term.text), (row.concept, content.texts.get(row.text)));
            prop_assert_eq!(term.lang, &content.languages[usize::from(row.lang)]);
            prop_assert_eq!(term.flags, &content.flag_sets[usize::from(row.flags)][..]);
        }
        prop_assert_eq!(kb.languages(), content.languages.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!((kb.relation_id(RelationIndex(1)), kb.relation_label(RelationIndex(0), "en")), ("s", Some("is")));
        prop_assert_eq!(kb.relation_label(RelationIndex(1), "en"), None);
    }
}
