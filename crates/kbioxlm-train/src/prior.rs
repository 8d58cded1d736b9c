use crate::encode::{EncodedExample, is_special};
use burn::module::Param;
use burn::tensor::TensorData;
use kbioxlm_model::{Pretrained, SpecialTokens, named_parameters};

/// Gives an MLM head whose bias is new (the base had none) the [`log_frequencies`] of the corpus as its bias.
pub(crate) fn set_prior(loaded: &mut Pretrained, examples: &[EncodedExample]) {
    let names = named_parameters(&loaded.model, loaded.config.layout);
    let Some(mlm) = &mut loaded.model.mlm else { return };
    let bias_is_new = names.iter().any(|p| p.id == mlm.bias.id && loaded.initialised.contains(&p.name));
    if bias_is_new {
        let prior = log_frequencies(examples, loaded.config.vocab_size, loaded.tokenizer.special());
        mlm.bias = Param::from_data(TensorData::new(prior, [loaded.config.vocab_size]), &mlm.bias.val().device());
    }
}

/// The natural logarithm of each piece's share of the corpus, `[vocabulary]`, one occurrence added to every piece.
///
/// A new MLM head starts with it as its bias: without knowing anything of the context it then predicts pieces as
/// often as they occur, and training need not spend its first steps, with large gradients into the
/// encoder, on learning that.
fn log_frequencies(examples: &[EncodedExample], vocabulary: usize, special: &SpecialTokens) -> Vec<f32> {
    let mut counts = vec![1_u64; vocabulary];
    for &id in examples.iter().flat_map(|e| &e.ids).filter(|&&id| !is_special(id, special)) {
        if let Some(count) = counts.get_mut(id as usize) {
            *count += 1;
        }
    }
    let total = counts.iter().sum::<u64>() as f64;
    counts.into_iter().map(|count| (count as f64 / total).ln() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbioxlm_corpus::Level;

    #[test]
    fn shares_are_smoothed_sum_to_one_and_leave_special_tokens_rare() {
        let example = EncodedExample {
            id: "a".into(),
            level: Level::Plain,
            languages: "en".into(),
            ids: vec![0, 5, 5, 5, 6, 2],
            spans: Vec::new(),
            words: Vec::new(),
            label: None,
            cut_tokens: 0,
            cut_facts: 0,
        };
        let special = SpecialTokens { bos: 0, pad: 1, eos: 2, unk: 3, mask: 4 };
        let logs = log_frequencies(&[example], 8, &special);
        let shares: Vec<f64> = logs.iter().map(|l| f64::from(*l).exp()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        // 4 occurrences and 8 added ones.
        assert!((shares[5] - 4.0 / 12.0).abs() < 1e-6 && (shares[6] - 2.0 / 12.0).abs() < 1e-6);
        assert!((shares[0] - 1.0 / 12.0).abs() < 1e-6);
    }
}
