//! The interface to a consensus engine, and its implementation over a store.
//!
//! *Pure.* Time, certificates and reports of misbehaviour are arguments; nothing here reads a clock, a network or a key.
//!
//! *Every block is executed by everybody.* [`StateMachine::verify`] runs it again and compares the roots, also on the
//! node that proposed it. The last execution is kept, so that committing a block that was just verified does not run it
//! a third time; a block that was not verified is verified by [`StateMachine::commit`].
//!
//! *Deviations from the design*: `propose` is told who proposes and reports what it refused, and both fail when the
//! node's own state cannot be read, instead of inventing a block.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use jmt::storage::TreeUpdateBatch;
use verifier::inclusion::{Misbehaviour, StateProof, ValidatorSet};
use verifier::setup::Setup;

use super::execute::{Committed, conserve};
use super::invalid::{CommitError, Invalid, MachineError};
use super::keys::Key;
use super::object::{Clock, Object, Stored};
use super::overlay::{Base, Overlay, StateError};
use super::store::{Batch, CommittedBlock, Head, Store};
use super::tree;
use crate::rules::Reject;
use crate::rules::services::Services;
use crate::types::block::{Block, ComputeResult};
use crate::types::event::{Event, Outcome};
use crate::types::genesis::Genesis;
use crate::types::ids::{Address, Hash, genesis_beacon};
use crate::types::ledger::{Account, Holdings, Supply, Treasury};
use crate::types::params::Params;
use crate::types::transaction::{CheckedTransaction, encode};

mod block;

/// Place of a transaction in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority {
    /// Micro-tokens per gas.
    pub gas_price: u128,
    /// Transactions of the same sender that must come before; 0 when it can run now.
    pub waits_for: u64,
}

/// A proposed block, and the candidates that cannot be in it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The block.
    pub block: Block,
    /// Candidates that the rules refuse in this block, with the reason.
    pub refused: Vec<(Hash, Reject)>,
}

/// What committing a block gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Height of the block.
    pub height: u64,
    /// Its hash.
    pub block: Hash,
    /// State root after it.
    pub root: Hash,
    /// What became of each transaction.
    pub outcomes: Vec<Outcome>,
    /// What happened at the end of the block.
    pub closing: Vec<Event>,
    /// The leaves of the compute root.
    pub results: Vec<ComputeResult>,
}

/// What a consensus engine asks of the application.
pub trait StateMachine {
    /// Height of the last committed block, 0 at genesis.
    fn height(&self) -> u64;

    /// State root after it.
    fn root(&self) -> Hash;

    /// Judges a transaction against the committed state, as if the next block ran it first. One whose nonce lies
    /// ahead waits for its predecessors: only its signature and envelope are judged.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read; what the rules say is inside.
    fn check_tx(&self, bytes: &[u8]) -> Result<Result<Priority, Reject>, StateError>;

    /// Builds the next block from candidates; the same set of candidates in any order gives the same block.
    ///
    /// # Errors
    /// [`Invalid`]: the state cannot be read, or conservation would not hold.
    fn propose(
        &self,
        proposer: &Address,
        time: u64,
        candidates: &[CheckedTransaction],
        bytes_max: u64,
    ) -> Result<Proposal, Invalid>;

    /// Executes a block and compares everything its header claims.
    ///
    /// # Errors
    /// [`Invalid`], naming the first claim that does not hold.
    fn verify(&self, block: &Block) -> Result<(), Invalid>;

    /// Commits a finalised block in one batch. Committing it again changes nothing and gives the same answer.
    ///
    /// # Errors
    /// [`CommitError`]: the block does not verify, is not finalised, or conflicts with a committed one.
    fn commit(
        &mut self,
        block: &Block,
        certificate: &[u8],
        misbehaviour: &[Misbehaviour],
    ) -> Result<Commit, CommitError>;

    /// The validators that finalise `next_height`.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    fn validators(&self, next_height: u64) -> Result<ValidatorSet, StateError>;
}

/// An executed block.
#[derive(Clone)]
struct Executed {
    block: Hash,
    root: Hash,
    tree: Arc<TreeUpdateBatch>,
    keys: Vec<Vec<u8>>,
    outcomes: Vec<Outcome>,
    closing: Vec<Event>,
    results: Vec<ComputeResult>,
}

