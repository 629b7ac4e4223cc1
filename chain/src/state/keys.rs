//! Where each object lives in the state tree.
//!
//! A key is an ASCII prefix that names the kind and the object's fixed-width identifier; heights are big-endian, so
//! that keys of one kind sort by height in an ordered store. Timers of one height are a counter and numbered entries
//! rather than one growing list, so that scheduling costs the same however many there are.

use crate::types::ids::{Address, Hash};
use crate::types::timer::TimerKind;

/// Key of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// [`crate::types::Account`]
    Account(Address),
    /// [`crate::types::Stake`] of a worker
    Stake(Hash),
    /// [`crate::types::WorkerRegistration`]
    Worker(Hash),
    /// [`crate::types::DeviceBinding`]
    Device(Hash),
    /// [`crate::types::Model`]
    Model(Hash),
    /// [`crate::types::InferenceJob`]
    Job(Hash),
    /// [`crate::types::WorkLease`]
    Lease(Hash),
    /// [`crate::types::JobResult`]
    Result(Hash),
    /// [`crate::types::SpotCheck`] of a result
    SpotCheck(Hash),
    /// [`crate::types::Dispute`] of a result
    Dispute(Hash),
    /// [`crate::types::Roster`] of a model
    Roster(Hash),
    /// [`crate::types::ContestableJobs`] of a model
    ContestableJobs(Hash),
    /// [`crate::types::Proposal`]
    Proposal(Hash),
    /// [`crate::types::governance::Vote`] on a proposal by a worker
    Vote(Hash, Hash),
    /// [`crate::types::governance::LastProposal`] of a worker
    LastProposal(Hash),
    /// [`crate::types::ReceiptAnchor`] of a receipt
    Anchor(Hash),
    /// A lease whose worker was punished for signing twice
    Equivocation(Hash),
    /// [`crate::types::Link`] to a chain
    Link(u32),
    /// [`crate::types::Teleport`] that left
    Teleport(Hash),
    /// [`crate::types::TeleportClaim`] by its nullifier
    TeleportClaim(Hash),
    /// A work nullifier that was spent
    SpentWork(Hash),
    /// An evidence nullifier that was spent
    SpentEvidence(Hash),
    /// Number of timers ever set for one height
    TimerCount(TimerKind, u64),
    /// One timer of one height
    Timer(TimerKind, u64, u32),
    /// [`crate::types::Params`]
    Params,
    /// [`verifier::inclusion::ValidatorSet`]
    Validators,
    /// [`crate::types::Supply`]
    Supply,
    /// [`crate::types::Treasury`]
    Treasury,
    /// Height, time and randomness of the block
    Clock,
    /// [`crate::types::Standing`] of a worker
    Standing(Hash),
    /// A lease for which an implausible receipt was reported
    SpentReport(Hash),
    /// [`crate::types::governance::Governance`]
    Governance,
    /// [`crate::types::MintAuthority`]
    MintAuthority,
    /// [`crate::types::RunningEpoch`]
    RunningEpoch,
    /// [`crate::types::EpochBatch`] of an epoch
    EpochBatch(u64),
    /// [`crate::types::Payout`] of an epoch, by position
    Payout(u64, u32),
    /// [`crate::types::ResourceSnapshot`] of a worker
    Snapshot(Hash),
    /// [`crate::types::SyntheticClaim`] of a worker
    Synthetic(Hash),
    /// [`crate::types::TeleportRecord`] by its claim's nullifier
    TeleportRecord(Hash),
    /// [`crate::types::WaitingTeleports`] of an account
    WaitingTeleports(Address),
    /// [`crate::types::Canary`] by its commitment
    Canary(Hash),
    /// [`crate::types::CanaryTally`] of the epoch in which something was counted last
    CanaryTally,
}

