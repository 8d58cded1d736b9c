//! Facts: `MRREL.RRF`, each relation in one direction.
//!
//! A row reads from right to left: its second concept stands in the relation RELA to the first, and REL says what the second
//! is to the first (PAR: its parent). Every statement is there in both directions; here one of them is turned round, so that
//! a fact and its inverse become the same.

use super::Umls;
use super::fold::{Direction, Folding};
use super::rows::{Kept, Rows, cui, suppressed};
use crate::{Reason, Record, Result, Sink};
use std::collections::BTreeSet;
use std::io::BufRead;

pub(super) fn read<R: BufRead>(
    options: &Umls,
    mut rows: Rows<R>,
    mut folding: Folding,
    kept: &Kept,
    sink: &mut dyn Sink,
) -> Result<()> {
    let asked: BTreeSet<String> = options.relations.iter().map(|r| folding.fold(r).0).collect();
    let path = rows.path().to_owned();
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
        let Some((relation, direction)) = folding.of(rel, rela) else {
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

/// Relations between ways of writing, and those that tell how vocabularies are made.
pub(super) const BOOKKEEPING: [&str; 50] = [
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookkeeping_says_nothing_about_medicine() {
        for relation in ["mapped_to", "has_permuted_term", "mth_has_plain_text_form", "icd_mapped_to", "use"] {
            assert!(is_bookkeeping(&Folding::default().fold(relation).0), "{relation}");
        }
        for relation in ["may_treat", "is_a", "has_finding_site", "disease_mapped_to_gene", "has_component"] {
            assert!(!is_bookkeeping(&Folding::default().fold(relation).0), "{relation}");
        }
    }
}
