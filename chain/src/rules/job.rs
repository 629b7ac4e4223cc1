//! Posting jobs, and taking back those that nobody did.

use circuits::model::graph::Graph;
use circuits::model::tensor::Tensor;

use super::model::challenge;
use super::{Call, Execution, Failure, Reject, assignment, timer};
use crate::economics::share;
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::event::Event;
use crate::types::ids::{Hash, object_id};
use crate::types::job::{INPUT_BYTES_MAX, InferenceJob, JobInput, JobPolicy, JobStatus, Opening};
use crate::types::model::Model;
use crate::types::params::BPS;
use crate::types::timer::TimerKind;
use crate::types::transaction::{PostJob, encode};

/// Opens a job and locks its escrow.
// spec: chain#post-job
pub(crate) fn post(execution: &mut Execution<'_>, call: Call<'_>, action: &PostJob) -> Result<(), Failure> {
    let environment = execution.environment;
    check_policy(&action.policy)?;
    // spec: chain#deadline-outside
    let min = environment.height.saturating_add(1);
    let max = environment.height.saturating_add(environment.params.window.job_max);
    if !(min..=max).contains(&action.deadline) {
        return Err(Reject::DeadlineOutside { min, max, got: action.deadline }.into());
    }
    let model: Option<Model> = execution.state.get(&Key::Model(action.model))?;
    let model = model.ok_or(Reject::ModelUnknown { model: action.model })?;
    challenge::check_open(&action.model, &model)?;
    if let JobInput::Inline(tensor) = &action.input {
        check_input(tensor, &model.graph)?;
    }
    // spec: chain#escrow-short
    let price = action.price_per_unit.checked_mul(model.units.into());
    let price = price.ok_or(Reject::AmountOverflow { what: "price times units" })?;
    let needed = if action.policy.proof_required {
        price
    } else {
        // A sampled job may have to pay a check, which is a share of the escrow.
        let check = share(action.escrow, environment.params.fee.check_bps);
        check.and_then(|check| price.checked_add(check)).ok_or(Reject::AmountOverflow { what: "escrow" })?
    };
    if action.escrow < needed {
        return Err(Reject::EscrowShort { needed, got: action.escrow }.into());
    }
    execution.debit(call.sender, action.escrow)?;
    let job = object_id(call.id, 0);
    challenge::remember(execution, &action.model, &model, job)?;
    let timer = timer::set(execution, TimerKind::JobDeadline, action.deadline, job)?;
    let mut opening = Opening::default();
    assignment::open(execution, &mut opening, None);
    let record = InferenceJob {
        version: 1,
        poster: *call.sender,
        model: action.model,
        input: action.input.clone(),
        input_hash: action.input.hash(),
        policy: action.policy,
        class: action.class,
        price_per_unit: action.price_per_unit,
        units: model.units,
        escrow: action.escrow,
        deadline: action.deadline,
        timer,
        status: JobStatus::Open,
        placement: action.placement,
        opening,
    };
    execution.state.put(&Key::Job(job), record)?;
    execution.events.push(Event::JobPosted { job, units: model.units });
    Ok(())
}

/// Opens a job again at which `worker` failed, its escrow untouched.
pub(crate) fn open_again(execution: &mut Execution<'_>, job: &Hash, worker: Hash) -> Result<(), StateError> {
    let key = Key::Job(*job);
    let mut record: InferenceJob = execution.state.expect(&key)?;
    record.status = JobStatus::Open;
    record.version = record.version.saturating_add(1);
    assignment::open(execution, &mut record.opening, Some(worker));
    execution.state.put(&key, record)
}

/// Ends a job that is still open at its deadline: the escrow goes back.
// spec: chain#job-deadline
pub(crate) fn expire(execution: &mut Execution<'_>, job: &Hash) -> Result<(), StateError> {
    let key = Key::Job(*job);
    let mut record: InferenceJob = execution.state.expect(&key)?;
    if record.status != JobStatus::Open {
        return Ok(());
    }
    let returned = std::mem::take(&mut record.escrow);
    record.status = JobStatus::Expired;
    record.version = record.version.saturating_add(1);
    let poster = record.poster;
    execution.state.put(&key, record)?;
    execution.credit(&poster, returned)?;
    execution.events.push(Event::JobExpired { job: *job, returned });
    Ok(())
}

fn check_policy(policy: &JobPolicy) -> Result<(), Reject> {
    let JobPolicy { proof_required: _, trust_bps_min, spot_rate_bps_min } = *policy;
    // spec: chain#policy-invalid
    for (name, got) in [("trust_bps_min", trust_bps_min), ("spot_rate_bps_min", spot_rate_bps_min)] {
        if got > BPS {
            return Err(Reject::PolicyInvalid { name, got });
        }
    }
    Ok(())
}

fn check_input(tensor: &Tensor, graph: &[u8]) -> Result<(), Reject> {
    // spec: chain#input-oversized
    let got = encode(tensor).len();
    if got > INPUT_BYTES_MAX {
        return Err(Reject::InputOversized { max: INPUT_BYTES_MAX, got });
    }
    // spec: chain#input-unfit
    let graph = Graph::decode(graph).map_err(Reject::GraphMalformed)?;
    let input = graph.input();
    if tensor.shape() != input.shape.as_slice() || tensor.first_outside(&input.range).is_some() {
        return Err(Reject::InputUnfit {
            expected: input.shape.clone(),
            min: input.range.min,
            max: input.range.max,
            got: tensor.shape().to_vec(),
        });
    }
    Ok(())
}
