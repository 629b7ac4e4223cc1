//! What travels: parameters and answers.

use serde::{Deserialize, Serialize};
use verifier::inclusion::{Certificate, Header, StateProof};

use super::Refusal;
use crate::state::{Key, Object};
use crate::types::block::ComputeResult;
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Address, Hash};
use crate::types::job::InferenceJob;

/// Bytes as `0x` and lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "crate::types::twin::bytes")] pub Vec<u8>);

/// A hash or identifier as `0x` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HashText(#[serde(with = "attestation::hex")] pub Hash);

/// Where a chain stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Number of the chain.
    pub chain_id: u32,
    /// Hash of its genesis.
    #[serde(with = "attestation::hex")]
    pub genesis: Hash,
    /// Height of the last block, 0 at genesis.
    pub height: u64,
    /// Its hash.
    #[serde(with = "attestation::hex")]
    pub block: Hash,
    /// Its time, milliseconds since the epoch.
    pub time_ms: u64,
    /// State root after it.
    #[serde(with = "attestation::hex")]
    pub state_root: Hash,
    /// Wanted time between blocks, milliseconds.
    pub block_interval_ms: u64,
    /// Transactions that wait.
    pub waiting: u64,
    /// Release of the node.
    pub version: String,
    /// What nobody should believe of this chain.
    pub caveats: Vec<String>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TransactionState {
    /// In a block.
    Committed {
        /// Height of the block.
        height: u64,
        /// Position in it.
        position: u32,
        /// What happened.
        outcome: Outcome,
    },
    /// Waits for a block.
    Waiting,
    /// Dropped lately, and why.
    Refused {
        /// The refusal.
        refusal: Refusal,
    },
    /// This node knows nothing of it: never sent, refused long ago, or lost when the node stopped. Send it again.
    Unknown,
}

