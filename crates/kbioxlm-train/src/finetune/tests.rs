use super::*;
use crate::{Chain, predict_documents, predict_sequences, predict_tokens};
use burn::tensor::Device;
use kbioxlm_model::{Heads, Layout, ModelConfig, init};
use std::num::{NonZeroU32, NonZeroUsize};

static NEVER: AtomicBool = AtomicBool::new(false);

fn model(heads: Heads) -> Model {
    let mut config = ModelConfig::new(Layout::XlmRoberta, 40, 32, 1, 4, 32);
    config.hidden_dropout_prob = 0.1;
    config.initializer_range = 0.1; // a narrow model learns little from the usual 0.02
    init(&config, &heads, 3, &Device::flex())
}

fn config(epochs: u32) -> FinetuneConfig {
    FinetuneConfig {
        epochs: NonZeroU32::new(epochs).unwrap(),
        learning_rate: 3e-3,
        batch_size: NonZeroUsize::new(8).unwrap(),
        ..FinetuneConfig::default()
    }
}

/// Sequences whose tokens say what they are: odd ids are of class 1.
fn sequences() -> Vec<Vec<u32>> {
    (0..40u32).map(|i| (0..3 + i % 9).map(|j| if j == 0 { 0 } else { 5 + (i * 11 + j * 5) % 35 }).collect()).collect()
}

fn item(target: Target, ids: Vec<u32>) -> TrainingItem {
    TrainingItem { windows: vec![ids], target }
}

fn tagged() -> Vec<TrainingItem> {
    let tag = |(i, id): (usize, &u32)| (i > 0).then_some(id % 2);
    let labelled = |ids: Vec<u32>| item(Target::Tags(ids.iter().enumerate().map(tag).collect()), ids);
    sequences().into_iter().map(labelled).collect()
}

fn accuracy(model: &Model, items: &[TrainingItem]) -> f64 {
    let ids: Vec<Vec<u32>> = items.iter().map(|i| i.windows[0].clone()).collect();
    let (mut right, mut all) = (0, 0);
    for (logits, item) in predict_tokens(model, &ids, 64).iter().zip(items) {
        let Target::Tags(tags) = &item.target else { unreachable!() };
        for (logits, tag) in logits.iter().zip(tags).filter_map(|(l, t)| Some((l, (*t)?))) {
            right += usize::from((logits[1] > logits[0]) == (tag == 1));
            all += 1;
        }
    }
    right as f64 / all as f64
}

#[test]
fn a_tagger_learns_and_the_same_seed_gives_the_same_model() {
    let items = tagged();
    let run = || {
        let mut score = |model: &Model| Ok(accuracy(model, &items).into());
        let heads = Heads { tokens: Some(2), ..Heads::default() };
        finetune(&config(8), model(heads), &items, &mut score, &NEVER, &mut ()).unwrap()
    };
    let result = run();
    let best = result.best_score.unwrap();
    assert!(best > 0.95, "{:?}", result.history);
    assert_eq!(accuracy(&result.model, &items), best);
    assert!(result.history.last().unwrap().loss < 0.5 * result.history[0].loss, "{:?}", result.history);
    assert_eq!(run().history, result.history);
}

#[test]
fn classes_and_labels_are_learnt_through_the_first_token() {
    // The second token has six values and decides; the others are noise.
    let sequences = || {
        let decisive = |(i, mut ids): (usize, Vec<u32>)| {
            ids[1] = 5 + i as u32 % 6;
            ids
        };
        sequences().into_iter().enumerate().map(decisive).collect::<Vec<_>>()
    };
    let first = |ids: &Vec<u32>| ids[1] % 2 == 1;
    let learn = |target: &dyn Fn(&Vec<u32>) -> Target, right: &dyn Fn(&[f32], &Vec<u32>) -> bool| {
        let ids = sequences();
        let items: Vec<_> = ids.iter().map(|ids| item(target(ids), ids.clone())).collect();
        let mut score = |model: &Model| {
            let logits = predict_sequences(model, &ids, 64);
            let right = logits.iter().zip(&ids).filter(|(l, ids)| right(l, ids)).count();
            Ok((right as f64 / ids.len() as f64).into())
        };
        let heads = Heads { sequence: Some(2), ..Heads::default() };
        finetune(&config(25), model(heads), &items, &mut score, &NEVER, &mut ()).unwrap().best_score.unwrap()
    };
    let class = learn(&|ids| Target::Class(first(ids).into()), &|l, ids| (l[1] > l[0]) == first(ids));
    let labels = |ids: &Vec<u32>| [first(ids), ids[1] > 7];
    let multi = learn(&|ids| Target::Labels(labels(ids).to_vec()), &|l, ids| [l[0] > 0.0, l[1] > 0.0] == labels(ids));
    assert!(class > 0.9 && multi > 0.9, "{class} {multi}");
}

