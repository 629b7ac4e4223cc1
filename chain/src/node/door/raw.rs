//! Reading the Ethereum transaction that a wallet sends, as the transaction of this chain that says the same.

use alloy_primitives::{Address as Account, Bytes, U256};
use alloy_rlp::{Decodable, Error as RlpError, Header};

use crate::types::ethereum::call::{CallError, action};
use crate::types::ethereum::{Form, Payload, Signature, micro};
use crate::types::ids::Hash;
use crate::types::transaction::{Authorisation, SignedTransaction, TRANSACTION_BYTES_MAX, Transaction};

/// Why bytes are no transaction of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RawError {
    #[error("raw transaction: expected at most {TRANSACTION_BYTES_MAX} bytes, got {got}")]
    TooLong { got: usize },
    #[error(
        "raw transaction: expected a legacy (EIP-155) or fee market (EIP-1559, type 2) transaction, got type {got}"
    )]
    Type { got: u8 },
    #[error("raw transaction: not the RLP of an Ethereum transaction ({0})")]
    Rlp(RlpError),
    #[error(
        "raw transaction chain id: expected one signed for a chain (EIP-155), got none; replays are not protected against"
    )]
    NoChain,
    #[error("raw transaction chain id: expected at most 2^32 - 1, got {got}")]
    Chain { got: u64 },
    #[error("raw transaction to: expected an account, got none; no contract can be created here")]
    Creation,
    #[error(
        "raw transaction gas price: expected a multiple of 10^12 wei (a micro-token), got {got}; ask eth_gasPrice and send that or a multiple"
    )]
    Price { got: U256 },
    #[error("raw transaction: {0}")]
    Call(#[from] CallError),
    #[error(
        "raw transaction: expected the one spelling of what it says (no access list, canonical numbers), got another"
    )]
    Spelling,
}

impl From<RlpError> for RawError {
    fn from(error: RlpError) -> Self {
        Self::Rlp(error)
    }
}

/// What both forms have.
struct Fields {
    chain_id: u64,
    nonce: u64,
    price: U256,
    gas_limit: u64,
    payload: Payload,
    form: Form,
    odd: bool,
    r: U256,
    s: U256,
}

/// Reads a signed Ethereum transaction for the chain of `genesis`. Its signature is judged with the transaction.
pub(super) fn read(bytes: &[u8], genesis: Hash) -> Result<SignedTransaction, RawError> {
    if bytes.len() > TRANSACTION_BYTES_MAX {
        return Err(RawError::TooLong { got: bytes.len() });
    }
    let fields = match bytes.split_first() {
        Some((2, rest)) => fee_market(rest)?,
        Some((first, _)) if *first >= 0xc0 => legacy(bytes)?,
        Some((first, _)) => return Err(RawError::Type { got: *first }),
        None => return Err(RawError::Rlp(RlpError::InputTooShort)),
    };
    let Fields { chain_id, nonce, price, gas_limit, payload, form, odd, r, s } = fields;
    let transaction = Transaction {
        chain_id: u32::try_from(chain_id).map_err(|_| RawError::Chain { got: chain_id })?,
        genesis,
        nonce,
        gas_limit,
        gas_price: micro(price).ok_or(RawError::Price { got: price })?,
        action: action(&payload)?,
    };
    let signature = Signature { form, odd, r: r.to_be_bytes(), s: s.to_be_bytes() };
    // What is judged and kept is written from the body: it must be what was sent.
    if signature.raw(&transaction) != bytes {
        return Err(RawError::Spelling);
    }
    Ok(SignedTransaction { transaction, authorisation: Authorisation::Secp256k1(signature) })
}

fn list<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], RawError> {
    let list = Header::decode_bytes(bytes, true)?;
    if bytes.is_empty() { Ok(list) } else { Err(RawError::Rlp(RlpError::UnexpectedLength)) }
}

fn payload(fields: &mut &[u8]) -> Result<Payload, RawError> {
    let to = Bytes::decode(fields)?;
    if to.is_empty() {
        return Err(RawError::Creation);
    }
    let to = Account::try_from(to.as_ref()).map_err(|_| RawError::Rlp(RlpError::UnexpectedLength))?;
    Ok(Payload { to, value: U256::decode(fields)?, data: Bytes::decode(fields)? })
}

fn legacy(mut bytes: &[u8]) -> Result<Fields, RawError> {
    let mut fields = list(&mut bytes)?;
    let fields = &mut fields;
    let (nonce, price, gas_limit) = (u64::decode(fields)?, U256::decode(fields)?, u64::decode(fields)?);
    let payload = payload(fields)?;
    let recovery = u64::decode(fields)?;
    let (r, s) = (U256::decode(fields)?, U256::decode(fields)?);
    let chain = recovery.checked_sub(35).ok_or(RawError::NoChain)?;
    Ok(Fields { chain_id: chain >> 1, nonce, price, gas_limit, payload, form: Form::Legacy, odd: chain & 1 == 1, r, s })
}

fn fee_market(mut bytes: &[u8]) -> Result<Fields, RawError> {
    let mut fields = list(&mut bytes)?;
    let fields = &mut fields;
    let (chain_id, nonce) = (u64::decode(fields)?, u64::decode(fields)?);
    let priority_wei = u128::decode(fields)?;
    let (price, gas_limit) = (U256::decode(fields)?, u64::decode(fields)?);
    let payload = payload(fields)?;
    // Which accesses are listed does not matter: none may be.
    Header::decode_bytes(fields, true)?;
    let odd = bool::decode(fields)?;
    let (r, s) = (U256::decode(fields)?, U256::decode(fields)?);
    let form = Form::FeeMarket { priority_wei };
    Ok(Fields { chain_id, nonce, price, gas_limit, payload, form, odd, r, s })
}
