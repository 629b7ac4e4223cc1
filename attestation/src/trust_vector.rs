//! Why evidence is trusted, in the vocabulary of AR4SI (draft-ietf-rats-ar4si, "Attestation Results for Secure
//! Interactions"), section 2.3.
//!
//! Each claim is a number: 2 to 31 affirms, 32 to 95 warns, 96 to 127 contraindicates, 0 says nothing. The vector
//! explains; the trust in basis points decides. Claims about files, storage and data sources stay 0: nothing here looks
//! at them.

use serde::Serialize;

/// Tier of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// No statement.
    None,
    /// 2 to 31.
    Affirming,
    /// 32 to 95.
    Warning,
    /// 96 to 127.
    Contraindicated,
}

/// One claim of a [`TrustVector`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Claim(u8);

impl Claim {
    /// No statement.
    pub const NONE: Self = Self(0);
    /// The instance is recognised and trustworthy.
    pub const RECOGNISED_INSTANCE: Self = Self(2);
    /// The instance is not recognised.
    pub const UNRECOGNISED_INSTANCE: Self = Self(97);
    /// Configuration is known and approved.
    pub const APPROVED_CONFIGURATION: Self = Self(2);
    /// Configuration exposes known vulnerabilities.
    pub const UNSAFE_CONFIGURATION: Self = Self(32);
    /// Only recognised, approved software was launched.
    pub const APPROVED_RUNTIME: Self = Self(2);
    /// Firmware matches reference values; the software above it was not measured.
    pub const APPROVED_BOOT: Self = Self(3);
    /// Software that has known vulnerabilities.
    pub const UNSAFE_RUNTIME: Self = Self(32);
    /// What runs was not recognised.
    pub const UNRECOGNISED_RUNTIME: Self = Self(33);
    /// Genuine hardware.
    pub const GENUINE_HARDWARE: Self = Self(2);
    /// Genuine hardware with known vulnerabilities, or old firmware.
    pub const UNSAFE_HARDWARE: Self = Self(32);
    /// Hardware that nobody vouches for.
    pub const UNRECOGNISED_HARDWARE: Self = Self(97);
    /// Memory is encrypted and out of the host's reach.
    pub const ENCRYPTED_MEMORY: Self = Self(2);
    /// Memory is visible to the host.
    pub const VISIBLE_MEMORY: Self = Self(96);

    /// The number.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Its tier.
    #[must_use]
    pub const fn tier(self) -> Tier {
        match self.0 {
            2..=31 => Tier::Affirming,
            32..=95 => Tier::Warning,
            96..=127 => Tier::Contraindicated,
            _ => Tier::None,
        }
    }
}

/// The vector. Larger numbers are worse; combine two sources by their greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrustVector {
    /// Which device it is.
    pub instance_identity: Claim,
    /// How it is configured.
    pub configuration: Claim,
    /// What runs.
    pub executables: Claim,
    /// Files; nothing is said.
    pub file_system: Claim,
    /// What it is made of.
    pub hardware: Claim,
    /// Whether the host can look in.
    pub runtime_opaque: Claim,
    /// Storage; nothing is said.
    pub storage_opaque: Claim,
    /// Where its data came from; nothing is said.
    pub sourced_data: Claim,
}

impl TrustVector {
    /// The worst tier in it.
    #[must_use]
    pub fn tier(&self) -> Tier {
        let Self {
            instance_identity,
            configuration,
            executables,
            file_system,
            hardware,
            runtime_opaque,
            storage_opaque,
            sourced_data,
        } = *self;
        [
            instance_identity,
            configuration,
            executables,
            file_system,
            hardware,
            runtime_opaque,
            storage_opaque,
            sourced_data,
        ]
        .into_iter()
        .map(Claim::tier)
        .max()
        .unwrap_or(Tier::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_follow_the_draft() {
        for (value, tier) in [
            (0, Tier::None),
            (2, Tier::Affirming),
            (31, Tier::Affirming),
            (32, Tier::Warning),
            (95, Tier::Warning),
            (96, Tier::Contraindicated),
            (127, Tier::Contraindicated),
        ] {
            assert_eq!(Claim(value).tier(), tier, "{value}");
        }
        let vector = TrustVector { hardware: Claim::UNSAFE_HARDWARE, ..TrustVector::default() };
        assert_eq!(vector.tier(), Tier::Warning);
        assert_eq!(TrustVector::default().tier(), Tier::None);
    }
}
