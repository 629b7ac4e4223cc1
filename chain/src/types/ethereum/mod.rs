//! Transactions that an Ethereum wallet signed.
//!
//! *One body.* A wallet signs an Ethereum transaction; what a block holds is a [`Transaction`] like any other, with the
//! [`Signature`] of that Ethereum transaction as its authorisation. The Ethereum transaction is a function of the body
//! ([`payload`]), so nothing in a block is parsed as one: it is written anew, hashed (Keccak-256), and the sender is whoever's key
//! gives the signature (SEC 1, section 4.1.6).
//!
//! ```text
//! legacy      rlp([nonce, gas price, gas limit, to, value, data, chain id, 0, 0])           EIP-155
//! fee market  02 || rlp([chain id, nonce, priority fee, max fee, gas limit, to, value, data, []])  EIP-1559
//! ```
//! Prices and values are in wei, 10^12 to a micro-token; an Ethereum transaction that holds a part of a micro-token, an
//! access list or another spelling of its call is none of these and is not taken.
//!
//! *Identifier.* That of Ethereum: Keccak-256 of the signed transaction, so that a wallet finds what it sent. It holds the
//! signature, of which nobody but the signer can make a second one: `s` is at most half the order (EIP-2), and a nonce is good
//! for one transaction.
//!
//! *Replay.* What is signed holds the chain's number and not its genesis: two chains of one number share Ethereum
//! transactions, so a number is used once.

pub mod call;

use alloy_primitives::{Address as Account, B256, Bytes, U256, keccak256};
use alloy_rlp::{Encodable, Header};
use borsh::{BorshDeserialize, BorshSerialize};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};
use super::transaction::Transaction;

/// Wei of one micro-token: 18 decimals there, 6 here.
pub const WEI_PER_MICRO: u64 = 1_000_000_000_000;

const FEE_MARKET: u8 = 2;

/// Which Ethereum transaction was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Form {
    /// EIP-155.
    Legacy,
    /// EIP-1559; the body's gas price is the highest fee, and all of it is paid.
    FeeMarket {
        /// Wei per gas for the proposer, who gets none of it here; signed, so it is kept.
        #[serde(with = "crate::types::twin::micro")]
        priority_wei: u128,
    },
}

/// A recoverable secp256k1 signature over the Ethereum form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What was signed.
    pub form: Form,
    /// Whether the y coordinate of the signature's point is odd.
    pub odd: bool,
    /// Big-endian.
    #[serde(with = "attestation::hex")]
    pub r: Hash,
    /// Big-endian, at most half the group's order.
    #[serde(with = "attestation::hex")]
    pub s: Hash,
}

/// Why a signature names no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `s` above half the order: the other spelling of a signature, which anybody can make.
    #[error("secp256k1 signature: expected s at most half the group's order (EIP-2), got its larger twin")]
    High,
    /// No key gives this signature.
    #[error("secp256k1 signature: expected one that some key made over this transaction, got none")]
    NoKey,
}

/// What an Ethereum transaction calls, sends and pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Whom.
    pub to: Account,
    /// Wei.
    pub value: U256,
    /// Call data.
    pub data: Bytes,
}

/// Wei of micro-tokens.
#[must_use]
pub fn wei(micro: u128) -> U256 {
    // 2^128 * 10^12 is below 2^256.
    U256::from(micro).saturating_mul(U256::from(WEI_PER_MICRO))
}

/// Micro-tokens of wei; none for a part of one.
#[must_use]
pub fn micro(wei: U256) -> Option<u128> {
    let (whole, part) = wei.div_rem(U256::from(WEI_PER_MICRO));
    u128::try_from(whole).ok().filter(|_| part.is_zero())
}

/// The account as this chain names it: 12 zero bytes and the 20 of Ethereum.
#[must_use]
pub fn address(account: Account) -> Address {
    Address::from_ethereum(account.into_array())
}

/// The account as Ethereum names it; none for an account of another scheme.
#[must_use]
pub fn account(address: &Address) -> Option<Account> {
    let (zeros, account) = address.as_bytes().split_at_checked(12)?;
    zeros.iter().all(|byte| *byte == 0).then(|| Account::from_slice(account))
}

impl Signature {
    // spec: chain#ethereum-transaction
    /// The account that signed `transaction`.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn sender(&self, transaction: &Transaction) -> Result<Address, SignatureError> {
        let signature = Ecdsa::from_scalars(self.r, self.s).map_err(|_| SignatureError::NoKey)?;
        if signature.normalize_s() != signature {
            return Err(SignatureError::High);
        }
        let hash = self.form.signing_hash(transaction);
        let recovery = RecoveryId::new(self.odd, false);
        let key = VerifyingKey::recover_from_prehash(hash.as_slice(), &signature, recovery);
        let point = key.map_err(|_| SignatureError::NoKey)?.to_sec1_point(false);
        let coordinates = point.as_bytes().get(1..).ok_or(SignatureError::NoKey)?;
        let account = keccak256(coordinates);
        Ok(address(Account::from_slice(account.as_slice().get(12..).ok_or(SignatureError::NoKey)?)))
    }

    /// The signed Ethereum transaction, as a wallet sends it.
    #[must_use]
    pub fn raw(&self, transaction: &Transaction) -> Vec<u8> {
        let (r, s) = (U256::from_be_bytes(self.r), U256::from_be_bytes(self.s));
        let recovery = self.form.recovery(transaction.chain_id, self.odd);
        self.form.encode(transaction, &[&recovery, &r, &s])
    }

    /// Keccak-256 of [`Self::raw`].
    #[must_use]
    pub fn id(&self, transaction: &Transaction) -> Hash {
        keccak256(self.raw(transaction)).0
    }
}

impl Form {
    /// What a wallet signs for `transaction`.
    #[must_use]
    pub fn signing_hash(self, transaction: &Transaction) -> B256 {
        match self {
            Self::Legacy => keccak256(self.encode(transaction, &[&transaction.chain_id, &0u8, &0u8])),
            Self::FeeMarket { .. } => keccak256(self.encode(transaction, &[])),
        }
    }

    /// The number that Ethereum calls `v`.
    #[must_use]
    pub fn recovery(self, chain_id: u32, odd: bool) -> u64 {
        match self {
            Self::Legacy => u64::from(chain_id).saturating_mul(2).saturating_add(35).saturating_add(odd.into()),
            Self::FeeMarket { .. } => u64::from(odd),
        }
    }

    fn encode(self, transaction: &Transaction, end: &[&dyn Encodable]) -> Vec<u8> {
        let Transaction { chain_id, nonce, gas_limit, gas_price, action, .. } = transaction;
        let Payload { to, value, data } = call::payload(action);
        let price = wei(*gas_price);
        match self {
            Self::Legacy => list(&[], &[nonce, &price, gas_limit, &to, &value, &data], end),
            Self::FeeMarket { priority_wei } => {
                let access: Vec<u64> = Vec::new();
                let fields: [&dyn Encodable; 9] =
                    [chain_id, nonce, &priority_wei, &price, gas_limit, &to, &value, &data, &access];
                list(&[FEE_MARKET], &fields, end)
            }
        }
    }
}

/// An RLP list (Ethereum yellow paper, appendix B) after a type byte.
fn list(kind: &[u8], fields: &[&dyn Encodable], end: &[&dyn Encodable]) -> Vec<u8> {
    let mut payload = Vec::new();
    fields.iter().chain(end).for_each(|field| field.encode(&mut payload));
    let mut bytes = kind.to_vec();
    Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
pub(crate) mod tests;
