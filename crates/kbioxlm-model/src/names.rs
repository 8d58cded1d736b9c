//! The one place where the parts of a [`Model`] meet the names of HF's tensors.

use crate::{Layout, Model};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

/// A parameter as the optimiser and checkpoints see it.
#[derive(Clone, Debug)]
pub struct NamedParameter {
    /// HF's name of the tensor.
    pub name: String,
    /// Burn's id of the parameter in this model.
    pub id: ParamId,
    /// Shape in this program (a linear layer's weight is the transpose of HF's).
    pub shape: Vec<usize>,
    /// Whether weight decay applies: not to biases and layer norms.
    pub decay: bool,
}

/// All parameters in a fixed order.
pub fn named_parameters(model: &Model, layout: Layout) -> Vec<NamedParameter> {
    struct List {
        path: Path,
        parameters: Vec<NamedParameter>,
    }
    impl ModuleVisitor for List {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.parts.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.parts.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.parameters.push(NamedParameter {
                name: self.path.hf_name(),
                id: param.id,
                shape: param.lazy_shape().to_vec(),
                decay: D > 1,
            });
        }
    }
    let mut list = List { path: Path::new(layout), parameters: Vec::new() };
    model.visit(&mut list);
    list.parameters
}

/// A parameter's values, with HF's name and in HF's layout.
pub(crate) struct Values {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    read: Box<dyn Fn() -> Result<Vec<f32>, String>>,
}

impl Values {
    /// Copies the values from the device.
    pub(crate) fn read(&self) -> Result<Vec<f32>, String> {
        (self.read)()
    }
}

/// All parameters of a model; their values are copied one by one, when asked for.
pub(crate) fn values(model: &Model, layout: Layout) -> Vec<Values> {
    struct Collect {
        path: Path,
        values: Vec<Values>,
    }
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.parts.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.parts.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let ours = param.lazy_shape().to_vec();
            let transposed = self.path.is_transposed();
            let tensor = param.val();
            let shape = ours.clone();
            let read = move || {
                let values: Vec<f32> = tensor.clone().try_into_vec_as().map_err(|e| e.to_string())?;
                Ok(if transposed { transpose(&values, &ours) } else { values })
            };
            let shape = if transposed { shape.into_iter().rev().collect() } else { shape };
            self.values.push(Values { name: self.path.hf_name(), shape, read: Box::new(read) });
        }
    }
    let mut collect = Collect { path: Path::new(layout), values: Vec::new() };
    model.visit(&mut collect);
    collect.values
}

/// Gives every parameter the values that `source` has for its HF name and HF shape.
///
/// # Errors
/// The first error of `source`; it is not asked again after one.
pub(crate) fn fill<E, F: FnMut(&str, &[usize]) -> Result<Vec<f32>, E>>(
    model: Model,
    layout: Layout,
    source: F,
) -> Result<Model, E> {
    struct Fill<F, E> {
        path: Path,
        source: F,
        error: Option<E>,
    }
    impl<E, F: FnMut(&str, &[usize]) -> Result<Vec<f32>, E>> ModuleMapper for Fill<F, E> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.parts.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.parts.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.error.is_some() {
                return param;
            }
            let ours = param.lazy_shape();
            let transposed = self.path.is_transposed();
            let theirs: Vec<usize> = if transposed { ours.iter().rev().copied().collect() } else { ours.to_vec() };
            match (self.source)(&self.path.hf_name(), &theirs) {
                Ok(values) => {
                    let values = if transposed { transpose(&values, &theirs) } else { values };
                    let tensor = Tensor::from_data(TensorData::new(values, ours), &param.lazy_device());
                    let id = param.id;
                    param.transform_for_load(tensor, id)
                }
                Err(error) => {
                    self.error = Some(error);
                    param
                }
            }
        }
    }
    let mut filler = Fill { path: Path::new(layout), source, error: None };
    let model = model.map(&mut filler);
    filler.error.map_or(Ok(model), Err)
}

/// `[rows, columns]` -> `[columns, rows]`
fn transpose(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let &[rows, columns] = shape else { return values.to_vec() };
    let mut turned = vec![0.0; values.len()];
    // Tiles: both sides stay in the cache.
    const TILE: usize = 32;
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for row in top..rows.min(top + TILE) {
                for column in left..columns.min(left + TILE) {
                    turned[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    turned
}

/// Where a walk through a [`Model`] stands: the names of the fields from the root down.
struct Path {
    layout: Layout,
    parts: Vec<String>,
}

impl Path {
    fn new(layout: Layout) -> Self {
        Self { layout, parts: Vec::new() }
    }

    /// Only weights of [`crate::Linear`] are two-dimensional and called `weight`; HF stores them `[outputs, inputs]`.
    fn is_transposed(&self) -> bool {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        matches!(parts[..], [.., parent, "weight"] if !parent.ends_with("norm"))
    }

    fn hf_name(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        let prefix = self.layout.prefix();
        let bert = self.layout == Layout::Bert;
        match parts[..] {
            ["encoder", "word"] => format!("{prefix}.embeddings.word_embeddings.weight"),
            ["encoder", "position"] => format!("{prefix}.embeddings.position_embeddings.weight"),
            ["encoder", "token_type"] => format!("{prefix}.embeddings.token_type_embeddings.weight"),
            ["encoder", "norm", leaf] => format!("{prefix}.embeddings.LayerNorm.{leaf}"),
            ["encoder", "layers", layer, part, leaf] => {
                let part = match part {
                    "query" => "attention.self.query",
                    "key" => "attention.self.key",
                    "value" => "attention.self.value",
                    "attention_output" => "attention.output.dense",
                    "attention_norm" => "attention.output.LayerNorm",
                    "intermediate" => "intermediate.dense",
                    "output" => "output.dense",
                    "output_norm" => "output.LayerNorm",
                    other => other,
                };
                format!("{prefix}.encoder.layer.{layer}.{part}.{leaf}")
            }
            ["mlm", "dense", leaf] if bert => format!("cls.predictions.transform.dense.{leaf}"),
            ["mlm", "norm", leaf] if bert => format!("cls.predictions.transform.LayerNorm.{leaf}"),
            ["mlm", "bias"] if bert => "cls.predictions.bias".to_owned(),
            ["mlm", "dense", leaf] => format!("lm_head.dense.{leaf}"),
            ["mlm", "norm", leaf] => format!("lm_head.layer_norm.{leaf}"),
            ["mlm", "bias"] => "lm_head.bias".to_owned(),
            ["tokens", leaf] => format!("classifier.{leaf}"),
            ["sequence", "dense", leaf] if bert => format!("bert.pooler.dense.{leaf}"),
            ["sequence", "output", leaf] if bert => format!("classifier.{leaf}"),
            ["sequence", "dense", leaf] => format!("classifier.dense.{leaf}"),
            ["sequence", "output", leaf] => format!("classifier.out_proj.{leaf}"),
            ref other => other.join("."),
        }
    }
}