/// Kinds of objects that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// By address.
    Account,
    /// By worker.
    Stake,
    /// By identifier.
    Worker,
    /// By identifier.
    Device,
    /// By model hash.
    Model,
    /// By identifier.
    Job,
    /// By identifier.
    Lease,
    /// By identifier.
    Result,
    /// By result.
    Check,
    /// By result.
    Dispute,
    /// By model.
    Roster,
    /// By model: its jobs while it can be challenged.
    Contestable,
    /// By nullifier.
    SpentWork,
    /// By nullifier.
    SpentEvidence,
    /// By identifier.
    Proposal,
    /// By receipt.
    Anchor,
    /// By lease.
    Equivocation,
    /// By identifier.
    Teleport,
    /// By nullifier.
    TeleportClaim,
    /// The only one.
    Governance,
    /// The only one.
    MintAuthority,
    /// The only one.
    Params,
    /// The only one.
    Validators,
    /// The only one.
    Supply,
    /// The only one.
    Treasury,
    /// The only one.
    Clock,
    /// By worker.
    Standing,
    /// By lease.
    SpentReport,
    /// The only one.
    RunningEpoch,
    /// By worker.
    Snapshot,
    /// By worker.
    Synthetic,
    /// By its claim's nullifier.
    TeleportRecord,
    /// By address: what waits for the account.
    WaitingTeleports,
    /// By the other chain's number, in the last four bytes of an identifier that is zero otherwise.
    Link,
    /// By commitment.
    Canary,
    /// The only one.
    CanaryTally,
    /// By the epoch's number, in the last eight bytes of an identifier that is zero otherwise.
    EpochBatch,
    /// By epoch and position in its list, in the last eight and four bytes of an identifier that is zero otherwise.
    Payout,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 38] = [
        Self::Account,
        Self::Stake,
        Self::Worker,
        Self::Device,
        Self::Model,
        Self::Job,
        Self::Lease,
        Self::Result,
        Self::Check,
        Self::Dispute,
        Self::Roster,
        Self::Contestable,
        Self::SpentWork,
        Self::SpentEvidence,
        Self::Proposal,
        Self::Anchor,
        Self::Equivocation,
        Self::Teleport,
        Self::TeleportClaim,
        Self::Governance,
        Self::MintAuthority,
        Self::Params,
        Self::Validators,
        Self::Supply,
        Self::Treasury,
        Self::Clock,
        Self::Standing,
        Self::SpentReport,
        Self::RunningEpoch,
        Self::Snapshot,
        Self::Synthetic,
        Self::TeleportRecord,
        Self::WaitingTeleports,
        Self::Link,
        Self::Canary,
        Self::CanaryTally,
        Self::EpochBatch,
        Self::Payout,
    ];

    /// Whether objects of the kind have identifiers.
    #[must_use]
    pub fn has_id(self) -> bool {
        !matches!(
            self,
            Self::Params
                | Self::Validators
                | Self::Supply
                | Self::Treasury
                | Self::Clock
                | Self::Governance
                | Self::MintAuthority
                | Self::RunningEpoch
                | Self::CanaryTally
        )
    }

    /// The key of an object; `None` if an identifier is missing or superfluous.
    #[must_use]
    pub fn key(self, id: Option<&Hash>) -> Option<Key> {
        Some(match (self, id.copied()) {
            (Self::Account, Some(id)) => Key::Account(Address::new(id)),
            (Self::Stake, Some(id)) => Key::Stake(id),
            (Self::Worker, Some(id)) => Key::Worker(id),
            (Self::Device, Some(id)) => Key::Device(id),
            (Self::Model, Some(id)) => Key::Model(id),
            (Self::Job, Some(id)) => Key::Job(id),
            (Self::Lease, Some(id)) => Key::Lease(id),
            (Self::Result, Some(id)) => Key::Result(id),
            (Self::Check, Some(id)) => Key::SpotCheck(id),
            (Self::Dispute, Some(id)) => Key::Dispute(id),
            (Self::Roster, Some(id)) => Key::Roster(id),
            (Self::Contestable, Some(id)) => Key::ContestableJobs(id),
            (Self::SpentWork, Some(id)) => Key::SpentWork(id),
            (Self::SpentEvidence, Some(id)) => Key::SpentEvidence(id),
            (Self::Proposal, Some(id)) => Key::Proposal(id),
            (Self::Anchor, Some(id)) => Key::Anchor(id),
            (Self::Equivocation, Some(id)) => Key::Equivocation(id),
            (Self::Teleport, Some(id)) => Key::Teleport(id),
            (Self::TeleportClaim, Some(id)) => Key::TeleportClaim(id),
            (Self::Governance, None) => Key::Governance,
            (Self::MintAuthority, None) => Key::MintAuthority,
            (Self::Params, None) => Key::Params,
            (Self::Validators, None) => Key::Validators,
            (Self::Supply, None) => Key::Supply,
            (Self::Treasury, None) => Key::Treasury,
            (Self::Clock, None) => Key::Clock,
            (Self::Standing, Some(id)) => Key::Standing(id),
            (Self::SpentReport, Some(id)) => Key::SpentReport(id),
            (Self::RunningEpoch, None) => Key::RunningEpoch,
            (Self::Snapshot, Some(id)) => Key::Snapshot(id),
            (Self::Synthetic, Some(id)) => Key::Synthetic(id),
            (Self::TeleportRecord, Some(id)) => Key::TeleportRecord(id),
            (Self::WaitingTeleports, Some(id)) => Key::WaitingTeleports(Address::new(id)),
            (Self::Canary, Some(id)) => Key::Canary(id),
            (Self::CanaryTally, None) => Key::CanaryTally,
            (Self::Link, Some(id)) => Key::Link(u32::from_be_bytes(number(&id)?)),
            (Self::EpochBatch, Some(id)) => Key::EpochBatch(u64::from_be_bytes(number(&id)?)),
            (Self::Payout, Some(id)) => {
                let place: [u8; 12] = number(&id)?;
                let (epoch, index) = place.split_first_chunk::<8>()?;
                Key::Payout(u64::from_be_bytes(*epoch), u32::from_be_bytes(index.try_into().ok()?))
            }
            _ => return None,
        })
    }

    /// Bytes that tell objects of the kind apart in their keys: an identifier, or a number that one spells.
    #[must_use]
    pub fn id_bytes(self) -> usize {
        match self {
            Self::Link => 4,
            Self::EpochBatch => 8,
            Self::Payout => 12,
            _ => 32,
        }
    }

    /// Kind and identifier of a key; `None` for timers and votes, which nobody asks for.
    #[must_use]
    pub fn of(key: &Key) -> Option<(Self, Option<Hash>)> {
        Some(match *key {
            Key::Account(address) => (Self::Account, Some(*address.as_bytes())),
            Key::Stake(id) => (Self::Stake, Some(id)),
            Key::Worker(id) => (Self::Worker, Some(id)),
            Key::Device(id) => (Self::Device, Some(id)),
            Key::Model(id) => (Self::Model, Some(id)),
            Key::Job(id) => (Self::Job, Some(id)),
            Key::Lease(id) => (Self::Lease, Some(id)),
            Key::Result(id) => (Self::Result, Some(id)),
            Key::SpotCheck(id) => (Self::Check, Some(id)),
            Key::Dispute(id) => (Self::Dispute, Some(id)),
            Key::Roster(id) => (Self::Roster, Some(id)),
            Key::ContestableJobs(id) => (Self::Contestable, Some(id)),
            Key::SpentWork(id) => (Self::SpentWork, Some(id)),
            Key::SpentEvidence(id) => (Self::SpentEvidence, Some(id)),
            Key::Proposal(id) => (Self::Proposal, Some(id)),
            Key::Anchor(id) => (Self::Anchor, Some(id)),
            Key::Equivocation(id) => (Self::Equivocation, Some(id)),
            Key::Teleport(id) => (Self::Teleport, Some(id)),
            Key::TeleportClaim(id) => (Self::TeleportClaim, Some(id)),
            Key::Governance => (Self::Governance, None),
            Key::MintAuthority => (Self::MintAuthority, None),
            Key::Params => (Self::Params, None),
            Key::Validators => (Self::Validators, None),
            Key::Supply => (Self::Supply, None),
            Key::Treasury => (Self::Treasury, None),
            Key::Clock => (Self::Clock, None),
            Key::Standing(id) => (Self::Standing, Some(id)),
            Key::SpentReport(id) => (Self::SpentReport, Some(id)),
            Key::RunningEpoch => (Self::RunningEpoch, None),
            Key::Snapshot(id) => (Self::Snapshot, Some(id)),
            Key::Synthetic(id) => (Self::Synthetic, Some(id)),
            Key::TeleportRecord(id) => (Self::TeleportRecord, Some(id)),
            Key::WaitingTeleports(address) => (Self::WaitingTeleports, Some(*address.as_bytes())),
            Key::Canary(id) => (Self::Canary, Some(id)),
            Key::CanaryTally => (Self::CanaryTally, None),
            Key::Link(chain_id) => (Self::Link, Some(numbered(chain_id))),
            Key::EpochBatch(epoch) => (Self::EpochBatch, Some(batch_id(epoch))),
            Key::Payout(epoch, index) => (Self::Payout, Some(payout_id(epoch, index))),
            Key::TimerCount(..) | Key::Timer(..) | Key::Vote(..) | Key::LastProposal(_) => return None,
        })
    }
}

