use crate::TrainError;
use crate::config::{least, not_negative, positive, share};
use crate::encode::MIN_LENGTH;
use documented::DocumentedFields;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroUsize};

/// How text that comes in tokens, as that of named entities does, becomes sub-tokens.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// As running text, as in pretraining. In text without spaces a sub-token can hold the end of an entity and what follows.
    Text,
    /// Each token for itself, so that none shares a sub-token with another. A token without white space before it (a Chinese
    /// character) gets the sub-tokens of the middle of a text: without `▁`, where the vocabulary has them.
    Words,
    /// Each token for itself and with its `▁`, as HF's `is_split_into_words` does it: a Chinese character is mostly two
    /// sub-tokens, `▁` and itself, and the first of them is the `▁`.
    MarkedWords,
}

/// Which sub-tokens of a token carry its label. A token's answer is that of its first sub-token either way.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelledPieces {
    /// All of them.
    All,
    /// The first one; the others have no loss.
    First,
}

/// How the labels of tokens are learnt and decoded. Either way an `I-` follows only a `B-` or `I-` of its type.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenHead {
    /// Each for itself, by the cross-entropy of its label.
    Softmax,
    /// As a whole, by the likelihood of the sequence: a linear-chain conditional random field (Lafferty et al. 2001) over the
    /// first sub-tokens.
    Crf,
}

/// How a text shows the two entities between which a relation is asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationText {
    /// The type instead of the name: `@GENE$`.
    Anonymised,
    /// Name and type between marks: `@ * gene * BRCA1 @` and `# ^ disease ^ cancer #`.
    Marked,
}

/// Settings of a fine-tuning run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct FinetuneConfig {
    /// Seed of the order of the items and of dropout.
    pub seed: u64,
    /// Passes through the items at most.
    pub epochs: NonZeroU32,
    /// Peak of the learning rate.
    pub learning_rate: f64,
    /// What the learning rate of a layer is multiplied by for the layer below it: the heads have the whole, the highest layer this
    /// part of it, and the embeddings least (Clark et al. 2020, section 3.1). With less than 1 a model keeps more of what it knew,
    /// such as languages that it is not fine-tuned in.
    #[serde(skip_serializing_if = "is_one")]
    pub layer_decay: f64,
    /// Items a step.
    pub batch_size: NonZeroUsize,
    /// Share of the steps in which the learning rate rises.
    pub warmup_ratio: f64,
    /// AdamW's weight decay; biases and layer norms have none.
    pub weight_decay: f64,
    /// Largest norm of the gradient over all parameters together.
    pub clip: f64,
    /// Tokens that are read at once, special tokens counted. Longer documents are read in windows: for entities they are cut
    /// between sentences; for classes and labels the windows overlap by at least a quarter, and a document has the largest score
    /// of all its windows.
    pub max_length: usize,
    /// How the text of named entities becomes sub-tokens: as running `text`; by `words`, each token for itself; or by
    /// `marked-words`, each with a `▁` of its own.
    pub encoding: TextEncoding,
    /// Which sub-tokens of a token are labelled: `all`, or the `first`.
    pub label: LabelledPieces,
    /// How the labels of tokens are learnt: by `softmax`, each for itself, or by `crf`, as a sequence whose neighbours have
    /// scores too, which needs `label = "first"`.
    pub head: TokenHead,
    /// Peak of the learning rate of the scores of neighbouring labels, with `head = "crf"`: they begin at nothing, and a rate made for a
    /// pretrained encoder would leave them there.
    pub crf_learning_rate: f64,
    /// How classification shows the two entities that each document then must have: `anonymised` as `@GENE$`, or `marked` as
    /// `@ * gene * BRCA1 @`. Without it texts are read as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<RelationText>,
    /// Epochs over whose weights the mean is taken: the model after an epoch, which is scored and maybe kept, is the mean of
    /// what training had reached after it and after the epochs before it, so many together (Izmailov et al. 2018). With 1 it is
    /// what training has reached.
    pub average: NonZeroU32,
    /// Epochs without a better score after which the run ends; without it all epochs are run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<NonZeroU32>,
}

/// Settings without the key are those of models that were tuned before there was any choice.
fn is_one(layer_decay: &f64) -> bool {
    *layer_decay == 1.0
}

impl Default for FinetuneConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: NonZeroU32::MIN.saturating_add(2),
            learning_rate: 5e-5,
            layer_decay: 1.0,
            batch_size: NonZeroUsize::MIN.saturating_add(15),
            warmup_ratio: 0.1,
            weight_decay: 0.01,
            clip: 1.0,
            max_length: 256,
            encoding: TextEncoding::Text,
            label: LabelledPieces::All,
            head: TokenHead::Softmax,
            crf_learning_rate: 5e-2,
            relation: None,
            average: NonZeroU32::MIN,
            patience: None,
        }
    }
}

impl FinetuneConfig {
    /// Checks the settings that do not depend on model and items.
    ///
    /// # Errors
    /// [`TrainError::Setting`] names the first setting that cannot work.
    pub fn check(&self) -> Result<(), TrainError> {
        least("max_length", self.max_length, MIN_LENGTH, "tokens")?;
        positive("learning_rate", self.learning_rate)?;
        positive("crf_learning_rate", self.crf_learning_rate)?;
        positive("layer_decay", self.layer_decay)?;
        share("layer_decay", self.layer_decay)?;
        positive("clip", self.clip)?;
        share("warmup_ratio", self.warmup_ratio)?;
        if self.head == TokenHead::Crf && self.label == LabelledPieces::All {
            return Err(TrainError::Setting {
                key: "label",
                found: "\"all\"".to_owned(),
                expected: "\"first\", with `head = \"crf\"`".to_owned(),
                help: "set it too: a chain of labels goes from word to word, and a word has one label".to_owned(),
            });
        }
        not_negative("weight_decay", self.weight_decay)
    }
}
