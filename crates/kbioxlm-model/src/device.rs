//! Where tensors live and are computed.

use crate::{ModelError, Result};
use burn::tensor::{DType, Device};
use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::sync::OnceLock;

static SELECTED: OnceLock<Device> = OnceLock::new();

/// Kinds of devices; all but the processor are features of the build.
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

    /// The name of the kind and of the build's feature.
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
}

/// One device: its kind, and its number among those of its kind. Written as `cuda:1`; without a number it is the first one, or
/// the one that the driver prefers.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct DeviceChoice {
    /// The kind.
    pub name: DeviceName,
    /// The number, from 0. With `metal`, `vulkan` and `webgpu` it counts the discrete GPUs.
    pub index: Option<usize>,
}

impl DeviceChoice {
    /// The device.
    ///
    /// # Errors
    /// The program was built without it.
    pub fn open(self) -> Result<Device> {
        match self.name {
            DeviceName::Cpu => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            DeviceName::Cuda => Ok(Device::cuda(numbered(self.index))),
            #[cfg(feature = "rocm")]
            DeviceName::Rocm => Ok(Device::rocm(numbered(self.index))),
            #[cfg(feature = "metal")]
            DeviceName::Metal => Ok(Device::metal(discrete(self.index))),
            #[cfg(feature = "vulkan")]
            DeviceName::Vulkan => Ok(Device::vulkan(discrete(self.index))),
            #[cfg(feature = "webgpu")]
            DeviceName::Webgpu => Ok(Device::wgpu(discrete(self.index))),
            #[allow(unreachable_patterns, reason = "with all features there is no other")]
            name => Err(ModelError::Device { name: name.as_str() }),
        }
    }
}

#[cfg(any(feature = "cuda", feature = "rocm"))]
fn numbered(index: Option<usize>) -> burn::tensor::DeviceIndex {
    index.map_or(burn::tensor::DeviceIndex::Default, burn::tensor::DeviceIndex::Specified)
}

#[cfg(any(feature = "metal", feature = "vulkan", feature = "webgpu"))]
fn discrete(index: Option<usize>) -> burn::tensor::DeviceKind {
    index.map_or(burn::tensor::DeviceKind::DefaultDevice, burn::tensor::DeviceKind::DiscreteGpu)
}

impl From<DeviceName> for DeviceChoice {
    fn from(name: DeviceName) -> Self {
        Self { name, index: None }
    }
}

impl Display for DeviceChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name.as_str())?;
        self.index.map_or(Ok(()), |index| write!(f, ":{index}"))
    }
}

impl FromStr for DeviceChoice {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self> {
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, index.parse().ok().map(Some)),
            None => (text, Some(None)),
        };
        let name = DeviceName::ALL.into_iter().find(|known| known.as_str() == name);
        match (name, index) {
            // There is one processor, whatever its number of cores.
            (Some(DeviceName::Cpu), Some(Some(_))) | (None, _) | (_, None) => {
                Err(ModelError::DeviceChoice(text.to_owned()))
            }
            (Some(name), Some(index)) => Ok(Self { name, index }),
        }
    }
}

/// Chooses the device of this process; to be called once, before anything is loaded.
///
/// # Errors
/// The program was built without the device, or another one is in use already.
pub fn select_device(choice: impl Into<DeviceChoice>) -> Result<()> {
    let device = choice.into().open()?;
    if SELECTED.get_or_init(|| device.clone()) == &device { Ok(()) } else { Err(ModelError::DeviceInUse) }
}

/// The device that was chosen; the processor if none was.
pub fn device() -> Device {
    SELECTED.get_or_init(Device::flex).clone()
}

/// Runs `work`, which computes on this device and waits for nobody.
///
/// On the processor it runs within the pool of threads. A step has hundreds of parallel loops; from outside, each of them would have to
/// wake the pool and be woken by it, which takes longer than the loop where a model or a batch is small.
pub fn compute_on<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    if device.clone().inner() == Device::flex() { rayon::scope(|_| work()) } else { work() }
}

/// Whether the device computes in bf16 itself. The processor does not: there it would be slower than `f32`.
pub fn has_bf16(device: &Device) -> bool {
    let device = device.clone().inner();
    device != Device::flex() && device.supports_dtype(DType::BF16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_written_as_they_are_read_and_others_refused() {
        for text in ["cpu", "cuda", "cuda:0", "rocm:12", "metal", "vulkan:1", "webgpu"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        for text in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:0", ":1", "cuda:1:2"] {
            let message = text.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")) && message.contains("cuda:1"), "{message}");
        }
        #[cfg(not(feature = "cuda"))]
        assert!("cuda:1".parse::<DeviceChoice>().unwrap().open().unwrap_err().to_string().contains("--features cuda"));
    }
}
