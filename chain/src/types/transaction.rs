//! Transactions: what an account asks for, and the signature that says so.
//!
//! The signed bytes hold chain id, genesis hash and nonce, so a transaction is good for one chain and for one position
//! in its sender's sequence. The identifier is a hash of the body and the public key and never of the signature, so a
//! second signature over the same body makes no second transaction. Layout (borsh): body, scheme tag, public key, signature; tag 0 is
//! Ed25519. Tag 1 is what an Ethereum wallet signed, with an identifier of its own: see [`super::ethereum`].

use std::sync::Arc;

use attestation::codec::{self, DecodeError};
use attestation::evidence::Evidence;
use attestation::hash::derive;
use attestation::identity::{IdentityError, ed25519, ml_dsa};
use attestation::receipt::SignedReceipt;
use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::ethereum;
use super::ids::{Address, Hash, ObjectRef};
use super::job::{JobClass, JobInput, JobPolicy, LeaseKind, Placement};
use super::worker::HardwareProfile;

mod exchange;
mod model;
mod review;
mod synthetic;
mod work;

pub use exchange::{
    AnchorReceipt, Authorise, CastVote, ClaimTeleport, Propose, RecordTeleport, RefundTeleport, ReleaseTeleport,
    ReportMisbehaviour, TeleportOut,
};
pub use model::{ChallengeModel, RegisterModel};
pub use review::{AnswerWithProof, Appeal, Challenge, CommitCheck, PlantCanary, RevealCanary, RevealCheck};
pub use synthetic::{OpenSynthetic, OpenedRow, SyntheticResult};
pub use work::{ProposeAssignment, ReportImplausible, UpdateWorker};

/// Largest signed transaction, bytes: a model at its limit, and room for the rest.
pub const TRANSACTION_BYTES_MAX: usize = 320 << 10;

const DOMAIN: &str = "assay 2026 transaction v1";
const ID_CONTEXT: &str = "assay 2026 transaction-id v1";

/// Moves tokens.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Receiving account.
    pub to: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// Publishes a worker.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterWorker {
    /// Key that will sign receipts.
    pub public_key: ml_dsa::PublicKey,
    /// That key's signature over the registration for this sender on this chain.
    pub possession: ml_dsa::Signature,
    /// Declared hardware.
    pub profile: HardwareProfile,
    /// Models it serves, ascending and distinct.
    #[serde(with = "crate::types::twin::hashes")]
    pub models: Vec<Hash>,
    /// Device its work will be leased to.
    #[serde(with = "attestation::hex")]
    pub device: Hash,
}

/// Puts a worker on attested hardware, in two steps, or on none.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindDevice {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// What to do.
    pub step: DeviceStep,
}

/// A step of [`BindDevice`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DeviceStep {
    /// Asks for a context that the hardware is to attest.
    Request {
        /// Identifier of the set of devices: the hash of their sorted identities.
        #[serde(with = "attestation::hex")]
        device: Hash,
    },
    /// Shows the evidence for that context.
    Show {
        /// The evidence.
        evidence: Evidence,
        /// Encoded documents that its verification needs.
        #[serde(with = "crate::types::twin::bytes")]
        collateral: Vec<u8>,
    },
    /// Gives all hardware up: from then on others can bind it.
    Release,
}

/// Locks value behind a worker.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddStake {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// Starts to take stake back.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unstake {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// Takes back stake whose unbonding period is over.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
}

/// Asks for an inference and pays for it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostJob {
    /// Model to run.
    #[serde(with = "attestation::hex")]
    pub model: Hash,
    /// Input to run it on.
    pub input: JobInput,
    /// What a result must bring.
    pub policy: JobPolicy,
    /// Timeout class.
    pub class: JobClass,
    /// Micro-tokens per unit.
    #[serde(with = "crate::types::twin::micro")]
    pub price_per_unit: u128,
    /// Micro-tokens to lock; what is not paid returns.
    #[serde(with = "crate::types::twin::micro")]
    pub escrow: u128,
    /// Last height at which it can be settled in time.
    pub deadline: u64,
    /// Where it should run.
    #[serde(default)]
    pub placement: Placement,
}

