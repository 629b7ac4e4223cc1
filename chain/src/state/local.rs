//! The local engine: one validator, one process, no sockets.
//!
//! It proposes, verifies, signs and commits, and writes the same certificates as a set of validators would. One
//! validator gives no economic security from sampling and can grind the beacon; surfaces must say so. Key and time are
//! brought by the caller: the engine reads no clock and no file.
//!
//! *Signed, then committed.* A [`SigningGuard`] keeps every block before it is signed. A block that was signed and not
//! committed, because the process ended or the disk was full, is committed before anything else.

use std::collections::BTreeMap;

use attestation::hex;
use attestation::identity::ed25519::SigningKey;
use verifier::inclusion::{BLOCK_TIME_AHEAD_MS_MAX, Certificate, CommitSignature};

use super::guard::{GuardError, MemoryGuard, SigningGuard};
use super::invalid::{CommitError, Invalid};
use super::machine::{Commit, Machine, StateMachine};
use super::overlay::StateError;
use super::store::Store;
use crate::rules::Reject;
use crate::types::block::Block;
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
    /// The chain ends before the last signed block's parent: it lost blocks that this validator signed.
    #[error(
        "the chain ends at height {height}, and this validator signed height {signed}: blocks were lost; restore the newest data directory, nothing was repaired"
    )]
    BlocksLost {
        /// Last height signed.
        signed: u64,
        /// Height of the chain.
        height: u64,
    },
    /// The chain holds another block than the one this validator signed.
    #[error("height {height}: this validator signed block {}, the chain holds {}; the data directory mixes two histories",
        hex::encode(.signed), hex::encode(.got))]
    AnotherHistory {
        /// The height.
        height: u64,
        /// Block that was signed.
        signed: Hash,
        /// Block of the chain.
        got: Hash,
    },
    /// The block must not be signed.
    #[error(transparent)]
    Guard(#[from] GuardError),
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
    guard: Box<dyn SigningGuard>,
    pool: BTreeMap<Hash, CheckedTransaction>,
}

impl<S: Store> LocalChain<S> {
    /// Runs `machine` under the validator key, for a chain in memory. A chain that outlives the process needs a guard
    /// that does too: see [`Self::guarded`].
    ///
    /// # Errors
    /// [`LocalError::NotValidator`] for another key.
    pub fn new(machine: Machine<S>, key: SigningKey) -> Result<Self, LocalError> {
        Self::guarded(machine, key, Box::new(MemoryGuard::default()))
    }

    /// Runs `machine` under the validator key and a guard, and commits the block that the guard holds as signed if the
    /// chain does not have it yet.
    ///
    /// # Errors
    /// [`LocalError::NotValidator`] for another key; [`LocalError::BlocksLost`] and [`LocalError::AnotherHistory`] when
    /// the chain is not the one that was signed.
    pub fn guarded(machine: Machine<S>, key: SigningKey, guard: Box<dyn SigningGuard>) -> Result<Self, LocalError> {
        let got = key.public_key().address();
        if machine.validators(machine.height().saturating_add(1))?.get(&got).is_none() {
            return Err(LocalError::NotValidator { got });
        }
        if let Some(last) = guard.last() {
            let (signed, height) = (last.header.height, machine.height());
            if signed > height.saturating_add(1) {
                return Err(LocalError::BlocksLost { signed, height });
            }
            let (hash, committed) = (last.hash(), machine.head().block);
            if signed == height && hash != committed {
                return Err(LocalError::AnotherHistory { height, signed: hash, got: committed });
            }
        }
        let mut chain = Self { machine, key, guard, pool: BTreeMap::new() };
        chain.finish_signed()?;
        Ok(chain)
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
        self.machine.check(&transaction)?.map_err(refused)?;
        if self.pool.len() >= POOL_MAX {
            return Err(LocalError::PoolFull);
        }
        self.pool.insert(id, transaction);
        Ok(id)
    }

    /// Makes the next block at `now` (milliseconds since the epoch): proposes, verifies, signs, commits.
    ///
    /// # Errors
    /// [`LocalError`]; the chain is unchanged then, or ends with a block that was signed before.
    pub fn produce(&mut self, now: u64) -> Result<Produced, LocalError> {
        let candidates: Vec<CheckedTransaction> = self.pool.values().cloned().collect();
        let produced = self.produce_from(now, &candidates)?;
        for (id, _) in &produced.refused {
            self.pool.remove(id);
        }
        Ok(produced)
    }

    /// Makes the next block as [`Self::produce`] does, from transactions that wait elsewhere.
    ///
    /// # Errors
    /// [`LocalError`], as there.
    pub fn produce_from(&mut self, now: u64, candidates: &[CheckedTransaction]) -> Result<Produced, LocalError> {
        self.finish_signed()?;
        let earliest = self.machine.head().time.saturating_add(1);
        if now.saturating_add(BLOCK_TIME_AHEAD_MS_MAX) < earliest {
            return Err(LocalError::ClockBehind { now, earliest });
        }
        let proposer = self.key.public_key().address();
        let proposal = self.machine.propose(&proposer, now.max(earliest), candidates, u64::MAX)?;
        self.machine.verify(&proposal.block)?;
        self.guard.permit(&proposal.block)?;
        let commit = self.finish(&proposal.block)?;
        Ok(Produced { commit, refused: proposal.refused })
    }

    /// Commits the block that was signed and not committed, if there is one.
    fn finish_signed(&mut self) -> Result<(), LocalError> {
        let next = self.machine.height().saturating_add(1);
        if let Some(block) = self.guard.last().filter(|block| block.header.height == next).cloned() {
            self.finish(&block)?;
        }
        Ok(())
    }

    /// Signs and commits a block that the guard permitted.
    fn finish(&mut self, block: &Block) -> Result<Commit, LocalError> {
        let signature = CommitSignature::sign(&block.header, self.machine.genesis_hash(), &self.key);
        let certificate = Certificate { header: block.hash(), signatures: vec![signature] };
        let commit = self.machine.commit(block, &encode(&certificate), &[])?;
        for outcome in &commit.outcomes {
            self.pool.remove(&outcome.transaction);
        }
        Ok(commit)
    }
}
