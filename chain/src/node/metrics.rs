//! What the node counts, in the text format of Prometheus.
//!
//! Base units, no rates, and no label whose values come from outside.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use verifier::inclusion::Header;

use crate::types::event::Event;

/// Bounds of commit times, seconds.
const COMMIT_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of the time to judge a transaction, seconds.
const CHECK_SECONDS: [f64; 10] = [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0];

type Gauge64 = Gauge<u64, AtomicU64>;

/// One known method of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

/// One stable code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: u16,
}

/// See the module.
pub(super) struct Metrics {
    registry: Registry,
    pub(super) height: Gauge64,
    time: Gauge64,
    pub(super) commit: Histogram,
    pub(super) committed: Counter,
    refused: Family<CodeLabel, Counter>,
    pub(super) waiting: Gauge64,
    pub(super) waiting_bytes: Gauge64,
    pub(super) check: Histogram,
    proofs: Counter,
    requests: Family<MethodLabel, Counter>,
    pub(super) connections: Gauge64,
    pub(super) connections_refused: Counter,
    settled: Counter,
    convicted: Counter,
    pub(super) ready: Gauge64,
}

impl Metrics {
    pub(super) fn new(chain_id: u32) -> Self {
        let mut registry = Registry::with_prefix("assay");
        let metrics = Self {
            height: Gauge64::default(),
            time: Gauge64::default(),
            commit: Histogram::new(COMMIT_SECONDS),
            committed: Counter::default(),
            refused: Family::default(),
            waiting: Gauge64::default(),
            waiting_bytes: Gauge64::default(),
            check: Histogram::new(CHECK_SECONDS),
            proofs: Counter::default(),
            requests: Family::default(),
            connections: Gauge64::default(),
            connections_refused: Counter::default(),
            settled: Counter::default(),
            convicted: Counter::default(),
            ready: Gauge64::default(),
            registry: Registry::default(),
        };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("chain", chain_id.to_string())]);
        registry.register("build", "The running release, and the chain it runs", build);
        registry.register("block_height", "Height of the last block", metrics.height.clone());
        registry.register_with_unit(
            "block_timestamp",
            "Time of the last block made here, since the epoch",
            Unit::Seconds,
            metrics.time.clone(),
        );
        registry.register_with_unit(
            "block_commit",
            "Time to make a block: propose, verify, sign, commit",
            Unit::Seconds,
            metrics.commit.clone(),
        );
        registry.register("transactions_committed", "Transactions in blocks", metrics.committed.clone());
        registry.register(
            "transactions_refused",
            "Transactions refused when handed in or dropped later, by stable code",
            metrics.refused.clone(),
        );
        registry.register("mempool_transactions", "Transactions that wait for a block", metrics.waiting.clone());
        registry.register_with_unit(
            "mempool",
            "Size of the transactions that wait for a block",
            Unit::Bytes,
            metrics.waiting_bytes.clone(),
        );
        registry.register_with_unit(
            "transaction_check",
            "Time to judge a transaction before it waits, its proofs included",
            Unit::Seconds,
            metrics.check.clone(),
        );
        registry.register(
            "proof_verifications",
            "Proofs that were verified, right or wrong; those remembered are not verified again",
            metrics.proofs.clone(),
        );
        registry.register("rpc_requests", "Calls of the interface, by method", metrics.requests.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register(
            "connections_refused",
            "Connections closed because too many were open",
            metrics.connections_refused.clone(),
        );
        registry.register("results_settled", "Results that were paid and minted for", metrics.settled.clone());
        registry.register("convictions", "Results that were found wrong", metrics.convicted.clone());
        registry.register("ready", "1 while blocks are made when they are due, otherwise 0", metrics.ready.clone());
        Self { registry, ..metrics }
    }

    /// A call of a known method.
    pub(super) fn called(&self, method: &'static str) {
        self.requests.get_or_create(&MethodLabel { method }).inc();
    }

    /// Proofs verified since the node started.
    pub(super) fn proofs_verified(&self, total: u64) {
        self.proofs.inc_by(total.saturating_sub(self.proofs.get()));
    }

    /// A refusal.
    pub(super) fn refused(&self, code: u16) {
        self.refused.get_or_create(&CodeLabel { code }).inc();
    }

    /// A block.
    pub(super) fn block<'a>(
        &self,
        header: &Header,
        took: Duration,
        transactions: usize,
        events: impl Iterator<Item = &'a Event>,
    ) {
        self.height.set(header.height);
        self.time.set(header.time.checked_div(1_000).unwrap_or(0));
        self.commit.observe(took.as_secs_f64());
        self.committed.inc_by(u64::try_from(transactions).unwrap_or(u64::MAX));
        for event in events {
            match event {
                Event::Settled { .. } => self.settled.inc(),
                Event::Convicted { .. } => self.convicted.inc(),
                _ => 0,
            };
        }
    }

    /// Everything, as text.
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
