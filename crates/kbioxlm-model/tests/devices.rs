//! Other devices, which run plain Burn operations, against the processor, which runs fused ones.
//!
//! `cargo test -p kbioxlm-model --features webgpu --test devices` (or `vulkan`); a software driver such as Mesa's lavapipe will do.
#![cfg(any(feature = "vulkan", feature = "webgpu"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use kbioxlm_model::{DeviceName, DropoutSeeds, Heads, Model, PackedBatch, device, load, select_device};
use std::path::Path;

/// Hidden states, loss and all gradients of the masked language model.
fn outcome(layout: &str, device: &Device) -> Vec<Vec<f32>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(layout).join("mlm");
    let heads = Heads { mlm: true, ..Heads::default() };
    let model = load(&directory, &heads, 0, device).unwrap().model.train();
    let batch = PackedBatch::from_sequences(&[vec![0, 9, 17, 4, 11, 2], vec![0, 21, 4, 2]]);
    let (states, words) = model.encode_masked(&batch, &[3, 8], &mut DropoutSeeds::off());
    let (loss, _) = model.mlm_loss(states.clone(), &words, &[7, 30], 0.5);
    let mut found = vec![states.try_into_vec_as().unwrap(), loss.clone().try_into_vec_as().unwrap()];
    found.extend(gradients(&model, loss.backward()));
    found
}

fn gradients(model: &Model, gradients: Gradients) -> Vec<Vec<f32>> {
    struct Collect(Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad_remove(&mut self.0).unwrap();
            self.1.push(gradient.try_into_vec_as().unwrap());
        }
    }
    let mut collect = Collect(gradients, Vec::new());
    model.visit(&mut collect);
    collect.1
}

#[test]
fn a_gpu_agrees_with_the_processor() {
    select_device(if cfg!(feature = "webgpu") { DeviceName::Webgpu } else { DeviceName::Vulkan }).unwrap();
    for layout in ["xlm_roberta", "bert"] {
        let (found, expected) = (outcome(layout, &device()), outcome(layout, &Device::flex()));
        assert_eq!(found.len(), expected.len());
        assert!(expected.len() > 30 && expected.iter().flatten().any(|x| x.abs() > 0.1));
        for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(a.len(), b.len(), "tensor {i}");
            let scale = b.iter().fold(1.0f32, |m, x| m.max(x.abs()));
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-3 * scale), "{layout}: tensor {i} differs");
        }
    }
}
