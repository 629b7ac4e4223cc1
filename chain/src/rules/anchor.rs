//! Anchoring receipts.

use super::reject::exchange::ExchangeReject;
use super::{Call, Execution, Failure};
use crate::state::keys::Key;
use crate::types::anchor::{COORDINATOR_DOMAIN, ReceiptAnchor, anchor_message};
use crate::types::event::Event;
use crate::types::transaction::AnchorReceipt;

/// Records a receipt's digest.
// spec: chain#anchor-receipt
pub(crate) fn anchor(execution: &mut Execution<'_>, call: Call<'_>, action: &AnchorReceipt) -> Result<(), Failure> {
    let environment = execution.environment;
    let receipt = action.receipt;
    let key = Key::Anchor(receipt);
    // spec: chain#anchor-duplicate
    if let Some(anchor) = execution.state.get::<ReceiptAnchor>(&key)? {
        return Err(ExchangeReject::AnchorDuplicate { receipt, height: anchor.height }.into());
    }
    let coordinator = match &action.coordinator {
        Some(signed) => {
            let message = anchor_message(environment.genesis, &receipt);
            let verified = signed.public_key.verify(COORDINATOR_DOMAIN, &message, &signed.signature);
            // spec: chain#co-signature-invalid
            verified.map_err(|error| ExchangeReject::CoSignatureInvalid { receipt, error })?;
            Some(signed.public_key.address())
        }
        None => None,
    };
    execution.state.put(&key, ReceiptAnchor { sender: *call.sender, coordinator, height: environment.height })?;
    execution.events.push(Event::Anchored { receipt, coordinator });
    Ok(())
}
