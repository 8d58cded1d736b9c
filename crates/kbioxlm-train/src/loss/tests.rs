use super::*;
use crate::optimiser::GradientSum;
use burn::module::Module;
use burn::tensor::{DType, Device};
use kbioxlm_model::{Heads, Layout, ModelConfig, init};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn model() -> Model {
    let mut config = ModelConfig::new(Layout::XlmRoberta, 40, 16, 2, 2, 32);
    config.hidden_dropout_prob = 0.0;
    config.attention_probs_dropout_prob = 0.0;
    config.initializer_range = 0.2; // so that losses differ from example to example
    let heads = Heads { mlm: true, prp: true, mentions: true, ..Heads::default() };
    init(&config, &heads, 11, &Device::flex()).train()
}

fn example(length: u32, positions: &[usize], relations: &[usize], label: Option<u8>) -> MaskedExample {
    let mut ids: Vec<u32> = (0..length).map(|i| 5 + (i * 7 + length) % 35).collect();
    let targets = positions.iter().map(|&p| std::mem::replace(&mut ids[p], 4)).collect();
    let task = |p| if relations.contains(p) { MlmTask::Relation } else { MlmTask::Entity };
    MaskedExample { ids, positions: positions.to_vec(), targets, tasks: positions.iter().map(task).collect(), label }
}

fn examples() -> [MaskedExample; 4] {
    [
        example(12, &[2, 3, 7], &[7], None),
        example(5, &[1], &[], Some(0)),
        example(29, &[4, 11, 12, 20, 21], &[11, 12], Some(2)),
        example(7, &[], &[], Some(1)),
    ]
}

/// Gradients of all parameters and the sums of the losses, over micro-batches.
fn step(model: &Model, batches: &[&[MaskedExample]]) -> (Vec<Vec<f32>>, LossSums) {
    let batches: Vec<MicroBatch> = batches.iter().map(|b| MicroBatch::new(b)).collect();
    let totals = Totals::of(&batches);
    let mut gradients = GradientSum::default();
    let mut sums = LossSums::default();
    for batch in &batches {
        let (gradient, sum) = backward(model, batch, totals, &mut DropoutSeeds::off()).unwrap();
        gradients.add(model, gradient);
        sums.add(sum);
    }
    (gradients.values(), sums)
}

fn assert_close(a: &(Vec<Vec<f32>>, LossSums), b: &(Vec<Vec<f32>>, LossSums)) {
    assert_eq!(a.0.len(), b.0.len());
    assert!(a.0.len() > 30 && a.0.iter().flatten().any(|g| g.abs() > 1e-3));
    for (x, y) in a.0.iter().flatten().zip(b.0.iter().flatten()) {
        assert!((x - y).abs() < 1e-5, "{x} {y}");
    }
    let tasks = |s: &LossSums| [s.entity, s.relation, s.prp, s.tagging];
    for (x, y) in tasks(&a.1).into_iter().zip(tasks(&b.1)) {
        assert!((x.loss - y.loss).abs() < 1e-4 && (x.count, x.correct) == (y.count, y.correct), "{x:?} {y:?}");
    }
}

#[test]
fn accumulated_micro_batches_have_the_gradient_of_one_large_batch() {
    let (model, [a, b, c, d]) = (model(), examples());
    // Micro-batches with different numbers of masked tokens and pairs: a mean of means would differ.
    let one = step(&model, &[&[a.clone(), b.clone(), c.clone(), d.clone()]]);
    let two = step(&model, &[&[b.clone(), a.clone()], &[c.clone(), d.clone()]]);
    let four = step(&model, &[&[b], &[c], &[d], &[a]]);
    // The order in which parameters are met is the same in all, since each first batch has all tasks.
    assert_close(&one, &two);
    assert_close(&one, &four);
    assert_eq!((one.1.entity.count, one.1.relation.count, one.1.prp.count), (6, 3, 3));
}

/// Of each token but the first and last a class.
fn tags(example: &MaskedExample) -> Vec<(usize, u32)> {
    (1..example.ids.len() - 1).map(|i| (i, (i * i) as u32 % 3)).collect()
}

