/// How large the demo is: everything that decides how long it takes.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Documents in each language.
    pub documents: usize,
    /// Pieces of the tokenizer at most.
    pub vocabulary: u32,
    /// Width of the encoder.
    pub hidden: usize,
    /// Layers of the encoder.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Tokens of an example at most.
    pub max_length: usize,
    /// Tokens of a training step.
    pub tokens_per_step: usize,
    /// Tokens of plain text that both models begin with.
    pub adaptation_tokens: u64,
    /// Tokens that each model is trained with after that: plain text the one, anchored examples the other.
    pub anchoring_tokens: u64,
    /// Peak learning rate of pretraining.
    pub learning_rate: f64,
    /// Annotated English sentences to fine-tune on.
    pub train_sentences: usize,
    /// Annotated English sentences to choose the epoch by, and Chinese ones to test on, each.
    pub test_sentences: usize,
    /// Passes through the English sentences.
    pub epochs: u32,
    /// Peak learning rate of fine-tuning.
    pub finetune_learning_rate: f64,
}

impl Scale {
    /// What `kbioxlm demo` runs: a few minutes on two cores.
    pub fn demo() -> Self {
        // One narrow layer: what names have in common across languages is learned from having seen them often, and with a hundred
        // thousand tokens a second it sees them more often than a deeper model could in the same minutes.
        Self {
            documents: 640,
            vocabulary: 3000,
            hidden: 64,
            layers: 1,
            heads: 4,
            max_length: 192,
            tokens_per_step: 1024,
            adaptation_tokens: 5_000_000,
            anchoring_tokens: 6_000_000,
            learning_rate: 6e-3,
            train_sentences: 1200,
            test_sentences: 300,
            epochs: 12,
            finetune_learning_rate: 1e-3,
        }
    }

    /// The same way in seconds, to see that it can be gone; its numbers mean nothing.
    pub fn miniature() -> Self {
        Self {
            documents: 60,
            vocabulary: 1500,
            hidden: 32,
            layers: 1,
            heads: 2,
            max_length: 96,
            tokens_per_step: 512,
            adaptation_tokens: 3_000,
            anchoring_tokens: 6_000,
            train_sentences: 24,
            test_sentences: 12,
            epochs: 1,
            ..Self::demo()
        }
    }
}
