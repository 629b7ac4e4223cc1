//! The interface of a node: JSON-RPC 2.0 over HTTP and WebSocket, namespace `chain`.
//!
//! One trait is the contract: the node implements what the macro makes of it, the client calls it, and neither can drift.
//! Everything is read through it in JSON twins that read back to canonical bytes, so that whoever asks for a proof can
//! check what came. Events are read by height, so a reader that was away, or whose node was, misses nothing.

mod error;
#[cfg(feature = "node")]
mod ethereum;
mod wire;

pub use error::{Code, Refusal, refusal};
#[cfg(feature = "node")]
pub use ethereum::{
    BlockSummary, BlockTag, CallRequest, EthereumApiClient, EthereumApiServer, SentTransaction, TransactionReceipt,
};
#[cfg(feature = "node")]
pub(crate) use wire::padded;
pub use wire::{
    BlockEvents, Bytes, EventPage, FinalHeader, HashText, ListEntry, ObjectAnswer, ObjectKind, ObjectProof, OpenJob,
    Status, TransactionState, batch_id, numbered, payout_id,
};

#[cfg(feature = "node")]
use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::proc_macros::rpc;

use crate::state::{CommittedBlock, Explanation};

/// Most entries of one answer.
pub const PAGE_MAX: u32 = 100;
/// Longest wait of one call, milliseconds.
pub const WAIT_MS_MAX: u64 = 30_000;

/// What a node answers.
#[cfg_attr(feature = "node", rpc(server, client, namespace = "chain"))]
#[cfg_attr(not(feature = "node"), rpc(client, namespace = "chain"))]
pub trait ChainApi {
    /// Where the chain stands, and what that does not show.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<Status>;

    /// Canonical bytes of the genesis.
    #[method(name = "genesis")]
    async fn genesis(&self) -> RpcResult<Bytes>;

    /// Checks a signed transaction (canonical bytes) and lets it wait for a block; answers with its identifier. The same
    /// bytes again, waiting or committed, give the same answer.
    #[method(name = "submit")]
    async fn submit(&self, transaction: Bytes) -> RpcResult<HashText>;

    /// What became of a transaction; waits up to `wait_ms` while it waits for a block.
    #[method(name = "transaction")]
    async fn transaction(&self, id: HashText, wait_ms: Option<u64>) -> RpcResult<TransactionState>;

    /// The object of a kind with an identifier (absent for kinds of which there is one), with a proof if asked.
    #[method(name = "object")]
    async fn object(&self, kind: ObjectKind, id: Option<HashText>, prove: Option<bool>) -> RpcResult<ObjectAnswer>;

    /// Objects of a kind, ascending by identifier, after `after`, at most `limit`.
    #[method(name = "list")]
    async fn list(&self, kind: ObjectKind, after: Option<HashText>, limit: Option<u32>) -> RpcResult<Vec<ListEntry>>;

    /// Jobs that can be leased, ascending by identifier.
    #[method(name = "openJobs")]
    async fn open_jobs(&self, after: Option<HashText>, limit: Option<u32>) -> RpcResult<Vec<OpenJob>>;

    /// Why a job, a lease or a result was paid, waits for its pay, or was not paid, and what keeps a worker from pay; `null` for
    /// an identifier of none.
    #[method(name = "explain")]
    async fn explain(&self, id: HashText) -> RpcResult<Option<Explanation>>;

    /// A committed block, or `null`.
    #[method(name = "block")]
    async fn block(&self, height: u64) -> RpcResult<Option<CommittedBlock>>;

    /// The header of a committed block and what finalised it, or `null`.
    #[method(name = "header")]
    async fn header(&self, height: u64) -> RpcResult<Option<FinalHeader>>;

    /// What happened from height `from` on, at most `limit` blocks; waits up to `wait_ms` if nothing did yet.
    #[method(name = "events")]
    async fn events(&self, from: u64, limit: Option<u32>, wait_ms: Option<u64>) -> RpcResult<EventPage>;

    /// What happens from height `from` on, block by block, over WebSocket.
    #[subscription(name = "subscribeEvents" => "event", unsubscribe = "unsubscribeEvents", item = BlockEvents)]
    async fn subscribe_events(&self, from: Option<u64>) -> SubscriptionResult;

    /// The headers from height `from` on with what finalised them, over WebSocket: what a light client follows.
    #[subscription(name = "subscribeHeaders" => "header_event", unsubscribe = "unsubscribeHeaders", item = FinalHeader)]
    async fn subscribe_headers(&self, from: Option<u64>) -> SubscriptionResult;
}
