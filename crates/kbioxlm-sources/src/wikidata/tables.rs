//! What properties and classes of Wikidata stand for.

/// A property that gives an entity's id in another vocabulary.
pub(super) struct Identifier {
    pub property: u32,
    /// As [`curie`](crate::curie) names it.
    pub vocabulary: &'static str,
    /// Whether bearing one makes an entity biomedical: chemicals and taxa of any kind have some of the others.
    pub selects: bool,
}

const fn selects(property: u32, vocabulary: &'static str) -> Identifier {
    Identifier { property, vocabulary, selects: true }
}

const fn links(property: u32, vocabulary: &'static str) -> Identifier {
    Identifier { property, vocabulary, selects: false }
}

/// Ids in other vocabularies.
pub(super) const IDENTIFIERS: [Identifier; 39] = [
    selects(267, "ATC"),
    selects(351, "NCBIGENE"),
    selects(352, "UNIPROT"),
    selects(486, "MESH"),
    selects(492, "OMIM"),
    selects(493, "ICD9"),
    selects(494, "ICD10"),
    selects(563, "ICDO"),
    selects(652, "UNII"),
    selects(683, "CHEBI"),
    selects(686, "GO"),
    selects(699, "DOID"),
    selects(715, "DRUGBANK"),
    selects(1402, "FMA"),
    selects(1550, "ORPHA"),
    selects(1554, "UBERON"),
    selects(1692, "ICD9CM"),
    selects(1748, "NCIT"),
    selects(2115, "NDFRT"),
    selects(2892, "UMLS"),
    selects(3201, "MEDDRA"),
    selects(3345, "RXNORM"),
    selects(3841, "HP"),
    selects(4229, "ICD10CM"),
    selects(4317, "GARD"),
    selects(4338, "LOINC"),
    selects(5270, "MONDO"),
    selects(5806, "SNOMED"),
    selects(7329, "ICD11"),
    selects(7807, "ICD11F"),
    selects(7963, "CL"),
    links(231, "CAS"),
    links(354, "HGNC"),
    links(592, "CHEMBL"),
    links(662, "PUBCHEM"),
    links(665, "KEGG"),
    links(685, "NCBITAXON"),
    links(2057, "HMDB"),
    links(2063, "LIPIDMAPS"),
];

/// In which direction a claim becomes a fact.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Direction {
    AsSaid,
    /// The property is the inverse of the relation.
    Reversed,
    /// Says the same in either direction: the ids are put in order.
    Symmetric,
}

use Direction::{AsSaid, Reversed, Symmetric};

pub(super) const INSTANCE_OF: u32 = 31;
pub(super) const SUBCLASS_OF: u32 = 279;

/// Properties between entities and the relations that they become; pairs of inverses become one.
pub(super) const RELATIONS: [(u32, &str, Direction); 50] = [
    (INSTANCE_OF, "instance_of", AsSaid),
    (SUBCLASS_OF, "is_a", AsSaid),
    (128, "regulates", AsSaid),
    (129, "physically_interacts_with", Symmetric),
    (361, "part_of", AsSaid),
    (527, "part_of", Reversed),
    (636, "has_route_of_administration", AsSaid),
    (680, "has_molecular_function", AsSaid),
    (681, "has_cellular_component", AsSaid),
    (682, "involved_in_biological_process", AsSaid),
    (684, "orthologous_to", Symmetric),
    (688, "encodes", AsSaid),
    (689, "afflicts", AsSaid),
    (702, "encodes", Reversed),
    (703, "in_taxon", AsSaid),
    (769, "interacts_with", Symmetric),
    (780, "has_symptom", AsSaid),
    (828, "due_to", AsSaid),
    (923, "examined_by", AsSaid),
    (924, "may_treat", Reversed),
    (927, "located_in", AsSaid),
    (1057, "on_chromosome", AsSaid),
    (1060, "has_transmission_process", AsSaid),
    (1199, "has_mode_of_inheritance", AsSaid),
    (1478, "due_to", AsSaid),
    (1479, "has_contributing_factor", AsSaid),
    (1536, "due_to", Reversed),
    (1537, "has_contributing_factor", Reversed),
    (1542, "due_to", Reversed),
    (1605, "has_natural_reservoir", AsSaid),
    (1606, "has_natural_reservoir", Reversed),
    (1909, "has_side_effect", AsSaid),
    (1924, "may_prevent", AsSaid),
    (1995, "has_health_specialty", AsSaid),
    (2175, "may_treat", AsSaid),
    (2176, "may_treat", Reversed),
    (2286, "has_arterial_supply", AsSaid),
    (2288, "has_lymphatic_drainage", AsSaid),
    (2289, "has_venous_drainage", AsSaid),
    (2293, "genetically_associated_with", Symmetric),
    (2789, "connected_to", Symmetric),
    (2975, "has_host", AsSaid),
    (3189, "innervated_by", AsSaid),
    (3190, "innervated_by", Reversed),
    (3780, "has_active_ingredient", Reversed),
    (3781, "has_active_ingredient", AsSaid),
    (4954, "may_prevent", AsSaid),
    (5131, "has_finding", AsSaid),
    (5572, "expressed_in", AsSaid),
    (5642, "has_risk_factor", AsSaid),
];