#[test]
fn a_document_has_the_label_that_one_of_its_windows_shows() {
    // Piece 9 anywhere, piece 10 anywhere; each document is three windows.
    let window =
        |n: u32| -> Vec<u32> { std::iter::once(0).chain((0..4).map(|j| 12 + (n * 11 + j * 5) % 28)).collect() };
    let document = |i: u32| {
        let mut windows: Vec<Vec<u32>> = (0..3).map(|j| window(3 * i + j)).collect();
        let labels = [i.is_multiple_of(2), i.is_multiple_of(3)];
        for (piece, _) in [9, 10].into_iter().zip(labels).filter(|(_, has)| *has) {
            windows[(i as usize / 2 + piece as usize) % 3][2] = piece;
        }
        TrainingItem { windows, target: Target::Labels(labels.to_vec()) }
    };
    let items: Vec<TrainingItem> = (0..48).map(document).collect();
    let documents: Vec<Vec<Vec<u32>>> = items.iter().map(|i| i.windows.clone()).collect();
    let mut score = |model: &Model| {
        let scores = predict_documents(model, &documents, 64);
        let right = scores
            .iter()
            .zip(&items)
            .filter(|(s, item)| item.target == Target::Labels(s.iter().map(|s| *s > 0.0).collect()));
        Ok((right.count() as f64 / items.len() as f64).into())
    };
    let heads = Heads { sequence: Some(2), ..Heads::default() };
    let result = finetune(&config(25), model(heads), &items, &mut score, &NEVER, &mut ()).unwrap();
    assert!(result.best_score > Some(0.9), "{:?}", result.history);
}

#[test]
fn the_model_of_the_best_epoch_is_kept_and_patience_ends_the_run() {
    let items = tagged();
    let mut seen = Vec::new();
    let scores = [0.1, 0.9, 0.5, 0.9, 1.0];
    let mut score = |model: &Model| {
        seen.push(predict_tokens(model, &items[5].windows, 64));
        Ok(scores[seen.len() - 1].into())
    };
    let config = FinetuneConfig { patience: NonZeroU32::new(2), ..config(5) };
    let heads = Heads { tokens: Some(2), ..Heads::default() };
    let result = finetune(&config, model(heads), &items, &mut score, &NEVER, &mut ()).unwrap();
    assert_eq!((result.best_epoch, result.best_score, result.history.len()), (2, Some(0.9), 4));
    let kept = predict_tokens(&result.model, &items[5].windows, 64);
    assert_eq!(kept, seen[1]);
    assert_ne!(seen[1], seen[3]);
}

#[test]
fn without_a_score_the_last_epoch_is_kept_and_what_is_watched_decides_nothing() {
    let items = tagged();
    let mut seen = Vec::new();
    let mut watch = |model: &Model| {
        seen.push(predict_tokens(model, &items[5].windows, 64));
        let watched = [("zh".to_owned(), 1.0 / seen.len() as f64)].into();
        Ok(Judgement { score: None, watched })
    };
    let heads = Heads { tokens: Some(2), ..Heads::default() };
    let result = finetune(&config(3), model(heads), &items, &mut watch, &NEVER, &mut ()).unwrap();
    assert_eq!((result.best_epoch, result.best_score), (3, None));
    assert_eq!(result.history.iter().map(|e| e.watched["zh"]).collect::<Vec<_>>(), [1.0, 0.5, 1.0 / 3.0]);
    assert_eq!(Some(&predict_tokens(&result.model, &items[5].windows, 64)), seen.last());
}

