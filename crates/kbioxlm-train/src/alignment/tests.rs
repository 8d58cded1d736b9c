use super::*;
use burn::module::Module;
use burn::tensor::Device;
use kbioxlm_model::{Heads, Layout, ModelConfig, init};

fn model() -> Model {
    let mut config = ModelConfig::new(Layout::XlmRoberta, 60, 16, 2, 2, 32);
    config.initializer_range = 0.2;
    init(&config, &Heads::default(), 3, &Device::flex())
}

fn names(n: usize) -> TermPairs {
    let name = |i: usize| (0..2 + 1 + i * 5 % 4).map(|j| 5 + ((i * 7 + j * 3) % 55) as u32).collect();
    TermPairs { sequences: (0..2 * n).map(name).collect() }
}

/// Mean states, cosines and cross-entropies one by one in f64.
fn naive(model: &Model, pairs: &TermPairs, temperature: f64) -> (f64, u64) {
    let embedding = |ids: &Vec<u32>| {
        let states = model.encode(&PackedBatch::from_sequences(&[ids]), &mut DropoutSeeds::off());
        let [_, width] = states.dims();
        let states: Vec<f32> = states.into_data().iter::<f32>().collect();
        let inner = &states[width..states.len() - width];
        let mean = |d: usize| inner.iter().skip(d).step_by(width).map(|x| f64::from(*x)).sum::<f64>();
        let sum: Vec<f64> = (0..width).map(mean).collect();
        let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        sum.into_iter().map(|x| x / norm).collect::<Vec<f64>>()
    };
    let embeddings: Vec<Vec<f64>> = pairs.sequences.iter().map(embedding).collect();
    let (first, second) = embeddings.split_at(embeddings.len() / 2);
    let (mut loss, mut right) = (0.0, 0);
    for (from, to) in [(first, second), (second, first)] {
        for (i, name) in from.iter().enumerate() {
            let cosine = |other: &Vec<f64>| name.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / temperature;
            let scores: Vec<f64> = to.iter().map(cosine).collect();
            loss += scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[i];
            right += u64::from(scores.iter().all(|s| *s <= scores[i]));
        }
    }
    (loss, right)
}

#[test]
fn the_loss_is_that_of_the_formula() {
    let model = model();
    for (n, temperature) in [(2, 0.05), (7, 0.1), (9, 1.0)] {
        let pairs = names(n);
        let (mean, sum) = forward(&model, &pairs, temperature, &mut DropoutSeeds::off()).unwrap();
        let (loss, right) = naive(&model, &pairs, temperature);
        assert!((sum.loss - loss).abs() < 1e-4 * loss.max(1.0), "{} {loss}", sum.loss);
        assert_eq!((sum.correct, sum.count), (right, 2 * n as u64));
        let mean: f64 = mean.into_scalar::<f32>().into();
        assert!((mean - loss / (2.0 * n as f64)).abs() < 1e-4 * mean.max(1.0));
    }
    assert!(forward(&model, &names(1), 0.05, &mut DropoutSeeds::off()).is_none(), "nothing to tell apart");
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let pairs = names(5);
    let base = model();
    let value = |model: &Model| forward(model, &pairs, 0.2, &mut DropoutSeeds::off()).unwrap().1.loss / 10.0;
    let tracked = base.clone().train();
    let (loss, _) = forward(&tracked, &pairs, 0.2, &mut DropoutSeeds::off()).unwrap();
    let mut gradients = loss.backward();
    let gradient = tracked.encoder.word.val().grad_remove(&mut gradients).unwrap();
    // Along the gradient itself, so that rounding in f32 is small against the change.
    let length: f32 = gradient.clone().powi_scalar(2).sum().sqrt().into_scalar();
    let along = |step: f32| {
        let mut moved = base.clone();
        let shift = gradient.clone().mul_scalar(step / length);
        moved.encoder.word = moved.encoder.word.map(|w| w + shift.clone());
        value(&moved)
    };
    let slope = (along(1e-2) - along(-1e-2)) / 2e-2;
    assert!((slope - f64::from(length)).abs() < 2e-2 * slope, "{slope} {length}");
}
