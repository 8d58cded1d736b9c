//! Products of matrices that are parts of larger ones.

use crate::pool::Buffer;

/// Multiplications from which on a product is worth sharing between threads.
const PARALLEL: usize = 1 << 21;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    elements: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// The matrix of this shape whose first row starts at `offset` and whose rows are `row_stride` elements apart.
    ///
    /// # Panics
    /// If it does not lie inside `elements`.
    pub(crate) fn new(elements: &'a [f32], offset: usize, shape: [usize; 2], row_stride: usize) -> Self {
        let [rows, columns] = shape;
        let end = if rows * columns == 0 { 0 } else { (rows - 1) * row_stride + columns };
        Self { elements: &elements[offset..offset + end], shape, strides: [row_stride, 1] }
    }

    /// The matrix with so many columns that all elements are.
    ///
    /// # Panics
    /// If the last row would not be full.
    pub(crate) fn whole(elements: &'a [f32], columns: usize) -> Self {
        let rows = elements.len().checked_div(columns).unwrap_or(0);
        assert_eq!(rows * columns, elements.len(), "matrix: rows of {columns} elements");
        Self { elements, shape: [rows, columns], strides: [columns, 1] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.shape[0]
    }

    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Self { shape: [columns, rows], strides: [column, row], ..self }
    }
}

/// `a * b`, in row order; the threads share the work.
///
/// # Panics
/// If the shapes do not fit together.
pub(crate) fn product(a: Matrix, b: Matrix) -> Buffer {
    let columns = b.shape[1];
    let mut result = Buffer::new(a.shape[0] * columns);
    // SAFETY: the result has as many elements as the product and is nobody else's.
    unsafe { multiply(1.0, a, b, false, result.as_mut_ptr(), columns, parallelism(a, b)) };
    result
}

/// Adds `a * b` to `target`; the threads share the work.
///
/// # Panics
/// If the shapes do not fit together.
pub(crate) fn add_product(target: &mut [f32], a: Matrix, b: Matrix) {
    let columns = b.shape[1];
    assert_eq!(target.len(), a.shape[0] * columns, "matrix product: size of the result");
    // SAFETY: the target has as many elements as the product, all of them numbers, and is borrowed for writing.
    unsafe { multiply(1.0, a, b, true, target.as_mut_ptr(), columns, parallelism(a, b)) };
}

/// Writes `factor * a * b` to the memory at `target`, whose rows are `row_stride` elements apart; what was there does
/// not matter. Runs on the calling thread alone.
///
/// # Safety
/// The rows of the result must lie in memory that may be written and that nothing else accesses at the same time.
///
/// # Panics
/// If the shapes of `a` and `b` do not fit together.
pub(crate) unsafe fn product_at(factor: f32, a: Matrix, b: Matrix, target: *mut f32, row_stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { multiply(factor, a, b, false, target, row_stride, gemm::Parallelism::None) };
}

fn parallelism(a: Matrix, b: Matrix) -> gemm::Parallelism {
    let work = a.shape[0] * a.shape[1] * b.shape[1];
    // 0: all threads of the current pool.
    if work < PARALLEL { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(0) }
}

/// # Safety
/// As for [`product_at`]; with `add`, the memory must hold numbers.
unsafe fn multiply(
    factor: f32,
    a: Matrix,
    b: Matrix,
    add: bool,
    target: *mut f32,
    row_stride: usize,
    parallelism: gemm::Parallelism,
) {
    let ([rows, inner], [inner_b, columns]) = (a.shape, b.shape);
    assert_eq!(inner, inner_b, "matrix product: shapes");
    // SAFETY: `Matrix::new` has checked that every element of `a` and `b` lies inside its slice; the caller answers for
    // the target, which is read only if `add`.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target,
            1,
            row_stride as isize,
            add,
            a.elements.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.elements.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            1.0,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, random};

    #[test]
    fn products_of_parts_transposes_and_nothing() {
        let (a, b) = (random(1, [5, 7], 1.0).elements, random(2, [7, 3], 1.0).elements);
        let naive = |i: usize, j: usize| (0..7).map(|k| a[i * 7 + k] * b[k * 3 + j]).sum::<f32>();
        let expected: Vec<f32> = (0..15).map(|n| naive(n / 3, n % 3)).collect();
        let (left, right) = (Matrix::whole(&a, 7), Matrix::whole(&b, 3));
        close("product", &product(left, right), &expected, 1e-6);
        let transposed: Vec<f32> = (0..15).map(|n| expected[n % 5 * 3 + n / 5]).collect();
        close("transposed", &product(right.transposed(), left.transposed()), &transposed, 1e-6);
        let mut sum = expected.clone();
        add_product(&mut sum, left, right);
        close("sum", &sum, &expected.iter().map(|x| 2.0 * x).collect::<Vec<_>>(), 1e-6);
        // Without inner elements every sum is empty: 0, and not what was there.
        assert_eq!(*product(Matrix::new(&[], 0, [2, 0], 0), Matrix::new(&[], 0, [0, 2], 2)), [0.0; 4]);
        assert!(product(Matrix::whole(&[], 7), right).is_empty());
    }
}
