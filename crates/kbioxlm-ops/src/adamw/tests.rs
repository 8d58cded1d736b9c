use super::*;
use crate::plain;
use crate::simd::Portable;
use crate::testing::{close, random};
use burn::tensor::{DType, Device};

const STEP: AdamWStep = AdamWStep {
    learning_rate: 0.01,
    beta1: 0.9,
    beta2: 0.98,
    epsilon: 1e-6,
    weight_decay: 0.1,
    step: 1,
    grad_scale: 0.5,
};

fn elements<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_to_vec().unwrap()
}

/// The update as in the paper, in `f64`, for one weight.
fn scalar(weight: f64, grad: f64, m: f64, v: f64, step: u32) -> (f64, f64, f64) {
    let s = AdamWStep { step, ..STEP };
    let [lr, b1, b2, eps, decay, scale] =
        [s.learning_rate, s.beta1, s.beta2, s.epsilon, s.weight_decay, s.grad_scale].map(f64::from);
    let g = grad * scale;
    let m = b1 * m + (1.0 - b1) * g;
    let v = b2 * v + (1.0 - b2) * g * g;
    let m_hat = m / (1.0 - b1.powi(step as i32));
    let v_hat = v / (1.0 - b2.powi(step as i32));
    (weight - lr * decay * weight - lr * m_hat / (v_hat.sqrt() + eps), m, v)
}

#[test]
fn equals_a_scalar_implementation_over_several_steps() {
    let shape = [123, 301];
    let device = Device::flex();
    let start = || crate::testing::tensor(&random(1, shape, 1.0), &device, DType::F32);
    let zeros = || Tensor::<2>::zeros(shape, &device);
    let (mut fused, mut reference) = ((start(), zeros(), zeros()), (start(), zeros(), zeros()));
    let mut expected: Vec<(f64, f64, f64)> = elements(&start()).iter().map(|&w| (f64::from(w), 0.0, 0.0)).collect();
    for step in 1..=5 {
        let input = random(10 + u64::from(step), shape, 3.0);
        let grad = crate::testing::tensor(&input, &device, DType::F32);
        let s = AdamWStep { step, ..STEP };
        fused = adamw(fused.0, grad.clone(), fused.1, fused.2, &s);
        reference = plain::adamw(reference.0, grad, reference.1, reference.2, &s);
        for (e, &g) in expected.iter_mut().zip(&input.elements) {
            *e = scalar(e.0, f64::from(g), e.1, e.2, step);
        }
    }
    for (weight, m, v) in [fused, reference] {
        close("weight", &elements(&weight), &expected.iter().map(|e| e.0 as f32).collect::<Vec<_>>(), 2e-6);
        close("m", &elements(&m), &expected.iter().map(|e| e.1 as f32).collect::<Vec<_>>(), 2e-6);
        close("v", &elements(&v), &expected.iter().map(|e| e.2 as f32).collect::<Vec<_>>(), 2e-6);
    }
}

#[test]
fn weights_in_use_elsewhere_are_not_overwritten() {
    let device = Device::flex();
    let weight = Tensor::<1>::ones([5], &device);
    let (zeros, grad) = (Tensor::<1>::zeros([5], &device), Tensor::<1>::ones([5], &device));
    let (new, _, _) = adamw(weight.clone(), grad, zeros.clone(), zeros.clone(), &STEP);
    assert_eq!((elements(&weight), elements(&zeros)), (vec![1.0; 5], vec![0.0; 5]));
    assert!(elements(&new).iter().all(|&w| w < 1.0));
}

#[test]
fn zero_gradient_only_decays() {
    let device = Device::flex();
    let zeros = || Tensor::<1>::zeros([3], &device);
    let (weight, _, _) = adamw(Tensor::ones([3], &device), zeros(), zeros(), zeros(), &STEP);
    close("weight", &elements(&weight), &[0.999; 3], 1e-7);
}

#[test]
fn both_versions_agree() {
    let [w, g, m, v] = [1, 2, 3, 4].map(|seed| random(seed, [1, 500], 1.0).elements);
    let v: Vec<f32> = v.iter().map(|v| v * v).collect();
    let [mut fast, mut slow] = [0; 2].map(|_| (w.clone(), m.clone(), v.clone()));
    chunk::run(&mut fast.0, &g, &mut fast.1, &mut fast.2, STEP);
    chunk::generic::<Portable>(&mut slow.0, &g, &mut slow.1, &mut slow.2, STEP);
    close("weight", &fast.0, &slow.0, 1e-6);
    close("m", &fast.1, &slow.1, 1e-6);
    close("v", &fast.2, &slow.2, 1e-6);
}

#[test]
fn late_steps_have_no_correction() {
    assert_eq!(AdamWStep { step: u32::MAX, ..STEP }.corrections(), [1.0, 1.0]);
}
