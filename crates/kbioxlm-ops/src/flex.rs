//! Access to the tensors of Burn's `flex` backend.

use crate::pool::Buffer;
use burn::backend::DispatchDevice;
use burn::tensor::{Bytes, DType, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;
use std::sync::Arc;

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

/// `x` times `factor`, in place if nobody else holds it.
pub(crate) fn scaled(mut x: FlexTensor, factor: f32) -> FlexTensor {
    if factor != 1.0 {
        let chunks = x.storage_mut::<f32>().par_chunks_mut(CHUNK);
        chunks.for_each(|chunk| chunk.iter_mut().for_each(|x| *x *= factor));
    }
    x
}

/// Gives the memory of a tensor that nobody else holds to the pool, see [`crate::pool`].
pub(crate) fn recycle(x: FlexTensor) {
    let data = x.data_arc();
    drop(x);
    if let Some(elements) = Arc::into_inner(data).and_then(|data| data.try_into_vec::<f32>().ok()) {
        drop(Buffer::from(elements));
    }
}