/// Takes a job.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseJob {
    /// The job, at the version the sender saw.
    pub job: ObjectRef,
    /// Worker that will do it.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// How the result becomes final.
    pub kind: LeaseKind,
}

/// Hands in a result.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitResult {
    /// The lease, at the version the sender saw.
    pub lease: ObjectRef,
    /// The worker's statement.
    pub signed: SignedReceipt,
    /// The input, when the job names it by hash only.
    pub input: Option<Tensor>,
    /// The output.
    pub output: Tensor,
    /// Evidence for the lease's context.
    pub evidence: Evidence,
    /// Encoded documents that its verification needs; empty for software evidence.
    #[serde(with = "crate::types::twin::bytes")]
    pub collateral: Vec<u8>,
    /// Encoded proofs.
    #[serde(with = "crate::types::twin::byte_strings")]
    pub proofs: Vec<Vec<u8>>,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// See [`Transfer`].
    Transfer(Transfer),
    /// See [`RegisterModel`].
    RegisterModel(RegisterModel),
    /// See [`RegisterWorker`].
    RegisterWorker(Box<RegisterWorker>),
    /// See [`AddStake`].
    Stake(AddStake),
    /// See [`Unstake`].
    Unstake(Unstake),
    /// See [`Withdraw`].
    Withdraw(Withdraw),
    /// See [`PostJob`].
    PostJob(PostJob),
    /// See [`LeaseJob`].
    LeaseJob(LeaseJob),
    /// See [`SubmitResult`].
    SubmitResult(Box<SubmitResult>),
    /// See [`CommitCheck`].
    CommitCheck(CommitCheck),
    /// See [`RevealCheck`].
    RevealCheck(RevealCheck),
    /// See [`Challenge`].
    Challenge(Challenge),
    /// See [`AnswerWithProof`].
    AnswerWithProof(Box<AnswerWithProof>),
    /// See [`BindDevice`].
    BindDevice(Box<BindDevice>),
    /// See [`UpdateWorker`].
    UpdateWorker(Box<UpdateWorker>),
    /// See [`ReportImplausible`].
    ReportImplausible(Box<ReportImplausible>),
    /// See [`ProposeAssignment`].
    ProposeAssignment(ProposeAssignment),
    /// See [`ChallengeModel`].
    ChallengeModel(ChallengeModel),
    /// See [`Propose`].
    Propose(Box<Propose>),
    /// See [`CastVote`].
    Vote(CastVote),
    /// See [`Authorise`].
    Authorise(Box<Authorise>),
    /// See [`ReportMisbehaviour`].
    ReportMisbehaviour(Box<ReportMisbehaviour>),
    /// See [`AnchorReceipt`].
    AnchorReceipt(AnchorReceipt),
    /// See [`TeleportOut`].
    TeleportOut(TeleportOut),
    /// See [`ClaimTeleport`].
    ClaimTeleport(Box<ClaimTeleport>),
    /// See [`RefundTeleport`].
    RefundTeleport(Box<RefundTeleport>),
    /// See [`SyntheticResult`].
    SyntheticResult(SyntheticResult),
    /// See [`OpenSynthetic`].
    OpenSynthetic(Box<OpenSynthetic>),
    /// See [`Appeal`].
    Appeal(Appeal),
    /// See [`RecordTeleport`].
    RecordTeleport(Box<RecordTeleport>),
    /// See [`ReleaseTeleport`].
    ReleaseTeleport(ReleaseTeleport),
    /// See [`PlantCanary`].
    PlantCanary(PlantCanary),
    /// See [`RevealCanary`].
    RevealCanary(Box<RevealCanary>),
}

/// The body of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// Number of the chain.
    pub chain_id: u32,
    /// Hash of its genesis.
    #[serde(with = "attestation::hex")]
    pub genesis: Hash,
    /// Transactions the sender sent before.
    pub nonce: u64,
    /// Most gas the transaction may take; all of it is paid.
    pub gas_limit: u64,
    /// Micro-tokens per gas.
    #[serde(with = "crate::types::twin::micro")]
    pub gas_price: u128,
    /// What it does.
    pub action: Action,
}

