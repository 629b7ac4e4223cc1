//! Transactions that wait for a block, by sender and nonce.
//!
//! *Nothing waits for free.* A sender can pay the fees of all it has waiting, and has few waiting. When the pool is full,
//! the last transaction of the sender that pays least goes first, and those whose predecessor is missing go before all
//! that can run: otherwise a pool full of transactions that never run would never be emptied by a block.
//!
//! *What is expensive is judged before it is a candidate.* A transaction ahead of its nonce is taken after a look at
//! its envelope. If it carries proofs, it becomes a candidate when it is its sender's next and was judged in full outside
//! the block (`check_due`, `checked`), so that nobody makes block production verify proofs that earn no fee.
//!
//! *What is dropped is remembered* with its reason, in a list of fixed size, so that its sender can ask.

mod error;
mod queue;

use std::collections::{BTreeMap, BTreeSet};

pub use error::{MempoolError, NotTaken};

use crate::api::Refusal;
use crate::bounded::Bounded;
use crate::rules::Reject;
use crate::types::ids::{Address, Hash};
use crate::types::ledger::Account;
use crate::types::transaction::CheckedTransaction;
use queue::{Check, Entry, Queue, Tail};

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions.
    pub count_max: usize,
    /// Most bytes.
    pub bytes_max: usize,
    /// Most transactions of one sender.
    pub sender_count_max: usize,
    /// Most bytes of one sender.
    pub sender_bytes_max: usize,
    /// Block intervals that a transaction waits for a missing nonce before it.
    pub gap_rounds_max: u64,
    /// Dropped transactions whose reason is remembered.
    pub refused_max: usize,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            count_max: 10_000,
            bytes_max: 64 << 20,
            sender_count_max: 64,
            sender_bytes_max: 2 << 20,
            gap_rounds_max: 240,
            refused_max: 4_096,
        }
    }
}

/// See the module.
pub(super) struct Mempool {
    limits: MempoolLimits,
    senders: BTreeMap<Address, Queue>,
    /// Where each transaction stands.
    places: BTreeMap<Hash, (Address, u64)>,
    bytes: usize,
    /// The last transaction of each sender, the first to go first.
    tails: BTreeSet<Tail>,
    /// Block intervals that passed.
    round: u64,
    refused: Bounded<Refusal>,
}

impl Mempool {
    pub(super) fn new(limits: MempoolLimits) -> Self {
        let refused = Bounded::new(limits.refused_max);
        let (senders, places, tails) = Default::default();
        Self { limits, senders, places, bytes: 0, tails, round: 0, refused }
    }

