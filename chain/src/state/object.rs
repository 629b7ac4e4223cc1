//! Every kind of value the state tree holds, in one self-describing encoding.
//!
//! One tagged type rather than one encoding per kind: whoever holds a value and its proof can decode it without knowing
//! its key, and what an object holds in tokens is computed in one place for all kinds.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::ValidatorSet;

use crate::types::anchor::ReceiptAnchor;
use crate::types::authority::MintAuthority;
use crate::types::canary::{Canary, CanaryTally};
use crate::types::epoch::{EpochBatch, Payout, RunningEpoch};
use crate::types::governance::{Governance, LastProposal, Proposal, Vote};
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobResult, WorkLease};
use crate::types::ledger::{Account, Holdings, Stake, Supply, Treasury};
use crate::types::model::{ContestableJobs, Model};
use crate::types::params::Params;
use crate::types::review::{Dispute, Roster, SpotCheck};
use crate::types::snapshot::{ResourceSnapshot, SyntheticClaim};
use crate::types::standing::Standing;
use crate::types::teleport::{Link, Teleport, TeleportClaim, TeleportRecord, WaitingTeleports};
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// A nullifier's entry: who spent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// The lease whose result spent it.
    #[serde(with = "attestation::hex")]
    pub lease: Hash,
    /// Height at which it was spent.
    pub height: u64,
}

/// What a timer acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// A lease or a job, by the timer's kind.
    #[serde(with = "attestation::hex")]
    pub object: Hash,
}

/// The block that the state belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds since the epoch.
    pub time: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its beacon.
    #[serde(with = "attestation::hex")]
    pub beacon: Hash,
    /// Timers that are set; while there are any, blocks are made even without transactions.
    pub timers: u64,
}

/// A value of the state tree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Object {
    /// See [`Account`].
    Account(Account),
    /// See [`Stake`].
    Stake(Stake),
    /// See [`WorkerRegistration`].
    Worker(Box<WorkerRegistration>),
    /// See [`DeviceBinding`].
    Device(DeviceBinding),
    /// See [`Model`].
    Model(Box<Model>),
    /// See [`InferenceJob`].
    Job(Box<InferenceJob>),
    /// See [`WorkLease`].
    Lease(Box<WorkLease>),
    /// See [`JobResult`].
    Result(Box<JobResult>),
    /// See [`Spent`].
    Spent(Spent),
    /// Number of timers ever set for one height.
    TimerCount(u32),
    /// See [`Timer`].
    Timer(Timer),
    /// See [`Params`].
    Params(Box<Params>),
    /// See [`ValidatorSet`].
    Validators(ValidatorSet),
    /// See [`Supply`].
    Supply(Box<Supply>),
    /// See [`Treasury`].
    Treasury(Treasury),
    /// See [`Clock`].
    Clock(Clock),
    /// See [`SpotCheck`].
    SpotCheck(Box<SpotCheck>),
    /// See [`Dispute`].
    Dispute(Box<Dispute>),
    /// See [`Roster`].
    Roster(Roster),
    /// See [`Standing`].
    Standing(Box<Standing>),
    /// See [`ContestableJobs`].
    ContestableJobs(ContestableJobs),
    /// See [`Proposal`].
    Proposal(Box<Proposal>),
    /// See [`Vote`].
    Vote(Vote),
    /// See [`LastProposal`].
    LastProposal(LastProposal),
    /// See [`Governance`].
    Governance(Governance),
    /// See [`MintAuthority`].
    MintAuthority(Box<MintAuthority>),
    /// See [`ReceiptAnchor`].
    Anchor(ReceiptAnchor),
    /// See [`Link`].
    Link(Box<Link>),
    /// See [`Teleport`]. What left is counted in the supply, not held here.
    Teleport(Box<Teleport>),
    /// See [`TeleportClaim`].
    TeleportClaim(TeleportClaim),
    /// See [`RunningEpoch`].
    RunningEpoch(Box<RunningEpoch>),
    /// See [`Payout`].
    Payout(Box<Payout>),
    /// See [`EpochBatch`].
    EpochBatch(Box<EpochBatch>),
    /// See [`ResourceSnapshot`].
    Snapshot(ResourceSnapshot),
    /// See [`SyntheticClaim`].
    Synthetic(Box<SyntheticClaim>),
    /// See [`TeleportRecord`].
    TeleportRecord(Box<TeleportRecord>),
    /// See [`WaitingTeleports`].
    WaitingTeleports(WaitingTeleports),
    /// See [`Canary`].
    Canary(Canary),
    /// See [`CanaryTally`].
    CanaryTally(CanaryTally),
}

