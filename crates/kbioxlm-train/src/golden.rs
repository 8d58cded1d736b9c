//! Losses, gradients and ten whole steps of a tiny model against PyTorch's (`tests/fixtures/training.py`).

use crate::Schedule;
use crate::loss::{LossSums, MicroBatch, Totals, backward};
use crate::masking::{MaskedExample, MlmTask};
use crate::metrics::TaskSum;
use crate::optimiser::{AdamW, GradientSum};
use burn::module::Param;
use burn::tensor::{Device, TensorData};
use kbioxlm_model::{DropoutSeeds, Heads, Linear, Model, Pretrained, load, named_parameters, save};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LAYOUTS: [&str; 2] = ["xlm_roberta", "bert"];

type Tensors = BTreeMap<String, Vec<f32>>;

#[derive(Deserialize)]
struct Golden {
    peak: f64,
    warmup_ratio: f64,
    weight_decay: f64,
    clip: f64,
    examples: Vec<Row>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Row {
    ids: Vec<u32>,
    positions: Vec<usize>,
    targets: Vec<u32>,
    relations: Vec<usize>,
    label: Option<u8>,
}

#[derive(Deserialize)]
struct Step {
    examples: Vec<usize>,
    mlm: f64,
    prp: f64,
    norm: f64,
    learning_rate: f64,
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/training")
}

fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    file.iter().map(|(name, view)| (name.to_owned(), values(view.data()))).collect()
}

/// The model of the fixture on an autodiff device, what PyTorch did with it, and the tensors that it had.
fn open(layout: &str) -> (Pretrained, Golden, Tensors) {
    let golden = serde_json::from_slice(&std::fs::read(tests().join(format!("{layout}.json"))).unwrap()).unwrap();
    let tensors = tensors(&tests().join(format!("{layout}.safetensors")));
    let device = Device::flex().autodiff();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kbioxlm-model/tests/fixtures").join(layout).join("mlm");
    let heads = Heads { mlm: true, prp: true, ..Heads::default() };
    let mut loaded = load(&dir, &heads, 0, &device).unwrap();
    assert_eq!(loaded.initialised, ["prp.weight", "prp.bias"]);
    let (weight, bias) = (&tensors["prp.weight"], &tensors["prp.bias"]);
    let width = weight.len() / 3;
    let weight = TensorData::new(transposed(weight, width), [width, 3]);
    let bias = TensorData::new(bias.clone(), [3]);
    loaded.model.prp =
        Some(Linear { weight: Param::from_data(weight, &device), bias: Param::from_data(bias, &device) });
    (loaded, golden, tensors)
}

/// From HF's `[outputs, inputs]` to `[inputs, outputs]`, or back with the other number of columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns).copied()).collect()
}

fn example(row: &Row) -> MaskedExample {
    let task = |p| if row.relations.contains(p) { MlmTask::Relation } else { MlmTask::Entity };
    MaskedExample {
        ids: row.ids.clone(),
        positions: row.positions.clone(),
        targets: row.targets.clone(),
        tasks: row.positions.iter().map(task).collect(),
        label: row.label,
    }
}

/// Forward and backward over micro-batches of `size` examples.
fn gradients(model: &Model, examples: &[MaskedExample], size: usize) -> (GradientSum, LossSums) {
    let batches: Vec<MicroBatch> = examples.chunks(size).map(MicroBatch::new).collect();
    let totals = Totals::of(&batches);
    let (mut gradients, mut sums) = (GradientSum::default(), LossSums::default());
    for batch in &batches {
        if let Some((gradient, sum)) = backward(model, batch, totals, &mut DropoutSeeds::off()) {
            gradients.add(model, gradient);
            sums.add(sum);
        }
    }
    (gradients, sums)
}

fn mean_mlm(sums: &LossSums) -> f64 {
    let mut mlm = sums.entity;
    mlm.add(sums.relation);
    mlm.mean().unwrap().loss
}

/// Softmax does not change when all scores of a row do, so the bias of a key has the gradient 0: what is computed is
/// rounding, which AdamW, dividing by the size of the gradient, makes steps of.
fn is_key_bias(name: &str) -> bool {
    name.ends_with("attention.self.key.bias")
}

