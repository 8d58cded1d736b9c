use crate::Processes;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use kbioxlm_model::compute_on;
use kbioxlm_ops::{AdamWStep, adamw, squared_norm};
use std::collections::HashMap;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Small gradients are added up over the processes together, up to so many numbers: each message has a price of its own.
const BUCKET: usize = 1 << 20;

/// Gradients of several backward passes, summed parameter by parameter.
///
/// Each is kept flat, so that parameters of all ranks live in one table.
#[derive(Debug, Default)]
pub(crate) struct GradientSum {
    /// In the order in which the parameters were met, never in that of their ids: ids are random, and the order
    /// of a floating-point sum shows in its last bits.
    order: Vec<ParamId>,
    sums: HashMap<ParamId, Tensor<1>>,
}

impl GradientSum {
    /// Adds the gradients of the module's parameters; parameters outside of the graph have none.
    pub(crate) fn add<M: Module>(&mut self, module: &M, gradients: Gradients) {
        struct Add<'a> {
            sum: &'a mut GradientSum,
            gradients: Gradients,
        }
        impl ModuleVisitor for Add<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let Some(gradient) = param.val().grad_remove(&mut self.gradients) else { return };
                let n = gradient.shape().num_elements();
                let gradient: Tensor<1> = gradient.reshape([n]);
                let sum = match self.sum.sums.remove(&param.id) {
                    Some(sum) => sum + gradient,
                    None => {
                        self.sum.order.push(param.id);
                        gradient
                    }
                };
                self.sum.sums.insert(param.id, sum);
            }
        }
        module.visit(&mut Add { sum: self, gradients });
    }

    /// Adds up the sums of all processes, in all of them: then a parameter has a gradient if it has one in any of them.
    pub(crate) fn add_up<M: Module>(&mut self, module: &M, processes: &dyn Processes) {
        struct Parameters(Vec<(ParamId, usize, Device)>);
        impl ModuleVisitor for Parameters {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push((param.id, param.lazy_shape().num_elements(), param.lazy_device().inner()));
            }
        }
        // Ids differ from process to process, the order of the parameters does not.
        let mut parameters = Parameters(Vec::new());
        module.visit(&mut parameters);
        let has = |(id, ..): &(ParamId, usize, Device)| f64::from(u8::from(self.sums.contains_key(id)));
        let mut holders: Vec<f64> = parameters.0.iter().map(has).collect();
        processes.sum_f64(&mut holders);
        self.order.clear();
        let mut bucket = Bucket::default();
        for ((id, elements, device), _) in parameters.0.into_iter().zip(holders).filter(|(_, holders)| *holders > 0.0) {
            if bucket.values.len() + elements > BUCKET {
                self.add_up_bucket(std::mem::take(&mut bucket), processes);
            }
            // Gradients are `f32`; if one was not, not-a-number would stop training visibly.
            let values = |gradient: Tensor<1>| gradient.try_into_vec_as().unwrap_or_else(|_| vec![f32::NAN; elements]);
            match self.sums.remove(&id).map(values) {
                Some(values) if bucket.values.is_empty() => bucket.values = values,
                Some(values) => bucket.values.extend(values),
                None => bucket.values.resize(bucket.values.len() + elements, 0.0),
            }
            bucket.parts.push((id, elements, device));
        }
        self.add_up_bucket(bucket, processes);
    }

    fn add_up_bucket(&mut self, bucket: Bucket, processes: &dyn Processes) {
        let Bucket { parts, mut values } = bucket;
        processes.sum(&mut values);
        let alone = parts.len() == 1;
        let mut start = 0;
        for (id, elements, device) in parts {
            let range = start..start + elements;
            start = range.end;
            let own = if alone { std::mem::take(&mut values) } else { values.get(range).unwrap_or_default().to_vec() };
            self.sums.insert(id, Tensor::from_data(TensorData::new(own, [elements]), &device));
            self.order.push(id);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// The Euclidean norm over all parameters together.
    pub(crate) fn norm(&self) -> f64 {
        let gradients: Vec<&Tensor<1>> = self.order.iter().filter_map(|id| self.sums.get(id)).collect();
        let Some(device) = gradients.first().map(|g| g.device()) else { return 0.0 };
        compute_on(&device, || gradients.into_iter().map(|g| squared_norm(g.clone())).sum::<f64>()).sqrt()
    }

    #[cfg(test)]
    pub(crate) fn by_id(&self) -> HashMap<ParamId, Vec<f32>> {
        self.sums.iter().map(|(id, sum)| (*id, sum.to_data().iter::<f32>().collect())).collect()
    }

    #[cfg(test)]
    pub(crate) fn values(&self) -> Vec<Vec<f32>> {
        self.order.iter().map(|id| self.sums[id].to_data().iter::<f32>().collect()).collect()
    }
}

/// Gradients that go through one message.
#[derive(Default)]
struct Bucket {
    /// Parameters with their numbers of elements, and where their gradients live.
    parts: Vec<(ParamId, usize, Device)>,
    /// The gradients, one behind the other.
    values: Vec<f32>,
}

/// The state of AdamW for one parameter, flat, in the order of this program's tensor.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub(crate) m: Tensor<1>,
    pub(crate) v: Tensor<1>,
    /// Updates so far: the bias correction counts from a parameter's own first update, which in a frozen part comes late.
    pub(crate) updates: u32,
}