/// A block that was proposed here.
struct Proposed {
    block: Hash,
    /// Its transactions as they were checked.
    transactions: Vec<CheckedTransaction>,
    /// What its execution wrote, and the tree that follows from that and the state before it.
    writes: Vec<tree::Write>,
    root: Hash,
    tree: Arc<TreeUpdateBatch>,
}

/// The state machine over a store.
pub struct Machine<S> {
    store: S,
    genesis: Arc<Genesis>,
    genesis_hash: Hash,
    head: Head,
    services: Arc<Services>,
    last: Mutex<Option<Arc<Executed>>>,
    /// The last block proposed here.
    proposed: Mutex<Option<Arc<Proposed>>>,
}

/// The state after one block: the machine of that height, which cannot commit.
///
/// Values are kept by height, so what a snapshot reads does not change when its store goes on.
pub struct Snapshot<S>(Machine<S>);

impl<S> Deref for Snapshot<S> {
    type Target = Machine<S>;

    fn deref(&self) -> &Machine<S> {
        &self.0
    }
}

impl<S: Store> Machine<S> {
    /// Opens the chain of `genesis` in `store`, writing genesis if the store is empty.
    ///
    /// # Errors
    /// [`MachineError`]: another chain's store, a damaged tree, or setups that do not fit genesis.
    pub fn open(mut store: S, genesis: Genesis, setups: Vec<Setup>) -> Result<Self, MachineError> {
        let services = Services::new(setups, genesis.policy().clone());
        let k_max = genesis.params().model.k_max;
        if let Some(setup) = services.first_unfit_setup(genesis.setups(), k_max) {
            return Err(MachineError::Setup { setup, k_max });
        }
        let genesis_hash = genesis.hash();
        let head = match store.head()? {
            Some(head) => head,
            None => {
                let batch = genesis_batch(&store, &genesis, &genesis_hash)?;
                let head = batch.head;
                store.apply(batch)?;
                head
            }
        };
        if head.genesis != genesis_hash {
            return Err(MachineError::Genesis { expected: genesis_hash, got: head.genesis });
        }
        if tree::root(&store, head.height)? != head.root {
            return Err(MachineError::Root { height: head.height });
        }
        let (genesis, services) = (Arc::new(genesis), Arc::new(services));
        Ok(Self { store, genesis, genesis_hash, head, services, last: Mutex::new(None), proposed: Mutex::new(None) })
    }

    /// The committed state as it stands, to be read while blocks go on. What is verified for one is remembered for all.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<S>
    where
        S: Clone,
    {
        Snapshot(Self {
            store: self.store.clone(),
            genesis: Arc::clone(&self.genesis),
            genesis_hash: self.genesis_hash,
            head: self.head,
            services: Arc::clone(&self.services),
            last: Mutex::new(None),
            proposed: Mutex::new(None),
        })
    }

    /// Where the chain stands.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What the chain started from.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Hash of the genesis.
    #[must_use]
    pub fn genesis_hash(&self) -> &Hash {
        &self.genesis_hash
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The object at a key.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn object(&self, key: &Key) -> Result<Option<Object>, StateError> {
        self.committed().read(key)
    }

    /// The object at a key, as its type.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read or the object is of another kind.
    pub fn get<T: Stored>(&self, key: &Key) -> Result<Option<T>, StateError> {
        match self.object(key)? {
            Some(object) => T::from_object(object).map(Some).ok_or(StateError::Object { key: *key }),
            None => Ok(None),
        }
    }

    /// An account; one that was never used is empty.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn account(&self, address: &Address) -> Result<Account, StateError> {
        Ok(self.get(&Key::Account(*address))?.unwrap_or_default())
    }