#[test]
fn gradients_of_both_losses_agree_with_pytorch_for_every_parameter() {
    for layout in LAYOUTS {
        let (loaded, golden, expected) = open(layout);
        let all: Vec<MaskedExample> = golden.examples.iter().map(example).collect();
        let mlm = all.iter().map(|e| MaskedExample { label: None, ..e.clone() }).collect::<Vec<_>>();
        let unmasked =
            |e: &MaskedExample| MaskedExample { positions: vec![], targets: vec![], tasks: vec![], ..e.clone() };
        let prp = all.iter().map(unmasked).collect::<Vec<_>>();
        for (kind, examples) in [("mlm", mlm), ("prp", prp)] {
            for size in [examples.len(), 2] {
                let (sum, _) = gradients(&loaded.model, &examples, size);
                let found = sum.by_id();
                let mut checked = 0;
                for parameter in named_parameters(&loaded.model, loaded.config.layout) {
                    let name = &parameter.name;
                    let what = format!("{layout}, {kind}, {size} a batch, {name}");
                    let Some(expected) = expected.get(&format!("{kind} gradient {name}")) else {
                        assert!(!found.contains_key(&parameter.id), "{what}: PyTorch has no gradient");
                        continue;
                    };
                    let mut values = found[&parameter.id].clone();
                    if let [_, outputs] = parameter.shape[..]
                        && !name.contains("embeddings")
                    {
                        values = transposed(&values, outputs);
                    }
                    assert_gradient(&what, &values, expected);
                    checked += 1;
                }
                // All but the head of the other task.
                let heads = if kind == "mlm" { 2 } else { 5 };
                assert_eq!(checked, named_parameters(&loaded.model, loaded.config.layout).len() - heads);
            }
        }
    }
}

/// Relative error of at most 1e-4, of the whole by its norm and of each element by the largest one.
fn assert_gradient(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let size = norm(&mut expected.iter().copied());
    // Only that of a key's bias is 0, up to rounding of sums of numbers near 1.
    let floor = if is_key_bias(what) { 1e-6 } else { 0.0 };
    assert!(size > 1e-4 || floor > 0.0, "{what}: a gradient of norm {size} tests nothing");
    let error = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    assert!(error <= 1e-4 * size + floor, "{what}: error {error} of norm {size}");
    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-4 * largest + floor as f32, "{what}[{i}]: {a}, PyTorch {b}");
    }
}

#[test]
fn ten_steps_of_the_whole_model_agree_with_pytorch() {
    for layout in LAYOUTS {
        // One micro-batch a step, and several: the same training.
        for size in [usize::MAX, 2] {
            ten_steps(layout, size);
        }
    }
}

fn ten_steps(layout: &str, size: usize) {
    let (loaded, golden, tensors) = open(layout);
    let Pretrained { mut model, config, tokenizer, .. } = loaded;
    let schedule = Schedule::new(golden.peak, golden.warmup_ratio, golden.steps.len() as u64);
    let mut optimiser = AdamW::new(golden.weight_decay, golden.clip);
    let mut clipped = 0;
    for (i, step) in golden.steps.iter().enumerate() {
        let examples: Vec<MaskedExample> = step.examples.iter().map(|&e| example(&golden.examples[e])).collect();
        let (gradients, sums) = gradients(&model, &examples, size);
        let prp = TaskSum::mean(sums.prp).unwrap().loss;
        for (what, found, expected) in [("mlm", mean_mlm(&sums), step.mlm), ("prp", prp, step.prp)] {
            assert!(
                (found - expected).abs() < 1e-5 * expected,
                "{layout}, step {i}: {what} {found}, PyTorch {expected}"
            );
        }
        assert!((sums.total() - step.mlm - step.prp).abs() < 1e-4);
        let norm = gradients.norm();
        assert!((norm - step.norm).abs() < 1e-4 * norm, "{layout}, step {i}: norm {norm}, PyTorch {}", step.norm);
        clipped += usize::from(norm > golden.clip);
        let rate = schedule.learning_rate(i as u64);
        assert!((rate - step.learning_rate).abs() < 1e-12, "step {i}: rate {rate}, PyTorch {}", step.learning_rate);
        model = optimiser.update(model, gradients, norm, rate);
    }
    assert!((3..=7).contains(&clipped), "{layout}: clipped in {clipped} steps");

    // Through the file that a run writes: names and layout are HF's.
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), &config, &model, &tokenizer, None).unwrap();
    let found = self::tensors(&dir.path().join("model.safetensors"));
    let expected = tensors.iter().filter_map(|(name, values)| Some((name.strip_prefix("after ")?, values)));
    let expected: BTreeMap<&str, &Vec<f32>> = expected.collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in expected {
        let tolerance = if is_key_bias(name) { 10.0 * golden.peak as f32 } else { 1e-5 };
        for (i, (a, b)) in found[name].iter().zip(expected).enumerate() {
            assert!((a - b).abs() <= tolerance, "{layout}, {size} a batch, {name}[{i}]: {a}, PyTorch {b}");
        }
    }
}
