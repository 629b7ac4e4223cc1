//! Timers, as the objects that wait for them name them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What a timer does when its height comes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum TimerKind {
    /// A lease's timeout.
    LeaseExpiry = 0,
    /// The end of a lease's grace window.
    LeaseClose = 1,
    /// A job's deadline.
    JobDeadline = 2,
    /// The end of a stage of a result's review.
    Review = 3,
    /// The end of a vote.
    Vote = 4,
    /// The draw of a synthetic task's rows, or the end of the time to open them.
    Synthetic = 5,
    /// The end of the epoch in which a proposal that passed takes effect.
    Change = 6,
    /// The end of the time in which a canary can be revealed.
    Canary = 7,
}

impl TimerKind {
    /// All kinds, in the order in which they fire at one height: leases expire, and reviews reopen jobs,
    /// before those jobs' deadlines; a change takes effect after everything else.
    pub const ALL: [Self; 8] = [
        Self::LeaseExpiry,
        Self::LeaseClose,
        Self::Review,
        Self::JobDeadline,
        Self::Vote,
        Self::Synthetic,
        Self::Canary,
        Self::Change,
    ];

    /// The kind's byte in keys and encodings.
    #[must_use]
    pub fn tag(self) -> u8 {
        match self {
            Self::LeaseExpiry => 0,
            Self::LeaseClose => 1,
            Self::JobDeadline => 2,
            Self::Review => 3,
            Self::Vote => 4,
            Self::Synthetic => 5,
            Self::Change => 6,
            Self::Canary => 7,
        }
    }
}

/// Where a running timer stands, so that it can be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerSlot {
    /// What it does.
    pub kind: TimerKind,
    /// When.
    pub height: u64,
    /// Position among the timers of that kind and height.
    pub index: u32,
}