    /// What was issued and where it is.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn supply(&self) -> Result<Supply, StateError> {
        self.get(&Key::Supply)?.ok_or(StateError::Object { key: Key::Supply })
    }

    /// Parameters of the committed state.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn params(&self) -> Result<Params, StateError> {
        self.get(&Key::Params)?.ok_or(StateError::Object { key: Key::Params })
    }

    /// Whether something is due at a later height, so that blocks must come even without transactions.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn timers_run(&self) -> Result<bool, StateError> {
        let clock: Option<Clock> = self.get(&Key::Clock)?;
        Ok(clock.is_some_and(|clock| clock.timers > 0))
    }

    /// The encoded object at a key (see [`Object`]) with a proof under the committed root, or a proof that there is none.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn prove(&self, key: &Key) -> Result<(Option<Vec<u8>>, StateProof), StateError> {
        Ok(tree::prove(&self.store, self.head.height, &key.to_bytes())?)
    }

    /// A committed block.
    ///
    /// # Errors
    /// [`StateError`] when the store cannot be read.
    pub fn block(&self, height: u64) -> Result<Option<CommittedBlock>, StateError> {
        Ok(self.store.block(height)?)
    }

    /// Proofs that this machine and its snapshots verified, right or wrong; those remembered are not verified again.
    #[must_use]
    pub fn proofs_verified(&self) -> u64 {
        self.services.proofs_judged()
    }

    /// What rules ask of the node.
    #[cfg(test)]
    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    fn committed(&self) -> Committed<'_, S> {
        Committed { store: &self.store, height: self.head.height }
    }

    fn remember(&self, executed: Executed) -> Arc<Executed> {
        let executed = Arc::new(executed);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&executed));
        executed
    }

    fn remember_proposed(&self, proposed: Proposed) {
        *self.proposed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(proposed));
    }

    /// The block of this hash, if it was the last to be proposed here.
    fn proposed(&self, block: &Hash) -> Option<Arc<Proposed>> {
        let proposed = self.proposed.lock().unwrap_or_else(PoisonError::into_inner);
        proposed.as_ref().filter(|proposed| proposed.block == *block).map(Arc::clone)
    }

    /// Forgets what was proposed and executed: a block is committed, and both belong to the state before it.
    fn forget(&self) {
        *self.proposed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remembered(&self, block: &Hash) -> Option<Arc<Executed>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|executed| executed.block == *block).cloned()
    }
}

/// The state that genesis describes, at height 0.
// spec: chain#genesis
fn genesis_batch<S: Store>(store: &S, genesis: &Genesis, genesis_hash: &Hash) -> Result<Batch, MachineError> {
    let empty = Nothing;
    let mut state = Overlay::new(&empty);
    let beacon = genesis_beacon(genesis_hash);
    let issued = genesis.supply().unwrap_or_default();
    let held = Holdings::default();
    state.put(&Key::Params, *genesis.params())?;
    state.put(&Key::Validators, genesis.validators().clone())?;
    state.put(&Key::Supply, Supply { genesis: issued, held, ..Supply::default() })?;
    state.put(&Key::Treasury, Treasury::default())?;
    state.put(&Key::Clock, Clock { height: 0, time: genesis.time(), epoch: 0, beacon, timers: 0 })?;
    if let Some(authority) = genesis.authority() {
        state.put(&Key::MintAuthority, authority.clone())?;
    }
    for account in genesis.accounts() {
        state.put(&Key::Account(account.address), Account { nonce: 0, balance: account.balance })?;
    }
    conserve(&mut state).map_err(|invalid| match invalid {
        Invalid::Conservation(error) => MachineError::Conservation(error),
        Invalid::Fault(error) => MachineError::State(error),
        _ => MachineError::Root { height: 0 },
    })?;
    let writes: Vec<tree::Write> =
        state.changes().map(|(key, _, current)| (key.to_bytes(), current.map(encode))).collect();
    let (root, tree) = tree::update(store, 0, &writes)?;
    let head = Head {
        genesis: *genesis_hash,
        height: 0,
        block: *genesis_hash,
        time: genesis.time(),
        root,
        next_beacon: beacon,
    };
    Ok(Batch { head, tree, keys: writes.into_iter().map(|(key, _)| key).collect(), block: None })
}

/// The state before genesis.
struct Nothing;

impl Base for Nothing {
    fn read(&self, _: &Key) -> Result<Option<Object>, StateError> {
        Ok(None)
    }
}
