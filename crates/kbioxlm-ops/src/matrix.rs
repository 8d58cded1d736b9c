//! Products of matrices that are parts of larger ones.

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

    pub(crate) fn rows(&self) -> usize {
        self.shape[0]
    }

    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Self { shape: [columns, rows], strides: [column, row], ..self }
    }
}

/// Writes `factor * a * b` to the memory at `target`, whose rows are `row_stride` elements apart; what was there does
/// not matter. Runs on the calling thread alone.
///
/// # Safety
/// The rows of the result must lie in memory that may be written and that nothing else accesses at the same time.
///
/// # Panics
/// If the shapes of `a` and `b` do not fit together.
pub(crate) unsafe fn product(factor: f32, a: Matrix, b: Matrix, target: *mut f32, row_stride: usize) {
    let ([rows, inner], [inner_b, columns]) = (a.shape, b.shape);
    assert_eq!(inner, inner_b, "matrix product: shapes");
    // SAFETY: `Matrix::new` has checked that every element of `a` and `b` lies inside its slice; the caller answers for
    // the target, which is not read.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target,
            1,
            row_stride as isize,
            false,
            a.elements.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.elements.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            0.0,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
