//! What an example's logits are does not depend on what else is in its batch, nor on where in it the example stands.
//! Batches are packed, so there is no padding that could.

use burn::tensor::{Device, Tensor};
use kbioxlm_model::{DropoutSeeds, Heads, Layout, Model, ModelConfig, PackedBatch, init};
use proptest::prelude::*;

const VOCABULARY: usize = 50;

fn model(layout: Layout) -> Model {
    let mut config = ModelConfig::new(layout, VOCABULARY, 16, 2, 2, 40);
    config.initializer_range = 0.3; // so that logits differ by far more than the tolerance
    let heads = Heads { mlm: true, prp: true, mentions: true, tokens: Some(4), crf: true, sequence: Some(3) };
    init(&config, &heads, 3, &Device::flex())
}

/// Logits of all heads, sequence by sequence: masked pieces, token labels, passage relation, class.
fn logits(model: &Model, sequences: &[&Vec<u32>]) -> Vec<Vec<f32>> {
    let batch = PackedBatch::from_sequences(sequences);
    let off = &mut DropoutSeeds::off();
    let states = model.encode(&batch, off);
    let starts = model.encode_rows(&batch, &batch.starts(), off);
    let values = |logits: Tensor<2>| logits.try_into_vec_as::<f32>().unwrap();
    let of_tokens =
        [(values(model.mlm_logits(states.clone())), VOCABULARY), (values(model.token_logits(states, off)), 4)];
    let of_starts = [(values(model.prp_logits(starts.clone())), 3), (values(model.sequence_logits(starts, off)), 3)];
    let mut row = 0;
    let sequence = |(i, &length): (usize, &usize)| {
        let tokens = of_tokens.iter().flat_map(|(v, n)| &v[row * n..(row + length) * n]);
        let all = tokens.chain(of_starts.iter().flat_map(|(v, n)| &v[i * n..(i + 1) * n])).copied().collect();
        row += length;
        all
    };
    batch.lengths.iter().enumerate().map(sequence).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn neighbours_and_order_change_nothing(
        sequences in prop::collection::vec(prop::collection::vec(0u32..VOCABULARY as u32, 1..38), 1..7),
        order in any::<prop::sample::Index>(),
    ) {
        for layout in [Layout::XlmRoberta, Layout::Bert] {
            let model = model(layout);
            let alone: Vec<Vec<f32>> = sequences.iter().map(|s| logits(&model, &[s]).remove(0)).collect();
            // Rotated, and backwards: the last may stand first.
            let n = sequences.len();
            let shift = order.index(n);
            let order: Vec<usize> = (0..n).rev().map(|i| (i + shift) % n).collect();
            let together = logits(&model, &order.iter().map(|&i| &sequences[i]).collect::<Vec<_>>());
            for (found, &i) in together.iter().zip(&order) {
                prop_assert_eq!(found.len(), alone[i].len());
                for (a, b) in found.iter().zip(&alone[i]) {
                    prop_assert!((a - b).abs() < 2e-5 * b.abs().max(1.0), "{} beside others, {} alone", a, b);
                }
            }
        }
    }
}

#[test]
fn the_logits_depend_on_the_example_itself() {
    let model = model(Layout::XlmRoberta);
    let (a, b) = (vec![0, 7, 9, 2], vec![0, 7, 10, 2]);
    let [a, b] = [a, b].map(|s| logits(&model, &[&s]).remove(0));
    assert!(a.iter().zip(&b).any(|(x, y)| (x - y).abs() > 0.1));
}
