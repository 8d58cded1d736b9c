//! Facts: `MRREL.RRF`, each relation in one direction.
//!
//! A row reads from right to left: its second concept stands in the relation RELA to the first, and REL says what the second
//! is to the first (PAR: its parent). Every statement is there in both directions; here one of them is turned round, so that
//! a fact and its inverse become the same.

use super::Umls;
use super::rows::{Kept, Rows, cui, suppressed};
use crate::{Reason, Record, Result, Sink};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;

pub(super) fn read<R: BufRead>(options: &Umls, mut rows: Rows<R>, kept: &Kept, sink: &mut dyn Sink) -> Result<()> {
    let asked: BTreeSet<String> = options.relations.iter().map(|r| fold(r).0).collect();
    let path = rows.path().to_owned();
    let mut folded = Folded::default();
    let (mut head, mut tail) = (String::new(), String::new());
    while let Some((line, cells)) = rows.next::<16>()? {
        let [
            first,
            _aui1,
            _stype1,
            rel,
            second,
            _aui2,
            _stype2,
            rela,
            _rui,
            _srui,
            sab,
            _sl,
            _rg,
            _dir,
            suppress,
            _cvf,
        ] = cells;
        let name = if rela.is_empty() { rel } else { rela };
        let out = suppressed(suppress).filter(|reason| match reason {
            Reason::Obsolete => !options.obsolete,
            _ => !options.suppressible,
        });
        if let Some(reason) = out {
            sink.dropped(line, reason, name);
            continue;
        }
        if !options.keeps_vocabulary(sab) {
            sink.dropped(line, Reason::Vocabulary, name);
            continue;
        }
        let Some((relation, direction)) = folded.of(rel, rela) else {
            sink.dropped(line, Reason::Relation, name);
            continue;
        };
        let wanted = if asked.is_empty() { !is_bookkeeping(relation) } else { asked.contains(relation) };
        if !wanted || first == second {
            sink.dropped(line, Reason::Relation, name);
            continue;
        }
        if second.is_empty() {
            sink.dropped(line, Reason::Empty, name);
            continue;
        }
        let (first, second) = (cui(&path, line, first)?, cui(&path, line, second)?);
        if !kept.contains(first) || !kept.contains(second) {
            sink.dropped(line, Reason::Subset, name);
            continue;
        }
        let (from, to) = match direction {
            Direction::AsSaid => (second, first),
            Direction::Reversed => (first, second),
            Direction::Symmetric => (first.min(second), first.max(second)),
        };
        for (id, cui) in [(&mut head, from), (&mut tail, to)] {
            id.clear();
            id.push_str("UMLS:");
            id.push_str(cui);
        }
        sink.record(line, Record::Fact { head: &head, relation, tail: &tail })?;
    }
    Ok(())
}

/// Most relations remembered; releases have about a thousand.
const MAX_MEMORY: usize = 1 << 14;

/// Remembers what was folded: tens of millions of rows have a thousand relations.
#[derive(Default)]
struct Folded(HashMap<String, (String, Direction)>);

