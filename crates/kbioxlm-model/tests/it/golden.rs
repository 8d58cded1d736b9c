//! Hidden states, logits and gradients against what `transformers` computed (`fixtures/make_fixtures.py`).

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use kbioxlm_model::{DropoutSeeds, Heads, Layout, Model, PackedBatch, Pretrained, load, named_parameters};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LAYOUTS: [(&str, Layout); 2] = [("xlm_roberta", Layout::XlmRoberta), ("bert", Layout::Bert)];

fn fixture(layout: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(layout).join(file)
}

fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    file.iter().map(|(name, view)| (name.to_owned(), values(view.data()))).collect()
}

#[derive(serde::Deserialize)]
struct Inputs {
    sequences: Vec<Vec<u32>>,
    positions: Vec<usize>,
    targets: Vec<u32>,
}

fn inputs(layout: &str) -> Inputs {
    serde_json::from_slice(&std::fs::read(fixture(layout, "inputs.json")).unwrap()).unwrap()
}

fn open(layout: &str, kind: &str, heads: &Heads, device: &Device) -> Pretrained {
    let loaded = load(&fixture(layout, kind), heads, 0, device).unwrap();
    assert!(loaded.initialised.is_empty(), "not in the fixture: {:?}", loaded.initialised);
    assert!(loaded.ignored.is_empty(), "not read: {:?}", loaded.ignored);
    loaded
}

fn rows(model_rows: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i64> = rows.iter().map(|&r| r as i64).collect();
    let count = rows.len();
    let device = model_rows.device();
    model_rows.select(0, Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &device))
}

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-4 * scale, "{what}[{i}]: {a}, expected {b}");
    }
}

fn vector(tensor: Tensor<2>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn mlm() -> Heads {
    Heads { mlm: true, ..Heads::default() }
}

#[test]
fn encoder_and_all_heads_agree_with_transformers() {
    let device = Device::flex();
    let off = &mut DropoutSeeds::off();
    for (name, _) in LAYOUTS {
        let expected = tensors(&fixture(name, "expected.safetensors"));
        let batch = PackedBatch::from_sequences(&inputs(name).sequences);
        let model = open(name, "mlm", &mlm(), &device).model;
        let hidden = model.encode(&batch, off);
        assert_close(&format!("{name} hidden"), &vector(hidden.clone()), &expected["hidden"]);
        assert_close(&format!("{name} mlm"), &vector(model.mlm_logits(hidden)), &expected["mlm"]);

        let model = open(name, "tokens", &Heads { tokens: Some(5), ..Heads::default() }, &device).model;
        let logits = model.token_logits(model.encode(&batch, off), off);
        assert_close(&format!("{name} tokens"), &vector(logits), &expected["tokens"]);

        let model = open(name, "sequence", &Heads { sequence: Some(4), ..Heads::default() }, &device).model;
        let logits = model.sequence_logits(model.encode_rows(&batch, &batch.starts(), off), off);
        assert_close(&format!("{name} sequence"), &vector(logits), &expected["sequence"]);
    }
}

/// Mean cross-entropy in plain operations, so that the loss is not what is tested.
fn loss(model: &Model, inputs: &Inputs) -> Tensor<1> {
    let batch = PackedBatch::from_sequences(&inputs.sequences);
    let hidden = model.encode_rows(&batch, &inputs.positions, &mut DropoutSeeds::off());
    let log = burn::tensor::activation::log_softmax(model.mlm_logits(hidden), 1);
    let [n, _] = log.dims();
    let targets: Vec<i64> = inputs.targets.iter().map(|&t| i64::from(t)).collect();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [n, 1]), &log.device());
    log.gather(1, targets).mean().neg()
}

struct GradientValues<'a> {
    gradients: &'a Gradients,
    values: BTreeMap<ParamId, (Vec<usize>, Vec<f32>)>,
}

impl ModuleVisitor for GradientValues<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let gradient = if D == 2 { gradient.transpose() } else { gradient };
            self.values.insert(param.id, (gradient.dims().to_vec(), gradient.try_into_vec_as().unwrap()));
        }
    }
}

