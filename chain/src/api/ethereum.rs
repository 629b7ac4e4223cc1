//! The contract interface as Ethereum's tools ask for it: the part of Ethereum's JSON-RPC that reading accounts, calling
//! the contract at 0x0300 and sending transactions to it need.
//!
//! Quantities and byte strings are spelled as the execution APIs of Ethereum spell them. Amounts have 18 decimals.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which block a question is about: a height or a name. Only the newest state is answered for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BlockTag {
    /// A height.
    Height(U64),
    /// `latest`, `pending`, `safe`, `finalized` or `earliest`.
    Name(String),
}

/// A call that is tried and not sent; what a client adds beyond these fields is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRequest {
    /// Who calls.
    pub from: Option<Address>,
    /// Whom.
    pub to: Option<Address>,
    /// Wei.
    pub value: Option<U256>,
    /// Call data, by its newer name.
    pub input: Option<Bytes>,
    /// Call data, by its older name.
    pub data: Option<Bytes>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionReceipt {
    /// The transaction.
    pub transaction_hash: B256,
    /// Position in its block.
    pub transaction_index: U64,
    /// Its block.
    pub block_hash: B256,
    /// Height of the block.
    pub block_number: U64,
    /// Who signed.
    pub from: Address,
    /// Whom it called.
    pub to: Address,
    /// Gas paid in the block up to and with it.
    pub cumulative_gas_used: U64,
    /// Gas paid: its whole limit, as every transaction of this chain pays.
    pub gas_used: U64,
    /// Wei per gas.
    pub effective_gas_price: U256,
    /// None: there are no contracts to create.
    pub contract_address: Option<Address>,
    /// None: what happened is told by `chain_transaction`.
    pub logs: Vec<Value>,
    /// The bloom filter of no logs.
    pub logs_bloom: Bytes,
    /// 1: a transaction that does not succeed is in no block.
    pub status: U64,
    /// 0 or 2.
    #[serde(rename = "type")]
    pub kind: U64,
}

/// A transaction as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentTransaction {
    /// Its hash.
    pub hash: B256,
    /// Position in its block; none while it waits.
    pub transaction_index: Option<U64>,
    /// Its block; none while it waits.
    pub block_hash: Option<B256>,
    /// Height of the block; none while it waits.
    pub block_number: Option<U64>,
    /// Who signed.
    pub from: Address,
    /// Whom it calls.
    pub to: Address,
    /// Transactions of the sender before.
    pub nonce: U64,
    /// Most gas.
    pub gas: U64,
    /// Wei per gas.
    pub gas_price: U256,
    /// Wei.
    pub value: U256,
    /// Call data.
    pub input: Bytes,
    /// Number of the chain.
    pub chain_id: U64,
    /// 0 or 2.
    #[serde(rename = "type")]
    pub kind: U64,
    /// Signature.
    pub v: U64,
    /// Signature.
    pub r: U256,
    /// Signature.
    pub s: U256,
}

/// What an Ethereum tool is told of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockSummary {
    /// Height.
    pub number: U64,
    /// Its hash: this chain's own, not Keccak-256 of an Ethereum header.
    pub hash: B256,
    /// Its parent's.
    pub parent_hash: B256,
    /// Seconds since the epoch.
    pub timestamp: U64,
    /// Root of this chain's state tree.
    pub state_root: B256,
    /// Root over its transactions.
    pub transactions_root: B256,
    /// Most gas of a block.
    pub gas_limit: U64,
    /// Gas its transactions were measured at.
    pub gas_used: U64,
    /// Identifiers of its transactions, those of other schemes too.
    pub transactions: Vec<B256>,
    /// Bytes of its transactions.
    pub size: U64,
    /// Nothing.
    pub extra_data: Bytes,
    /// Nothing.
    pub uncles: Vec<B256>,
}

/// What a node answers Ethereum's tools.
#[rpc(server, client)]
pub trait EthereumApi {
    /// Number of the chain.
    #[method(name = "eth_chainId")]
    async fn chain_id(&self) -> RpcResult<U64>;

    /// Number of the chain, in decimal.
    #[method(name = "net_version")]
    async fn net_version(&self) -> RpcResult<String>;

    /// Release of the node.
    #[method(name = "web3_clientVersion")]
    async fn client_version(&self) -> RpcResult<String>;

    /// Height of the last block.
    #[method(name = "eth_blockNumber")]
    async fn block_number(&self) -> RpcResult<U64>;

    /// Always false: a node of one validator has every block.
    #[method(name = "eth_syncing")]
    async fn syncing(&self) -> RpcResult<bool>;

    /// None: a node holds no keys of accounts.
    #[method(name = "eth_accounts")]
    async fn accounts(&self) -> RpcResult<Vec<Address>>;

    /// Least wei per gas.
    #[method(name = "eth_gasPrice")]
    async fn gas_price(&self) -> RpcResult<U256>;

    /// Zero: what a transaction offers beyond the gas price buys nothing.
    #[method(name = "eth_maxPriorityFeePerGas")]
    async fn priority_fee(&self) -> RpcResult<U256>;

    /// Wei of an account.
    #[method(name = "eth_getBalance")]
    async fn balance(&self, account: Address, block: Option<BlockTag>) -> RpcResult<U256>;

    /// Transactions that an account sent; with `pending`, those that wait too.
    #[method(name = "eth_getTransactionCount")]
    async fn transaction_count(&self, account: Address, block: Option<BlockTag>) -> RpcResult<U64>;

    /// One byte for the contract, so that tools take it for one; nothing for every other account.
    #[method(name = "eth_getCode")]
    async fn code(&self, account: Address, block: Option<BlockTag>) -> RpcResult<Bytes>;

    /// What a call would answer. A refused action gives its refusal.
    #[method(name = "eth_call")]
    async fn call(&self, call: CallRequest, block: Option<BlockTag>) -> RpcResult<Bytes>;

    /// Gas that a transaction takes.
    #[method(name = "eth_estimateGas")]
    async fn estimate_gas(&self, call: CallRequest, block: Option<BlockTag>) -> RpcResult<U64>;

    /// Checks a signed transaction and lets it wait for a block; its hash.
    #[method(name = "eth_sendRawTransaction")]
    async fn send_raw_transaction(&self, transaction: Bytes) -> RpcResult<B256>;

    /// What became of a transaction, or `null` while it is in no block.
    #[method(name = "eth_getTransactionReceipt")]
    async fn transaction_receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>>;

    /// A transaction that an Ethereum account sent, or `null`.
    #[method(name = "eth_getTransactionByHash")]
    async fn transaction_by_hash(&self, hash: B256) -> RpcResult<Option<SentTransaction>>;

    /// A block, with the identifiers of its transactions, or `null`.
    #[method(name = "eth_getBlockByNumber")]
    async fn block_by_number(&self, block: BlockTag, full: Option<bool>) -> RpcResult<Option<BlockSummary>>;
}
