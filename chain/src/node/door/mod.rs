//! The contract door: a node as Ethereum's tools see it.
//!
//! Wallets sign Ethereum transactions, `raw` reads them as this chain's, and from then on they are judged, wait and
//! run like any other. `call` tries calls of the contract at 0x0300. What acts is tried on the threads that judge
//! transactions, because it costs as much.

mod call;
mod found;
mod raw;

use std::sync::Arc;

use alloy_primitives::{Address as Account, B256, Bytes, U64, U256};
use jsonrpsee::core::{RpcResult, async_trait};
use jsonrpsee::types::error::ErrorCode;
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};

use self::call::Unanswered;
use super::rpc::answer::{fault, invalid, not_submitted, stopping, undone};
use super::rpc::read;
use super::shared::{Published, Shared};
use super::submit;
use crate::api::{
    BlockSummary, BlockTag, CallRequest, EthereumApiServer, Refusal, SentTransaction, TransactionReceipt, refusal,
};
use crate::state::{StateError, StateMachine};
use crate::types::ethereum::call::MINING;
use crate::types::ethereum::{address, wei};

/// The code of the contract: one byte that no virtual machine runs, as for Ethereum's own precompiled contracts.
const CODE: [u8; 1] = [0xfe];

/// The interface for Ethereum's tools.
pub(super) struct Door {
    shared: Arc<Shared>,
}

impl Door {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    fn latest(&self, method: &'static str) -> RpcResult<Arc<Published>> {
        self.shared.metrics.called(method);
        self.shared.latest().ok_or_else(stopping)
    }

    /// Tries something on the threads that judge transactions.
    async fn tried<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Published) -> Result<Result<T, Unanswered>, StateError> + Send + 'static,
    ) -> RpcResult<T> {
        let published = self.shared.latest().ok_or_else(stopping)?;
        let tried = self.shared.submits.run(move || work(&published)).await.map_err(undone)?;
        tried.map_err(|error| fault(&error))?.map_err(unanswered)
    }
}

fn unanswered(error: Unanswered) -> ErrorObjectOwned {
    match error {
        Unanswered::Call(error) => invalid(error.to_string()),
        Unanswered::Refused(reject) => refusal(&Refusal::from(&*reject)),
    }
}

/// Whether the newest state is asked for; older ones are not kept for this interface.
fn check_block(block: Option<&BlockTag>, height: u64) -> RpcResult<()> {
    match block {
        None => Ok(()),
        Some(BlockTag::Name(name)) if matches!(name.as_str(), "latest" | "pending" | "safe" | "finalized") => Ok(()),
        Some(BlockTag::Height(asked)) if asked.to::<u64>() == height => Ok(()),
        Some(_) => {
            Err(invalid(format!("block: expected latest, or the height {height} of the last block, got another")))
        }
    }
}

#[async_trait]
impl EthereumApiServer for Door {
    async fn chain_id(&self) -> RpcResult<U64> {
        Ok(U64::from(self.latest("eth_chainId")?.snapshot.genesis().chain_id()))
    }

    async fn net_version(&self) -> RpcResult<String> {
        Ok(self.latest("net_version")?.snapshot.genesis().chain_id().to_string())
    }

    async fn client_version(&self) -> RpcResult<String> {
        self.shared.metrics.called("web3_clientVersion");
        Ok(concat!("assay/", env!("CARGO_PKG_VERSION")).to_owned())
    }

    async fn block_number(&self) -> RpcResult<U64> {
        Ok(U64::from(self.latest("eth_blockNumber")?.snapshot.height()))
    }

    async fn syncing(&self) -> RpcResult<bool> {
        self.latest("eth_syncing").map(|_| false)
    }

    async fn accounts(&self) -> RpcResult<Vec<Account>> {
        self.latest("eth_accounts").map(|_| Vec::new())
    }

    async fn gas_price(&self) -> RpcResult<U256> {
        self.shared.metrics.called("eth_gasPrice");
        read(&self.shared, |published| Ok(wei(published.snapshot.params()?.fee.gas_price_min))).await
    }

