//! Every reason to refuse a transaction, each with a stable number and its section of the specification.
//!
//! Codes never change their meaning and are never reused. Hundreds group by family: 1 envelope, 2 models, 3 workers,
//! 4 stake, 5 jobs, 6 leases, 7 results, 9 reviews and equivocation (8 is taken by blocks), 10 synthetic tasks and assignment, 11 governance,
//! mint authority and anchors, 12 transfers between chains, 13 canaries. A message says what was expected, what came, and where it helps
//! what to do.

use attestation::appraisal::AttestationError;
use attestation::codec::DecodeError;
use attestation::hex;
use attestation::identity::IdentityError;
use attestation::receipt::ReceiptError;
use circuits::model::graph::GraphError;
use thiserror::Error;
use verifier::key::KeyError;
use verifier::proof::ProofError;
use verifier::row_opening::OpeningError;

use crate::types::ethereum::SignatureError;
use crate::types::ids::{Address, Hash};
use crate::types::transaction::TransactionError;

pub mod canary;
mod codes;
pub mod exchange;
pub mod governance;
mod implausible;
pub mod teleport;

pub use canary::CanaryReject;
pub use codes::CODES;
pub use exchange::ExchangeReject;
pub use governance::GovernanceReject;
pub use implausible::Implausible;
use teleport::TeleportReject;