#[test]
fn a_conditional_random_field_learns_what_follows_what() {
    // A token's label is whether the token before it is odd: the token itself says nothing, its neighbour everything.
    let label = |ids: &[u32], i: usize| (i > 0).then(|| ids[i - 1] % 2);
    let labelled = |ids: Vec<u32>| {
        let tags = (0..ids.len()).map(|i| label(&ids, i)).collect();
        item(Target::Tags(tags), ids)
    };
    let items: Vec<TrainingItem> = sequences().into_iter().map(labelled).collect();
    let config = FinetuneConfig { head: TokenHead::Crf, label: LabelledPieces::First, ..config(4) };
    let heads = Heads { tokens: Some(2), crf: true, ..Heads::default() };
    let before = Chain::of(model(heads.clone()).crf.as_ref().unwrap());
    assert_eq!(before, Chain::neutral(2));
    let run = || finetune(&config, model(heads.clone()), &items, &mut |_| Ok(0.0.into()), &NEVER, &mut ()).unwrap();
    let result = run();
    assert!(result.history.last().unwrap().loss < result.history[0].loss, "{:?}", result.history);
    let after = Chain::of(result.model.crf.as_ref().unwrap());
    assert!(after.transitions.concat().iter().chain(&after.start).chain(&after.end).all(|v| *v != 0.0), "{after:?}");
    assert_eq!(Chain::of(run().model.crf.as_ref().unwrap()), after);
    let error = FinetuneConfig { label: LabelledPieces::All, ..config }.check().unwrap_err().to_string();
    assert!(error.contains("`label` is \"all\", expected \"first\""), "{error}");
}

#[test]
fn lower_layers_learn_more_slowly_with_layer_decay() {
    let items = tagged();
    let heads = || Heads { tokens: Some(2), ..Heads::default() };
    // How far one step takes the head, the only layer and the embeddings.
    let moved = |layer_decay| {
        let values = |m: &Model| {
            let weights =
                [&m.tokens.as_ref().unwrap().weight, &m.encoder.layers[0].intermediate.weight, &m.encoder.word];
            weights.map(|w| w.val().into_data().iter::<f32>().collect::<Vec<_>>())
        };
        let before = model(heads());
        let start = values(&before);
        let batch_size = NonZeroUsize::new(items.len()).unwrap();
        let config = FinetuneConfig { layer_decay, batch_size, weight_decay: 0.0, ..config(1) };
        let after = finetune(&config, before, &items, &mut |_| Ok(0.0.into()), &NEVER, &mut ()).unwrap().model;
        let distance = |(a, b): (Vec<f32>, Vec<f32>)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        start.into_iter().zip(values(&after)).map(distance).collect::<Vec<_>>()
    };
    let (whole, decayed) = (moved(1.0), moved(0.5));
    for ((whole, decayed), factor) in whole.iter().zip(&decayed).zip([1.0, 0.5, 0.25]) {
        assert!(*whole > 0.0 && (decayed / whole - factor).abs() < 0.02 * factor, "{decayed} of {whole}, not {factor}");
    }
    let error = FinetuneConfig { layer_decay: 1.5, ..config(1) }.check().unwrap_err().to_string();
    assert!(error.contains("`layer_decay` is 1.5"), "{error}");
}

#[test]
fn the_model_that_is_scored_and_kept_is_the_mean_of_the_last_epochs() {
    let items = tagged();
    // The head's weights after each epoch, and of the model kept.
    let run = |average| {
        let weights = |m: &Model| m.tokens.as_ref().unwrap().weight.val().into_data().iter::<f32>().collect::<Vec<_>>();
        let mut seen = Vec::new();
        let mut score = |model: &Model| {
            seen.push(weights(model));
            Ok(if seen.len() == 3 { 1.0 } else { 0.0 }.into())
        };
        let config = FinetuneConfig { average: NonZeroU32::new(average).unwrap(), ..config(4) };
        let heads = Heads { tokens: Some(2), ..Heads::default() };
        let result = finetune(&config, model(heads), &items, &mut score, &NEVER, &mut ()).unwrap();
        assert_eq!(result.best_epoch, 3);
        (seen, weights(&result.model))
    };
    let (reached, _) = run(1);
    let (scored, kept) = run(3);
    assert_eq!(kept, scored[2]);
    for (epoch, scored) in scored.iter().enumerate() {
        let last = &reached[epoch.saturating_sub(2)..=epoch];
        for (i, found) in scored.iter().enumerate() {
            let expected = last.iter().map(|w| f64::from(w[i])).sum::<f64>() / last.len() as f64;
            assert!((f64::from(*found) - expected).abs() < 1e-6, "epoch {epoch}: {found} {expected}");
        }
    }
    assert_ne!(scored[3], reached[3]);
}