/// Trap 5: the head's dense layer and layer norm take part, and the decoder is the word embeddings:
/// their gradient is the sum of both uses.
#[test]
fn trap_05_gradients_of_all_parameters_agree_with_transformers() {
    let device = Device::flex().autodiff();
    for (name, layout) in LAYOUTS {
        let inputs = inputs(name);
        let expected = tensors(&fixture(name, "gradients.safetensors"));
        let model = open(name, "mlm", &mlm(), &device).model;
        let loss = loss(&model, &inputs);
        let value: Vec<f32> = loss.clone().try_into_vec_as().unwrap();
        assert_close("loss", &value, &tensors(&fixture(name, "expected.safetensors"))["loss"]);
        let gradients = loss.backward();
        let mut found = GradientValues { gradients: &gradients, values: BTreeMap::new() };
        model.visit(&mut found);
        let parameters = named_parameters(&model, layout);
        assert_eq!(parameters.len(), expected.len());
        for parameter in parameters {
            let (shape, values) = &found.values[&parameter.id];
            // Embeddings are stored as in HF, weights of linear layers transposed: undo it for the former.
            let values = match &shape[..] {
                &[r, c] if parameter.name.contains("embeddings") => {
                    (0..c).flat_map(|j| (0..r).map(move |i| values[i * c + j])).collect()
                }
                _ => values.clone(),
            };
            assert_close(&format!("{name} {}", parameter.name), &values, &expected[&parameter.name]);
        }
    }
}

/// Trap 2: padding is not attended to. There is none: what stands beside a sequence in a batch changes nothing.
#[test]
fn trap_02_a_sequence_alone_and_in_a_batch_gives_the_same_states() {
    let device = Device::flex();
    for (name, _) in LAYOUTS {
        let inputs = inputs(name);
        let model = open(name, "mlm", &mlm(), &device).model;
        let batch = PackedBatch::from_sequences(&inputs.sequences);
        let together = model.encode(&batch, &mut DropoutSeeds::off());
        for (start, sequence) in batch.starts().into_iter().zip(&inputs.sequences) {
            let alone = model.encode(&PackedBatch::from_sequences(&[sequence]), &mut DropoutSeeds::off());
            let range: Vec<usize> = (start..start + sequence.len()).collect();
            let (found, expected) = (vector(rows(together.clone(), &range)), vector(alone));
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 2e-6, "{a} in the batch, {b} alone");
            }
        }
    }
}

/// Trap 5: without the head's dense layer and layer norm the logits would be `hidden · embeddingsᵀ + bias`.
#[test]
fn trap_05_the_mlm_head_is_more_than_its_decoder() {
    let device = Device::flex();
    for (name, _) in LAYOUTS {
        let model = open(name, "mlm", &mlm(), &device).model;
        let batch = PackedBatch::from_sequences(&inputs(name).sequences);
        let hidden = model.encode(&batch, &mut DropoutSeeds::off());
        let bare = hidden.clone().matmul(model.encoder.word.val().transpose());
        let bare = bare + model.mlm.as_ref().unwrap().bias.val().unsqueeze();
        let difference: f32 = (model.mlm_logits(hidden) - bare).abs().mean().into_scalar();
        assert!(difference > 0.1, "the dense layer and the layer norm change nothing: {difference}");
    }
}

#[test]
fn encode_rows_is_encode_with_rows_selected() {
    let device = Device::flex();
    let model = open("bert", "mlm", &mlm(), &device).model;
    let inputs = inputs("bert");
    let batch = PackedBatch::from_sequences(&inputs.sequences);
    let some = model.encode_rows(&batch, &inputs.positions, &mut DropoutSeeds::off());
    let all = rows(model.encode(&batch, &mut DropoutSeeds::off()), &inputs.positions);
    assert_close("rows", &vector(some), &vector(all));
}

#[test]
fn dropout_depends_on_its_seed_only() {
    let device = Device::flex();
    let model = open("xlm_roberta", "mlm", &mlm(), &device).model;
    let batch = PackedBatch::from_sequences(&inputs("xlm_roberta").sequences);
    let states = |seeds: DropoutSeeds| vector(model.encode(&batch, &mut seeds.clone()));
    assert_eq!(states(DropoutSeeds::new(1)), states(DropoutSeeds::new(1)));
    assert_ne!(states(DropoutSeeds::new(1)), states(DropoutSeeds::new(2)));
    assert_ne!(states(DropoutSeeds::new(1)), states(DropoutSeeds::off()));
}
