//! Reviews: how a result without a proof becomes final.
//!
//! A review is a chain of stages, each ended by one timer: a draw by the beacon of a later block, perhaps a check, the
//! rest of the challenge window, and in a dispute the time to answer with a proof and a jury. Nothing is minted before
//! the last of them. Where nobody can be drawn the result is void: a job whose check was drawn is never paid unchecked.

pub(crate) mod appeal;
pub(crate) mod canary;
pub(crate) mod check;
pub(crate) mod dispute;
pub(crate) mod draw;
pub(crate) mod verdict;

use super::{Execution, Failure, timer};
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{JobResult, ResultStage};
use crate::types::review::SpotCheck;
use crate::types::timer::TimerKind;

/// Puts an accepted result under review.
// spec: chain#review
pub(crate) fn open(execution: &mut Execution<'_>, result: &Hash, mut record: JobResult) -> Result<(), Failure> {
    let environment = execution.environment;
    let draw = environment.height.saturating_add(environment.params.window.draw);
    record.timer = Some(timer::set(execution, TimerKind::Review, draw, *result)?);
    let (job, closes_height) = (record.job, record.closes_height);
    execution.events.push(Event::ResultPending { result: *result, job, closes_height });
    store(execution, result, record)
}

/// Ends the stage that a result is in.
pub(crate) fn advance(execution: &mut Execution<'_>, result: &Hash) -> Result<(), StateError> {
    let record: JobResult = execution.state.expect(&Key::Result(*result))?;
    match record.stage {
        ResultStage::Drawing => draw::checker(execution, result, record)?,
        ResultStage::CheckCommit | ResultStage::CheckReveal => check::silent(execution, result, record)?,
        ResultStage::Waiting => verdict::stands(execution, result, record)?,
        ResultStage::Answering => draw::jury(execution, result, record)?,
        ResultStage::Appealing => appeal::advance(execution, result, record)?,
        ResultStage::JuryCommit => enter(execution, result, record, ResultStage::JuryReveal)?,
        ResultStage::JuryReveal => dispute::decide(execution, result, record)?,
        ResultStage::Settled | ResultStage::Convicted | ResultStage::Void | ResultStage::Canary => {}
    }
    Ok(())
}

/// Enters a stage that lasts one review window.
pub(crate) fn enter(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: JobResult,
    stage: ResultStage,
) -> Result<(), Failure> {
    let environment = execution.environment;
    let until = environment.height.saturating_add(environment.params.window.review);
    enter_until(execution, result, record, stage, until)
}

/// Enters a stage that ends with the block `until`, in place of the one before.
pub(crate) fn enter_until(
    execution: &mut Execution<'_>,
    result: &Hash,
    mut record: JobResult,
    stage: ResultStage,
    until: u64,
) -> Result<(), Failure> {
    if let Some(slot) = record.timer.take() {
        timer::cancel(execution, &slot)?;
    }
    let until = until.max(execution.environment.height.saturating_add(1));
    record.timer = Some(timer::place(execution, TimerKind::Review, until, *result)?);
    record.stage = stage;
    store(execution, result, record)
}

/// Makes a result final.
pub(crate) fn finish(
    execution: &mut Execution<'_>,
    result: &Hash,
    mut record: JobResult,
    stage: ResultStage,
) -> Result<(), Failure> {
    if let Some(slot) = record.timer.take() {
        timer::cancel(execution, &slot)?;
    }
    record.stage = stage;
    store(execution, result, record)
}

/// Last height of the stage a result is in.
pub(crate) fn until(record: &JobResult) -> u64 {
    record.timer.map_or(record.closes_height, |slot| slot.height)
}

/// The check of a result, if one was drawn.
pub(crate) fn spot_check(execution: &mut Execution<'_>, result: &Hash) -> Result<Option<SpotCheck>, StateError> {
    execution.state.get(&Key::SpotCheck(*result))
}

fn store(execution: &mut Execution<'_>, result: &Hash, mut record: JobResult) -> Result<(), Failure> {
    record.version = record.version.saturating_add(1);
    record.height = execution.environment.height;
    Ok(execution.state.put(&Key::Result(*result), record)?)
}
