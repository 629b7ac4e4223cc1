//! Checks: a checker or juror commits to the output hash of its own run, and opens the commitment later.
//!
//! The commitment names the worker, so that one cannot be copied into another's name. Reveals are taken only when
//! nobody can commit any more, so that nobody commits to what another has revealed.

use super::{dispute, enter, enter_until, spot_check, verdict};
use crate::economics::audit;
use crate::rules::{Call, Execution, Failure, Reject, stake};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Hash, check_commitment};
use crate::types::job::{JobResult, ResultStage};
use crate::types::review::{Dispute, Seat, SpotCheck};
use crate::types::transaction::{CommitCheck, RevealCheck};

/// Records a commitment.
// spec: chain#commit-check
pub(crate) fn commit(execution: &mut Execution<'_>, call: Call<'_>, action: &CommitCheck) -> Result<(), Failure> {
    stake::operated(execution, &action.worker, call.sender)?;
    let (result, worker) = (action.result, action.worker);
    let record = known(execution, &result)?;
    let mut panel = Panel::sitting(execution, &result, &record)?;
    // spec: chain#commit-late
    let late = Reject::CommitLate { result, until: super::until(&record) };
    let copied = panel.seats().iter().find(|seat| seat.commitment == Some(action.commitment)).map(|seat| seat.worker);
    let seat = panel.seat(&result, &worker)?;
    if !matches!(record.stage, ResultStage::CheckCommit | ResultStage::JuryCommit) {
        return Err(late.into());
    }
    // spec: chain#committed-already
    if seat.commitment.is_some() {
        return Err(Reject::CommittedAlready { result, worker }.into());
    }
    // spec: chain#commitment-copied
    if let Some(worker) = copied {
        return Err(Reject::CommitmentCopied { result, worker }.into());
    }
    seat.commitment = Some(action.commitment);
    let complete = panel.seats().iter().all(|seat| seat.commitment.is_some());
    panel.store(execution, &result)?;
    if !complete {
        return Ok(());
    }
    let next = match record.stage {
        ResultStage::CheckCommit => ResultStage::CheckReveal,
        _ => ResultStage::JuryReveal,
    };
    enter(execution, &result, record, next)
}

/// Opens a commitment; a checker's decides at once, jurors' when the last is open.
// spec: chain#reveal-check
pub(crate) fn reveal(execution: &mut Execution<'_>, call: Call<'_>, action: &RevealCheck) -> Result<(), Failure> {
    stake::operated(execution, &action.worker, call.sender)?;
    let (result, worker) = (action.result, action.worker);
    let mut record = known(execution, &result)?;
    let mut panel = Panel::sitting(execution, &result, &record)?;
    let seat = panel.seat(&result, &worker)?;
    // spec: chain#reveal-early
    if !matches!(record.stage, ResultStage::CheckReveal | ResultStage::JuryReveal) {
        return Err(Reject::RevealEarly { result, until: super::until(&record) }.into());
    }
    // spec: chain#commitment-missing
    let expected = seat.commitment.ok_or(Reject::CommitmentMissing { result, worker })?;
    // spec: chain#revealed-already
    if seat.revealed.is_some() {
        return Err(Reject::RevealedAlready { result, worker }.into());
    }
    // spec: chain#commitment-mismatch
    let got = check_commitment(&result, &worker, &action.output_hash, &action.salt);
    if got != expected {
        return Err(Reject::CommitmentMismatch { result, expected, got }.into());
    }
    seat.revealed = Some(action.output_hash);
    let complete = panel.seats().iter().all(|seat| seat.commitment.is_none() || seat.revealed.is_some());
    panel.store(execution, &result)?;
    match record.stage {
        ResultStage::CheckReveal if action.output_hash == record.output_hash => {
            execution.events.push(Event::CheckPassed { result, worker });
            // Whoever doubts the check has a challenge window of its own.
            let window = execution.environment.params.window.challenge;
            let open = audit::challenge_blocks(window, record.trust_bps);
            let until = execution.environment.height.saturating_add(open);
            record.closes_height = until;
            enter_until(execution, &result, record, ResultStage::Waiting, until)
        }
        ResultStage::CheckReveal => dispute::open(execution, &result, record, *call.sender, Some(worker), 0),
        _ if complete => dispute::decide(execution, &result, record),
        _ => Ok(()),
    }
}

/// A checker that was silent loses a share of its bond, and another is drawn.
// spec: chain#silent-checker
pub(crate) fn silent(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    if let Some(mut check) = spot_check(execution, result)? {
        verdict::silence(execution, result, &mut check.seat)?;
        execution.state.delete(&Key::SpotCheck(*result))?;
    }
    super::draw::checker(execution, result, record)
}

/// The result, if it is known.
pub(crate) fn known(execution: &mut Execution<'_>, result: &Hash) -> Result<JobResult, Failure> {
    // spec: chain#result-unknown
    let record: Option<JobResult> = execution.state.get(&Key::Result(*result))?;
    Ok(record.ok_or(Reject::ResultUnknown { result: *result })?)
}

/// Who reviews a result now.
enum Panel {
    Nobody,
    Checker(Box<SpotCheck>),
    Jury(Box<Dispute>),
}

impl Panel {
    fn sitting(execution: &mut Execution<'_>, result: &Hash, record: &JobResult) -> Result<Self, Failure> {
        Ok(match record.stage {
            ResultStage::CheckCommit | ResultStage::CheckReveal => {
                Self::Checker(Box::new(execution.state.expect(&Key::SpotCheck(*result))?))
            }
            ResultStage::JuryCommit | ResultStage::JuryReveal => {
                Self::Jury(Box::new(execution.state.expect(&Key::Dispute(*result))?))
            }
            _ => Self::Nobody,
        })
    }

    fn seats(&mut self) -> &mut [Seat] {
        match self {
            Self::Nobody => &mut [],
            Self::Checker(check) => std::slice::from_mut(&mut check.seat),
            Self::Jury(dispute) => &mut dispute.seats,
        }
    }

    fn seat(&mut self, result: &Hash, worker: &Hash) -> Result<&mut Seat, Reject> {
        // spec: chain#not-drawn
        let drawn = self.seats().iter_mut().find(|seat| seat.worker == *worker);
        drawn.ok_or(Reject::NotDrawn { result: *result, worker: *worker })
    }

    fn store(self, execution: &mut Execution<'_>, result: &Hash) -> Result<(), Failure> {
        match self {
            Self::Nobody => {}
            Self::Checker(mut check) => {
                check.version = check.version.saturating_add(1);
                execution.state.put(&Key::SpotCheck(*result), *check)?;
            }
            Self::Jury(mut dispute) => {
                dispute.version = dispute.version.saturating_add(1);
                execution.state.put(&Key::Dispute(*result), *dispute)?;
            }
        }
        Ok(())
    }
}