impl Folded {
    fn of(&mut self, rel: &str, rela: &str) -> Option<(&str, Direction)> {
        if rela.is_empty() {
            // Without RELA only the hierarchy says something.
            return match rel {
                "CHD" => Some(("is_a", Direction::AsSaid)),
                "PAR" => Some(("is_a", Direction::Reversed)),
                _ => None,
            };
        }
        if !self.0.contains_key(rela) {
            if self.0.len() == MAX_MEMORY {
                self.0.clear();
            }
            self.0.insert(rela.to_owned(), fold(rela));
        }
        let (relation, direction) = self.0.get(rela)?;
        (!relation.is_empty()).then_some((relation.as_str(), *direction))
    }
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Direction {
    AsSaid,
    Reversed,
    /// Says the same in either direction: the ids are put in order.
    Symmetric,
}

/// A relation's id in the direction that is kept.
fn fold(rela: &str) -> (String, Direction) {
    let snake: String =
        rela.trim().chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if matches!(snake.as_str(), "isa" | "is_a") {
        return ("is_a".to_owned(), Direction::AsSaid);
    }
    if SYMMETRIC.contains(&snake.as_str()) {
        return (snake, Direction::Symmetric);
    }
    if let Some((_, forward)) = INVERSES.iter().find(|(inverse, _)| *inverse == snake) {
        return ((*forward).to_owned(), Direction::Reversed);
    }
    if INVERSES.iter().any(|(_, forward)| *forward == snake) {
        return (snake, Direction::AsSaid);
    }
    match by_form(&snake) {
        Some(forward) => (forward.into_owned(), Direction::Reversed),
        None => (snake, Direction::AsSaid),
    }
}

/// Nouns that are more usual as `part_of` than as `has_part`.
const OF: [&str; 5] = ["part", "member", "branch", "tributary", "subset"];

/// The inverse of a relation that is not in the table, where its name tells: `inverse_x` is `x` turned round, `x_of` is `has_x`,
/// `is_x_of_y` is `y_has_x`.
fn by_form(name: &str) -> Option<Cow<'_, str>> {
    let has_of = |noun: &str| OF.iter().any(|of| noun == *of || noun.ends_with(&format!("_{of}")));
    if let Some(forward) = name.strip_prefix("inverse_") {
        return Some(Cow::Borrowed(forward));
    }
    if let Some(noun) = name.strip_prefix("has_") {
        return has_of(noun).then(|| Cow::Owned(format!("{noun}_of")));
    }
    if let Some(noun) = name.strip_suffix("_of") {
        let noun = noun.strip_prefix("is_").unwrap_or(noun);
        // `gene_is_biomarker_of` has a verb already.
        return (!has_of(noun) && !noun.contains("_is_")).then(|| Cow::Owned(format!("has_{noun}")));
    }
    for (prefix, verb) in [("is_not_", "excludes"), ("may_be_", "may_have"), ("is_", "has")] {
        if let Some((noun, whole)) = name.strip_prefix(prefix).and_then(|rest| rest.split_once("_of_")) {
            return Some(Cow::Owned(format!("{whole}_{verb}_{noun}")));
        }
    }
    None
}

/// Relations that are their own inverse.
const SYMMETRIC: [&str; 14] = [
    "adjacent_to",
    "articulates_with",
    "associated_with",
    "clinically_associated_with",
    "clinically_similar",
    "co_occurs_with",
    "connected_to",
    "continuous_with",
    "homonym_for",
    "interacts_with",
    "possibly_equivalent_to",
    "related_to",
    "same_as",
    "sib_in_part_of",
];

