//! Blocks: trying, proposing, verifying, committing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attestation::codec;
use verifier::inclusion::{Certificate, Header, LinkError, Misbehaviour, ValidatorSet, beacon_after};

use super::{Commit, Executed, Machine, Priority, Proposal, Proposed, StateMachine};
use crate::rules::result::batch;
use crate::rules::{Environment, Execution, Failure, Reject, envelope};
use crate::state::execute::finish;
use crate::state::invalid::{CommitError, Invalid};
use crate::state::keys::Key;
use crate::state::overlay::{Overlay, StateError};
use crate::state::store::{Batch, CommittedBlock, Head, Store};
use crate::state::tree;
use crate::types::block::{Block, compute_root};
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Address, Hash};
use crate::types::params::Params;
use crate::types::transaction::{Action, CheckedTransaction, TransactionError};

/// Largest certificate, bytes.
const CERTIFICATE_BYTES_MAX: usize = 16 << 10;
/// Fewest transactions that are worth a thread.
const PARSE_SHARE_MIN: usize = 32;
/// How many transactions of one sender may wait for earlier ones.
pub(super) const NONCE_AHEAD_MAX: u64 = 64;

impl<S: Store> StateMachine for Machine<S> {
    fn height(&self) -> u64 {
        self.head.height
    }

    fn root(&self) -> Hash {
        self.head.root
    }

