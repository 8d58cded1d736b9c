//! How relations are said: labels that ship with the program.

/// `relation, lang, label`, in the order of relations.
const TABLE: &str = include_str!("../data/relations.tsv");

/// How the relations that the readers know are said, as (relation, language, label): all in English and Chinese, the usual
/// ones also in Spanish, French, German and Japanese. Between the names of two concepts a label makes a sentence.
///
/// A source's own labels ([`Record::Label`](crate::Record::Label)) are to be preferred.
pub fn relation_labels() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().skip(1).filter_map(|line| {
        let (relation, rest) = line.split_once('\t')?;
        let (lang, label) = rest.split_once('\t')?;
        Some((relation, lang, label))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relation::snake;
    use crate::{obo, umls, wikidata};
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_well_formed() {
        assert_eq!(relation_labels().count(), TABLE.lines().count() - 1, "every line has three cells");
        let mut before = ("", 0);
        for (relation, lang, label) in relation_labels() {
            assert_eq!(snake(relation), relation);
            let Some(place) = ["en", "zh", "es", "fr", "de", "ja"].iter().position(|l| *l == lang) else {
                panic!("{relation}: a language `{lang}`");
            };
            assert!(before < (relation, place), "{relation} {lang}: twice, or not in order");
            before = (relation, place);
            assert!(!label.is_empty() && label.trim() == label && !label.contains('\t'), "{relation} {lang}");
            assert!(!label.contains("  ") && !label.ends_with(['.', '。', ':', '：']), "{relation} {lang}");
            match lang {
                "zh" | "ja" => assert!(!label.contains(|c: char| c.is_ascii()), "{relation} {lang}: {label}"),
                "en" => assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b" -".contains(&b)), "{label}"),
                _ => assert!(!label.starts_with(char::is_uppercase), "{relation} {lang}: {label}"),
            }
        }
    }

    #[test]
    fn every_relation_of_a_readers_table_has_labels() {
        // MeSH and SKOS have theirs in the code, as is `is_a` of OBO.
        let own = ["has_pharmacological_action", "see_also", "broader", "is_a", "part_of", "has_role"];
        let known = own.into_iter().chain(umls::relations()).chain(obo::relations()).chain(wikidata::relations());
        let labelled: BTreeSet<_> = relation_labels().map(|(relation, lang, _)| (relation, lang)).collect();
        let missing = |lang| known.clone().filter(|r| !labelled.contains(&(*r, lang))).collect::<Vec<_>>();
        assert_eq!((missing("en"), missing("zh")), (vec![], vec![]));
    }

    #[test]
    fn labels_stand_at_the_direction_that_is_kept() {
        // Otherwise no fact of the UMLS could have them. Ontologies, Wikidata and tables have some that the UMLS would turn round.
        let of_others = [
            "capable_of",
            "characteristic_of",
            "composed_of",
            "disease_causes_dysfunction_of",
            "disease_has_basis_in_disruption_of",
            "disease_has_basis_in_dysfunction_of",
            "disease_shares_features_of",
            "excluded_sub_class_of",
            "history_of",
            "instance_of",
            "is_conjugate_base_of",
            "is_enantiomer_of",
            "is_tautomer_of",
        ];
        let relations: BTreeSet<_> = relation_labels().map(|(relation, _, _)| relation).collect();
        let turned: Vec<_> = relations.into_iter().filter(|r| !umls::keeps_direction(r)).collect();
        assert_eq!(turned, of_others);
    }
}