/// A chain's number as an identifier: zeros, then the number, the most significant byte first.
#[must_use]
pub fn numbered(chain_id: u32) -> Hash {
    padded(&chain_id.to_be_bytes())
}

/// An epoch's number as the identifier of its batch.
#[must_use]
pub fn batch_id(epoch: u64) -> Hash {
    padded(&epoch.to_be_bytes())
}

/// An epoch's number and a position in its list as the identifier of a payout.
#[must_use]
pub fn payout_id(epoch: u64, index: u32) -> Hash {
    padded(&[epoch.to_be_bytes().as_slice(), &index.to_be_bytes()].concat())
}

/// Bytes of a key as an identifier: zeros before them.
pub(crate) fn padded(bytes: &[u8]) -> Hash {
    let mut id = [0; 32];
    id.iter_mut().rev().zip(bytes.iter().rev()).for_each(|(to, byte)| *to = *byte);
    id
}

/// The last bytes of an identifier that is zero otherwise.
fn number<const N: usize>(id: &Hash) -> Option<[u8; N]> {
    let (zeros, number) = id.split_last_chunk::<N>()?;
    zeros.iter().all(|byte| *byte == 0).then_some(*number)
}

/// An object, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectAnswer {
    /// Height of the state it was read from.
    pub height: u64,
    /// The object.
    pub object: Option<Object>,
    /// Why that can be believed, if it was asked for. There is none at genesis, which no certificate covers.
    pub proof: Option<ObjectProof>,
}

/// Why an object, or its absence, can be believed: by the header whose state root it is under and the certificate that
/// finalises that header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectProof {
    /// Header of the block after which the object was read.
    pub header: Header,
    /// What finalised it.
    pub certificate: Certificate,
    /// Path from the object to the header's state root.
    pub state: StateProof,
}

/// A header that validators finalised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalHeader {
    /// The header.
    pub header: Header,
    /// What finalised it.
    pub certificate: Certificate,
}

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Its identifier.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// The object.
    pub object: Object,
}

/// A job that can be leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJob {
    /// Its identifier.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// The job.
    pub job: InferenceJob,
}

/// What one block brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockEvents {
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds since the epoch.
    pub time_ms: u64,
    /// Its hash.
    #[serde(with = "attestation::hex")]
    pub block: Hash,
    /// What became of each transaction.
    pub outcomes: Vec<Outcome>,
    /// What happened at its end.
    pub closing: Vec<Event>,
    /// The work it settled.
    pub results: Vec<ComputeResult>,
}

/// Some blocks' events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// Height to ask from next.
    pub next: u64,
    /// Height of the last block.
    pub head: u64,
    /// Ascending by height, without gaps.
    pub blocks: Vec<BlockEvents>,
}
