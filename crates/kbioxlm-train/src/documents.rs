//! Documents that are longer than a model, read in windows: a score of a document is the largest one of its windows.
//!
//! A window says what it shows, and what one window shows the document has (multiple-instance learning with max pooling; of
//! texts in windows: Pappagari et al. 2019). Training and prediction take the same maximum, so the model learns how large a
//! score may be where there is nothing to see.

use crate::predict::predict_sequences;
use burn::tensor::{Int, Tensor, TensorData};
use kbioxlm_model::Model;

/// Scores of the classes: one `[classes]` a document, in the order of the documents; `documents`: the windows of each.
///
/// A document without windows has no scores.
///
/// # Panics
/// When the model has no sequence classification head.
pub fn predict_documents(model: &Model, documents: &[Vec<Vec<u32>>], tokens_per_batch: usize) -> Vec<Vec<f32>> {
    let windows: Vec<Vec<u32>> = documents.iter().flatten().cloned().collect();
    let mut scores = predict_sequences(model, &windows, tokens_per_batch).into_iter();
    let largest = |a: Vec<f32>, b: Vec<f32>| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect();
    documents.iter().map(|windows| scores.by_ref().take(windows.len()).reduce(largest).unwrap_or_default()).collect()
}

/// The same from the `logits` `[windows, classes]` of documents that have so many `windows` each (none has none):
/// `[windows.len(), classes]`. The gradient goes to the window with the largest score, the first of equal ones.
pub(crate) fn document_logits(logits: Tensor<2>, windows: &[usize]) -> Tensor<2> {
    let [rows, classes] = logits.dims();
    if rows == windows.len() {
        return logits;
    }
    let values: Vec<f32> = logits.clone().into_data().iter::<f32>().collect();
    let mut places = Vec::with_capacity(windows.len() * classes);
    let mut first = 0;
    for count in windows {
        for class in 0..classes {
            let window = |i: usize| (first + i) * classes + class;
            let best =
                (1..*count).fold(window(0), |best, i| if values[window(i)] > values[best] { window(i) } else { best });
            places.push(best as i64);
        }
        first += count;
    }
    let count = places.len();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &logits.device());
    logits.reshape([rows * classes]).select(0, places).reshape([windows.len(), classes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use kbioxlm_model::{Heads, Layout, ModelConfig, init};

    #[test]
    fn a_documents_score_and_its_gradient_are_those_of_its_best_window() {
        let values = vec![1f32, 2.0, 3.0, -1.0, 3.0, 0.0, -5.0, -6.0];
        let logits = Tensor::<2>::from_data(TensorData::new(values, [4, 2]), &Device::flex().autodiff()).require_grad();
        let documents = document_logits(logits.clone(), &[3, 1]);
        assert_eq!(documents.clone().into_data().iter::<f32>().collect::<Vec<_>>(), [3.0, 2.0, -5.0, -6.0]);
        let weights = Tensor::<2>::from_data([[1f32, 2.0], [3.0, 4.0]], &logits.device());
        let gradients = (documents * weights).sum().backward();
        let gradient: Vec<f32> = logits.grad(&gradients).unwrap().into_data().iter::<f32>().collect();
        assert_eq!(gradient, [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 3.0, 4.0]);
        let alone = document_logits(logits.clone(), &[1; 4]);
        assert_eq!(alone.into_data(), logits.into_data());
    }

    #[test]
    fn prediction_takes_the_same_maximum() {
        let config = ModelConfig::new(Layout::XlmRoberta, 50, 16, 2, 2, 32);
        let model = init(&config, &Heads { sequence: Some(3), ..Heads::default() }, 5, &Device::flex());
        let windows: Vec<Vec<u32>> = (0..6u32).map(|i| (0..4 + i).map(|j| (i * 7 + j * 3) % 50).collect()).collect();
        let documents = vec![windows[..3].to_vec(), Vec::new(), windows[3..4].to_vec(), windows[4..].to_vec()];
        let rows = predict_sequences(&model, &windows, 64);
        let flat = Tensor::<2>::from_data(TensorData::new(rows.concat(), [6, 3]), &Device::flex());
        let expected: Vec<f32> = document_logits(flat, &[3, 1, 2]).into_data().iter::<f32>().collect();
        let found = predict_documents(&model, &documents, 20);
        assert!(found[1].is_empty());
        for (a, b) in found.concat().iter().zip(&expected) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        assert_eq!(found.concat().len(), expected.len());
    }
}
