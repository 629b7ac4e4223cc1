//! Equivocation: a worker that signed two outputs for one leased context.
//!
//! A leased context is run once, in integers that come out the same on every machine, so an honest worker never signs a
//! second output, whatever it is asked to. The offence needs no jury: two signatures are the proof.

use attestation::receipt::ReceiptError;

use super::reject::exchange::ExchangeReject;
use super::review::{dispute::distribute, verdict::take_stake};
use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::state::object::Spent;
use crate::types::event::Event;
use crate::types::job::WorkLease;
use crate::types::transaction::ReportMisbehaviour;
use crate::types::worker::WorkerRegistration;

/// Punishes a worker once for each context.
// spec: chain#report-misbehaviour
pub(crate) fn report(
    execution: &mut Execution<'_>,
    call: Call<'_>,
    action: &ReportMisbehaviour,
) -> Result<(), Failure> {
    let environment = execution.environment;
    let ReportMisbehaviour { lease: id, first, second } = action;
    let lease: Option<WorkLease> = execution.state.get(&Key::Lease(*id))?;
    let lease = lease.ok_or(Reject::LeaseUnknown { lease: *id })?;
    let worker = lease.context.worker;
    // spec: chain#not-conflicting
    let contexts = [first, second].iter().all(|signed| signed.receipt.context == lease.context);
    if !contexts || first.receipt.output_hash == second.receipt.output_hash {
        return Err(ExchangeReject::NotConflicting { lease: *id }.into());
    }
    // spec: chain#misbehaviour-old
    let until = lease.closes_height.saturating_add(environment.params.window.evidence_age);
    if environment.height > until {
        return Err(ExchangeReject::MisbehaviourOld { lease: *id, until }.into());
    }
    let key = Key::Equivocation(*id);
    // spec: chain#punished-already
    if let Some(spent) = execution.state.get::<Spent>(&key)? {
        return Err(ExchangeReject::PunishedAlready { lease: *id, height: spent.height }.into());
    }
    for signed in [first, second] {
        match signed.verify() {
            // When it was completed does not matter: it was signed.
            Ok(()) | Err(ReceiptError::CompletedBeforeLease { .. }) => {}
            Err(error) => return Err(Reject::ReceiptInvalid(error).into()),
        }
    }
    execution.state.put(&key, Spent { lease: *id, height: environment.height })?;
    punish(execution, call, &worker)
}

/// Takes the least stake of a worker, or all of it on repeat; the reporter has the winner's share.
// spec: chain#equivocation
fn punish(execution: &mut Execution<'_>, call: Call<'_>, id: &[u8; 32]) -> Result<(), Failure> {
    let mut worker: WorkerRegistration = execution.state.expect(&Key::Worker(*id))?;
    worker.convictions = worker.convictions.saturating_add(1);
    worker.version = worker.version.saturating_add(1);
    let repeated = worker.is_banned();
    execution.state.put(&Key::Worker(*id), worker)?;
    let most = if repeated { u128::MAX } else { execution.environment.params.bond.worker_stake_min };
    let slashed = take_stake(execution, id, most)?;
    distribute(execution, slashed, call.sender, &[])?;
    execution.events.push(Event::Equivocated { worker: *id, reporter: *call.sender, slashed });
    Ok(())
}
