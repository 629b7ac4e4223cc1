//! The issuing authority: issuing within its cap, and giving the mint away, once and for good.

use super::reject::exchange::ExchangeReject;
use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::authority::{APPROVAL_DOMAIN, Approval, Decision, MintAuthority, approval_message};
use crate::types::event::Event;
use crate::types::ids::Address;
use crate::types::transaction::Authorise;

/// Carries out a decision that enough keys approved.
// spec: chain#mint-authority
pub(crate) fn authorise(execution: &mut Execution<'_>, _: Call<'_>, action: &Authorise) -> Result<(), Failure> {
    let genesis = *execution.environment.genesis;
    let authority: Option<MintAuthority> = execution.state.get(&Key::MintAuthority)?;
    // spec: chain#authority-transferred
    let transferred = |height| ExchangeReject::AuthorityTransferred { height };
    let mut authority = authority.ok_or(transferred(0))?;
    if let Some(height) = authority.transferred_height {
        return Err(transferred(height).into());
    }
    let message = approval_message(&genesis, authority.decisions, &action.decision);
    check_approvals(&authority, &message, &action.approvals)?;
    authority.decisions = authority.decisions.saturating_add(1);
    match action.decision {
        Decision::Issue { to, amount } => issue(execution, &mut authority, &to, amount)?,
        Decision::Transfer => {
            let height = execution.environment.height;
            authority.transferred_height = Some(height);
            execution.events.push(Event::AuthorityTransferred { issued: authority.issued });
        }
    }
    Ok(execution.state.put(&Key::MintAuthority, authority)?)
}

fn issue(
    execution: &mut Execution<'_>,
    authority: &mut MintAuthority,
    to: &Address,
    amount: u128,
) -> Result<(), Failure> {
    if amount == 0 {
        return Err(Reject::AmountZero { what: "issue" }.into());
    }
    let MintAuthority { cap, issued, .. } = *authority;
    // spec: chain#issue-above-cap
    let above = ExchangeReject::IssueAboveCap { cap, issued, amount };
    authority.issued = issued.checked_add(amount).filter(|issued| *issued <= cap).ok_or(above)?;
    execution.mint(to, amount)?;
    execution.events.push(Event::Issued { to: *to, amount });
    Ok(())
}

/// Approvals by enough keys of the authority, each once.
fn check_approvals(authority: &MintAuthority, message: &[u8], approvals: &[Approval]) -> Result<(), ExchangeReject> {
    let mut previous: Option<Address> = None;
    for (position, Approval { public_key, signature }) in approvals.iter().enumerate() {
        let address = public_key.address();
        let ascends = previous.is_none_or(|previous| previous < address);
        let known = authority.keys.contains(public_key);
        // spec: chain#approval-invalid
        if !ascends || !known || public_key.verify(APPROVAL_DOMAIN, message, signature).is_err() {
            return Err(ExchangeReject::ApprovalInvalid { position, decision: authority.decisions });
        }
        previous = Some(address);
    }
    // spec: chain#approvals-short
    let got = u32::try_from(approvals.len()).unwrap_or(u32::MAX);
    if got < authority.threshold {
        return Err(ExchangeReject::ApprovalsShort { needed: authority.threshold, got });
    }
    Ok(())
}
