//! Disputes: a result called wrong is answered with a proof, or a jury re-runs it and its majority decides.

use circuits::statement::Statement;

use super::check::known;
use super::{appeal, enter, verdict};
use crate::economics::audit;
use crate::rules::result::check::{job_input, one_proof};
use crate::rules::{Call, Execution, Failure, Reject, stake};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::job::{InferenceJob, JobResult, ResultStage, WorkLease};
use crate::types::model::Model;
use crate::types::review::{Dispute, Seat};
use crate::types::transaction::{AnswerWithProof, Challenge};

/// Disputes a result on the sender's own bond.
// spec: chain#challenge
pub(crate) fn challenge(execution: &mut Execution<'_>, call: Call<'_>, action: &Challenge) -> Result<(), Failure> {
    let result = action.result;
    let record = known(execution, &result)?;
    // spec: chain#result-final
    if record.stage.is_final() {
        return Err(Reject::ResultFinal { result }.into());
    }
    // spec: chain#result-disputed
    if record.stage.is_disputed() {
        return Err(Reject::ResultDisputed { result }.into());
    }
    // Who is about to be found wrong must not accuse itself for the accuser's share.
    // spec: chain#check-runs
    if matches!(record.stage, ResultStage::CheckCommit | ResultStage::CheckReveal) {
        return Err(Reject::CheckRuns { result, until: super::until(&record) }.into());
    }
    // spec: chain#challenge-bond-low
    let needed = execution.environment.params.bond.challenge_min;
    if action.bond < needed {
        return Err(Reject::ChallengeBondLow { needed, got: action.bond }.into());
    }
    execution.debit(call.sender, action.bond)?;
    open(execution, &result, record, *call.sender, None, action.bond)
}

/// Starts a dispute: first its worker may answer.
// spec: chain#dispute
pub(crate) fn open(
    execution: &mut Execution<'_>,
    result: &Hash,
    mut record: JobResult,
    accuser: Address,
    checker: Option<Hash>,
    bond: u128,
) -> Result<(), Failure> {
    let dispute = Dispute { version: 1, accuser, checker, bond, seats: Vec::new(), verdict: None };
    execution.state.put(&Key::Dispute(*result), dispute)?;
    let environment = execution.environment;
    let answer_until = environment.height.saturating_add(environment.params.window.review);
    execution.events.push(Event::Disputed { result: *result, accuser, answer_until });
    record.draws = 0;
    enter(execution, result, record, ResultStage::Answering)
}

/// Ends a dispute by a proof of the submitted output: the result is final at a proof's trust, the accuser pays.
// spec: chain#answer-with-proof
pub(crate) fn answer(execution: &mut Execution<'_>, call: Call<'_>, action: &AnswerWithProof) -> Result<(), Failure> {
    let result = action.result;
    let mut record = known(execution, &result)?;
    stake::operated(execution, &record.worker, call.sender)?;
    // spec: chain#answer-closed
    if !matches!(record.stage, ResultStage::Answering | ResultStage::Appealing) {
        return Err(Reject::AnswerClosed { result }.into());
    }
    // spec: chain#proves-another-output
    let got = action.output.hash();
    if got != record.output_hash {
        return Err(Reject::ProvesAnotherOutput { expected: record.output_hash, got }.into());
    }
    let lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
    let job: InferenceJob = execution.state.expect(&Key::Job(record.job))?;
    let model: Model = execution.state.expect(&Key::Model(job.model))?;
    let input = job_input(&job, action.input.as_ref())?.clone();
    let statement = Statement { context_digest: lease.context.digest(), input, output: action.output.clone() };
    one_proof(execution, &job.model, &model, &statement, &action.proof)?;
    record.trust_bps = execution.environment.params.reward.proof_trust_bps;
    appeal::found_right(execution, &result, record, Vec::new())
}

/// The jury's verdict: the output that more than half of all its seats revealed. Without one, another jury is drawn.
// spec: chain#verdict
pub(crate) fn decide(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    let mut dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    let mut seats = std::mem::take(&mut dispute.seats);
    dispute.version = dispute.version.saturating_add(1);
    execution.state.put(&Key::Dispute(*result), dispute)?;
    // spec: chain#silent-juror
    for seat in seats.iter_mut().filter(|seat| seat.revealed.is_none()) {
        verdict::silence(execution, result, seat)?;
    }
    let verdict = majority(&seats);
    seats.retain(|seat| seat.revealed.is_some());
    match verdict {
        Some(output) if output == record.output_hash => appeal::found_right(execution, result, record, seats),
        Some(output) => appeal::found_wrong(execution, result, record, seats, output),
        None => {
            for seat in seats {
                stake::release(execution, &seat.worker, seat.bond)?;
            }
            super::draw::jury(execution, result, record)
        }
    }
}

/// What more than half of the seats revealed; silence is no vote.
#[must_use]
pub fn majority(seats: &[Seat]) -> Option<Hash> {
    let votes = |output: &Hash| seats.iter().filter(|seat| seat.revealed == Some(*output)).count();
    seats.iter().filter_map(|seat| seat.revealed).find(|output| votes(output).saturating_mul(2) > seats.len())
}

/// Slashes `bond` of a loser and pays the winner and the jurors that were right.
// spec: chain#slash-shares
pub(crate) fn distribute(
    execution: &mut Execution<'_>,
    amount: u128,
    winner: &Address,
    jurors: &[Address],
) -> Result<(), Failure> {
    let overflow = Reject::AmountOverflow { what: "slash" };
    let split = audit::split(&execution.environment.params.slash, amount, jurors.len()).ok_or(overflow)?;
    execution.credit(winner, split.winner)?;
    for juror in jurors {
        execution.credit(juror, split.juror)?;
    }
    execution.burn(split.burned)
}
