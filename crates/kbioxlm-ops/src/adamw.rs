//! AdamW in place.

use crate::flex::{CHUNK, contiguous, is_fused, recycle};
use crate::norm::without_autodiff;
use crate::simd::kernel;
use burn::backend::Flex;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// One step of AdamW (Loshchilov and Hutter 2019): decoupled weight decay and bias-corrected moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Decay rate of the mean of the gradients.
    pub beta1: f32,
    /// Decay rate of the mean of the squared gradients.
    pub beta2: f32,
    /// Added to the root of the corrected second moment.
    pub epsilon: f32,
    /// Weight decay, multiplied by the learning rate; 0 for biases and layer norms.
    pub weight_decay: f32,
    /// Number of this step, from 1.
    pub step: u32,
    /// Factor on the gradient, applied first: clipping, or one over the number of accumulated batches.
    pub grad_scale: f32,
}

impl AdamWStep {
    /// The factors that correct the bias of the two moments.
    pub(crate) fn corrections(&self) -> [f32; 2] {
        // Beyond the largest exponent the powers have long been 0.
        let power = i32::try_from(self.step).unwrap_or(i32::MAX);
        [self.beta1, self.beta2].map(|beta| (1.0 / (1.0 - f64::from(beta).powi(power))) as f32)
    }
}

/// One AdamW step; returns the new weight and moments `m` and `v`, which start as zeros.
///
/// On the fused path the three are updated in place if nothing else holds them. The results do not track gradients.
///
/// # Panics
/// If the shapes differ.
pub fn adamw<const D: usize>(
    weight: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    step: &AdamWStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    for other in [&grad, &m, &v] {
        assert_eq!(weight.dims(), other.dims(), "adamw: gradient or moment has not the shape of the weight");
    }
    let [weight, grad, m, v] = [weight, grad, m, v].map(without_autodiff);
    if ![&weight, &grad, &m, &v].into_iter().all(is_fused) {
        return crate::plain::adamw(weight, grad, m, v, step);
    }
    let (weight, m, v) = update(primitive(weight), primitive(grad), primitive(m), primitive(v), step);
    let tensor = |x| Tensor::from_primitive::<Flex>(x);
    (tensor(weight), tensor(m), tensor(v))
}

/// The flex tensor, whose elements fill its storage in row order.
///
/// # Panics
/// If `x` is not on the flex device, which the caller has checked.
fn primitive<const D: usize>(x: Tensor<D>) -> FlexTensor {
    match x.try_into_primitive::<Flex>() {
        Ok(x) => contiguous(x),
        Err(error) => unreachable!("the tensor was on the flex device: {error:?}"),
    }
}

fn update(
    mut weight: FlexTensor,
    grad: FlexTensor,
    mut m: FlexTensor,
    mut v: FlexTensor,
    step: &AdamWStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    weight
        .storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .zip(grad.storage::<f32>().par_chunks(CHUNK))
        .zip(m.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(v.storage_mut::<f32>().par_chunks_mut(CHUNK)))
        .for_each(|((weight, grad), (m, v))| chunk::run(weight, grad, m, v, *step));
    recycle(grad);
    (weight, m, v)
}

kernel! {
    /// One step for some of the elements.
    fn chunk<A>(weight: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32], step: AdamWStep) {
        let [correction1, correction2] = step.corrections();
        let AdamWStep { learning_rate, beta1, beta2, epsilon, weight_decay, grad_scale, .. } = step;
        let keep = 1.0 - learning_rate * weight_decay;
        let rate = learning_rate * correction1;
        for ((weight, grad), (m, v)) in weight.iter_mut().zip(grad).zip(m.iter_mut().zip(v)) {
            let grad = grad * grad_scale;
            *m = A::mul_add(beta1, *m, (1.0 - beta1) * grad);
            *v = A::mul_add(beta2, *v, (1.0 - beta2) * grad * grad);
            *weight = A::mul_add(keep, *weight, -rate * *m / ((*v * correction2).sqrt() + epsilon));
        }
    }
}

#[cfg(test)]
mod tests;
