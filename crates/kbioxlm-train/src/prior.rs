use crate::encode::{EncodedExample, is_special};
use crate::finetune::{Target, TrainingItem};
use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use kbioxlm_model::{Pretrained, SpecialTokens, named_parameters};

/// Gives an MLM head whose bias is new (the base had none) the [`log_frequencies`] of the corpus as its bias.
pub(crate) fn set_prior(loaded: &mut Pretrained, examples: &[EncodedExample]) {
    let new = loaded.model.mlm.as_ref().is_some_and(|mlm| is_new(loaded, &mlm.bias));
    if let Some(mlm) = &mut loaded.model.mlm
        && new
    {
        set(&mut mlm.bias, log_frequencies(examples, loaded.config.vocab_size, loaded.tokenizer.special()));
    }
}

/// Gives a head for documents of any number of labels whose bias is new the log-odds of the labels as its bias (Lin et al. 2017,
/// *Focal Loss*, section 4.1): where most labels are rare, the first epochs would go into learning just that. Other targets
/// change nothing.
pub fn set_label_prior(loaded: &mut Pretrained, items: &[TrainingItem]) {
    let log_odds = log_odds(items);
    let new = !log_odds.is_empty() && loaded.model.sequence.as_ref().is_some_and(|h| is_new(loaded, &h.output.bias));
    if let Some(head) = &mut loaded.model.sequence
        && new
    {
        set(&mut head.output.bias, log_odds);
    }
}

/// The natural logarithm of each label's odds, one item with and one without it added; nothing for other targets.
fn log_odds(items: &[TrainingItem]) -> Vec<f32> {
    let (mut counts, mut all) = (Vec::new(), 0u32);
    for item in items {
        if let Target::Labels(labels) = &item.target {
            counts.resize(labels.len(), 0u32);
            counts.iter_mut().zip(labels).for_each(|(count, applies)| *count += u32::from(*applies));
            all += 1;
        }
    }
    counts.into_iter().map(|count| ((count as f32 + 1.0) / ((all - count) as f32 + 1.0)).ln()).collect()
}

/// Whether the model that was loaded did not have this parameter.
fn is_new(loaded: &Pretrained, parameter: &Param<Tensor<1>>) -> bool {
    let names = named_parameters(&loaded.model, loaded.config.layout);
    names.iter().any(|p| p.id == parameter.id && loaded.initialised.contains(&p.name))
}

fn set(parameter: &mut Param<Tensor<1>>, values: Vec<f32>) {
    let length = values.len();
    *parameter = Param::from_data(TensorData::new(values, [length]), &parameter.val().device());
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
    fn odds_are_smoothed_and_only_of_labels() {
        let item = |target| TrainingItem { windows: vec![vec![0, 2]], target };
        let labels = [[true, false], [true, false], [false, false]].map(|l| item(Target::Labels(l.to_vec())));
        let odds: Vec<f32> = log_odds(&labels).iter().map(|l| l.exp()).collect();
        assert!((odds[0] - 3.0 / 2.0).abs() < 1e-6 && (odds[1] - 1.0 / 4.0).abs() < 1e-6, "{odds:?}");
        assert!(log_odds(&[item(Target::Class(1)), item(Target::Tags(vec![Some(1)]))]).is_empty());
    }

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