    /// Transactions that wait.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn contains(&self, id: &Hash) -> bool {
        self.places.contains_key(id)
    }

    /// A transaction that waits.
    pub(super) fn get(&self, id: &Hash) -> Option<CheckedTransaction> {
        let (sender, nonce) = self.places.get(id)?;
        Some(self.senders.get(sender)?.entries.get(nonce)?.transaction.clone())
    }

    /// The nonce after those of a sender that wait without a gap, if any waits.
    pub(super) fn next_nonce(&self, sender: &Address) -> Option<u64> {
        self.senders.get(sender).map(Queue::gap)
    }

    /// Why a transaction was dropped lately.
    pub(super) fn refusal(&self, id: &Hash) -> Option<Refusal> {
        self.refused.get(id)
    }

    /// Takes a transaction of a sender whose account is `account` now; `checked`: it was judged in full. Returns how many
    /// others it pushed out.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing changed then.
    pub(super) fn insert(
        &mut self,
        transaction: CheckedTransaction,
        account: Account,
        checked: bool,
    ) -> Result<usize, NotTaken> {
        let (id, sender) = (*transaction.id(), *transaction.sender());
        if self.contains(&id) {
            return Ok(0);
        }
        let entry = Entry::new(transaction, checked);
        let nonce = entry.nonce();
        if nonce < account.nonce {
            return Err(Reject::NonceMismatch { expected: account.nonce, got: nonce }.into());
        }
        self.admit(&entry, &sender, account)?;
        let old = self.senders.get(&sender).and_then(|queue| queue.entries.get(&nonce)).map(Entry::bytes);
        let free = old.map_or((0, 0), |bytes| (1, bytes));
        let dropped = self.make_room(&entry, &sender, account, free)?;
        let mut changed = dropped.len();
        for (_, entry) in dropped {
            self.remember(&entry, &MempoolError::Evicted { price: entry.price() });
        }
        if let Some(replaced) = self.put(account, entry) {
            self.remember(&replaced, &MempoolError::Replaced { by: id });
            changed = changed.saturating_add(1);
        }
        Ok(changed)
    }

    /// What a sender may have waiting.
    fn admit(&self, entry: &Entry, sender: &Address, account: Account) -> Result<(), NotTaken> {
        let MempoolLimits { sender_count_max, sender_bytes_max, .. } = self.limits;
        let queue = self.senders.get(sender);
        let replaced = queue.and_then(|queue| queue.entries.get(&entry.nonce()));
        if let Some(old) = replaced {
            // At least a tenth more, rounded up.
            let expected = old.price().saturating_add(old.price().div_ceil(10)).max(1);
            if entry.price() < expected {
                let (nonce, got) = (entry.nonce(), entry.price());
                return Err(MempoolError::ReplacementLow { nonce, expected, got }.into());
            }
        }
        let (count, bytes, fees) = queue.map_or((0, 0, 0), |queue| (queue.entries.len(), queue.bytes, queue.fees));
        if replaced.is_none() && count >= sender_count_max {
            return Err(MempoolError::SenderFull { sender: *sender, max: sender_count_max }.into());
        }
        let got = bytes.saturating_add(entry.bytes()).saturating_sub(replaced.map_or(0, Entry::bytes));
        if got > sender_bytes_max {
            return Err(MempoolError::SenderBytes { sender: *sender, max: sender_bytes_max, got }.into());
        }
        let needed = fees.saturating_add(entry.fee()).saturating_sub(replaced.map_or(0, Entry::fee));
        if needed > account.balance {
            return Err(Reject::BalanceShort { account: *sender, needed, got: account.balance }.into());
        }
        Ok(())
    }

    /// Takes out what is worth less than `entry` until it fits, or nothing.
    fn make_room(
        &mut self,
        entry: &Entry,
        sender: &Address,
        account: Account,
        (free_count, free_bytes): (usize, usize),
    ) -> Result<Vec<(Account, Entry)>, MempoolError> {
        let gap = self.senders.get(sender).map_or(account.nonce, |queue| queue.gap().max(account.nonce));
        let worth = (entry.nonce() <= gap, entry.price());
        let mut dropped: Vec<(Account, Entry)> = Vec::new();
        loop {
            let count = self.count().saturating_sub(free_count).saturating_add(1);
            let bytes = self.bytes.saturating_sub(free_bytes).saturating_add(entry.bytes());
            if count <= self.limits.count_max && bytes <= self.limits.bytes_max {
                return Ok(dropped);
            }
            let victim = self.tails.iter().find(|(_, _, address)| address != sender).copied();
            let removed = victim.filter(|(runs, price, _)| (*runs, *price) < worth).and_then(|(_, _, address)| {
                let queue = self.senders.get(&address)?;
                let (account, last) = (queue.account, *queue.entries.last_key_value()?.0);
                Some((account, self.take(&address, last)?))
            });
            match removed {
                Some(entry) => dropped.push(entry),
                None => {
                    for (account, entry) in dropped {
                        self.put(account, entry);
                    }
                    return Err(MempoolError::Full { count: self.count(), bytes: self.bytes, price: entry.price() });
                }
            }
        }
    }

    /// Candidates for the next block.
    pub(super) fn candidates(&self) -> Vec<CheckedTransaction> {
        self.senders.values().flat_map(Queue::runnable).map(|entry| entry.transaction.clone()).collect()
    }

    /// Whether there is a candidate for the next block.
    pub(super) fn has_candidates(&self) -> bool {
        self.senders.values().any(|queue| queue.runnable().next().is_some())
    }

    /// Whether a transaction waits for one that is missing.
    pub(super) fn has_gaps(&self) -> bool {
        self.tails.first().is_some_and(|(runs, _, _)| !runs)
    }

    /// Those that must be judged in full now; each is named once.
    pub(super) fn check_due(&mut self) -> Vec<CheckedTransaction> {
        let due = self.senders.values_mut().filter_map(|queue| {
            let entry = queue.unchecked()?;
            entry.check = Check::Running;
            Some(entry.transaction.clone())
        });
        due.collect()
    }

    /// What judging a transaction of [`Self::check_due`] gave; `None` if it could not be judged.
    pub(super) fn checked(&mut self, id: &Hash, judgement: Option<Result<(), Reject>>) {
        let Some((sender, nonce)) = self.places.get(id).copied() else { return };
        if let Some(Err(reject)) = judgement {
            self.drop_for(&sender, nonce, &NotTaken::from(reject));
            return;
        }
        let entry = self.senders.get_mut(&sender).and_then(|queue| queue.entries.get_mut(&nonce));
        if let Some(entry) = entry {
            entry.check = if judgement.is_some() { Check::Done } else { Check::Due };
        }
    }

    /// After a block: what it refused, and the accounts of those whose transactions it holds.
    pub(super) fn advance(&mut self, accounts: &[(Address, Account)], refused: &[(Hash, Reject)], committed: &[Hash]) {
        for (address, account) in accounts {
            if let Some(queue) = self.senders.get_mut(address) {
                queue.account = *account;
            }
        }
        for id in committed {
            if let Some((sender, nonce)) = self.places.get(id).copied() {
                self.take(&sender, nonce);
            }
        }
        for (id, reject) in refused {
            // Behind one that was refused: it may come again, so this one waits for it.
            let waits = matches!(reject, Reject::NonceMismatch { expected, got } if got > expected);
            if let Some((sender, nonce)) = self.places.get(id).copied().filter(|_| !waits) {
                self.drop_for(&sender, nonce, &NotTaken::from(reject.clone()));
            }
        }
        for (address, account) in accounts {
            self.drop_stale(address, *account);
            self.index(address);
        }
    }

    /// Another block interval passed: those that waited too long for a missing one go. Whether there were any.
    pub(super) fn next_round(&mut self) -> bool {
        self.round = self.round.saturating_add(1);
        let before = self.count();
        let waiting: Vec<Address> =
            self.tails.iter().take_while(|(runs, _, _)| !runs).map(|(_, _, address)| *address).collect();
        for sender in waiting {
            let Some(queue) = self.senders.get(&sender) else { continue };
            let since = queue.gap_since.unwrap_or(self.round);
            if self.round.saturating_sub(since) < self.limits.gap_rounds_max {
                continue;
            }
            let expected = queue.gap();
            let late: Vec<u64> = queue.entries.range(expected..).map(|(nonce, _)| *nonce).collect();
            for got in late {
                self.drop_for(&sender, got, &NotTaken::from(MempoolError::Expired { expected, got }));
            }
        }
        self.count() < before
    }

    /// Drops what the account has passed, and from the tail what it can no longer pay.
    fn drop_stale(&mut self, sender: &Address, account: Account) {
        loop {
            let Some(queue) = self.senders.get(sender) else { return };
            let (Some((first, _)), Some((last, _))) = (queue.entries.first_key_value(), queue.entries.last_key_value())
            else {
                return;
            };
            let (first, last, needed) = (*first, *last, queue.fees);
            let (expected, got) = (account.nonce, account.balance);
            if first < expected {
                self.drop_for(sender, first, &NotTaken::from(Reject::NonceMismatch { expected, got: first }));
            } else if needed > got {
                let reject = Reject::BalanceShort { account: *sender, needed, got };
                self.drop_for(sender, last, &NotTaken::from(reject));
            } else {
                return;
            }
        }
    }

    fn drop_for(&mut self, sender: &Address, nonce: u64, why: &NotTaken) {
        if let Some(entry) = self.take(sender, nonce) {
            self.refused.insert(*entry.transaction.id(), Refusal::from(why));
        }
    }

    fn remember(&mut self, entry: &Entry, why: &MempoolError) {
        self.refused.insert(*entry.transaction.id(), Refusal::from(why));
    }

    fn put(&mut self, account: Account, entry: Entry) -> Option<Entry> {
        let sender = *entry.transaction.sender();
        self.places.insert(*entry.transaction.id(), (sender, entry.nonce()));
        self.bytes = self.bytes.saturating_add(entry.bytes());
        let queue = self.senders.entry(sender).or_default();
        queue.account = account;
        let replaced = queue.insert(entry);
        if let Some(entry) = &replaced {
            self.forget(entry);
        }
        self.index(&sender);
        replaced
    }

    fn take(&mut self, sender: &Address, nonce: u64) -> Option<Entry> {
        let entry = self.senders.get_mut(sender)?.remove(nonce)?;
        self.forget(&entry);
        self.index(sender);
        Some(entry)
    }

    fn forget(&mut self, entry: &Entry) {
        self.places.remove(entry.transaction.id());
        self.bytes = self.bytes.saturating_sub(entry.bytes());
    }

    /// Brings the index of tails up to date with a sender's queue; a sender that has nothing waiting is forgotten.
    fn index(&mut self, sender: &Address) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        if let Some(tail) = queue.tail.take() {
            self.tails.remove(&tail);
        }
        let Some((_, last)) = queue.entries.last_key_value() else {
            self.senders.remove(sender);
            return;
        };
        let gap = queue.has_gap();
        let tail = (!gap, last.price(), *sender);
        queue.gap_since = if gap { queue.gap_since.or(Some(self.round)) } else { None };
        queue.tail = Some(tail);
        self.tails.insert(tail);
    }
}

#[cfg(test)]
mod tests;