#[test]
fn trap_11_a_batch_without_labelled_tokens_is_skipped() {
    // Trap 11, in fine-tuning: a mean over no labelled token would be NaN.
    let items = [item(Target::Tags(vec![None; 3]), vec![0, 7, 2])];
    let heads = Heads { tokens: Some(2), ..Heads::default() };
    let before = predict_tokens(&model(heads.clone()), &[vec![0, 7, 2]], 64);
    let result = finetune(&config(2), model(heads), &items, &mut |_| Ok(0.0.into()), &NEVER, &mut ()).unwrap();
    assert_eq!(predict_tokens(&result.model, &[vec![0, 7, 2]], 64), before);
}

#[test]
fn items_that_do_not_fit_are_named() {
    let heads = Heads { tokens: Some(2), ..Heads::default() };
    let message = |items: &[TrainingItem]| {
        finetune(&config(1), model(heads.clone()), items, &mut |_| Ok(0.0.into()), &NEVER, &mut ())
            .unwrap_err()
            .to_string()
    };
    let tags = |tags: &[u32]| item(Target::Tags(tags.iter().map(|t| Some(*t)).collect()), vec![0, 7]);
    assert!(message(&[]).contains("nothing to train on"));
    assert!(message(&[tags(&[0, 1]), tags(&[0])]).contains("item 1 (counted from 0): found 1 tags, expected 2"));
    assert!(message(&[tags(&[0, 2])]).contains("label 2"));
    assert!(message(&[item(Target::Class(0), vec![0])]).contains("found one class"));
    assert!(message(&[item(tags(&[]).target, vec![5; 300])]).contains("300 tokens"));
    let parts = |windows| TrainingItem { windows, ..tags(&[0, 1]) };
    assert!(message(&[parts(vec![])]).contains("found 0 windows, expected at least one"));
    assert!(message(&[parts(vec![vec![0, 7]; 2])]).contains("found 2 windows, expected one, for labels of tokens"));
}

#[test]
fn binary_cross_entropy_is_right_and_does_not_overflow() {
    let logits = |values: [f32; 4]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 2]), &Device::flex());
    let loss = scalar(&binary_cross_entropy(logits([0.3, -1.2, 2.0, 0.0]), vec![1.0, 0.0, 0.0, 1.0]));
    let of = |x: f64, y: f64| -(y * (1.0 / (1.0 + (-x).exp())).ln() + (1.0 - y) * (1.0 / (1.0 + x.exp())).ln());
    let expected = of(0.3, 1.0) + of(-1.2, 0.0) + of(2.0, 0.0) + of(0.0, 1.0);
    assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
    let loss = scalar(&binary_cross_entropy(logits([1000.0, -1000.0, 1000.0, -1000.0]), vec![1.0, 0.0, 0.0, 1.0]));
    assert!((loss - 2000.0).abs() < 1e-3, "{loss}");
}

#[test]
fn the_gradient_of_binary_cross_entropy_is_the_error_of_the_probability() {
    let values = [0.3f32, -1.2, 2.0, -30.0];
    let labels = [1.0f32, 0.0, 0.0, 1.0];
    let logits = Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 2]), &Device::flex().autodiff());
    let logits = logits.require_grad();
    let gradients = binary_cross_entropy(logits.clone(), labels.to_vec()).backward();
    let gradient: Vec<f32> = logits.grad(&gradients).unwrap().into_data().iter::<f32>().collect();
    for ((g, x), y) in gradient.iter().zip(values).zip(labels) {
        let expected = 1.0 / (1.0 + (-x).exp()) - y;
        assert!((g - expected).abs() < 1e-6, "{g} {expected}");
    }
}

