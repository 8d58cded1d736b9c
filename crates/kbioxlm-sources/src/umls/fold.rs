//! Inverse relations: which of two is kept.

use super::rows::Rows;
use crate::{FileError, Result};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

/// Most relations remembered; releases have about a thousand.
const MAX_MEMORY: usize = 1 << 14;

/// Brings relations to the direction in which facts have them.
#[derive(Default)]
pub(super) struct Folding {
    /// Which relation is which one's inverse, as the release says (`MRDOC.RRF`).
    inverses: HashMap<String, String>,
    /// What was folded: tens of millions of rows have a thousand relations.
    folded: HashMap<String, (String, Direction)>,
}

impl Folding {
    /// With what the release says of its relations.
    pub fn read<R: BufRead>(mut rows: Rows<R>) -> Result<Self> {
        let mut folding = Self::default();
        let path = rows.path().to_owned();
        while let Some((line, [key, value, kind, inverse])) = rows.next::<4>()? {
            if key != "RELA" || kind != "rela_inverse" || value.is_empty() || inverse.is_empty() {
                continue;
            }
            if folding.inverses.len() == MAX_MEMORY {
                let found = format!("more than {MAX_MEMORY} relations");
                let help = "check that this is the file you meant";
                return Err(FileError::content(&path, line, found, "the thousand that the UMLS has", help));
            }
            folding.inverses.insert(snake(value), snake(inverse));
        }
        Ok(folding)
    }

    /// The relation of a row that is kept, and how the row says it; `None` where it says nothing.
    pub fn of(&mut self, rel: &str, rela: &str) -> Option<(&str, Direction)> {
        if rela.is_empty() {
            // Without RELA only the hierarchies say something.
            return match rel {
                "CHD" => Some(("is_a", Direction::AsSaid)),
                "PAR" => Some(("is_a", Direction::Reversed)),
                "RN" => Some(("broader", Direction::AsSaid)),
                "RB" => Some(("broader", Direction::Reversed)),
                _ => None,
            };
        }
        if !self.folded.contains_key(rela) {
            if self.folded.len() == MAX_MEMORY {
                self.folded.clear();
            }
            let folded = self.fold(rela);
            self.folded.insert(rela.to_owned(), folded);
        }
        let (relation, direction) = self.folded.get(rela)?;
        (!relation.is_empty()).then_some((relation.as_str(), *direction))
    }

    /// A relation's id in the direction that is kept.
    pub fn fold(&self, rela: &str) -> (String, Direction) {
        let name = snake(rela);
        if let Some(known) = by_table(&name) {
            return known;
        }
        let form = by_form(&name);
        let Some(inverse) = self.inverses.get(&name) else {
            return match form {
                Some(forward) => (forward.into_owned(), Direction::Reversed),
                None => (name, Direction::AsSaid),
            };
        };
        if *inverse == name {
            return (name, Direction::Symmetric);
        }
        let is_turned = match by_table(inverse) {
            Some((_, direction)) => direction != Direction::Reversed,
            None if form.as_deref() == Some(inverse) => true,
            None if by_form(inverse).as_deref() == Some(&name) => false,
            // Names that tell nothing: the active voice, else the first in the alphabet.
            None => (name.ends_with("_by"), &name) > (inverse.ends_with("_by"), inverse),
        };
        if is_turned { (inverse.clone(), Direction::Reversed) } else { (name, Direction::AsSaid) }
    }
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Direction {
    AsSaid,
    Reversed,
    /// Says the same in either direction: the ids are put in order.
    Symmetric,
}

fn snake(rela: &str) -> String {
    rela.trim().chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

fn by_table(name: &str) -> Option<(String, Direction)> {
    if matches!(name, "isa" | "is_a") {
        return Some(("is_a".to_owned(), Direction::AsSaid));
    }
    if SYMMETRIC.contains(&name) {
        return Some((name.to_owned(), Direction::Symmetric));
    }
    if let Some((_, forward)) = INVERSES.iter().find(|(inverse, _)| *inverse == name) {
        return Some(((*forward).to_owned(), Direction::Reversed));
    }
    INVERSES.iter().any(|(_, forward)| *forward == name).then(|| (name.to_owned(), Direction::AsSaid))
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

/// The relations of these tables.
#[cfg(test)]
pub(crate) fn known() -> impl Iterator<Item = &'static str> + Clone {
    INVERSES.iter().map(|(_, forward)| *forward).chain(SYMMETRIC)
}

/// Whether facts have this relation, and not its inverse.
#[cfg(test)]
pub(crate) fn keeps_direction(relation: &str) -> bool {
    let (folded, direction) = Folding::default().fold(relation);
    folded == relation && direction != Direction::Reversed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn fold(rela: &str) -> (String, Direction) {
        Folding::default().fold(rela)
    }

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
    fn the_release_tells_what_names_do_not() {
        let doc = "RELA|flows_to|rela_inverse|gets_from|\nRELA|gets_from|rela_inverse|flows_to|\n\
            RELA|lit_by|rela_inverse|shines_on|\nRELA|shines_on|rela_inverse|lit_by|\n\
            RELA|beside|rela_inverse|beside|\nRELA|has_x|rela_inverse|x_of|\nRELA|x_of|rela_inverse|has_x|\n\
            RELA|cured_by|rela_inverse|treats|\nRELA|treats|expanded_form|Treats|\nREL|AQ|rel_inverse|QB|\nRELA|odd|rela_inverse||\n";
        let folding = Folding::read(Rows::new(Path::new("MRDOC.RRF"), doc.as_bytes())).unwrap();
        for (rela, relation, direction) in [
            ("flows_to", "flows_to", Direction::AsSaid),
            ("gets_from", "flows_to", Direction::Reversed),
            ("lit_by", "shines_on", Direction::Reversed),
            ("shines_on", "shines_on", Direction::AsSaid),
            ("beside", "beside", Direction::Symmetric),
            ("x_of", "has_x", Direction::Reversed),
            ("has_x", "has_x", Direction::AsSaid),
            ("cured_by", "treats", Direction::Reversed),
            ("odd", "odd", Direction::AsSaid),
        ] {
            assert_eq!(folding.fold(rela), (relation.to_owned(), direction), "{rela}");
        }
    }
}
