//! Every reason to refuse a transaction, each with a stable number and its section of the specification.
//!
//! Codes never change their meaning and are never reused. Hundreds group by family: 1 envelope, 2 models, 3 workers,
//! 4 stake, 5 jobs, 6 leases, 7 results. A message says what was expected, what came, and where it helps what to do.

use attestation::appraisal::AttestationError;
use attestation::codec::DecodeError;
use attestation::hex;
use attestation::identity::IdentityError;
use attestation::receipt::ReceiptError;
use circuits::model::graph::GraphError;
use thiserror::Error;
use verifier::key::KeyError;
use verifier::proof::ProofError;

use crate::types::ids::{Address, Hash};
use crate::types::transaction::TransactionError;

mod codes;
mod implausible;

pub use codes::CODES;
pub use implausible::Implausible;

/// Why a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// More bytes than a transaction may have.
    #[error("transaction: expected at most {max} bytes, got {got}")]
    TransactionOversized {
        /// The cap.
        max: usize,
        /// Bytes that came.
        got: usize,
    },
    /// Not the canonical encoding of a transaction.
    #[error("transaction: {0}")]
    TransactionMalformed(DecodeError),
    /// Not signed by its sender.
    #[error("transaction signature: {0}")]
    SignatureInvalid(IdentityError),
    /// For another chain number.
    #[error("transaction chain id: expected {expected}, got {got}; sign it for this chain")]
    ChainMismatch {
        /// This chain.
        expected: u32,
        /// Chain that was signed for.
        got: u32,
    },
    /// For another chain of the same number.
    #[error("transaction genesis: expected {}, got {}; sign it for this chain", hex::encode(.expected), hex::encode(.got))]
    GenesisMismatch {
        /// This chain.
        expected: Hash,
        /// Genesis that was signed for.
        got: Hash,
    },
    /// Pays less for gas than the network takes.
    #[error("gas price: expected at least {expected} micro-tokens, got {got}")]
    GasPriceLow {
        /// The least price.
        expected: u128,
        /// Price offered.
        got: u128,
    },
    /// Allows less gas than the transaction takes.
    #[error("gas limit: expected at least {expected}, got {got}")]
    GasLimitLow {
        /// Gas the transaction takes.
        expected: u64,
        /// Limit given.
        got: u64,
    },
    /// Allows more gas than a block has.
    #[error("gas limit: expected at most {max}, got {got}")]
    GasLimitHigh {
        /// Gas of a block.
        max: u64,
        /// Limit given.
        got: u64,
    },
    /// Not the sender's next transaction.
    #[error("nonce: expected {expected}, got {got}")]
    NonceMismatch {
        /// The sender's next nonce.
        expected: u64,
        /// Nonce signed.
        got: u64,
    },
    /// The account does not hold what is needed.
    #[error("balance of {account}: expected at least {needed} micro-tokens, got {got}")]
    BalanceShort {
        /// The account.
        account: Address,
        /// Micro-tokens needed.
        needed: u128,
        /// Micro-tokens there.
        got: u128,
    },
    /// A number leaves its range.
    #[error("{what}: the amount leaves its range")]
    AmountOverflow {
        /// The amount.
        what: &'static str,
    },
    /// An amount of zero where it would do nothing.
    #[error("{what}: expected above zero, got 0")]
    AmountZero {
        /// The amount.
        what: &'static str,
    },
    /// The same transaction is already there.
    #[error("transaction {}: already pending or in this block", hex::encode(.id))]
    TransactionDuplicate {
        /// The transaction.
        id: Hash,
    },

    /// Graph and commitments exceed what a model may have.
    #[error("model: expected at most {max} bytes of graph and commitments, got {got}")]
    ModelOversized {
        /// The cap.
        max: usize,
        /// Bytes that came.
        got: usize,
    },
    /// The graph does not decode.
    #[error("model graph: {0}")]
    GraphMalformed(GraphError),
    /// The row commitments do not decode.
    #[error("model commitment: {0}")]
    CommitmentMalformed(DecodeError),
    /// The setup is not on the genesis list.
    #[error("model setup: {} is not allowed by this chain's genesis", hex::encode(.setup))]
    SetupNotAllowed {
        /// The setup.
        setup: Hash,
    },
    /// No verifying key follows from graph and commitments.
    #[error("model key: {0}")]
    KeyUnderivable(KeyError),
    /// A run would count no units.
    #[error("model units: expected above zero for one run, got 0")]
    UnitsZero,
    /// A run would count more units than it computes.
    #[error("model units: expected at most {max} (multiply-accumulates of the graph) for one run, got {got}")]
    UnitsExcessive {
        /// Multiply-accumulates of the graph.
        max: u64,
        /// Units by the formula.
        got: u64,
    },
    /// The circuit is larger than this chain admits.
    #[error("model circuit: expected at most 2^{max} rows, got 2^{got}")]
    CircuitOversized {
        /// k of the largest circuit.
        max: u32,
        /// k of the graph.
        got: u32,
    },
    /// The model is registered already.
    #[error("model {}: already registered", hex::encode(.model))]
    ModelDuplicate {
        /// The model.
        model: Hash,
    },
    /// The model's bond is too small.
    #[error("model bond: expected at least {expected} micro-tokens, got {got}")]
    ModelBondLow {
        /// The least bond.
        expected: u128,
        /// Bond offered.
        got: u128,
    },

    /// The worker key is registered already.
    #[error("worker {}: already registered", hex::encode(.worker))]
    WorkerDuplicate {
        /// The worker.
        worker: Hash,
    },
    /// The worker key did not sign this registration.
    #[error("worker proof of possession: {0}")]
    PossessionInvalid(IdentityError),
    /// The device belongs to another worker.
    #[error("device {}: already bound to worker {}", hex::encode(.device), hex::encode(.worker))]
    DeviceBound {
        /// The device.
        device: Hash,
        /// Worker it is bound to.
        worker: Hash,
    },
    /// The list of models is too long, unsorted or repeats one.
    #[error("worker models: expected at most {max}, ascending and distinct; number {position} is not")]
    ModelListInvalid {
        /// The cap.
        max: usize,
        /// First entry at fault.
        position: usize,
    },
    /// The declared hardware cannot be.
    #[error("worker video memory: expected at most {max} MiB, got {got}")]
    ProfileInvalid {
        /// The cap.
        max: u64,
        /// MiB declared.
        got: u64,
    },
    /// Nothing shows that the device is the worker's.
    #[error("device: expected {} (the worker without hardware; other devices need evidence), got {}", hex::encode(.expected), hex::encode(.got))]
    DeviceUnproven {
        /// Device id that stands for the worker itself.
        expected: Hash,
        /// Device that came.
        got: Hash,
    },
    /// No such model.
    #[error("model {}: not registered", hex::encode(.model))]
    ModelUnknown {
        /// The model.
        model: Hash,
    },

    /// No such worker.
    #[error("worker {}: not registered", hex::encode(.worker))]
    WorkerUnknown {
        /// The worker.
        worker: Hash,
    },
    /// Another account operates the worker.
    #[error("worker {}: operated by {expected}, the sender is {got}", hex::encode(.worker))]
    OperatorMismatch {
        /// The worker.
        worker: Hash,
        /// Its operator.
        expected: Address,
        /// The sender.
        got: Address,
    },
    /// Not that much free stake.
    #[error("stake: expected at least {needed} free micro-tokens, got {got}")]
    StakeShort {
        /// Micro-tokens needed.
        needed: u128,
        /// Free micro-tokens.
        got: u128,
    },
    /// Too many withdrawals at once.
    #[error("unbonding: expected at most {max} parts at a time; withdraw those that are due first")]
    UnbondingFull {
        /// The cap.
        max: usize,
    },
    /// Nothing can be withdrawn yet.
    #[error("withdrawal: the first part is due at height {due:?}, this is {height}")]
    WithdrawalEarly {
        /// First height at which something is due; none without unbonding stake.
        due: Option<u64>,
        /// Height of the block.
        height: u64,
    },

    /// The input exceeds what a job stores.
    #[error("job input: expected at most {max} bytes, got {got}; post its hash instead")]
    InputOversized {
        /// The cap.
        max: usize,
        /// Bytes that came.
        got: usize,
    },
    /// The input is not one of the model's.
    #[error("job input: expected shape {expected:?} with elements in {min}..={max}, got shape {got:?}")]
    InputUnfit {
        /// Shape of the model's input.
        expected: Vec<u32>,
        /// Least element.
        min: i64,
        /// Greatest element.
        max: i64,
        /// Shape that came.
        got: Vec<u32>,
    },
    /// The escrow does not cover the price.
    #[error("job escrow: expected at least {needed} micro-tokens (price times units), got {got}")]
    EscrowShort {
        /// Price times units.
        needed: u128,
        /// Micro-tokens offered.
        got: u128,
    },
    /// The deadline is past, or too far away.
    #[error("job deadline: expected a height of {min} to {max}, got {got}")]
    DeadlineOutside {
        /// First height allowed.
        min: u64,
        /// Last height allowed.
        max: u64,
        /// Height that came.
        got: u64,
    },
    /// The policy asks for more than everything.
    #[error("job policy {name}: expected at most 10000 bps, got {got}")]
    PolicyInvalid {
        /// The field.
        name: &'static str,
        /// Basis points that came.
        got: u32,
    },
    /// Too much would happen at one height.
    #[error("timers of height {height}: expected at most {max}; choose another height or try the next block")]
    TimersFull {
        /// The height.
        height: u64,
        /// The cap.
        max: u32,
    },

    /// No such job.
    #[error("job {}: unknown", hex::encode(.job))]
    JobUnknown {
        /// The job.
        job: Hash,
    },
    /// The object changed since the sender looked.
    #[error("object {}: expected version {expected}, got {got}; look again and decide anew", hex::encode(.id))]
    VersionStale {
        /// The object.
        id: Hash,
        /// Its version.
        expected: u64,
        /// Version named.
        got: u64,
    },
    /// The job is not open.
    #[error("job {}: leased, settled or expired", hex::encode(.job))]
    JobTaken {
        /// The job.
        job: Hash,
    },
    /// The worker did not list the job's model.
    #[error("worker {}: does not list model {}", hex::encode(.worker), hex::encode(.model))]
    ModelNotServed {
        /// The worker.
        worker: Hash,
        /// The job's model.
        model: Hash,
    },
    /// Too little value behind the worker.
    #[error("worker stake: expected at least {needed} micro-tokens, got {got}; stake more")]
    StakeUnderMinimum {
        /// The least stake.
        needed: u128,
        /// Free and bonded stake.
        got: u128,
    },
    /// Not enough free stake for the lease's bond.
    #[error("lease bond: expected at least {needed} free micro-tokens of stake, got {got}; stake more")]
    BondUncovered {
        /// The bond.
        needed: u128,
        /// Free stake.
        got: u128,
    },
    /// The device already works on a lease.
    #[error("device {}: busy with lease {}", hex::encode(.device), hex::encode(.lease))]
    DeviceBusy {
        /// The device.
        device: Hash,
        /// The lease.
        lease: Hash,
    },
    /// The job would expire before the lease.
    #[error("job deadline: the lease would run to height {expires}, the job ends at {deadline}")]
    DeadlineTooClose {
        /// Last height of the lease.
        expires: u64,
        /// The job's deadline.
        deadline: u64,
    },

    /// The receipt is for another chain number.
    #[error("receipt chain id: expected {expected}, got {got}; the work was leased by another chain")]
    ReceiptChainMismatch {
        /// This chain.
        expected: u32,
        /// Chain of the context.
        got: u32,
    },
    /// The receipt is for another chain of the same number.
    #[error("receipt genesis: expected {}, got {}; the work was leased by another chain", hex::encode(.expected), hex::encode(.got))]
    ReceiptGenesisMismatch {
        /// This chain.
        expected: Hash,
        /// Genesis of the context.
        got: Hash,
    },
    /// No such lease.
    #[error("lease {}: unknown", hex::encode(.lease))]
    LeaseUnknown {
        /// The lease.
        lease: Hash,
    },
    /// Somebody else's lease.
    #[error("lease {}: held by {expected}, the sender is {got}", hex::encode(.lease))]
    LeaseNotSenders {
        /// The lease.
        lease: Hash,
        /// Operator of the leased worker.
        expected: Address,
        /// The sender.
        got: Address,
    },
    /// The receipt's context was never leased.
    #[error("receipt context {field}: not what was leased; the context was never leased to this worker")]
    ContextMismatch {
        /// First field that differs.
        field: &'static str,
    },
    /// This work was minted for already.
    #[error("work {}: context spent, this work was settled before", hex::encode(.nullifier))]
    WorkSpent {
        /// Work nullifier.
        nullifier: Hash,
    },
    /// The lease and its grace window are over.
    #[error("lease {}: ran out at height {expired}, closed after height {closed}", hex::encode(.lease))]
    LeaseOver {
        /// The lease.
        lease: Hash,
        /// Last height within the timeout.
        expired: u64,
        /// Last height within the grace window.
        closed: u64,
    },
    /// The lease timed out and somebody else has, did or outlived the job.
    #[error("job {}: the lease timed out and the job is no longer open", hex::encode(.job))]
    JobRetaken {
        /// The job.
        job: Hash,
    },
    /// This evidence was used before.
    #[error("evidence {}: spent before", hex::encode(.nullifier))]
    EvidenceSpent {
        /// Evidence nullifier.
        nullifier: Hash,
    },
    /// The worker did not sign this receipt.
    #[error("{0}")]
    ReceiptInvalid(ReceiptError),
    /// Completed outside the time between lease and block.
    #[error("receipt completed_at: expected {min} to {max} ms, got {got} ms")]
    TimestampOutside {
        /// Time of the lease.
        min: u64,
        /// Time of the block.
        max: u64,
        /// Time stated.
        got: u64,
    },
    /// The worker's figures contradict each other or its hardware.
    #[error("receipt metadata: {0}")]
    MetadataImplausible(Implausible),
    /// Other units than the model's formula gives.
    #[error("receipt units: expected {expected} by the model's formula, got {got}")]
    UnitsMismatch {
        /// By the formula.
        expected: u64,
        /// Stated.
        got: u64,
    },
    /// The input is missing, or comes twice.
    #[error("result input: expected {}, got {}", presence(*.expected), presence(!*.expected))]
    InputPresence {
        /// Whether the result must bring the input.
        expected: bool,
    },
    /// Another input than the job's.
    #[error("result input: expected hash {}, got {}", hex::encode(.expected), hex::encode(.got))]
    InputHashMismatch {
        /// The job's.
        expected: Hash,
        /// Of the tensor that came.
        got: Hash,
    },
    /// The output exceeds what a result may carry.
    #[error("result output: expected at most {max} bytes, got {got}")]
    OutputOversized {
        /// The cap.
        max: usize,
        /// Bytes that came.
        got: usize,
    },
    /// Another output than the receipt's.
    #[error("result output: expected hash {} as signed, got {}", hex::encode(.expected), hex::encode(.got))]
    OutputHashMismatch {
        /// The receipt's.
        expected: Hash,
        /// Of the tensor that came.
        got: Hash,
    },
    /// Other evidence than the receipt's.
    #[error("result evidence: expected digest {} as signed, got {}", hex::encode(.expected), hex::encode(.got))]
    EvidenceDigestMismatch {
        /// The receipt's.
        expected: Hash,
        /// Of the evidence that came.
        got: Hash,
    },
    /// The evidence does not stand.
    #[error("{0}")]
    EvidenceRejected(AttestationError),
    /// The evidence earns too little trust for the job.
    #[error("result trust: the job asks for {needed} bps, the evidence earns {got}")]
    TrustLow {
        /// The job's minimum.
        needed: u32,
        /// What the evidence earns.
        got: u32,
    },
    /// No proof, or more than one.
    #[error("result proofs: expected {expected}, got {got}")]
    ProofCount {
        /// Proofs needed.
        expected: usize,
        /// Proofs that came.
        got: usize,
    },
    /// The proof exceeds what a proof may be.
    #[error("proof: expected at most {max} bytes, got {got}")]
    ProofOversized {
        /// The cap.
        max: usize,
        /// Bytes that came.
        got: usize,
    },
    /// The proof does not decode or does not verify.
    #[error("proof: {0}")]
    ProofRejected(ProofError),
}

impl From<TransactionError> for Reject {
    fn from(error: TransactionError) -> Self {
        match error {
            // spec: chain#transaction-oversized
            TransactionError::Decode(DecodeError::TooLong { max, got, .. }) => Self::TransactionOversized { max, got },
            // spec: chain#transaction-malformed
            TransactionError::Decode(error) => Self::TransactionMalformed(error),
            // spec: chain#signature-invalid
            TransactionError::Signature(error) => Self::SignatureInvalid(error),
        }
    }
}

fn presence(there: bool) -> &'static str {
    if there { "the tensor, the job names it by hash" } else { "none, the job holds the tensor" }
}
