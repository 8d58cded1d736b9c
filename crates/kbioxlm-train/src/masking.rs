use crate::encode::{EncodedExample, TokenSpan, is_special};
use kbioxlm_corpus::{Level, Role};
use kbioxlm_model::SpecialTokens;
use rand::{Rng, RngExt, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// How much is masked and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaskingConfig {
    /// Share of an example's tokens that is masked, special tokens not counted: at least one unit, but none at all with 0.
    pub ratio: f64,
    /// Share of the masked tokens that become `<mask>`.
    pub mask: f64,
    /// Share of the masked tokens that become a random piece; the rest stays as it is.
    pub random: f64,
}

impl Default for MaskingConfig {
    /// 15 %, of which 80 % `<mask>`, 10 % random, 10 % unchanged.
    fn default() -> Self {
        Self { ratio: 0.15, mask: 0.8, random: 0.1 }
    }
}

/// Which of the losses a masked token belongs to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MlmTask {
    /// A token of a mention, of a fact's head or tail, or of another whole word.
    Entity,
    /// A token of a fact's relation.
    Relation,
}

/// An example with its masked tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedExample {
    /// Token ids, masked ones replaced.
    pub ids: Vec<u32>,
    /// Masked positions in `ids`, ascending.
    pub positions: Vec<usize>,
    /// The original id at each masked position.
    pub targets: Vec<u32>,
    /// The loss that each masked position belongs to.
    pub tasks: Vec<MlmTask>,
    /// Class of the passage pair.
    pub label: Option<u8>,
}

/// Masks whole mentions, relations and words.
///
/// Units (mentions; heads, relations and tails of facts) are taken in random order until `ratio` of the tokens is
/// masked; a unit that would overshoot is skipped, whatever its length. Of each fact at least one part stays visible.
/// If the units do not fill the budget, whole words outside of them do. On the plain level mentions get half of the budget and words
/// the other half, and each gets what the other leaves. If the budget is too small for every unit, the
/// shortest is masked all the same.
///
/// `vocabulary` and `special` are those of the model that will read the ids.
pub fn mask(
    example: &EncodedExample,
    config: &MaskingConfig,
    vocabulary: usize,
    special: &SpecialTokens,
    rng: &mut impl Rng,
) -> MaskedExample {
    let content = example.ids.iter().filter(|id| !is_special(**id, special)).count();
    let budget = ((content as f64 * config.ratio).round() as usize).max(1);
    let mut choice = Choice::new(&example.spans);
    if config.ratio == 0.0 {
        return choice.replace(example, config, vocabulary, special, rng);
    }
    let mut spans: Vec<usize> = (0..example.spans.len()).collect();
    spans.shuffle(rng);
    let mut words: Vec<&Range<usize>> = outside(&example.words, &example.spans);
    words.shuffle(rng);

    let for_spans = if example.level == Level::Plain { budget / 2 } else { budget };
    choice.spans(&spans, for_spans);
    choice.words(&words, budget);
    choice.spans(&spans, budget);
    if choice.tokens == 0 {
        choice.shortest(&words);
    }
    choice.replace(example, config, vocabulary, special, rng)
}

/// The words that share no token with a span. Both are ordered.
fn outside<'a>(words: &'a [Range<usize>], spans: &[TokenSpan]) -> Vec<&'a Range<usize>> {
    let mut spans = spans.iter().peekable();
    let free = |word: &&Range<usize>| {
        while spans.next_if(|s| s.tokens.end <= word.start).is_some() {}
        spans.peek().is_none_or(|s| s.tokens.start >= word.end)
    };
    words.iter().filter(free).collect()
}

/// What has been chosen so far.
struct Choice<'a> {
    spans: &'a [TokenSpan],
    taken: Vec<bool>,
    /// Parts of each fact that are still visible.
    visible: HashMap<u32, usize>,
    tokens: usize,
    chosen: Vec<(Range<usize>, MlmTask)>,
}

impl<'a> Choice<'a> {
    fn new(spans: &'a [TokenSpan]) -> Self {
        let mut visible = HashMap::new();
        for fact in spans.iter().filter_map(|s| s.fact) {
            *visible.entry(fact).or_insert(0) += 1;
        }
        Self { spans, taken: vec![false; spans.len()], visible, tokens: 0, chosen: Vec::new() }
    }

    fn spans(&mut self, order: &[usize], budget: usize) {
        for &i in order {
            if self.spans.get(i).is_some_and(|s| self.tokens + s.tokens.len() <= budget) {
                self.span(i);
            }
        }
    }

    /// Takes a span unless it is taken or the last visible part of its fact.
    fn span(&mut self, i: usize) -> bool {
        let (Some(span), Some(taken)) = (self.spans.get(i), self.taken.get_mut(i)) else { return false };
        let visible = span.fact.and_then(|f| self.visible.get_mut(&f));
        if *taken || visible.as_ref().is_some_and(|v| **v <= 1) {
            return false;
        }
        if let Some(v) = visible {
            *v -= 1;
        }
        *taken = true;
        self.tokens += span.tokens.len();
        let task = if span.role == Role::Relation { MlmTask::Relation } else { MlmTask::Entity };
        self.chosen.push((span.tokens.clone(), task));
        true
    }

    fn words(&mut self, order: &[&Range<usize>], budget: usize) {
        for &word in order {
            if self.tokens + word.len() <= budget {
                self.word(word);
            }
        }
    }

    fn word(&mut self, word: &Range<usize>) {
        self.tokens += word.len();
        self.chosen.push((word.clone(), MlmTask::Entity));
    }

    /// Takes the shortest unit that may be taken: an example that can teach something does.
    fn shortest(&mut self, words: &[&Range<usize>]) {
        let mut order: Vec<usize> = (0..self.spans.len()).collect();
        order.sort_by_key(|&i| self.spans.get(i).map(|s| s.tokens.len()));
        let word = words.iter().min_by_key(|w| w.len());
        let shortest_span = order.first().and_then(|&i| self.spans.get(i)).map_or(usize::MAX, |s| s.tokens.len());
        match word {
            Some(word) if word.len() <= shortest_span => self.word(word),
            _ => {
                if !order.into_iter().any(|i| self.span(i))
                    && let Some(word) = word
                {
                    self.word(word);
                }
            }
        }
    }

    fn replace(
        mut self,
        example: &EncodedExample,
        config: &MaskingConfig,
        vocabulary: usize,
        special: &SpecialTokens,
        rng: &mut impl Rng,
    ) -> MaskedExample {
        self.chosen.sort_by_key(|(tokens, _)| tokens.start);
        let mut masked = MaskedExample {
            ids: example.ids.clone(),
            positions: Vec::with_capacity(self.tokens),
            targets: Vec::with_capacity(self.tokens),
            tasks: Vec::with_capacity(self.tokens),
            label: example.label,
        };
        for (tokens, task) in self.chosen {
            for position in tokens {
                let Some(id) = masked.ids.get_mut(position) else { continue };
                masked.positions.push(position);
                masked.targets.push(*id);
                masked.tasks.push(task);
                let draw: f64 = rng.random();
                if draw < config.mask {
                    *id = special.mask;
                } else if draw < config.mask + config.random {
                    *id = random_piece(vocabulary, special, rng);
                }
            }
        }
        masked
    }
}

fn random_piece(vocabulary: usize, special: &SpecialTokens, rng: &mut impl Rng) -> u32 {
    // `mask` is called on examples with at least one piece that is not special, so this ends.
    loop {
        let id = rng.random_range(0..vocabulary as u32);
        if !is_special(id, special) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
