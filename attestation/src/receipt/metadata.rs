//! What a worker states about its run. Signed, but a claim: the plausibility rules of a chain judge it (layer 1).

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{codec::FieldError, text::Text};

/// Most bytes of a hardware name.
pub const HARDWARE_BYTES_MAX: usize = 64;
/// Most samples of a utilisation profile.
pub const UTILISATION_SAMPLES_MAX: usize = 32;

/// Where the model ran. Borsh tag: 0, 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// On the processor only.
    Cpu,
    /// On an NVIDIA GPU.
    Cuda,
}

/// Declared class of speed. Borsh tag: 0, 1, 2, 3.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum HardwareTier {
    /// 8 to 15 tokens a second.
    Entry,
    /// 40 to 80 tokens a second.
    Standard,
    /// 80 to 150 tokens a second.
    HighEnd,
    /// 200 and more tokens a second.
    Server,
}

impl HardwareTier {
    /// Top speed of the class, tokens a second; servers have none.
    #[must_use]
    pub const fn tokens_per_second_max(self) -> Option<u64> {
        match self {
            Self::Entry => Some(15),
            Self::Standard => Some(80),
            Self::HighEnd => Some(150),
            Self::Server => None,
        }
    }
}

/// The run in numbers, as the worker declares it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Tokens of the prompt, or 0 for a model without tokens.
    pub tokens_in: u32,
    /// Tokens produced, or 0 for a model without tokens.
    pub tokens_out: u32,
    /// Wall-clock time of the run in milliseconds.
    pub elapsed_ms: u64,
    /// Where it ran.
    pub device: DeviceKind,
    /// Declared class of speed.
    pub tier: HardwareTier,
    /// Name of the processor or GPU.
    pub hardware: Text<HARDWARE_BYTES_MAX>,
    /// Samples of GPU utilisation over the run; empty on a processor.
    pub utilisation: UtilisationProfile,
}

/// Why a utilisation profile is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UtilisationError {
    /// More samples than the cap.
    #[error("utilisation: expected at most {max} samples, got {got}")]
    TooManySamples {
        /// The cap.
        max: usize,
        /// Samples given.
        got: usize,
    },
    /// A sample above one hundred percent.
    #[error("utilisation sample: expected at most 10000 bps, got {got}")]
    AboveFull {
        /// The sample in bps.
        got: u32,
    },
}

/// At most [`UTILISATION_SAMPLES_MAX`] samples in basis points, each at most 10000 (invariant), evenly spaced in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(try_from = "Vec<u32>", into = "Vec<u32>")]
pub struct UtilisationProfile(Vec<u32>);

impl UtilisationProfile {
    /// Checks and keeps samples in bps.
    ///
    /// # Errors
    /// [`UtilisationError`].
    pub fn new(samples: Vec<u32>) -> Result<Self, UtilisationError> {
        if samples.len() > UTILISATION_SAMPLES_MAX {
            return Err(UtilisationError::TooManySamples { max: UTILISATION_SAMPLES_MAX, got: samples.len() });
        }
        match samples.iter().find(|sample| **sample > crate::policy::BPS) {
            Some(got) => Err(UtilisationError::AboveFull { got: *got }),
            None => Ok(Self(samples)),
        }
    }

    /// The samples in bps.
    #[must_use]
    pub fn samples(&self) -> &[u32] {
        &self.0
    }
}

impl TryFrom<Vec<u32>> for UtilisationProfile {
    type Error = UtilisationError;

    fn try_from(samples: Vec<u32>) -> Result<Self, UtilisationError> {
        Self::new(samples)
    }
}

impl From<UtilisationProfile> for Vec<u32> {
    fn from(profile: UtilisationProfile) -> Self {
        profile.0
    }
}

impl BorshDeserialize for UtilisationProfile {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let got = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
        if got > UTILISATION_SAMPLES_MAX {
            let error = UtilisationError::TooManySamples { max: UTILISATION_SAMPLES_MAX, got };
            return Err(FieldError::from(error).into());
        }
        let samples = (0..got).map(|_| u32::deserialize_reader(reader)).collect::<io::Result<Vec<u32>>>()?;
        Self::new(samples).map_err(|error| FieldError::from(error).into())
    }
}
