//! The waiting transactions of one sender, by nonce.

use std::collections::BTreeMap;

use crate::types::ids::Address;
use crate::types::ledger::Account;
use crate::types::transaction::{Action, CheckedTransaction, DeviceStep};

/// Whether an expensive transaction was judged in full, so that judging it in a block costs little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is cheap enough to be judged in the block alone.
    Needless,
    /// Still to be done, once every transaction before it is in a block.
    Due,
    /// Under way.
    Running,
    /// Done.
    Done,
}

/// A waiting transaction.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) transaction: CheckedTransaction,
    pub(super) check: Check,
}

impl Entry {
    /// `checked`: it was judged in full as the sender's next one.
    pub(super) fn new(transaction: CheckedTransaction, checked: bool) -> Self {
        let check = match (is_expensive(&transaction), checked) {
            (false, _) => Check::Needless,
            (true, false) => Check::Due,
            (true, true) => Check::Done,
        };
        Self { transaction, check }
    }

    pub(super) fn price(&self) -> u128 {
        self.transaction.transaction().gas_price
    }

    pub(super) fn nonce(&self) -> u64 {
        self.transaction.transaction().nonce
    }

    pub(super) fn bytes(&self) -> usize {
        self.transaction.bytes().len()
    }

    /// What it pays, whatever it does.
    pub(super) fn fee(&self) -> u128 {
        self.price().saturating_mul(self.transaction.transaction().gas_limit.into())
    }
}

/// Whether judging it takes signatures or proofs beyond the sender's own.
fn is_expensive(transaction: &CheckedTransaction) -> bool {
    match &transaction.transaction().action {
        Action::RegisterModel(_)
        | Action::RegisterWorker(_)
        | Action::SubmitResult(_)
        | Action::AnswerWithProof(_)
        | Action::ReportImplausible(_)
        | Action::ChallengeModel(_)
        | Action::Authorise(_)
        | Action::ReportMisbehaviour(_)
        | Action::ClaimTeleport(_)
        | Action::RecordTeleport(_)
        | Action::RevealCanary(_)
        | Action::RefundTeleport(_)
        | Action::OpenSynthetic(_) => true,
        Action::BindDevice(bind) => matches!(bind.step, DeviceStep::Show { .. }),
        Action::Transfer(_)
        | Action::Stake(_)
        | Action::Unstake(_)
        | Action::Withdraw(_)
        | Action::PostJob(_)
        | Action::LeaseJob(_)
        | Action::CommitCheck(_)
        | Action::RevealCheck(_)
        | Action::Challenge(_)
        | Action::UpdateWorker(_)
        | Action::ProposeAssignment(_)
        | Action::Propose(_)
        | Action::Vote(_)
        | Action::AnchorReceipt(_)
        | Action::TeleportOut(_)
        | Action::ReleaseTeleport(_)
        | Action::PlantCanary(_)
        | Action::SyntheticResult(_)
        | Action::Appeal(_) => false,
    }
}

/// How much the last transaction of a queue is worth keeping, least first: one that cannot run yet, then by price.
pub(super) type Tail = (bool, u128, Address);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The sender's account after the last block.
    pub(super) account: Account,
    /// By nonce; none is below the account's.
    pub(super) entries: BTreeMap<u64, Entry>,
    pub(super) bytes: usize,
    /// Sum of what the entries pay.
    pub(super) fees: u128,
    /// Round since which a nonce is missing.
    pub(super) gap_since: Option<u64>,
    /// As it stands in the pool's index.
    pub(super) tail: Option<Tail>,
}

impl Queue {
    pub(super) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.bytes = self.bytes.saturating_add(entry.bytes());
        self.fees = self.fees.saturating_add(entry.fee());
        let replaced = self.entries.insert(entry.nonce(), entry);
        if let Some(entry) = &replaced {
            self.forget(entry);
        }
        replaced
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let removed = self.entries.remove(&nonce)?;
        self.forget(&removed);
        Some(removed)
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        self.fees = self.fees.saturating_sub(entry.fee());
    }

    /// The first nonce that is missing.
    pub(super) fn gap(&self) -> u64 {
        let mut next = self.account.nonce;
        for nonce in self.entries.keys() {
            if *nonce != next {
                break;
            }
            next = next.saturating_add(1);
        }
        next
    }

    /// Whether a nonce is missing before the last entry.
    pub(super) fn has_gap(&self) -> bool {
        self.entries.last_key_value().is_some_and(|(last, _)| *last >= self.gap())
    }

    /// Those that can be in the next block, in order.
    pub(super) fn runnable(&self) -> impl Iterator<Item = &Entry> {
        let next = self.account.nonce..;
        let in_order = next.zip(&self.entries).take_while(|(next, (nonce, _))| next == *nonce);
        in_order.map(|(_, (_, entry))| entry).take_while(|entry| matches!(entry.check, Check::Needless | Check::Done))
    }

    /// The next one of the account, if it waits to be judged in full.
    pub(super) fn unchecked(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(&self.account.nonce).filter(|entry| entry.check == Check::Due)
    }
}
