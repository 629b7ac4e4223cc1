//! Blocks and transactions, as Ethereum's tools expect them.

use alloy_primitives::{B256, Bytes, U64, U256};

use crate::api::{BlockSummary, SentTransaction, TransactionReceipt};
use crate::node::shared::Published;
use crate::state::{CommittedBlock, StateError, StateMachine, StoreError};
use crate::types::ethereum::{Form, Payload, Signature, account, call, wei};
use crate::types::ids::Hash;
use crate::types::transaction::{Authorisation, CheckedTransaction};

/// Bytes of an Ethereum bloom filter.
const BLOOM: [u8; 256] = [0; 256];

/// Where a transaction is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    block: Hash,
    height: u64,
    position: u32,
}

/// A transaction of a block, read back, with the block.
fn committed(
    published: &Published,
    id: &Hash,
) -> Result<Option<(CheckedTransaction, Place, CommittedBlock)>, StateError> {
    let machine = &published.snapshot;
    let Some((height, position)) = machine.store().transaction(id)? else { return Ok(None) };
    if height > machine.height() {
        return Ok(None);
    }
    let damaged = || StoreError::Corrupt { what: "a transaction of a block" };
    let committed = machine.block(height)?.ok_or_else(damaged)?;
    let index = usize::try_from(position).map_err(|_| damaged())?;
    let bytes = committed.block.transactions.get(index).ok_or_else(damaged)?;
    let transaction = CheckedTransaction::parse(bytes).map_err(|_| damaged())?;
    let place = Place { block: committed.block.hash(), height, position };
    Ok(Some((transaction, place, committed)))
}

/// The receipt of a transaction that an Ethereum account sent.
pub(super) fn receipt(published: &Published, id: &Hash) -> Result<Option<TransactionReceipt>, StateError> {
    let Some((transaction, place, committed)) = committed(published, id)? else { return Ok(None) };
    let Authorisation::Secp256k1(signature) = transaction.authorisation() else { return Ok(None) };
    let Some(from) = account(transaction.sender()) else { return Ok(None) };
    let body = transaction.transaction();
    let earlier = committed.block.transactions.iter().take(usize::try_from(place.position).unwrap_or(usize::MAX));
    // What is paid for is the limit; it is in the transactions and not in their outcomes.
    let before = earlier.filter_map(|bytes| CheckedTransaction::parse(bytes).ok());
    let before = before.fold(0u64, |sum, earlier| sum.saturating_add(earlier.transaction().gas_limit));
    Ok(Some(TransactionReceipt {
        transaction_hash: B256::from(*id),
        transaction_index: U64::from(place.position),
        block_hash: B256::from(place.block),
        block_number: U64::from(place.height),
        from,
        to: call::payload(&body.action).to,
        cumulative_gas_used: U64::from(before.saturating_add(body.gas_limit)),
        gas_used: U64::from(body.gas_limit),
        effective_gas_price: wei(body.gas_price),
        contract_address: None,
        logs: Vec::new(),
        logs_bloom: Bytes::from_static(&BLOOM),
        status: U64::from(1),
        kind: kind(signature.form),
    }))
}

/// A committed transaction that an Ethereum account sent.
pub(super) fn transaction(published: &Published, id: &Hash) -> Result<Option<SentTransaction>, StateError> {
    let found = committed(published, id)?;
    Ok(found.and_then(|(transaction, place, _)| sent(&transaction, Some(place))))
}

/// A transaction as it was signed; none of another scheme.
pub(super) fn sent(transaction: &CheckedTransaction, place: Option<Place>) -> Option<SentTransaction> {
    let Authorisation::Secp256k1(signature) = transaction.authorisation() else { return None };
    let Signature { form, odd, r, s } = *signature;
    let body = transaction.transaction();
    let Payload { to, value, data } = call::payload(&body.action);
    Some(SentTransaction {
        hash: B256::from(*transaction.id()),
        transaction_index: place.map(|place| U64::from(place.position)),
        block_hash: place.map(|place| B256::from(place.block)),
        block_number: place.map(|place| U64::from(place.height)),
        from: account(transaction.sender())?,
        to,
        nonce: U64::from(body.nonce),
        gas: U64::from(body.gas_limit),
        gas_price: wei(body.gas_price),
        value,
        input: data,
        chain_id: U64::from(body.chain_id),
        kind: kind(form),
        v: U64::from(form.recovery(body.chain_id, odd)),
        r: U256::from_be_bytes(r),
        s: U256::from_be_bytes(s),
    })
}

fn kind(form: Form) -> U64 {
    match form {
        Form::Legacy => U64::ZERO,
        Form::FeeMarket { .. } => U64::from(2),
    }
}

/// A block; genesis, which is no block here, as an empty one.
pub(super) fn block(published: &Published, height: u64) -> Result<Option<BlockSummary>, StateError> {
    let machine = &published.snapshot;
    let gas_limit = U64::from(machine.params()?.block.gas_max);
    if height == 0 {
        let genesis = machine.genesis();
        return Ok(Some(BlockSummary {
            number: U64::ZERO,
            hash: B256::from(*machine.genesis_hash()),
            parent_hash: B256::ZERO,
            timestamp: seconds(genesis.time()),
            state_root: B256::ZERO,
            transactions_root: B256::ZERO,
            gas_limit,
            gas_used: U64::ZERO,
            transactions: Vec::new(),
            size: U64::ZERO,
            extra_data: Bytes::new(),
            uncles: Vec::new(),
        }));
    }
    let found = if height <= machine.height() { machine.block(height)? } else { None };
    Ok(found.map(|committed| {
        let header = &committed.block.header;
        let gas = committed.outcomes.iter().fold(0u64, |sum, outcome| sum.saturating_add(outcome.gas_used));
        let bytes = committed.block.transactions.iter().fold(0usize, |sum, bytes| sum.saturating_add(bytes.len()));
        BlockSummary {
            number: U64::from(header.height),
            hash: B256::from(header.hash()),
            parent_hash: B256::from(header.parent),
            timestamp: seconds(header.time),
            state_root: B256::from(header.state_root),
            transactions_root: B256::from(header.transaction_root),
            gas_limit,
            gas_used: U64::from(gas),
            transactions: committed.outcomes.iter().map(|outcome| B256::from(outcome.transaction)).collect(),
            size: U64::from(u64::try_from(bytes).unwrap_or(u64::MAX)),
            extra_data: Bytes::new(),
            uncles: Vec::new(),
        }
    }))
}

fn seconds(time_ms: u64) -> U64 {
    U64::from(time_ms.checked_div(1_000).unwrap_or(0))
}
