//! What executing a block says to whoever watches.

mod canary;
mod governance;
mod outcome;
mod teleport;

use attestation::context::WorkContext;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};

pub use canary::{CanaryLapsed, CanaryPlanted, CanaryRevealed};
pub use governance::{ProposalEnded, Proposed, Voted};
pub use outcome::Outcome;
pub use teleport::{TeleportClaimed, TeleportRecorded, TeleportRefunded, TeleportSent};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// Tokens moved between accounts.
    Transferred {
        /// From.
        from: Address,
        /// To.
        to: Address,
        /// Micro-tokens.
        #[serde(with = "crate::types::twin::micro")]
        amount: u128,
    },
    /// A model was registered under this hash.
    ModelRegistered {
        /// Model hash.
        #[serde(with = "attestation::hex")]
        model: Hash,
        /// Units of one run.
        units: u64,
    },
    /// A worker was registered.
    WorkerRegistered {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Its operator.
        operator: Address,
    },
    /// A worker asked for a context to attest hardware.
    DeviceRequested {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// The set of devices.
        #[serde(with = "attestation::hex")]
        device: Hash,
    },
    /// A worker is on another device from now on.
    DeviceBound {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// The device: attested, or the worker's own without hardware.
        #[serde(with = "attestation::hex")]
        device: Hash,
    },
    /// A worker's stake changed.
    StakeChanged {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Free stake, micro-tokens.
        #[serde(with = "crate::types::twin::micro")]
        amount: u128,
    },
    /// Stake left the unbonding queue.
    Withdrawn {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Micro-tokens.
        #[serde(with = "crate::types::twin::micro")]
        amount: u128,
    },
    /// A job was posted.
    JobPosted {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Its units.
        units: u64,
    },
    /// A job was leased; this is the context to work in.
    Leased {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// The fixed context.
        context: WorkContext,
        /// Last height within the timeout.
        expires_height: u64,
    },
    /// A result was accepted and minted for.
    Settled {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Micro-tokens minted.
        #[serde(with = "crate::types::twin::micro")]
        reward: u128,
        /// Micro-tokens the worker got from the escrow.
        #[serde(with = "crate::types::twin::micro")]
        paid: u128,
        /// Micro-tokens of the escrow that were burned.
        #[serde(with = "crate::types::twin::micro")]
        burned: u128,
        /// Micro-tokens of the escrow that went back.
        #[serde(with = "crate::types::twin::micro")]
        returned: u128,
    },
    /// A sampled result was taken and waits for its draw.
    ResultPending {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Last height at which it can be challenged, unless a review goes on.
        closes_height: u64,
    },
    /// A checker was drawn.
    CheckDrawn {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The checker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Last height of its commitment.
        commit_until: u64,
    },
    /// A checker found the result right.
    CheckPassed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The checker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
    },
    /// A result was called wrong.
    Disputed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// By whom.
        accuser: Address,
        /// Last height of an answer with a proof.
        answer_until: u64,
    },
    /// A jury was drawn.
    JuryDrawn {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The jurors.
        #[serde(with = "crate::types::twin::hashes")]
        jurors: Vec<Hash>,
        /// Last height of their commitments.
        commit_until: u64,
    },
    /// A checker or juror was silent, or its answer was not that of the verdict.
    AuditorSlashed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The checker or juror.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Micro-tokens of its audit bond that it lost.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// A disputed result was found right; its accuser pays.
    Acquitted {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The accuser.
        accuser: Address,
        /// Micro-tokens the accuser lost.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// A disputed result was found wrong; its worker pays and its job is open again.
    Convicted {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Micro-tokens the worker lost.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// Nobody could judge a result: its escrow went back and nobody was punished.
    Voided {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Micro-tokens returned.
        #[serde(with = "crate::types::twin::micro")]
        returned: u128,
    },
    /// A lease ran out; its job is open again.
    LeaseExpired {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Micro-tokens of the bond that were burned.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// The grace window of an expired lease ended.
    LeaseClosed {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
    },
    /// A job's deadline passed; its escrow went back.
    JobExpired {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Micro-tokens returned.
        #[serde(with = "crate::types::twin::micro")]
        returned: u128,
    },
    /// A worker declares something else about itself from now on.
    WorkerUpdated {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
    },
    /// Several leases in a row ran out: a worker neither leases nor is drawn for a time.
    WorkerSuspended {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Last height.
        until: u64,
    },
    /// A worker signed a receipt whose figures contradict each other.
    ImplausibleReported {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Its fraud counter now.
        count: u32,
        /// Micro-tokens of its stake that it lost.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// The coordinator chose a worker for a job.
    Assigned {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Last height at which the job is kept for it.
        until: u64,
    },
    /// Nothing was wrong with the rows that a challenger opened: it pays.
    ModelUpheld {
        /// The model.
        #[serde(with = "attestation::hex")]
        model: Hash,
        /// The challenger.
        challenger: Address,
        /// Micro-tokens it lost.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// An opened row convicted a model: its bond is slashed and its jobs end.
    ModelConvicted {
        /// The model.
        #[serde(with = "attestation::hex")]
        model: Hash,
        /// The challenger.
        challenger: Address,
        /// Row that convicted it.
        row: u64,
        /// Micro-tokens of its bond.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// See [`Proposed`].
    Proposed(Proposed),
    /// See [`Voted`].
    Voted(Voted),
    /// See [`ProposalEnded`].
    ProposalEnded(ProposalEnded),
    /// The issuing authority made tokens.
    Issued {
        /// Account that got them.
        to: Address,
        /// Micro-tokens.
        #[serde(with = "crate::types::twin::micro")]
        amount: u128,
    },
    /// The issuing authority gave the mint to the rules, for good.
    AuthorityTransferred {
        /// Micro-tokens that it issued in all.
        #[serde(with = "crate::types::twin::micro")]
        issued: u128,
    },
    /// A worker signed two outputs for one context.
    Equivocated {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Who showed it.
        reporter: Address,
        /// Micro-tokens of its stake.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// A receipt was anchored.
    Anchored {
        /// Digest of the signed receipt.
        #[serde(with = "attestation::hex")]
        receipt: Hash,
        /// Coordinator that vouches for it.
        coordinator: Option<Address>,
    },
    /// See [`TeleportSent`].
    TeleportSent(TeleportSent),
    /// See [`TeleportClaimed`].
    TeleportClaimed(TeleportClaimed),
    /// See [`TeleportRefunded`].
    TeleportRefunded(TeleportRefunded),
    /// An epoch was closed.
    EpochClosed {
        /// Its number.
        epoch: u64,
        /// Payouts under the root.
        payouts: u32,
        /// Root over its payouts.
        #[serde(with = "attestation::hex")]
        payout_root: Hash,
        /// Micro-tokens minted for its work.
        #[serde(with = "crate::types::twin::micro")]
        minted: u128,
        /// Micro-tokens minted from its capacity pool.
        #[serde(with = "crate::types::twin::micro")]
        capacity: u128,
        /// Difficulty from now on, bps.
        next_difficulty_bps: u32,
    },
    /// A worker committed to the product of its synthetic task.
    SyntheticCommitted {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Epoch of the task.
        epoch: u64,
        /// Root over the rows.
        #[serde(with = "attestation::hex")]
        root: Hash,
    },
    /// Rows of a worker's product were drawn.
    SyntheticDrawn {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// The rows, ascending.
        rows: Vec<u32>,
        /// Last height at which they can be opened.
        open_until: u64,
    },
    /// A worker opened the drawn rows, and they were right.
    SyntheticAnswered {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Epoch of the task.
        epoch: u64,
        /// Its uptime now, bps.
        uptime_bps: u32,
        /// Height.
        height: u64,
    },
    /// A worker did not open the drawn rows.
    SyntheticFailed {
        /// The worker.
        #[serde(with = "attestation::hex")]
        worker: Hash,
        /// Epoch of the task.
        epoch: u64,
        /// Micro-tokens of its bond that burned.
        #[serde(with = "crate::types::twin::micro")]
        slashed: u128,
    },
    /// A jury found a result wrong; its worker may appeal.
    FoundWrong {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Last height of an appeal.
        appeal_until: u64,
    },
    /// A worker appealed: a larger jury is drawn.
    Appealed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height whose beacon draws it.
        draw_height: u64,
    },
    /// See [`TeleportRecorded`].
    TeleportRecorded(TeleportRecorded),
    /// See [`CanaryPlanted`].
    CanaryPlanted(CanaryPlanted),
    /// See [`CanaryRevealed`].
    CanaryRevealed(CanaryRevealed),
    /// See [`CanaryLapsed`].
    CanaryLapsed(CanaryLapsed),
}