    fn check_tx(&self, bytes: &[u8]) -> Result<Result<Priority, Reject>, StateError> {
        match CheckedTransaction::parse(bytes) {
            Ok(transaction) => self.check(&transaction),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn propose(
        &self,
        proposer: &Address,
        time: u64,
        candidates: &[CheckedTransaction],
        bytes_max: u64,
    ) -> Result<Proposal, Invalid> {
        let params = self.params()?;
        let base = self.committed();
        let mut execution = Execution::start(Overlay::new(&base), self.environment(&params, time))?;
        let mut room = Room { bytes: bytes_max.min(params.block.bytes_max), gas: params.block.gas_max };
        let mut chosen: Vec<CheckedTransaction> = Vec::new();
        let mut refused = Vec::new();
        let mut queue = Queue::new(candidates);
        while let Some(candidate) = queue.next() {
            if !room.take(candidate) {
                queue.drop_sender(candidate);
                continue;
            }
            match execution.transact(candidate) {
                Ok(_) => chosen.push(candidate.clone()),
                Err(Failure::Refused(reject)) => {
                    room.give_back(candidate);
                    refused.push((*candidate.id(), *reject));
                }
                Err(Failure::Fault(error)) => return Err(error.into()),
            }
        }
        let environment = execution.environment;
        let changes = finish(execution)?;
        let (state_root, tree) =
            tree::update(&self.store, environment.height, &changes.writes).map_err(StateError::from)?;
        let mut block = Block {
            header: Header {
                height: environment.height,
                parent: self.head.block,
                time,
                proposer: *proposer,
                state_root,
                transaction_root: [0; 32],
                compute_root: compute_root(&changes.results),
                epoch: environment.epoch,
                beacon: environment.beacon,
            },
            transactions: chosen.iter().map(|transaction| transaction.bytes().to_vec()).collect(),
        };
        block.header.transaction_root = block.transaction_root();
        self.remember_proposed(Proposed {
            block: block.hash(),
            transactions: chosen,
            writes: changes.writes,
            root: state_root,
            tree: Arc::new(tree),
        });
        Ok(Proposal { block, refused })
    }

    fn verify(&self, block: &Block) -> Result<(), Invalid> {
        self.execute(block).map(|executed| {
            self.remember(executed);
        })
    }

    fn commit(
        &mut self,
        block: &Block,
        certificate: &[u8],
        misbehaviour: &[Misbehaviour],
    ) -> Result<Commit, CommitError> {
        let hash = block.hash();
        let height = block.header.height;
        if let Some(committed) = self.store.block(height)? {
            let expected = committed.block.hash();
            if expected != hash {
                return Err(CommitError::Conflict { height, expected, got: hash });
            }
            return Ok(answer(committed));
        }
        let certificate: Certificate = codec::decode("certificate", certificate, CERTIFICATE_BYTES_MAX)?;
        let validators = self.validators(height).map_err(Invalid::from)?;
        let executed = match self.remembered(&hash) {
            Some(executed) if same_transactions(block) => executed,
            _ => self.execute(block).map(|executed| self.remember(executed))?,
        };
        certificate.verify(&block.header, &self.genesis_hash, &validators)?;
        for (position, report) in misbehaviour.iter().enumerate() {
            let verdict = report.verify(&self.genesis_hash, &validators);
            verdict.map_err(|error| CommitError::Misbehaviour { position, error })?;
        }
        let head = Head {
            genesis: self.genesis_hash,
            height,
            block: hash,
            time: block.header.time,
            root: executed.root,
            next_beacon: beacon_after(&block.header.beacon, &certificate),
        };
        self.forget();
        let Executed { root, tree, keys, outcomes, closing, results, .. } = Arc::unwrap_or_clone(executed);
        let commit = Commit {
            height,
            block: hash,
            root,
            outcomes: outcomes.clone(),
            closing: closing.clone(),
            results: results.clone(),
        };
        let misbehaviour = misbehaviour.to_vec();
        let committed = CommittedBlock { block: block.clone(), certificate, misbehaviour, outcomes, closing, results };
        self.store.apply(Batch { head, tree: Arc::unwrap_or_clone(tree), keys, block: Some(committed) })?;
        self.head = head;
        Ok(commit)
    }

    fn validators(&self, _next_height: u64) -> Result<ValidatorSet, StateError> {
        self.get(&Key::Validators)?.ok_or(StateError::Object { key: Key::Validators })
    }
}

impl<S: Store> Machine<S> {
    /// Judges a transaction whose signature was checked as [`StateMachine::check_tx`] does one of bytes.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read; what the rules say is inside.
    pub fn check(&self, transaction: &CheckedTransaction) -> Result<Result<Priority, Reject>, StateError> {
        let body = transaction.transaction();
        let account = self.account(transaction.sender())?;
        let waits_for = body.nonce.saturating_sub(account.nonce);
        let priority = Priority { gas_price: body.gas_price, waits_for };
        let params = self.params()?;
        let time = self.head.time.saturating_add(1);
        let environment = Environment { trial: true, ..self.environment(&params, time) };
        if (1..=NONCE_AHEAD_MAX).contains(&waits_for) {
            return Ok(envelope::check(&environment, transaction).map(|_| priority));
        }
        let base = self.committed();
        let mut execution = Execution::start(Overlay::new(&base), environment)?;
        match execution.transact(transaction) {
            Ok(_) => Ok(Ok(priority)),
            Err(Failure::Refused(reject)) => Ok(Err(*reject)),
            Err(Failure::Fault(error)) => Err(error),
        }
    }

    /// What an action of `sender` would do now, whoever signs and pays for it.
    ///
    /// # Errors
    /// [`StateError`] when the state cannot be read.
    pub fn simulate(&self, sender: &Address, action: &Action) -> Result<Result<Vec<Event>, Reject>, StateError> {
        let params = self.params()?;
        let time = self.head.time.saturating_add(1);
        let environment = Environment { trial: true, ..self.environment(&params, time) };
        let base = self.committed();
        let mut execution = Execution::start(Overlay::new(&base), environment)?;
        match execution.simulate(sender, action) {
            Ok(events) => Ok(Ok(events)),
            Err(Failure::Refused(reject)) => Ok(Err(*reject)),
            Err(Failure::Fault(error)) => Err(error),
        }
    }

    /// The block after the head.
    fn environment<'a>(&'a self, params: &'a Params, time: u64) -> Environment<'a> {
        let height = self.head.height.saturating_add(1);
        Environment {
            chain_id: self.genesis.chain_id(),
            genesis: &self.genesis_hash,
            height,
            time,
            trial: false,
            epoch: height.checked_div(params.block.epoch_blocks).unwrap_or(0),
            beacon: self.head.next_beacon,
            params,
            initial: self.genesis.params(),
            services: &self.services,
        }
    }

    fn execute(&self, block: &Block) -> Result<Executed, Invalid> {
        let params = self.params()?;
        let header = &block.header;
        let environment = self.environment(&params, header.time);
        self.check_header(block, &environment)?;
        check_size(block, &params)?;
        let base = self.committed();
        // The header's root was compared: a block of this hash has exactly the transactions that were proposed.
        let proposed = self.proposed(&block.hash());
        let read;
        let parsed = match &proposed {
            Some(proposed) => &proposed.transactions,
            None => {
                read = parse_all(block)?;
                &read
            }
        };
        batch::prepare(&base, &self.services, parsed)?;
        let mut execution = Execution::start(Overlay::new(&base), environment)?;
        let mut gas = 0u64;
        let mut seen = BTreeSet::new();
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(block.transactions.len());
        for (position, transaction) in parsed.iter().enumerate() {
            let refused = |reject| Invalid::Transaction { position, reject: Box::new(reject) };
            // spec: chain#transaction-duplicate
            if !seen.insert(*transaction.id()) {
                return Err(refused(Reject::TransactionDuplicate { id: *transaction.id() }));
            }
            // spec: chain#block-gas
            gas = gas.saturating_add(transaction.transaction().gas_limit);
            if gas > params.block.gas_max {
                return Err(Invalid::Gas { max: params.block.gas_max, got: gas });
            }
            // spec: chain#block-transaction
            match execution.transact(transaction) {
                Ok(outcome) => outcomes.push(outcome),
                Err(Failure::Refused(reject)) => return Err(Invalid::Transaction { position, reject }),
                Err(Failure::Fault(error)) => return Err(error.into()),
            }
        }
        let changes = finish(execution)?;
        // spec: chain#block-compute-root
        let expected = compute_root(&changes.results);
        if header.compute_root != expected {
            return Err(Invalid::ComputeRoot { expected, got: header.compute_root });
        }
        // The tree follows from the writes: where both executions wrote the same, its nodes are not hashed twice.
        let (root, tree) = match proposed.filter(|proposed| proposed.writes == changes.writes) {
            Some(proposed) => (proposed.root, Arc::clone(&proposed.tree)),
            None => {
                let updated = tree::update(&self.store, header.height, &changes.writes).map_err(StateError::from)?;
                (updated.0, Arc::new(updated.1))
            }
        };
        // spec: chain#block-state-root
        if header.state_root != root {
            return Err(Invalid::StateRoot { expected: root, got: header.state_root });
        }
        let keys = changes.writes.into_iter().map(|(key, _)| key).collect();
        let (closing, results) = (changes.closing, changes.results);
        Ok(Executed { block: block.hash(), root, tree, keys, outcomes, closing, results })
    }

    fn check_header(&self, block: &Block, environment: &Environment<'_>) -> Result<(), Invalid> {
        let header = &block.header;
        // spec: chain#block-height
        if header.height != environment.height {
            let (expected, got) = (environment.height, header.height);
            return Err(Invalid::Link(LinkError::Height { expected, got }));
        }
        // spec: chain#block-parent
        if header.parent != self.head.block {
            return Err(Invalid::Link(LinkError::Parent));
        }
        // spec: chain#block-time
        if header.time <= self.head.time {
            return Err(Invalid::Link(LinkError::Time { parent: self.head.time, got: header.time }));
        }
        // spec: chain#block-beacon
        if header.beacon != environment.beacon {
            return Err(Invalid::Link(LinkError::Beacon));
        }
        // spec: chain#block-epoch
        if header.epoch != environment.epoch {
            return Err(Invalid::Epoch { expected: environment.epoch, got: header.epoch });
        }
        // spec: chain#block-proposer
        if self.validators(header.height)?.get(&header.proposer).is_none() {
            return Err(Invalid::Proposer { got: header.proposer });
        }
        // spec: chain#block-transaction-root
        let expected = block.transaction_root();
        if header.transaction_root != expected {
            return Err(Invalid::TransactionRoot { expected, got: header.transaction_root });
        }
        Ok(())
    }
}

/// A block's transactions, read and their signatures checked, on as many threads as the machine has cores.
fn parse_all(block: &Block) -> Result<Vec<CheckedTransaction>, Invalid> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = block.transactions.len().div_ceil(threads).max(PARSE_SHARE_MIN);
    let parse = |share: &[Vec<u8>]| -> Vec<Result<CheckedTransaction, TransactionError>> {
        share.iter().map(|bytes| CheckedTransaction::parse(bytes)).collect()
    };
    let parsed: Vec<_> = std::thread::scope(|scope| {
        let mut shares = block.transactions.chunks(share);
        let first = shares.next();
        let others: Vec<_> = shares.map(|share| (share, scope.spawn(move || parse(share)))).collect();
        let mut parsed = first.map(parse).unwrap_or_default();
        for (share, thread) in others {
            // A thread that ended by a panic said nothing of its share.
            parsed.extend(thread.join().unwrap_or_else(|_| parse(share)));
        }
        parsed
    });
    let refused = |(position, parsed): (usize, Result<_, TransactionError>)| {
        parsed.map_err(|error| Invalid::Transaction { position, reject: Box::new(error.into()) })
    };
    parsed.into_iter().enumerate().map(refused).collect()
}

/// Whether the block carries the transactions of its header; its hash covers the header alone.
fn same_transactions(block: &Block) -> bool {
    block.transaction_root() == block.header.transaction_root
}

fn check_size(block: &Block, params: &Params) -> Result<(), Invalid> {
    let bytes = block.transactions.iter().map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let got = bytes.fold(0u64, u64::saturating_add);
    // spec: chain#block-oversized
    if got > params.block.bytes_max {
        return Err(Invalid::Oversized { max: params.block.bytes_max, got });
    }
    Ok(())
}

fn answer(committed: CommittedBlock) -> Commit {
    let CommittedBlock { block, outcomes, closing, results, .. } = committed;
    let (height, root) = (block.header.height, block.header.state_root);
    Commit { height, block: block.hash(), root, outcomes, closing, results }
}

/// Bytes and gas that are left in a block.
struct Room {
    bytes: u64,
    gas: u64,
}

impl Room {
    fn take(&mut self, transaction: &CheckedTransaction) -> bool {
        let (bytes, gas) = size(transaction);
        match (self.bytes.checked_sub(bytes), self.gas.checked_sub(gas)) {
            (Some(bytes), Some(gas)) => {
                *self = Self { bytes, gas };
                true
            }
            _ => false,
        }
    }

