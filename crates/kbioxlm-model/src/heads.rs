use crate::encoder::{Constants, DropoutSeeds, LayerNorm, Linear, parameter};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};
use kbioxlm_ops::{RowLoss, TiedTable, dropout, gelu, vocabulary_loss};

/// The masked-language-model head: dense, GELU, layer norm; the decoder is the word embeddings, plus a bias.
#[derive(Module, Debug)]
pub struct MlmHead {
    /// `hidden` -> `hidden`
    pub dense: Linear,
    /// Layer norm behind the GELU.
    pub norm: LayerNorm,
    /// `[vocabulary]`
    pub bias: Param<Tensor<1>>,
}

impl MlmHead {
    pub(crate) fn new(hidden: usize, vocabulary: usize, device: &Device) -> Self {
        Self {
            dense: Linear::new(hidden, hidden, device),
            norm: LayerNorm::new(hidden, device),
            bias: parameter([vocabulary], device),
        }
    }

    /// `[n, hidden]` -> `[n, vocabulary]`; `word`: the word embeddings, `[vocabulary, hidden]`.
    pub(crate) fn forward(&self, hidden: Tensor<2>, word: Tensor<2>, eps: f64) -> Tensor<2> {
        self.transform(hidden, eps).matmul(word.transpose()) + self.bias.val().unsqueeze()
    }

    /// `scale` times the sum of the cross-entropies of [`MlmHead::forward`], whose result is never whole in memory.
    pub(crate) fn loss(
        &self,
        hidden: Tensor<2>,
        words: &TiedTable,
        eps: f64,
        targets: &[u32],
        scale: f64,
    ) -> (Tensor<1>, Vec<RowLoss>) {
        vocabulary_loss(self.transform(hidden, eps), words, self.bias.val(), targets, scale)
    }

    fn transform(&self, hidden: Tensor<2>, eps: f64) -> Tensor<2> {
        self.norm.forward(gelu(self.dense.forward(hidden)), eps)
    }
}

/// Scores of neighbouring labels of a linear-chain conditional random field (Lafferty et al. 2001); the scores of single tokens
/// are those of token classification.
#[derive(Module, Debug)]
pub struct Crf {
    /// `[labels, labels]`, from the row's label to the column's.
    pub transitions: Param<Tensor<2>>,
    /// Of a sequence's first label, `[labels]`.
    pub start: Param<Tensor<1>>,
    /// Of a sequence's last label, `[labels]`.
    pub end: Param<Tensor<1>>,
}

impl Crf {
    pub(crate) fn new(labels: usize, device: &Device) -> Self {
        Self {
            transitions: parameter([labels, labels], device),
            start: parameter([labels], device),
            end: parameter([labels], device),
        }
    }
}

/// Sequence classification on `<s>`: dense, tanh, linear.
#[derive(Module, Debug)]
pub struct SequenceHead {
    /// `hidden` -> `hidden`; in the BERT layout this is the pooler.
    pub dense: Linear,
    /// `hidden` -> classes
    pub output: Linear,
    // BERT's pooler reads the state of `<s>` as it is; XLM-R's classifier drops some of it first.
    #[module(skip)]
    drop_input: bool,
}

impl SequenceHead {
    pub(crate) fn new(hidden: usize, classes: usize, drop_input: bool, device: &Device) -> Self {
        Self { dense: Linear::new(hidden, hidden, device), output: Linear::new(hidden, classes, device), drop_input }
    }

    pub(crate) fn forward(&self, cls: Tensor<2>, constants: &Constants, seeds: &mut DropoutSeeds) -> Tensor<2> {
        let mut x = cls;
        if self.drop_input {
            x = dropout(x, seeds.next(constants.classifier_dropout));
        }
        let x = activation::tanh(self.dense.forward(x));
        self.output.forward(dropout(x, seeds.next(constants.classifier_dropout)))
    }
}
