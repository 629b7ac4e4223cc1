//! Devices of one machine: no device twice, one way of sharing, and the closed set of GPUs and switches that protected
//! PCIe needs.
//!
//! Under protected PCIe the links between GPUs are in the clear, so the switches are part of what is trusted: every GPU
//! must see exactly the attested switches, and every switch exactly the attested GPUs. One genuine switch presented four
//! times is not four switches.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{
    claims::DeviceClaims,
    device_chain::Family,
    opaque::{Feature, Pdi},
    report::DeviceKind,
};

/// GPUs of a machine under protected PCIe.
pub const PROTECTED_GPUS: usize = 8;
/// Switches of such a machine.
pub const PROTECTED_SWITCHES: usize = 4;

/// Why devices are not one machine.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TopologyError {
    /// One device twice.
    #[error("devices: {} appears twice", crate::hex::encode(.identity))]
    DuplicateDevice {
        /// Its identity.
        identity: [u8; 32],
    },
    /// Two identity keys claim one physical identifier.
    #[error("devices: physical identifier {} appears twice", crate::hex::encode(.pdi))]
    DuplicateIdentifier {
        /// The identifier.
        pdi: Pdi,
    },
    /// No GPU at all.
    #[error("devices: no GPU among them")]
    NoGpu,
    /// GPUs of several families.
    #[error("devices: GPUs of {first:?} and {second:?} in one machine")]
    MixedFamilies {
        /// Family of the first GPU.
        first: Family,
        /// Another.
        second: Family,
    },
    /// GPUs that are shared out in different ways.
    #[error("devices: GPUs in modes {first:?} and {second:?} in one machine")]
    MixedFeatures {
        /// Mode of the first GPU.
        first: Feature,
        /// Another.
        second: Feature,
    },
    /// Switches without protected PCIe, where they vouch for nothing.
    #[error("devices: {got} switches, but the GPUs are not under protected PCIe")]
    UnexpectedSwitches {
        /// Switches given.
        got: usize,
    },
    /// Another number of GPUs than protected PCIe needs.
    #[error("devices: protected PCIe needs {PROTECTED_GPUS} GPUs, got {got}")]
    GpuCount {
        /// GPUs given.
        got: usize,
    },
    /// Another number of switches than protected PCIe needs.
    #[error("devices: protected PCIe needs {PROTECTED_SWITCHES} switches, got {got}")]
    SwitchCount {
        /// Switches given.
        got: usize,
    },
    /// A GPU is linked to other switches than the attested ones.
    #[error("devices: GPU {} is not linked to exactly the attested switches", crate::hex::encode(.gpu))]
    GpuLinks {
        /// The GPU.
        gpu: Pdi,
    },
    /// A switch is linked to other GPUs than the attested ones.
    #[error("devices: switch {} is not linked to exactly the attested GPUs", crate::hex::encode(.switch))]
    SwitchLinks {
        /// The switch.
        switch: Pdi,
    },
}

/// How the GPUs of a machine hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Topology {
    /// GPUs.
    pub gpus: usize,
    /// Switches.
    pub switches: usize,
    /// How all GPUs are shared out.
    pub feature: Feature,
}

/// Checks that appraised devices are one machine.
///
/// # Errors
/// [`TopologyError`].
pub fn check(devices: &[DeviceClaims]) -> Result<Topology, TopologyError> {
    let (mut identities, mut identifiers) = (BTreeSet::new(), BTreeSet::new());
    for device in devices {
        if !identities.insert(device.identity) {
            return Err(TopologyError::DuplicateDevice { identity: device.identity });
        }
        if !identifiers.insert(device.pdi) {
            return Err(TopologyError::DuplicateIdentifier { pdi: device.pdi });
        }
    }
    let (gpus, switches): (Vec<_>, Vec<_>) = devices.iter().partition(|device| device.kind == DeviceKind::Gpu);
    let first = *gpus.first().ok_or(TopologyError::NoGpu)?;
    for gpu in &gpus {
        if gpu.family != first.family {
            return Err(TopologyError::MixedFamilies { first: first.family, second: gpu.family });
        }
        if feature(gpu) != feature(first) {
            return Err(TopologyError::MixedFeatures { first: feature(first), second: feature(gpu) });
        }
    }
    if feature(first) == Feature::ProtectedPcie {
        check_links(&gpus, &switches)?;
    } else if !switches.is_empty() {
        return Err(TopologyError::UnexpectedSwitches { got: switches.len() });
    }
    Ok(Topology { gpus: gpus.len(), switches: switches.len(), feature: feature(first) })
}

/// Reports of older drivers carry no flag; they know single pass-through and protected PCIe only.
fn feature(gpu: &DeviceClaims) -> Feature {
    gpu.feature.unwrap_or(Feature::SinglePassThrough)
}

fn check_links(gpus: &[&DeviceClaims], switches: &[&DeviceClaims]) -> Result<(), TopologyError> {
    if gpus.len() != PROTECTED_GPUS {
        return Err(TopologyError::GpuCount { got: gpus.len() });
    }
    if switches.len() != PROTECTED_SWITCHES {
        return Err(TopologyError::SwitchCount { got: switches.len() });
    }
    let gpu_set: BTreeSet<Pdi> = gpus.iter().map(|gpu| gpu.pdi).collect();
    let switch_set: BTreeSet<Pdi> = switches.iter().map(|switch| switch.pdi).collect();
    for gpu in gpus {
        if set_of(&gpu.switches) != switch_set {
            return Err(TopologyError::GpuLinks { gpu: gpu.pdi });
        }
    }
    for switch in switches {
        if set_of(&switch.gpus) != gpu_set {
            return Err(TopologyError::SwitchLinks { switch: switch.pdi });
        }
    }
    Ok(())
}

/// Linked devices; ports repeat, and unused ones hold all ones.
fn set_of(ports: &[Pdi]) -> BTreeSet<Pdi> {
    ports.iter().copied().filter(|pdi| *pdi != [0xFF; 8]).collect()
}