/// Who signed, under which scheme.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authorisation {
    /// An Ed25519 account.
    Ed25519 {
        /// The account's key.
        public_key: ed25519::PublicKey,
        /// Over the signed message.
        signature: ed25519::Signature,
    },
    /// An Ethereum account.
    Secp256k1(ethereum::Signature),
}

/// A body and its authorisation.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTransaction {
    /// What is asked for.
    pub transaction: Transaction,
    /// By whom.
    pub authorisation: Authorisation,
}

/// Why bytes are no transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Not the canonical encoding of a transaction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The signature is not the sender's over this body.
    #[error("transaction signature: {0}")]
    Signature(IdentityError),
    /// An Ethereum signature that names no sender.
    #[error("transaction signature: {0}")]
    Ethereum(#[from] ethereum::SignatureError),
}

impl Transaction {
    /// Signs with an Ed25519 key.
    #[must_use]
    pub fn sign(self, key: &ed25519::SigningKey) -> SignedTransaction {
        let public_key = key.public_key();
        let signature = key.sign(DOMAIN, &signed_message(&self, &public_key));
        SignedTransaction { transaction: self, authorisation: Authorisation::Ed25519 { public_key, signature } }
    }
}

impl SignedTransaction {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Identifier: a hash of body and public key.
    #[must_use]
    pub fn id(&self) -> Hash {
        match &self.authorisation {
            Authorisation::Ed25519 { public_key, .. } => {
                derive(ID_CONTEXT, &[&signed_message(&self.transaction, public_key)])
            }
            Authorisation::Secp256k1(signature) => signature.id(&self.transaction),
        }
    }
}

/// A transaction whose encoding and signature were checked. Nothing about the state has been. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTransaction(Arc<Checked>);

#[derive(Debug, PartialEq, Eq)]
struct Checked {
    id: Hash,
    sender: Address,
    signed: SignedTransaction,
    bytes: Vec<u8>,
}

impl CheckedTransaction {
    /// Reads and checks canonical bytes.
    ///
    /// # Errors
    /// [`TransactionError`]: not a canonical encoding within [`TRANSACTION_BYTES_MAX`], or not signed by its sender.
    pub fn parse(bytes: &[u8]) -> Result<Self, TransactionError> {
        let signed: SignedTransaction = codec::decode("transaction", bytes, TRANSACTION_BYTES_MAX)?;
        let (id, sender) = match &signed.authorisation {
            Authorisation::Ed25519 { public_key, signature } => {
                let message = signed_message(&signed.transaction, public_key);
                public_key.verify(DOMAIN, &message, signature).map_err(TransactionError::Signature)?;
                (derive(ID_CONTEXT, &[&message]), public_key.address())
            }
            Authorisation::Secp256k1(signature) => {
                (signature.id(&signed.transaction), signature.sender(&signed.transaction)?)
            }
        };
        Ok(Self(Arc::new(Checked { id, sender, signed, bytes: bytes.to_vec() })))
    }

    /// Identifier.
    #[must_use]
    pub fn id(&self) -> &Hash {
        &self.0.id
    }

    /// Account that signed.
    #[must_use]
    pub fn sender(&self) -> &Address {
        &self.0.sender
    }

    /// The body.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.0.signed.transaction
    }

    /// Who signed, under which scheme.
    #[must_use]
    pub fn authorisation(&self) -> &Authorisation {
        &self.0.signed.authorisation
    }

    /// The canonical bytes it was read from.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// Scheme tag, public key, body.
fn signed_message(transaction: &Transaction, public_key: &ed25519::PublicKey) -> Vec<u8> {
    let mut message = vec![0];
    message.extend_from_slice(public_key.as_bytes());
    message.extend(encode(transaction));
    message
}

/// Canonical bytes (borsh) of a value that goes into a transaction, a block or the state.
#[must_use]
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail and no list here reaches 2^32 entries")]
    value.serialize(&mut bytes).expect("serialising into memory");
    bytes
}

#[cfg(test)]
mod tests;