#[test]
fn tagged_tokens_have_the_cross_entropy_of_their_classes_over_any_micro_batches() {
    let (model, examples) = (model(), examples());
    let step = |batches: &[&[MaskedExample]]| {
        let tagged = |b: &&[MaskedExample]| MicroBatch::new(b).tagged(&b.iter().map(tags).collect::<Vec<_>>());
        let batches: Vec<MicroBatch> = batches.iter().map(tagged).collect();
        let totals = Totals::of(&batches);
        let (mut gradients, mut sums) = (GradientSum::default(), LossSums::default());
        for batch in &batches {
            let (gradient, sum) = backward(&model, batch, totals, &mut DropoutSeeds::off()).unwrap();
            gradients.add(&model, gradient);
            sums.add(sum);
        }
        (gradients.values(), sums)
    };
    let one = step(&[&examples]);
    assert_close(&one, &step(&[&examples[..2], &examples[2..]]));
    // One by one, from the states of the whole sequence.
    let (mut loss, mut right, mut count) = (0.0, 0, 0);
    for example in &examples {
        let states = model.encode(&PackedBatch::from_sequences(&[&example.ids]), &mut DropoutSeeds::off());
        let logits: Vec<f32> = model.mention_logits(states).into_data().iter::<f32>().collect();
        for (position, class) in tags(example) {
            let row: Vec<f64> = logits[3 * position..3 * position + 3].iter().map(|x| f64::from(*x)).collect();
            let (class, largest) = (class as usize, row.iter().copied().fold(f64::MIN, f64::max));
            loss += row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[class];
            right += u64::from(row[class] == largest);
            count += 1;
        }
    }
    let TaskSum { loss: found, correct, count: of } = one.1.tagging;
    assert!((found - loss).abs() < 1e-3 * loss, "{found} {loss}");
    assert_eq!((correct, of), (right, count));
    let without = one.1.entity.loss + one.1.relation.loss;
    let mlm = without / (one.1.entity.count + one.1.relation.count) as f64;
    let prp = one.1.prp.loss / one.1.prp.count as f64;
    assert!((one.1.total() - mlm - prp - loss / count as f64).abs() < 1e-4);
}

#[test]
fn trap_02_other_sequences_of_a_batch_do_not_change_the_loss() {
    // Trap 2: padded positions were attended to. Here the neighbours are other sequences of the packed batch.
    let (model, examples) = (model(), examples());
    let (_, together) = step(&model, &[&examples]);
    let mut alone = LossSums::default();
    for example in &examples {
        alone.add(step(&model, &[std::slice::from_ref(example)]).1);
    }
    assert!((together.entity.loss - alone.entity.loss).abs() < 1e-4);
    assert!((together.relation.loss - alone.relation.loss).abs() < 1e-4);
    assert!((together.prp.loss - alone.prp.loss).abs() < 1e-4);
    let uniform = 40f64.ln();
    assert!((together.total() - uniform - 3f64.ln()).abs() > 0.01, "the model should not predict uniformly");
}

#[test]
fn trap_03_label_0_is_a_class() {
    // Trap 3: `link`, whose number is 0, was taken for "no label".
    let model = model();
    let (gradients, sums) = step(&model, &[&[example(9, &[], &[], Some(0))]]);
    assert_eq!(sums.prp.count, 1);
    assert!(gradients.iter().flatten().any(|g| g.abs() > 1e-3));
    let [_, classes] = model.prp.as_ref().unwrap().weight.dims();
    assert_eq!(classes, 3, "as many classes as labels");
}

#[test]
fn trap_11_nothing_to_predict_gives_no_gradient_and_no_nan() {
    // Trap 11: the mean over no masked token was NaN.
    let model = model();
    let batch = MicroBatch::new(&[example(9, &[], &[], None)]);
    let totals = Totals::of(std::slice::from_ref(&batch));
    assert!(backward(&model, &batch, totals, &mut DropoutSeeds::off()).is_none());
    assert_eq!(LossSums::default().total(), 0.0);
    assert_eq!(GradientSum::default().norm(), 0.0);
    // Pairs without masked tokens, and masked tokens without pairs, are no division by zero either.
    for example in [example(9, &[], &[], Some(1)), example(9, &[3], &[], None)] {
        let (gradients, sums) = step(&model, &[&[example]]);
        assert!(sums.total().is_finite() && gradients.iter().flatten().all(|g| g.is_finite()));
    }
}

#[test]
fn in_bf16_a_step_is_nearly_the_same_and_its_gradients_are_f32() {
    let mut model = model();
    let examples = examples();
    let (exact, loss) = step(&model, &[&examples]);
    model.encoder.multiply_in_bf16(true);
    let (rounded, other) = step(&model, &[&examples]);
    assert!(loss != other && (loss.total() - other.total()).abs() < 1e-2 * loss.total(), "{loss:?} {other:?}");
    let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let pairs = || rounded.iter().flatten().zip(exact.iter().flatten());
    let error = norm(&mut pairs().map(|(a, b)| a - b)) / norm(&mut pairs().map(|(_, b)| *b));
    assert!((1e-5..2e-2).contains(&error), "{error}");
    let batch = MicroBatch::new(&examples);
    let (gradients, _) = backward(&model, &batch, Totals::of([&batch]), &mut DropoutSeeds::off()).unwrap();
    assert_eq!(model.encoder.word.val().grad(&gradients).unwrap().dtype(), DType::F32);
}