impl Key {
    /// The key's bytes, which the tree hashes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let id = |prefix: &str, id: &[u8; 32]| [prefix.as_bytes(), id].concat();
        match self {
            Self::Account(address) => id("acct/", address.as_bytes()),
            Self::Stake(worker) => id("stake/", worker),
            Self::Worker(worker) => id("obj/worker/", worker),
            Self::Device(device) => id("device/", device),
            Self::Model(model) => id("obj/model/", model),
            Self::Job(job) => id("obj/job/", job),
            Self::Lease(lease) => id("obj/lease/", lease),
            Self::Result(result) => id("obj/result/", result),
            Self::SpotCheck(result) => id("obj/check/", result),
            Self::Dispute(result) => id("obj/dispute/", result),
            Self::Roster(model) => id("roster/", model),
            Self::ContestableJobs(model) => id("contestable/", model),
            Self::Proposal(proposal) => id("obj/proposal/", proposal),
            Self::Vote(proposal, worker) => [b"vote/".as_slice(), proposal, worker].concat(),
            Self::LastProposal(worker) => id("proposer/", worker),
            Self::Anchor(receipt) => id("obj/anchor/", receipt),
            Self::Equivocation(lease) => id("spent/equivocation/", lease),
            Self::Link(chain_id) => [b"link/".as_slice(), &chain_id.to_be_bytes()].concat(),
            Self::Teleport(teleport) => id("teleport/out/", teleport),
            Self::TeleportClaim(nullifier) => id("teleport/claim/", nullifier),
            Self::SpentWork(nullifier) => id("spent/work/", nullifier),
            Self::SpentEvidence(nullifier) => id("spent/evidence/", nullifier),
            Self::TimerCount(kind, height) => {
                [b"timer/count/".as_slice(), &[kind.tag()], &height.to_be_bytes()].concat()
            }
            Self::Timer(kind, height, index) => {
                [b"timer/entry/".as_slice(), &[kind.tag()], &height.to_be_bytes(), &index.to_be_bytes()].concat()
            }
            Self::Params => b"param/current".to_vec(),
            Self::Validators => b"param/validators".to_vec(),
            Self::Supply => b"chain/supply".to_vec(),
            Self::Treasury => b"chain/treasury".to_vec(),
            Self::Clock => b"chain/clock".to_vec(),
            Self::Standing(worker) => id("standing/", worker),
            Self::SpentReport(lease) => id("spent/report/", lease),
            Self::Governance => b"param/governance".to_vec(),
            Self::MintAuthority => b"param/authority".to_vec(),
            Self::RunningEpoch => b"chain/epoch".to_vec(),
            Self::EpochBatch(epoch) => [b"epoch/batch/".as_slice(), &epoch.to_be_bytes()].concat(),
            Self::Payout(epoch, index) => {
                [b"epoch/payout/".as_slice(), &epoch.to_be_bytes(), &index.to_be_bytes()].concat()
            }
            Self::Snapshot(worker) => id("obj/snapshot/", worker),
            Self::Synthetic(worker) => id("obj/synthetic/", worker),
            Self::TeleportRecord(claim) => id("teleport/record/", claim),
            Self::WaitingTeleports(address) => id("teleport/waiting/", address.as_bytes()),
            Self::Canary(commitment) => id("obj/canary/", commitment),
            Self::CanaryTally => b"chain/canaries".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_keys_share_bytes_and_heights_sort() {
        let id = [7; 32];
        let keys = [
            Key::Account(Address::new(id)),
            Key::Stake(id),
            Key::Worker(id),
            Key::Device(id),
            Key::Model(id),
            Key::Job(id),
            Key::Lease(id),
            Key::Result(id),
            Key::SpotCheck(id),
            Key::Dispute(id),
            Key::Roster(id),
            Key::ContestableJobs(id),
            Key::Proposal(id),
            Key::Vote(id, id),
            Key::LastProposal(id),
            Key::Anchor(id),
            Key::Equivocation(id),
            Key::Link(7),
            Key::Teleport(id),
            Key::TeleportClaim(id),
            Key::Governance,
            Key::MintAuthority,
            Key::SpentWork(id),
            Key::SpentEvidence(id),
            Key::TimerCount(TimerKind::LeaseExpiry, 1),
            Key::TimerCount(TimerKind::LeaseClose, 1),
            Key::TimerCount(TimerKind::JobDeadline, 1),
            Key::Timer(TimerKind::JobDeadline, 1, 0),
            Key::Timer(TimerKind::JobDeadline, 1, 1),
            Key::Params,
            Key::Validators,
            Key::Supply,
            Key::Treasury,
            Key::Clock,
            Key::Standing(id),
            Key::SpentReport(id),
            Key::RunningEpoch,
            Key::EpochBatch(1),
            Key::Payout(1, 0),
            Key::Payout(1, 1),
            Key::Snapshot(id),
            Key::Synthetic(id),
            Key::TeleportRecord(id),
            Key::WaitingTeleports(Address::new(id)),
            Key::Canary(id),
            Key::CanaryTally,
        ];
        let bytes: BTreeSet<Vec<u8>> = keys.iter().map(Key::to_bytes).collect();
        assert_eq!(bytes.len(), keys.len());
        let early = Key::TimerCount(TimerKind::LeaseExpiry, 255).to_bytes();
        assert!(early < Key::TimerCount(TimerKind::LeaseExpiry, 256).to_bytes());
    }
}
