//! Calls that are tried: what the functions of the contract answer.

use alloy_primitives::{Address as Account, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};
use attestation::identity::ml_dsa;

use crate::api::CallRequest;
use crate::economics::gas;
use crate::node::shared::Published;
use crate::rules::Reject;
use crate::state::{Key, StateError};
use crate::types::ethereum::call::{CallError, MINING, Mining, action, arguments};
use crate::types::ethereum::{Form, Payload, Signature, address, wei};
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::teleport::{TeleportRecord, WaitingTeleports};
use crate::types::transaction::{Authorisation, SignedTransaction, Transaction};

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It says nothing that this chain does.
    Call(CallError),
    /// A rule refuses what it asks for.
    Refused(Box<Reject>),
}

impl From<CallError> for Unanswered {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// What a call asks for.
pub(super) fn asked(call: &CallRequest) -> Payload {
    Payload {
        to: call.to.unwrap_or_default(),
        value: call.value.unwrap_or_default(),
        data: call.input.clone().or_else(|| call.data.clone()).unwrap_or_default(),
    }
}

/// The answer to a call, on the newest state.
pub(super) fn answer(published: &Published, call: &CallRequest) -> Result<Result<Bytes, Unanswered>, StateError> {
    let payload = asked(call);
    if payload.to != MINING {
        // There is no code at other addresses, so a call of one answers nothing.
        return Ok(if payload.data.is_empty() {
            Ok(Bytes::new())
        } else {
            action(&payload).map(|_| Bytes::new()).map_err(Into::into)
        });
    }
    match read_only(published, &payload)? {
        Some(read) => Ok(read.map_err(Into::into)),
        None => acted(published, call.from.unwrap_or_default(), &payload),
    }
}

/// The answer of a function that changes nothing; none for the others.
fn read_only(published: &Published, payload: &Payload) -> Result<Option<Result<Bytes, CallError>>, StateError> {
    let data = &payload.data;
    let selector = data.get(..4).unwrap_or_default();
    if selector == Mining::miningBalanceCall::SELECTOR {
        return match arguments::<Mining::miningBalanceCall>("miningBalance", data) {
            Ok(call) => {
                let balance = published.snapshot.account(&address(call.account))?.balance;
                Ok(Some(Ok(wei(balance).abi_encode().into())))
            }
            Err(error) => Ok(Some(Err(error))),
        };
    }
    if selector == Mining::verifyMLDSACall::SELECTOR {
        let call = arguments::<Mining::verifyMLDSACall>("verifyMLDSA", data);
        return Ok(Some(call.map(|call| verifies(&call).abi_encode().into())));
    }
    if selector == Mining::pendingTeleportsCall::SELECTOR {
        return match arguments::<Mining::pendingTeleportsCall>("pendingTeleports", data) {
            Ok(call) => {
                let claims: Vec<B256> =
                    pending(published, &address(call.account))?.into_iter().map(B256::from).collect();
                Ok(Some(Ok(claims.abi_encode().into())))
            }
            Err(error) => Ok(Some(Err(error))),
        };
    }
    Ok(None)
}

/// What waits for an account and can still be claimed in the next block.
fn pending(published: &Published, account: &Address) -> Result<Vec<Hash>, StateError> {
    let machine = &published.snapshot;
    let waiting: Option<WaitingTeleports> = machine.get(&Key::WaitingTeleports(*account))?;
    let mut pending = Vec::new();
    for claim in waiting.unwrap_or_default().claims {
        let record: Option<TeleportRecord> = machine.get(&Key::TeleportRecord(claim))?;
        if record.is_some_and(|record| record.teleport.expires > machine.head().time) {
            pending.push(claim);
        }
    }
    Ok(pending)
}

/// Whether the signature is the key's; bytes that are no key or no signature verify nothing.
fn verifies(call: &Mining::verifyMLDSACall) -> bool {
    let key = ml_dsa::PublicKey::from_bytes(&call.publicKey);
    let signature = ml_dsa::Signature::from_bytes(&call.signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify("", &call.message, &signature).is_ok())
}

/// What an action would answer if its sender did it now.
fn acted(published: &Published, from: Account, payload: &Payload) -> Result<Result<Bytes, Unanswered>, StateError> {
    let action = match action(payload) {
        Ok(action) => action,
        Err(error) => return Ok(Err(error.into())),
    };
    let tried = published.snapshot.simulate(&address(from), &action)?;
    let selector = payload.data.get(..4).unwrap_or_default();
    Ok(tried.map_err(|reject| Unanswered::Refused(Box::new(reject))).map(|events| {
        if selector == Mining::submitWorkProofCall::SELECTOR {
            reward(&events).abi_encode().into()
        } else {
            Bytes::new()
        }
    }))
}

/// What a result is minted and paid at once; 0 when it waits for its review.
fn reward(events: &[Event]) -> U256 {
    events.iter().fold(U256::ZERO, |sum, event| match event {
        Event::Settled { reward, paid, .. } => sum.saturating_add(wei(*reward)).saturating_add(wei(*paid)),
        _ => sum,
    })
}

/// Gas of the transaction that does what is asked for.
pub(super) fn gas_of(published: &Published, call: &CallRequest) -> Result<Result<u64, Unanswered>, StateError> {
    let action = match action(&asked(call)) {
        Ok(action) => action,
        Err(error) => return Ok(Err(error.into())),
    };
    if let Some(from) = call.from {
        let tried = published.snapshot.simulate(&address(from), &action)?;
        if let Err(reject) = tried {
            return Ok(Err(Unanswered::Refused(Box::new(reject))));
        }
    }
    let machine = &published.snapshot;
    // Only its length matters, which neither numbers nor signature change.
    let signature = Signature { form: Form::FeeMarket { priority_wei: 0 }, odd: false, r: [0; 32], s: [0; 32] };
    let transaction = Transaction {
        chain_id: machine.genesis().chain_id(),
        genesis: *machine.genesis_hash(),
        nonce: 0,
        gas_limit: 0,
        gas_price: 0,
        action,
    };
    let authorisation = Authorisation::Secp256k1(signature);
    let more = gas::signature(&authorisation);
    let signed = SignedTransaction { transaction, authorisation };
    let used = gas::used(&signed.transaction.action, signed.to_bytes().len()).and_then(|used| used.checked_add(more));
    let overflow = || Unanswered::Refused(Box::new(Reject::AmountOverflow { what: "gas" }));
    Ok(used.ok_or_else(overflow))
}
