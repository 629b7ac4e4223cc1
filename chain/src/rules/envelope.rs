//! What every transaction must satisfy, whatever it does: chain, price, gas, nonce, fee.

use super::{Environment, Execution, Failure, Reject};
use crate::economics::{gas, share};
use crate::state::keys::Key;
use crate::types::transaction::CheckedTransaction;

/// What can be judged without the sender's account; returns the gas used and the fee.
// spec: chain#envelope
pub(crate) fn check(environment: &Environment<'_>, checked: &CheckedTransaction) -> Result<(u64, u128), Reject> {
    let transaction = checked.transaction();
    // spec: chain#chain-mismatch
    if transaction.chain_id != environment.chain_id {
        return Err(Reject::ChainMismatch { expected: environment.chain_id, got: transaction.chain_id });
    }
    // spec: chain#genesis-mismatch
    if transaction.genesis != *environment.genesis {
        return Err(Reject::GenesisMismatch { expected: *environment.genesis, got: transaction.genesis });
    }
    // spec: chain#gas-price-low
    let expected = environment.params.fee.gas_price_min;
    if transaction.gas_price < expected {
        return Err(Reject::GasPriceLow { expected, got: transaction.gas_price });
    }
    let used = gas::used(&transaction.action, checked.bytes().len())
        .and_then(|used| used.checked_add(gas::signature(checked.authorisation())));
    let used = used.ok_or(Reject::AmountOverflow { what: "gas" })?;
    // spec: chain#gas-limit-low
    if transaction.gas_limit < used {
        return Err(Reject::GasLimitLow { expected: used, got: transaction.gas_limit });
    }
    // spec: chain#gas-limit-high
    let max = environment.params.block.gas_max;
    if transaction.gas_limit > max {
        return Err(Reject::GasLimitHigh { max, got: transaction.gas_limit });
    }
    let fee = transaction.gas_price.checked_mul(transaction.gas_limit.into());
    Ok((used, fee.ok_or(Reject::AmountOverflow { what: "fee" })?))
}

/// Checks the envelope, advances the sender's nonce and takes the fee; returns gas used and fee.
///
/// A share of the fee is burned and the rest goes to the treasury.
pub(crate) fn charge(execution: &mut Execution<'_>, checked: &CheckedTransaction) -> Result<(u64, u128), Failure> {
    let environment = execution.environment;
    let (used, fee) = check(&environment, checked)?;
    let mut account = execution.account(checked.sender())?;
    // spec: chain#nonce-mismatch
    let got = checked.transaction().nonce;
    if got != account.nonce {
        return Err(Reject::NonceMismatch { expected: account.nonce, got }.into());
    }
    let overflow = |what| Reject::AmountOverflow { what };
    account.nonce = account.nonce.checked_add(1).ok_or(overflow("nonce"))?;
    execution.state.put(&Key::Account(*checked.sender()), account)?;
    let burned = share(fee, environment.params.fee.burned_bps).ok_or(overflow("fee"))?;
    let rest = fee.checked_sub(burned).ok_or(overflow("fee"))?;
    execution.debit(checked.sender(), fee)?;
    execution.burn(burned)?;
    execution.collect(rest)?;
    Ok((used, fee))
}
