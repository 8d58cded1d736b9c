use super::*;
use burn::module::Param;
use burn::tensor::Device;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    lengths: Vec<usize>,
    emissions: Vec<Vec<f64>>,
    tags: Vec<u32>,
    start: Vec<f64>,
    transitions: Vec<Vec<f64>>,
    end: Vec<f64>,
    loss: f64,
    emissions_gradient: Vec<Vec<f64>>,
    start_gradient: Vec<f64>,
    transitions_gradient: Vec<Vec<f64>>,
    end_gradient: Vec<f64>,
    paths: Vec<Vec<usize>>,
}

fn data<const D: usize>(values: &[f64], shape: [usize; D]) -> TensorData {
    TensorData::new(values.iter().map(|&v| v as f32).collect::<Vec<_>>(), shape)
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5 * expected.abs().max(1.0), "{what}: {found}, pytorch-crf {expected}");
    }
}

/// The fixture is written by `tests/fixtures/crf.py`.
#[test]
fn loss_gradients_and_best_paths_agree_with_pytorch_crf() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/fixtures/crf.json")).unwrap();
    for case in &cases {
        let (rows, n) = (case.emissions.len(), case.start.len());
        let device = Device::flex().autodiff();
        let crf = Crf {
            transitions: Param::from_data(data(&case.transitions.concat(), [n, n]), &device),
            start: Param::from_data(data(&case.start, [n]), &device),
            end: Param::from_data(data(&case.end, [n]), &device),
        };
        let logits = Tensor::<2>::from_data(data(&case.emissions.concat(), [rows, n]), &device).require_grad();
        // Times two: the gradient of what comes behind the loss counts.
        let loss = crf_loss(logits.clone(), &crf, &case.lengths, &case.tags).mul_scalar(2.0);
        close(&[loss.clone().into_scalar::<f32>().into()], &[2.0 * case.loss], "loss");
        let gradients = loss.backward();
        let half = |gradient: TensorData| gradient.iter::<f64>().map(|g| g / 2.0).collect::<Vec<_>>();
        let line = |p: &Param<Tensor<1>>| half(p.val().grad(&gradients).unwrap().into_data());
        close(&half(logits.grad(&gradients).unwrap().into_data()), &case.emissions_gradient.concat(), "emissions");
        let transitions = half(crf.transitions.val().grad(&gradients).unwrap().into_data());
        close(&transitions, &case.transitions_gradient.concat(), "transitions");
        close(&line(&crf.start), &case.start_gradient, "start");
        close(&line(&crf.end), &case.end_gradient, "end");

        let chain = Chain::of(&crf);
        let mut rest = case.emissions.as_slice();
        for (&length, expected) in case.lengths.iter().zip(&case.paths) {
            let (sequence, others) = rest.split_at(length);
            assert_eq!(&chain.best_path(sequence), expected);
            rest = others;
        }
    }
}
