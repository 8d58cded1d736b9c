//! Joining the concepts of several vocabularies that mean the same.
//!
//! A link says that two concepts have an equal name. Following every link would join, through a third, concepts
//! that one vocabulary keeps apart on purpose: HPO's "Microcytic anemia" and "Iron deficiency anemia", because a
//! drug database has the one as an alias of the other. So a link between two vocabularies (the part of the id before
//! `:`) is refused when it would bring together two concepts of one vocabulary that nothing else has joined. A link
//! within one vocabulary is that vocabulary's own statement and always followed, and so is one of ids without a
//! vocabulary. The best-founded links go first: those that the other languages' names do not contradict.

use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Two concepts, by their numbers, that have an equal name.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub a: usize,
    pub b: usize,
    /// In how many languages the two have an equal name.
    pub agree: usize,
    /// In how many other languages both have names, but different ones.
    pub disagree: usize,
}

/// Concepts in groups, each known by its smallest number.
pub(crate) struct Groups {
    parent: Vec<usize>,
    /// Links refused because a vocabulary keeps concepts of the two sides apart.
    pub refused: usize,
}

impl Groups {
    /// Joins the concepts `ids` along `links`.
    pub(crate) fn join(ids: &[&str], mut links: Vec<Link>) -> Self {
        let mut groups = Self { parent: (0..ids.len()).collect(), refused: 0 };
        let vocabulary: Vec<Option<&str>> = ids.iter().map(|id| id.split_once(':').map(|(v, _)| v)).collect();
        let mut within: Vec<BTreeSet<&str>> = vocabulary.iter().map(|v| v.iter().copied().collect()).collect();
        // Stable: among equals the order of the file decides.
        links.sort_by_key(|link| (link.disagree, Reverse(link.agree)));
        for link in &links {
            let (a, b) = (groups.root(link.a), groups.root(link.b));
            if a == b {
                continue;
            }
            let own_statement = vocabulary[link.a] == vocabulary[link.b];
            if !own_statement && !within[a].is_disjoint(&within[b]) {
                groups.refused += 1;
                continue;
            }
            let (root, child) = (a.min(b), a.max(b));
            groups.parent[child] = root;
            let moved = std::mem::take(&mut within[child]);
            within[root].extend(moved);
        }
        groups
    }

    /// The smallest number of the group that `concept` is in.
    pub(crate) fn root(&mut self, mut concept: usize) -> usize {
        while self.parent[concept] != concept {
            self.parent[concept] = self.parent[self.parent[concept]];
            concept = self.parent[concept];
        }
        concept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(ids: &[&str], links: &[(usize, usize, usize, usize)]) -> (Vec<usize>, usize) {
        let links = links.iter().map(|&(a, b, agree, disagree)| Link { a, b, agree, disagree }).collect();
        let mut groups = Groups::join(ids, links);
        ((0..ids.len()).map(|c| groups.root(c)).collect(), groups.refused)
    }

    #[test]
    fn a_group_is_known_by_its_first_concept() {
        assert_eq!(roots(&["A:1", "B:1", "C:1", "C:2"], &[(2, 1, 1, 0), (1, 0, 1, 0)]), (vec![0, 0, 0, 3], 0));
    }

    #[test]
    fn a_vocabulary_keeps_its_concepts_apart() {
        // B:1 has a name of A:1 and one of A:2; both languages agree with A:2 only.
        assert_eq!(roots(&["A:1", "A:2", "B:1"], &[(0, 2, 1, 1), (1, 2, 2, 0)]), (vec![0, 1, 1], 1));
        // The link not contradicted goes first, even where the other has been read before.
        assert_eq!(roots(&["A:1", "A:2", "B:1"], &[(0, 2, 1, 1), (1, 2, 1, 0)]), (vec![0, 1, 1], 1));
    }

    #[test]
    fn own_statements_and_plain_ids_are_followed() {
        assert_eq!(roots(&["A:1", "A:2", "A:3"], &[(0, 1, 1, 0), (1, 2, 1, 0)]), (vec![0, 0, 0], 0));
        assert_eq!(roots(&["a", "b", "C:1"], &[(0, 2, 1, 0), (1, 2, 1, 0)]), (vec![0, 0, 0], 0));
    }
}
