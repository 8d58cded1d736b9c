//! Ids of relations.

/// A name as the id of a relation or a flag: `has part` and `hasPart` are `has_part`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && after_small {
                out.push('_');
            }
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        after_small = c.is_lowercase();
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        for (name, id) in [
            ("has part", "has_part"),
            ("hasPart", "has_part"),
            ("part_of", "part_of"),
            ("excluded_subClassOf", "excluded_sub_class_of"),
            (" UK spelling ", "uk_spelling"),
            ("IUPAC_NAME", "iupac_name"),
            ("co-occurs_with (often)", "co_occurs_with_often"),
            ("--", ""),
        ] {
            assert_eq!(snake(name), id);
        }
    }
}
