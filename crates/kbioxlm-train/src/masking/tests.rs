use super::*;
use kbioxlm_files::rng_for;
use proptest::prelude::*;

const SPECIAL: SpecialTokens = SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 4 };

/// `<s>`, `n` tokens with ids from 10, `</s>`; words of two tokens.
fn example(level: Level, n: usize, spans: &[(Range<usize>, Role, Option<u32>)]) -> EncodedExample {
    let ids = [0].into_iter().chain((0..n as u32).map(|i| 10 + i)).chain([2]).collect();
    let span = |(tokens, role, fact): &(Range<usize>, Role, Option<u32>)| TokenSpan {
        tokens: tokens.clone(),
        role: *role,
        fact: *fact,
        number: 0,
    };
    EncodedExample {
        id: "e".into(),
        level,
        languages: "en".into(),
        ids,
        spans: spans.iter().map(span).collect(),
        words: (1..=n).step_by(2).map(|i| i..(i + 2).min(n + 1)).collect(),
        label: None,
        cut_tokens: 0,
        cut_facts: 0,
    }
}

fn run(example: &EncodedExample, seed: u64) -> MaskedExample {
    mask(example, &MaskingConfig::default(), 200, &SPECIAL, &mut rng_for(seed, &["test"]))
}

#[test]
fn whole_mentions_are_masked_until_the_budget_is_spent() {
    let spans: Vec<_> = (0..10).map(|i| (1 + 10 * i..6 + 10 * i, Role::Entity, None)).collect();
    let example = example(Level::Entity, 100, &spans);
    for seed in 0..50 {
        let masked = run(&example, seed);
        assert_eq!(masked.positions.len(), 15, "three mentions of five tokens");
        for (tokens, ..) in &spans {
            let n = masked.positions.iter().filter(|p| tokens.contains(p)).count();
            assert!(n == 0 || n == 5, "a mention is masked as a whole or not at all");
        }
        assert!(masked.positions.iter().zip(&masked.targets).all(|(&p, &t)| example.ids[p] == t));
        assert!(masked.positions.is_sorted());
    }
}

#[test]
fn a_ratio_of_nothing_masks_nothing() {
    let example = example(Level::Entity, 40, &[(1..6, Role::Entity, None)]);
    let config = MaskingConfig { ratio: 0.0, ..MaskingConfig::default() };
    let masked = mask(&example, &config, 200, &SPECIAL, &mut rng_for(1, &["test"]));
    assert_eq!((masked.ids, masked.positions.len()), (example.ids, 0));
}

#[test]
fn trap_06_long_mentions_are_masked() {
    // Trap 6: mentions of more than three pieces were never masked.
    let example = example(Level::Entity, 100, &[(20..32, Role::Entity, None)]);
    let masked = run(&example, 1);
    assert!((20..32).all(|p| masked.positions.contains(&p)));
    assert_eq!(masked.positions.len(), 14, "twelve tokens of the mention, one word of two; a second would overshoot");
}

#[test]
fn a_mention_that_would_overshoot_is_skipped_for_shorter_ones() {
    let spans = [(1..41, Role::Entity, None), (50..55, Role::Entity, None)];
    let example = example(Level::Entity, 100, &spans);
    for seed in 0..20 {
        let masked = run(&example, seed);
        assert!(!masked.positions.contains(&1));
        assert!((50..55).all(|p| masked.positions.contains(&p)));
        assert_eq!(masked.positions.len(), 15, "words fill the rest");
    }
}

#[test]
fn the_plain_level_splits_its_budget_between_words_and_mentions() {
    let spans: Vec<_> = (0..25).map(|i| (1 + 8 * i..3 + 8 * i, Role::Entity, None)).collect();
    let example = example(Level::Plain, 200, &spans);
    let mentions =
        |m: &MaskedExample| m.positions.iter().filter(|&&p| spans.iter().any(|(t, ..)| t.contains(&p))).count();
    for seed in 0..20 {
        let masked = run(&example, seed);
        assert_eq!((masked.positions.len(), mentions(&masked)), (30, 14));
    }
}

