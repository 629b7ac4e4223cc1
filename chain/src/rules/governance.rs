//! Governance: proposing, voting, and the edge of an epoch at which a change takes effect.
//!
//! One proposal that passed waits at a time, and two changes lie a cooldown apart. The cooldown is at least the unbonding
//! period, so that whatever unbonds when parameters change was queued under the parameters before, and I5 is judged for both
//! at once: the longest windows of the two against the shorter unbonding.

use super::reject::governance::GovernanceReject;
use super::{Call, Execution, Failure, Reject, stake, timer};
use crate::economics::invariants::check_unbonding;
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::event::{Event, ProposalEnded, Proposed, Voted};
use crate::types::governance::{Change, Governance, LastProposal, Proposal, ProposalStatus, Vote};
use crate::types::ids::{Hash, object_id};
use crate::types::ledger::{Stake, Supply};
use crate::types::params::{Params, WindowParams};
use crate::types::teleport::{Link, Peer};
use crate::types::timer::TimerKind;
use crate::types::transaction::{CastVote, Propose};

/// Opens a vote.
// spec: chain#propose
pub(crate) fn propose(execution: &mut Execution<'_>, call: Call<'_>, action: &Propose) -> Result<(), Failure> {
    let environment = execution.environment;
    let params = environment.params.governance;
    stake::operated(execution, &action.worker, call.sender)?;
    voice(execution, &action.worker)?;
    let key = Key::LastProposal(action.worker);
    if let Some(last) = execution.state.get::<LastProposal>(&key)? {
        let until = last.height.saturating_add(params.cooldown);
        // spec: chain#proposal-cooldown
        if environment.height <= until {
            return Err(GovernanceReject::Cooldown { worker: action.worker, until }.into());
        }
    }
    check_change(execution, &action.change)?;
    let id = object_id(call.id, 0);
    let voting_until = environment.height.saturating_add(params.voting);
    timer::set(execution, TimerKind::Vote, voting_until, id)?;
    execution.state.put(&key, LastProposal { height: environment.height })?;
    let proposal = Proposal {
        version: 1,
        proposer: action.worker,
        change: action.change.clone(),
        voting_until,
        yes: 0,
        no: 0,
        status: ProposalStatus::Voting,
    };
    execution.state.put(&Key::Proposal(id), proposal)?;
    execution.events.push(Event::Proposed(Proposed { proposal: id, worker: action.worker, voting_until }));
    Ok(())
}

/// Casts the votes of a worker's stake.
// spec: chain#vote
pub(crate) fn vote(execution: &mut Execution<'_>, call: Call<'_>, action: &CastVote) -> Result<(), Failure> {
    let CastVote { proposal: id, worker, yes } = *action;
    stake::operated(execution, &worker, call.sender)?;
    // spec: chain#proposal-unknown
    let proposal: Option<Proposal> = execution.state.get(&Key::Proposal(id))?;
    let mut proposal = proposal.ok_or(GovernanceReject::ProposalUnknown { proposal: id })?;
    // spec: chain#vote-over
    if proposal.status != ProposalStatus::Voting {
        return Err(GovernanceReject::VoteOver { proposal: id, until: proposal.voting_until }.into());
    }
    let votes = voice(execution, &worker)?;
    let key = Key::Vote(id, worker);
    // spec: chain#voted-already
    if execution.state.contains(&key)? {
        return Err(GovernanceReject::VotedAlready { proposal: id, worker }.into());
    }
    let side = if yes { &mut proposal.yes } else { &mut proposal.no };
    *side = side.checked_add(votes).ok_or(Reject::AmountOverflow { what: "votes" })?;
    proposal.version = proposal.version.saturating_add(1);
    execution.state.put(&Key::Proposal(id), proposal)?;
    execution.state.put(&key, Vote { votes, yes })?;
    execution.events.push(Event::Voted(Voted { proposal: id, worker, votes, yes }));
    Ok(())
}

/// Ends a vote: a majority behind which a quorum of all free stake stands passes.
// spec: chain#vote-result
pub(crate) fn count(execution: &mut Execution<'_>, id: &Hash) -> Result<(), StateError> {
    let key = Key::Proposal(*id);
    let mut proposal: Proposal = execution.state.expect(&key)?;
    let supply: Supply = execution.state.expect(&Key::Supply)?;
    let mut governance = remembered(execution)?;
    let params = execution.environment.params.governance;
    let passes = proposal.yes > proposal.no && params.is_quorum(proposal.yes, supply.held.stake);
    proposal.status = if passes && governance.scheduled.is_none() {
        governance.scheduled = Some(*id);
        // Only one change waits at a time, so none comes between this one and its height.
        let height = due(execution, governance.changed_height);
        timer::place(execution, TimerKind::Change, height, *id)?;
        execution.state.put(&Key::Governance, governance)?;
        ProposalStatus::Scheduled
    } else {
        ProposalStatus::Rejected
    };
    conclude(execution, id, proposal)
}

/// At the end of the last block of an epoch: puts the change that waits into force, if the rules of the day still allow it.
// spec: chain#change
pub(crate) fn edge(execution: &mut Execution<'_>, id: &Hash) -> Result<(), StateError> {
    let mut governance = remembered(execution)?;
    let mut proposal: Proposal = execution.state.expect(&Key::Proposal(*id))?;
    governance.scheduled = None;
    proposal.status = match check_change(execution, &proposal.change) {
        Ok(()) => {
            governance.changed_height = Some(execution.environment.height);
            put_in_force(execution, &proposal.change)?;
            ProposalStatus::Active
        }
        Err(Failure::Refused(_)) => ProposalStatus::Void,
        Err(Failure::Fault(error)) => return Err(error),
    };
    execution.state.put(&Key::Governance, governance)?;
    conclude(execution, id, proposal)
}

