//! The layers of verification.

use serde::{Deserialize, Serialize};

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Layer {
    /// The chain's rule on what the receipt states of tokens, time and hardware.
    Metadata,
    /// The receipt: signed by the leased worker, for this lease, this output and this evidence.
    Receipt,
    /// Evidence of the worker's own program.
    SoftwareAttestation,
    /// Evidence of a GPU and a processor.
    HardwareAttestation,
    /// Another worker runs the model again.
    SpotCheck,
    /// Somebody runs every result again, challenges what is wrong, and a jury decides.
    Jury,
    /// A proof of the output.
    Proof,
}

impl Layer {
    /// Every one.
    #[cfg(feature = "synthetic")]
    pub(super) const ALL: [Self; 7] = [
        Self::Metadata,
        Self::Receipt,
        Self::SoftwareAttestation,
        Self::HardwareAttestation,
        Self::SpotCheck,
        Self::Jury,
        Self::Proof,
    ];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Receipt => "receipt",
            Self::SoftwareAttestation => "software attestation",
            Self::HardwareAttestation => "GPU and CPU attestation",
            Self::SpotCheck => "spot check",
            Self::Jury => "challenge and jury",
            Self::Proof => "proof",
        }
    }
}
