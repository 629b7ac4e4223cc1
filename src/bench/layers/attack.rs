//! Named attacks, each of which is really made: a submission that is all that an honest one is, but for one lie.

use serde::{Deserialize, Serialize};

/// What a cheater tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Attack {
    /// The largest and the smallest output change places; the proof is the honest output's, relabelled.
    WrongLabel,
    /// The same network with other weights, run and proven in earnest; the proof is relabelled as the model's.
    OtherWeights,
    /// The network with half of its first weighted operator left out, likewise.
    SmallerModel,
    /// The model on another input, run and proven in earnest; the proof is relabelled.
    OtherInput,
    /// Honest work for an earlier lease of the same job, handed in once more as it is.
    Replay,
    /// The earlier output, evidence and proof, signed anew for this lease.
    StaleEvidence,
    /// Honest work for the same lease on another chain.
    OtherChain,
    /// Honest work, signed by somebody whom the lease does not pay.
    Theft,
    /// Honest work with evidence of another machine than the leased one.
    OtherMachine,
    /// The wrong label, where the checker that is drawn colludes and repeats the worker's answer.
    ColludingChecker,
    /// The wrong label, where most of the jury colludes and repeats the worker's answer.
    ColludingJury,
    /// Honest work, whose receipt states an hour more than the lease has existed.
    PaddedTime,
    /// Honest work, whose receipt states a better tier of hardware than is registered.
    BetterTier,
}

impl Attack {
    /// Every one.
    #[cfg(feature = "synthetic")]
    pub(super) const ALL: [Self; 13] = [
        Self::WrongLabel,
        Self::OtherWeights,
        Self::SmallerModel,
        Self::OtherInput,
        Self::Replay,
        Self::StaleEvidence,
        Self::OtherChain,
        Self::Theft,
        Self::OtherMachine,
        Self::ColludingChecker,
        Self::ColludingJury,
        Self::PaddedTime,
        Self::BetterTier,
    ];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WrongLabel => "wrong label",
            Self::OtherWeights => "other weights",
            Self::SmallerModel => "smaller model",
            Self::OtherInput => "other input",
            Self::Replay => "replay",
            Self::StaleEvidence => "stale evidence",
            Self::OtherChain => "other chain",
            Self::Theft => "theft",
            Self::OtherMachine => "other machine",
            Self::ColludingChecker => "colluding checker",
            Self::ColludingJury => "colluding jury",
            Self::PaddedTime => "padded time",
            Self::BetterTier => "better tier",
        }
    }
}