/// The items as a step takes them.
fn micro_batches<'a>(items: &[&'a TrainingItem], most: usize) -> Vec<Vec<&'a TrainingItem>> {
    let numbers: Vec<usize> = (0..items.len()).collect();
    let parts = cut(&numbers, |&i| items[i].tokens(), most);
    parts.iter().map(|part| part.iter().map(|&i| items[i]).collect()).collect()
}

#[test]
fn micro_batches_hold_all_items_in_order_and_no_more_tokens_than_allowed() {
    let items = tagged();
    let items: Vec<&TrainingItem> = items.iter().collect();
    let tokens = |part: &[&TrainingItem]| part.iter().flat_map(|i| &i.windows).map(Vec::len).sum::<usize>();
    for most in [1, 7, 30, 10_000] {
        let parts = micro_batches(&items, most);
        assert_eq!(parts.concat(), items);
        assert!(parts.iter().all(|part| part.len() == 1 || tokens(part) <= most));
        assert!(parts.windows(2).all(|pair| tokens(&pair[0]) + tokens(&pair[1][..1]) > most), "one more would fit");
    }
}

#[test]
fn a_step_in_parts_has_the_loss_and_the_gradient_of_one_in_whole() {
    let ids = sequences();
    let windows = |i: usize| vec![ids[i].clone(), ids[i + 1].clone()];
    let classes = (0..8).map(|i| TrainingItem { windows: windows(i), target: Target::Class(i as u32 % 2) }).collect();
    let labels = |i: usize| Target::Labels(vec![i.is_multiple_of(2), i.is_multiple_of(3)]);
    let labelled = (0..8).map(|i| TrainingItem { windows: windows(i), target: labels(i) }).collect();
    let tokens = Heads { tokens: Some(2), ..Heads::default() };
    let crf = Heads { crf: true, ..tokens.clone() };
    let sequence = Heads { sequence: Some(2), ..Heads::default() };
    let cases: [(Heads, Vec<TrainingItem>); 4] =
        [(tokens, tagged()), (crf, tagged()), (sequence.clone(), classes), (sequence, labelled)];
    for (heads, items) in cases {
        let mut config = ModelConfig::new(Layout::XlmRoberta, 40, 32, 1, 4, 32);
        (config.hidden_dropout_prob, config.attention_probs_dropout_prob) = (0.0, 0.0);
        let model = init(&config, &heads, 3, &Device::flex()).train();
        let items: Vec<&TrainingItem> = items.iter().collect();
        let step = |most| {
            let (mut gradients, mut loss) = (GradientSum::default(), 0.0);
            for part in micro_batches(&items, most) {
                let sum = summed_loss(&model, &part, &mut DropoutSeeds::new(0)).unwrap();
                loss += scalar(&sum);
                gradients.add(&model, sum.backward());
            }
            (loss, gradients.norm())
        };
        let ((whole, norm), (parts, norm_of_parts)) = (step(10_000), step(20));
        assert!((whole - parts).abs() < 1e-4 * whole, "{whole} {parts}");
        assert!((norm - norm_of_parts).abs() < 1e-4 * norm && norm > 0.0, "{norm} {norm_of_parts}");
    }
}

#[test]
fn told_to_stop_it_ends_after_the_step() {
    let stop = AtomicBool::new(false);
    struct Stopper<'a>(&'a AtomicBool, u64);
    impl Observer for Stopper<'_> {
        fn step(&mut self, step: &StepMetrics) {
            self.1 = step.step;
            self.0.store(step.step == 3, Ordering::Relaxed);
        }
    }
    let mut stopper = Stopper(&stop, 0);
    let heads = Heads { tokens: Some(2), ..Heads::default() };
    let result = finetune(&config(2), model(heads), &tagged(), &mut |_| Ok(0.0.into()), &stop, &mut stopper);
    assert!(matches!(result, Err(TrainError::Stopped)), "{result:?}");
    assert_eq!(stopper.1, 3);
}
