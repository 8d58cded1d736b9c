use crate::batch::cut;
use burn::module::Module;
use burn::tensor::Tensor;
use kbioxlm_model::{DropoutSeeds, Model, PackedBatch, compute_on};

/// Scores of the labels for every token: one `[tokens][labels]` a sequence, in the order of the sequences.
///
/// Sequences (with their special tokens) are computed in batches of at most `tokens_per_batch` tokens, similar lengths together.
///
/// # Panics
/// When the model has no token classification head.
pub fn predict_tokens(model: &Model, sequences: &[Vec<u32>], tokens_per_batch: usize) -> Vec<Vec<Vec<f32>>> {
    let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
    predict(model, sequences, tokens_per_batch, &lengths, |model, batch| {
        let mut seeds = DropoutSeeds::off();
        let states = model.encode(batch, &mut seeds);
        model.token_logits(states, &mut seeds)
    })
}

/// Scores of the classes: one `[classes]` a sequence, in the order of the sequences.
///
/// # Panics
/// When the model has no sequence classification head.
pub fn predict_sequences(model: &Model, sequences: &[Vec<u32>], tokens_per_batch: usize) -> Vec<Vec<f32>> {
    let lengths = vec![1; sequences.len()];
    let rows = predict(model, sequences, tokens_per_batch, &lengths, |model, batch| {
        let mut seeds = DropoutSeeds::off();
        let states = model.encode_rows(batch, &batch.starts(), &mut seeds);
        model.sequence_logits(states, &mut seeds)
    });
    rows.into_iter().map(|rows| rows.into_iter().next().unwrap_or_default()).collect()
}

/// `rows`: rows of logits that belong to each sequence. An empty sequence has none.
fn predict(
    model: &Model,
    sequences: &[Vec<u32>],
    tokens_per_batch: usize,
    rows: &[usize],
    logits: impl Fn(&Model, &PackedBatch) -> Tensor<2> + Sync,
) -> Vec<Vec<Vec<f32>>> {
    let model = model.valid();
    let device = model.device();
    let length = |i: &usize| sequences.get(*i).map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..sequences.len()).filter(|i| length(i) > 0).collect();
    order.sort_by_key(length);
    let mut results = vec![Vec::new(); sequences.len()];
    for batch in cut(&order, length, tokens_per_batch) {
        let ids: Vec<&[u32]> = batch.iter().filter_map(|&i| sequences.get(i)).map(Vec::as_slice).collect();
        let logits = compute_on(&device, || logits(&model, &PackedBatch::from_sequences(&ids)));
        let [_, classes] = logits.dims();
        let values: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let mut values = values.chunks(classes.max(1));
        for i in batch {
            let n = rows.get(i).copied().unwrap_or_default();
            if let Some(result) = results.get_mut(i) {
                *result = values.by_ref().take(n).map(<[f32]>::to_vec).collect();
            }
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use kbioxlm_model::{Heads, Layout, ModelConfig, init};

    #[test]
    fn results_keep_their_order_whatever_the_batches() {
        let config = ModelConfig::new(Layout::XlmRoberta, 50, 16, 2, 2, 32);
        let heads = Heads { tokens: Some(3), ..Heads::default() };
        let tokens = init(&config, &heads, 1, &Device::flex());
        let heads = Heads { sequence: Some(2), ..Heads::default() };
        let classes = init(&config, &heads, 1, &Device::flex());
        let mut sequences: Vec<Vec<u32>> =
            (0..20).map(|i| (0..1 + i * 7 % 30).map(|j| 5 + (i + j) % 45).collect()).collect();
        sequences.push(Vec::new());
        let close = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        let one_by_one = predict_tokens(&tokens, &sequences, 1);
        let together = predict_tokens(&tokens, &sequences, 10_000);
        for ((a, b), sequence) in one_by_one.iter().zip(&together).zip(&sequences) {
            assert_eq!(a.len(), sequence.len());
            assert!(a.iter().zip(b).all(|(a, b)| a.len() == 3 && close(a, b)));
        }
        let one_by_one = predict_sequences(&classes, &sequences, 1);
        let together = predict_sequences(&classes, &sequences, 64);
        assert!(one_by_one.iter().zip(&together).all(|(a, b)| close(a, b)));
        assert_eq!((one_by_one[0].len(), one_by_one[20].len()), (2, 0));
    }
}