/// AdamW (Loshchilov & Hutter 2019) with global norm clipping; no decay on biases and layer norms, which are the
/// one-dimensional parameters. A parameter without a gradient stays as it is, as in PyTorch.
#[derive(Debug)]
pub(crate) struct AdamW {
    weight_decay: f64,
    clip: f64,
    pub(crate) moments: HashMap<ParamId, Moments>,
    /// Factors on the learning rate of some parameters.
    pub(crate) rate_factors: HashMap<ParamId, f64>,
}

impl AdamW {
    pub(crate) fn new(weight_decay: f64, clip: f64) -> Self {
        Self { weight_decay, clip, moments: HashMap::new(), rate_factors: HashMap::new() }
    }

    /// One update; `norm` is that of `gradients`.
    pub(crate) fn update<M: Module>(&mut self, module: M, gradients: GradientSum, norm: f64, learning_rate: f64) -> M {
        // The small number is PyTorch's; it keeps the division defined.
        let grad_scale = (self.clip / (norm + 1e-6)).min(1.0) as f32;
        let gradients = gradients.sums;
        let Some(device) = gradients.values().next().map(Tensor::device) else { return module };
        compute_on(&device, || module.map(&mut Update { optimiser: self, gradients, grad_scale, learning_rate }))
    }
}

struct Update<'a> {
    optimiser: &'a mut AdamW,
    gradients: HashMap<ParamId, Tensor<1>>,
    grad_scale: f32,
    learning_rate: f64,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove(&param.id) else { return param };
        // Tensors are passed by value all the way: what nobody else holds is updated in place.
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let zeros = || Tensor::zeros(gradient.shape(), &gradient.device());
        let state = self.optimiser.moments.remove(&id);
        let Moments { m, v, updates } = state.unwrap_or_else(|| Moments { m: zeros(), v: zeros(), updates: 0 });
        let step = AdamWStep {
            learning_rate: (self.learning_rate * self.optimiser.rate_factors.get(&id).unwrap_or(&1.0)) as f32,
            beta1: BETA1,
            beta2: BETA2,
            epsilon: EPSILON,
            weight_decay: if D > 1 { self.optimiser.weight_decay as f32 } else { 0.0 },
            step: updates + 1,
            grad_scale: self.grad_scale,
        };
        let weight: Tensor<1> = tensor.inner().reshape([shape.num_elements()]);
        let (weight, m, v) = adamw(weight, gradient, m, v, &step);
        self.optimiser.moments.insert(id, Moments { m, v, updates: updates + 1 });
        let weight: Tensor<D> = weight.reshape(shape);
        Param::from_mapped_value(id, weight.autodiff().require_grad(), mapper)
    }
}

#[cfg(test)]
mod tests;
