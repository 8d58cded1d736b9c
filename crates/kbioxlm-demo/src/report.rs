use crate::plot;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A score of the model that was trained on plain text only, and of the one that was anchored.
#[derive(Copy, Clone, PartialEq, Debug, Serialize)]
pub struct BeforeAfter {
    /// Plain text only.
    pub before: f64,
    /// Anchored.
    pub after: f64,
}

/// Accuracy@1 of finding a concept's name in another language from its English one.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RetrievalScores {
    /// All concepts, the mean over all queries.
    #[serde(flatten)]
    pub all: BeforeAfter,
    /// Apart by language of the name looked for.
    pub by_language: BTreeMap<String, BeforeAfter>,
    /// Concepts that were code-switched and told in facts.
    pub anchored: BeforeAfter,
    /// Concepts that no anchored example shows in another language.
    pub held_out: BeforeAfter,
    /// The held-out ones apart by language.
    pub held_out_by_language: BTreeMap<String, BeforeAfter>,
    /// Concepts asked for.
    pub concepts: usize,
    /// Of these held out.
    pub held_out_concepts: usize,
}

/// Tokens that the models were trained on, special tokens counted.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TrainingTokens {
    /// Plain text that both models began with.
    pub adaptation: u64,
    /// Plain text that the model `before` got in addition.
    pub before: u64,
    /// Anchored examples that the model `after` got in addition.
    pub after: u64,
}

/// Loss by step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LossCurves {
    /// Common beginning on plain text.
    pub adaptation: Vec<f64>,
    /// Plain text going on: masked tokens.
    pub before: Vec<f64>,
    /// Anchored examples: masked tokens and passage relations together.
    pub after: Vec<f64>,
}

/// What the demo found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DemoReport {
    /// Names found by embedding.
    pub retrieval_acc1: RetrievalScores,
    /// Strict entity F1 on Chinese sentences after fine-tuning on English ones.
    pub zero_shot_f1: BeforeAfter,
    /// Strict entity F1 on English sentences of the dev set, by which the epoch was chosen.
    pub english_dev_f1: BeforeAfter,
    /// Share of right passage relations on pairs about subjects not trained on; chance is a third.
    pub prp_accuracy: f64,
    /// Pairs of that measurement.
    pub prp_pairs: usize,
    /// What each model was trained on.
    pub tokens: TrainingTokens,
    /// How the loss fell.
    pub loss_curve: LossCurves,
    /// Concepts in the knowledge base.
    pub concepts: usize,
    /// Facts in the knowledge base.
    pub facts: usize,
    /// Documents of all languages together.
    pub documents: usize,
    /// Pieces of the tokenizer.
    pub vocabulary: usize,
    /// Wall-clock time of the whole.
    pub seconds: f64,
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retrieval_acc1: found, tokens, loss_curve: loss, .. } = self;
        let thousand = |n: u64| format!("{}k", n.div_ceil(1000));
        writeln!(
            f,
            "{} concepts, {} facts, {} documents in English, Chinese and Spanish; {} pieces",
            self.concepts, self.facts, self.documents, self.vocabulary
        )?;
        writeln!(
            f,
            "both models: {} tokens of plain text; then before: {} tokens of plain text, after: {} tokens anchored\n",
            thousand(tokens.adaptation),
            thousand(tokens.before),
            thousand(tokens.after)
        )?;
        writeln!(f, "{:<52} {:>8} {:>8}", "", "before", "after")?;
        let mut row = |name: &str, s: &BeforeAfter| {
            writeln!(f, "{name:<52} {:>7.1}% {:>7.1}%", 100.0 * s.before, 100.0 * s.after)
        };
        row("names found by embedding (accuracy@1)", &found.all)?;
        for (lang, scores) in &found.by_language {
            row(&format!("  en → {lang}"), scores)?;
        }
        row("  code-switched concepts", &found.anchored)?;
        row(&format!("  held-out concepts ({})", found.held_out_concepts), &found.held_out)?;
        for (lang, scores) in &found.held_out_by_language {
            row(&format!("    en → {lang}"), scores)?;
        }
        row("Chinese entities, tagger trained on English (F1)", &self.zero_shot_f1)?;
        row("English entities (F1, dev)", &self.english_dev_f1)?;
        let prp = format!("passage relations of {} unseen pairs (chance 33.3 %)", self.prp_pairs);
        writeln!(f, "{prp:<52} {:>8} {:>7.1}%", "", 100.0 * self.prp_accuracy)?;
        writeln!(f, "\nloss on plain text\n{}", plot(&loss.adaptation, 64, 4))?;
        writeln!(f, "\nloss on anchored examples\n{}", plot(&loss.after, 64, 6))?;
        write!(f, "\n{:.0} seconds", self.seconds)
    }
}