    async fn priority_fee(&self) -> RpcResult<U256> {
        self.latest("eth_maxPriorityFeePerGas").map(|_| U256::ZERO)
    }

    async fn balance(&self, account: Account, block: Option<BlockTag>) -> RpcResult<U256> {
        check_block(block.as_ref(), self.latest("eth_getBalance")?.snapshot.height())?;
        read(&self.shared, move |published| Ok(wei(published.snapshot.account(&address(account))?.balance))).await
    }

    async fn transaction_count(&self, account: Account, block: Option<BlockTag>) -> RpcResult<U64> {
        check_block(block.as_ref(), self.latest("eth_getTransactionCount")?.snapshot.height())?;
        let address = address(account);
        let nonce = read(&self.shared, move |published| Ok(published.snapshot.account(&address)?.nonce)).await?;
        let pending = matches!(&block, Some(BlockTag::Name(name)) if name == "pending");
        let waiting = pending.then(|| self.shared.mempool().next_nonce(&address)).flatten();
        Ok(U64::from(waiting.map_or(nonce, |waiting| waiting.max(nonce))))
    }

    async fn code(&self, account: Account, block: Option<BlockTag>) -> RpcResult<Bytes> {
        check_block(block.as_ref(), self.latest("eth_getCode")?.snapshot.height())?;
        Ok(if account == MINING { Bytes::from_static(&CODE) } else { Bytes::new() })
    }

    async fn call(&self, call: CallRequest, block: Option<BlockTag>) -> RpcResult<Bytes> {
        check_block(block.as_ref(), self.latest("eth_call")?.snapshot.height())?;
        self.tried(move |published| call::answer(published, &call)).await
    }

    async fn estimate_gas(&self, call: CallRequest, block: Option<BlockTag>) -> RpcResult<U64> {
        check_block(block.as_ref(), self.latest("eth_estimateGas")?.snapshot.height())?;
        self.tried(move |published| call::gas_of(published, &call)).await.map(U64::from)
    }

    async fn send_raw_transaction(&self, transaction: Bytes) -> RpcResult<B256> {
        let genesis = *self.latest("eth_sendRawTransaction")?.snapshot.genesis_hash();
        let signed = raw::read(&transaction, genesis).map_err(|error| match error {
            raw::RawError::Call(error) => unanswered(Unanswered::Call(error)),
            other => ErrorObject::owned(ErrorCode::InvalidParams.code(), other.to_string(), None::<()>),
        })?;
        let submitted = submit::submit(&self.shared, signed.to_bytes()).await;
        submitted.map(B256::from).map_err(|error| not_submitted(&error))
    }

    async fn transaction_receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>> {
        self.shared.metrics.called("eth_getTransactionReceipt");
        read(&self.shared, move |published| found::receipt(published, &hash.0)).await
    }

    async fn transaction_by_hash(&self, hash: B256) -> RpcResult<Option<SentTransaction>> {
        self.shared.metrics.called("eth_getTransactionByHash");
        let waiting = self.shared.mempool().get(&hash.0);
        if let Some(waiting) = waiting {
            return Ok(found::sent(&waiting, None));
        }
        read(&self.shared, move |published| found::transaction(published, &hash.0)).await
    }

    async fn block_by_number(&self, block: BlockTag, full: Option<bool>) -> RpcResult<Option<BlockSummary>> {
        let head = self.latest("eth_getBlockByNumber")?.snapshot.height();
        if full == Some(true) {
            return Err(invalid("full: expected false; ask for each transaction by its hash".to_owned()));
        }
        let height = match &block {
            BlockTag::Height(height) => height.to::<u64>(),
            BlockTag::Name(name) if name == "earliest" => 0,
            tag => {
                check_block(Some(tag), head)?;
                head
            }
        };
        read(&self.shared, move |published| found::block(published, height)).await
    }
}