/// Last block of the first epoch that ends a cooldown after the last change, now or later.
fn due(execution: &Execution<'_>, changed_height: Option<u64>) -> u64 {
    let environment = execution.environment;
    let cooldown = environment.params.governance.cooldown;
    let earliest = changed_height.map_or(0, |changed| changed.saturating_add(cooldown)).max(environment.height);
    let length = environment.params.block.epoch_blocks;
    let begun = earliest.checked_div(length).unwrap_or(0).saturating_mul(length);
    begun.saturating_add(length.saturating_sub(1))
}

fn put_in_force(execution: &mut Execution<'_>, change: &Change) -> Result<(), StateError> {
    match change {
        Change::Params(params) => execution.state.put(&Key::Params, **params),
        Change::Link(peer) => {
            let key = Key::Link(peer.chain_id);
            let link: Option<Link> = execution.state.get(&key)?;
            // What moved between the two is kept, so that tokens which are away can still come back.
            let (sent, received) = link.map_or((0, 0), |link| (link.sent, link.received));
            execution.state.put(&key, Link { peer: peer.clone(), sent, received })
        }
    }
}

fn conclude(execution: &mut Execution<'_>, id: &Hash, mut proposal: Proposal) -> Result<(), StateError> {
    proposal.version = proposal.version.saturating_add(1);
    execution.events.push(Event::ProposalEnded(ProposalEnded { proposal: *id, status: proposal.status }));
    execution.state.put(&Key::Proposal(*id), proposal)
}

fn remembered(execution: &mut Execution<'_>) -> Result<Governance, StateError> {
    Ok(execution.state.get(&Key::Governance)?.unwrap_or_default())
}

/// Votes of the stake behind a worker; what unbonds has none.
fn voice(execution: &mut Execution<'_>, worker: &Hash) -> Result<u64, Failure> {
    let stake: Stake = execution.state.expect(&Key::Stake(*worker))?;
    let behind = stake.amount.checked_add(stake.bonded).ok_or(Reject::AmountOverflow { what: "stake" })?;
    let params = execution.environment.params.governance;
    // spec: chain#tier-missing
    match params.votes(behind) {
        0 => Err(GovernanceReject::TierMissing { worker: *worker, needed: params.tier_stake, got: behind }.into()),
        votes => Ok(votes),
    }
}

/// Whether a change could take effect now.
fn check_change(execution: &mut Execution<'_>, change: &Change) -> Result<(), Failure> {
    let environment = execution.environment;
    match change {
        Change::Params(params) => Ok(check_params(environment.initial, environment.params, params)?),
        Change::Link(peer) => {
            let link: Option<Link> = execution.state.get(&Key::Link(peer.chain_id))?;
            Ok(check_peer(environment.chain_id, environment.genesis, link.as_ref(), peer)?)
        }
    }
}

/// Parameters within their bounds, the hard ones of genesis, and every inequality, also for what is under way.
fn check_params(initial: &Params, current: &Params, next: &Params) -> Result<(), Reject> {
    // Epochs are counted from genesis, and every node holds setups of the size that genesis states.
    // spec: chain#parameter-fixed
    for (name, expected, got) in [
        ("block.epoch_blocks", initial.block.epoch_blocks, next.block.epoch_blocks),
        ("model.k_max", initial.model.k_max.into(), next.model.k_max.into()),
    ] {
        if expected != got {
            return Err(GovernanceReject::Fixed { name, expected, got }.into());
        }
    }
    // Governance must not print money.
    // spec: chain#parameter-above-genesis
    for (name, max, got) in [
        ("reward.base_per_unit", initial.reward.base_per_unit, next.reward.base_per_unit),
        ("reward.cost_floor_per_unit", initial.reward.cost_floor_per_unit, next.reward.cost_floor_per_unit),
    ] {
        if got > max {
            return Err(GovernanceReject::AboveGenesis { name, max, got }.into());
        }
    }
    // spec: chain#parameters-refused
    next.check().map_err(GovernanceReject::Params)?;
    let transition = longest(&current.window, &next.window);
    check_unbonding(&transition).map_err(GovernanceReject::Params)?;
    Ok(())
}

/// The longest windows of two sets against the shorter unbonding of both.
fn longest(current: &WindowParams, next: &WindowParams) -> WindowParams {
    WindowParams {
        lease_standard: current.lease_standard.max(next.lease_standard),
        lease_large: current.lease_large.max(next.lease_large),
        grace: current.grace.max(next.grace),
        challenge: current.challenge.max(next.challenge),
        draw: current.draw.max(next.draw),
        review: current.review.max(next.review),
        appeal: current.appeal.max(next.appeal),
        evidence_age: current.evidence_age.max(next.evidence_age),
        unbonding: current.unbonding.min(next.unbonding),
        job_max: current.job_max.max(next.job_max),
    }
}

/// Another chain, and under a number that is linked already the same one.
fn check_peer(chain_id: u32, genesis: &Hash, link: Option<&Link>, peer: &Peer) -> Result<(), Reject> {
    let linked = link.map(|link| link.peer.genesis);
    // spec: chain#link-invalid
    if peer.chain_id == chain_id || peer.genesis == *genesis || linked.is_some_and(|linked| linked != peer.genesis) {
        return Err(GovernanceReject::LinkInvalid { chain_id: peer.chain_id, genesis: peer.genesis }.into());
    }
    Ok(())
}