/// Relations that come in pairs whose names do not tell each other: the inverse, and the one that is kept.
const INVERSES: [(&str, &str); 94] = [
    ("inverse_isa", "is_a"),
    ("may_be_treated_by", "may_treat"),
    ("treated_by", "treats"),
    ("may_be_prevented_by", "may_prevent"),
    ("may_be_diagnosed_by", "may_diagnose"),
    ("diagnosed_by", "diagnoses"),
    ("has_contraindicated_drug", "contraindicated_with_disease"),
    ("induced_by", "induces"),
    ("cause_of", "due_to"),
    ("contains", "contained_in"),
    ("includes", "included_in"),
    ("constitutes", "consists_of"),
    ("reformulation_of", "reformulated_to"),
    ("precedes", "preceded_by"),
    ("occurs_before", "occurs_after"),
    ("temporally_followed_by", "temporally_follows"),
    ("has_occurrence", "occurs_in"),
    ("is_interpreted_by", "interprets"),
    ("measured_by", "measures"),
    ("analyzed_by", "analyzes"),
    ("evaluated_by", "evaluates"),
    ("used_by", "uses"),
    ("device_used_by", "uses_device"),
    ("substance_used_by", "uses_substance"),
    ("access_device_used_by", "uses_access_device"),
    ("energy_used_by", "uses_energy"),
    ("role_played_by", "plays_role"),
    ("answer_to", "has_answer"),
    ("regulated_by", "regulates"),
    ("positively_regulated_by", "positively_regulates"),
    ("negatively_regulated_by", "negatively_regulates"),
    ("develops_into", "develops_from"),
    ("transformed_into", "derived_from"),
    ("surrounded_by", "surrounds"),
    ("bounded_by", "bounds"),
    ("formed_by", "forms"),
    ("receives_drainage_from", "drains_into"),
    ("receives_attachment_from", "attaches_to"),
    ("receives_input_from", "sends_output_to"),
    ("receives_projection_from", "projects_to"),
    ("matures_into", "matures_from"),
    ("classified_as", "classifies"),
    ("mapped_from", "mapped_to"),
    ("moved_from", "moved_to"),
    ("replaces", "replaced_by"),
    ("used_for", "use"),
    ("see_from", "see"),
    ("subset_includes_concept", "concept_in_subset"),
    ("inverse_was_a", "was_a"),
    ("inverse_may_be_a", "may_be_a"),
    ("refers_to", "referred_to_by"),
    ("process_involves_gene", "gene_plays_role_in_process"),
    ("biological_process_involves_gene_product", "gene_product_plays_role_in_biological_process"),
    ("gene_product_encoded_by_gene", "gene_encodes_gene_product"),
    ("disease_has_associated_gene", "gene_associated_with_disease"),
    ("gene_mapped_to_disease", "disease_mapped_to_gene"),
    ("gene_product_affected_by_chemical_or_drug", "chemical_or_drug_affects_gene_product"),
    ("mechanism_of_action_of_chemical_or_drug", "chemical_or_drug_has_mechanism_of_action"),
    ("physiologic_effect_of_chemical_or_drug", "chemical_or_drug_has_physiologic_effect"),
    ("has_physical_part_of_anatomic_structure", "anatomic_structure_is_physical_part_of"),
    ("is_associated_anatomic_site_of", "disease_has_associated_anatomic_site"),
    ("associated_with_malfunction_of_gene_product", "gene_product_malfunction_associated_with_disease"),
    ("disease_has_accepted_treatment_with_regimen", "regimen_has_accepted_use_for_disease"),
    ("effect_may_be_inhibited_by", "may_inhibit_effect_of"),
    ("affected_by", "affects"),
    ("exhibited_by", "exhibits"),
    ("is_target", "has_target"),
    ("metabolic_site_of", "site_of_metabolism"),
    ("is_stage_of_disease", "disease_is_stage"),
    ("is_grade_of_disease", "disease_is_grade"),
    ("chromosome_mapped_to_disease", "disease_mapped_to_chromosome"),
    ("target_anatomy_has_procedure", "procedure_has_target_anatomy"),
    ("imaged_anatomy_has_procedure", "procedure_has_imaged_anatomy"),
    ("excised_anatomy_has_procedure", "procedure_has_excised_anatomy"),
    ("completely_excised_anatomy_has_procedure", "procedure_has_completely_excised_anatomy"),
    ("partially_excised_anatomy_has_procedure", "procedure_has_partially_excised_anatomy"),
    ("organism_has_gene", "gene_found_in_organism"),
    ("pathway_has_gene_element", "gene_is_element_in_pathway"),
    ("pathogenesis_of_disease_involves_gene", "gene_involved_in_pathogenesis_of_disease"),
    ("molecular_abnormality_involves_gene", "gene_involved_in_molecular_abnormality"),
    ("tissue_is_expression_site_of_gene_product", "gene_product_expressed_in_tissue"),
    ("abnormal_cell_affected_by_chemical_or_drug", "chemical_or_drug_affects_abnormal_cell"),
    ("cell_type_or_tissue_affected_by_chemical_or_drug", "chemical_or_drug_affects_cell_type_or_tissue"),
    ("biological_process_has_initiator_chemical_or_drug", "chemical_or_drug_initiates_biological_process"),
    ("biological_process_has_result_chemical_or_drug", "chemical_or_drug_is_product_of_biological_process"),
    ("chemical_or_drug_is_metabolized_by_enzyme", "enzyme_metabolizes_chemical_or_drug"),
    ("biological_process_results_from_biological_process", "biological_process_has_result_biological_process"),
    ("process_initiates_biological_process", "biological_process_has_initiator_process"),
    ("process_includes_biological_process", "biological_process_is_part_of_process"),
    ("process_altered_by_allele", "allele_plays_altered_role_in_process"),
    ("chromosome_involved_in_cytogenetic_abnormality", "cytogenetic_abnormality_involves_chromosome"),
    ("genetic_biomarker_related_to", "related_to_genetic_biomarker"),
    ("is_component_of_chemotherapy_regimen", "chemotherapy_regimen_has_component"),
    ("has_supported_concept_relationship", "supported_concept_relationship_in"),
];