#[test]
fn evaluation_records_no_graph() {
    let batch = MicroBatch::new(&examples());
    let loss = |model: &Model| forward(model, &batch, Totals::of([&batch]), &mut DropoutSeeds::off()).unwrap().0;
    let model = model();
    assert!(loss(&model).device().is_autodiff() && !loss(&model.valid()).device().is_autodiff());
}

#[test]
fn relations_are_counted_apart_from_mentions() {
    let model = model();
    let (_, both) = step(&model, &[&[example(12, &[2, 3, 7], &[7], None)]]);
    assert_eq!((both.entity.count, both.relation.count), (2, 1));
    let (_, all) = step(&model, &[&[example(12, &[2, 3, 7], &[], None)]]);
    assert_eq!((all.entity.count, all.relation.count), (3, 0));
    assert!((both.entity.loss + both.relation.loss - all.entity.loss).abs() < 1e-5);
    assert!(both.relation.loss > 0.0 && both.entity.loss > 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Trap 11 on any shape: one example or several, of odd lengths, one masked token or none, with or without a pair.
    #[test]
    fn trap_11_losses_and_gradients_are_numbers_whatever_is_masked(
        examples in prop::collection::vec(
            (1u32..30, prop::collection::btree_set(0usize..30, 0..4), prop::option::of(0u8..3)),
            1..5,
        ),
    ) {
        let example = |(length, positions, label): &(u32, BTreeSet<usize>, Option<u8>)| {
            let positions: Vec<usize> = positions.iter().copied().filter(|p| *p < *length as usize).collect();
            example(*length, &positions, &positions[..positions.len() / 2], *label)
        };
        let examples: Vec<MaskedExample> = examples.iter().map(example).collect();
        let model = model();
        let batch = MicroBatch::new(&examples);
        let totals = Totals::of(std::slice::from_ref(&batch));
        let masked: usize = examples.iter().map(|e| e.positions.len()).sum();
        let pairs = examples.iter().filter(|e| e.label.is_some()).count();
        let Some((gradients, sums)) = backward(&model, &batch, totals, &mut DropoutSeeds::off()) else {
            prop_assert_eq!(masked + pairs, 0);
            return Ok(());
        };
        prop_assert_eq!((sums.entity.count + sums.relation.count, sums.prp.count), (masked as u64, pairs as u64));
        prop_assert!(sums.total().is_finite() && sums.total() > 0.0);
        let mut sum = GradientSum::default();
        sum.add(&model, gradients);
        let values = sum.values();
        prop_assert!(values.iter().flatten().all(|g| g.is_finite()) && sum.norm() > 1e-4);
        // Evaluation sees the same losses.
        let alone = evaluate(&model.valid(), &batch);
        prop_assert!((alone.total() - sums.total()).abs() < 1e-5 && alone.prp.correct == sums.prp.correct);
    }
}

#[test]
fn dropout_is_reproducible_and_another_one_each_time() {
    let mut config = ModelConfig::new(Layout::XlmRoberta, 40, 16, 2, 2, 32);
    config.initializer_range = 0.2;
    let model = init(&config, &Heads { mlm: true, prp: true, ..Heads::default() }, 11, &Device::flex()).train();
    let batch = MicroBatch::new(&examples());
    let totals = Totals::of(std::slice::from_ref(&batch));
    let loss = |mut seeds: DropoutSeeds| backward(&model, &batch, totals, &mut seeds).unwrap().1.total();
    assert_eq!(loss(DropoutSeeds::new(1)).to_bits(), loss(DropoutSeeds::new(1)).to_bits());
    assert_ne!(loss(DropoutSeeds::new(1)), loss(DropoutSeeds::new(2)));
    // No seed's loss is far from that without dropout, and on the average they are near it: nothing is scaled twice.
    let without = loss(DropoutSeeds::off());
    let losses: Vec<f64> = (0..64).map(|seed| loss(DropoutSeeds::new(seed))).collect();
    let mean = losses.iter().sum::<f64>() / 64.0;
    assert!((mean / without - 1.0).abs() < 0.05, "{mean} on the average, {without} without dropout");
    assert!(losses.iter().all(|l| (l / without - 1.0).abs() < 0.5));
}