impl Object {
    /// Micro-tokens the object holds, by where; `None` when a sum leaves its range.
    // spec: chain#invariant-conservation
    #[must_use]
    pub fn holdings(&self) -> Option<Holdings> {
        let none = Holdings::default();
        Some(match self {
            Self::Account(account) => Holdings { balances: account.balance, ..none },
            Self::Stake(stake) => {
                let unbonding = stake.unbonding.iter().try_fold(0u128, |sum, part| sum.checked_add(part.amount))?;
                Holdings { stake: stake.amount, unbonding, ..none }
            }
            Self::Model(model) => Holdings { bonds: model.bond, ..none },
            Self::Job(job) => Holdings { escrow: job.escrow, ..none },
            Self::Lease(lease) => Holdings { bonds: lease.bond, ..none },
            Self::Canary(canary) => Holdings { bonds: canary.bond, ..none },
            Self::Synthetic(claim) => Holdings { bonds: claim.bond, ..none },
            Self::Treasury(treasury) => Holdings { treasury: treasury.amount, ..none },
            Self::SpotCheck(check) => Holdings { bonds: check.seat.bond, ..none },
            Self::Dispute(dispute) => {
                let (first, appeal) = match &dispute.verdict {
                    Some(verdict) => (verdict.seats.as_slice(), verdict.appeal_bond),
                    None => (Default::default(), 0),
                };
                let seats = dispute.seats.iter().chain(first);
                let bonds = dispute.bond.checked_add(appeal)?;
                let bonds = seats.into_iter().try_fold(bonds, |sum, seat| sum.checked_add(seat.bond))?;
                Holdings { bonds, ..none }
            }
            Self::Worker(_)
            | Self::Device(_)
            | Self::Result(_)
            | Self::Spent(_)
            | Self::TimerCount(_)
            | Self::Timer(_)
            | Self::Params(_)
            | Self::Validators(_)
            | Self::Supply(_)
            | Self::Clock(_)
            | Self::Roster(_)
            | Self::Standing(_)
            | Self::ContestableJobs(_)
            | Self::Proposal(_)
            | Self::Vote(_)
            | Self::LastProposal(_)
            | Self::Governance(_)
            | Self::MintAuthority(_)
            | Self::Anchor(_)
            | Self::Link(_)
            | Self::Teleport(_)
            | Self::TeleportClaim(_)
            | Self::RunningEpoch(_)
            | Self::Payout(_)
            | Self::EpochBatch(_)
            | Self::Snapshot(_)
            | Self::TeleportRecord(_)
            | Self::WaitingTeleports(_)
            | Self::CanaryTally(_) => none,
        })
    }
}

/// A type that is a variant of [`Object`].
pub trait Stored: Sized {
    /// Wraps the value.
    fn into_object(self) -> Object;
    /// The value, if the object is of this kind.
    fn from_object(object: Object) -> Option<Self>;
}

macro_rules! stored {
    ($($variant:ident: $type:ty $(=> $unbox:tt)?;)*) => {$(
        impl Stored for $type {
            fn into_object(self) -> Object {
                Object::$variant(self.into())
            }

            fn from_object(object: Object) -> Option<Self> {
                match object {
                    Object::$variant(value) => Some($($unbox)? value),
                    _ => None,
                }
            }
        }
    )*};
}

stored! {
    Account: Account;
    Stake: Stake;
    Worker: WorkerRegistration => *;
    Device: DeviceBinding;
    Model: Model => *;
    Job: InferenceJob => *;
    Lease: WorkLease => *;
    Result: JobResult => *;
    Spent: Spent;
    TimerCount: u32;
    Timer: Timer;
    Params: Params => *;
    Validators: ValidatorSet;
    Supply: Supply => *;
    Treasury: Treasury;
    Clock: Clock;
    SpotCheck: SpotCheck => *;
    Dispute: Dispute => *;
    Roster: Roster;
    Standing: Standing => *;
    ContestableJobs: ContestableJobs;
    Proposal: Proposal => *;
    Vote: Vote;
    LastProposal: LastProposal;
    Governance: Governance;
    MintAuthority: MintAuthority => *;
    Anchor: ReceiptAnchor;
    Link: Link => *;
    Teleport: Teleport => *;
    TeleportClaim: TeleportClaim;
    RunningEpoch: RunningEpoch => *;
    Payout: Payout => *;
    EpochBatch: EpochBatch => *;
    Snapshot: ResourceSnapshot;
    Synthetic: SyntheticClaim => *;
    TeleportRecord: TeleportRecord => *;
    WaitingTeleports: WaitingTeleports;
    Canary: Canary;
    CanaryTally: CanaryTally;
}