/// Says how well an id in another vocabulary fits; only with the value [`EXACT_MATCH`] it is the same.
pub(super) const MAPPING_TYPE: &str = "P4390";
pub(super) const EXACT_MATCH: u64 = 39_893_449;

/// Semantic types by the class that an entity is an instance or a direct subclass of.
pub(super) const TYPES: [(u64, &str); 29] = [
    (7_187, "gene"),
    (7_868, "cell"),
    (8_054, "protein"),
    (8_386, "medication"),
    (11_173, "chemical compound"),
    (12_136, "disease"),
    (12_140, "medication"),
    (16_521, "taxon"),
    (35_456, "medication"),
    (79_529, "chemical compound"),
    (134_808, "vaccine"),
    (169_872, "symptom"),
    (179_661, "treatment"),
    (427_087, "non-coding RNA"),
    (712_378, "anatomical structure"),
    (796_194, "medical procedure"),
    (929_833, "disease"),
    (930_752, "medical specialty"),
    (1_441_305, "symptom"),
    (2_996_394, "biological process"),
    (4_936_952, "anatomical structure"),
    (5_058_355, "cellular component"),
    (14_860_489, "molecular function"),
    (18_123_741, "disease"),
    (20_747_295, "gene"),
    (59_199_015, "chemical compound"),
    (112_193_867, "disease"),
    (112_826_905, "anatomical structure"),
    (113_145_171, "chemical compound"),
];

/// Instances of these are no concepts, whatever they bear: people, articles, and Wikipedia's own pages.
pub(super) const NO_CONCEPTS: [u64; 6] = [5, 4_167_410, 4_167_836, 11_266_439, 13_406_463, 13_442_814];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curie;
    use std::collections::BTreeSet;

    #[test]
    fn every_property_and_class_stands_once() {
        let identifiers = IDENTIFIERS.iter().map(|i| i.property);
        let properties: Vec<u32> = identifiers.chain(RELATIONS.iter().map(|(property, _, _)| *property)).collect();
        assert_eq!(properties.iter().collect::<BTreeSet<_>>().len(), properties.len());
        let classes: Vec<u64> = TYPES.iter().map(|(class, _)| *class).chain(NO_CONCEPTS).collect();
        assert_eq!(classes.iter().collect::<BTreeSet<_>>().len(), classes.len());
        assert!(TYPES.is_sorted(), "they are searched by halving");
    }

    #[test]
    fn vocabularies_are_known() {
        for identifier in IDENTIFIERS {
            let known = curie::VOCABULARIES.iter().any(|v| v.name == identifier.vocabulary);
            assert!(known, "{}", identifier.vocabulary);
        }
    }

    #[test]
    fn a_relation_is_symmetric_or_not() {
        for (_, relation, direction) in RELATIONS {
            let mut same = RELATIONS.iter().filter(|(_, r, _)| *r == relation);
            assert!(same.all(|(_, _, d)| (*d == Symmetric) == (direction == Symmetric)), "{relation}");
        }
    }
}
