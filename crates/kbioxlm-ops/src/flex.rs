//! Access to the tensors of Burn's `flex` backend, and memory for results.

use burn::backend::DispatchDevice;
use burn::tensor::{Bytes, DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};
use std::mem::MaybeUninit;

/// Elements per parallel job of element-wise operations: small enough for the cache, large enough to pay for the job.
pub(crate) const CHUNK: usize = 1 << 14;

/// Whether the fused kernels can work on `x`: on the `flex` device, with or without gradients, and `f32`.
pub(crate) fn is_fused<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device();
    let flex = match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        device => matches!(device, DispatchDevice::Flex(_)),
    };
    flex && x.dtype() == DType::F32
}

/// `x` with its elements in row order and nothing else in its storage, so that `storage` is the whole tensor.
pub(crate) fn contiguous(x: FlexTensor) -> FlexTensor {
    // The argument is dropped before the result is used: a second handle would force a copy at the first write.
    x.to_contiguous()
}

/// A tensor of the given elements in row order.
pub(crate) fn tensor(elements: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(elements), Layout::contiguous(shape), DType::F32)
}

/// Memory for `length` elements. Not zeroed: for activations the zeroing would cost a tenth of the time of the kernel
/// that fills them.
pub(crate) fn uninit(length: usize) -> Vec<MaybeUninit<f32>> {
    let mut elements = Vec::with_capacity(length);
    // SAFETY: the capacity is `length`, and an element of `MaybeUninit` need not be initialised.
    unsafe { elements.set_len(length) };
    elements
}

/// The elements of memory that has been filled.
///
/// # Safety
/// Every element must have been written.
pub(crate) unsafe fn assume_init(elements: Vec<MaybeUninit<f32>>) -> Vec<f32> {
    let mut elements = std::mem::ManuallyDrop::new(elements);
    // SAFETY: `MaybeUninit<f32>` has the size and alignment of `f32`; the pointer, length and capacity are those of a
    // vector that is not dropped; the caller has initialised the elements.
    unsafe { Vec::from_raw_parts(elements.as_mut_ptr().cast(), elements.len(), elements.capacity()) }
}
