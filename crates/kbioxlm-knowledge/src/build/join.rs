//! Joining the concepts of several vocabularies that mean the same.
//!
//! Following every link would join, through a third, concepts that one vocabulary keeps apart on purpose: HPO's "Microcytic
//! anemia" and "Iron deficiency anemia", because a drug database has the one as an alias of the other. So a link between two
//! vocabularies (the part of the id before `:`) is refused when it would bring together two concepts of one vocabulary that
//! nothing else has joined. A link within one vocabulary is that vocabulary's own statement and always followed, and so is
//! one of ids without a vocabulary. Ids that no source names tie together those that give them, and keep nothing apart.

use super::draft::NONE;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Nodes (concepts first, then ids that no source names) in groups, each known by its smallest number.
pub(super) struct Groups {
    parent: Vec<u32>,
    /// The vocabulary of each concept.
    vocabulary: Vec<u32>,
    /// The vocabularies, sorted, of each group of several concepts.
    within: HashMap<u32, Vec<u32>, FixedState>,
}

/// What became of a link.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Joined {
    /// The two are one now.
    Now,
    /// They were one before.
    Before,
    /// A vocabulary keeps concepts of the two sides apart.
    Refused,
}

impl Groups {
    /// Every node for itself; those beyond the concepts, whose `vocabulary` is given, have none.
    pub fn new(nodes: usize, vocabulary: Vec<u32>) -> Self {
        Self { parent: (0..nodes as u32).collect(), vocabulary, within: HashMap::default() }
    }

    /// Joins two nodes, unless a vocabulary keeps them apart.
    pub fn join(&mut self, a: u32, b: u32) -> Joined {
        let (vocabulary_a, vocabulary_b) = (self.vocabulary_of(a), self.vocabulary_of(b));
        let own_statement = vocabulary_a == vocabulary_b && vocabulary_a != NONE;
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return Joined::Before;
        }
        if !own_statement && self.share_a_vocabulary(a, b) {
            return Joined::Refused;
        }
        let (root, child) = (a.min(b), a.max(b));
        self.parent[child as usize] = root;
        let mut all: Vec<u32> = [root, child].into_iter().flat_map(|node| self.vocabularies(node).to_vec()).collect();
        all.sort_unstable();
        all.dedup();
        self.within.remove(&child);
        self.within.insert(root, all);
        Joined::Now
    }

    /// The smallest number of the group that `node` is in.
    pub fn root(&mut self, mut node: u32) -> u32 {
        while self.parent[node as usize] != node {
            let parent = self.parent[node as usize];
            self.parent[node as usize] = self.parent[parent as usize];
            node = parent;
        }
        node
    }

    fn vocabulary_of(&self, node: u32) -> u32 {
        self.vocabulary.get(node as usize).copied().unwrap_or(NONE)
    }

    /// The vocabularies of a group.
    fn vocabularies(&self, root: u32) -> &[u32] {
        match self.within.get(&root) {
            Some(all) => all,
            None => self.vocabulary.get(root as usize).map_or(&[], std::slice::from_ref),
        }
    }

    fn share_a_vocabulary(&self, a: u32, b: u32) -> bool {
        let (few, many) = (self.vocabularies(a), self.vocabularies(b));
        let (few, many) = if few.len() <= many.len() { (few, many) } else { (many, few) };
        few.iter().any(|v| many.binary_search(v).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root of each node, and the links refused. Vocabularies are letters; nodes beyond them are no concepts.
    fn roots(vocabularies: &str, nodes: u32, links: &[(u32, u32)]) -> (Vec<u32>, usize) {
        let mut groups = Groups::new(nodes as usize, vocabularies.chars().map(u32::from).collect());
        let refused = links.iter().filter(|&&(a, b)| groups.join(a, b) == Joined::Refused).count();
        ((0..nodes).map(|n| groups.root(n)).collect(), refused)
    }

    #[test]
    fn a_group_is_known_by_its_first_concept() {
        assert_eq!(roots("ABCC", 4, &[(2, 1), (1, 0)]), (vec![0, 0, 0, 3], 0));
    }

    #[test]
    fn a_vocabulary_keeps_its_concepts_apart() {
        assert_eq!(roots("AAB", 3, &[(1, 2), (0, 2)]), (vec![0, 1, 1], 1));
        assert_eq!(roots("AABC", 4, &[(0, 2), (2, 3), (3, 1)]), (vec![0, 1, 0, 0], 1));
    }

    #[test]
    fn own_statements_are_followed() {
        assert_eq!(roots("AAA", 3, &[(0, 1), (1, 2)]), (vec![0, 0, 0], 0));
        assert_eq!(roots("AAB", 3, &[(0, 2), (0, 1), (1, 2)]), (vec![0, 0, 0], 0));
    }

    #[test]
    fn ids_that_no_source_names_tie_together() {
        // Node 3 and 4 are such ids: two of one vocabulary in one group do no harm.
        assert_eq!(roots("ABA", 5, &[(0, 3), (0, 4), (1, 4)]), (vec![0, 0, 2, 0, 0], 0));
        assert_eq!(roots("ABA", 5, &[(0, 3), (2, 3)]), (vec![0, 1, 2, 0, 4], 1));
    }
}
