//! Makes blocks: one every interval while something is due, on a thread of its own.
//!
//! *A fault ends production.* A full disk or a damaged store does not get better by trying again, and trying again hides
//! it: the node keeps answering queries, says that it is not ready, and its operator decides. A clock that lies behind
//! the chain is the one fault that is waited for, because setting the clock is all it takes.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;

use super::fault::{Condition, NodeFault};
use super::shared::{Published, Shared, Tip, each_event};
use super::store::RocksStore;
use super::submit;
use crate::rules::Reject;
use crate::state::{LocalChain, LocalError, Produced};
use crate::types::ids::{Address, Hash};
use crate::types::ledger::Account;

/// How often a clock that lies behind is looked at.
const CLOCK_PAUSE: Duration = Duration::from_secs(1);

/// Starts block production; it ends when it is told to, or by a fault.
pub(super) fn start(
    chain: LocalChain<RocksStore>,
    shared: Arc<Shared>,
    runtime: Handle,
) -> std::io::Result<JoinHandle<()>> {
    let interval = Duration::from_millis(chain.machine().genesis().params().block.interval_ms);
    let mut producer = Producer { chain, shared, runtime, interval };
    std::thread::Builder::new().name("blocks".to_owned()).spawn(move || {
        let ending = Ending(Arc::clone(&producer.shared));
        if let Err(error) = producer.run() {
            producer.shared.fail(NodeFault::Engine(error));
        }
        // The store is closed before anybody is told.
        drop(producer);
        drop(ending);
    })
}

/// Tells when the thread ended without having been told to, also by a panic.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.0.is_stopping() {
            self.0.set_condition(Condition::Failed(NodeFault::Ended));
        }
    }
}

struct Producer {
    chain: LocalChain<RocksStore>,
    shared: Arc<Shared>,
    runtime: Handle,
    interval: Duration,
}

impl Producer {
    fn run(&mut self) -> Result<(), LocalError> {
        let mut next = Instant::now();
        loop {
            let (candidates, gaps) = {
                let mempool = self.shared.mempool();
                (mempool.has_candidates(), mempool.has_gaps())
            };
            if !candidates && !self.chain.machine().timers_run()? {
                self.shared.block_not_due();
                if !self.shared.wake.wait(gaps.then_some(self.interval)) {
                    return Ok(());
                }
                if gaps && Instant::now() >= next {
                    next = after(self.interval);
                    self.let_go();
                }
                continue;
            }
            self.shared.block_due();
            if !self.shared.wake.wait_until(next) {
                return Ok(());
            }
            next = after(self.interval);
            match self.produce() {
                Ok(()) => self.shared.set_condition(Condition::Ready),
                Err(error @ LocalError::ClockBehind { .. }) => {
                    if !matches!(*self.shared.condition.borrow(), Condition::ClockBehind(_)) {
                        tracing::warn!(%error, "no block can be made until the clock is set");
                    }
                    self.shared.set_condition(Condition::ClockBehind(error));
                    next = after(CLOCK_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn produce(&mut self) -> Result<(), LocalError> {
        let candidates = self.shared.mempool().candidates();
        let started = Instant::now();
        let produced = self.chain.produce_from(now(), &candidates)?;
        let took = started.elapsed();
        let accounts = self.accounts(&produced)?;
        let published = Published::of(self.chain.machine())?;
        if let Some(Tip { header, events: Some(events), .. }) = &published.tip {
            self.shared.jobs().follow(self.chain.machine(), each_event(events))?;
            let transactions = produced.commit.outcomes.len();
            self.shared.metrics.block(header, took, transactions, each_event(events));
        }
        let (height, transactions) = (produced.commit.height, produced.commit.outcomes.len());
        tracing::debug!(height, transactions, refused = produced.refused.len(), ?took, "block");
        self.publish(published, &accounts, &produced);
        self.shared.block_not_due();
        Ok(())
    }

    /// The accounts whose nonces the block moved.
    fn accounts(&self, produced: &Produced) -> Result<Vec<(Address, Account)>, LocalError> {
        let mut senders: Vec<Address> = produced.commit.outcomes.iter().map(|outcome| outcome.sender).collect();
        senders.sort_unstable();
        senders.dedup();
        let machine = self.chain.machine();
        senders.into_iter().map(|sender| Ok((sender, machine.account(&sender)?))).collect()
    }

    /// Brings the mempool to the new height and shows the new state, in one step for whoever looks at both.
    fn publish(&self, published: Published, accounts: &[(Address, Account)], produced: &Produced) {
        let committed: Vec<Hash> = produced.commit.outcomes.iter().map(|outcome| outcome.transaction).collect();
        for (_, reject) in &produced.refused {
            if !is_ahead(reject) {
                self.shared.metrics.refused(reject.code());
            }
        }
        let due = {
            let mut mempool = self.shared.mempool();
            mempool.advance(accounts, &produced.refused, &committed);
            mempool.next_round();
            self.shared.measure(&mempool);
            self.shared.published.send_replace(Some(Arc::new(published)));
            mempool.check_due()
        };
        for transaction in due {
            self.runtime.spawn(submit::judge_waiting(Arc::clone(&self.shared), transaction));
        }
    }

    /// An interval without a block passed.
    fn let_go(&self) {
        let dropped = {
            let mut mempool = self.shared.mempool();
            let dropped = mempool.next_round();
            self.shared.measure(&mempool);
            dropped
        };
        if dropped {
            self.shared.announce();
        }
    }
}

/// Whether it only waits for one before it.
fn is_ahead(reject: &Reject) -> bool {
    matches!(reject, Reject::NonceMismatch { expected, got } if got > expected)
}

fn after(interval: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(interval).unwrap_or(now)
}

/// Milliseconds since the epoch; 0 before it, which is a clock that lies behind.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
