//! The local engine: one validator, one process, no sockets.
//!
//! It proposes, verifies, signs and commits, and writes the same certificates as a set of validators would. One
//! validator gives no economic security from sampling and can grind the beacon; surfaces must say so. Key and time are
//! brought by the caller: the engine reads no clock and no file.

use std::collections::BTreeMap;

use attestation::identity::ed25519::SigningKey;
use verifier::inclusion::{BLOCK_TIME_AHEAD_MS_MAX, Certificate, CommitSignature};

use super::invalid::{CommitError, Invalid};
use super::machine::{Commit, Machine, StateMachine};
use super::overlay::StateError;
use super::store::Store;
use crate::rules::Reject;
use crate::types::ids::{Address, Hash};
use crate::types::transaction::{CheckedTransaction, encode};

/// Most transactions that wait.
pub const POOL_MAX: usize = 10_000;

/// Why no block was made or no transaction taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// The rules refuse the transaction.
    #[error(transparent)]
    Refused(Box<Reject>),
    /// Too many transactions wait.
    #[error("pool: {POOL_MAX} transactions wait already; try again after the next block")]
    PoolFull,
    /// The key is not the validator's.
    #[error("validator key: {got} is no validator of this chain")]
    NotValidator {
        /// Address of the key.
        got: Address,
    },
    /// The clock is far behind the chain.
    #[error(
        "clock: {now} ms lies more than {BLOCK_TIME_AHEAD_MS_MAX} ms before the next block's earliest time, {earliest} ms; set the clock"
    )]
    ClockBehind {
        /// Time given.
        now: u64,
        /// One millisecond after the last block.
        earliest: u64,
    },
    /// The block made here does not verify.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The block was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What making a block gave.
#[derive(Clone, Debug)]
pub struct Produced {
    /// The committed block.
    pub commit: Commit,
    /// Waiting transactions that the block's rules refused, and which were dropped.
    pub refused: Vec<(Hash, Reject)>,
}

/// A chain with its only validator.
pub struct LocalChain<S> {
    machine: Machine<S>,
    key: SigningKey,
    pool: BTreeMap<Hash, CheckedTransaction>,
}

impl<S: Store> LocalChain<S> {
    /// Runs `machine` under the validator key.
    ///
    /// # Errors
    /// [`LocalError::NotValidator`] for another key.
    pub fn new(machine: Machine<S>, key: SigningKey) -> Result<Self, LocalError> {
        let got = key.public_key().address();
        if machine.validators(machine.height().saturating_add(1))?.get(&got).is_none() {
            return Err(LocalError::NotValidator { got });
        }
        Ok(Self { machine, key, pool: BTreeMap::new() })
    }

    /// The state machine.
    #[must_use]
    pub fn machine(&self) -> &Machine<S> {
        &self.machine
    }

    /// Transactions that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pool.len()
    }

    /// Whether a block should be made: transactions wait, or timers run.
    ///
    /// # Errors
    /// [`LocalError::State`].
    pub fn block_due(&self) -> Result<bool, LocalError> {
        Ok(!self.pool.is_empty() || self.machine.timers_run()?)
    }

    /// Takes a transaction into the next block, or says why not.
    ///
    /// # Errors
    /// [`LocalError::Refused`] with the rule's refusal; [`LocalError::PoolFull`].
    pub fn submit(&mut self, bytes: &[u8]) -> Result<Hash, LocalError> {
        let refused = |reject| LocalError::Refused(Box::new(reject));
        let transaction = CheckedTransaction::parse(bytes).map_err(|error| refused(error.into()))?;
        let id = *transaction.id();
        if self.pool.contains_key(&id) {
            return Err(refused(Reject::TransactionDuplicate { id }));
        }
        self.machine.check_tx(bytes)?.map_err(refused)?;
        if self.pool.len() >= POOL_MAX {
            return Err(LocalError::PoolFull);
        }
        self.pool.insert(id, transaction);
        Ok(id)
    }

    /// Makes the next block at `now` (milliseconds since the epoch): proposes, verifies, signs, commits.
    ///
    /// # Errors
    /// [`LocalError`]; the chain is unchanged then.
    pub fn produce(&mut self, now: u64) -> Result<Produced, LocalError> {
        let earliest = self.machine.head().time.saturating_add(1);
        if now.saturating_add(BLOCK_TIME_AHEAD_MS_MAX) < earliest {
            return Err(LocalError::ClockBehind { now, earliest });
        }
        let candidates: Vec<CheckedTransaction> = self.pool.values().cloned().collect();
        let proposer = self.key.public_key().address();
        let proposal = self.machine.propose(&proposer, now.max(earliest), &candidates, u64::MAX)?;
        self.machine.verify(&proposal.block)?;
        let header = &proposal.block.header;
        let signature = CommitSignature::sign(header, self.machine.genesis_hash(), &self.key);
        let certificate = Certificate { header: header.hash(), signatures: vec![signature] };
        let commit = self.machine.commit(&proposal.block, &encode(&certificate), &[])?;
        let done = commit.outcomes.iter().map(|outcome| outcome.transaction);
        for id in done.chain(proposal.refused.iter().map(|(id, _)| *id)) {
            self.pool.remove(&id);
        }
        Ok(Produced { commit, refused: proposal.refused })
    }
}
