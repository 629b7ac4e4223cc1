//! Moving tokens.

use super::{Call, Execution, Failure, Reject};
use crate::types::event::Event;
use crate::types::transaction::Transfer;

/// Moves an amount from the sender to an account; to itself, nothing moves.
// spec: chain#transfer
pub(crate) fn transfer(execution: &mut Execution<'_>, call: Call<'_>, action: &Transfer) -> Result<(), Failure> {
    // spec: chain#amount-zero
    if action.amount == 0 {
        return Err(Reject::AmountZero { what: "transfer" }.into());
    }
    execution.debit(call.sender, action.amount)?;
    execution.credit(&action.to, action.amount)?;
    execution.events.push(Event::Transferred { from: *call.sender, to: action.to, amount: action.amount });
    Ok(())
}