/// Relations between ways of writing, and those that tell how vocabularies are made.
const BOOKKEEPING: [&str; 50] = [
    "classifies",
    "concept_in_subset",
    "has_alias",
    "has_alternative",
    "has_answer",
    "has_class",
    "has_common_name",
    "has_entry_version",
    "has_expanded_form",
    "has_full_form",
    "has_inactive_form",
    "has_multipart",
    "has_owning_affiliate",
    "has_owning_section",
    "has_owning_subsection",
    "has_parent",
    "has_permuted_term",
    "has_plain_text_form",
    "has_print_name",
    "has_quantified_form",
    "has_scale",
    "has_scale_type",
    "has_short_form",
    "has_single_code",
    "has_sort_version",
    "has_supersystem",
    "has_system",
    "has_time_aspect",
    "has_time_modifier",
    "has_translation",
    "has_transliterated_form",
    "has_uncoded_form",
    "has_version",
    "has_xml_form",
    "homonym_for",
    "mapped_to",
    "may_be_a",
    "moved_to",
    "possibly_equivalent_to",
    "primary_mapped_to",
    "referred_to_by",
    "related_to",
    "replaced_by",
    "same_as",
    "see",
    "sib_in_part_of",
    "subset_of",
    "supported_concept_relationship_in",
    "use",
    "was_a",
];

fn is_bookkeeping(relation: &str) -> bool {
    BOOKKEEPING.contains(&relation)
        // Made by the Metathesaurus itself (`mth_has_plain_text_form`), and the structure of LOINC's fragments.
        || relation.contains("mth_")
        || relation.contains("fragment")
        || relation.contains("_mapped_")
            && !relation.starts_with("disease_")
}

/// The relations of these tables.
#[cfg(test)]
pub(crate) fn known() -> impl Iterator<Item = &'static str> + Clone {
    INVERSES.iter().map(|(_, forward)| *forward).chain(SYMMETRIC).chain(BOOKKEEPING)
}

/// Whether facts have this relation, and not its inverse.
#[cfg(test)]
pub(crate) fn keeps_direction(relation: &str) -> bool {
    let (folded, direction) = fold(relation);
    folded == relation && direction != Direction::Reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_one_relation_in_opposite_directions() {
        let pairs = [
            ("isa", "inverse_isa", "is_a"),
            ("may_treat", "may_be_treated_by", "may_treat"),
            ("part_of", "has_part", "part_of"),
            ("has_causative_agent", "causative_agent_of", "has_causative_agent"),
            ("has_finding_site", "finding_site_of", "has_finding_site"),
            ("has_ingredient", "ingredient_of", "has_ingredient"),
            ("constitutional_part_of", "has_constitutional_part", "constitutional_part_of"),
            ("disease_has_finding", "is_finding_of_disease", "disease_has_finding"),
            ("disease_may_have_finding", "may_be_finding_of_disease", "disease_may_have_finding"),
            ("disease_excludes_finding", "is_not_finding_of_disease", "disease_excludes_finding"),
            ("has_modification", "is_modification_of", "has_modification"),
            ("gene_has_abnormality", "is_abnormality_of_gene", "gene_has_abnormality"),
            ("Has_Salt_Form", "Inverse_Has_Salt_Form", "has_salt_form"),
        ];
        for (forward, inverse, id) in pairs {
            assert_eq!(fold(forward), (id.to_owned(), Direction::AsSaid));
            assert_eq!(fold(inverse), (id.to_owned(), Direction::Reversed));
        }
        for alone in ["gene_is_biomarker_of", "gene_product_is_physical_part_of", "site_of_metabolism"] {
            assert_eq!(fold(alone), (alone.to_owned(), Direction::AsSaid));
        }
        assert_eq!(fold("co-occurs_with"), ("co_occurs_with".to_owned(), Direction::Symmetric));
    }

    #[test]
    fn the_table_is_consistent() {
        for (inverse, forward) in INVERSES {
            assert_eq!(fold(forward), (forward.to_owned(), Direction::AsSaid), "{forward}");
            assert_eq!(fold(inverse), (forward.to_owned(), Direction::Reversed), "{inverse}");
            assert_eq!(INVERSES.iter().filter(|(i, _)| *i == inverse).count(), 1, "{inverse}");
        }
    }

    #[test]
    fn bookkeeping_says_nothing_about_medicine() {
        for relation in ["mapped_to", "has_permuted_term", "mth_has_plain_text_form", "icd_mapped_to", "use"] {
            assert!(is_bookkeeping(&fold(relation).0), "{relation}");
        }
        for relation in ["may_treat", "is_a", "has_finding_site", "disease_mapped_to_gene", "has_component"] {
            assert!(!is_bookkeeping(&fold(relation).0), "{relation}");
        }
    }
}
