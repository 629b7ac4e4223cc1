//! Appeals: a jury's verdict against a worker waits for a while, in which the worker can have it judged again.
//!
//! The appeal is bonded, and its jury is larger and of other operators than everybody who had a part so far. What it
//! finds is final. Where no such jury can be drawn the first verdict stands: on a small network an appeal would
//! otherwise be a way out of every conviction.

use super::dispute::distribute;
use super::{enter_until, verdict};
use crate::rules::{Call, Execution, Failure, Reject, stake};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::job::{JobResult, ResultStage, WorkLease};
use crate::types::review::{Dispute, Seat, Verdict};
use crate::types::transaction::Appeal;

/// Seats that an appeal's jury has more than the first.
pub(crate) const MORE_SEATS: u32 = 2;

/// A jury's majority found `output` and not the submitted one: convicts, or lets the worker appeal first.
// spec: chain#appeal
pub(crate) fn found_wrong(
    execution: &mut Execution<'_>,
    result: &Hash,
    mut record: JobResult,
    mut seats: Vec<Seat>,
    output: Hash,
) -> Result<(), Failure> {
    let mut dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    let environment = execution.environment;
    let window = environment.params.window.appeal;
    if let Some(first) = dispute.verdict.take() {
        // The appeal is lost, and pays like a challenge that is.
        let accuser = dispute.accuser;
        store(execution, result, dispute)?;
        let right: Vec<Address> =
            seats.iter().filter(|seat| seat.revealed == Some(output)).map(|seat| seat.operator).collect();
        distribute(execution, first.appeal_bond, &accuser, &right)?;
        seats.extend(first.seats);
    } else if window > 0 {
        dispute.verdict = Some(Verdict { output, seats, appeal_bond: 0 });
        store(execution, result, dispute)?;
        record.draws = 0;
        let until = environment.height.saturating_add(window);
        execution.events.push(Event::FoundWrong { result: *result, appeal_until: until });
        return enter_until(execution, result, record, ResultStage::Appealing, until);
    }
    verdict::convict(execution, result, record, seats, output)
}

/// Asks for a larger jury.
// spec: chain#appeal
pub(crate) fn appeal(execution: &mut Execution<'_>, call: Call<'_>, action: &Appeal) -> Result<(), Failure> {
    let result = action.result;
    let record = super::check::known(execution, &result)?;
    stake::operated(execution, &record.worker, call.sender)?;
    let dispute: Option<Dispute> = execution.state.get(&Key::Dispute(result))?;
    let open = |dispute: &Dispute| dispute.verdict.as_ref().is_some_and(|verdict| verdict.appeal_bond == 0);
    // spec: chain#appeal-closed
    let Some(mut dispute) = dispute.filter(|dispute| record.stage == ResultStage::Appealing && open(dispute)) else {
        return Err(Reject::AppealClosed { result }.into());
    };
    let environment = execution.environment;
    let bond = environment.params.bond.challenge_min;
    execution.debit(call.sender, bond)?;
    if let Some(verdict) = &mut dispute.verdict {
        verdict.appeal_bond = bond;
    }
    store(execution, &result, dispute)?;
    // The beacon of a later block draws the jury: this block's was known to who appeals.
    let draw = environment.height.saturating_add(environment.params.window.draw);
    execution.events.push(Event::Appealed { result, draw_height: draw });
    enter_until(execution, &result, record, ResultStage::Appealing, draw)
}

/// The time to appeal is over, or the appeal's jury is to be drawn.
pub(crate) fn advance(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    let dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    if dispute.verdict.is_some_and(|verdict| verdict.appeal_bond > 0) {
        return super::draw::jury(execution, result, record);
    }
    stands(execution, result, record)
}

/// The first verdict stands; an appeal that nobody could judge has its bond back.
pub(crate) fn stands(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    let first = take(execution, result, &record)?;
    match first {
        Some(Verdict { output, seats, .. }) => verdict::convict(execution, result, record, seats, output),
        None => verdict::void(execution, result, record),
    }
}

/// A proof or a jury showed that the submitted output is right: the first jury, if there was one, was wrong.
pub(crate) fn found_right(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: JobResult,
    mut seats: Vec<Seat>,
) -> Result<(), Failure> {
    if let Some(first) = take(execution, result, &record)? {
        seats.extend(first.seats);
    }
    verdict::acquit(execution, result, record, seats)
}

/// The result ends without a verdict: the bonds of the appeal and of the first jury go back.
pub(crate) fn dissolve(execution: &mut Execution<'_>, result: &Hash, record: &JobResult) -> Result<(), Failure> {
    for seat in take(execution, result, record)?.into_iter().flat_map(|first| first.seats) {
        stake::release(execution, &seat.worker, seat.bond)?;
    }
    Ok(())
}

/// Takes the first verdict off the dispute and returns the bond of the appeal against it.
fn take(execution: &mut Execution<'_>, result: &Hash, record: &JobResult) -> Result<Option<Verdict>, Failure> {
    let mut dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    let verdict = dispute.verdict.take();
    if let Some(verdict) = &verdict {
        store(execution, result, dispute)?;
        let lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
        execution.credit(&lease.operator, verdict.appeal_bond)?;
    }
    Ok(verdict)
}

fn store(execution: &mut Execution<'_>, result: &Hash, mut dispute: Dispute) -> Result<(), Failure> {
    dispute.version = dispute.version.saturating_add(1);
    Ok(execution.state.put(&Key::Dispute(*result), dispute)?)
}
