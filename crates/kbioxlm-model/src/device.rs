//! Where tensors live and are computed.

use crate::{ModelError, Result};
use burn::tensor::{DType, Device};
use std::sync::OnceLock;

static SELECTED: OnceLock<Device> = OnceLock::new();

/// Devices; all but the processor are features of the build.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum DeviceName {
    /// The processor, with the fused operations of `kbioxlm-ops`.
    #[default]
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An AMD GPU.
    Rocm,
    /// A GPU of Apple's.
    Metal,
    /// Any GPU with a Vulkan driver.
    Vulkan,
    /// Any GPU, by shaders in WebGPU's language, on whatever the system has (Vulkan, Metal, DirectX).
    Webgpu,
}

impl DeviceName {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Cpu, Self::Cuda, Self::Rocm, Self::Metal, Self::Vulkan, Self::Webgpu];

    /// The name of the device and of the build's feature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Metal => "metal",
            Self::Vulkan => "vulkan",
            Self::Webgpu => "webgpu",
        }
    }

    /// The device, if this program was built for it.
    fn open(self) -> Option<Device> {
        match self {
            Self::Cpu => Some(Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda => Some(Device::cuda(burn::tensor::DeviceIndex::Default)),
            #[cfg(feature = "rocm")]
            Self::Rocm => Some(Device::rocm(burn::tensor::DeviceIndex::Default)),
            #[cfg(feature = "metal")]
            Self::Metal => Some(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Some(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "webgpu")]
            Self::Webgpu => Some(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
            #[allow(unreachable_patterns, reason = "with all features there is no other")]
            _ => None,
        }
    }
}

/// Chooses the device of this process; to be called once, before anything is loaded.
///
/// # Errors
/// The program was built without the device, or another one is in use already.
pub fn select_device(name: DeviceName) -> Result<()> {
    let device = name.open().ok_or(ModelError::Device { name: name.as_str() })?;
    if SELECTED.get_or_init(|| device.clone()) == &device { Ok(()) } else { Err(ModelError::DeviceInUse) }
}

/// The device that was chosen; the processor if none was.
pub fn device() -> Device {
    SELECTED.get_or_init(Device::flex).clone()
}

/// Whether the device computes in bf16 itself. The processor does not: there it would be slower than `f32`.
pub fn has_bf16(device: &Device) -> bool {
    let device = device.clone().inner();
    device != Device::flex() && device.supports_dtype(DType::BF16)
}