#[test]
fn an_example_too_short_for_its_budget_still_teaches_something() {
    let whole = example(Level::Entity, 8, &[(1..9, Role::Entity, None)]);
    assert_eq!(run(&whole, 0).positions.len(), 8);
    let words = example(Level::Plain, 3, &[]);
    assert_eq!(run(&words, 0).positions, [3], "the shortest word");
    let nothing = EncodedExample { words: vec![], ..example(Level::Plain, 0, &[]) };
    assert!(run(&nothing, 0).positions.is_empty());
}

#[test]
fn relations_have_their_own_task() {
    let spans = [(1..3, Role::Head, Some(0)), (3..5, Role::Relation, Some(0)), (5..7, Role::Tail, Some(0))];
    let example = example(Level::Fact, 20, &spans);
    let mut seen = 0;
    for seed in 0..40 {
        let masked = run(&example, seed);
        for (position, task) in masked.positions.iter().zip(&masked.tasks) {
            assert_eq!(*task == MlmTask::Relation, (3..5).contains(position));
        }
        seen += usize::from(masked.tasks.contains(&MlmTask::Relation));
    }
    assert!(seen > 5, "relations are masked in some draws, {seen} of 40");
}

#[test]
fn trap_01_masks_and_random_pieces_come_from_the_model_s_own_vocabulary() {
    // Trap 1: the ids of the mask and of random pieces came from another vocabulary.
    let special = SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 29 };
    let mut example = example(Level::Plain, 1000, &[]);
    example.ids.iter_mut().for_each(|id| *id = if *id > 3 { 10 + *id % 10 } else { *id });
    let config = MaskingConfig { ratio: 1.0, ..MaskingConfig::default() };
    let masked = mask(&example, &config, 30, &special, &mut rng_for(3, &[]));
    assert_eq!(masked.positions.len(), 1000);
    let now: Vec<u32> = masked.positions.iter().map(|&p| masked.ids[p]).collect();
    assert!(now.iter().all(|&id| id == 29 || !is_special(id, &special) && id < 30));
    let share = |n: usize| n as f64 / 1000.0;
    let masks = share(now.iter().filter(|&&id| id == 29).count());
    let same = share(now.iter().zip(&masked.targets).filter(|(a, b)| a == b).count());
    assert!((0.76..0.84).contains(&masks) && (0.07..0.14).contains(&same), "{masks} {same}");
    assert!(now.iter().any(|id| !(10..20).contains(id) && *id != 29), "random pieces come from the whole vocabulary");
}

proptest! {
    #[test]
    fn one_part_of_every_fact_stays_visible_and_the_budget_holds(
        facts in proptest::collection::vec((1usize..4, 1usize..4, 1usize..4), 0..8),
        text in 0usize..30, ratio in 0.05f64..1.0, seed in 0u64..1000,
    ) {
        let mut at = 1 + text;
        let mut spans = Vec::new();
        for (number, (h, r, t)) in facts.iter().enumerate() {
            for (role, n) in [(Role::Head, h), (Role::Relation, r), (Role::Tail, t)] {
                spans.push((at..at + n, role, Some(number as u32)));
                at += n;
            }
        }
        let example = example(Level::Fact, at - 1, &spans);
        let config = MaskingConfig { ratio, ..MaskingConfig::default() };
        let masked = mask(&example, &config, 200, &SPECIAL, &mut rng_for(seed, &[]));
        for fact in spans.chunks(3) {
            prop_assert!(fact.iter().any(|(tokens, ..)| tokens.clone().all(|p| !masked.positions.contains(&p))));
        }
        let budget = (((at - 1) as f64 * ratio).round() as usize).max(1);
        prop_assert!(masked.positions.len() <= budget.max(3));
        prop_assert!(masked.positions.len() == masked.positions.iter().collect::<std::collections::HashSet<_>>().len());
        prop_assert!(!masked.positions.contains(&0) && !masked.positions.contains(&at));
        prop_assert!(at == 1 || !masked.positions.is_empty());
    }
}
