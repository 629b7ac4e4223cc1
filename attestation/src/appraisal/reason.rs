//! Why evidence earns what it earns.

use std::fmt;

use serde::Serialize;

use crate::policy::HardwareClass;

/// Why the trust is what it is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Software evidence shows nothing.
    SoftwareOnly,
    /// Synthetic devices show nothing.
    SyntheticOnly,
    /// Devices verified here, and a quote that commits to them.
    Verified,
    /// No CPU quote vouches for the software.
    NoCpuQuote,
    /// No GPU: an accelerator is what earns trust.
    NoGpu,
    /// Firmware was not compared with all its reference values.
    ReferenceValuesMissing {
        /// Manifests that were not pinned or not supplied.
        manifests: usize,
    },
    /// The vendor's token vouches for firmware that was not compared with all its reference values here.
    VendorToken {
        /// Manifests that were not pinned or not supplied.
        manifests: usize,
    },
    /// Revocation lists, not responses, speak for a chain.
    RevocationByList,
    /// Nothing spoke about revocation.
    RevocationNotChecked,
    /// Software inside must mitigate something.
    SoftwareHardeningNeeded,
    /// Something holds by a grace period only.
    Grace {
        /// Last moment at which the evidence counts, milliseconds.
        until: u64,
    },
    /// The row of the evidence decided.
    EvidenceRow {
        /// Trust of the row.
        row_bps: u32,
    },
    /// The hardware's cap decided, being below the row.
    HardwareCap {
        /// Trust of the row.
        row_bps: u32,
        /// Class of the hardware.
        class: HardwareClass,
        /// Its cap.
        cap_bps: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftwareOnly => formatter.write_str(
                "software evidence: adds no security over the receipt signature, executable and host are the worker's own words",
            ),
            Self::SyntheticOnly => formatter.write_str("synthetic devices: nobody made them, they show nothing"),
            Self::Verified => {
                formatter.write_str("devices verified here, and a CPU quote that commits to them and to the session key")
            }
            Self::NoCpuQuote => formatter.write_str("no CPU quote: nothing vouches for the software that asked the GPU"),
            Self::NoGpu => formatter.write_str("no GPU: only the processor was attested"),
            Self::ReferenceValuesMissing { manifests } => write!(
                formatter,
                "genuine, but {manifests} reference manifests are not pinned or not supplied: the firmware is unknown"
            ),
            Self::VendorToken { manifests } => write!(
                formatter,
                "the vendor's token vouches for firmware of which {manifests} reference manifests are not pinned or not supplied"
            ),
            Self::RevocationByList => formatter.write_str("revocation checked by lists only"),
            Self::RevocationNotChecked => formatter.write_str("nothing spoke about revocation"),
            Self::SoftwareHardeningNeeded => {
                formatter.write_str("the processor's maker asks software to mitigate a known weakness")
            }
            Self::Grace { until } => write!(formatter, "accepted by a grace period only, until {until} (milliseconds)"),
            Self::EvidenceRow { row_bps } => write!(formatter, "trust {row_bps} bps by the kind of evidence"),
            Self::HardwareCap { row_bps, class, cap_bps } => {
                write!(formatter, "trust {row_bps} bps by the kind of evidence, capped at {cap_bps} for hardware {class:?}")
            }
        }
    }
}
