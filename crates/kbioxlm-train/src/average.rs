//! The mean of several models' weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The model whose every weight is the mean of that of `models`, added in their order; `None` without models.
///
/// They are states of one model, so that their parameters are the same; gradients are not tracked.
pub(crate) fn mean<'a, M: Module + 'a>(models: impl IntoIterator<Item = &'a M>) -> Option<M> {
    let mut models = models.into_iter();
    let first = models.next()?.clone();
    let others: Vec<std::vec::IntoIter<Tensor<1>>> = models.map(|model| weights(model).into_iter()).collect();
    Some(if others.is_empty() { first } else { first.map(&mut Mean { others }) })
}

/// All weights, flat, in the order in which a module is walked.
fn weights<M: Module>(model: &M) -> Vec<Tensor<1>> {
    struct Weights(Vec<Tensor<1>>);
    impl ModuleVisitor for Weights {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(flat(param.val()));
        }
    }
    let mut weights = Weights(Vec::new());
    model.visit(&mut weights);
    weights.0
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.shape().num_elements();
    tensor.reshape([count])
}

struct Mean {
    others: Vec<std::vec::IntoIter<Tensor<1>>>,
}

impl ModuleMapper for Mean {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let sum = self.others.iter_mut().filter_map(Iterator::next).fold(flat(tensor), |sum, other| sum + other);
        let mean: Tensor<D> = sum.div_scalar(self.others.len() as f64 + 1.0).reshape(shape);
        Param::from_mapped_value(id, mean, mapper)
    }
}
