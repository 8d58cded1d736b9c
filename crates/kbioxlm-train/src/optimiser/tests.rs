use super::*;
use crate::schedule::Schedule;
use burn::tensor::{Device, TensorData};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Module, Debug)]
struct Tiny {
    weight: Param<Tensor<2>>,
    norm: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

#[derive(Deserialize)]
struct Golden {
    start: BTreeMap<String, Vec<f32>>,
    steps: Vec<Step>,
    peak: f64,
    weight_decay: f64,
    clip: f64,
    warmup_ratio: f64,
}

#[derive(Deserialize)]
struct Step {
    gradients: BTreeMap<String, Option<Vec<f32>>>,
    norm: f64,
    learning_rate: f64,
    parameters: BTreeMap<String, Vec<f32>>,
}

impl Tiny {
    fn new(values: &BTreeMap<String, Vec<f32>>) -> Self {
        let device = Device::flex().autodiff();
        let flat = |name: &str| Param::from_data(TensorData::new(values[name].clone(), [4]), &device);
        let weight = Param::from_data(TensorData::new(values["weight"].clone(), [3, 4]), &device);
        Self { weight, norm: flat("norm"), bias: flat("bias") }
    }

    fn values(&self) -> [(&'static str, Vec<f32>); 3] {
        let flat = |p: &Param<Tensor<1>>| p.val().into_data().iter::<f32>().collect();
        let weight = self.weight.val().into_data().iter::<f32>().collect();
        [("weight", weight), ("norm", flat(&self.norm)), ("bias", flat(&self.bias))]
    }
}

/// The fixture is written by `tests/fixtures/adamw.py`.
#[test]
fn ten_steps_agree_with_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/fixtures/adamw.json")).unwrap();
    let schedule = Schedule::new(golden.peak, golden.warmup_ratio, golden.steps.len() as u64);
    let mut optimiser = AdamW::new(golden.weight_decay, golden.clip);
    let mut module = Tiny::new(&golden.start);
    let mut clipped = 0;
    for (i, step) in golden.steps.iter().enumerate() {
        let mut gradients = GradientSum::default();
        for (name, id) in [("weight", module.weight.id), ("norm", module.norm.id), ("bias", module.bias.id)] {
            if let Some(values) = &step.gradients[name] {
                let gradient = TensorData::new(values.clone(), [values.len()]);
                gradients.order.push(id);
                gradients.sums.insert(id, Tensor::from_data(gradient, &Device::flex()));
            }
        }
        let norm = gradients.norm();
        assert!((norm - step.norm).abs() < 1e-5 * norm, "step {i}: norm {norm}, PyTorch {}", step.norm);
        clipped += usize::from(norm > golden.clip);
        let rate = schedule.learning_rate(i as u64);
        assert!((rate - step.learning_rate).abs() < 1e-12, "step {i}: rate {rate}, PyTorch {}", step.learning_rate);
        module = optimiser.update(module, gradients, norm, rate);
        for (name, values) in module.values() {
            for (ours, theirs) in values.iter().zip(&step.parameters[name]) {
                assert!((ours - theirs).abs() < 1e-6, "step {i}, {name}: {ours}, PyTorch {theirs}");
            }
        }
    }
    assert!((3..=7).contains(&clipped), "the fixture should have steps with and without clipping, {clipped} have it");
}

#[test]
fn gradients_of_passes_add_up_and_absent_ones_stay_absent() {
    let values = [("weight", vec![0.5; 12]), ("norm", vec![1.0; 4]), ("bias", vec![0.0; 4])];
    let module = Tiny::new(&values.map(|(n, v)| (n.to_owned(), v)).into());
    let mut sum = GradientSum::default();
    for factor in [2.0, 3.0] {
        let loss = module.weight.val().sum().mul_scalar(factor);
        sum.add(&module, loss.backward());
    }
    assert_eq!(sum.values(), [vec![5.0; 12]]);
    assert!((sum.norm() - 5.0 * 12f64.sqrt()).abs() < 1e-6);
}

#[test]
fn a_parameter_can_learn_at_a_rate_of_its_own() {
    let values = [("weight", vec![0.5; 12]), ("norm", vec![1.0; 4]), ("bias", vec![0.0; 4])];
    let module = Tiny::new(&values.map(|(n, v)| (n.to_owned(), v)).into());
    let mut sum = GradientSum::default();
    sum.add(&module, (module.bias.val().sum() + module.norm.val().sum()).backward());
    let norm = sum.norm();
    let mut optimiser = AdamW::new(0.0, 10.0);
    optimiser.rate_factors.insert(module.bias.id, 3.0);
    let [_, (_, norms), (_, biases)] = optimiser.update(module, sum, norm, 0.1).values();
    assert!(norms.iter().all(|w| (w - 0.9).abs() < 1e-4) && biases.iter().all(|w| (w + 0.3).abs() < 1e-4));
}

#[test]
fn a_copy_of_the_weights_does_not_change_with_an_update() {
    let values = [("weight", vec![0.5; 12]), ("norm", vec![1.0; 4]), ("bias", vec![0.0; 4])];
    let module = Tiny::new(&values.map(|(n, v)| (n.to_owned(), v)).into());
    let copy = module.valid();
    let mut sum = GradientSum::default();
    sum.add(&module, module.weight.val().sum().backward());
    let norm = sum.norm();
    let module = AdamW::new(0.0, 1.0).update(module, sum, norm, 0.1);
    assert_eq!(copy.values()[0].1, vec![0.5; 12]);
    assert!(module.values()[0].1.iter().all(|w| (w - 0.4).abs() < 1e-4));
}
