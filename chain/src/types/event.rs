//! What executing a block says to whoever watches.

use attestation::context::WorkContext;
use borsh::{BorshDeserialize, BorshSerialize};

use super::ids::{Address, Hash};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Event {
    /// Tokens moved between accounts.
    Transferred {
        /// From.
        from: Address,
        /// To.
        to: Address,
        /// Micro-tokens.
        amount: u128,
    },
    /// A model was registered under this hash.
    ModelRegistered {
        /// Model hash.
        model: Hash,
        /// Units of one run.
        units: u64,
    },
    /// A worker was registered.
    WorkerRegistered {
        /// The worker.
        worker: Hash,
        /// Its operator.
        operator: Address,
    },
    /// A worker's stake changed.
    StakeChanged {
        /// The worker.
        worker: Hash,
        /// Free stake, micro-tokens.
        amount: u128,
    },
    /// Stake left the unbonding queue.
    Withdrawn {
        /// The worker.
        worker: Hash,
        /// Micro-tokens.
        amount: u128,
    },
    /// A job was posted.
    JobPosted {
        /// The job.
        job: Hash,
        /// Its units.
        units: u64,
    },
    /// A job was leased; this is the context to work in.
    Leased {
        /// The lease.
        lease: Hash,
        /// The fixed context.
        context: WorkContext,
        /// Last height within the timeout.
        expires_height: u64,
    },
    /// A result was accepted and minted for.
    Settled {
        /// The result.
        result: Hash,
        /// The job.
        job: Hash,
        /// Micro-tokens minted.
        reward: u128,
        /// Micro-tokens the worker got from the escrow.
        paid: u128,
        /// Micro-tokens of the escrow that were burned.
        burned: u128,
        /// Micro-tokens of the escrow that went back.
        returned: u128,
    },
    /// A sampled result was taken and waits for its draw.
    ResultPending {
        /// The result.
        result: Hash,
        /// The job.
        job: Hash,
        /// Last height at which it can be challenged, unless a review goes on.
        closes_height: u64,
    },
    /// A checker was drawn.
    CheckDrawn {
        /// The result.
        result: Hash,
        /// The checker.
        worker: Hash,
        /// Last height of its commitment.
        commit_until: u64,
    },
    /// A checker found the result right.
    CheckPassed {
        /// The result.
        result: Hash,
        /// The checker.
        worker: Hash,
    },
    /// A result was called wrong.
    Disputed {
        /// The result.
        result: Hash,
        /// By whom.
        accuser: Address,
        /// Last height of an answer with a proof.
        answer_until: u64,
    },
    /// A jury was drawn.
    JuryDrawn {
        /// The result.
        result: Hash,
        /// The jurors.
        jurors: Vec<Hash>,
        /// Last height of their commitments.
        commit_until: u64,
    },
    /// A checker or juror was silent, or its answer was not that of the verdict.
    AuditorSlashed {
        /// The result.
        result: Hash,
        /// The checker or juror.
        worker: Hash,
        /// Micro-tokens of its audit bond that it lost.
        slashed: u128,
    },
    /// A disputed result was found right; its accuser pays.
    Acquitted {
        /// The result.
        result: Hash,
        /// The accuser.
        accuser: Address,
        /// Micro-tokens the accuser lost.
        slashed: u128,
    },
    /// A disputed result was found wrong; its worker pays and its job is open again.
    Convicted {
        /// The result.
        result: Hash,
        /// The job.
        job: Hash,
        /// The worker.
        worker: Hash,
        /// Micro-tokens the worker lost.
        slashed: u128,
    },
    /// Nobody could judge a result: its escrow went back and nobody was punished.
    Voided {
        /// The result.
        result: Hash,
        /// The job.
        job: Hash,
        /// Micro-tokens returned.
        returned: u128,
    },
    /// A lease ran out; its job is open again.
    LeaseExpired {
        /// The lease.
        lease: Hash,
        /// The job.
        job: Hash,
        /// Micro-tokens of the bond that were burned.
        slashed: u128,
    },
    /// The grace window of an expired lease ended.
    LeaseClosed {
        /// The lease.
        lease: Hash,
    },
    /// A job's deadline passed; its escrow went back.
    JobExpired {
        /// The job.
        job: Hash,
        /// Micro-tokens returned.
        returned: u128,
    },
}

/// What became of one transaction of a block. A refused transaction is in no block, so there is no failure here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outcome {
    /// The transaction.
    pub transaction: Hash,
    /// Its sender.
    pub sender: Address,
    /// Gas it was measured at.
    pub gas_used: u64,
    /// Micro-tokens it paid: gas limit times gas price.
    pub fee: u128,
    /// What happened.
    pub events: Vec<Event>,
}
