//! Which device runs an inference, chosen at run time.
//!
//! GPU support is the cargo feature `cuda`, because it needs the CUDA toolkit to build. A device that was asked for and
//! is not usable is an error: falling back to the CPU would surprise whoever waits for the result.

use std::fmt;
use std::str::FromStr;

/// `cpu` or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
}

/// Why a device is not usable.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not a device name.
    #[error("device: expected cpu or cuda:N (for example cuda:0), got {got:?}")]
    Name {
        /// What came, at most 40 characters.
        got: String,
    },
    /// This build has no GPU support.
    #[error(
        "device cuda:{index}: this build has no GPU support; use --device cpu, or build with --features cuda on a \
         machine with the CUDA toolkit"
    )]
    NotBuilt {
        /// Index of the GPU.
        index: usize,
    },
    /// The GPU does not answer.
    #[error("device cuda:{index}: not there or not usable ({source}); list GPUs with nvidia-smi, or use --device cpu")]
    Missing {
        /// Index of the GPU.
        index: usize,
        /// What the driver said.
        source: candle_core::Error,
    },
}

impl Device {
    /// Opens the device.
    pub fn open(self) -> Result<candle_core::Device, DeviceError> {
        match self {
            Self::Cpu => Ok(candle_core::Device::Cpu),
            Self::Cuda(index) if cfg!(feature = "cuda") => {
                candle_core::Device::new_cuda(index).map_err(|source| DeviceError::Missing { index, source })
            }
            Self::Cuda(index) => Err(DeviceError::NotBuilt { index }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DeviceError::Name { got: text.chars().take(40).collect() };
        match text.strip_prefix("cuda:") {
            None if text == "cpu" => Ok(Self::Cpu),
            // `parse` alone would allow a plus sign.
            Some(index) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                index.parse().map(Self::Cuda).map_err(|_| error())
            }
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (text, device) in [("cpu", Device::Cpu), ("cuda:0", Device::Cuda(0)), ("cuda:12", Device::Cuda(12))] {
            assert_eq!(text.parse::<Device>().unwrap(), device);
            assert_eq!(device.to_string(), text);
        }
        for text in ["", "gpu", "CPU", "cuda", "cuda:", "cuda:-1", "cuda:+1", "cuda:99999999999999999999", "cpu "] {
            let error = text.parse::<Device>().unwrap_err();
            assert!(matches!(&error, DeviceError::Name { got } if got == text), "{error}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_gpu_support_says_so() {
        let error = Device::Cuda(1).open().unwrap_err();
        assert!(matches!(error, DeviceError::NotBuilt { index: 1 }), "{error}");
        assert_eq!(
            error.to_string(),
            "device cuda:1: this build has no GPU support; use --device cpu, or build with --features cuda on a \
             machine with the CUDA toolkit"
        );
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn a_gpu_that_is_not_there_is_named() {
        let error = Device::Cuda(4096).open().unwrap_err();
        assert!(matches!(error, DeviceError::Missing { index: 4096, .. }), "{error}");
    }
}
