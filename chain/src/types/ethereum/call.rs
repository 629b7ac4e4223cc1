//! The contract interface at 0x0300: which call says which action.
//!
//! ```text
//! plain transfer                        a transfer to an Ethereum account
//! submitWorkProof(proof, attestation)   submit_result; proof = borsh(lease, receipt, input, output, proofs),
//!                                       attestation = borsh(evidence, collateral)
//! claimTeleport(transfer)               release_teleport, of the claim that pendingTeleports lists
//! perform(action)                       every other action, in canonical bytes
//! ```
//! Each action has one call, so that an action's Ethereum transaction can be written anew to check its signature.

use alloy_primitives::{Address as Account, Bytes, U256, address};
use alloy_sol_types::{SolCall, sol};
use attestation::codec;
use attestation::evidence::Evidence;
use attestation::receipt::SignedReceipt;
use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::tensor::Tensor;

use super::{Payload, account, micro, wei};
use crate::types::ids::ObjectRef;
use crate::types::transaction::{Action, ReleaseTeleport, SubmitResult, TRANSACTION_BYTES_MAX, Transfer, encode};

sol! {
    /// What the contract at 0x0300 offers.
    interface Mining {
        /// Spendable tokens of an account, 18 decimals.
        function miningBalance(address account) external view returns (uint256);
        /// Whether an ML-DSA-65 signature (FIPS 204, empty context) is the key's over the message.
        function verifyMLDSA(bytes publicKey, bytes message, bytes signature) external view returns (bool);
        /// Gives the tokens of a recorded transfer to its recipient; named as pendingTeleports does.
        function claimTeleport(bytes32 transfer) external;
        /// Recorded transfers that wait for the account, the first to come first.
        function pendingTeleports(address account) external view returns (bytes32[]);
        /// Hands in a result; what it is paid at once, 18 decimals.
        function submitWorkProof(bytes proof, bytes attestation) external returns (uint256 reward);
        /// Does any action of the chain.
        function perform(bytes action) external;
    }
}

/// Address of the contract.
pub const MINING: Account = address!("0x0000000000000000000000000000000000000300");

/// The first argument of `submitWorkProof`.
#[derive(BorshSerialize, BorshDeserialize)]
struct WorkProof {
    lease: ObjectRef,
    signed: SignedReceipt,
    input: Option<Tensor>,
    output: Tensor,
    proofs: Vec<Vec<u8>>,
}

/// The second.
#[derive(BorshSerialize, BorshDeserialize)]
struct WorkAttestation {
    evidence: Evidence,
    collateral: Vec<u8>,
}

/// Why a call says no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A contract that is not there.
    #[error("to: expected {MINING} or, without data, an account; got {got} with data, and there is no other contract")]
    Contract {
        /// Whom the transaction calls.
        got: Account,
    },
    /// Tokens with a call.
    #[error("value: expected 0 with a call, got {got} wei")]
    Value {
        /// Wei.
        got: U256,
    },
    /// A part of a micro-token.
    #[error("{what}: expected a multiple of 10^12 wei (a micro-token) below 2^128 of them, got {got}")]
    Fraction {
        /// Which amount.
        what: &'static str,
        /// Wei.
        got: U256,
    },
    /// None of the functions.
    #[error("data: expected a call of submitWorkProof, claimTeleport or perform, got selector {got}")]
    Function {
        /// The first four bytes.
        got: Bytes,
    },
    /// Arguments that do not decode.
    #[error("data: expected the ABI encoding of {function}'s arguments ({reason})")]
    Arguments {
        /// The function.
        function: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// The bytes inside are not canonical.
    #[error("data: {function}: {error}")]
    Bytes {
        /// The function.
        function: &'static str,
        /// What does not decode.
        error: codec::DecodeError,
    },
    /// An action that has a call of its own.
    #[error(
        "data: perform: expected an action without a call of its own; use a plain transfer, submitWorkProof or claimTeleport"
    )]
    OwnCall,
}

/// The call that says an action.
#[must_use]
pub fn payload(action: &Action) -> Payload {
    let call = |data: Vec<u8>| Payload { to: MINING, value: U256::ZERO, data: data.into() };
    match action {
        Action::Transfer(Transfer { to, amount }) => match account(to).filter(|to| *to != MINING) {
            Some(to) => Payload { to, value: wei(*amount), data: Bytes::new() },
            None => call(perform(action)),
        },
        Action::ReleaseTeleport(ReleaseTeleport { claim }) => {
            call(Mining::claimTeleportCall { transfer: (*claim).into() }.abi_encode())
        }
        Action::SubmitResult(submit) => {
            let SubmitResult { lease, signed, input, output, evidence, collateral, proofs } = (**submit).clone();
            let proof = encode(&WorkProof { lease, signed, input, output, proofs }).into();
            let attestation = encode(&WorkAttestation { evidence, collateral }).into();
            call(Mining::submitWorkProofCall { proof, attestation }.abi_encode())
        }
        _ => call(perform(action)),
    }
}

fn perform(action: &Action) -> Vec<u8> {
    Mining::performCall { action: encode(action).into() }.abi_encode()
}

/// The action that a call says: the other direction of [`payload`].
///
/// # Errors
/// [`CallError`], naming the field.
pub fn action(payload: &Payload) -> Result<Action, CallError> {
    let Payload { to, value, data } = payload;
    if *to != MINING {
        if !data.is_empty() {
            return Err(CallError::Contract { got: *to });
        }
        let amount = micro(*value).ok_or(CallError::Fraction { what: "value", got: *value })?;
        return Ok(Action::Transfer(Transfer { to: super::address(*to), amount }));
    }
    if !value.is_zero() {
        return Err(CallError::Value { got: *value });
    }
    let selector = data.get(..4).unwrap_or_default();
    if selector == Mining::submitWorkProofCall::SELECTOR {
        let call: Mining::submitWorkProofCall = arguments("submitWorkProof", data)?;
        let WorkProof { lease, signed, input, output, proofs } = inner("submitWorkProof", &call.proof)?;
        let WorkAttestation { evidence, collateral } = inner("submitWorkProof", &call.attestation)?;
        let submit = SubmitResult { lease, signed, input, output, evidence, collateral, proofs };
        return Ok(Action::SubmitResult(Box::new(submit)));
    }
    if selector == Mining::performCall::SELECTOR {
        let call: Mining::performCall = arguments("perform", data)?;
        let action: Action = inner("perform", &call.action)?;
        return if self::payload(&action) == *payload { Ok(action) } else { Err(CallError::OwnCall) };
    }
    if selector == Mining::claimTeleportCall::SELECTOR {
        let call: Mining::claimTeleportCall = arguments("claimTeleport", data)?;
        return Ok(Action::ReleaseTeleport(ReleaseTeleport { claim: call.transfer.0 }));
    }
    Err(CallError::Function { got: Bytes::copy_from_slice(selector) })
}

/// The arguments of a call, in their one spelling.
///
/// # Errors
/// [`CallError::Arguments`].
pub fn arguments<T: SolCall>(function: &'static str, data: &[u8]) -> Result<T, CallError> {
    let wrong = |reason: String| CallError::Arguments { function, reason };
    let call = T::abi_decode_validate(data).map_err(|error| wrong(error.to_string()))?;
    if call.abi_encode() == data { Ok(call) } else { Err(wrong("another spelling of the same arguments".to_owned())) }
}

fn inner<T: BorshDeserialize>(function: &'static str, bytes: &[u8]) -> Result<T, CallError> {
    codec::decode("argument", bytes, TRANSACTION_BYTES_MAX).map_err(|error| CallError::Bytes { function, error })
}