/// Why a transaction was refused.
///
/// Fields: `expected` or `needed` is what the rule asks for, `got` what came, `max` a cap; the others say what it is about.
/// Money is in micro-tokens, sizes in bytes.
#[expect(missing_docs, reason = "the fields are described once, above")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reject {
    /// More bytes than a transaction may have.
    #[error("transaction: expected at most {max} bytes, got {got}")]
    TransactionOversized { max: usize, got: usize },
    /// Not the canonical encoding of a transaction.
    #[error(transparent)]
    TransactionMalformed(DecodeError),
    /// Not signed by its sender.
    #[error("transaction signature: {0}")]
    SignatureInvalid(IdentityError),
    /// The larger twin of an Ethereum signature.
    #[error("transaction signature: {0}")]
    SignatureHigh(SignatureError),
    /// An Ethereum signature that no key gives.
    #[error("transaction signature: {0}")]
    SignerUnknown(SignatureError),
    /// For another chain number.
    #[error("transaction chain id: expected {expected}, got {got}; sign it for this chain")]
    ChainMismatch { expected: u32, got: u32 },
    /// For another chain of the same number.
    #[error("transaction genesis: expected {}, got {}; sign it for this chain", hex::encode(.expected), hex::encode(.got))]
    GenesisMismatch { expected: Hash, got: Hash },
    /// Pays less for gas than the network takes.
    #[error("gas price: expected at least {expected} micro-tokens, got {got}")]
    GasPriceLow { expected: u128, got: u128 },
    /// Allows less gas than the transaction takes.
    #[error("gas limit: expected at least {expected}, got {got}")]
    GasLimitLow { expected: u64, got: u64 },
    /// Allows more gas than a block has.
    #[error("gas limit: expected at most {max}, got {got}")]
    GasLimitHigh { max: u64, got: u64 },
    /// Not the sender's next transaction.
    #[error("nonce: expected {expected}, got {got}")]
    NonceMismatch { expected: u64, got: u64 },
    /// The account does not hold what is needed.
    #[error("balance of {account}: expected at least {needed} micro-tokens, got {got}")]
    BalanceShort { account: Address, needed: u128, got: u128 },
    /// A number leaves its range.
    #[error("{what}: the amount leaves its range")]
    AmountOverflow { what: &'static str },
    /// An amount of zero where it would do nothing.
    #[error("{what}: expected above zero, got 0")]
    AmountZero { what: &'static str },
    /// The same transaction is already there.
    #[error("transaction {}: already pending or in this block", hex::encode(.id))]
    TransactionDuplicate { id: Hash },

    /// Graph and commitments exceed what a model may have.
    #[error("model: expected at most {max} bytes of graph and commitments, got {got}")]
    ModelOversized { max: usize, got: usize },
    /// The graph does not decode.
    #[error("model graph: {0}")]
    GraphMalformed(GraphError),
    /// The row commitments do not decode.
    #[error("model commitment: {0}")]
    CommitmentMalformed(DecodeError),
    /// The setup is not on the genesis list.
    #[error("model setup: {} is not allowed by this chain's genesis", hex::encode(.setup))]
    SetupNotAllowed { setup: Hash },
    /// No verifying key follows from graph and commitments.
    #[error("model key: {0}")]
    KeyUnderivable(KeyError),
    /// A run would count no units.
    #[error("model units: expected above zero for one run, got 0")]
    UnitsZero,
    /// A run would count more units than it computes.
    #[error("model units: expected at most {max} (multiply-accumulates of the graph) for one run, got {got}")]
    UnitsExcessive { max: u64, got: u64 },
    /// The circuit is larger than this chain admits.
    #[error("model circuit: expected at most 2^{max} rows, got 2^{got}")]
    CircuitOversized { max: u32, got: u32 },
    /// The model is registered already.
    #[error("model {}: already registered", hex::encode(.model))]
    ModelDuplicate { model: Hash },
    /// The model's bond is too small.
    #[error("model bond: expected at least {expected} micro-tokens, got {got}")]
    ModelBondLow { expected: u128, got: u128 },

    /// The worker key is registered already.
    #[error("worker {}: already registered", hex::encode(.worker))]
    WorkerDuplicate { worker: Hash },
    /// The worker key did not sign this registration.
    #[error("worker proof of possession: {0}")]
    PossessionInvalid(IdentityError),
    /// The device belongs to another worker.
    #[error("device {}: already bound to worker {}", hex::encode(.device), hex::encode(.worker))]
    DeviceBound { device: Hash, worker: Hash },
    /// The list of models is too long, unsorted or repeats one.
    #[error("worker models: expected at most {max}, ascending and distinct; number {position} is not")]
    ModelListInvalid { max: usize, position: usize },
    /// The declared hardware cannot be.
    #[error("worker video memory: expected at most {max} MiB, got {got}")]
    ProfileInvalid { max: u64, got: u64 },
    /// Nothing shows that the device is the worker's.
    #[error("device: expected {} (the worker without hardware; other devices need evidence), got {}", hex::encode(.expected), hex::encode(.got))]
    DeviceUnproven { expected: Hash, got: Hash },
    /// The worker did not ask for a context to attest.
    #[error("worker {}: no device was requested; ask first, and attest the context that the chain fixes", hex::encode(.worker))]
    DeviceNotRequested { worker: Hash },
    /// Documents that are not the encoding of any.
    #[error("collateral: {0}")]
    CollateralMalformed(DecodeError),
    /// No such model.
    #[error("model {}: not registered", hex::encode(.model))]
    ModelUnknown { model: Hash },
    /// Too many workers serve the model.
    #[error("model {}: served by {max} workers already", hex::encode(.model))]
    RosterFull { model: Hash, max: usize },

    /// No such worker.
    #[error("worker {}: not registered", hex::encode(.worker))]
    WorkerUnknown { worker: Hash },
    /// Another account operates the worker.
    #[error("worker {}: operated by {expected}, the sender is {got}", hex::encode(.worker))]
    OperatorMismatch { worker: Hash, expected: Address, got: Address },
    /// Not that much free stake.
    #[error("stake: expected at least {needed} free micro-tokens, got {got}")]
    StakeShort { needed: u128, got: u128 },
    /// Too many withdrawals at once.
    #[error("unbonding: expected at most {max} parts at a time; withdraw those that are due first")]
    UnbondingFull { max: usize },
    /// Nothing can be withdrawn yet.
    #[error("withdrawal: the first part is due at height {due:?}, this is {height}")]
    WithdrawalEarly { due: Option<u64>, height: u64 },

    /// The input exceeds what a job stores.
    #[error("job input: expected at most {max} bytes, got {got}; post its hash instead")]
    InputOversized { max: usize, got: usize },
    /// The input is not one of the model's.
    #[error("job input: expected shape {expected:?} with elements in {min}..={max}, got shape {got:?}")]
    InputUnfit { expected: Vec<u32>, min: i64, max: i64, got: Vec<u32> },
    /// The escrow does not cover the price.
    #[error("job escrow: expected at least {needed} micro-tokens (price times units), got {got}")]
    EscrowShort { needed: u128, got: u128 },
    /// The deadline is past, or too far away.
    #[error("job deadline: expected a height of {min} to {max}, got {got}")]
    DeadlineOutside { min: u64, max: u64, got: u64 },
    /// The policy asks for more than everything.
    #[error("job policy {name}: expected at most 10000 bps, got {got}")]
    PolicyInvalid { name: &'static str, got: u32 },
    /// Too much would happen at one height.
    #[error("timers of height {height}: expected at most {max}; choose another height or try the next block")]
    TimersFull { height: u64, max: u32 },

    /// No such job.
    #[error("job {}: unknown", hex::encode(.job))]
    JobUnknown { job: Hash },
    /// The object changed since the sender looked.
    #[error("object {}: expected version {expected}, got {got}; look again and decide anew", hex::encode(.id))]
    VersionStale { id: Hash, expected: u64, got: u64 },
    /// The job is not open.
    #[error("job {}: leased, under review, settled or expired", hex::encode(.job))]
    JobTaken { job: Hash },
    /// The worker did not list the job's model.
    #[error("worker {}: does not list model {}", hex::encode(.worker), hex::encode(.model))]
    ModelNotServed { worker: Hash, model: Hash },
    /// Too little value behind the worker.
    #[error("worker stake: expected at least {needed} micro-tokens, got {got}; stake more")]
    StakeUnderMinimum { needed: u128, got: u128 },
    /// Not enough free stake for the lease's bond.
    #[error("lease bond: expected at least {needed} free micro-tokens of stake, got {got}; stake more")]
    BondUncovered { needed: u128, got: u128 },
    /// The device already works on a lease.
    #[error("device {}: busy with lease {}", hex::encode(.device), hex::encode(.lease))]
    DeviceBusy { device: Hash, lease: Hash },
    /// The job would expire before the lease.
    #[error("job deadline: the lease would run to height {expires}, the job ends at {deadline}")]
    DeadlineTooClose { expires: u64, deadline: u64 },

    /// I1: being convicted would cost less than cheating saves.
    #[error(
        "I1: q (R + b) >= (1 + margin) g: at q = {conviction_ppm} ppm, R = {reward} and g = {saved} micro-tokens the bond must be {needed:?}, free stake is {got}; stake more"
    )]
    ConvictionTooWeak { conviction_ppm: u32, reward: u128, saved: u128, needed: Option<u128>, got: u128 },
    /// The job asks for a proof.
    #[error("lease: job {} asks for a proof; lease it with one", hex::encode(.job))]
    ProofRequired { job: Hash },
    /// The worker was convicted too often.
    #[error("worker {}: banned after {convictions} convictions", hex::encode(.worker))]
    WorkerBanned { worker: Hash, convictions: u64 },
    /// The worker let too many leases in a row run out.
    #[error("worker {}: suspended to height {until} after leases that ran out; mend it and wait", hex::encode(.worker))]
    WorkerSuspended { worker: Hash, until: u64 },
    /// The worker signed too many implausible receipts.
    #[error("worker {}: banned after {implausible} implausible receipts", hex::encode(.worker))]
    WorkerFraudulent { worker: Hash, implausible: u32 },
    /// The worker declares less video memory than the job asks for.
    #[error("video memory: the job needs {needed} MiB, the worker declares {got}")]
    HardwareUnfit { needed: u64, got: u64 },
    /// The job is kept for another worker.
    #[error("job {}: kept for worker {} to height {until}; lease it after that", hex::encode(.job), hex::encode(.best))]
    JobReserved { job: Hash, best: Hash, until: u64 },

    /// The receipt is for another chain number.
    #[error("receipt chain id: expected {expected}, got {got}; the work was leased by another chain")]
    ReceiptChainMismatch { expected: u32, got: u32 },
    /// The receipt is for another chain of the same number.
    #[error("receipt genesis: expected {}, got {}; the work was leased by another chain", hex::encode(.expected), hex::encode(.got))]
    ReceiptGenesisMismatch { expected: Hash, got: Hash },
    /// No such lease.
    #[error("lease {}: unknown", hex::encode(.lease))]
    LeaseUnknown { lease: Hash },
    /// Somebody else's lease.
    #[error("lease {}: held by {expected}, the sender is {got}", hex::encode(.lease))]
    LeaseNotSenders { lease: Hash, expected: Address, got: Address },
    /// The receipt's context was never leased.
    #[error("receipt context {field}: not what was leased; the context was never leased to this worker")]
    ContextMismatch { field: &'static str },
    /// This work was minted for already.
    #[error("work {}: context spent, this work was settled before", hex::encode(.nullifier))]
    WorkSpent { nullifier: Hash },
    /// The lease and its grace window are over.
    #[error("lease {}: ran out at height {expired}, closed after height {closed}", hex::encode(.lease))]
    LeaseOver { lease: Hash, expired: u64, closed: u64 },
    /// The lease timed out and somebody else has, did or outlived the job.
    #[error("job {}: the lease timed out and the job is no longer open", hex::encode(.job))]
    JobRetaken { job: Hash },
    /// This evidence was used before.
    #[error("evidence {}: spent before", hex::encode(.nullifier))]
    EvidenceSpent { nullifier: Hash },
    /// The worker did not sign this receipt.
    #[error("{0}")]
    ReceiptInvalid(ReceiptError),
    /// Completed outside the time between lease and block.
    #[error("receipt completed_at: expected {min} to {max} ms, got {got} ms")]
    TimestampOutside { min: u64, max: u64, got: u64 },
    /// The worker's figures contradict each other or its hardware.
    #[error("receipt metadata: {0}")]
    MetadataImplausible(Implausible),
    /// Other units than the model's formula gives.
    #[error("receipt units: expected {expected} by the model's formula, got {got}")]
    UnitsMismatch { expected: u64, got: u64 },
    /// The input is missing, or comes twice.
    #[error("result input: expected {}, got {}", presence(*.expected), presence(!*.expected))]
    InputPresence { expected: bool },
    /// Another input than the job's.
    #[error("result input: expected hash {}, got {}", hex::encode(.expected), hex::encode(.got))]
    InputHashMismatch { expected: Hash, got: Hash },
    /// The output exceeds what a result may carry.
    #[error("result output: expected at most {max} bytes, got {got}")]
    OutputOversized { max: usize, got: usize },
    /// Another output than the receipt's.
    #[error("result output: expected hash {} as signed, got {}", hex::encode(.expected), hex::encode(.got))]
    OutputHashMismatch { expected: Hash, got: Hash },
    /// Other evidence than the receipt's.
    #[error("result evidence: expected digest {} as signed, got {}", hex::encode(.expected), hex::encode(.got))]
    EvidenceDigestMismatch { expected: Hash, got: Hash },
    /// The evidence does not stand.
    #[error("{0}")]
    EvidenceRejected(AttestationError),
    /// The evidence earns too little trust for the job.
    #[error("result trust: the job asks for {needed} bps, the evidence earns {got}")]
    TrustLow { needed: u32, got: u32 },
    /// No proof, or more than one.
    #[error("result proofs: expected {expected}, got {got}")]
    ProofCount { expected: usize, got: usize },
    /// The proof exceeds what a proof may be.
    #[error("proof: expected at most {max} bytes, got {got}")]
    ProofOversized { max: usize, got: usize },
    /// The proof does not decode or does not verify.
    #[error("proof: {0}")]
    ProofRejected(ProofError),

    /// The receipt is too old to be reported.
    #[error("report for lease {}: taken to height {until} only", hex::encode(.lease))]
    ReportLate { lease: Hash, until: u64 },
    /// An implausible receipt for the lease was reported before.
    #[error("report for lease {}: reported before; one counts for each lease", hex::encode(.lease))]
    ReportDuplicate { lease: Hash },
    /// The receipt's figures do not contradict each other.
    #[error("report for lease {}: the receipt's figures fit each other and the model", hex::encode(.lease))]
    ReceiptPlausible { lease: Hash },
    /// No verdict waits for an appeal.
    #[error("result {}: no verdict waits for an appeal", hex::encode(.result))]
    AppealClosed { result: Hash },

    /// No such result.
    #[error("result {}: unknown", hex::encode(.result))]
    ResultUnknown { result: Hash },
    /// The result is final.
    #[error("result {}: final, nothing can change it", hex::encode(.result))]
    ResultFinal { result: Hash },
    /// The result is disputed already.
    #[error("result {}: disputed already; the jury decides", hex::encode(.result))]
    ResultDisputed { result: Hash },
    /// A check decides first.
    #[error("result {}: being checked to height {until} at least; challenge it after the check", hex::encode(.result))]
    CheckRuns { result: Hash, until: u64 },
    /// The challenge locks too little.
    #[error("challenge bond: expected at least {needed} micro-tokens, got {got}")]
    ChallengeBondLow { needed: u128, got: u128 },
    /// The worker is no checker or juror of the result's present review.
    #[error("worker {}: not drawn to review result {} now", hex::encode(.worker), hex::encode(.result))]
    NotDrawn { result: Hash, worker: Hash },
    /// The time to commit is over.
    #[error("check of result {}: commitments are taken to height {until} only", hex::encode(.result))]
    CommitLate { result: Hash, until: u64 },
    /// A second commitment.
    #[error("check of result {}: worker {} has committed already", hex::encode(.result), hex::encode(.worker))]
    CommittedAlready { result: Hash, worker: Hash },
    /// Another's commitment, which this worker could never open.
    #[error("check of result {}: this commitment is worker {}'s; commit to a run of your own, under a new salt", hex::encode(.result), hex::encode(.worker))]
    CommitmentCopied { result: Hash, worker: Hash },
    /// Others may still commit.
    #[error("check of result {}: reveal after height {until}, others still commit", hex::encode(.result))]
    RevealEarly { result: Hash, until: u64 },
    /// Nothing to open.
    #[error("check of result {}: worker {} did not commit", hex::encode(.result), hex::encode(.worker))]
    CommitmentMissing { result: Hash, worker: Hash },
    /// Output and salt are not what was committed to.
    #[error("check of result {}: expected to open commitment {}, got {}", hex::encode(.result), hex::encode(.expected), hex::encode(.got))]
    CommitmentMismatch { result: Hash, expected: Hash, got: Hash },
    /// A second reveal.
    #[error("check of result {}: worker {} has revealed already", hex::encode(.result), hex::encode(.worker))]
    RevealedAlready { result: Hash, worker: Hash },
    /// The result is not disputed, or its time to answer is over.
    #[error("result {}: no dispute waits for an answer", hex::encode(.result))]
    AnswerClosed { result: Hash },
    /// The proof is about another output than the submitted one.
    #[error("answer: proves another output: expected hash {} as submitted, got {}", hex::encode(.expected), hex::encode(.got))]
    ProvesAnotherOutput { expected: Hash, got: Hash },

    /// The chain has no coordinator.
    #[error("coordinator: this chain assigns by the score alone")]
    CoordinatorOff,
    /// Another account is the coordinator.
    #[error("coordinator: expected {expected}, got {got}")]
    CoordinatorMismatch { expected: Address, got: Address },
    /// The job has been assigned since it opened.
    #[error("job {}: assigned to worker {} already", hex::encode(.job), hex::encode(.worker))]
    AssignmentMade { job: Hash, worker: Hash },
    /// The job is not kept for anybody any more.
    #[error("job {}: was kept to height {until} only; anybody can lease it", hex::encode(.job))]
    AssignmentOver { job: Hash, until: u64 },
    /// The worker could not lease the job now, or failed at it.
    #[error("worker {}: cannot lease job {} now, or failed at it; propose another", hex::encode(.worker), hex::encode(.job))]
    AssignmentUnfit { job: Hash, worker: Hash },
    /// The model can be challenged no more.
    #[error("model {}: challenges were taken to height {until}, this is {height}", hex::encode(.model))]
    ModelWindowOver { model: Hash, until: u64, height: u64 },
    /// The opened rows are not the model's.
    #[error("model challenge: {0}; open rows under the root that the model was registered with")]
    RowOpeningInvalid(OpeningError),
    /// A row of the model was found wrong.
    #[error("model {}: convicted by one of its rows and closed; use another model", hex::encode(.model))]
    ModelConvicted { model: Hash },
    /// Too many jobs on a model that may yet be convicted.
    #[error("model {}: {max} jobs were posted while it can be challenged; post after height {until}", hex::encode(.model))]
    ModelWindowFull { model: Hash, max: usize, until: u64 },
    /// A proposal or a vote.
    #[error(transparent)]
    Governance(GovernanceReject),
    /// A report of equivocation, a decision of the issuing authority, an anchor.
    #[error(transparent)]
    Exchange(ExchangeReject),
    /// A transfer between chains.
    #[error(transparent)]
    Teleport(TeleportReject),
    /// A canary.
    #[error(transparent)]
    Canary(CanaryReject),

    /// The task of another epoch.
    #[error("synthetic task: expected that of epoch {expected}, got epoch {got}")]
    TaskStale { expected: u64, got: u64 },
    /// The worker answered the epoch's task, or is about to.
    #[error("worker {}: the task of epoch {epoch} is answered or waits to be opened", hex::encode(.worker))]
    TaskAnswered { worker: Hash, epoch: u64 },
    /// Too little of the epoch is left.
    #[error("synthetic task: rows could be opened to height {until}, after epoch {epoch}; answer the next one")]
    TaskLate { until: u64, epoch: u64 },
    /// Nothing was committed.
    #[error("worker {}: no synthetic task waits to be opened", hex::encode(.worker))]
    TaskUnknown { worker: Hash },
    /// The rows to open are not drawn yet.
    #[error("worker {}: rows are drawn at the end of block {height}", hex::encode(.worker))]
    RowsUndrawn { worker: Hash, height: u64 },
    /// Another number of rows than were drawn.
    #[error("opened rows: expected {expected}, got {got}")]
    RowCount { expected: usize, got: usize },
    /// The row is not under the committed root.
    #[error("opened row: expected number {expected} of 1024 integers under the committed root, got number {got}")]
    RowUnproven { expected: u64, got: u64 },
    /// The row is not that of the product.
    #[error("opened row {row}: wrong at column {column}; the committed product was not computed")]
    RowWrong { row: u32, column: usize },
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
            // spec: chain#signature-high
            TransactionError::Ethereum(error @ SignatureError::High) => Self::SignatureHigh(error),
            // spec: chain#signer-unknown
            TransactionError::Ethereum(error @ SignatureError::NoKey) => Self::SignerUnknown(error),
        }
    }
}

fn presence(there: bool) -> &'static str {
    if there { "the tensor, the job names it by hash" } else { "none, the job holds the tensor" }
}