    fn give_back(&mut self, transaction: &CheckedTransaction) {
        let (bytes, gas) = size(transaction);
        self.bytes = self.bytes.saturating_add(bytes);
        self.gas = self.gas.saturating_add(gas);
    }
}

fn size(transaction: &CheckedTransaction) -> (u64, u64) {
    (u64::try_from(transaction.bytes().len()).unwrap_or(u64::MAX), transaction.transaction().gas_limit)
}

/// Candidates in block order: each sender's by nonce, senders by the price of their next one, ties by identifier.
// CONSENSUS: not a rule, any order of valid transactions is a valid block; a fixed one makes proposals reproducible.
// spec: chain#block-order
struct Queue<'a> {
    /// Each sender's candidates; the last is the next.
    senders: BTreeMap<Address, Vec<&'a CheckedTransaction>>,
    /// The next candidate of each sender; the greatest is the next of all.
    heads: BTreeSet<(u128, Reverse<Hash>, Address)>,
}

impl<'a> Queue<'a> {
    fn new(candidates: &'a [CheckedTransaction]) -> Self {
        let distinct: BTreeMap<&Hash, &CheckedTransaction> =
            candidates.iter().map(|candidate| (candidate.id(), candidate)).collect();
        let mut senders: BTreeMap<Address, Vec<&CheckedTransaction>> = BTreeMap::new();
        for candidate in distinct.into_values() {
            senders.entry(*candidate.sender()).or_default().push(candidate);
        }
        for queue in senders.values_mut() {
            queue.sort_by_key(|candidate| Reverse((candidate.transaction().nonce, *candidate.id())));
        }
        let heads = senders.values().filter_map(|queue| queue.last().map(|next| head(next))).collect();
        Self { senders, heads }
    }

    fn next(&mut self) -> Option<&'a CheckedTransaction> {
        let (_, _, sender) = self.heads.pop_last()?;
        let queue = self.senders.get_mut(&sender)?;
        let next = queue.pop()?;
        self.heads.extend(queue.last().map(|next| head(next)));
        Some(next)
    }

    /// What follows a transaction that does not fit waits for the next block.
    fn drop_sender(&mut self, transaction: &CheckedTransaction) {
        let waiting = self.senders.remove(transaction.sender()).unwrap_or_default();
        if let Some(next) = waiting.last() {
            self.heads.remove(&head(next));
        }
    }
}

fn head(next: &CheckedTransaction) -> (u128, Reverse<Hash>, Address) {
    (next.transaction().gas_price, Reverse(*next.id()), *next.sender())
}
