use super::pairs::Place;
use super::*;
use burn::module::Module;
use burn::tensor::Device;
use kbioxlm_model::{Heads, Layout, ModelConfig, PackedBatch, init};

fn model() -> Model {
    let mut config = ModelConfig::new(Layout::XlmRoberta, 60, 16, 2, 2, 32);
    config.initializer_range = 0.2;
    init(&config, &Heads::default(), 3, &Device::flex())
}

fn sequence(i: usize, least: usize) -> Vec<u32> {
    (0..least + i * 5 % 4).map(|j| 5 + ((i * 7 + j * 3) % 55) as u32).collect()
}

fn names(n: usize) -> Pairs {
    let sequences = |from: usize| (from..from + n).map(|i| sequence(i, 3)).collect();
    Pairs::of_names(sequences(0), sequences(n))
}

/// Two spans in each of four texts, beside two others.
fn contexts() -> Pairs {
    let sequences: Vec<Vec<u32>> = (0..8).map(|i| sequence(i + 3, 9)).collect();
    let place = |sequence: usize, tokens: std::ops::Range<usize>| Place { sequence, tokens };
    let first = (0..8).map(|i| place(i / 2 * 2, if i % 2 == 0 { 1..3 } else { 4..8 })).collect();
    let second = (0..8).map(|i| place(i / 2 * 2 + 1, if i % 2 == 0 { 2..3 } else { 5..8 })).collect();
    Pairs { sequences, first, second }
}

/// Mean states, cosines and cross-entropies one by one in f64.
fn naive(model: &Model, groups: &[Pairs], temperature: f64) -> (f64, u64) {
    let (mut loss, mut right) = (0.0, 0);
    for pairs in groups {
        let embedding = |place: &Place| {
            let ids = &pairs.sequences[place.sequence];
            let states = model.encode(&PackedBatch::from_sequences(&[ids]), &mut DropoutSeeds::off());
            let [_, width] = states.dims();
            let states: Vec<f32> = states.into_data().iter::<f32>().collect();
            let own = &states[width * place.tokens.start..width * place.tokens.end];
            let mean = |d: usize| own.iter().skip(d).step_by(width).map(|x| f64::from(*x)).sum::<f64>();
            let sum: Vec<f64> = (0..width).map(mean).collect();
            let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
            sum.into_iter().map(|x| x / norm).collect::<Vec<f64>>()
        };
        let first: Vec<Vec<f64>> = pairs.first.iter().map(embedding).collect();
        let second: Vec<Vec<f64>> = pairs.second.iter().map(embedding).collect();
        for (from, to) in [(&first, &second), (&second, &first)] {
            for (i, name) in from.iter().enumerate() {
                let cosine = |other: &Vec<f64>| name.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / temperature;
                let scores: Vec<f64> = to.iter().map(cosine).collect();
                loss += scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[i];
                right += u64::from(scores.iter().all(|s| *s <= scores[i]));
            }
        }
    }
    (loss, right)
}

#[test]
fn the_loss_is_that_of_the_formula() {
    let model = model();
    let groups = [vec![names(2)], vec![names(7)], vec![names(9), contexts()], vec![names(1), contexts()]];
    for (groups, temperature) in groups.into_iter().zip([0.05, 0.1, 1.0, 0.1]) {
        let (mean, sum) = forward(&model, &groups, temperature, &mut DropoutSeeds::off()).unwrap();
        let told_apart: Vec<Pairs> = groups.into_iter().filter(|g| g.first.len() > 1).collect();
        let (loss, right) = naive(&model, &told_apart, temperature);
        assert!((sum.loss - loss).abs() < 1e-4 * loss.max(1.0), "{} {loss}", sum.loss);
        let count: usize = told_apart.iter().map(|g| 2 * g.first.len()).sum();
        assert_eq!((sum.correct, sum.count), (right, count as u64));
        let mean: f64 = mean.into_scalar::<f32>().into();
        assert!((mean - loss / count as f64).abs() < 1e-4 * mean.max(1.0));
    }
    assert!(forward(&model, &[names(1)], 0.05, &mut DropoutSeeds::off()).is_none(), "nothing to tell apart");
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let pairs = [names(5), contexts()];
    let base = model();
    let mean = |sum: TaskSum| sum.loss / sum.count as f64;
    let value = |model: &Model| mean(forward(model, &pairs, 0.2, &mut DropoutSeeds::off()).unwrap().1);
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
