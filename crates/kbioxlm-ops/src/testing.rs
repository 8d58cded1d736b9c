//! Comparison of the fused operations with the plain ones and with finite differences.

mod gradients;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// A matrix: shape and elements.
#[derive(Clone, Debug)]
pub struct Input {
    pub shape: [usize; 2],
    pub elements: Vec<f32>,
}

/// Numbers between -`size` and `size`, the same for the same seed.
pub fn random(seed: u64, shape: [usize; 2], size: f32) -> Input {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let elements = (0..shape[0] * shape[1]).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * size
    });
    Input { shape, elements: elements.collect() }
}

pub fn tensor(input: &Input, device: &Device, dtype: DType) -> Tensor<2> {
    Tensor::from_data(TensorData::new(input.elements.clone(), input.shape), (device, dtype))
}

/// Values and gradients: of the sum of the result's elements with fixed random weights, for each input.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub values: Vec<f32>,
    pub gradients: Vec<Vec<f32>>,
}

impl Outcome {
    /// Same up to `tolerance`, absolute below 1 and relative above.
    pub fn assert_close(&self, expected: &Self, tolerance: f32) {
        close("value", &self.values, &expected.values, tolerance);
        for (i, (a, b)) in self.gradients.iter().zip(&expected.gradients).enumerate() {
            close(&format!("gradient of input {i}"), a, b, tolerance);
        }
    }

    pub fn bits(&self) -> Vec<u32> {
        self.values.iter().chain(self.gradients.iter().flatten()).map(|x| x.to_bits()).collect()
    }
}

pub fn close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{what}: number of elements");
    for (i, (a, b)) in actual.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what} {i}: {a}, expected {b}");
    }
}

pub fn run(op: impl Fn(&[Tensor<2>]) -> Tensor<2>, inputs: &[Input]) -> Outcome {
    let device = Device::flex().autodiff();
    let leaves: Vec<_> = inputs.iter().map(|x| tensor(x, &device, DType::F32).require_grad()).collect();
    let y = op(&leaves);
    let weights = tensor(&random(99, y.dims(), 1.0), &device, DType::F32);
    let gradients = (y.clone() * weights).sum().backward();
    let gradients = leaves.iter().map(|x| x.grad(&gradients).unwrap().into_data().try_to_vec().unwrap()).collect();
    Outcome { values: y.into_data().try_to_vec().unwrap(), gradients }
}

/// The same with central differences, in `f64`; on that element type the public functions run plain Burn operations.
pub fn finite_differences(op: impl Fn(&[Tensor<2>]) -> Tensor<2>, inputs: &[Input]) -> Outcome {
    const H: f64 = 1e-5;
    let device = Device::flex();
    let evaluate = |inputs: &[Vec<f64>], shapes: &[[usize; 2]]| {
        let x = inputs.iter().zip(shapes);
        let x: Vec<_> =
            x.map(|(x, &shape)| Tensor::from_data(TensorData::new(x.clone(), shape), (&device, DType::F64))).collect();
        let y = op(&x);
        assert_eq!(y.dtype(), DType::F64);
        let weights = tensor(&random(99, y.dims(), 1.0), &device, DType::F64);
        let loss = (y.clone() * weights).into_data().try_to_vec::<f64>().unwrap().iter().sum::<f64>();
        (y.into_data().try_to_vec::<f64>().unwrap(), loss)
    };
    let shapes: Vec<_> = inputs.iter().map(|x| x.shape).collect();
    let mut x: Vec<Vec<f64>> = inputs.iter().map(|x| x.elements.iter().map(|&x| f64::from(x)).collect()).collect();
    let values = evaluate(&x, &shapes).0.into_iter().map(|y| y as f32).collect();
    let mut gradients = Vec::new();
    for i in 0..x.len() {
        let mut gradient = Vec::new();
        for j in 0..x[i].len() {
            let centre = x[i][j];
            x[i][j] = centre + H;
            let above = evaluate(&x, &shapes).1;
            x[i][j] = centre - H;
            let below = evaluate(&x, &shapes).1;
            x[i][j] = centre;
            gradient.push(((above - below) / (2.0 * H)) as f32);
        }
        gradients.push(gradient);
    }
    Outcome { values, gradients }
}

/// Asserts that the operation gives the same bits on one, two and three threads and when run again.
pub fn assert_deterministic(op: impl Fn(&[Tensor<2>]) -> Tensor<2> + Sync, inputs: &[Input]) {
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&op, inputs)).bits()
    };
    let expected = bits(1);
    for threads in [1, 2, 3, 2] {
        assert!(bits(threads) == expected, "another result with {threads} threads");
    }
}

/// A row of a matrix as a vector.
pub fn vector(x: &Tensor<2>) -> Tensor<1> {
    let [rows, columns] = x.dims();
    x.clone().reshape([rows * columns])
}

/// What the model leaves to Burn must be deterministic as well.
#[test]
fn linear_embedding_and_tied_decoder_of_burn_are_deterministic() {
    use burn::tensor::{Int, module};
    let ids: Vec<i64> = (0..300).map(|i| i * i % 17).collect();
    let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [300]), &Device::flex());
    let inputs = [[0, 2000, 64], [1, 64, 200], [2, 1, 200]].map(|[seed, m, n]| random(seed as u64, [m, n], 1.0));
    let op = |x: &[Tensor<2>]| {
        let hidden = module::linear(x[0].clone().select(0, ids.clone()), x[1].clone(), Some(vector(&x[2])));
        hidden.matmul(x[1].clone().transpose()).matmul(x[0].clone().transpose())
    };
    assert_deterministic(op, &inputs);
}
